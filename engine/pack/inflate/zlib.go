// Package inflate decodes zlib streams (RFC 1950, RFC 1951) the way git packs
// hold them: small, by the hundred thousand, each of a known size, with the
// whole input (and usually the entries after it) in memory.
//
// Start with [Decoder.Zlib]. It accepts exactly the streams that zlib's
// inflate accepts.
//
//	zlib.go     header, blocks, trailer; the errors
//	dynamic.go  code lengths of a dynamic block
//	tables.go   Huffman tables from code lengths
//	block.go    symbols of a block, fast while far from both ends
//	careful.go  symbols of a block near the end of the input or the output
//	bits.go     the bit reader
//	adler.go    the checksum
package inflate

import (
	"encoding/binary"
	"errors"
	"fmt"
)

var (
	// ErrShortInput says that the input ends before the stream does. A call
	// with more input may succeed.
	ErrShortInput = errors.New("zlib stream ends early")
	// ErrSize says that the content is longer or shorter than the output.
	ErrSize = errors.New("zlib stream has another size than expected")
	// ErrCorrupt is wrapped by the errors of all other invalid streams.
	ErrCorrupt = errors.New("corrupt zlib stream")
)

// The reasons are made once: a decoder that fails must not be slower than one
// that succeeds.
var (
	errHeader      = corrupt("incorrect header")
	errDictionary  = corrupt("needs a preset dictionary")
	errBlockType   = corrupt("invalid block type")
	errStored      = corrupt("stored block lengths disagree")
	errCodeCounts  = corrupt("too many length or distance symbols")
	errCodeLengths = corrupt("invalid code lengths")
	errNoEnd       = corrupt("no end-of-block code")
	errSymbol      = corrupt("invalid literal or length code")
	errDistCode    = corrupt("invalid distance code")
	errDistance    = corrupt("distance too far back")
	errChecksum    = corrupt("incorrect checksum")
)

func corrupt(reason string) error { return fmt.Errorf("%w: %s", ErrCorrupt, reason) }

// Decoder holds the tables of the block at hand. The zero value is ready; a
// decoder serves one goroutine at a time and any number of streams.
type Decoder struct {
	in   bitReader
	lit  litTable
	dist distTable
	work scratch
}

// headerSize and trailerSize are the bytes around the deflate data (RFC 1950).
const (
	headerSize  = 2
	trailerSize = 4
)

// Zlib decodes the zlib stream at the start of src into dst, which must have
// exactly the size of the content, and returns how many bytes of src the
// stream took, header and checksum included. dst and src must not overlap.
//
// It returns [ErrShortInput] when src ends before the stream does, [ErrSize]
// when the content is longer or shorter than dst, and an error that wraps
// [ErrCorrupt] for anything else. dst is undefined after an error.
func (d *Decoder) Zlib(dst, src []byte) (n int, err error) {
	if err := checkHeader(src); err != nil {
		return 0, err
	}
	d.in = bitReader{src: src, pos: headerSize}
	out, err := d.blocks(dst)
	end := d.in.align()
	d.in.src = nil // do not keep the caller's memory alive
	switch {
	case err != nil:
		return 0, err
	case out != len(dst):
		return 0, ErrSize
	case len(src)-end < trailerSize:
		return 0, ErrShortInput
	case binary.BigEndian.Uint32(src[end:]) != adler32(dst):
		return 0, errChecksum
	}
	return end + trailerSize, nil
}

// checkHeader follows RFC 1950, section 2.2. A window smaller than 32 KiB does
// not limit the distances, as in zlib unless built with INFLATE_STRICT.
func checkHeader(src []byte) error {
	if len(src) < headerSize {
		return ErrShortInput
	}
	const (
		deflate, maxWindow = 8, 7
		presetDictionary   = 0x20
	)
	method, window := src[0]&15, src[0]>>4
	switch {
	case binary.BigEndian.Uint16(src)%31 != 0 || method != deflate || window > maxWindow:
		return errHeader
	case src[1]&presetDictionary != 0:
		return errDictionary
	}
	return nil
}

// blocks decodes blocks up to the final one and returns the bytes written.
func (d *Decoder) blocks(dst []byte) (out int, err error) {
	for {
		d.in.refill()
		if d.in.n < 3 {
			return out, ErrShortInput
		}
		final, kind := d.in.bits&1, d.in.bits>>1&3
		d.in.drop(3)
		switch kind {
		case 0:
			out, err = d.stored(dst, out)
		case 1:
			out, err = d.block(fixedLit, fixedDist, dst, out)
		case 2:
			if err = d.dynamic(); err == nil {
				out, err = d.block(&d.lit, &d.dist, dst, out)
			}
		default:
			err = errBlockType
		}
		if err != nil || final != 0 {
			return out, err
		}
	}
}

// stored copies a block without compression: LEN, its complement, the bytes.
func (d *Decoder) stored(dst []byte, out int) (int, error) {
	src := d.in.src[d.in.align():]
	if len(src) < 4 {
		return out, ErrShortInput
	}
	size := int(binary.LittleEndian.Uint16(src))
	if size^0xffff != int(binary.LittleEndian.Uint16(src[2:])) {
		return out, errStored
	}
	src = src[4:]
	switch {
	case size > len(dst)-out:
		return out, ErrSize
	case size > len(src):
		return out, ErrShortInput
	}
	copy(dst[out:], src[:size])
	d.in.pos += 4 + size
	return out + size, nil
}
