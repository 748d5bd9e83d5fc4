package pack

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
)

// builder writes packs, good and bad ones.
type builder struct {
	format  object.Format
	level   int // of zlib
	version uint32
	count   int // what the header says; -1 is the truth
	body    bytes.Buffer
	offsets []int64
	zip     map[int]*zlib.Writer // by level
}

func newBuilder() *builder {
	return &builder{level: zlib.DefaultCompression, version: 2, count: -1, zip: map[int]*zlib.Writer{}}
}

// bytes returns the pack with its header and trailer.
func (b *builder) bytes() []byte {
	n := b.count
	if n < 0 {
		n = len(b.offsets)
	}
	p := append([]byte("PACK"), 0, 0, 0, 0, 0, 0, 0, 0)
	binary.BigEndian.PutUint32(p[4:], b.version)
	binary.BigEndian.PutUint32(p[8:], uint32(n))
	return seal(b.format, append(p, b.body.Bytes()...))
}

// seal appends a pack's trailer.
func seal(f object.Format, p []byte) []byte {
	h := f.New()
	h.Write(p)
	return h.Sum(p)
}

func (b *builder) start() int {
	b.offsets = append(b.offsets, 12+int64(b.body.Len()))
	return len(b.offsets) - 1
}

func (b *builder) object(t object.Type, content []byte) int {
	return b.entry(byte(t), int64(len(content)), nil, content)
}

func (b *builder) blob(content string) int { return b.object(object.Blob, []byte(content)) }

func (b *builder) ofs(base int, delta []byte) int {
	at := 12 + int64(b.body.Len())
	return b.entry(ofsDelta, int64(len(delta)), distance(at-b.offsets[base]), delta)
}

func (b *builder) ref(base object.ID, delta []byte) int {
	return b.entry(refDelta, int64(len(delta)), base.Bytes(), delta)
}

// entry writes any entry; size is what its header says.
func (b *builder) entry(typ byte, size int64, base, content []byte) int {
	i := b.start()
	b.body.Write(entryHeader(typ, size))
	b.body.Write(base)
	b.body.Write(b.deflate(content))
	return i
}

func (b *builder) raw(p ...byte) { b.body.Write(p) }

func (b *builder) deflate(content []byte) []byte {
	var buf bytes.Buffer
	z := b.zip[b.level]
	if z == nil {
		var err error
		if z, err = zlib.NewWriterLevel(&buf, b.level); err != nil {
			panic(err)
		}
		b.zip[b.level] = z
	}
	z.Reset(&buf)
	z.Write(content)
	z.Close()
	return buf.Bytes()
}

func entryHeader(typ byte, size int64) []byte {
	c := typ<<4 | byte(size&15)
	size >>= 4
	var b []byte
	for size > 0 {
		b = append(b, c|0x80)
		c = byte(size & 0x7f)
		size >>= 7
	}
	return append(b, c)
}

func distance(n int64) []byte {
	b := []byte{byte(n & 0x7f)}
	for n >>= 7; n > 0; n >>= 7 {
		n--
		b = append([]byte{0x80 | byte(n&0x7f)}, b...)
	}
	return b
}

func deltaVarint(n int64) []byte { return binary.AppendUvarint(nil, uint64(n)) }

// deltaOf returns a delta with the given sizes and instructions.
func deltaOf(base, result int64, instructions ...[]byte) []byte {
	b := append(deltaVarint(base), deltaVarint(result)...)
	for _, i := range instructions {
		b = append(b, i...)
	}
	return b
}

// copyOf is an instruction that copies from the base, at most 16 MiB.
func copyOf(off, n int) []byte {
	return []byte{0xff, byte(off), byte(off >> 8), byte(off >> 16), byte(off >> 24), byte(n), byte(n >> 8), byte(n >> 16)}
}

func insertOf(b []byte) []byte {
	var out []byte
	for len(b) > 0 {
		n := min(len(b), 127)
		out = append(append(out, byte(n)), b[:n]...)
		b = b[n:]
	}
	return out
}

// makeDelta returns a delta that keeps what base and result begin and end
// with.
func makeDelta(base, result []byte) []byte {
	n := min(len(base), len(result))
	from := 0
	for from < n && base[from] == result[from] {
		from++
	}
	end := 0
	for end < n-from && base[len(base)-1-end] == result[len(result)-1-end] {
		end++
	}
	var parts [][]byte
	if from > 0 {
		parts = append(parts, copies(0, from))
	}
	parts = append(parts, insertOf(result[from:len(result)-end]))
	if end > 0 {
		parts = append(parts, copies(len(base)-end, end))
	}
	return deltaOf(int64(len(base)), int64(len(result)), parts...)
}

func copies(off, n int) []byte {
	var b []byte
	for n > 0 {
		m := min(n, 1<<24-1)
		b = append(b, copyOf(off, m)...)
		off, n = off+m, n-m
	}
	return b
}

// noise returns n bytes that do not compress.
func noise(r *rand.Rand, n int) []byte {
	b := make([]byte, n+8)
	for i := 0; i < n; i += 8 {
		binary.LittleEndian.PutUint64(b[i:], r.Uint64())
	}
	return b[:n:n]
}

// words returns n bytes that do.
func words(r *rand.Rand, n int) []byte {
	b := make([]byte, 0, n+16)
	for len(b) < n {
		b = append(b, "commit tree parent author\n"[:1+r.IntN(24)]...)
	}
	return b[:n:n]
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// gitIdx returns the index that git makes of a pack.
func gitIdx(t testing.TB, f object.Format, p []byte, flags ...string) ([]byte, error) {
	t.Helper()
	dir := t.TempDir()
	name := filepath.Join(dir, "x.pack")
	if err := os.WriteFile(name, p, 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"index-pack", "--object-format=" + f.String(), "-o", filepath.Join(dir, "x.idx")}, flags...)
	cmd := exec.Command("git", append(args, name)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_CEILING_DIRECTORIES="+dir, "LC_ALL=C")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, &gitError{strings.TrimSpace(string(out)), err}
	}
	idx, err := os.ReadFile(filepath.Join(dir, "x.idx"))
	if err != nil {
		t.Fatal(err)
	}
	return idx, nil
}

type gitError struct {
	out string
	err error
}

func (e *gitError) Error() string { return e.err.Error() + ": " + e.out }
