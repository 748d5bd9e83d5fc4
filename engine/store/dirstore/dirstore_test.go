package dirstore_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store/dirstore"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store/storetest"
)

func open(t *testing.T, dir string) *dirstore.Store {
	t.Helper()
	s, err := dirstore.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s store.Store, key, data string, o store.Options) error {
	t.Helper()
	_, err := s.Put(t.Context(), key, strings.NewReader(data), int64(len(data)), o)
	return err
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		dir := filepath.Join(t.TempDir(), "made", "at the first write")
		t.Cleanup(func() {
			left, err := filepath.Glob(filepath.Join(dir, "mirror_tmp", ".write-*"))
			if err != nil || len(left) != 0 {
				t.Errorf("temporary files were left: %q, %v", left, err)
			}
		})
		return open(t, dir)
	})
}

// TestConformanceOfTwo lets two stores share a directory as two processes
// would, with nothing but the directory in common.
func TestConformanceOfTwo(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		dir := t.TempDir()
		return &two{Store: open(t, dir), other: open(t, dir)}
	})
}

// two gives every second conditional write to the other store.
type two struct {
	*dirstore.Store
	other *dirstore.Store
	n     atomic.Int64
}

func (s *two) Put(ctx context.Context, key string, r io.Reader, size int64, o store.Options) (store.Info, error) {
	if (o.IfMatch != "" || o.IfNoneMatch != "") && s.n.Add(1)%2 == 0 {
		return s.other.Put(ctx, key, r, size, o)
	}
	return s.Store.Put(ctx, key, r, size, o)
}

func TestFileInTheWay(t *testing.T) {
	s := open(t, t.TempDir())
	if err := put(t, s, "refs/heads/a", "1", store.Options{}); err != nil {
		t.Fatal(err)
	}
	err := put(t, s, "refs/heads/a/b", "2", store.Options{})
	if err == nil || !strings.Contains(err.Error(), `"refs/heads/a" is an object`) {
		t.Errorf("a file as a directory: %v", err)
	}
	err = put(t, s, "refs/heads", "2", store.Options{})
	if err == nil || !strings.Contains(err.Error(), "there are objects below it") {
		t.Errorf("a directory as a file: %v", err)
	}
	if err := s.Delete(t.Context(), "refs/heads/a"); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"refs/heads/a/b", "refs/heads/c"} {
		if err := put(t, s, key, "2", store.Options{}); err != nil {
			t.Errorf("after the file was deleted: %v", err)
		}
	}
	if err := s.Delete(t.Context(), "refs/heads"); err != nil {
		t.Errorf("deleting a directory, which is no object: %v", err)
	}
	if r, _, err := s.Get(t.Context(), "refs/heads/c", 0, -1); err != nil {
		t.Error(err)
	} else {
		r.Close()
	}
}

func TestDeleteRemovesEmptyDirectories(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	keys := []string{"refs/heads/a/b", "objects/pack/x", "objects/aa/bb", "lfs/objects/aa/bb/cc"}
	for _, key := range keys {
		if err := put(t, s, key, "1", store.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Delete(t.Context(), keys...); err != nil {
		t.Fatal(err)
	}
	var left []string
	filepath.WalkDir(dir, func(name string, _ os.DirEntry, _ error) error {
		rel, _ := filepath.Rel(dir, name)
		left = append(left, filepath.ToSlash(rel))
		return nil
	})
	if want := []string{".", "mirror_tmp", "mirror_tmp/.lock", "objects", "refs"}; !slices.Equal(left, want) {
		t.Errorf("left are %q, want %q", left, want)
	}
}

func TestOwnNamesAreNoKeys(t *testing.T) {
	s := open(t, t.TempDir())
	if err := put(t, s, "info/refs", "1", store.Options{IfNoneMatch: "*"}); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"mirror_tmp/.lock", "mirror_tmp/.write-1"} {
		if err := put(t, s, key, "1", store.Options{}); err == nil {
			t.Errorf("%s was allowed as a key", key)
		}
		if err := s.Delete(t.Context(), key); err == nil {
			t.Errorf("%s could be deleted", key)
		}
	}
	if err := put(t, s, "mirror_tmp/1/.x", "1", store.Options{}); err != nil {
		t.Error(err)
	}
	var keys []string
	for info, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	if want := []string{"info/refs", "mirror_tmp/1/.x"}; !slices.Equal(keys, want) {
		t.Errorf("keys are %q, want %q", keys, want)
	}
}

// TestWrittenInSteps looks at the directory between the steps of a write: the
// key holds the old content until the last.
func TestWrittenInSteps(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if err := put(t, s, "HEAD", "old", store.Options{}); err != nil {
		t.Fatal(err)
	}
	content := func() string {
		data, err := os.ReadFile(filepath.Join(dir, "HEAD"))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	u, err := s.Upload(t.Context(), "HEAD", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Write([]byte("new")); err != nil {
		t.Fatal(err)
	}
	if got := content(); got != "old" {
		t.Errorf("before Commit HEAD is %q", got)
	}
	if _, err := u.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := content(); got != "new" {
		t.Errorf("after Commit HEAD is %q", got)
	}
	stat, err := os.Stat(filepath.Join(dir, "HEAD"))
	if err != nil || stat.Mode()&0o444 != 0o444 {
		t.Errorf("others cannot read it: %v, %v", stat.Mode(), err)
	}
}

func TestAbortStaleUploads(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := s.Upload(t.Context(), "HEAD", store.Options{}); err != nil {
		t.Fatal(err)
	}
	if n, err := s.AbortStaleUploads(t.Context(), time.Now().Add(-time.Hour)); n != 0 || err != nil {
		t.Errorf("%d fresh uploads were removed, %v", n, err)
	}
	if n, err := s.AbortStaleUploads(t.Context(), time.Now().Add(time.Hour)); n != 1 || err != nil {
		t.Errorf("%d stale uploads were removed, %v; want 1", n, err)
	}
}

func TestNewRefusesFiles(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := dirstore.New(name); err == nil {
		t.Error("a file was opened as a directory")
	}
}

func TestUnwritable(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mirror_tmp"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := put(t, open(t, dir), "HEAD", "x", store.Options{}); err == nil || !strings.Contains(err.Error(), "HEAD") {
		t.Errorf("error is %v", err)
	}
}
