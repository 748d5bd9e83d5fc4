package pack

import (
	"bufio"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
)

const (
	// smallMax is the largest content that is inflated in one go.
	smallMax = 1 << 20
	// windowSize holds the zlib stream of a small content, which deflate
	// makes 5 bytes in 16 KiB longer at worst, and then what the network
	// brought beyond it.
	windowSize = 2 << 20
	// peekSize holds any entry's header: 10 bytes of size, 10 of distance or
	// 32 of id.
	peekSize = 64
	// streamBuf is how far the inflate of a large content reads ahead.
	streamBuf = 32 << 10
)

// input is a window on the pack's bytes as they arrive. What was consumed is
// hashed and passed on when it leaves the window.
type input struct {
	r        io.Reader
	out      io.Writer
	sum      hash.Hash
	buf      []byte
	readBuf  int   // how far a stream reads ahead
	base     int64 // offset in the pack of buf[0]
	pos, end int   // buf[pos:end] is not consumed yet
	passed   int   // buf[:passed] was hashed and passed on
	keep     int   // buf[keep:] must stay in the window
	crcAt    int   // buf[:crcAt] of the entry is in crc
	crc      uint32
	err      error // of r, given once the window is used up
}

func newInput(r io.Reader, out io.Writer, sum hash.Hash, lim limits) *input {
	return &input{r: r, out: out, sum: sum, buf: make([]byte, lim.window), readBuf: lim.streamBuf}
}

func (in *input) offset() int64  { return in.base + int64(in.pos) }
func (in *input) window() []byte { return in.buf[in.pos:in.end] }

// begin says that an entry starts here, so its bytes are to be kept.
func (in *input) begin() {
	in.keep, in.crcAt, in.crc = in.pos, in.pos, 0
}

// sumEntry returns the CRC-32 of the bytes since begin.
func (in *input) sumEntry() uint32 {
	return crc32.Update(in.crc, crc32.IEEETable, in.buf[in.crcAt:in.pos])
}

// fill reads until the window has n bytes. It returns io.ErrUnexpectedEOF
// when r ends before, and errWindow when that many do not fit.
func (in *input) fill(n int) error {
	if in.end-in.pos >= n {
		return nil
	}
	if in.pos+n > len(in.buf) {
		if err := in.compact(); err != nil {
			return err
		}
		if in.pos+n > len(in.buf) {
			return errWindow
		}
	}
	for in.end-in.pos < n && in.err == nil {
		var k int
		k, in.err = in.r.Read(in.buf[in.end:])
		in.end += k
	}
	if in.end-in.pos >= n {
		return nil
	}
	if errors.Is(in.err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return in.err
}

var errWindow = errors.New("entry larger than the window")

// compact moves what must stay to the front of the window.
func (in *input) compact() error {
	if err := in.pass(in.keep); err != nil {
		return err
	}
	if in.crcAt < in.keep {
		in.crc = crc32.Update(in.crc, crc32.IEEETable, in.buf[in.crcAt:in.keep])
		in.crcAt = in.keep
	}
	n := in.keep
	copy(in.buf, in.buf[n:in.end])
	in.base += int64(n)
	in.pos, in.end, in.passed, in.crcAt, in.keep = in.pos-n, in.end-n, in.passed-n, in.crcAt-n, 0
	return nil
}

// pass hashes the bytes before upTo and passes them on.
func (in *input) pass(upTo int) error {
	if in.passed >= upTo {
		return nil
	}
	b := in.buf[in.passed:upTo]
	in.passed = upTo
	in.sum.Write(b)
	_, err := in.out.Write(b)
	return err
}

// trailer checks the hash that ends the pack, and that nothing follows.
func (in *input) trailer() ([]byte, error) {
	in.begin()
	if err := in.pass(in.pos); err != nil {
		return nil, err
	}
	want := in.sum.Sum(nil)
	if err := in.fill(len(want)); err != nil {
		return nil, cut(err)
	}
	got := in.window()[:len(want)]
	if string(got) != string(want) {
		return nil, fmt.Errorf("the pack is damaged: its trailer is %x, its content hashes to %x", got, want)
	}
	in.pos += len(want)
	if _, err := in.out.Write(got); err != nil {
		return nil, err
	}
	if err := in.fill(1); err == nil {
		return nil, errors.New("the pack is damaged: bytes follow its trailer")
	} else if !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(in.err, io.EOF) || errors.Is(in.err, io.ErrUnexpectedEOF) {
		return nil, cut(err)
	}
	return want, nil
}

// stream returns a reader of what follows, for an inflate that must not read
// a byte too many. It ends with a call of done.
func (in *input) stream() *bufio.Reader {
	return bufio.NewReaderSize(streamed{in}, in.readBuf)
}

// done takes back what was read ahead.
func (in *input) done(br *bufio.Reader) { in.pos -= br.Buffered() }

type streamed struct{ in *input }

func (s streamed) Read(p []byte) (int, error) {
	in := s.in
	in.keep = max(in.keep, in.pos-in.readBuf)
	if err := in.fill(1); err != nil {
		return 0, err
	}
	n := copy(p, in.window())
	in.pos += n
	return n, nil
}

// cut says what the end of the input in the middle means.
func cut(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the connection was cut in the middle of the pack: %w", err)
	}
	return fmt.Errorf("reading the pack: %w", err)
}
