package transfer

import (
	"context"
	"fmt"
	"iter"
	"math"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/pointer"
)

// run is one Run under way.
type run struct {
	Config
	set   *pointer.Set
	have  pointer.Set   // what the store holds already
	parts chan struct{} // has room for one large object

	mu     sync.Mutex
	counts Counts
	broken bool    // the server answers no calls
	errs   []error // the first few
}

// findExisting lists what is there, once.
func (r *run) findExisting(ctx context.Context) error {
	for info, err := range r.Store.List(ctx, pointer.Prefix) {
		if err != nil {
			return fmt.Errorf("listing the mirror's LFS objects: %w", err)
		}
		oid := path.Base(info.Key)
		if !pointer.ValidOID(oid) || info.Key != pointer.Key(oid) {
			continue
		}
		if slices.Contains(r.set.Sizes(oid), info.Size) || oid == pointer.EmptyOID && info.Size == 0 {
			r.have.Add(pointer.Pointer{OID: oid, Size: info.Size})
		}
	}
	return nil
}

// missing yields the pointers of the objects to copy.
func (r *run) missing() iter.Seq[pointer.Pointer] {
	return func(yield func(pointer.Pointer) bool) {
		for p := range r.set.All() {
			if r.have.Sizes(p.OID) == nil && !yield(p) {
				return
			}
		}
	}
}

// announce counts what there is to do.
func (r *run) announce() {
	for p := range r.set.All() {
		if r.have.Sizes(p.OID) != nil {
			r.counts.Skipped++
			continue
		}
		r.Progress.Objects.Add(1)
		// The sizes are claims of whoever committed the pointers.
		r.Progress.TotalBytes.Add(min(p.Size, math.MaxInt64-r.Progress.TotalBytes.Load()))
	}
}

func (r *run) uploaded(p pointer.Pointer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts.Uploaded++
	r.counts.Bytes += p.Size
	r.Progress.Done.Add(1)
}

// maxErrs is how many errors are kept to be shown.
const maxErrs = 5

// fail notes that n objects could not be had. err is nil if it was noted
// before.
func (r *run) fail(err error, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts.Failed += int64(n)
	r.Progress.Done.Add(int64(n))
	if err != nil && len(r.errs) < maxErrs {
		r.errs = append(r.errs, err)
	}
}

func (r *run) failServer(err error, n int) {
	r.fail(err, n)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.broken = true
}

func (r *run) serverFailed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.broken
}

func (r *run) outcome() (Counts, error) {
	if r.counts.Failed == 0 {
		return r.counts, nil
	}
	err := &Incomplete{Failed: r.counts.Failed, Total: r.counts.Total, Errs: r.errs}
	if r.BestEffort {
		r.Log.Warn(err.Error())
		return r.counts, nil
	}
	return r.counts, err
}

// Incomplete is the error of a run that could not copy all objects.
type Incomplete struct {
	Failed, Total int64
	Errs          []error // the first few
}

// Error implements error.
func (e *Incomplete) Error() string {
	var texts []string
	for _, err := range e.Errs {
		texts = append(texts, err.Error())
	}
	if len(e.Errs) == maxErrs && e.Failed > maxErrs {
		texts = append(texts, "and more")
	}
	return fmt.Sprintf("%d of %d LFS objects could not be copied: %s",
		e.Failed, e.Total, strings.Join(texts, "; "))
}

// Unwrap returns the errors that are kept.
func (e *Incomplete) Unwrap() []error { return e.Errs }
