package inflate

import "math/bits"

// The tables are indexed by the next bits of the input. Codes longer than the
// first level lead to a second one, kept behind it in the same array. The
// arrays have a power of two of entries, so that a mask proves an index valid.
const (
	litBits  = 10
	distBits = 8
	maxCode  = 15 // longest code of the alphabet, RFC 1951 section 3.2.7

	// The most entries that any valid code needs, by zlib's examples/enough.c:
	// "enough 288 10 15" is 1334, "enough 32 8 15" is 402.
	litSize  = 2048
	distSize = 512
)

type (
	litTable  [litSize]uint32
	distTable [distSize]uint32
)

// An entry of either table:
//
//	bits  0-7   input bits of code and extra bits together
//	bits  8-11  input bits of the code alone; for a link, index bits of the second level
//	bits 16-    literal, base of the length or distance, or start of the second level
//
// and the flags. In a distance table a base takes bits 16 to 30, so the flags
// other than distSpecial stand in bits 12 to 15.
const (
	flagLink    = 1 << 12
	flagEnd     = 1 << 13
	flagInvalid = 1 << 14

	litLiteral  = 1 << 31
	litSpecial  = 1 << 15 // link, end of block or invalid
	distSpecial = 1 << 31 // link or invalid

	codeLength  = 1<<8 | 1 // times the code's length: what it adds to an entry
	entryShift  = 16
	valueMask   = 0x1ff // length or literal, after the shift
	invalidCode = flagInvalid | codeLength
)

// litEntries and distEntries hold the entry of each symbol, without the
// length of its code. Symbols 286, 287, 30 and 31 have fixed codes but no
// meaning.
var (
	litEntries  = makeLitEntries()
	distEntries = makeDistEntries()

	fixedLit, fixedDist = makeFixed()
)

func makeLitEntries() (t [288]uint32) {
	for i := range 256 {
		t[i] = litLiteral | uint32(i)<<entryShift
	}
	t[256] = litSpecial | flagEnd
	base := uint32(3)
	for i := range uint32(28) {
		extra := max(i/4, 1) - 1
		t[257+i] = base<<entryShift | extra
		base += 1 << extra
	}
	t[285] = 258 << entryShift
	t[286] = litSpecial | flagInvalid
	t[287] = litSpecial | flagInvalid
	return t
}

func makeDistEntries() (t [32]uint32) {
	base := uint32(1)
	for i := range uint32(30) {
		extra := max(i/2, 1) - 1
		t[i] = base<<entryShift | extra
		base += 1 << extra
	}
	t[30] = distSpecial | flagInvalid
	t[31] = distSpecial | flagInvalid
	return t
}

// makeFixed builds the tables of RFC 1951 section 3.2.6.
func makeFixed() (*litTable, *distTable) {
	var s scratch
	for i := range 288 {
		length := uint8(8)
		switch {
		case i >= 144 && i < 256:
			length = 9
		case i >= 256 && i < 280:
			length = 7
		}
		s.lengths[i] = length
		s.litCount[length]++
	}
	for i := range 32 {
		s.lengths[288+i] = 5
		s.distCount[5]++
	}
	lit, dist := new(litTable), new(distTable)
	s.buildLit(lit, 288)
	s.buildDist(dist, s.lengths[288:320])
	return lit, dist
}

// reversed holds the index of each first-level code, whose bits come in
// highest first.
var reversed = func() (t [1 << litBits]uint16) {
	for i := range t {
		t[i] = bits.Reverse16(uint16(i)) >> (16 - litBits)
	}
	return t
}()

// builder fills a table with entries sorted by code length.
type builder struct {
	table  []uint32
	bits   int      // of the first level
	sorted []uint32 // the entries, without code lengths
	count  *[maxCode + 1]uint16
	link   uint32 // flags of a link
}

// build needs a complete code, of at most maxCode bits.
func (b *builder) build() {
	code, sorted := uint(0), b.sorted
	length := 1
	for ; b.count[length] == 0; length++ {
	}
	for ; ; length++ {
		shift := uint(litBits - length)
		extra := uint32(length) * codeLength
		n := int(b.count[length])
		for _, e := range sorted[:n] {
			b.table[reversed[code<<(shift&15)&(1<<litBits-1)]] = e + extra
			code++
		}
		sorted = sorted[n:]
		if length == b.bits {
			break
		}
		copy(b.table[1<<length:2<<length], b.table[:1<<length])
		code <<= 1
	}
	if len(sorted) > 0 {
		b.buildSecond(code, sorted)
	}
}

// buildSecond adds the codes longer than the first level: for each of its
// indexes that is left, a table just big enough for the codes that begin so.
func (b *builder) buildSecond(code uint, sorted []uint32) {
	length := b.bits + 1
	left := int(b.count[length]) // codes of this length still to place
	code <<= 1
	end := 1 << b.bits // of all tables so far
	start, size := 0, 0
	prefix := ^uint(0)
	for _, e := range sorted {
		for left == 0 {
			length++
			code <<= 1
			left = int(b.count[length])
		}
		rest := length - b.bits
		if code>>rest != prefix {
			prefix = code >> rest
			start, size = end, b.secondBits(length, left)
			end += 1 << size
			index := bits.Reverse16(uint16(prefix)) >> (16 - b.bits)
			b.table[index] = b.link | uint32(start)<<entryShift | uint32(size)<<8 | uint32(b.bits)
		}
		low := code & (1<<rest - 1)
		first := int(bits.Reverse16(uint16(low)) >> (16 - rest))
		for i := first; i < 1<<size; i += 1 << rest {
			b.table[start+i] = e + uint32(rest)*codeLength
		}
		code++
		left--
	}
}

// secondBits is the size of a table that begins with the next of left codes of
// the given length: as many bits as it takes to use up the prefix.
func (b *builder) secondBits(length, left int) int {
	size := length - b.bits
	for space := 1<<size - left; space > 0; {
		length++
		size++
		space = space<<1 - int(b.count[length])
	}
	return size
}
