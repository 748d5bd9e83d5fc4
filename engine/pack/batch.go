package pack

import (
	"fmt"
	"io"
	"slices"

	"golang.org/x/sync/errgroup"
)

// batches cuts the forest, in the order of a walk depth first, into pieces
// for which at most limit bytes must be read back, and marks the members of
// each before it calls do: what is resolved in it and everything up to the
// roots. Without anything to be read back there is one batch.
func (r *round) batches(limit int64, do func(members, roots []uint32) error) error {
	if len(r.roots) == 0 {
		return nil
	}
	b := &batcher{round: r, limit: limit, do: do}
	for _, root := range r.roots {
		if err := b.visit(root, nil); err != nil {
			return err
		}
		b.path = append(b.path[:0], level{entry: root, kids: r.kidsOf(root)})
		for len(b.path) > 0 {
			top := &b.path[len(b.path)-1]
			if len(top.kids) == 0 {
				b.path = b.path[:len(b.path)-1]
				continue
			}
			kid := top.kids[0]
			top.kids = top.kids[1:]
			if err := b.visit(kid, b.path); err != nil {
				return err
			}
			if kids := r.kidsOf(kid); len(kids) > 0 {
				b.path = append(b.path, level{entry: kid, kids: kids})
			}
		}
	}
	return b.flush()
}

type batcher struct {
	*round
	limit   int64
	do      func(members, roots []uint32) error
	path    []level
	members []uint32
	roots   []uint32
	missing int64
}

type level struct {
	entry uint32
	kids  []uint32
}

func (b *batcher) visit(i uint32, path []level) error {
	cost := b.cost(i)
	if b.missing+cost > b.limit && b.missing > 0 {
		if err := b.flush(); err != nil {
			return err
		}
	}
	for _, l := range path {
		b.join(l.entry)
	}
	b.join(i)
	return nil
}

func (b *batcher) join(i uint32) {
	f := b.t.flags(i)
	if f&inWork != 0 {
		return
	}
	b.t.setFlags(i, f|inWork)
	b.members = append(b.members, i)
	if f&isDelta == 0 {
		b.roots = append(b.roots, i)
	}
	b.missing += b.cost(i)
}

// cost is how many bytes must be read back for i, if it is small enough.
func (b *batcher) cost(i uint32) int64 {
	off, n := b.span(i)
	if n > smallMax || b.kept.has(i, off, int(n)) {
		return 0
	}
	return n
}

func (b *batcher) flush() error {
	if len(b.members) == 0 {
		return nil
	}
	err := b.do(b.members, b.roots)
	b.members, b.roots, b.missing = b.members[:0], b.roots[:0], 0
	return err
}

// span returns where in the pack entry i stands.
func (rc *receiver) span(i uint32) (off, n int64) {
	off = rc.t.offset(i)
	if i+1 < rc.t.n {
		return off, rc.t.offset(i+1) - off
	}
	return off, rc.end - off
}

// loaded holds bytes that were read back, as runs of the pack in order.
type loaded struct{ runs []run }

type run struct {
	off int64
	b   []byte
}

// bytes returns n bytes at off; nil when they were not read back.
func (l *loaded) bytes(off int64, n int) []byte {
	if l == nil {
		return nil
	}
	at, ok := slices.BinarySearchFunc(l.runs, off, func(r run, off int64) int {
		if r.off > off {
			return 1
		}
		if r.off+int64(len(r.b)) <= off {
			return -1
		}
		return 0
	})
	if !ok {
		return nil
	}
	r := l.runs[at]
	from := int(off - r.off)
	if from+n > len(r.b) {
		return nil
	}
	return r.b[from : from+n]
}

const (
	// readGap is the most that is read for nothing to save a request: what
	// a GET costs at AWS (0.0004 $ a thousand) pays for the egress (0.09 $ a
	// GB) of 4 KiB, what it takes in time for much more.
	readGap = 16 << 10
	// readRun is the most that one request reads, readParallel how many are
	// under way.
	readRun      = 4 << 20
	readParallel = 4
)

// load reads back what of members is not at hand: limit bytes at most, should
// the way to the root of a single delta be longer than that. The others are
// then resolved like large ones.
func (r *round) load(members []uint32, limit int64) error {
	r.loaded = nil
	var missing []uint32
	for _, i := range members {
		if off, n := r.span(i); n <= smallMax && !r.kept.has(i, off, int(n)) {
			if limit -= n; limit < 0 {
				break
			}
			missing = append(missing, i)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	type span struct{ off, end int64 }
	var spans []span
	for _, i := range missing {
		off, n := r.span(i)
		if k := len(spans) - 1; k >= 0 && off-spans[k].end <= readGap && off+n-spans[k].off <= readRun {
			spans[k].end = off + n
			continue
		}
		spans = append(spans, span{off, off + n})
	}
	l := &loaded{runs: make([]run, len(spans))}
	g, ctx := errgroup.WithContext(r.ctx)
	g.SetLimit(readParallel)
	for k, s := range spans {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			b := make([]byte, s.end-s.off)
			l.runs[k] = run{s.off, b}
			return r.readBack(b, s.off)
		})
	}
	r.loaded = l
	return g.Wait()
}

// readBack fills b with the pack's bytes at off.
func (rc *receiver) readBack(b []byte, off int64) error {
	n, err := rc.staged.ReadAt(b, off)
	rc.read.Add(int64(n))
	if n == len(b) {
		return nil
	}
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("reading back %d bytes of the staged pack: %w", len(b), err)
}

// bytesOf returns the bytes of entry i, nil when they are not in memory. They
// may lie in *scratch.
func (r *round) bytesOf(i uint32, scratch *[]byte) []byte {
	off, n := r.span(i)
	if n > smallMax && (r.kept.some || n > r.limit/4) {
		return nil
	}
	if b := r.kept.bytes(i, off, int(n), scratch); b != nil {
		return b
	}
	return r.loaded.bytes(off, int(n))
}
