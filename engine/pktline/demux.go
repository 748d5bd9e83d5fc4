package pktline

import (
	"fmt"
	"io"
)

// The side bands.
const (
	BandData     = 1
	BandProgress = 2
	BandError    = 3
)

// Demux reads the data of side band 1. Read gives io.EOF at the flush that
// ends it, io.ErrUnexpectedEOF when the input ends before, a *RemoteError for
// side band 3, and an error that matches ErrMalformed for anything else.
// Nothing is allocated for data.
type Demux struct {
	r        *Reader
	progress func([]byte)
	left     int // bytes of the current line's data
	err      error
}

// NewDemux returns a Demux of the lines that follow in r. The payloads of side
// band 2 are given to progress as they come: parts of text, valid during the
// call, untrusted. A nil progress drops them.
func NewDemux(r *Reader, progress func([]byte)) *Demux {
	if progress == nil {
		progress = func([]byte) {}
	}
	return &Demux{r: r, progress: progress}
}

func (d *Demux) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for d.left == 0 && d.err == nil {
		d.err = d.next()
	}
	if d.err != nil {
		return 0, d.err
	}
	n, err := d.r.br.Read(p[:min(len(p), d.left)])
	d.left -= n
	d.err = inside(err)
	return n, d.err
}

// next reads the start of a line, and all of it unless it holds data.
func (d *Demux) next() error {
	kind, n, err := d.r.header()
	switch {
	case err != nil:
		return inside(err)
	case kind == Flush:
		return io.EOF
	case kind != Data:
		return fmt.Errorf("%w: %s among side bands", ErrMalformed, kind)
	case n == 0:
		return fmt.Errorf("%w: empty line among side bands", ErrMalformed)
	}
	band, err := d.r.br.ReadByte()
	if err != nil {
		return inside(err)
	}
	if n--; band == BandData {
		d.left = n
		return nil
	}
	return d.message(band, n)
}

// message reads the n bytes that follow a band other than the data's.
func (d *Demux) message(band byte, n int) error {
	msg, err := d.r.br.Peek(n)
	if err != nil {
		return inside(err)
	}
	defer d.r.br.Discard(n)
	switch {
	case band == BandProgress:
		d.progress(msg)
		return nil
	case band == BandError:
		return remoteError(msg)
	case band == 'E' && n >= 3 && string(msg[:3]) == "RR ":
		return remoteError(msg[3:])
	}
	return fmt.Errorf("%w: side band %d", ErrMalformed, band)
}
