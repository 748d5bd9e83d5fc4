package remote

import (
	"context"
	"fmt"
	"io"
	"time"
)

// body is a response's body that may be slow, but not silent: without it, a
// server that stops sending holds a run until its host ends it.
type body struct {
	rc     io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	stall  time.Duration
	timer  *time.Timer
}

func newBody(ctx context.Context, cancel context.CancelCauseFunc, rc io.ReadCloser, stall time.Duration) *body {
	b := &body{rc: rc, ctx: ctx, cancel: cancel, stall: stall}
	b.timer = time.AfterFunc(stall, func() {
		cancel(connectionProblem{fmt.Errorf("the server sent nothing for %s", stall)})
	})
	b.timer.Stop()
	return b
}

// Read counts silence only while somebody waits for bytes.
func (b *body) Read(p []byte) (int, error) {
	b.timer.Reset(b.stall)
	n, err := b.rc.Read(p)
	b.timer.Stop()
	if err != nil && err != io.EOF {
		err = connectionError(b.ctx, err)
	}
	return n, err
}

// drainTime is how long the end of an answer may take after the end of what
// it says.
const drainTime = time.Second

// drain reads the end of a body, so that the connection can be used again.
func drain(rc io.ReadCloser) {
	if b, ok := rc.(*body); ok {
		b.stall = min(b.stall, drainTime)
	}
	rc.Read(make([]byte, 1))
}

func (b *body) Close() error {
	b.timer.Stop()
	err := b.rc.Close()
	b.cancel(nil)
	return err
}
