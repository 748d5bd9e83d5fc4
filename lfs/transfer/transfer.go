// Package transfer copies LFS objects from a server into a store. Contents
// stream from one to the other: nothing is buffered, and an object exists
// under its name only if its length and SHA-256 are those that its pointer
// says.
package transfer

import (
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/errgroup"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/batch"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/pointer"
)

const (
	// DefaultParallel is how many objects are copied at once; git-lfs
	// downloads as many (lfs.concurrenttransfers).
	DefaultParallel = 8
	// large is the size from which stores upload in parts, which they hold in
	// memory, so that it is done one object at a time: one PutObject takes
	// 5 GiB, says Amazon S3's user guide, "Uploading objects".
	large = 5 << 30
	// tries is how often an object or a call is attempted.
	tries = 5
	// stall is how long a download may be silent before it is cut and
	// tried again.
	stall = time.Minute
)

// Store is where objects go; every store.Store is one.
type Store interface {
	// List is asked for once.
	List(ctx context.Context, prefix string) iter.Seq2[store.Info, error]
	// Put is given the SHA-256 and a reader that can't seek.
	Put(ctx context.Context, key string, r io.Reader, size int64, o store.Options) (store.Info, error)
}

// Config says from where to where, and how. Only Store and Server are needed.
type Config struct {
	Store  Store
	Server *batch.Client

	Parallel int // objects at once; 0 is DefaultParallel
	// Put is how objects are stored; the zero value is octets that may be
	// cached for ever.
	Put store.Options

	Log      *slog.Logger // nil discards
	Progress *Progress    // nil is nobody

	// Pace is nil for waits of half a second and more between attempts,
	// Stall 0 for a minute of silence.
	Pace  func() backoff.BackOff
	Stall time.Duration
}

// Counts is what became of the objects: Total is the sum of Uploaded, Skipped
// and Failed.
type Counts struct {
	Total    int64 // different objects that were pointed at
	Uploaded int64 // copied now
	Skipped  int64 // there already
	Failed   int64 // not to be had
	Bytes    int64 // length of what was uploaded
}

// Run makes the store hold the objects of the set, which must not be changed
// meanwhile. Objects that cannot be had don't keep the others from being
// copied; the error is an *Incomplete then, which a caller may be content
// with. Any other error is the store's or the context's, and ends the run.
func Run(ctx context.Context, c Config, set *pointer.Set) (Counts, error) {
	r := &run{Config: c.withDefaults(), set: set, parts: make(chan struct{}, 1)}
	r.counts.Total = int64(set.Len())
	if set.Len() == 0 {
		return r.counts, nil
	}
	if err := r.findExisting(ctx); err != nil {
		return r.counts, err
	}
	r.announce()
	if err := r.copyAll(ctx); err != nil {
		return r.counts, err
	}
	return r.outcome()
}

func (c Config) withDefaults() Config {
	if c.Parallel <= 0 {
		c.Parallel = DefaultParallel
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Progress == nil {
		c.Progress = new(Progress)
	}
	if c.Pace == nil {
		c.Pace = func() backoff.BackOff { return backoff.NewExponentialBackOff() }
	}
	if c.Stall == 0 {
		c.Stall = stall
	}
	if c.Put == (store.Options{}) {
		c.Put = store.Options{
			ContentType:  "application/octet-stream",
			CacheControl: "public, max-age=31536000, immutable",
		}
	}
	return c
}

// copyAll asks for the objects that are missing and copies them. The next
// batch is asked for when the last object of the one before was taken up, so
// that actions don't expire in a queue.
func (r *run) copyAll(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	found := make(chan batch.Object)
	group.Go(func() error {
		defer close(found)
		for chunk := range slices.Chunk(slices.Collect(r.missing()), batch.MaxObjects) {
			if err := r.ask(ctx, chunk, found); err != nil {
				return err
			}
		}
		return nil
	})
	for range r.Parallel {
		group.Go(func() error {
			for o := range found {
				if err := r.copyObject(ctx, o); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// ask finds out where the objects are and hands them over. Its error ends the
// whole run; what only concerns the LFS server is noted down instead.
func (r *run) ask(ctx context.Context, chunk []pointer.Pointer, found chan<- batch.Object) error {
	if r.serverFailed() {
		r.fail(nil, chunk...)
		return nil
	}
	objects, err := batch.Retry(ctx, tries, r.Pace(), func() ([]batch.Object, error) {
		return r.Server.Ask(ctx, chunk)
	})
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil && len(chunk) > 1 && objectToBlame(err):
		half := len(chunk) / 2
		if err := r.ask(ctx, chunk[:half], found); err != nil {
			return err
		}
		return r.ask(ctx, chunk[half:], found)
	case err != nil && objectToBlame(err):
		objects = []batch.Object{{Pointer: chunk[0], Err: err}}
	case err != nil:
		r.failServer(err, chunk)
		return nil
	}
	for _, o := range objects {
		select {
		case found <- o:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// objectToBlame says whether a call may have been refused for one of its
// objects, such as one with an absurd size.
func objectToBlame(err error) bool {
	var status *batch.StatusError
	if !errors.As(err, &status) {
		return false
	}
	switch status.Code {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	}
	return false
}
