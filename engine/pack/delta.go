package pack

import (
	"errors"
	"fmt"
)

// A delta (gitformat-pack(5)) is the sizes of base and result as varints of
// 7 bits, least significant first, and then instructions:
//
//	1xxxxxxx offset{0,4} size{0,3}   copy from the base; each x says that
//	                                 its byte of offset or size follows
//	0nnnnnnn byte{n}                 insert the bytes
//	00000000                         reserved
//
// A copy of size 0 means 0x10000 bytes.

// maxDeltaResult bounds what one delta may make. A copy's offset has 32 bits,
// so git's own deltas end there, and by default it makes none for objects
// over 512 MiB (core.bigFileThreshold); only a bomb comes here.
const maxDeltaResult = 4 << 30

var errDelta = errors.New("damaged delta")

// minDelta is git's DELTA_SIZE_MIN: it refuses shorter deltas, which could
// only make an empty object.
const minDelta = 4

// deltaHead bytes hold both sizes.
const deltaHead = 20

// deltaSizes reads a delta's header.
func deltaSizes(delta []byte) (base, result int64, instructions []byte, err error) {
	if len(delta) < minDelta {
		return 0, 0, nil, fmt.Errorf("%w: it has only %d bytes", errDelta, len(delta))
	}
	base, delta, ok := deltaSize(delta)
	if ok {
		result, delta, ok = deltaSize(delta)
	}
	if !ok {
		return 0, 0, nil, fmt.Errorf("%w: its header is cut short or too large", errDelta)
	}
	if result > maxDeltaResult {
		return 0, 0, nil, fmt.Errorf("%w: it would make an object of %d bytes, over the limit of %d", errDelta, result, int64(maxDeltaResult))
	}
	return base, result, delta, nil
}

func deltaSize(b []byte) (int64, []byte, bool) {
	var v uint64
	for shift := 0; len(b) > 0 && shift < 63; shift += 7 {
		c := b[0]
		b = b[1:]
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return int64(v), b, int64(v) >= 0
		}
	}
	return 0, nil, false
}

// applyDelta runs the instructions over base into dst, which has the length
// of the result.
func applyDelta(dst, base, in []byte) error {
	for len(in) > 0 {
		op := in[0]
		in = in[1:]
		if op < 0x80 {
			n := int(op)
			if n == 0 || n > len(in) || n > len(dst) {
				return badInstruction(op)
			}
			copy(dst, in[:n])
			dst, in = dst[n:], in[n:]
			continue
		}
		off, n, used := copyArgs(op, in)
		if used < 0 || off+n > int64(len(base)) || n > int64(len(dst)) {
			return badInstruction(op)
		}
		copy(dst, base[off:off+n])
		dst, in = dst[n:], in[used:]
	}
	if len(dst) > 0 {
		return fmt.Errorf("%w: it ends %d bytes before its result does", errDelta, len(dst))
	}
	return nil
}

func badInstruction(op byte) error {
	return fmt.Errorf("%w: instruction %#02x goes beyond the delta, its base or its result", errDelta, op)
}

// copyArgs reads what follows a copy instruction, and how many bytes that
// was; -1 when in is too short.
func copyArgs(op byte, in []byte) (off, n int64, used int) {
	if len(in) < 7 { // rare: make the reads below safe
		var padded [7]byte
		need := argLen[op&0x7f]
		if len(in) < int(need) {
			return 0, 0, -1
		}
		copy(padded[:], in)
		in = padded[:]
	}
	k := 0
	in = in[:7]
	if op&0x01 != 0 {
		off = int64(in[0])
		k = 1
	}
	if op&0x02 != 0 {
		off |= int64(in[k]) << 8
		k++
	}
	if op&0x04 != 0 {
		off |= int64(in[k]) << 16
		k++
	}
	if op&0x08 != 0 {
		off |= int64(in[k]) << 24
		k++
	}
	if op&0x10 != 0 {
		n = int64(in[k])
		k++
	}
	if op&0x20 != 0 {
		n |= int64(in[k]) << 8
		k++
	}
	if op&0x40 != 0 {
		n |= int64(in[k]) << 16
		k++
	}
	if n == 0 {
		n = 0x10000
	}
	return off, n, k
}

// argLen is how many bytes follow a copy instruction.
var argLen = func() (t [128]uint8) {
	for op := range t {
		for b := op; b > 0; b >>= 1 {
			t[op] += uint8(b & 1)
		}
	}
	return t
}()
