package pktline

import (
	"fmt"
	"io"
)

// Writer writes pkt-lines. Each method writes one line; the first error stays
// and is returned by all that follow, so it is enough to look at the last.
type Writer struct {
	w   io.Writer
	buf []byte
	err error
}

// NewWriter returns a Writer to w, which gets one Write a line.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Data writes p, which is 1 to MaxPayload bytes long, as a line.
func (w *Writer) Data(p []byte) error {
	if w.err == nil && (len(p) == 0 || len(p) > MaxPayload) {
		w.err = fmt.Errorf("pkt-line of %d bytes: want 1 to %d", len(p), MaxPayload)
	}
	w.buf = fmt.Appendf(w.buf[:0], "%04x", headerSize+len(p))
	w.buf = append(w.buf, p...)
	return w.write(w.buf)
}

// Linef writes formatted text and an LF as a line.
func (w *Writer) Linef(format string, args ...any) error {
	return w.Data(append(fmt.Appendf(nil, format, args...), '\n'))
}

// Band writes p, which is at most MaxPayload-1 bytes long, on a side band.
func (w *Writer) Band(band byte, p []byte) error {
	return w.Data(append([]byte{band}, p...))
}

// Flush writes 0000, the end of a message.
func (w *Writer) Flush() error { return w.write([]byte("0000")) }

// Delim writes 0001, the end of a section.
func (w *Writer) Delim() error { return w.write([]byte("0001")) }

// ResponseEnd writes 0002.
func (w *Writer) ResponseEnd() error { return w.write([]byte("0002")) }

func (w *Writer) write(line []byte) error {
	if w.err == nil {
		_, w.err = w.w.Write(line)
	}
	return w.err
}
