package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/batch"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/pointer"
)

// errStalled is a download's that was silent for too long.
var errStalled = errors.New("the LFS server stopped sending")

// download is a body that remembers how it ended, so that its own failures
// can be told from those of the store that reads it.
type download struct {
	body     io.ReadCloser
	progress *atomic.Int64
	read     int64
	err      error // anything but io.EOF
	ended    bool
	timer    *time.Timer
	stall    time.Duration
}

// Read implements io.Reader. The clock runs only while the server is waited
// for, not while the store takes its time.
func (d *download) Read(p []byte) (int, error) {
	d.timer.Reset(d.stall)
	n, err := d.body.Read(p)
	d.timer.Stop()
	d.read += int64(n)
	d.progress.Add(int64(n))
	if err == io.EOF {
		d.ended = true
	} else if err != nil {
		d.err = err
	}
	return n, err
}

// open opens the object's content; cancelling what it returns ends it.
func (r *run) open(ctx context.Context, o *batch.Object) (*opened, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(r.Stall, func() { cancel(errStalled) })
	resp, err := r.Server.Open(ctx, o.Action)
	timer.Stop()
	if err != nil {
		err = stalledOr(ctx, err)
		cancel(nil)
		return nil, err
	}
	return &opened{resp: resp, ctx: ctx, cancel: cancel, timer: timer}, nil
}

type opened struct {
	resp   *http.Response
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

func stalledOr(ctx context.Context, err error) error {
	if context.Cause(ctx) == errStalled {
		return errStalled
	}
	return err
}

// receive stores what was opened, if it is what the pointer says.
func (r *run) receive(ctx context.Context, p pointer.Pointer, o *opened) error {
	defer o.cancel(nil)
	defer o.resp.Body.Close()
	if n := o.resp.ContentLength; n >= 0 && n != p.Size {
		return &wrongContent{fmt.Sprintf("the LFS server has %d bytes for it", n)}
	}
	d := &download{body: o.resp.Body, progress: &r.Progress.Bytes, timer: o.timer, stall: r.Stall}
	err := r.put(ctx, p, d)
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case d.err != nil:
		return fmt.Errorf("receiving it: %w", stalledOr(o.ctx, d.err))
	case errors.Is(err, store.ErrChecksum):
		return &wrongContent{"the LFS server sent content with another SHA-256"}
	case d.read > p.Size:
		return &wrongContent{"the LFS server sent more bytes"}
	case d.ended && d.read < p.Size:
		return &wrongContent{fmt.Sprintf("the LFS server sent only %d bytes", d.read)}
	}
	return err
}

// put stores the content of the object; all stores take it only whole and
// only if the checksum is right.
func (r *run) put(ctx context.Context, p pointer.Pointer, content io.Reader) error {
	options := r.Put
	options.SHA256 = p.OID
	if _, err := r.Store.Put(ctx, p.Key(), content, p.Size, options); err != nil {
		return &storeError{err}
	}
	return nil
}
