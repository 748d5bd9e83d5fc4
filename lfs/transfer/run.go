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
	broken bool // the server answers no calls
	failed Incomplete
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

// fail notes that objects could not be had. err is nil if it was noted before.
func (r *run) fail(err error, pointers ...pointer.Pointer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts.Failed += int64(len(pointers))
	r.Progress.Done.Add(int64(len(pointers)))
	if err != nil && len(r.failed.Errs) < maxErrs {
		r.failed.Errs = append(r.failed.Errs, err)
	}
	room := MaxMissing - len(r.failed.Missing)
	r.failed.Missing = append(r.failed.Missing, pointers[:min(room, len(pointers))]...)
}

func (r *run) failServer(err error, pointers []pointer.Pointer) {
	r.fail(err, pointers...)
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
	r.failed.Failed, r.failed.Total = r.counts.Failed, r.counts.Total
	return r.counts, &r.failed
}

const (
	// MaxMissing is how many pointers an Incomplete holds, about 150 KB.
	MaxMissing = 1000
	// maxErrs is how many errors are kept to be shown.
	maxErrs = 5
)

// Incomplete is the error of a run that could not copy all objects.
type Incomplete struct {
	Failed, Total int64
	Missing       []pointer.Pointer // the first MaxMissing that failed
	Errs          []error           // the first few
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
