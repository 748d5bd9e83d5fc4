package inflate

import "testing"

// FuzzZlib reads any bytes as a stream; compress/zlib must agree on whether it
// is one, on its content and on its length.
func FuzzZlib(f *testing.F) {
	for _, src := range samples(f) {
		f.Add(src, 100)
	}
	var d Decoder
	f.Fuzz(func(t *testing.T, src []byte, size int) {
		compareWithOracle(t, &d, src, size&0xffff)
	})
}

// FuzzZlibRoundTrip compresses any bytes and decodes the stream, whole and cut.
func FuzzZlibRoundTrip(f *testing.F) {
	f.Add([]byte("content"), 6, 3)
	f.Add([]byte(nil), 0, 0)
	var d Decoder
	f.Fuzz(func(t *testing.T, content []byte, level, cut int) {
		src := compress(t, "klauspost", int(uint(level)%12)-2, content)
		checkStream(t, &d, src, content)
		n := int(uint(cut) % uint(len(src)))
		if _, err := d.Zlib(make([]byte, len(content)), src[:n:n]); err != ErrShortInput {
			t.Fatalf("%d of %d bytes: %v", n, len(src), err)
		}
	})
}
