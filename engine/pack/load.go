package pack

import (
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// loaded holds entries that were read back, in order.
type loaded struct {
	entries []uint32
	starts  []uint32 // where they stand in b, and where the last one ends
	b       []byte
}

// bytes returns entry i; nil when it was not read back.
func (l *loaded) bytes(i uint32) []byte {
	if l == nil {
		return nil
	}
	at, ok := slices.BinarySearch(l.entries, i)
	if !ok {
		return nil
	}
	return l.b[l.starts[at]:l.starts[at+1]]
}

const (
	// readGap is the most that is read for nothing to save a request: what
	// a GET costs at AWS (0.0004 $ a thousand) pays for the egress (0.09 $ a
	// GB) of 4 KiB.
	readGap = 4 << 10
	// readRun is the most that one request reads of several entries,
	// readParallel how many requests are under way.
	readRun      = 1 << 20
	readParallel = 8
)

// stretch is a part of the pack that is read at once: some of the entries of
// loaded, from one to before another, and what lies between them.
type stretch struct {
	from, to int
	off, end int64
}

// load reads entries back.
func (r *round) load(entries []uint32, readers int) error {
	r.loaded = nil
	if len(entries) == 0 {
		return nil
	}
	slices.Sort(entries)
	l := &loaded{entries: entries, starts: make([]uint32, 1, len(entries)+1)}
	var todo []stretch
	size := uint32(0)
	for k, i := range entries {
		off, n := r.span(i)
		size += uint32(n)
		l.starts = append(l.starts, size)
		if s := len(todo) - 1; s >= 0 && off-todo[s].end <= readGap && off+n-todo[s].off <= int64(r.lim.run) {
			todo[s].to, todo[s].end = k+1, off+n
			continue
		}
		todo = append(todo, stretch{k, k + 1, off, off + n})
	}
	l.b = make([]byte, size)
	r.loaded = l
	return r.readAll(todo, readers)
}

// readAll reads stretches, with a buffer a reader.
func (r *round) readAll(todo []stretch, readers int) error {
	var next atomic.Int64
	g, ctx := errgroup.WithContext(r.ctx)
	for range readers {
		g.Go(func() error {
			var buf []byte
			for k := next.Add(1) - 1; k < int64(len(todo)); k = next.Add(1) - 1 {
				if err := ctx.Err(); err != nil {
					return err
				}
				s := todo[k]
				buf = grow(buf, int(s.end-s.off))
				if err := r.readBack(buf, s.off); err != nil {
					return err
				}
				for e := s.from; e < s.to; e++ {
					copy(r.loaded.b[r.loaded.starts[e]:r.loaded.starts[e+1]], buf[r.t.offset(r.loaded.entries[e])-s.off:])
				}
			}
			return nil
		})
	}
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

// span returns where in the pack entry i stands.
func (rc *receiver) span(i uint32) (off, n int64) {
	off = rc.t.offset(i)
	if i+1 < rc.t.n {
		return off, rc.t.offset(i+1) - off
	}
	return off, rc.end - off
}

// inMemory returns the bytes of entry i, nil when they are not in memory.
// They may lie in *scratch.
func (r *round) inMemory(i uint32, scratch *[]byte) []byte {
	off, n := r.span(i)
	if r.tooLong(n) {
		return nil
	}
	if b := r.kept.bytes(i, off, int(n), scratch); b != nil {
		return b
	}
	return r.loaded.bytes(i)
}

// bytesOf returns the bytes of entry i, read back if need be.
func (r *round) bytesOf(i uint32, scratch *[]byte) ([]byte, error) {
	if b := r.inMemory(i, scratch); b != nil {
		return b, nil
	}
	off, n := r.span(i)
	if r.tooLong(n) {
		return nil, errLarge
	}
	*scratch = grow(*scratch, int(n))
	return *scratch, r.readBack(*scratch, off)
}

// tooLong reports whether n bytes are too many for one entry in a walker.
func (r *round) tooLong(n int64) bool { return n > int64(r.lim.small) && n > r.limit/8 }
