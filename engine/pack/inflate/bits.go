package inflate

import "encoding/binary"

// bitReader reads src from its low bits up. The lowest n bits of bits are
// unread; those above n are zero or equal to the bytes from pos on, so adding
// these bytes again changes nothing.
type bitReader struct {
	src  []byte
	pos  int
	bits uint64
	n    uint // at most 63
}

// refill makes n at least 56, or takes all that is left.
func (r *bitReader) refill() {
	if len(r.src)-r.pos >= 8 {
		r.bits |= binary.LittleEndian.Uint64(r.src[r.pos:]) << (r.n & 63)
		r.pos += int((63 - r.n) >> 3)
		r.n |= 56
		return
	}
	r.refillBytes()
}

func (r *bitReader) refillBytes() {
	for r.n < 56 && r.pos < len(r.src) {
		r.bits |= uint64(r.src[r.pos]) << (r.n & 63)
		r.pos++
		r.n += 8
	}
}

// drop removes the lowest k bits; k must not exceed n.
func (r *bitReader) drop(k uint) {
	r.bits >>= k & 63
	r.n -= k
}

// align drops the rest of a byte begun, gives back the whole bytes not read,
// and returns the position of the first of them.
func (r *bitReader) align() int {
	r.pos -= int(r.n >> 3)
	r.bits, r.n = 0, 0
	return r.pos
}
