package storetest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// testConcurrently lets 16 goroutines write, read, list and delete, some of
// it in the same directories.
func testConcurrently(t *testing.T, f fixture) {
	each(16, 16, func(g int) {
		for i := range 10 {
			data := content(1000+i, uint64(g))
			key := fmt.Sprintf("objects/%02x/%d-%d", i%3, g, i)
			if _, err := f.Put(f.ctx, key, bytes.NewReader(data), int64(len(data)), store.Options{}); err != nil {
				t.Error(err)
				return
			}
			r, _, err := f.Get(f.ctx, key, 0, -1)
			if err != nil {
				t.Error(err)
				return
			}
			var got bytes.Buffer
			if _, err := got.ReadFrom(r); err != nil || !bytes.Equal(got.Bytes(), data) {
				t.Errorf("%s: %d bytes, %v", key, got.Len(), err)
			}
			r.Close()
			for _, err := range f.List(f.ctx, "objects/00/") {
				if err != nil {
					t.Error(err)
				}
			}
			if i%2 == 0 {
				if err := f.Delete(f.ctx, key); err != nil {
					t.Error(err)
				}
			}
		}
	})
	if l := f.list("objects/"); len(l) != 16*5 {
		t.Errorf("%d objects are left, want %d", len(l), 16*5)
	}
}

func testRequests(t *testing.T, f fixture) {
	before := f.Requests()
	step := func(doing string, count func(store.Requests) int64, do func()) {
		t.Helper()
		do()
		after := f.Requests()
		if count(after) != count(before)+1 {
			t.Errorf("%s: from %+v to %+v", doing, before, after)
		}
		before = after
	}
	data := content(10, 11)
	step("Put", func(r store.Requests) int64 { return r.Put }, func() { f.put("a", data) })
	step("Get", func(r store.Requests) int64 { return r.Get }, func() { f.read("a", 2, 3) })
	step("missing Get", func(r store.Requests) int64 { return r.Get }, func() { f.Get(f.ctx, "b", 0, -1) })
	step("List", func(r store.Requests) int64 { return r.List }, func() { f.list("") })
	step("Copy", func(r store.Requests) int64 { return r.Copy }, func() {
		if err := f.Copy(f.ctx, "a", "b", 10, store.Options{}); err != nil {
			t.Error(err)
		}
	})
	step("Delete", func(r store.Requests) int64 { return r.Delete }, func() {
		if err := f.Delete(f.ctx, "a"); err != nil {
			t.Error(err)
		}
	})
	step("Upload", func(r store.Requests) int64 { return r.Put }, func() {
		if _, err := f.upload("c", data, 10, store.Options{}); err != nil {
			t.Error(err)
		}
	})
	if before.Multipart != 0 {
		t.Errorf("small objects took multipart requests: %+v", before)
	}
}
