package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// maxWait bounds a wait between two tries, maxRetryAfter one that the server
// asked for: more than a few minutes is better spent in another run.
const (
	maxWait       = 30 * time.Second
	maxRetryAfter = 2 * time.Minute
)

// exchange sends a request and has read take its answer, again while the error
// of either is temporary. read closes the body, unless it returns nil and
// wants to go on reading.
func (r *Remote) exchange(ctx context.Context, req request, read func(*http.Response) error) error {
	waits := newWaits(r.options.Wait)
	tries := 0
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		tries++
		err := r.attempt(ctx, req, read)
		if err != nil && !temporary(err) {
			return struct{}{}, backoff.Permanent(err)
		}
		waits.asked = 0
		if e, ok := errors.AsType[*statusError](err); ok {
			waits.asked = min(e.wait, maxRetryAfter)
		}
		return struct{}{}, err
	},
		backoff.WithBackOff(waits),
		backoff.WithMaxTries(uint(r.options.Tries)),
		backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(err error, wait time.Duration) {
			r.options.Log.Warn("trying again", "url", Redact(req.url.String()), "after", wait.Round(time.Millisecond), "err", err)
		}))
	if permanent, ok := errors.AsType[*backoff.PermanentError](err); ok {
		err = permanent.Err // the last try's is not unwrapped
	}
	if err != nil && tries > 1 && ctx.Err() == nil {
		return fmt.Errorf("%w (tried %d times)", err, tries)
	}
	return err
}

func (r *Remote) attempt(ctx context.Context, req request, read func(*http.Response) error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	resp, err := r.send(ctx, req)
	if err != nil {
		return err
	}
	if err := read(resp); err != nil {
		return r.explain(err)
	}
	return nil
}

// waits grow, and are at least what the server asked for.
type waits struct {
	*backoff.ExponentialBackOff
	asked time.Duration
}

func newWaits(first time.Duration) *waits {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = first, maxWait, 2
	return &waits{ExponentialBackOff: b}
}

func (w *waits) NextBackOff() time.Duration {
	return max(w.asked, w.ExponentialBackOff.NextBackOff())
}
