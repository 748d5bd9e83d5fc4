package pack

import (
	"bufio"
	"fmt"
	"io"

	"github.com/klauspost/compress/zlib"
)

// deltaStream is a delta that is read and applied without holding it, its
// base or its result.
type deltaStream struct {
	in   *bufio.Reader
	size int64 // of the result
}

// openDelta opens the delta at entry i for a base of baseSize bytes.
func (s *spills) openDelta(i uint32, baseSize int64) (*deltaStream, error) {
	in, h, err := s.open(i)
	if err != nil {
		return nil, err
	}
	z, err := zlib.NewReader(in)
	if err != nil {
		return nil, fmt.Errorf("inflating: %w", err)
	}
	d := &deltaStream{in: bufio.NewReaderSize(&lengthReader{r: z, left: h.size}, 64<<10)}
	b, err := d.in.Peek(int(min(h.size, deltaHead)))
	if err != nil {
		return nil, fmt.Errorf("inflating: %w", err)
	}
	want, size, rest, err := deltaSizes(b)
	if err != nil {
		return nil, err
	}
	if want != baseSize {
		return nil, errBaseSize(want, baseSize)
	}
	d.size = size
	_, err = d.in.Discard(len(b) - len(rest))
	return d, err
}

// apply writes the result.
func (d *deltaStream) apply(w io.Writer, base *source) error {
	out := bufio.NewWriterSize(w, 256<<10)
	left := d.size
	for {
		op, err := d.in.ReadByte()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("inflating: %w", err)
		}
		n, err := d.instruction(out, op, base, left)
		if err != nil {
			return err
		}
		left -= n
	}
	if left > 0 {
		return fmt.Errorf("%w: it ends %d bytes before its result does", errDelta, left)
	}
	return out.Flush()
}

// instruction runs one instruction, and returns how many bytes it made.
func (d *deltaStream) instruction(out io.Writer, op byte, base *source, left int64) (int64, error) {
	if op < 0x80 {
		n := int64(op)
		if n == 0 || n > left {
			return 0, badInstruction(op)
		}
		if _, err := io.CopyN(out, d.in, n); err != nil {
			return 0, fmt.Errorf("%w: %w", badInstruction(op), err)
		}
		return n, nil
	}
	args, err := d.in.Peek(int(argLen[op&0x7f]))
	if err != nil {
		return 0, badInstruction(op)
	}
	off, n, used := copyArgs(op, args)
	if _, err := d.in.Discard(used); err != nil {
		return 0, err
	}
	if off+n > base.size || n > left {
		return 0, badInstruction(op)
	}
	_, err = io.Copy(out, io.NewSectionReader(base, off, n))
	return n, err
}

// lengthReader reads exactly left bytes of r: fewer and more are errors.
type lengthReader struct {
	r    io.Reader
	left int64
}

func (l *lengthReader) Read(b []byte) (int, error) {
	if l.left == 0 {
		var more [1]byte
		if _, err := io.ReadFull(l.r, more[:]); err != io.EOF {
			return 0, fmt.Errorf("content goes on beyond its size (%w)", errOr(err))
		}
		return 0, io.EOF
	}
	n, err := l.r.Read(b[:min(int64(len(b)), l.left)])
	l.left -= int64(n)
	if err == io.EOF && l.left > 0 {
		err = io.ErrUnexpectedEOF
	} else if err == io.EOF {
		err = nil
	}
	return n, err
}

func errOr(err error) error {
	if err == nil {
		return errDelta
	}
	return err
}
