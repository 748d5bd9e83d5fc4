package inflate

import (
	"bytes"
	stdzlib "compress/zlib"
	"encoding/binary"
	"errors"
	stdadler "hash/adler32"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/klauspost/compress/zlib"
)

// following stands behind every stream, as the next entry does in a pack.
const following = "bytes of the next entry, not to be read"

// compressors make streams by two implementations, at all their levels.
var compressors = map[string]func(w io.Writer, level int) (io.WriteCloser, error){
	"std":       func(w io.Writer, level int) (io.WriteCloser, error) { return stdzlib.NewWriterLevel(w, level) },
	"klauspost": func(w io.Writer, level int) (io.WriteCloser, error) { return zlib.NewWriterLevel(w, level) },
}

func compress(tb testing.TB, by string, level int, content []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	w, err := compressors[by](&b, level)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// readers are kept, as a new one costs more than most streams.
var readers = sync.Pool{New: func() any {
	empty := []byte{0x78, 0x9c, 3, 0, 0, 0, 0, 1}
	r, err := stdzlib.NewReader(bytes.NewReader(empty))
	if err != nil {
		panic(err)
	}
	return r
}}

// oracle is compress/zlib's answer: content, bytes of src taken, error.
func oracle(src []byte) ([]byte, int, error) {
	r := readers.Get().(io.Reader)
	defer readers.Put(r)
	in := bytes.NewReader(src)
	if err := r.(stdzlib.Resetter).Reset(in, nil); err != nil {
		return nil, 0, err
	}
	content, err := io.ReadAll(r)
	return content, len(src) - in.Len(), err
}

// contents returns bytes of all kinds: none, noise, few symbols, runs, text
// with matches near and far, and a skewed alphabet that needs codes of 15 bits.
func contents(rng *rand.Rand) [][]byte {
	list := [][]byte{nil, {0}, bytes.Repeat([]byte("a"), 70000), skewed(rng)}
	for _, size := range []int{1, 8, 20, 100, 1000, 9000} {
		list = append(list,
			randomBytes(rng, size, 256), randomBytes(rng, size, 90), randomBytes(rng, size, 3),
			repetitive(rng, size, 9), repetitive(rng, size, 300), bytes.Repeat([]byte("abc"), size/3))
	}
	return append(list, repetitive(rng, 100000, 20), randomBytes(rng, 70000, 256))
}

// skewed counts its symbols by Fibonacci numbers.
func skewed(rng *rand.Rand) (p []byte) {
	a, b := 1, 1
	for symbol := range byte(21) {
		p = append(p, bytes.Repeat([]byte{symbol * 11}, a)...)
		a, b = b, a+b
	}
	rng.Shuffle(len(p), func(i, j int) { p[i], p[j] = p[j], p[i] })
	return p
}

// repetitive mixes new bytes with copies of up to longest earlier ones.
func repetitive(rng *rand.Rand, size, longest int) []byte {
	p := make([]byte, 0, size+longest)
	for len(p) < size {
		if len(p) < 4 || rng.IntN(3) == 0 {
			p = append(p, byte(rng.IntN(200)))
			continue
		}
		back := 1 + rng.IntN(1+rng.IntN(min(len(p), 32768)))
		for range 1 + rng.IntN(longest) {
			p = append(p, p[len(p)-back])
		}
	}
	return p[:size]
}

func TestZlibRoundTrip(t *testing.T) {
	var d Decoder
	for _, content := range contents(rand.New(rand.NewPCG(3, 4))) {
		for by := range compressors {
			for level := -2; level <= 9; level++ {
				checkStream(t, &d, compress(t, by, level, content), content)
			}
		}
	}
}

// checkStream decodes one stream, with and without bytes behind it, and into
// outputs of a wrong size.
func checkStream(t *testing.T, d *Decoder, src, content []byte) {
	t.Helper()
	for _, more := range []string{"", "x", following} {
		out := make([]byte, len(content))
		n, err := d.Zlib(out, append(src[:len(src):len(src)], more...))
		if err != nil || n != len(src) || !bytes.Equal(out, content) {
			t.Fatalf("%d bytes in %d, %d behind: took %d, %v, equal %v",
				len(content), len(src), len(more), n, err, bytes.Equal(out, content))
		}
	}
	for _, size := range []int{len(content) - 1, len(content) + 1, len(content) / 2, len(content) + 100} {
		if size < 0 || size == len(content) {
			continue
		}
		if _, err := d.Zlib(make([]byte, size), append(src[:len(src):len(src)], following...)); err != ErrSize {
			t.Fatalf("%d bytes into %d: %v", len(content), size, err)
		}
	}
}

// samples are streams short enough to cut and damage at every byte.
func samples(tb testing.TB) map[string][]byte {
	rng := rand.New(rand.NewPCG(5, 6))
	text := []byte("tree 5b1c0d3\nparent 77aa01\nauthor A U Thor <author@example.org> 1112911993 -0700\n\nA message.\n")
	return map[string][]byte{
		"empty":   compress(tb, "std", 6, nil),
		"fixed":   compress(tb, "std", 6, text),
		"stored":  compress(tb, "std", 0, text),
		"noise":   compress(tb, "std", 6, randomBytes(rng, 150, 256)),
		"dynamic": compress(tb, "std", 9, repetitive(rng, 700, 20)),
		"huffman": compress(tb, "std", -2, bytes.Repeat(text, 4)),
		"run":     compress(tb, "klauspost", 9, bytes.Repeat([]byte("ab"), 3000)),
		"blocks":  flushed(tb, repetitive(rng, 400, 30)),
		"skewed":  compress(tb, "std", -2, skewed(rng)[:1500]),
	}
}

// flushed compresses p in several blocks, empty stored ones among them.
func flushed(tb testing.TB, p []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := stdzlib.NewWriter(&b)
	for len(p) > 0 {
		n := min(len(p), 130)
		if _, err := w.Write(p[:n]); err != nil {
			tb.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			tb.Fatal(err)
		}
		p = p[n:]
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func TestZlibTruncated(t *testing.T) {
	var d Decoder
	for name, src := range samples(t) {
		content, _, err := oracle(src)
		if err != nil {
			t.Fatal(name, err)
		}
		out := make([]byte, len(content))
		for n := range src {
			if _, err := d.Zlib(out, src[:n:n]); err != ErrShortInput {
				t.Fatalf("%s: %d of %d bytes: %v", name, n, len(src), err)
			}
		}
	}
}

// Every byte is damaged in several ways. What is accepted, and as what, must be
// what compress/zlib says.
func TestZlibDamaged(t *testing.T) {
	var d Decoder
	for _, src := range samples(t) {
		for i := range src {
			for _, flip := range []byte{1, 2, 4, 8, 16, 32, 64, 128, 255} {
				damaged := append(bytes.Clone(src), following...)
				damaged[i] ^= flip
				compareWithOracle(t, &d, damaged, len(src))
			}
		}
	}
}

// compareWithOracle decodes src as compress/zlib does. When that fails, size
// is what a caller would have expected of the content.
func compareWithOracle(t *testing.T, d *Decoder, src []byte, size int) {
	t.Helper()
	want, taken, oracleErr := oracle(src)
	if errors.Is(oracleErr, stdzlib.ErrChecksum) {
		// Corrected, the rest of the stream counts as well.
		if _, err := d.Zlib(make([]byte, len(want)), src); err != errChecksum {
			t.Fatalf("%x: %v, compress/zlib: %v", src, err, oracleErr)
		}
		src = bytes.Clone(src)
		binary.BigEndian.PutUint32(src[taken-trailerSize:], stdadler.Checksum(want))
		want, taken, oracleErr = oracle(src)
	}
	if oracleErr == nil {
		size = len(want)
	}
	for _, size := range []int{size, len(want)} {
		out := make([]byte, size)
		n, err := d.Zlib(out, src)
		switch {
		case (err == nil) != (oracleErr == nil):
			t.Fatalf("%x: %v, compress/zlib: %v", src, err, oracleErr)
		case err == nil && (n != taken || !bytes.Equal(out, want)):
			t.Fatalf("%x: took %d as %x, compress/zlib %d as %x", src, n, out, taken, want)
		case err != nil && err != ErrSize && err != ErrShortInput && !errors.Is(err, ErrCorrupt):
			t.Fatalf("%x: %v is none of the package's errors", src, err)
		}
	}
}

// A decoder that failed must decode the next stream.
func TestZlibAfterError(t *testing.T) {
	var d Decoder
	content := []byte("content")
	src := compress(t, "std", 6, content)
	for _, bad := range [][]byte{nil, {0x78}, src[:6], {0x78, 0x9c, 0x07}} {
		if _, err := d.Zlib(make([]byte, 7), bad); err == nil {
			t.Fatalf("%x accepted", bad)
		}
		checkStream(t, &d, src, content)
	}
}

func TestZlibAllocates(t *testing.T) {
	content := repetitive(rand.New(rand.NewPCG(7, 8)), 2000, 20)
	src := compress(t, "std", 6, content)
	out := make([]byte, len(content))
	var d Decoder
	n := testing.AllocsPerRun(10, func() {
		if _, err := d.Zlib(out, src); err != nil {
			t.Error(err)
		}
		if _, err := d.Zlib(out, src[:50]); err != ErrShortInput {
			t.Error(err)
		}
	})
	if n != 0 {
		t.Fatalf("%v allocations", n)
	}
}
