package pack

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
)

// Index is what is known of a received pack.
type Index struct {
	Counts  Counts
	Trailer object.ID // the hash that ends the pack, and names it
	Size    int64     // bytes of the pack, trailer included
	// ReadBack is how many bytes were read back from staging so far.
	ReadBack int64

	rc    *receiver
	order []uint32 // entries in the order of their ids
}

func (rc *receiver) index() *Index {
	x := &Index{rc: rc, Trailer: object.IDOf(rc.trailer), Size: rc.end + int64(rc.t.idLen)}
	x.ReadBack = rc.read.Load()
	for i := range rc.t.n {
		f := rc.t.flags(i)
		if f&isDelta != 0 {
			x.Counts.Deltas++
		}
		switch object.Type(f & typeMask) {
		case object.Commit:
			x.Counts.Commit++
		case object.Tree:
			x.Counts.Tree++
		case object.Blob:
			x.Counts.Blob++
		case object.Tag:
			x.Counts.Tag++
		}
	}
	x.Counts.Total = int64(rc.t.n)
	x.order = rc.sorted()
	return x
}

// sorted returns all entries in the order of their ids, and entries of the
// same id in the order of the pack, as git has them.
func (rc *receiver) sorted() []uint32 {
	t := &rc.t
	var starts [257]int
	for i := range t.n {
		starts[int(t.id(i)[0])+1]++
	}
	for b := range 256 {
		starts[b+1] += starts[b]
	}
	order := make([]uint32, t.n)
	next := starts
	for i := range t.n {
		b := t.id(i)[0]
		order[next[b]] = i
		next[b]++
	}
	var bucket atomic.Int32
	var wg sync.WaitGroup
	for range rc.Workers {
		wg.Go(func() {
			for b := bucket.Add(1) - 1; b < 256; b = bucket.Add(1) - 1 {
				slices.SortFunc(order[starts[b]:starts[b+1]], func(i, j uint32) int {
					return cmp.Or(bytes.Compare(t.id(i), t.id(j)), cmp.Compare(i, j))
				})
			}
		})
	}
	wg.Wait()
	return order
}

// Has reports whether the pack has the object.
func (x *Index) Has(id object.ID) bool {
	_, ok := x.find(id.Bytes())
	return ok
}

func (x *Index) find(id []byte) (uint32, bool) {
	at, ok := slices.BinarySearchFunc(x.order, id, func(i uint32, id []byte) int {
		return bytes.Compare(x.rc.t.id(i), id)
	})
	if !ok {
		return 0, false
	}
	return x.order[at], true
}

// IDs yields the ids of all objects in order, as bytes that are not to be
// changed.
func (x *Index) IDs(yield func(id []byte) bool) {
	for _, i := range x.order {
		if !yield(x.rc.t.id(i)) {
			return
		}
	}
}

// WriteIdx writes the index in version 2 of gitformat-pack(5), byte for byte
// what git index-pack writes:
//
//	"\377tOc" | version 2
//	256 numbers: how many ids start with this byte or a lower one
//	N ids | N CRC-32s of entries | N offsets of 31 bits, or with the top bit
//	set the number of one of 64 bits
//	offsets of 64 bits
//	the pack's trailer | hash of all that came before
func (x *Index) WriteIdx(w io.Writer) error { return x.writeIdx(w, 1<<31-1) }

// writeIdx writes offsets over nearMax in 64 bits.
func (x *Index) writeIdx(w io.Writer, nearMax int64) error {
	sum := x.rc.Format.New()
	bw := bufio.NewWriterSize(io.MultiWriter(w, sum), 64<<10)
	t := &x.rc.t
	be := binary.BigEndian
	var b []byte
	put := func(v uint32) {
		b = be.AppendUint32(b[:0], v)
		bw.Write(b)
	}
	bw.WriteString("\377tOc")
	put(2)
	at := 0
	for first := range 256 {
		for at < len(x.order) && int(t.id(x.order[at])[0]) <= first {
			at++
		}
		put(uint32(at))
	}
	for _, i := range x.order {
		bw.Write(t.id(i))
	}
	for _, i := range x.order {
		put(t.crc(i))
	}
	var far []int64
	for _, i := range x.order {
		off := t.offset(i)
		if off > nearMax {
			far = append(far, off)
			off = 1<<31 | int64(len(far)-1)
		}
		put(uint32(off))
	}
	for _, off := range far {
		b = be.AppendUint64(b[:0], uint64(off))
		bw.Write(b)
	}
	bw.Write(x.rc.trailer)
	if err := bw.Flush(); err != nil {
		return err
	}
	_, err := w.Write(sum.Sum(nil))
	return err
}

// Release lets go of the pack's bytes in memory. Content then reads what was
// staged, if it was.
func (x *Index) Release() {
	x.rc.kept = kept{some: true}
	x.rc.pool.drain()
}
