package transfer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/cenkalti/backoff/v5"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/batch"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/pointer"
)

// storeError is what the store failed with; it ends the run.
type storeError struct{ err error }

func (e *storeError) Error() string { return e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

// wrongContent is what the server sent instead of an object.
type wrongContent struct{ text string }

func (e *wrongContent) Error() string { return e.text }

// copyObject copies one object, or notes that it could not be had. Its error
// ends the whole run.
func (r *run) copyObject(ctx context.Context, o batch.Object) error {
	err := r.tryHard(ctx, &o)
	// Pointers may disagree about the size; the content tells who is right.
	if sizes := r.set.Sizes(o.OID); err != nil && len(sizes) > 1 {
		for _, size := range sizes[1:] {
			if err == nil || isFatal(ctx, err) {
				break
			}
			o = batch.Object{Pointer: pointer.Pointer{OID: o.OID, Size: size}}
			err = r.tryHard(ctx, &o)
		}
	}
	switch {
	case err == nil:
		r.uploaded(o.Pointer)
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case isFatal(ctx, err):
		return fmt.Errorf("storing LFS object %s: %w", o.OID, err)
	}
	err = fmt.Errorf("%s (%d bytes): %w", o.OID, o.Size, err)
	r.Log.Debug("LFS object not copied", "error", err)
	r.fail(err, o.Pointer)
	return nil
}

func isFatal(ctx context.Context, err error) bool {
	var failed *storeError
	return ctx.Err() != nil || errors.As(err, &failed)
}

func (r *run) tryHard(ctx context.Context, o *batch.Object) error {
	wrong, broken := 0, 0
	_, err := batch.Retry(ctx, tries, r.Pace(), func() (struct{}, error) {
		err := r.attempt(ctx, o)
		var content *wrongContent
		var failed *storeError
		if errors.As(err, &content) {
			wrong++
		} else if errors.As(err, &failed) {
			broken++
		}
		if wrong == maxWrong || broken == maxBroken {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	})
	return err
}

const (
	// maxWrong is how often the server may send wrong content: a proxy in
	// between may do so once.
	maxWrong = 2
	// maxBroken is how often the store may fail: it repeats by itself
	// whatever it can, but not a content that it has begun to read.
	maxBroken = 3
)

// attempt copies the object once, from its start. When the action is missing,
// expired or refused, a fresh one is asked for.
func (r *run) attempt(ctx context.Context, o *batch.Object) error {
	if o.OID == pointer.EmptyOID {
		o.Size = 0
		return r.put(ctx, o.Pointer, strings.NewReader(""))
	}
	switch {
	case o.Size == 0:
		return &wrongContent{"the pointer says 0 bytes, which have another SHA-256"}
	case o.Err != nil && !batch.Temporary(o.Err):
		return o.Err
	case o.Size > large:
		select {
		case r.parts <- struct{}{}:
			defer func() { <-r.parts }()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	fresh := false
	if o.Action == nil || o.Action.Expired(r.Server.Now()) {
		if err := r.refresh(ctx, o); err != nil {
			return err
		}
		fresh = true
	}
	resp, err := r.open(ctx, o)
	if !fresh && refused(err) {
		if err := r.refresh(ctx, o); err != nil {
			return err
		}
		resp, err = r.open(ctx, o)
	}
	if err == nil {
		err = r.receive(ctx, o.Pointer, resp)
	}
	if err != nil {
		o.Action = nil
	}
	return err
}

func (r *run) refresh(ctx context.Context, o *batch.Object) error {
	objects, err := r.Server.Ask(ctx, []pointer.Pointer{o.Pointer})
	if err != nil {
		return err
	}
	*o = objects[0]
	return o.Err
}

// refused says whether an answer may come from an action that has ended:
// servers that sign URLs say 403, some 400, 401 or 410.
func refused(err error) bool {
	var status *batch.StatusError
	if !errors.As(err, &status) {
		return false
	}
	switch status.Code {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusGone:
		return true
	}
	return false
}
