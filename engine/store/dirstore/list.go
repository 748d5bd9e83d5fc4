package dirstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// List implements store.Reader. One directory at a time is held in memory.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		s.counter.List.Add(1)
		dir := prefix[:strings.LastIndexByte(prefix, '/')+1]
		if dir != "" && store.CheckKey(dir[:len(dir)-1]) != nil {
			return // no key begins so
		}
		w := walk{s: s, ctx: ctx, prefix: prefix, yield: yield}
		w.dir(dir)
	}
}

type walk struct {
	s      *Store
	ctx    context.Context
	prefix string
	yield  func(store.Info, error) bool
}

// dir yields what is in a directory, whose name is "" or ends in a slash. It
// returns false when the listing has ended.
func (w *walk) dir(name string) bool {
	if err := w.ctx.Err(); err != nil {
		return w.fail(name, err)
	}
	entries, err := os.ReadDir(filepath.Join(w.s.root, filepath.FromSlash(name)))
	if gone(err) {
		return true
	}
	if err != nil {
		return w.fail(name, err)
	}
	keys := make(map[string]fs.DirEntry, len(entries))
	sorted := make([]string, 0, len(entries))
	for _, e := range entries {
		key := name + e.Name()
		if e.IsDir() {
			key += "/" // so that "a-b" comes before "a/b"
		}
		if !own(key) && (strings.HasPrefix(key, w.prefix) || strings.HasPrefix(w.prefix, key)) {
			keys[key] = e
			sorted = append(sorted, key)
		}
	}
	slices.Sort(sorted)
	for _, key := range sorted {
		if !w.entry(key, keys[key]) {
			return false
		}
	}
	return true
}

func (w *walk) entry(key string, e fs.DirEntry) bool {
	if e.IsDir() {
		return w.dir(key)
	}
	if !strings.HasPrefix(key, w.prefix) {
		return true
	}
	stat, err := os.Stat(filepath.Join(w.s.root, filepath.FromSlash(key)))
	if gone(err) {
		return true
	}
	if err != nil {
		return w.fail(key, err)
	}
	if !stat.Mode().IsRegular() {
		return true
	}
	return w.yield(infoOf(key, stat), nil)
}

func (w *walk) fail(key string, err error) bool {
	w.yield(store.Info{}, fmt.Errorf("listing %q: %w", key, err))
	return false
}

// gone tells whether a file was deleted since it was seen, or never there.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
