package engine

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store/memstore"
)

// TestForeignRefs has another tool write info/refs without the objects: it is
// no promise, so everything is fetched again.
func TestForeignRefs(t *testing.T) {
	w := newWorld(t)
	id := w.repo.Line("refs/heads/main", "", 0, 50)
	s := memstore.New()
	if r := w.mirror(s, nil); r.Status != StatusMirrored {
		t.Fatalf("%s: %s", r.Status, r.Error)
	}
	id = w.repo.Line("refs/heads/main", id, 50, 1)
	info := id + "\trefs/heads/main\n"
	if _, err := s.Put(t.Context(), keyInfoRefs, strings.NewReader(info), int64(len(info)), store.Options{}); err != nil {
		t.Fatal(err)
	}
	if r := w.mirror(s, nil); r.Status != StatusMirrored {
		t.Errorf("%s: %s", r.Status, r.Error)
	}
	if got, want := w.clone(s), w.source(w.repo.Dir); got != want {
		t.Errorf("the clone differs:\n%s", got)
	}
}

// overtaken is a store in which another run publishes while this one does.
type overtaken struct {
	store.Store
	info string
}

func (o overtaken) Put(ctx context.Context, key string, r io.Reader, size int64, opts store.Options) (store.Info, error) {
	if key == keyPackedRefs {
		_, err := o.Store.Put(ctx, keyInfoRefs, strings.NewReader(o.info), int64(len(o.info)), store.Options{})
		if err != nil {
			return store.Info{}, err
		}
	}
	return o.Store.Put(ctx, key, r, size, opts)
}

// TestOvertaken: what another run published meanwhile stands, at the first run
// to a target and at later ones.
func TestOvertaken(t *testing.T) {
	w := newWorld(t)
	id := w.repo.Line("refs/heads/main", "", 0, 2)
	s := memstore.New()
	o := overtaken{s, id + "\trefs/heads/other\n"}
	lose := func(opts *Options) {
		opts.open = func(Target) (store.Store, string, error) { return o, "memory", nil }
	}
	check := func(when string) {
		if r := w.mirror(s, lose); r.Status != StatusFailed || !strings.Contains(r.Error, "another run") {
			t.Errorf("%s: %s: %s", when, r.Status, r.Error)
		}
		if now, _ := s.Object(keyInfoRefs); string(now.Data) != o.info {
			t.Errorf("%s: info/refs is %q", when, now.Data)
		}
	}
	check("first run")
	if r := w.mirror(s, nil); r.Status != StatusMirrored {
		t.Fatalf("%s: %s", r.Status, r.Error)
	}
	w.repo.Line("refs/heads/main", id, 2, 1)
	check("later run")
}
