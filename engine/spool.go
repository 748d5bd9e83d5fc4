package engine

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/pack"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// staging is one run's room under mirror_tmp/, for what is not verified yet
// and for what does not fit into memory.
type staging struct {
	ctx   context.Context
	store store.Store
	run   string // its folder's name
	keys  []string
}

func (s *staging) key(name string) string {
	k := prefixStaging + s.run + "/" + name
	s.keys = append(s.keys, k)
	return k
}

// open makes room for one content.
func (s *staging) open(name string) (pack.Staged, error) { return s.spool(name, 0), nil }

// spool makes room for one content, the first head bytes of it in memory.
func (s *staging) spool(name string, head int) *spool {
	return &spool{staging: s, name: name, limit: head}
}

// spool is a content that stays in memory while it is small, and is staged in
// the store as a whole once it is not.
type spool struct {
	*staging
	name  string
	limit int
	head  []byte
	up    store.Upload
	key   string // "" while the content is in memory
	size  int64
}

func (s *spool) Write(b []byte) (int, error) {
	s.size += int64(len(b))
	if s.up == nil && len(s.head)+len(b) <= s.limit {
		s.head = append(s.head, b...)
		return len(b), nil
	}
	if s.up == nil {
		if err := s.overflow(); err != nil {
			return 0, err
		}
	}
	return s.up.Write(b)
}

func (s *spool) overflow() error {
	key := s.staging.key(s.name)
	up, err := s.store.Upload(s.ctx, key, attributes(key))
	if err != nil {
		return err
	}
	s.up, s.key = up, key
	_, err = up.Write(s.head)
	s.head = nil
	return err
}

func (s *spool) Commit() (io.ReaderAt, error) {
	if s.up == nil {
		return bytes.NewReader(s.head), nil
	}
	if _, err := s.up.Commit(); err != nil {
		return nil, err
	}
	return rangeReader{s.ctx, s.store, s.key}, nil
}

func (s *spool) Abort() {
	if s.up != nil {
		s.up.Abort()
	}
}

// moveTo makes key an object with this content, committed before.
func (s *spool) moveTo(key string) error {
	if s.key == "" {
		_, err := s.store.Put(s.ctx, key, bytes.NewReader(s.head), s.size, attributes(key))
		return err
	}
	return s.store.Copy(s.ctx, s.key, key, s.size, attributes(key))
}

// rangeReader reads a stored object by ranges.
type rangeReader struct {
	ctx   context.Context
	store store.Reader
	key   string
}

func (r rangeReader) ReadAt(b []byte, off int64) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	body, _, err := r.store.Get(r.ctx, r.key, off, int64(len(b)))
	if err != nil {
		return 0, err
	}
	defer body.Close()
	n, err := io.ReadFull(body, b)
	if err != nil {
		err = fmt.Errorf("reading back %s: %w", r.key, err)
	}
	return n, err
}
