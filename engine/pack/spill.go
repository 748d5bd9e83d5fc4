package pack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
)

// spills are contents staged outside of memory, because deltas against them
// need them and they are too large to hold.
type spills struct {
	rc    *receiver
	known map[uint32]*source
	last  *source // whose pages are in memory
	pages int     // how many of them there may be
	slow  io.ReadCloser
}

// source is a content that a delta can be applied to.
type source struct {
	paged
}

func newSpills(rc *receiver) *spills { return &spills{rc: rc, known: map[uint32]*source{}} }

func (s *spills) close() { clear(s.known) }

// resolveLarge resolves what was too large for the walkers, and all that is
// made from it, one after the other. Contents that others are based on are
// staged, whatever their size.
func (r *round) resolveLarge() error {
	// The walkers are done, so half of what they had can be pages.
	rest := (r.Memory - r.kept.size) / 2
	r.spills.pages = int(max(pagedCount, rest/int64(r.lim.paged)))
	for len(r.large) > 0 {
		i := r.large[len(r.large)-1]
		r.large = r.large[:len(r.large)-1]
		if r.ctx.Err() != nil {
			return context.Cause(r.ctx)
		}
		if r.t.flags(i)&resolved == 0 {
			if err := r.spills.resolve(i); err != nil {
				return fmt.Errorf("pack entry at offset %d: %w", r.t.offset(i), err)
			}
		}
		from, to := r.kidsOf(i)
		r.large = append(r.large, r.kids[from:to]...)
	}
	return nil
}

// resolve finds the id of one delta.
func (s *spills) resolve(i uint32) error {
	rc := s.rc
	b, _ := rc.t.base(i)
	base, err := s.content(b)
	if err != nil {
		return err
	}
	s.use(base)
	d, err := s.openDelta(i, base.size)
	if err != nil {
		return err
	}
	typ := rc.t.typ(b)
	if d.size <= int64(rc.lim.small) {
		w := &appender{make([]byte, 0, d.size)}
		if err := d.apply(w, base); err != nil {
			return err
		}
		return newNamer(rc).name(i, typ, w.b)
	}
	w, err := rc.newSummed(typ, d.size)
	if err != nil {
		return err
	}
	if err := d.apply(w, base); err != nil {
		w.abort()
		return err
	}
	return rc.foundLarge(i, typ, w)
}

type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.b = append(a.b, p...)
	return len(p), nil
}

// content stages the content of entry i, and before it those that it is made
// from.
func (s *spills) content(i uint32) (*source, error) {
	var chain []uint32
	for s.known[i] == nil {
		chain = append(chain, i)
		if s.rc.t.flags(i)&isDelta == 0 {
			break
		}
		i, _ = s.rc.t.base(i)
	}
	src := s.known[i]
	for k := len(chain) - 1; k >= 0; k-- {
		next, err := s.stage(chain[k], src)
		if err != nil {
			return nil, err
		}
		src = next
		s.known[chain[k]] = next
	}
	return src, nil
}

// stage makes one content from that of its base, nil for an object that is
// whole.
func (s *spills) stage(i uint32, base *source) (*source, error) {
	st, err := s.rc.Staging(fmt.Sprintf("content-%d", s.rc.t.offset(i)))
	if err != nil {
		return nil, err
	}
	var size int64
	if base == nil {
		var in io.Reader
		var h header
		if in, h, err = s.open(i); err == nil {
			size = h.size
			err = inflateTo(st, in, size, &s.slow)
		}
	} else {
		var d *deltaStream
		s.use(base)
		if d, err = s.openDelta(i, base.size); err == nil {
			size = d.size
			err = d.apply(st, base)
		}
	}
	if err != nil {
		st.Abort()
		return nil, err
	}
	r, err := st.Commit()
	if err != nil {
		st.Abort()
		return nil, fmt.Errorf("staging an object of %d bytes: %w", size, err)
	}
	return &source{paged{r: r, size: size, rc: s.rc, pageSize: int64(s.rc.lim.paged), limit: s.pages}}, nil
}

// use says that base is read from now on, so no other needs its pages.
func (s *spills) use(base *source) {
	if s.last != nil && s.last != base {
		s.last.pages = nil
	}
	s.last = base
}

// open returns the zlib stream of entry i, from memory or from staging.
func (s *spills) open(i uint32) (*bufio.Reader, header, error) {
	off, n := s.rc.span(i)
	r := bufio.NewReaderSize(&packReader{rc: s.rc, entry: i, off: off, end: off + n}, int(min(n, int64(s.rc.lim.run))))
	b, err := r.Peek(int(min(n, peekSize)))
	if err != nil {
		return nil, header{}, err
	}
	h, err := parseHeader(b, s.rc.t.idLen)
	if err == nil {
		_, err = r.Discard(h.len)
	}
	return r, h, err
}

// packReader reads one entry's bytes in order.
type packReader struct {
	rc       *receiver
	entry    uint32
	off, end int64
}

func (p *packReader) Read(b []byte) (int, error) {
	n := int(min(int64(len(b)), p.end-p.off))
	if n == 0 {
		return 0, io.EOF
	}
	if k := &p.rc.kept; !k.some {
		var scratch []byte
		kept := k.bytes(p.entry, p.off, n, &scratch)
		if kept == nil {
			return 0, errors.New("bytes of the pack are missing from memory")
		}
		copy(b, kept)
	} else if err := p.rc.readBack(b[:n], p.off); err != nil {
		return 0, err
	}
	p.off += int64(n)
	return n, nil
}

// paged reads a staged content through a few pages of memory.
type paged struct {
	r    io.ReaderAt
	size int64
	rc   *receiver

	pageSize int64
	limit    int // pages held

	mu    sync.Mutex
	pages []page // last used first
}

type page struct {
	off int64
	b   []byte
}

// A staged content takes this much memory at least while it is read.
const (
	pagedSize  = 1 << 20
	pagedCount = 4
)

func (p *paged) ReadAt(b []byte, off int64) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	done := 0
	for done < len(b) {
		at := off + int64(done)
		pg, err := p.page(at - at%p.pageSize)
		if err != nil {
			return done, err
		}
		n := copy(b[done:], pg[at%p.pageSize:])
		if n == 0 {
			return done, io.ErrUnexpectedEOF
		}
		done += n
	}
	return done, nil
}

func (p *paged) page(off int64) ([]byte, error) {
	for k, pg := range p.pages {
		if pg.off == off {
			copy(p.pages[1:k+1], p.pages[:k])
			p.pages[0] = pg
			return pg.b, nil
		}
	}
	var b []byte
	if len(p.pages) == p.limit {
		b = p.pages[p.limit-1].b[:p.pageSize]
		p.pages = p.pages[:p.limit-1]
	} else {
		b = make([]byte, p.pageSize)
	}
	b = b[:max(0, min(p.pageSize, p.size-off))]
	n, err := p.r.ReadAt(b, off)
	p.rc.read.Add(int64(n))
	if n < len(b) {
		return nil, fmt.Errorf("reading back %d bytes of a staged object: %w", len(b), err)
	}
	p.pages = slices.Insert(p.pages, 0, page{off, b})
	return b, nil
}
