package inflate

import "encoding/binary"

// Sizes of the alphabets, RFC 1951 section 3.2.7.
const (
	maxLit       = 286
	maxDist      = 30
	maxRepeat    = 138
	lengthBits   = 7 // longest code of a code length
	lengthCodes  = 19
	noPrevious   = 16 // a length that cannot be: nothing to repeat yet
	lengthEntry  = 1<<8 | 1
	endOfBlock   = 256
	fewestLit    = 257
	fewestDist   = 1
	fewestLength = 4
)

// lengthOrder is the order in which the lengths of the length codes come.
var lengthOrder = [lengthCodes]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// lengthEntries hold what each length code means, laid out so that one path
// without branches serves all of them:
//
//	bits  0-7   input bits of code and extra bits together
//	bits  8-15  input bits of the code alone
//	bits 16-19  the length
//	bits 20-24  mask of the previous length, for the code that repeats it
//	bits 25-    least number of repeats
var lengthEntries = func() (t [lengthCodes]uint32) {
	for i := range uint32(16) {
		t[i] = i<<16 | 1<<25
	}
	t[16] = 2 | 31<<20 | 3<<25
	t[17] = 3 | 3<<25
	t[18] = 7 | 11<<25
	return t
}()

// scratch is what reading the codes of a dynamic block needs.
type scratch struct {
	// lengths has room for the longest repeat after the last code, and for
	// stores of 16 bytes. The last repeat can begin at 315.
	lengths   [maxLit + maxDist + maxRepeat + 32]uint8
	litCount  [maxCode + 1]uint16
	distCount [maxCode + 1]uint16
	sorted    [288]uint32
	codes     [1 << lengthBits]uint32
}

// dynamic reads the codes of a dynamic block into the decoder's tables.
func (d *Decoder) dynamic() error {
	in := &d.in
	in.refill()
	if in.n < 14 {
		return ErrShortInput
	}
	nlit := int(in.bits&31) + fewestLit
	ndist := int(in.bits>>5&31) + fewestDist
	nlength := int(in.bits>>10&15) + fewestLength
	in.drop(14)
	if nlit > maxLit || ndist > maxDist {
		return errCodeCounts
	}
	if err := d.lengthCode(nlength); err != nil {
		return err
	}
	if err := d.codeLengths(nlit + ndist); err != nil {
		return err
	}
	s := &d.work
	if s.lengths[endOfBlock] == 0 {
		return errNoEnd
	}
	s.distCount = [maxCode + 1]uint16{}
	for _, l := range s.lengths[nlit : nlit+ndist] {
		s.distCount[l&15]++
	}
	for l, n := range s.distCount {
		s.litCount[l] -= n
	}
	if !s.buildLit(&d.lit, nlit) || !s.buildDist(&d.dist, s.lengths[nlit:nlit+ndist]) {
		return errCodeLengths
	}
	return nil
}

// lengthCode reads the code of the code lengths and builds its table.
func (d *Decoder) lengthCode(n int) error {
	var lengths [lengthCodes]uint8
	var count [8]uint16
	in := &d.in
	for i := 0; i < n; i++ {
		if in.n < 3 {
			if in.refill(); in.n < 3 {
				return ErrShortInput
			}
		}
		l := uint8(in.bits & 7)
		in.drop(3)
		lengths[lengthOrder[i]] = l
		count[l]++
	}
	var next [8]uint16 // next code of each length, aligned to lengthBits
	code := uint16(0)
	for l := 1; l <= lengthBits; l++ {
		next[l] = code
		code += count[l] << (lengthBits - l)
	}
	if code != 1<<lengthBits {
		return errCodeLengths
	}
	s := &d.work
	for sym, l := range lengths {
		if l == 0 {
			continue
		}
		e := lengthEntries[sym] + uint32(l)*lengthEntry
		first := int(reversed[next[l]<<(litBits-lengthBits)])
		next[l] += 1 << (lengthBits - l)
		for i := first; i < len(s.codes); i += 1 << l {
			s.codes[i] = e
		}
	}
	return nil
}

// codeLengths reads total code lengths, and counts them in litCount.
func (d *Decoder) codeLengths(total int) error {
	s, in := &d.work, &d.in
	var count [32]uint16
	previous := uint32(noPrevious)
	i := 0
	for i < total {
		if in.n < 14 {
			in.refill()
		}
		e := s.codes[in.bits&(1<<lengthBits-1)]
		used := uint(e & 15)
		if used > in.n {
			return ErrShortInput
		}
		extra := in.bits & (1<<used - 1) >> (e >> 8 & 15)
		in.drop(used)
		repeat := int(e>>25) + int(extra)
		previous = e>>16&15 | previous&(e>>20)
		count[previous&31] += uint16(repeat)
		eight := uint64(previous) * 0x0101010101010101
		binary.LittleEndian.PutUint64(s.lengths[i:], eight)
		binary.LittleEndian.PutUint64(s.lengths[i+8:], eight)
		for j := 16; j < repeat; j += 8 { // only zeros
			binary.LittleEndian.PutUint64(s.lengths[i+j:], 0)
		}
		i += repeat
	}
	if i != total || count[noPrevious] != 0 {
		return errCodeLengths
	}
	copy(s.litCount[:], count[:])
	return nil
}

// complete tells whether the code uses all of its space and no more.
func complete(count *[maxCode + 1]uint16) bool {
	space := 0
	for l := 1; l <= maxCode; l++ {
		space += int(count[l]) << (maxCode - l)
	}
	return space == 1<<maxCode
}

// single tells whether there is one code only, of one bit. zlib accepts it for
// literals and distances although it leaves half of the space unused.
func single(count *[maxCode + 1]uint16) bool {
	for _, n := range count[2:] {
		if n != 0 {
			return false
		}
	}
	return count[1] == 1
}

func (s *scratch) buildLit(table *litTable, n int) bool {
	if complete(&s.litCount) {
		k := s.sort(s.lengths[:n], &s.litCount, litEntries[:])
		b := builder{table[:], litBits, s.sorted[:k], &s.litCount, litSpecial | flagLink}
		b.build()
		return true
	}
	if !single(&s.litCount) {
		return false
	}
	// The single code can only be the end of the block.
	for i := 0; i < 1<<litBits; i += 2 {
		table[i] = litEntries[endOfBlock] + codeLength
		table[i+1] = litSpecial | invalidCode
	}
	return true
}

func (s *scratch) buildDist(table *distTable, lengths []uint8) bool {
	if complete(&s.distCount) {
		k := s.sort(lengths, &s.distCount, distEntries[:])
		b := builder{table[:], distBits, s.sorted[:k], &s.distCount, distSpecial | flagLink}
		b.build()
		return true
	}
	none := int(s.distCount[0]) == len(lengths)
	if !none && !single(&s.distCount) {
		return false
	}
	for i := range 1 << distBits {
		table[i] = distSpecial | invalidCode
	}
	for sym, l := range lengths {
		for i := 0; l == 1 && i < 1<<distBits; i += 2 {
			table[i] = distEntries[sym] + codeLength
		}
	}
	return true
}

// sort puts the entries of the symbols that have a code in the order of their
// codes, and returns how many these are.
func (s *scratch) sort(lengths []uint8, count *[maxCode + 1]uint16, entries []uint32) int {
	var next [maxCode + 1]uint16
	sum := uint16(0)
	for l := 1; l <= maxCode; l++ {
		next[l] = sum
		sum += count[l]
	}
	for sym, l := range lengths {
		if l == 0 {
			continue
		}
		s.sorted[next[l&15]] = entries[sym]
		next[l&15]++
	}
	return int(sum)
}
