// Package dirstore keeps mirrors in a directory: each key is a file. What is
// there is a bare repository that git can read in place.
//
// Files are written under a temporary name in mirror_tmp/, synced, and renamed
// to their own, so that a reader, or a crash at any moment, sees the old
// content or the new. mirror_tmp/.lock makes conditional writes exact, between
// processes too where the system has flock(2). Names in mirror_tmp/ that begin
// with a dot are the store's own: they are no keys and aren't listed.
package dirstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// tmp is the directory for what is no object yet. It is below the root, so
// that a rename never crosses file systems.
const tmp = "mirror_tmp"

// Store is a directory as a store.
type Store struct {
	root    string
	counter store.Counter
	lock    locker
}

var _ store.Store = (*Store)(nil)

// New returns the store in dir, which is made with the first write.
func New(dir string) (*Store, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("opening directory %q: %w", dir, err)
	}
	if info, err := os.Stat(root); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("opening directory %q: it is a file", dir)
	}
	return &Store{root: root, lock: locker{path: filepath.Join(root, tmp, ".lock")}}, nil
}

// Requests counts calls as S3 would need requests for them.
func (s *Store) Requests() store.Requests { return s.counter.Requests() }

// file returns the name of the key's file.
func (s *Store) file(key string) (string, error) {
	if err := store.CheckKey(key); err != nil {
		return "", err
	}
	local, err := filepath.Localize(key)
	if err != nil || own(key) {
		return "", fmt.Errorf("%q cannot be a key in a directory", key)
	}
	return filepath.Join(s.root, local), nil
}

// own tells whether the key is one of the store's own temporary names.
func own(key string) bool {
	name, ok := strings.CutPrefix(key, tmp+"/")
	return ok && strings.HasPrefix(name, ".")
}

// Get implements store.Reader. The open file is one version of the object,
// whatever replaces it.
func (s *Store) Get(ctx context.Context, key string, off, n int64) (io.ReadCloser, store.Info, error) {
	s.counter.Get.Add(1)
	f, info, err := s.open(ctx, key)
	if err == nil && off < 0 {
		err = fmt.Errorf("getting %q: negative offset %d", key, off)
		f.Close()
	}
	if err != nil {
		return nil, store.Info{}, err
	}
	return body{io.NewSectionReader(f, off, store.Span(info.Size, off, n)), f}, info, nil
}

type body struct {
	io.Reader
	io.Closer
}

func (s *Store) open(ctx context.Context, key string) (*os.File, store.Info, error) {
	name, err := s.file(key)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, store.Info{}, err
	}
	f, err := os.Open(name)
	if errors.Is(err, syscall.ENOTDIR) { // an object stands where the key has a directory
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, store.Info{}, fmt.Errorf("getting %q: %w", key, err)
	}
	stat, err := f.Stat()
	if err == nil && !stat.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		f.Close()
		return nil, store.Info{}, fmt.Errorf("getting %q: %w", key, err)
	}
	return f, infoOf(key, stat), nil
}

// Put implements store.Writer.
func (s *Store) Put(ctx context.Context, key string, r io.Reader, size int64, o store.Options) (store.Info, error) {
	s.counter.Put.Add(1)
	w, err := s.create(key, o)
	if err != nil {
		return store.Info{}, err
	}
	if _, err := io.Copy(w.file, interrupted{ctx, store.NewChecked(r, size, o.SHA256)}); err != nil {
		w.discard()
		return store.Info{}, fmt.Errorf("putting %q: %w", key, err)
	}
	return w.publish(ctx)
}

// interrupted is a reader that ends with its context.
type interrupted struct {
	ctx context.Context
	r   io.Reader
}

func (i interrupted) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.r.Read(p)
}

// Copy implements store.Writer. The copy is a hard link where the file system
// has them: files are only ever replaced, so the two stay apart.
func (s *Store) Copy(ctx context.Context, from, to string, _ int64, o store.Options) error {
	s.counter.Copy.Add(1)
	f, _, err := s.open(ctx, from)
	if err != nil {
		return fmt.Errorf("copying to %q: %w", to, err)
	}
	defer f.Close()
	w, err := s.create(to, o)
	if err != nil {
		return err
	}
	if err := w.link(f.Name()); err != nil {
		if _, err := io.Copy(w.file, interrupted{ctx, f}); err != nil {
			w.discard()
			return fmt.Errorf("copying %q to %q: %w", from, to, err)
		}
	}
	_, err = w.publish(ctx)
	return err
}

func infoOf(key string, stat fs.FileInfo) store.Info {
	return store.Info{
		Key:      key,
		Size:     stat.Size(),
		ETag:     fmt.Sprintf(`"%x-%x-%x"`, stat.Size(), stat.ModTime().UnixNano(), inode(stat)),
		Modified: stat.ModTime(),
	}
}
