package inflate

import "encoding/binary"

const (
	// The fast loop runs while both ends are this far away: two loads of
	// eight bytes, of which the first moves by seven, and the literals of one
	// round.
	inMargin  = 16
	outMargin = 8
	// maxDistBits is the longest distance: a code of 15 bits, 13 extra bits.
	maxDistBits = 28
)

// block decodes the symbols of a block into dst[out:] and returns the new
// length of the output. Everything happens on local variables, hence its
// length: a call for each symbol would cost as much as the symbol.
func (d *Decoder) block(lit *litTable, dist *distTable, dst []byte, out int) (int, error) {
	src, pos, bb, nb := d.in.src, d.in.pos, d.in.bits, uint64(d.in.n)
	// Only the low byte of nb counts in this loop: entries are subtracted
	// whole, and refilling masks the rest away.
	for pos <= len(src)-inMargin && out <= len(dst)-outMargin {
		nb &= 63
		bb |= binary.LittleEndian.Uint64(src[pos:]) << nb
		pos += int((63 - nb) >> 3)
		nb |= 56
		e := lit[bb&(1<<litBits-1)]
		if e&litLiteral != 0 {
			// Four codes of the first level leave 16 bits of the 56.
			bb >>= e & 63
			nb -= uint64(e)
			dst[out] = byte(e >> entryShift)
			out++
			e = lit[bb&(1<<litBits-1)]
			if e&litLiteral != 0 {
				bb >>= e & 63
				nb -= uint64(e)
				dst[out] = byte(e >> entryShift)
				out++
				e = lit[bb&(1<<litBits-1)]
				if e&litLiteral != 0 {
					bb >>= e & 63
					nb -= uint64(e)
					dst[out] = byte(e >> entryShift)
					out++
					e = lit[bb&(1<<litBits-1)]
					if e&litLiteral != 0 {
						bb >>= e & 63
						nb -= uint64(e)
						dst[out] = byte(e >> entryShift)
						out++
						continue
					}
				}
			}
		}
		if e&litSpecial != 0 {
			if e&flagLink != 0 {
				bb >>= litBits
				nb -= litBits
				e = lit[(e>>entryShift+uint32(bb)&(1<<(e>>8&15)-1))&(litSize-1)]
			}
			if e&litLiteral != 0 {
				bb >>= e & 63
				nb -= uint64(e)
				dst[out] = byte(e >> entryShift)
				out++
				continue
			}
			if e&litSpecial != 0 {
				d.in.pos, d.in.bits, d.in.n = pos, bb>>(e&63), uint((nb-uint64(e))&63)
				if e&flagEnd != 0 {
					return out, nil
				}
				return out, errSymbol
			}
		}
		length := int(e>>entryShift&valueMask) + int(bb&(1<<(e&63)-1)>>(e>>8&15))
		bb >>= e & 63
		nb -= uint64(e)

		if nb &= 63; nb < maxDistBits {
			bb |= binary.LittleEndian.Uint64(src[pos:]) << nb
			pos += int((63 - nb) >> 3)
			nb |= 56
		}
		e = dist[bb&(1<<distBits-1)]
		if e&distSpecial != 0 {
			if e&flagLink == 0 {
				return out, errDistCode
			}
			bb >>= distBits
			nb -= distBits
			e = dist[(e>>entryShift+uint32(bb)&(1<<(e>>8&15)-1))&(distSize-1)]
		}
		distance := int(e>>entryShift) + int(bb&(1<<(e&63)-1)>>(e>>8&15))
		bb >>= e & 63
		nb -= uint64(e)

		from := out - distance
		if from < 0 {
			return out, errDistance
		}
		end := out + length
		if distance < 8 || end > len(dst)-16 {
			if end > len(dst) {
				return out, ErrSize
			}
			overlap(dst[from:end], distance)
			out = end
			continue
		}
		binary.LittleEndian.PutUint64(dst[out:], binary.LittleEndian.Uint64(dst[from:]))
		binary.LittleEndian.PutUint64(dst[out+8:], binary.LittleEndian.Uint64(dst[from+8:]))
		for out += 16; out < end; out += 8 {
			binary.LittleEndian.PutUint64(dst[out:], binary.LittleEndian.Uint64(dst[out-distance:]))
		}
		out = end
	}
	d.in.pos, d.in.bits, d.in.n = pos, bb, uint(nb&63)
	return d.careful(lit, dist, dst, out)
}

// overlap repeats the first distance bytes of p over the rest of it.
func overlap(p []byte, distance int) {
	for done := distance; done < len(p); done *= 2 {
		copy(p[done:], p[:done])
	}
}
