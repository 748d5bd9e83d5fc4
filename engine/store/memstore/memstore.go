// Package memstore is a store in memory for tests. It behaves as S3 does, can
// be told to fail at any call ([Fault]), and remembers what was called, so
// that a test can assert the order in which things were published.
package memstore

import (
	"bytes"
	"context"
	"crypto/md5" // #nosec -- what S3 makes its ETags of
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// Store is the store. Its fields are set before the first use.
type Store struct {
	// Fault is asked before each call what shall go wrong; nil is nothing.
	// It is called by one goroutine at a time.
	Fault func(Call) Fault
	// Now is the clock of Info.Modified; nil is time.Now.
	Now func() time.Time

	mu      sync.Mutex
	objects map[string]Object
	calls   []Call
	open    int
	counter store.Counter
}

var _ store.Store = (*Store)(nil)

// Object is what is stored under a key.
type Object struct {
	Data     []byte // not to be changed
	ETag     string
	Modified time.Time
	Options  store.Options // those that it was stored with
}

// New returns an empty store.
func New() *Store { return &Store{objects: map[string]Object{}} }

// Requests counts calls; Commit counts as a put.
func (s *Store) Requests() store.Requests { return s.counter.Requests() }

// Object returns what is stored as key.
func (s *Store) Object(key string) (Object, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.objects[key]
	return o, ok
}

// Keys returns all keys, sorted.
func (s *Store) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.objects))
}

// Uploads returns how many uploads were neither committed nor aborted.
func (s *Store) Uploads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// Get implements store.Reader.
func (s *Store) Get(ctx context.Context, key string, off, n int64) (io.ReadCloser, store.Info, error) {
	s.counter.Get.Add(1)
	var body io.ReadCloser
	var info store.Info
	err := s.call(ctx, Call{Op: Get, Key: key}, func(f Fault) error {
		o, ok := s.objects[key]
		if !ok {
			return fmt.Errorf("getting %q: %w", key, fs.ErrNotExist)
		}
		if off < 0 {
			return fmt.Errorf("getting %q: negative offset %d", key, off)
		}
		size := int64(len(o.Data))
		off = min(off, size)
		body = f.cut(o.Data[off : off+store.Span(size, off, n)])
		info = o.info(key)
		return nil
	})
	if err != nil {
		return nil, store.Info{}, err
	}
	return body, info, nil
}

// List implements store.Reader. It yields what there was when it began.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		s.counter.List.Add(1)
		var infos []store.Info
		err := s.call(ctx, Call{Op: List, Key: prefix}, func(Fault) error {
			for _, key := range slices.Sorted(maps.Keys(s.objects)) {
				if strings.HasPrefix(key, prefix) {
					infos = append(infos, s.objects[key].info(key))
				}
			}
			return nil
		})
		if err != nil {
			yield(store.Info{}, err)
			return
		}
		for _, info := range infos {
			if !yield(info, nil) {
				return
			}
		}
	}
}

// Put implements store.Writer.
func (s *Store) Put(ctx context.Context, key string, r io.Reader, size int64, o store.Options) (store.Info, error) {
	s.counter.Put.Add(1)
	var data bytes.Buffer
	if _, err := data.ReadFrom(store.NewChecked(r, size, o.SHA256)); err != nil {
		return store.Info{}, fmt.Errorf("putting %q: %w", key, err)
	}
	var info store.Info
	err := s.call(ctx, Call{Op: Put, Key: key}, func(Fault) (err error) {
		info, err = s.set(key, data.Bytes(), o)
		return err
	})
	return info, err
}

// Copy implements store.Writer.
func (s *Store) Copy(ctx context.Context, from, to string, _ int64, o store.Options) error {
	s.counter.Copy.Add(1)
	return s.call(ctx, Call{Op: Copy, Key: to, From: from}, func(Fault) error {
		source, ok := s.objects[from]
		if !ok {
			return fmt.Errorf("copying %q: %w", from, fs.ErrNotExist)
		}
		_, err := s.set(to, source.Data, o)
		return err
	})
}

// Delete implements store.Writer. Each key is a call of its own.
func (s *Store) Delete(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		s.counter.Delete.Add(1)
		err := s.call(ctx, Call{Op: Delete, Key: key}, func(Fault) error {
			delete(s.objects, key)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// set stores an object, if the conditions hold. The lock is held.
func (s *Store) set(key string, data []byte, o store.Options) (store.Info, error) {
	if err := store.CheckKey(key); err != nil {
		return store.Info{}, err
	}
	old, exists := s.objects[key]
	if o.IfNoneMatch == "*" && exists || o.IfMatch != "" && (!exists || old.ETag != o.IfMatch) {
		return store.Info{}, fmt.Errorf("writing %q: %w", key, store.ErrPrecondition)
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	sum := md5.Sum(data) // #nosec
	object := Object{Data: data, ETag: `"` + hex.EncodeToString(sum[:]) + `"`, Modified: now(), Options: o}
	s.objects[key] = object
	return object.info(key), nil
}

func (o Object) info(key string) store.Info {
	return store.Info{Key: key, Size: int64(len(o.Data)), ETag: o.ETag, Modified: o.Modified}
}

// Clone returns a store of its own with the same objects, and no faults.
func (s *Store) Clone() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Store{objects: maps.Clone(s.objects), Now: s.Now}
}
