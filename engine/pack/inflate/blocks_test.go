package inflate

import (
	"bytes"
	"encoding/binary"
	"errors"
	stdadler "hash/adler32"
	"math/bits"
	"testing"
)

// bitWriter puts together a deflate stream by hand.
type bitWriter struct {
	out  []byte
	bits uint64
	n    int
}

func (w *bitWriter) put(value uint64, n int) {
	w.bits |= value << w.n
	for w.n += n; w.n >= 8; w.n -= 8 {
		w.out = append(w.out, byte(w.bits))
		w.bits >>= 8
	}
}

// code puts a Huffman code, whose highest bit comes first.
func (w *bitWriter) code(code uint64, n int) { w.put(bits.Reverse64(code)>>(64-n), n) }

// header puts the start of a final dynamic block, up to the code of the code
// lengths: 16, 17, 18 have five bits, 0 has one, 1 to 15 four or five.
func (w *bitWriter) header(nlit, ndist int) {
	w.put(1, 1)
	w.put(2, 2)
	w.put(uint64(nlit-257), 5)
	w.put(uint64(ndist-1), 5)
	w.put(lengthCodes-4, 4)
	for _, symbol := range lengthOrder {
		w.put(uint64(handLength(int(symbol))), 3)
	}
}

// handLength is a complete code: 1/2, 14 times 1/32, and 4 times 1/64.
func handLength(symbol int) int {
	switch {
	case symbol == 0:
		return 1
	case symbol >= 12 && symbol <= 15:
		return 6
	}
	return 5
}

// lengthSymbol puts a code length, or a repeat with its extra bits.
func (w *bitWriter) lengthSymbol(symbol int) {
	code := uint64(0)
	length := handLength(symbol)
	for s := range lengthCodes {
		if l := handLength(s); l < length || l == length && s < symbol {
			code += 1 << (length - l)
		}
	}
	w.code(code, length)
}

// lengths puts code lengths one by one, the unnamed ones as 0.
func (w *bitWriter) lengths(n int, named map[int]int) {
	for symbol := range n {
		w.lengthSymbol(named[symbol])
	}
}

// zlibStream wraps deflate data in a header and the content's checksum.
func zlibStream(w *bitWriter, content []byte) []byte {
	w.put(0, 7) // to the next byte
	return binary.BigEndian.AppendUint32(append([]byte{0x78, 0x9c}, w.out...), stdadler.Checksum(content))
}

// smallLits gives 'a' one bit, the end of the block and length 3 two each.
var smallLits = map[int]int{'a': 1, 256: 2, 257: 2}

// Codes of smallLits, and a round of symbols after them.
const (
	codeA, bitsA     = 0, 1
	codeEnd, bitsEnd = 2, 2
	code3, bits3     = 3, 2
)

func TestBlocks(t *testing.T) {
	const aaaa = "aaaa"
	tests := []struct {
		name    string
		content string
		err     error
		write   func(w *bitWriter)
	}{
		{"complete distance code", aaaa, nil, func(w *bitWriter) {
			w.header(258, 2)
			w.lengths(258, smallLits)
			w.lengths(2, map[int]int{0: 1, 1: 1})
			w.code(codeA, bitsA)
			w.code(code3, bits3)
			w.put(0, 1)
			w.code(codeEnd, bitsEnd)
		}},
		{"one distance code of one bit", aaaa, nil, func(w *bitWriter) {
			w.header(258, 1)
			w.lengths(258, smallLits)
			w.lengths(1, map[int]int{0: 1})
			w.code(codeA, bitsA)
			w.code(code3, bits3)
			w.put(0, 1)
			w.code(codeEnd, bitsEnd)
		}},
		{"the other bit of one distance code", aaaa, errDistCode, func(w *bitWriter) {
			w.header(258, 1)
			w.lengths(258, smallLits)
			w.lengths(1, map[int]int{0: 1})
			w.code(codeA, bitsA)
			w.code(code3, bits3)
			w.put(1, 1)
			w.code(codeEnd, bitsEnd)
		}},
		{"one distance code of two bits", aaaa, errCodeLengths, func(w *bitWriter) {
			w.header(258, 1)
			w.lengths(258, smallLits)
			w.lengths(1, map[int]int{0: 2})
		}},
		{"no distance code, none used", "a", nil, func(w *bitWriter) {
			w.header(258, 1)
			w.lengths(258, smallLits)
			w.lengths(1, nil)
			w.code(codeA, bitsA)
			w.code(codeEnd, bitsEnd)
		}},
		{"no distance code, one used", aaaa, errDistCode, func(w *bitWriter) {
			w.header(258, 1)
			w.lengths(258, smallLits)
			w.lengths(1, nil)
			w.code(codeA, bitsA)
			w.code(code3, bits3)
			w.put(0, 1)
			w.code(codeEnd, bitsEnd)
		}},
		{"too many distance codes of one bit", "", errCodeLengths, func(w *bitWriter) {
			w.header(258, 3)
			w.lengths(258, smallLits)
			w.lengths(3, map[int]int{0: 1, 1: 1, 2: 1})
		}},
		{"end of block alone", "", nil, func(w *bitWriter) {
			w.header(257, 1)
			w.lengths(257, map[int]int{256: 1})
			w.lengths(1, nil)
			w.put(0, 1)
		}},
		{"the other bit of the end alone", "", errSymbol, func(w *bitWriter) {
			w.header(257, 1)
			w.lengths(257, map[int]int{256: 1})
			w.lengths(1, nil)
			w.put(1, 1)
		}},
		{"end of block alone in two bits", "", errCodeLengths, func(w *bitWriter) {
			w.header(257, 1)
			w.lengths(257, map[int]int{256: 2})
			w.lengths(1, nil)
		}},
		{"literals over-subscribed", "", errCodeLengths, func(w *bitWriter) {
			w.header(257, 1)
			w.lengths(257, map[int]int{'a': 1, 'b': 1, 256: 1})
			w.lengths(1, nil)
		}},
		{"literals incomplete", "", errCodeLengths, func(w *bitWriter) {
			w.header(257, 1)
			w.lengths(257, map[int]int{'a': 2, 'b': 2, 256: 2})
			w.lengths(1, nil)
		}},
		{"no end of block", "", errNoEnd, func(w *bitWriter) {
			w.header(257, 1)
			w.lengths(257, map[int]int{'a': 1, 'b': 1})
			w.lengths(1, nil)
		}},
		{"repeat of nothing", "", errCodeLengths, func(w *bitWriter) {
			w.header(257, 1)
			w.lengthSymbol(16)
			w.put(0, 2)
			w.lengths(255, map[int]int{252: 1, 253: 1})
		}},
		{"repeat over the end", "", errCodeLengths, func(w *bitWriter) {
			w.header(257, 1)
			w.lengths(257, map[int]int{'a': 1, 256: 1})
			w.lengthSymbol(18)
			w.put(127, 7)
		}},
		{"repeat from literals into distances", aaaa, nil, func(w *bitWriter) {
			w.header(258, 4)
			w.lengths(256, map[int]int{'a': 2, 'b': 2})
			w.lengthSymbol(2)
			w.lengthSymbol(16) // 257 and four distances
			w.put(2, 2)
			w.code(0, 2)
			w.code(3, 2)
			w.code(0, 2)
			w.code(2, 2)
		}},
		{"287 literals", "", errCodeCounts, func(w *bitWriter) { w.header(287, 1) }},
		{"31 distances", "", errCodeCounts, func(w *bitWriter) { w.header(257, 31) }},
		{"code of code lengths of one symbol", "", errCodeLengths, func(w *bitWriter) {
			w.put(5, 3)
			w.put(0, 14) // four lengths
			w.put(0, 6)
			w.put(1, 3) // for 18
			w.put(0, 3)
		}},
		{"fixed literal 286", "", errSymbol, func(w *bitWriter) {
			w.put(3, 3)
			w.code(0xc6, 8)
		}},
		{"fixed distance 30", aaaa, errDistCode, func(w *bitWriter) {
			w.put(3, 3)
			w.code(0x30+'a', 8)
			w.code(1, 7)
			w.code(30, 5)
		}},
		{"distance before the start", aaaa, errDistance, func(w *bitWriter) {
			w.put(3, 3)
			w.code(0x30+'a', 8)
			w.code(1, 7)
			w.code(1, 5)
		}},
		{"distance code of 13 bits", "aaaaaaaaaaaa", nil, func(w *bitWriter) {
			w.header(258, 30)
			w.lengths(258, smallLits)
			w.lengths(30, map[int]int{29: 1, 28: 2, 27: 3, 26: 4, 25: 5, 24: 6, 23: 7, 22: 8, 21: 9, 20: 10, 19: 11, 18: 12, 0: 13, 1: 13})
			for range 3 {
				w.code(codeA, bitsA)
				w.code(code3, bits3)
				w.code(1<<13-2, 13)
			}
			w.code(codeEnd, bitsEnd)
		}},
		{"block type 3", "", errBlockType, func(w *bitWriter) { w.put(7, 3) }},
		{"stored, LEN wrong", "a", errStored, func(w *bitWriter) {
			w.put(1, 8)
			w.put(1, 16)
			w.put(0xffff, 16)
			w.put('a', 8)
		}},
		{"stored, longer than the output", "a", ErrSize, func(w *bitWriter) {
			w.put(1, 8)
			w.put(2, 16)
			w.put(0xfffd, 16)
			w.put(0, 16)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var w bitWriter
			test.write(&w)
			src := zlibStream(&w, []byte(test.content))
			checkBlock(t, src, test.content, test.err)
		})
	}
}

// checkBlock decodes src with bytes behind it, so that the fast loop has it
// when the output is large enough, and without any.
func checkBlock(t *testing.T, src []byte, content string, want error) {
	t.Helper()
	var d Decoder
	padded := append(bytes.Clone(src), bytes.Repeat([]byte{0xff}, 40)...)
	for _, room := range []int{0, 100} {
		out := make([]byte, len(content)+room)
		n, err := d.Zlib(out, padded)
		switch {
		case room > 0 && (want == nil || want == ErrSize):
			if err == nil {
				t.Fatal("accepted although too short")
			}
		case err != want:
			t.Fatalf("room for %d more: %v, want %v", room, err, want)
		case err == nil && (n != len(src) || string(out) != content):
			t.Fatalf("took %d of %d, %q", n, len(src), out)
		}
	}
	compareWithOracle(t, &d, src, len(content))
	compareWithOracle(t, &d, padded, len(content))
	for n := 0; want == nil && n < len(src); n++ {
		if _, err := d.Zlib(make([]byte, len(content)), src[:n:n]); err != ErrShortInput {
			t.Fatalf("%d of %d bytes: %v", n, len(src), err)
		}
	}
}

func TestHeader(t *testing.T) {
	content := []byte("content")
	body := compress(t, "std", 6, content)[headerSize:]
	var d Decoder
	for cmf := range 256 {
		for flags := range 256 {
			src := append([]byte{byte(cmf), byte(flags)}, body...)
			_, err := d.Zlib(make([]byte, len(content)), src)
			valid := cmf&15 == 8 && cmf>>4 <= 7 && (cmf<<8|flags)%31 == 0
			switch {
			case !valid && err != errHeader,
				valid && flags&0x20 != 0 && err != errDictionary,
				valid && flags&0x20 == 0 && err != nil:
				t.Fatalf("header %02x %02x: %v", cmf, flags, err)
			}
		}
	}
}

// A header may promise a window smaller than the distances in use: zlib does
// not mind.
func TestSmallWindow(t *testing.T) {
	content := bytes.Repeat(append(bytes.Repeat([]byte("x"), 9000), "mark"...), 3)
	src := compress(t, "std", 9, content)
	src[0], src[1] = 0x08, 0x1d // 256 bytes
	checkStream(t, new(Decoder), src, content)
}

func TestChecksum(t *testing.T) {
	src := compress(t, "std", 6, []byte("content"))
	for i := len(src) - trailerSize; i < len(src); i++ {
		bad := bytes.Clone(src)
		bad[i]++
		if _, err := new(Decoder).Zlib(make([]byte, 7), bad); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
}
