package memstore

import (
	"context"
	"errors"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

var errClosed = errors.New("the upload has ended")

type upload struct {
	s      *Store
	ctx    context.Context
	key    string
	o      store.Options
	data   []byte
	closed bool
}

// Upload implements store.Writer.
func (s *Store) Upload(ctx context.Context, key string, o store.Options) (store.Upload, error) {
	u := &upload{s: s, ctx: ctx, key: key, o: o}
	err := s.call(ctx, Call{Op: Upload, Key: key}, func(Fault) error {
		if err := store.CheckKey(key); err != nil {
			return err
		}
		s.open++
		return nil
	})
	if err != nil {
		return nil, err
	}
	return u, nil
}

func (u *upload) Write(p []byte) (int, error) {
	err := u.s.call(u.ctx, Call{Op: Write, Key: u.key}, func(Fault) error {
		if u.closed {
			return errClosed
		}
		u.data = append(u.data, p...)
		return nil
	})
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

func (u *upload) Commit() (store.Info, error) {
	u.s.counter.Put.Add(1)
	var info store.Info
	err := u.s.call(u.ctx, Call{Op: Commit, Key: u.key}, func(Fault) (err error) {
		if u.closed {
			return errClosed
		}
		if info, err = u.s.set(u.key, u.data, u.o); err != nil {
			return err
		}
		u.close()
		return nil
	})
	return info, err
}

func (u *upload) Abort() error {
	ctx := context.WithoutCancel(u.ctx)
	return u.s.call(ctx, Call{Op: Abort, Key: u.key}, func(Fault) error {
		u.close()
		return nil
	})
}

func (u *upload) close() {
	if !u.closed {
		u.closed = true
		u.data = nil
		u.s.open--
	}
}
