package inflate

// careful decodes as block does, one symbol at a time, and checks each against
// the bits and the room left. Bits count as missing before anything else is
// said about them: a stream that is cut must not look corrupt.
func (d *Decoder) careful(lit *litTable, dist *distTable, dst []byte, out int) (int, error) {
	in := &d.in
	for {
		in.refill()
		e := lit[in.bits&(1<<litBits-1)]
		if e&litSpecial != 0 && e&flagLink != 0 {
			if in.n < litBits {
				return out, ErrShortInput
			}
			in.drop(litBits)
			e = lit[(e>>entryShift+uint32(in.bits)&(1<<(e>>8&15)-1))&(litSize-1)]
		}
		length, ok := in.value(e)
		switch {
		case !ok:
			return out, ErrShortInput
		case e&litLiteral != 0:
			if out == len(dst) {
				return out, ErrSize
			}
			dst[out] = byte(e >> entryShift)
			out++
			continue
		case e&litSpecial != 0 && e&flagEnd != 0:
			return out, nil
		case e&litSpecial != 0:
			return out, errSymbol
		}

		e = dist[in.bits&(1<<distBits-1)]
		if e&distSpecial != 0 && e&flagLink != 0 {
			if in.n < distBits {
				return out, ErrShortInput
			}
			in.drop(distBits)
			e = dist[(e>>entryShift+uint32(in.bits)&(1<<(e>>8&15)-1))&(distSize-1)]
		}
		distance, ok := in.value(e)
		switch {
		case !ok:
			return out, ErrShortInput
		case e&distSpecial != 0:
			return out, errDistCode
		case distance > out:
			return out, errDistance
		case length > len(dst)-out:
			return out, ErrSize
		}
		end := out + length
		overlap(dst[out-distance:end], distance)
		out = end
	}
}

// value takes the code and the extra bits of an entry, and returns the sum of
// the base and the extra bits; false when there are not as many bits left.
func (r *bitReader) value(e uint32) (int, bool) {
	used := uint(e & 63)
	if used > r.n {
		return 0, false
	}
	extra := r.bits & (1<<used - 1) >> (e >> 8 & 15)
	r.drop(used)
	return int(e>>entryShift&0x7fff) + int(extra), true
}
