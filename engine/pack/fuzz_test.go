package pack

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
)

// fuzzSetups reach all paths with small packs.
var fuzzSetups = []setup{{1, 2, 8, "whole"}, {1 << 20, 1, 8, "random"}}

// sameAsGit receives a pack, and wants git's index, or git's refusal of some of
// those that are refused.
func sameAsGit(t *testing.T, p []byte) {
	var first []byte
	for k, s := range fuzzSetups {
		r := s.reception(object.SHA1)
		x, err := r.receive(t.Context(), p)
		if r.wrong != nil {
			t.Fatal(s, r.wrong)
		}
		var got bytes.Buffer
		if err == nil {
			if err := x.WriteIdx(&got); err != nil {
				t.Fatal(err)
			}
		}
		if k > 0 {
			if !bytes.Equal(got.Bytes(), first) {
				t.Fatalf("%v differs from %v: %v", s, fuzzSetups[0], err)
			}
			continue
		}
		first = got.Bytes()
		if err != nil && p[len(p)-1]&15 != 0 {
			continue // git is slow
		}
		want, gitErr := gitIdx(t, object.SHA1, p)
		switch {
		case err == nil && gitErr != nil && !bytes.Contains([]byte(gitErr.Error()), []byte("duplicate base")):
			t.Fatalf("git refuses what was accepted: %v", gitErr)
		case err != nil && gitErr == nil:
			t.Fatalf("git takes what was refused: %v", err)
		case err == nil && gitErr == nil && !bytes.Equal(first, want):
			t.Fatal("the index is not git's")
		}
	}
}

// FuzzReceive takes the entries of a pack as bytes.
func FuzzReceive(f *testing.F) {
	for _, g := range goodPacks[:15] {
		b := newBuilder()
		g.make(b)
		f.Add(uint8(len(b.offsets)), b.body.Bytes())
	}
	for _, h := range hostilePacks {
		if p := h.make(newBuilder()); len(p) > 32 && len(p) < 1000 {
			f.Add(p[11], p[12:len(p)-20])
		}
	}
	f.Fuzz(func(t *testing.T, n uint8, body []byte) {
		if len(body) > 64<<10 {
			return
		}
		b := newBuilder()
		b.count = int(n)
		b.body.Write(body)
		sameAsGit(t, b.bytes())
	})
}

// FuzzDeltas takes a program that builds a pack: its zlib streams are right,
// its deltas and bases are anything.
func FuzzDeltas(f *testing.F) {
	f.Add([]byte("\x03\x04base\x06\x01\x09\x04\x05\x90\x04\x01x"))
	f.Add([]byte("\x03\x04base\x07\x01\x09\x04\x05\x90\x04\x01x\x0e\x00\x06\x05\x05\x01y\x90\x04"))
	f.Add([]byte("\x0b\xff0123456789\x06\x01\x06\xff\x09\x00\x90\xff"))
	f.Fuzz(func(t *testing.T, program []byte) {
		if len(program) > 4<<10 {
			return
		}
		sameAsGit(t, buildFrom(program))
	})
}

// buildFrom reads instructions of a kind, a length, and as many bytes. Kind's
// lower 3 bits are the entry's type, and its next one makes contents long. The
// first byte of a delta says how far away its base is.
func buildFrom(program []byte) []byte {
	b := newBuilder()
	var ids []object.ID // as far as they are known
	for len(program) > 2 && len(b.offsets) < 100 {
		kind, n := program[0], min(int(program[1]), len(program)-2)
		content := program[2 : 2+n]
		program = program[2+n:]
		switch typ := kind & 7; {
		case typ >= 1 && typ <= 4:
			if kind&8 != 0 {
				content = bytes.Repeat(content, 100)
			}
			b.object(object.Type(typ), content)
			ids = append(ids, b.format.Hash(object.Type(typ), content))
		case n == 0 || len(ids) == 0:
		case typ == ofsDelta:
			b.ofs(len(ids)-1-int(content[0])%len(ids), content[1:])
			ids = append(ids, ids[0])
		case typ == refDelta:
			b.ref(ids[int(content[0])%len(ids)], content[1:])
			ids = append(ids, ids[0])
		}
	}
	return b.bytes()
}

// FuzzDelta compares the two ways to apply a delta with a plain third one.
func FuzzDelta(f *testing.F) {
	for _, h := range [][]byte{
		deltaOf(4, 9, copyOf(0, 4), insertOf([]byte("12345"))),
		deltaOf(4, 1<<16, []byte{0x80}),
		deltaOf(4, 3, copyOf(1, 3)),
		deltaOf(4, 3, []byte{0x91, 1, 3}),
		deltaOf(4, 3, []byte{0}),
		deltaOf(4, 3, []byte{127, 'x'}),
	} {
		f.Add([]byte("base"), h)
	}
	f.Fuzz(func(t *testing.T, base, delta []byte) {
		want, ok := naiveDelta(base, delta)
		got, err := resultOf(delta, base, 1<<20)
		if (err == nil) != ok || ok && !bytes.Equal(got, want) {
			t.Fatalf("got %.100q, %v; want %.100q, %v", got, err, want, ok)
		}
		got, err = streamDelta(base, delta)
		if (err == nil) != ok || ok && !bytes.Equal(got, want) {
			t.Fatalf("as a stream: got %.100q, %v; want %.100q, %v", got, err, want, ok)
		}
	})
}

// naiveDelta follows the text of gitformat-pack(5).
func naiveDelta(base, delta []byte) (result []byte, ok bool) {
	r := bytes.NewReader(delta)
	bad := len(delta) < 4
	next := func() int {
		c, err := r.ReadByte()
		bad = bad || err != nil
		return int(c)
	}
	varint := func() int {
		n := 0
		for shift := 0; ; shift += 7 {
			c := next()
			n |= c & 0x7f << shift
			if c < 0x80 || bad {
				return n
			}
			if shift > 49 {
				bad = true
			}
		}
	}
	if varint() != len(base) {
		return nil, false
	}
	size := varint()
	if size > 1<<20 {
		return nil, false
	}
	for !bad && r.Len() > 0 {
		op := next()
		if op < 0x80 {
			bad = bad || op == 0
			for range op {
				result = append(result, byte(next()))
			}
			continue
		}
		var args [7]int
		for k := range args {
			if op&(1<<k) != 0 {
				args[k] = next()
			}
		}
		off := args[0] | args[1]<<8 | args[2]<<16 | args[3]<<24
		n := args[4] | args[5]<<8 | args[6]<<16
		if n == 0 {
			n = 1 << 16
		}
		if off+n > len(base) || len(result) > size {
			return nil, false
		}
		result = append(result, base[off:off+n]...)
	}
	return result, !bad && len(result) == size
}

// streamDelta applies a delta in a pack of its own as resolveLarge does.
func streamDelta(base, delta []byte) ([]byte, error) {
	b := newBuilder()
	b.ofs(b.object(object.Blob, base), delta)
	p := b.bytes()
	rc := newReceiver(context.Background(), Config{Memory: MinMemory >> 8, Workers: 1, shrink: 8})
	defer rc.close()
	rc.kept.some = true
	rc.staged = bytes.NewReader(p)
	for _, off := range b.offsets {
		if rc.t.chunks == nil {
			rc.t.chunks = make([]*chunk, 1)
		}
		rc.t.add(off)
	}
	rc.end = int64(len(p)) - 20
	d, err := rc.spills.openDelta(1, int64(len(base)))
	if err != nil {
		return nil, err
	}
	if d.size > 1<<20 {
		return nil, errors.New("larger than the other ways take")
	}
	var out bytes.Buffer
	src := &source{paged{r: bytes.NewReader(base), size: int64(len(base)), rc: rc, pageSize: 16, limit: 4}}
	if err := d.apply(&out, src); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// FuzzEntryHeader writes and reads headers, and reads any bytes.
func FuzzEntryHeader(f *testing.F) {
	f.Add(uint8(3), int64(1000), int64(200), []byte{0xb3, 0x7f})
	f.Add(uint8(6), int64(1)<<59, int64(1)<<62, []byte{0xe0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x80, 0x00})
	f.Fuzz(func(t *testing.T, typ uint8, size, dist int64, raw []byte) {
		if h, err := parseHeader(raw, 20); err == nil && (h.size < 0 || h.len > len(raw) || h.typ == 0 || h.typ == 5 || h.typ > 7) {
			t.Fatalf("%x makes %+v", raw, h)
		}
		typ, size, dist = typ&7, size&(1<<60-1), dist&(1<<62-1)
		b := entryHeader(typ, size)
		switch typ {
		case 0, 5:
			if _, err := parseHeader(b, 20); err == nil {
				t.Fatalf("type %d is accepted", typ)
			}
			return
		case ofsDelta:
			b = append(b, distance(dist)...)
		case refDelta:
			b = append(b, "aaaaaaaaaaaaaaaaaaaa"...)
			dist = 0
		default:
			dist = 0
		}
		for n := range b {
			if _, err := parseHeader(b[:n], 20); !errors.Is(err, errShortHeader) {
				t.Fatalf("%x, cut to %d: %v", b, n, err)
			}
		}
		h, err := parseHeader(append(b, raw...), 20)
		if err != nil || h.typ != typ || h.size != size || h.dist != dist || h.len != len(b) {
			t.Fatalf("%x: type %d, size %d, distance %d: %+v, %v", b, typ, size, dist, h, err)
		}
	})
}
