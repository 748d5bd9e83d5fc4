package remote

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
)

// Request says what a pack is to hold: all that is reachable from Wants and
// not from Haves. Haves that the server does not know are ignored by it; those
// it knows must be here with everything that they reach.
type Request struct {
	Wants, Haves []object.ID
	// Progress gets what the server says meanwhile, a line at a time, fit to
	// be shown. nil asks the server to be silent.
	Progress func(line string)
}

// readAhead is the buffer between the network and who reads the pack; it must
// hold a pkt-line.
const readAhead = 64 << 10

// Fetch asks for a pack and returns its bytes, as they come: a pack that
// stands alone, with ofs-deltas where the server has them. Read gives io.EOF
// only when the answer is complete; if the connection is lost, the error
// matches io.ErrUnexpectedEOF. The pack itself is not looked at, but for its
// first four bytes. Closing before the end cuts the connection.
func (r *Remote) Fetch(ctx context.Context, req Request) (io.ReadCloser, error) {
	p, err := r.fetch(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("fetching from %s: %w", r.base, err)
	}
	return p, nil
}

func (r *Remote) fetch(ctx context.Context, req Request) (*pack, error) {
	if len(req.Wants) == 0 {
		return nil, errors.New("there is nothing to ask for")
	}
	for _, ids := range [][]object.ID{req.Wants, req.Haves} {
		for _, id := range ids {
			if _, err := r.format.ParseID(string(id)); err != nil {
				return nil, err
			}
		}
	}
	ask := r.fetchV0
	if r.version == 2 {
		ask = r.fetchV2
	}
	body, take := ask(req)
	post, err := r.upload(body)
	if err != nil {
		return nil, err
	}
	var p *pack
	err = r.exchange(ctx, post, func(resp *http.Response) error {
		p, err = r.open(resp, req.Progress, take)
		if err != nil {
			resp.Body.Close()
		}
		return err
	})
	return p, err
}

// taker reads what comes before a pack and returns a reader of the pack, which
// reads from br as well.
type taker func(br *bufio.Reader, progress func([]byte)) (io.Reader, error)

// open reads an answer up to the first bytes of its pack, so that what goes
// wrong before them can be tried again.
func (r *Remote) open(resp *http.Response, progress func(string), take taker) (*pack, error) {
	if err := notHTML(resp); err != nil {
		return nil, err
	}
	if progress == nil {
		progress = func(line string) { r.options.Log.Debug("the server says", "line", line) }
	}
	l := &lines{emit: func(line string) { progress(r.login.redact(line)) }}
	br := bufio.NewReaderSize(resp.Body, readAhead)
	src, err := take(br, l.write)
	if err != nil {
		return nil, err
	}
	p := &pack{r: r, src: src, body: resp.Body, lines: l}
	n, err := io.ReadFull(src, p.start[:])
	if err == io.EOF {
		return nil, fmt.Errorf("the server sent no pack: %w", io.ErrUnexpectedEOF)
	}
	if err != nil {
		return nil, err
	}
	if p.first = p.start[:n]; string(p.first) != "PACK" {
		return nil, fmt.Errorf("the server sent %q in place of a pack", p.first)
	}
	return p, nil
}

// pack reads a pack from an answer.
type pack struct {
	r     *Remote
	src   io.Reader
	body  io.ReadCloser
	lines *lines
	start [4]byte
	first []byte // of start, not yet handed out
	n     int64
	err   error
}

func (p *pack) Read(b []byte) (int, error) {
	if len(p.first) > 0 {
		n := copy(b, p.first)
		p.first = p.first[n:]
		p.n += int64(n)
		return n, nil
	}
	if p.err != nil {
		return 0, p.err
	}
	n, err := p.src.Read(b)
	p.n += int64(n)
	if err != nil {
		p.end(err)
	}
	return n, p.err
}

// end keeps the error that ends the pack.
func (p *pack) end(err error) {
	p.lines.flush()
	if err == io.EOF {
		p.err = err
		drain(p.body)
		return
	}
	p.err = fmt.Errorf("fetching from %s: after %d bytes of the pack: %w", p.r.base, p.n, p.r.explain(unexpected(err)))
}

// unexpected makes a lost connection match io.ErrUnexpectedEOF.
func unexpected(err error) error {
	if _, ok := errors.AsType[connectionProblem](err); ok && !errors.Is(err, io.ErrUnexpectedEOF) {
		return cutError{err}
	}
	return err
}

// cutError is an error that stands for io.ErrUnexpectedEOF, too.
type cutError struct{ error }

func (e cutError) Unwrap() []error { return []error{e.error, io.ErrUnexpectedEOF} }

func (p *pack) Close() error { return p.body.Close() }
