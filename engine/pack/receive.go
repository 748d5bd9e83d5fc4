package pack

import (
	"context"
	"io"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// receiver is the state of one Receive.
type receiver struct {
	Config
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

// How Memory is shared out. The scan needs a window and its scratch first.
// Of the rest three eighths are the cache of contents, as much is what is
// kept of the pack, and a quarter is in flight to the workers. When the scan
// is over the cache is free: half of it holds what is read back, and the other
// half together with the quarter holds the contents of the trees at work.
const (
	fixedMemory = windowSize + streamBuf + 2*smallMax
	// cacheMax is where more cache no longer pays: what misses it is kept
	// anyway when there is as much memory.
	cacheMax = 64 << 20
)

func newReceiver(ctx context.Context, c Config) *receiver {
	ctx, stop := context.WithCancelCause(ctx)
	rc := &receiver{Config: c, ctx: ctx, stop: stop}
	rc.t.idLen = c.Format.Size()
	free := c.Memory - fixedMemory
	cacheLimit := min(free*3/8, cacheMax)
	flight := min(free/4, cacheMax/2)
	rc.cache = newCache(cacheLimit)
	rc.kept.limit = free - cacheLimit - flight
	rc.pool.limit = min(flight/4, 16<<20)
	rc.hashers = newHashers(rc, flight-rc.pool.limit)
	rc.total.max = contentFactor
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
		rc.kept.dropPages(rc.missed, &rc.t)
	}
	return rc.Spool.Write(b)
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
