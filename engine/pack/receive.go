package pack

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// receiver is the state of one Receive.
type receiver struct {
	Config
	lim  limits
	ctx  context.Context
	stop context.CancelCauseFunc

	t       table
	trailer []byte
	end     int64 // offset of the trailer
	kept    kept
	cache   *cache
	pool    pool
	missed  []uint32 // deltas that the scan did not resolve, in order
	hashers *hashers
	staged  io.ReaderAt
	read    atomic.Int64 // bytes read back from staging
	refs    *idIndex
	total   contentLimit
	spills  *spills
}

func newReceiver(ctx context.Context, c Config) *receiver {
	ctx, stop := context.WithCancelCause(ctx)
	rc := &receiver{Config: c, lim: newLimits(c.shrink), ctx: ctx, stop: stop}
	rc.t.idLen = c.Format.Size()
	free := c.Memory - rc.lim.fixed
	cacheLimit := min(free/4, cacheMax)
	flight := min(free/16, flightMax)
	rc.cache = newCache(cacheLimit)
	rc.kept = newKept(free-cacheLimit-flight, rc.lim)
	rc.pool.limit = flight / 4
	rc.hashers = newHashers(rc, flight-rc.pool.limit)
	rc.total.max = rc.lim.total
	rc.spills = newSpills(rc)
	return rc
}

func (rc *receiver) close() {
	rc.stop(context.Canceled)
	rc.hashers.close()
	rc.spills.close()
}

// passOn stages the pack's bytes and keeps them while memory lasts.
type passOn struct{ rc *receiver }

func (p passOn) Write(b []byte) (int, error) {
	rc := p.rc
	if err := rc.ctx.Err(); err != nil {
		return 0, context.Cause(rc.ctx)
	}
	if !rc.kept.write(b) {
		rc.kept.dropPages(rc.missed, rc.span)
	}
	n, err := rc.Spool.Write(b)
	if err != nil {
		return n, fmt.Errorf("staging the pack: %w", err)
	}
	return n, nil
}

// weighted is how many bytes of contents are on their way to the hashers.
type weighted struct {
	*semaphore.Weighted
	max int64
}

func (w weighted) acquire(ctx context.Context, n int64) (int64, error) {
	n = min(n, w.max)
	return n, w.Acquire(ctx, n)
}
