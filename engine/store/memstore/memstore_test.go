package memstore_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store/memstore"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		s := memstore.New()
		t.Cleanup(func() {
			if s.Uploads() != 0 {
				t.Errorf("%d uploads were left open", s.Uploads())
			}
		})
		return s
	})
}

// steps makes four changes and stops at the first error.
func steps(s *memstore.Store) error {
	ctx := context.Background()
	if _, err := s.Put(ctx, "a", bytes.NewReader([]byte("1")), 1, store.Options{}); err != nil {
		return err
	}
	u, err := s.Upload(ctx, "b", store.Options{})
	if err != nil {
		return err
	}
	if _, err := u.Commit(); err != nil {
		return errors.Join(err, u.Abort())
	}
	if err := s.Copy(ctx, "a", "c", 1, store.Options{}); err != nil {
		return err
	}
	return s.Delete(ctx, "a")
}

func TestFaults(t *testing.T) {
	after := [][]string{nil, {"a"}, {"a", "b"}, {"a", "b", "c"}, {"b", "c"}}
	for n := range 4 {
		for _, stored := range []bool{false, true} {
			s := memstore.New()
			s.Fault = memstore.FailNth(n, stored)
			if err := steps(s); !errors.Is(err, memstore.ErrInjected) {
				t.Errorf("change %d: error is %v", n, err)
			}
			want := after[n]
			if stored {
				want = after[n+1]
			}
			if got := s.Keys(); !slices.Equal(got, want) {
				t.Errorf("change %d failed, stored %v: keys are %q, want %q", n, stored, got, want)
			}
			if s.Uploads() != 0 {
				t.Errorf("change %d: an upload is left open", n)
			}
			if err := s.Delete(context.Background(), "b"); err != nil {
				t.Errorf("the fault came back: %v", err)
			}

			s = memstore.New()
			s.Fault = memstore.CrashNth(n, stored)
			steps(s)
			if got := s.Keys(); !slices.Equal(got, want) {
				t.Errorf("crash at change %d, stored %v: keys are %q, want %q", n, stored, got, want)
			}
			if err := s.Delete(context.Background(), "b"); err == nil {
				t.Error("a call after the crash was answered")
			}
		}
	}
}

func TestCutRead(t *testing.T) {
	s := memstore.New()
	cut := errors.New("the cable was cut")
	s.Fault = func(c memstore.Call) memstore.Fault {
		if c.Op == memstore.Get {
			return memstore.Fault{Cut: cut, CutAt: 3}
		}
		return memstore.Fault{}
	}
	ctx := t.Context()
	if _, err := s.Put(ctx, "a", bytes.NewReader([]byte("hello")), 5, store.Options{}); err != nil {
		t.Fatal(err)
	}
	r, _, err := s.Get(ctx, "a", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); string(got) != "hel" || !errors.Is(err, cut) {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestCallsAndClock(t *testing.T) {
	s := memstore.New()
	then := time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC)
	s.Now = func() time.Time { return then }
	if err := steps(s); err != nil {
		t.Fatal(err)
	}
	want := []memstore.Call{
		{Op: memstore.Put, Key: "a"}, {Op: memstore.Upload, Key: "b"}, {Op: memstore.Commit, Key: "b"},
		{Op: memstore.Copy, Key: "c", From: "a"}, {Op: memstore.Delete, Key: "a"},
	}
	if got := s.Calls(); !slices.Equal(got, want) {
		t.Errorf("calls are\n%+v, want\n%+v", got, want)
	}
	if o, ok := s.Object("c"); !ok || !o.Modified.Equal(then) || string(o.Data) != "1" {
		t.Errorf("c is %+v", o)
	}
	s.Forget()
	if len(s.Calls()) != 0 {
		t.Error("calls were not forgotten")
	}
}
