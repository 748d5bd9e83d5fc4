package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

var (
	ifNew   = store.Options{IfNoneMatch: "*"}
	ifMatch = func(etag string) store.Options { return store.Options{IfMatch: etag} }
)

// testConditional tests conditions of any way to write: write stores a
// content as info/refs.
func testConditional(f fixture, write func(data []byte, o store.Options) error) {
	f.t.Helper()
	one, two, three := content(60, 1), content(60, 2), content(60, 3)
	check := func(doing string, err error) {
		f.t.Helper()
		if err != nil {
			f.t.Fatalf("%s: %v", doing, err)
		}
	}

	f.is("replacing what does not exist", write(one, ifMatch(`"5d41402abc4b2a76b9719d911017c592"`)), store.ErrPrecondition)
	f.lacks("info/refs")
	check("creating", write(one, ifNew))
	first := f.holds("info/refs", one)
	f.is("creating what exists", write(two, ifNew), store.ErrPrecondition)
	f.holds("info/refs", one)
	check("replacing", write(two, ifMatch(first.ETag)))
	second := f.holds("info/refs", two)
	f.is("replacing what was replaced", write(three, ifMatch(first.ETag)), store.ErrPrecondition)
	f.holds("info/refs", two)

	check("deleting", f.Delete(f.ctx, "info/refs"))
	f.is("replacing what was deleted", write(three, ifMatch(second.ETag)), store.ErrPrecondition)
	f.lacks("info/refs")
	check("creating again", write(three, ifNew))
	f.holds("info/refs", three)
}

func testConditions(_ *testing.T, f fixture) {
	testConditional(f, func(data []byte, o store.Options) error {
		_, err := f.Put(f.ctx, "info/refs", bytes.NewReader(data), int64(len(data)), o)
		return err
	})
}

func testConditionsOfUploads(t *testing.T, f fixture) {
	for name, length := range map[string]int{"small": 0, "large": PartSize} {
		tail := content(length, 9)
		t.Run(name, func(t *testing.T) {
			u := fixture{t, f.ctx, padded{f.Store, tail}}
			testConditional(u, func(data []byte, o store.Options) error {
				_, err := u.upload("info/refs", append(data, tail...), 1<<20, o)
				return err
			})
			if err := f.Delete(f.ctx, "info/refs"); err != nil {
				t.Error(err)
			}
			f.noUploads()
		})
	}
}

func testConditionsOfCopies(t *testing.T, f fixture) {
	for name, length := range map[string]int{"small": 0, "large": PartSize} {
		tail := content(length, 9)
		t.Run(name, func(t *testing.T) {
			u := fixture{t, f.ctx, padded{f.Store, tail}}
			testConditional(u, func(data []byte, o store.Options) error {
				data = append(data, tail...)
				f.put("mirror_tmp/1/refs", data)
				return f.Copy(f.ctx, "mirror_tmp/1/refs", "info/refs", int64(len(data)), o)
			})
			if err := f.Delete(f.ctx, "info/refs"); err != nil {
				t.Error(err)
			}
			f.noUploads()
		})
	}
}

// testRaceToCreate lets 16 writers create one key.
func testRaceToCreate(t *testing.T, f fixture) {
	race(t, f, ifNew)
}

// testRaceToReplace lets 16 writers replace one content.
func testRaceToReplace(t *testing.T, f fixture) {
	race(t, f, ifMatch(f.put("info/refs", []byte("the first")).ETag))
}

func race(t *testing.T, f fixture, o store.Options) {
	var winners, winner atomic.Int64
	text := func(i int64) []byte { return fmt.Appendf(nil, "writer %02d", i) }
	each(16, 16, func(i int) {
		data := text(int64(i))
		_, err := f.Put(f.ctx, "info/refs", bytes.NewReader(data), int64(len(data)), o)
		if err == nil {
			winners.Add(1)
			winner.Store(int64(i))
		} else if !errors.Is(err, store.ErrPrecondition) {
			t.Error(err)
		}
	})
	if winners.Load() != 1 {
		t.Fatalf("%d writers won, want 1", winners.Load())
	}
	f.holds("info/refs", text(winner.Load()))
}
