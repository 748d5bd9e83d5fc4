package dirstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

var errEnded = errors.New("the upload has ended")

type upload struct {
	ctx context.Context
	w   *write // nil after Commit and Abort
}

// Upload implements store.Writer.
func (s *Store) Upload(ctx context.Context, key string, o store.Options) (store.Upload, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w, err := s.create(key, o)
	if err != nil {
		return nil, err
	}
	return &upload{ctx: ctx, w: w}, nil
}

func (u *upload) Write(p []byte) (int, error) {
	if u.w == nil {
		return 0, errEnded
	}
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.w.file.Write(p)
}

func (u *upload) Commit() (store.Info, error) {
	if u.w == nil {
		return store.Info{}, errEnded
	}
	w := u.w
	u.w = nil
	w.s.counter.Put.Add(1)
	return w.publish(u.ctx)
}

func (u *upload) Abort() error {
	if u.w == nil {
		return nil
	}
	w := u.w
	u.w = nil
	return w.discard()
}

// AbortStaleUploads removes the temporary files of processes that ended in the
// middle of a write and returns how many: those not written to since then.
func (s *Store) AbortStaleUploads(ctx context.Context, olderThan time.Time) (int, error) {
	dir := filepath.Join(s.root, tmp)
	entries, err := os.ReadDir(dir)
	if err != nil && !gone(err) {
		return 0, fmt.Errorf("listing %q: %w", tmp, err)
	}
	n := 0
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		stat, err := e.Info()
		if err != nil || !strings.HasPrefix(e.Name(), temporaryPrefix) || !stat.ModTime().Before(olderThan) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return n, fmt.Errorf("removing a stale upload: %w", err)
		}
		n++
	}
	return n, nil
}
