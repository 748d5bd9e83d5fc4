package inflate

import "encoding/binary"

const (
	adlerMod = 65521 // largest prime below 1<<16
	// adlerGroup is how many bytes the 16-bit lanes of adler32 can add up: 22
	// words of 8, when the second sum has grown to 255 * (0+1+…+21) = 58905.
	adlerGroup = 22 * 8
	// adlerBlock is how many bytes fit before the sums need a reduction: 31
	// groups, below the 5552 for which 32 bits suffice.
	adlerBlock = 31 * adlerGroup

	evenBytes = 0x00ff00ff00ff00ff
	evenLanes = 0x0000ffff0000ffff
)

// adler32 is the checksum of RFC 1950.
func adler32(p []byte) uint32 {
	a, b := uint64(1), uint64(0)
	for len(p) >= 8 {
		block := p[:min(len(p)&^7, adlerBlock)]
		p = p[len(block):]
		for len(block) > 0 {
			group := block[:min(len(block), adlerGroup)]
			block = block[len(group):]
			sum, weighted := adlerWords(group)
			b += uint64(len(group))*a + weighted
			a += sum
		}
		a, b = a%adlerMod, b%adlerMod
	}
	for _, c := range p {
		a += uint64(c)
		b += a
	}
	return uint32(b%adlerMod<<16 | a%adlerMod)
}

// adlerWords returns the sum of the bytes of p, and their sum when the last
// counts once, the one before twice and so on. p has a multiple of 8 bytes, at
// most adlerGroup. Lane i of even adds up byte 2i of every word, lane i of odd
// byte 2i+1; evens and odds add up what these were before each word.
func adlerWords(p []byte) (sum, weighted uint64) {
	var even, odd, evens, odds uint64
	for ; len(p) >= 8; p = p[8:] {
		w := binary.LittleEndian.Uint64(p)
		evens += even
		odds += odd
		even += w & evenBytes
		odd += w >> 8 & evenBytes
	}
	// Within a word the bytes count 8 to 1 times: 8-2i in lane i, and one less
	// in the lanes of odd. Lanes 0 and 2 stand in the halves of low, 1 and 3 in
	// those of high.
	both := even + odd
	low, high := both&evenLanes, both>>16&evenLanes
	weighted = halves(8*low+6*high) - 4*((low+high)>>32) - lanes(odd)
	return lanes(both), weighted + 8*(lanes(evens)+lanes(odds))
}

// lanes adds up the four 16-bit lanes of v, halves its 32-bit halves.
func lanes(v uint64) uint64  { return halves(v&evenLanes + v>>16&evenLanes) }
func halves(v uint64) uint64 { return v>>32 + v&0xffffffff }
