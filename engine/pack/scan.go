package pack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zlib"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/pack/inflate"
)

// Types of entries that are not types of objects.
const (
	ofsDelta = 6
	refDelta = 7
)

// scanner reads the pack once, from the network.
type scanner struct {
	*receiver
	in      *input
	inflate inflate.Decoder
	delta   []byte // scratch for one delta
	slow    io.ReadCloser
	names   *namer
}

// header is the start of an entry.
type header struct {
	typ  uint8
	size int64 // of the content or the delta, inflated
	dist int64 // OFS_DELTA: how far back the base starts
	base []byte
	len  int // bytes of the header itself
}

func (rc *receiver) scan(r io.Reader) error {
	s := &scanner{receiver: rc, names: newNamer(rc)}
	s.in = newInput(r, passOn{rc}, rc.Format.New(), rc.lim)
	n, err := s.start()
	if err != nil {
		return err
	}
	for i := range n {
		if err := s.entry(); err != nil {
			if cause := rc.ctx.Err(); cause != nil {
				return err
			}
			return fmt.Errorf("pack entry %d of %d at offset %d: %w", i+1, n, rc.t.offset(rc.t.n-1), err)
		}
		rc.Progress.Received.Add(1)
	}
	rc.end = s.in.offset()
	if rc.trailer, err = s.in.trailer(); err != nil {
		return err
	}
	if err := rc.hashers.wait(); err != nil {
		return err
	}
	rc.cache = nil
	return nil
}

func (s *scanner) start() (uint32, error) {
	if err := s.in.fill(12); err != nil {
		return 0, cut(err)
	}
	b := s.in.window()
	if string(b[:4]) != "PACK" {
		return 0, fmt.Errorf("not a pack: it starts with %q", b[:4])
	}
	if v := binary.BigEndian.Uint32(b[4:]); v != 2 && v != 3 {
		return 0, fmt.Errorf("pack version %d is not supported, only 2 and 3", v)
	}
	n := binary.BigEndian.Uint32(b[8:])
	s.in.pos += 12
	s.Progress.Objects.Store(int64(n))
	s.t.chunks = make([]*chunk, (uint64(n)+chunkLen-1)/chunkLen)
	return n, nil
}

// entry reads the next entry.
func (s *scanner) entry() error {
	in := s.in
	in.begin()
	if in.offset() > maxOffset {
		return errors.New("the pack is larger than 1 TiB, the most that is supported")
	}
	i := s.t.add(in.offset())
	if err := in.fill(peekSize); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return cut(err)
	}
	h, err := parseHeader(in.window(), s.t.idLen)
	if err != nil {
		if errors.Is(err, errShortHeader) {
			return cut(io.ErrUnexpectedEOF)
		}
		return err
	}
	in.pos += h.len
	switch h.typ {
	case ofsDelta, refDelta:
		err = s.deltaEntry(i, h)
	default:
		err = s.objectEntry(i, h)
	}
	s.t.setCRC(i, in.sumEntry())
	return err
}

var errShortHeader = errors.New("header is cut short")

// parseHeader reads an entry's header; the id of a base lies in b.
func parseHeader(b []byte, idLen int) (header, error) {
	var h header
	k, shift := 0, 4
	if len(b) == 0 {
		return h, errShortHeader
	}
	c := b[0]
	h.typ, h.size = c>>4&7, int64(c&15)
	for k = 1; c >= 0x80; k++ {
		if shift > 56 {
			return h, errors.New("size does not fit 60 bits")
		}
		if k >= len(b) {
			return h, errShortHeader
		}
		c = b[k]
		h.size |= int64(c&0x7f) << shift
		shift += 7
	}
	switch h.typ {
	case 0, 5:
		return h, fmt.Errorf("invalid type %d", h.typ)
	case refDelta:
		if len(b) < k+idLen {
			return h, errShortHeader
		}
		h.base = b[k : k+idLen]
		k += idLen
	case ofsDelta:
		n, err := parseDistance(b[k:], &h.dist)
		if err != nil {
			return h, err
		}
		k += n
	}
	h.len = k
	return h, nil
}

// parseDistance reads git's other varint: most significant first, and each
// further byte adds one so that no value has two forms.
func parseDistance(b []byte, dist *int64) (int, error) {
	for k, c := range b {
		if k > 8 {
			return 0, errors.New("distance to the base does not fit 63 bits")
		}
		if k > 0 {
			*dist++
		}
		*dist = *dist<<7 | int64(c&0x7f)
		if c < 0x80 {
			return k + 1, nil
		}
	}
	return 0, errShortHeader
}

// objectEntry reads an object that is whole.
func (s *scanner) objectEntry(i uint32, h header) error {
	typ := object.Type(h.typ)
	s.t.setType(i, typ)
	if err := s.total.add(h.size); err != nil {
		return err
	}
	if h.size > int64(s.lim.small) {
		return s.largeEntry(i, typ, h.size)
	}
	c := s.pool.get(int(h.size))
	c.typ = typ
	if err := s.inflateSmall(c.b); err != nil {
		c.release()
		return err
	}
	return s.found(i, c)
}

// found passes an object's content, in use once, to the hashers and the
// cache.
func (s *scanner) found(i uint32, c *content) error {
	if s.refs != nil { // its id is looked up before long
		err := s.names.name(i, c.typ, c.b)
		s.refs.add(i)
		s.cache.add(i, c)
		return err
	}
	s.cache.add(i, c.use())
	return s.hashers.add(job{i, c})
}

// inflateSmall reads the zlib stream that follows into dst.
func (s *scanner) inflateSmall(dst []byte) error {
	in := s.in
	for {
		n, err := s.inflate.Zlib(dst, in.window())
		if err == nil {
			in.pos += n
			return nil
		}
		if !errors.Is(err, inflate.ErrShortInput) {
			return err
		}
		had := in.end - in.pos
		want := min(max(2*had, 16<<10), len(in.buf)-(in.pos-in.keep))
		if had >= want {
			return s.inflateOdd(dst)
		}
		if err := in.fill(want); err != nil && (in.err == nil || in.end-in.pos == had) {
			return cut(err)
		}
	}
}

// inflateOdd reads a zlib stream that is larger than what it holds.
func (s *scanner) inflateOdd(dst []byte) error {
	return s.inflateStream(int64(len(dst)), &sliceWriter{b: dst})
}

// inflateStream reads a zlib stream of n bytes as it arrives.
func (s *scanner) inflateStream(n int64, w io.Writer) error {
	br := s.in.stream()
	err := inflateTo(w, br, n, &s.slow)
	s.in.done(br)
	if s.in.err != nil && !errors.Is(s.in.err, io.EOF) {
		return cut(s.in.err)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return cut(err)
	}
	return err
}

// inflateTo copies the n bytes of the zlib stream in r to w. The reader in
// *slow is used again.
func inflateTo(w io.Writer, r io.Reader, n int64, slow *io.ReadCloser) error {
	var err error
	if *slow == nil {
		*slow, err = zlib.NewReader(r)
	} else {
		err = (*slow).(zlib.Resetter).Reset(r, nil)
	}
	if err != nil {
		return fmt.Errorf("inflating: %w", err)
	}
	got, err := io.Copy(w, io.LimitReader(*slow, n))
	if err != nil {
		return fmt.Errorf("inflating: %w", err)
	}
	var more [1]byte
	if k, err := io.ReadFull(*slow, more[:]); k > 0 || got < n {
		return fmt.Errorf("inflating: %w", inflate.ErrSize)
	} else if !errors.Is(err, io.EOF) {
		return fmt.Errorf("inflating: %w", err)
	}
	return nil
}

// sliceWriter fills b, and drops what is longer if it may.
type sliceWriter struct {
	b    []byte
	drop bool
}

func (w *sliceWriter) Write(p []byte) (int, error) {
	n := copy(w.b, p)
	w.b = w.b[n:]
	if w.drop {
		n = len(p)
	}
	return n, nil
}

// largeEntry reads an object of any size as a stream.
func (s *scanner) largeEntry(i uint32, typ object.Type, size int64) error {
	w, err := s.newSummed(typ, size)
	if err != nil {
		return err
	}
	if err := s.inflateStream(size, w); err != nil {
		w.abort()
		return err
	}
	return s.foundLarge(i, typ, w)
}

// foundLarge gives an object that was written to w its id.
func (rc *receiver) foundLarge(i uint32, typ object.Type, w *summed) error {
	id, err := w.close()
	if err != nil {
		return err
	}
	copy(rc.t.id(i), id)
	if rc.refs != nil {
		rc.refs.add(i)
	}
	return rc.named(i, typ, id, nil)
}

// deltaEntry reads a delta, and resolves it if its base is in the cache.
func (s *scanner) deltaEntry(i uint32, h header) error {
	s.t.setFlags(i, isDelta)
	known, err := s.findBase(i, h)
	if err != nil {
		return err
	}
	if h.size > int64(s.lim.small) {
		return s.largeDelta(i, h.size)
	}
	s.delta = grow(s.delta, int(h.size))
	if err := s.inflateSmall(s.delta); err != nil {
		return err
	}
	baseSize, size, instructions, err := deltaSizes(s.delta)
	if err != nil {
		return err
	}
	if err := s.total.add(size); err != nil {
		return err
	}
	base, _ := s.t.base(i)
	var c *content
	if known {
		c = s.cache.get(base)
	}
	if c == nil || size > int64(s.lim.small) {
		s.miss(i)
		return nil
	}
	if int64(len(c.b)) != baseSize {
		return errBaseSize(baseSize, int64(len(c.b)))
	}
	result := s.pool.get(int(size))
	if err := applyDelta(result.b, c.b, instructions); err != nil {
		result.release()
		return err
	}
	result.typ = c.typ
	s.t.setType(i, c.typ)
	return s.found(i, result)
}

// largeDelta reads a delta that is not worth holding, but for its sizes.
func (s *scanner) largeDelta(i uint32, n int64) error {
	head := make([]byte, deltaHead)
	if err := s.inflateStream(n, &sliceWriter{head, true}); err != nil {
		return err
	}
	_, size, _, err := deltaSizes(head[:min(n, deltaHead)])
	if err != nil {
		return err
	}
	s.miss(i)
	return s.total.add(size)
}

func errBaseSize(want, got int64) error {
	return fmt.Errorf("%w: it is made for a base of %d bytes, its base has %d", errDelta, want, got)
}

// findBase finds the entry that a delta is made against.
func (s *scanner) findBase(i uint32, h header) (known bool, err error) {
	if h.typ == ofsDelta {
		off := s.t.offset(i) - h.dist
		base, ok := s.t.find(off)
		if h.dist <= 0 || !ok || base >= i {
			return false, fmt.Errorf("%w: no entry starts where its base should, at offset %d", errDelta, off)
		}
		s.t.setBase(i, base)
		return true, nil
	}
	if s.refs == nil {
		if err := s.indexIDs(); err != nil {
			return false, err
		}
	}
	if base, ok := s.refs.find(h.base); ok {
		s.t.setBase(i, base)
		return true, nil
	}
	copy(s.t.id(i), h.base)
	s.t.setFlags(i, isDelta|byID)
	return false, nil
}

// indexIDs makes ids known to look-ups: the pack has bases named by id.
func (s *scanner) indexIDs() error {
	if err := s.hashers.wait(); err != nil {
		return err
	}
	s.refs = newIDIndex(&s.t)
	for i := range s.t.n {
		if s.t.flags(i)&resolved != 0 {
			s.refs.add(i)
		}
	}
	return nil
}

// miss remembers a delta for later.
func (s *scanner) miss(i uint32) {
	s.missed = append(s.missed, i)
	if s.in.keep >= 0 && s.in.base+int64(s.in.keep) == s.t.offset(i) {
		s.kept.keep(i, s.in.buf[s.in.keep:s.in.pos])
	}
}

func grow(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n, n+n/4)
	}
	return b[:n]
}
