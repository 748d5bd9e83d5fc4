package pktline

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// MaxLine is the longest pkt-line, its length included (LARGE_PACKET_MAX of
// git's pkt-line.h); MaxPayload is what that leaves for the payload.
const (
	MaxLine    = 65520
	MaxPayload = MaxLine - headerSize

	headerSize = 4
)

// bufferSize holds the longest line, so that a payload is handed out where it
// was read.
const bufferSize = 64 << 10

// Kind says what a pkt-line is.
type Kind uint8

// The kinds of pkt-lines.
const (
	Data Kind = iota
	Flush
	Delim
	ResponseEnd
)

// String names the kind for messages.
func (k Kind) String() string {
	switch k {
	case Data:
		return "data"
	case Flush:
		return "flush"
	case Delim:
		return "delimiter"
	case ResponseEnd:
		return "response end"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// ErrMalformed is what the errors about bytes that are no pkt-line match.
var ErrMalformed = errors.New("malformed pkt-line")

// RemoteError is a fatal error that the other side reports, by an ERR line or
// in side band 3.
type RemoteError struct {
	Message string // as it was sent, the LF at its end excluded; untrusted
}

func (e *RemoteError) Error() string { return "remote error: " + e.Message }

// Reader reads pkt-lines.
type Reader struct {
	br *bufio.Reader
}

// NewReader returns a Reader of r. It reads ahead, unless r is a
// *bufio.Reader of 64 KiB or more: that one is used as it is, so that its
// owner can look at, and read, what stands between lines.
func NewReader(r io.Reader) *Reader {
	return &Reader{br: bufio.NewReaderSize(r, bufferSize)}
}

// Next reads a line. The payload is that of a Data line; it is valid until the
// next read. The error is io.EOF when the input ends before a line,
// io.ErrUnexpectedEOF when it ends in one, a *RemoteError for an ERR line, and
// matches ErrMalformed for what is no pkt-line.
func (r *Reader) Next() (Kind, []byte, error) {
	kind, n, err := r.header()
	if err != nil || kind != Data {
		return kind, nil, err
	}
	p, err := r.br.Peek(n)
	if err != nil {
		return Data, nil, inside(err)
	}
	r.br.Discard(n)
	if msg, ok := bytes.CutPrefix(p, []byte("ERR ")); ok {
		return Data, nil, remoteError(msg)
	}
	return Data, p, nil
}

// header reads a line's length and returns that of its payload.
func (r *Reader) header() (Kind, int, error) {
	h, err := r.br.Peek(headerSize)
	if err != nil {
		if len(h) > 0 {
			err = inside(err)
		}
		return Data, 0, err
	}
	n, ok := parseLength(h)
	if !ok {
		return Data, 0, fmt.Errorf("%w: length %q is not hex", ErrMalformed, h)
	}
	r.br.Discard(headerSize)
	switch {
	case n < 3:
		return Kind(n + 1), 0, nil
	case n < headerSize || n > MaxLine:
		return Data, 0, fmt.Errorf("%w: length %d", ErrMalformed, n)
	}
	return Data, n - headerSize, nil
}

// inside turns the end of the input into the one that it is inside a line.
func inside(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func remoteError(msg []byte) error {
	return &RemoteError{Message: string(bytes.TrimRight(msg, "\n"))}
}

// parseLength reads four hex digits of either case, as git does.
func parseLength(h []byte) (int, bool) {
	n := 0
	for _, c := range h {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		n = n<<4 | int(c)
	}
	return n, true
}
