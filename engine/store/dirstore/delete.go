package dirstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
)

// Delete implements store.Writer. Directories that become empty are removed,
// except those that make the whole a repository for git.
func (s *Store) Delete(ctx context.Context, keys ...string) error {
	s.counter.Delete.Add(int64(len(keys)+999) / 1000)
	if len(keys) == 0 {
		return nil
	}
	if _, err := os.Stat(s.root); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	unlock, err := s.lock.exclusive()
	if err != nil {
		return err
	}
	defer unlock()
	for _, key := range keys {
		if err := s.remove(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) remove(ctx context.Context, key string) error {
	name, err := s.file(key)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	if stat, err := os.Lstat(name); err == nil && stat.IsDir() {
		return nil // no object
	}
	err = os.Remove(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("deleting %q: %w", key, err)
	}
	for dir := path.Dir(key); dir != "." && dir != "refs" && dir != "objects" && dir != tmp; dir = path.Dir(dir) {
		if os.Remove(filepath.Join(s.root, dir)) != nil {
			break // it isn't empty
		}
	}
	return nil
}
