package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// padded is a store whose contents are expected without a tail that all of
// them have, so that one test does for small and large objects.
type padded struct {
	store.Store
	tail []byte
}

func (p padded) Get(ctx context.Context, key string, off, n int64) (io.ReadCloser, store.Info, error) {
	r, info, err := p.Store.Get(ctx, key, off, n)
	if err != nil || len(p.tail) == 0 {
		return r, info, err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err == nil && !bytes.HasSuffix(data, p.tail) {
		err = errors.New("the tail is missing")
	}
	if err != nil {
		return nil, info, err
	}
	info.Size -= int64(len(p.tail))
	return io.NopCloser(bytes.NewReader(data[:info.Size])), info, nil
}

// upload writes data in steps of so many bytes, and aborts when that fails.
func (f fixture) upload(key string, data []byte, step int, o store.Options) (store.Info, error) {
	f.t.Helper()
	u, err := f.Upload(f.ctx, key, o)
	if err != nil {
		return store.Info{}, err
	}
	info, err := func() (store.Info, error) {
		for len(data) > 0 {
			n, err := u.Write(data[:min(step, len(data))])
			if err != nil {
				return store.Info{}, err
			}
			data = data[n:]
		}
		return u.Commit()
	}()
	if aborted := u.Abort(); aborted != nil {
		f.t.Errorf("aborting %q after %v: %v", key, err, aborted)
	}
	return info, err
}

// noUploads checks that no upload is left unfinished in the store, where one
// can be asked.
func (f fixture) noUploads() {
	f.t.Helper()
	s, ok := f.Store.(interface {
		AbortStaleUploads(context.Context, time.Time) (int, error)
	})
	if !ok {
		return
	}
	n, err := s.AbortStaleUploads(f.ctx, time.Now().Add(time.Hour))
	if err != nil || n != 0 {
		f.t.Errorf("%d uploads were left: %v", n, err)
	}
}

func testUpload(t *testing.T, f fixture) {
	for _, n := range []int{0, 1, 1000, PartSize - 1, PartSize, PartSize + 1, 2 * PartSize, 3*PartSize + 7} {
		for _, step := range []int{PartSize/3 + 1, 4 * PartSize} {
			key := fmt.Sprintf("mirror_tmp/1/%d-%d", n, step)
			data := content(n, 7)
			info, err := f.upload(key, data, step, store.Options{ContentType: "application/x-git-packed-objects"})
			if err != nil {
				t.Fatal(err)
			}
			got := f.holds(key, data)
			if info.Key != key || info.Size != int64(n) || info.ETag != got.ETag {
				t.Errorf("Commit says %+v, Get %+v", info, got)
			}
		}
	}
	f.noUploads()
}

func testUploadAbort(t *testing.T, f fixture) {
	f.put("mirror_tmp/1/old", []byte("old"))
	for _, n := range []int{0, 10, PartSize, 3 * PartSize} {
		for _, key := range []string{"mirror_tmp/1/new", "mirror_tmp/1/old"} {
			u, err := f.Upload(f.ctx, key, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := u.Write(content(n, 8)); err != nil {
				t.Fatal(err)
			}
			if l := f.list(""); len(l) != 1 {
				t.Errorf("during an upload there is %+v", l)
			}
			if err := u.Abort(); err != nil {
				t.Errorf("aborting after %d bytes: %v", n, err)
			}
			if err := u.Abort(); err != nil {
				t.Errorf("aborting again: %v", err)
			}
			if _, err := u.Write([]byte("more")); err == nil {
				t.Error("a Write after Abort was allowed")
			}
			if _, err := u.Commit(); err == nil {
				t.Error("a Commit after Abort was allowed")
			}
		}
	}
	f.lacks("mirror_tmp/1/new")
	f.holds("mirror_tmp/1/old", []byte("old"))
	f.noUploads()
}

func testUploadCancelled(t *testing.T, f fixture) {
	for _, n := range []int{10, 2*PartSize + 1} {
		ctx, cancel := context.WithCancel(f.ctx)
		u, err := f.Upload(ctx, "mirror_tmp/1/x", store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := u.Write(content(n, 8)); err != nil {
			t.Fatal(err)
		}
		cancel()
		_, err = u.Commit()
		f.is("committing after it was cancelled", err, context.Canceled)
		if err := u.Abort(); err != nil {
			t.Error(err)
		}
		f.lacks("mirror_tmp/1/x")
		f.noUploads()
	}
}

func testCopy(t *testing.T, f fixture) {
	for _, n := range []int{0, 1, PartSize, PartSize + 1, 3*PartSize + 7} {
		data := content(n, 10)
		f.put("mirror_tmp/1/pack", data)
		to := fmt.Sprintf("objects/pack/pack-%d.pack", n)
		for range 2 { // the second time over what is there
			if err := f.Copy(f.ctx, "mirror_tmp/1/pack", to, int64(n), store.Options{CacheControl: "max-age=1"}); err != nil {
				t.Fatal(err)
			}
			f.holds(to, data)
		}
		if err := f.Delete(f.ctx, "mirror_tmp/1/pack"); err != nil {
			t.Fatal(err)
		}
		f.holds(to, data)

		// An object and its copy are two: changing one leaves the other.
		if err := f.Copy(f.ctx, to, "mirror_tmp/1/pack", int64(n), store.Options{}); err != nil {
			t.Fatal(err)
		}
		f.put(to, []byte("changed"))
		f.holds("mirror_tmp/1/pack", data)
	}
	for _, n := range []int64{1, PartSize + 1} {
		err := f.Copy(f.ctx, "missing", "to", n, store.Options{})
		f.is("copying what is missing", err, fs.ErrNotExist)
		f.lacks("to")
	}
	f.noUploads()
}

func testDelete(t *testing.T, f fixture) {
	var keys []string
	for i := range 30 {
		keys = append(keys, fmt.Sprintf("objects/%02x/%d", i%4, i))
		f.put(keys[i], nil)
	}
	f.put("HEAD", nil)
	for _, k := range [][]string{{}, keys[:1], keys[:1], keys[:10], append(keys, "missing/one", "missing")} {
		if err := f.Delete(f.ctx, k...); err != nil {
			t.Errorf("deleting %d keys: %v", len(k), err)
		}
	}
	if l := f.list(""); len(l) != 1 || l[0].Key != "HEAD" {
		t.Errorf("what is left is %+v", l)
	}
	f.put(keys[3], []byte("again"))
	f.holds(keys[3], []byte("again"))
}
