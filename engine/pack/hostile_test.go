package pack

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
)

// hostilePacks are what a damaged or an evil server could send. Each must be
// refused with an error that has the words of want.
var hostilePacks = []struct {
	name string
	make func(*builder) []byte
	want string
}{
	{"nothing at all", func(b *builder) []byte { return nil }, "connection was cut"},
	{"an HTML page", func(b *builder) []byte { return []byte("<!DOCTYPE html><html>") }, "not a pack"},
	{"a version of the future", func(b *builder) []byte { b.version = 4; return b.bytes() }, "pack version 4"},
	{"count too high, so the trailer is read as an entry", func(b *builder) []byte {
		b.count = 2
		b.blob("one")
		return b.bytes()
	}, "pack entry 2 of 2"},
	{"count too low, so an entry is read as the trailer", func(b *builder) []byte {
		b.count = 1
		b.blob("one")
		b.blob("two")
		return b.bytes()
	}, "trailer"},
	{"4 billion objects promised, 10 bytes sent", func(b *builder) []byte {
		b.count = 1<<32 - 1
		b.raw(0xbf, 0xff, 0xff, 0xff, 0x0f, 0x78, 0x9c, 1, 2, 3)
		return b.bytes()[:22]
	}, "connection was cut"},
	{"end at the edge of an entry", func(b *builder) []byte {
		b.count = 2
		b.blob("one")
		return b.bytes()[:12+b.body.Len()]
	}, "connection was cut"},
	{"no trailer", func(b *builder) []byte { b.blob("one"); return b.bytes()[:12+b.body.Len()] }, "connection was cut"},
	{"wrong trailer", func(b *builder) []byte {
		b.blob("one")
		p := b.bytes()
		p[len(p)-1]++
		return p
	}, "its trailer is"},
	{"a byte after the trailer", func(b *builder) []byte { b.blob("one"); return append(b.bytes(), 0) }, "bytes follow its trailer"},
	{"type 0", func(b *builder) []byte { b.entry(0, 1, nil, []byte("x")); return b.bytes() }, "invalid type 0"},
	{"type 5, reserved", func(b *builder) []byte { b.entry(5, 1, nil, []byte("x")); return b.bytes() }, "invalid type 5"},
	{"type 0 as the last byte", func(b *builder) []byte { b.start(); b.raw(0x00); return b.bytes()[:13] }, "invalid type 0"},
	{"a size of more than 64 bits", func(b *builder) []byte {
		b.start()
		b.raw(bytes.Repeat([]byte{0xbf}, 20)...)
		return b.bytes()
	}, "size does not fit"},
	{"a size that says too little", func(b *builder) []byte { b.entry(3, 4, nil, []byte("hello")); return b.bytes() }, "another size"},
	{"a size that says too much", func(b *builder) []byte { b.entry(3, 6, nil, []byte("hello")); return b.bytes() }, "another size"},
	{"a size of 1 TiB", func(b *builder) []byte { b.entry(3, 1<<40, nil, []byte("hello")); return b.bytes() }, "another size"},
	{"a size of 2 to the power of 59", func(b *builder) []byte { b.entry(3, 1<<59, nil, []byte("hello")); return b.bytes() }, "bomb"},
	{"sizes of 512 TiB together", func(b *builder) []byte {
		b.entry(3, 1<<48, nil, make([]byte, 5<<20))
		return b.bytes()
	}, "another size"},
	{"a bomb of 64 MiB that claims 10 bytes", func(b *builder) []byte { b.entry(3, 10, nil, make([]byte, 64<<20)); return b.bytes() }, "another size"},
	{"a bomb of 64 MiB that claims 2 MiB", func(b *builder) []byte { b.entry(3, 2<<20, nil, make([]byte, 64<<20)); return b.bytes() }, "another size"},
	{"a delta bomb of 64 MiB that claims 10 bytes", func(b *builder) []byte {
		i := b.blob("base")
		b.entry(ofsDelta, 10, distance(12+int64(b.body.Len())-b.offsets[i]), make([]byte, 64<<20))
		return b.bytes()
	}, "another size"},
	{"no zlib header", func(b *builder) []byte { b.start(); b.raw(0x31, 'x', 'y', 'z'); return b.bytes() }, "zlib"},
	{"a large object without a zlib header", func(b *builder) []byte {
		b.start()
		b.raw(entryHeader(3, 5<<20)...)
		b.raw([]byte("this is not zlib")...)
		return b.bytes()
	}, "zlib"},
	{"wrong zlib checksum", func(b *builder) []byte {
		b.blob("hello")
		p := b.bytes()
		p[len(p)-21]++
		return seal(b.format, p[:len(p)-20])
	}, "checksum"},
	{"wrong zlib checksum of a large object", func(b *builder) []byte {
		b.object(object.Blob, make([]byte, 3<<20))
		p := b.bytes()
		p[len(p)-21]++
		return seal(b.format, p[:len(p)-20])
	}, "checksum"},
	{"distance 0: a delta against itself", func(b *builder) []byte {
		b.entry(ofsDelta, 7, distance(0), deltaOf(1, 1, insertOf([]byte("x"))))
		return b.bytes()
	}, "no entry starts"},
	{"a base before the pack's first entry", func(b *builder) []byte {
		b.blob("base")
		b.entry(ofsDelta, 4, distance(1000), deltaOf(4, 1, insertOf([]byte("x"))))
		return b.bytes()
	}, "no entry starts"},
	{"a base at the pack's header", func(b *builder) []byte {
		b.entry(ofsDelta, 4, distance(12), deltaOf(4, 1, insertOf([]byte("x"))))
		return b.bytes()
	}, "no entry starts"},
	{"a base in the middle of an entry", func(b *builder) []byte {
		b.blob("base")
		b.entry(ofsDelta, 4, distance(int64(b.body.Len())-1), deltaOf(4, 1, insertOf([]byte("x"))))
		return b.bytes()
	}, "no entry starts"},
	{"a distance of more than 64 bits", func(b *builder) []byte {
		b.blob("base")
		b.start()
		b.raw(0x64)
		b.raw(bytes.Repeat([]byte{0xff}, 20)...)
		return b.bytes()
	}, "distance to the base"},
	{"a distance that is negative in 64 bits", func(b *builder) []byte {
		b.blob("base")
		b.start()
		b.raw(0x64)
		b.raw(append(bytes.Repeat([]byte{0xff}, 8), 0x7f)...)
		return b.bytes()
	}, "no entry starts"},
	{"a base that is not there", func(b *builder) []byte {
		b.blob("other")
		b.ref(blobID(b, "missing"), makeDelta([]byte("missing"), []byte("found")))
		return b.bytes()
	}, "is not in the pack"},
	{"a base that is not there, of a chain", func(b *builder) []byte {
		i := b.ref(blobID(b, "missing"), makeDelta([]byte("missing"), []byte("found")))
		b.ofs(i, makeDelta([]byte("found"), []byte("founder")))
		return b.bytes()
	}, "is not in the pack"},
	{"two deltas that wait for each other", func(b *builder) []byte {
		b.blob("other")
		b.ref(blobID(b, "one"), makeDelta([]byte("one"), []byte("two")))
		b.ref(blobID(b, "two"), makeDelta([]byte("two"), []byte("one")))
		return b.bytes()
	}, "made from it in turn"},
	{"a delta that waits for itself", func(b *builder) []byte {
		b.ref(blobID(b, "self"), deltaOf(4, 4, copyOf(0, 4)))
		return b.bytes()
	}, "made from it in turn"},
	{"a delta for a larger base", badDelta(deltaOf(5, 1, insertOf([]byte("x")))), "its base has 4"},
	{"a delta for a smaller base", badDelta(deltaOf(3, 1, insertOf([]byte("x")))), "its base has 4"},
	{"a result shorter than said", badDelta(deltaOf(4, 9, insertOf([]byte("x")))), "before its result does"},
	{"a result longer than said", badDelta(deltaOf(4, 1, insertOf([]byte("xyz")))), "goes beyond"},
	{"a copy longer than the result", badDelta(deltaOf(4, 1, copyOf(0, 4))), "goes beyond"},
	{"a copy beyond the base", badDelta(deltaOf(4, 4, copyOf(1, 4))), "goes beyond"},
	{"a copy from 4 GiB on", badDelta(deltaOf(4, 4, copyOf(1<<32-1, 4))), "goes beyond"},
	{"an insert that is cut short", badDelta(deltaOf(4, 20, []byte{20, 'x', 'y'})), "goes beyond"},
	{"a copy that is cut short", badDelta(deltaOf(4, 4, []byte{0xff, 0})), "goes beyond"},
	{"the reserved instruction", badDelta(deltaOf(4, 4, []byte{0, 0, 0})), "instruction 0x00"},
	{"a result of 1 TiB", badDelta(deltaOf(4, 1<<40, copyOf(0, 4))), "over the limit"},
	{"a result of 2 to the power of 63", badDelta(deltaOf(4, 0, bytes.Repeat([]byte{0xff}, 12))[1:]), "too large"},
	{"a result of nothing, which git refuses", badDelta(deltaOf(4, 0)), "only 2 bytes"},
	{"sizes that are cut short", badDelta([]byte{0x84, 0x80, 0x80, 0x80}), "cut short"},
	{"an empty delta", badDelta(nil), "only 0 bytes"},
	{"a bad delta of 2 MiB", badDelta(deltaOf(4, 1<<20, bytes.Repeat([]byte{1, 'x'}, 1<<20), []byte{1, 'y'})), "goes beyond"},
	{"a cut short delta of 2 MiB", badDelta(deltaOf(4, 2<<20+1, bytes.Repeat([]byte{1, 'x'}, 1<<20))), "before its result does"},
	{"a delta of 2 MiB for another base", badDelta(deltaOf(5, 1<<20, bytes.Repeat([]byte{1, 'x'}, 1<<20))), "its base has 4"},
	{"a bad copy in a delta of 2 MiB", badDelta(deltaOf(4, 1<<20+9, bytes.Repeat([]byte{1, 'x'}, 1<<20), copyOf(3, 9))), "goes beyond"},
}

// badDelta makes a pack with a delta against a base of 4 bytes.
func badDelta(delta []byte) func(*builder) []byte {
	return func(b *builder) []byte {
		b.ofs(b.blob("base"), delta)
		return b.bytes()
	}
}

func TestHostilePacks(t *testing.T) {
	for _, h := range hostilePacks {
		t.Run(h.name, func(t *testing.T) {
			p := h.make(newBuilder())
			if _, err := gitIdx(t, object.SHA1, p); err == nil {
				t.Error("git takes it")
			}
			for _, s := range []setup{{0, 2, 0, "whole"}, {MinMemory, 2, 0, "half"}, {1, 2, 6, "dataErr"}} {
				err := checkBad(t, s.reception(object.SHA1), p)
				// With tiny limits other paths come to other words.
				if s.shrink == 0 && !strings.Contains(err.Error(), h.want) {
					t.Errorf("%v: %q does not say %q", s, err, h.want)
				}
			}
		})
	}
}

// samplePack has an entry of every kind.
func samplePack() []byte {
	b := newBuilder()
	b.ref(blobID(b, "a base for others"), makeDelta([]byte("a base for others"), []byte("a base for none")))
	i := b.blob("a base for others")
	b.ofs(i, makeDelta([]byte("a base for others"), []byte("a base forgotten by others")))
	b.object(object.Tree, []byte("100644 a\x00aaaaaaaaaaaaaaaaaaaa"))
	b.object(object.Commit, words(newRand(1), 200))
	b.object(object.Blob, words(newRand(1), 20000)) // large, with limits shrunk by 6
	return b.bytes()
}

// TestTruncated cuts a pack everywhere.
func TestTruncated(t *testing.T) {
	p := samplePack()
	for n := range len(p) {
		err := checkBad(t, setup{1, 2, 6, "half"}.reception(object.SHA1), p[:n])
		if !strings.Contains(err.Error(), "connection was cut") {
			t.Errorf("cut at %d of %d: %v", n, len(p), err)
		}
	}
}

// TestFlippedBits changes every bit of a pack. With the old trailer that is an
// error; with a new one it is what git says it is.
func TestFlippedBits(t *testing.T) {
	t.Parallel()
	p := samplePack()
	s := setup{1, 2, 6, "whole"}
	for bit := range 8 * len(p) {
		q := bytes.Clone(p)
		q[bit/8] ^= 1 << (bit % 8)
		if _, err := s.reception(object.SHA1).receive(t.Context(), q); err == nil {
			t.Errorf("bit %d: accepted", bit)
		}
		if at := bit / 8; at < 12 || at >= len(p)-20 || bit%8 != at%7 {
			continue
		}
		q = seal(object.SHA1, q[:len(q)-20])
		idx, gitErr := gitIdx(t, object.SHA1, q)
		if gitErr == nil {
			checkGood(t, object.SHA1, q, idx, s)
		} else if _, err := s.reception(object.SHA1).receive(t.Context(), q); err == nil {
			t.Errorf("bit %d: git refuses it: %v", bit, gitErr)
		}
	}
}

var errNetwork = errors.New("connection reset by peer")

// TestNetworkErrors breaks the connection everywhere.
func TestNetworkErrors(t *testing.T) {
	p := samplePack()
	for n := range len(p) + 1 {
		for _, e := range []error{errNetwork, io.ErrUnexpectedEOF} {
			r := setup{1, 2, 6, "whole"}.reception(object.SHA1)
			r.reader = func(in io.Reader) io.Reader {
				return io.MultiReader(io.LimitReader(in, int64(n)), iotest.ErrReader(e))
			}
			if err := checkBad(t, r, p); !errors.Is(err, e) {
				t.Errorf("after %d of %d bytes: %v", n, len(p), err)
			}
		}
	}
}

// TestFailingCallbacks makes everything that Receive calls fail.
func TestFailingCallbacks(t *testing.T) {
	errFull := errors.New("bucket is full")
	b := newBuilder()
	largeDeltas(b)
	p := b.bytes()
	for name, change := range map[string]func(*reception){
		"spool write":       func(r *reception) { r.spool.failWrite = errFull },
		"spool write, late": func(r *reception) { r.spool.failWrite, r.spool.failAfter = errFull, len(p)-1 },
		"spool commit":      func(r *reception) { r.spool.failCommit = errFull },
		"read back":         func(r *reception) { r.spool.failAt = errFull },
		"object": func(r *reception) {
			r.wrap = func(c Config) Config { c.Object = func(Object) error { return errFull }; return c }
		},
		"large": func(r *reception) {
			r.wrap = func(c Config) Config {
				c.Large = func(object.Type, int64) (LargeWriter, error) { return nil, errFull }
				return c
			}
		},
		"staging": func(r *reception) {
			r.wrap = func(c Config) Config {
				c.Staging = func(string) (Staged, error) { return nil, errFull }
				return c
			}
		},
		"staging write": func(r *reception) {
			r.wrap = func(c Config) Config {
				c.Staging = func(string) (Staged, error) {
					m := &memStaged{failWrite: errFull}
					r.staged = append(r.staged, m)
					return m, nil
				}
				return c
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := setup{1, 2, 6, "whole"}.reception(object.SHA1)
			r.spool = &memStaged{}
			change(r)
			if err := checkBad(t, r, p); !errors.Is(err, errFull) {
				t.Error(err)
			}
			for _, m := range r.staged {
				if m.commits == 0 && m.aborts == 0 {
					t.Error("a staged content was neither committed nor aborted")
				}
			}
		})
	}
}

// TestCancel ends the context after so many objects.
func TestCancel(t *testing.T) {
	const objects = 300
	b := newBuilder()
	r := newRand(1)
	for range objects / 2 {
		c := noise(r, 1000)
		i := b.object(object.Blob, c)
		b.ofs(i-i%100, deltaOf(1000, 900, insertOf(c[:900])))
	}
	p := b.bytes()
	for n := range objects - 1 {
		ctx, cancel := context.WithCancel(t.Context())
		before := runtime.NumGoroutine()
		r := setup{1, 4, 8, "half"}.reception(object.SHA1)
		r.wrap = func(c Config) Config {
			seen := 0
			c.Workers = 1 // the count needs no lock
			c.Object = func(Object) error {
				if seen++; seen == n+1 {
					cancel()
				}
				return nil
			}
			return c
		}
		x, err := r.receive(ctx, p)
		if !errors.Is(err, context.Canceled) || x != nil {
			t.Errorf("after %d of %d objects: %v", n+1, objects, err)
		}
		if r.spool.commits == 0 && r.spool.aborts == 0 {
			t.Error("the spool was neither committed nor aborted")
		}
		if got := settled(before); got > before {
			t.Errorf("%d goroutines are left over", got-before)
		}
		cancel()
	}
}

// TestEvilMemory bounds what packs can make Receive allocate.
func TestEvilMemory(t *testing.T) {
	for _, name := range []string{
		"4 billion objects promised, 10 bytes sent", "a size of 1 TiB", "a bomb of 64 MiB that claims 2 MiB", "a result of 1 TiB",
	} {
		for _, h := range hostilePacks {
			if h.name != name {
				continue
			}
			p := h.make(newBuilder())
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := Receive(t.Context(), bytes.NewReader(p), Config{Spool: &memStaged{}, Memory: MinMemory})
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Errorf("%s: accepted", name)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20 {
				t.Errorf("%s: %d bytes allocated", name, n)
			}
		}
	}
}
