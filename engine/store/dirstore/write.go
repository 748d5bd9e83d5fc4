package dirstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// write is a file on its way to its name.
type write struct {
	s    *Store
	key  string
	o    store.Options
	to   string
	file *os.File
	temp string
	// linked is set when temp is a link to a file that was synced before.
	linked bool
}

func (s *Store) create(key string, o store.Options) (*write, error) {
	to, err := s.file(key)
	if err != nil {
		return nil, err
	}
	if err := s.fits(key, to); err != nil {
		return nil, err
	}
	dir := filepath.Join(s.root, tmp)
	if err := mkdirs(dir); err != nil {
		return nil, fmt.Errorf("writing %q: %w", key, err)
	}
	f, err := temporary(dir)
	if err != nil {
		return nil, fmt.Errorf("writing %q: %w", key, err)
	}
	return &write{s: s, key: key, o: o, to: to, file: f, temp: f.Name()}, nil
}

const temporaryPrefix = ".write-"

// temporary creates a file as os.CreateTemp does, but readable for all that
// the umask lets read: web servers read mirrors.
func temporary(dir string) (*os.File, error) {
	for {
		name := filepath.Join(dir, fmt.Sprintf("%s%d-%d", temporaryPrefix, os.Getpid(), now().UnixNano()))
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// link makes the temporary file a link to another instead.
func (w *write) link(name string) error {
	link := fmt.Sprintf("%s-%d", w.temp, now().UnixNano())
	if err := os.Link(name, link); err != nil {
		return err
	}
	if err := os.Rename(link, w.temp); err != nil {
		return errors.Join(err, os.Remove(link))
	}
	w.linked = true
	return nil
}

func (w *write) discard() error {
	return errors.Join(w.file.Close(), os.Remove(w.temp))
}

// publish makes the file durable and gives it its name.
func (w *write) publish(ctx context.Context) (store.Info, error) {
	info, err := w.rename(ctx)
	if err != nil {
		w.discard()
		return store.Info{}, fmt.Errorf("writing %q: %w", w.key, err)
	}
	return info, nil
}

func (w *write) rename(ctx context.Context) (store.Info, error) {
	if !w.linked {
		if err := w.file.Sync(); err != nil {
			return store.Info{}, err
		}
	}
	lock := w.s.lock.shared
	if w.o.IfMatch != "" || w.o.IfNoneMatch != "" {
		lock = w.s.lock.exclusive
	}
	unlock, err := lock()
	if err != nil {
		return store.Info{}, err
	}
	defer unlock()
	if err := errors.Join(ctx.Err(), w.allowed()); err != nil {
		return store.Info{}, err
	}
	if err := mkdirs(filepath.Dir(w.to)); err != nil {
		return store.Info{}, err
	}
	if !w.linked {
		t := now()
		if err := os.Chtimes(w.temp, t, t); err != nil {
			return store.Info{}, err
		}
	}
	stat, err := os.Stat(w.temp)
	if err != nil {
		return store.Info{}, err
	}
	if err := os.Rename(w.temp, w.to); err != nil {
		return store.Info{}, errors.Join(err, w.s.fits(w.key, w.to))
	}
	w.file.Close() // synced, so there is nothing left to fail
	if w.linked {
		// A rename over a link to the same file does nothing.
		if err := os.Remove(w.temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return store.Info{}, err
		}
	}
	return infoOf(w.key, stat), syncDir(filepath.Dir(w.to))
}

// allowed decides about the conditions, under the exclusive lock.
func (w *write) allowed() error {
	if w.o.IfMatch == "" && w.o.IfNoneMatch == "" {
		return nil
	}
	stat, err := os.Stat(w.to)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return err
	}
	exists := err == nil && stat.Mode().IsRegular()
	if w.o.IfNoneMatch == "*" && exists ||
		w.o.IfMatch != "" && (!exists || infoOf(w.key, stat).ETag != w.o.IfMatch) {
		return store.ErrPrecondition
	}
	return nil
}

// fits says what is in the way of a key: files cannot be directories as well.
func (s *Store) fits(key, name string) error {
	if stat, err := os.Stat(name); err == nil && stat.IsDir() {
		return fmt.Errorf("writing %q: there are objects below it, and a directory cannot be a file too", key)
	}
	for dir := filepath.Dir(name); len(dir) > len(s.root); dir = filepath.Dir(dir) {
		if stat, err := os.Stat(dir); err == nil && !stat.IsDir() {
			above, _ := filepath.Rel(s.root, dir)
			return fmt.Errorf("writing %q: %q is an object, and a file cannot be a directory too", key, filepath.ToSlash(above))
		}
	}
	return nil
}

// mkdirs makes a directory and those above it, durably.
func mkdirs(dir string) error {
	if stat, err := os.Stat(dir); err == nil && stat.IsDir() {
		return nil
	}
	if parent := filepath.Dir(dir); parent != dir {
		if err := mkdirs(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

// lastTime is what now returned last, in nanoseconds since 1970.
var lastTime atomic.Int64

// now returns the time, different for each call in a process. It becomes the
// file's, because the clock that file systems have ticks every few
// milliseconds only, and ETags are made of it.
func now() time.Time {
	for {
		last := lastTime.Load()
		t := max(time.Now().UnixNano(), last+1)
		if lastTime.CompareAndSwap(last, t) {
			return time.Unix(0, t)
		}
	}
}
