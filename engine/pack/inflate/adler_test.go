package inflate

import (
	"bytes"
	stdadler "hash/adler32"
	"math/rand/v2"
	"testing"
)

func TestAdler32(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for size := range 1200 {
		checkAdler(t, bytes.Repeat([]byte{0xff}, size))
		checkAdler(t, randomBytes(rng, size, 256))
	}
	checkAdler(t, bytes.Repeat([]byte{0xff}, 1<<20))
	checkAdler(t, randomBytes(rng, 1<<20+5, 256))
}

func checkAdler(t *testing.T, p []byte) {
	t.Helper()
	if got, want := adler32(p), stdadler.Checksum(p); got != want {
		t.Fatalf("adler32 of %d bytes: %08x, want %08x", len(p), got, want)
	}
}

func randomBytes(rng *rand.Rand, size, symbols int) []byte {
	p := make([]byte, size)
	for i := range p {
		p[i] = byte(rng.IntN(symbols))
	}
	return p
}
