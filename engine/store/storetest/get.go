package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

func testRanges(t *testing.T, f fixture) {
	const size = 1000
	for _, n := range []int{0, 1, size} {
		data := content(n, 5)
		key := fmt.Sprintf("ranges/%d", n)
		f.put(key, data)
		for _, r := range [][2]int64{
			{0, -1}, {0, 0}, {0, 1}, {0, size}, {0, size + 1}, {1, -1}, {10, 20}, {10, 0},
			{size - 1, 1}, {size - 1, -1}, {size - 1, 5}, {size, -1}, {size, 1}, {size, 0}, {5 * size, -1}, {5 * size, 7},
		} {
			got, info := f.read(key, r[0], r[1])
			from := min(r[0], int64(n))
			want := data[from : from+store.Span(int64(n), r[0], r[1])]
			if !bytes.Equal(got, want) {
				t.Errorf("%q from %d, %d bytes: got %d bytes, want %d", key, r[0], r[1], len(got), len(want))
			}
			if info.Size != int64(n) || info.ETag == "" || info.Key != key {
				t.Errorf("%q from %d, %d bytes: Info is %+v", key, r[0], r[1], info)
			}
		}
		if _, _, err := f.Get(f.ctx, key, -1, 1); err == nil {
			t.Error("a negative offset was allowed")
		}
	}
}

func testMissing(t *testing.T, f fixture) {
	f.put("there/file", []byte("x"))
	for _, key := range []string{"missing", "there", "there/other", "missing/deeper", "there/file/deeper"} {
		f.lacks(key)
		for _, r := range [][2]int64{{0, 10}, {5, -1}, {3, 0}} {
			if _, _, err := f.Get(f.ctx, key, r[0], r[1]); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("getting %q from %d, %d bytes: %v", key, r[0], r[1], err)
			}
		}
	}
	if l := f.list("missing/"); len(l) != 0 {
		t.Errorf("there is %+v", l)
	}
}

func testListOrder(t *testing.T, f fixture) {
	keys := []string{ // sorted by bytes
		"HEAD", "info/refs", "o/a-b", "o/a.b/c", "o/a/b", "o/a/b-", "o/a/bb/c", "o/a0", "o/ab", "o/ä",
		"objects/00/a", "objects/info/packs", "objects/pack/pack-1.idx", "objects/pack/pack-1.pack", "packed-refs",
	}
	for _, i := range []int{7, 3, 14, 0, 9, 1, 12, 5, 10, 2, 4, 6, 8, 11, 13} {
		f.put(keys[i], content(i, 6))
	}
	for _, prefix := range []string{"", "o", "o/", "o/a", "o/a/", "o/a/b", "objects/", "objects/pack/pack-", "HEAD", "x", "info/refs/"} {
		var want []string
		for _, k := range keys {
			if len(k) >= len(prefix) && k[:len(prefix)] == prefix {
				want = append(want, k)
			}
		}
		var got []string
		for _, info := range f.list(prefix) {
			got = append(got, info.Key)
			if n := slices.Index(keys, info.Key); info.Size != int64(n) || info.Modified.IsZero() {
				t.Errorf("listing %q: %+v, want size %d", prefix, info, n)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("listing %q:\n got %q\nwant %q", prefix, got, want)
		}
	}
}

// testListMany lists more than the 1,000 keys that an answer of S3 holds.
func testListMany(t *testing.T, f fixture) {
	const n = 1105
	key := func(i int) string { return fmt.Sprintf("objects/%02x/%04d", i%256, i) }
	each(16, n, func(i int) {
		if _, err := f.Put(f.ctx, key(i), bytes.NewReader(nil), 0, store.Options{}); err != nil {
			t.Error(err)
		}
	})
	var got, want []string
	for i := range n {
		want = append(want, key(i))
	}
	slices.Sort(want)
	for _, info := range f.list("objects/") {
		got = append(got, info.Key)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%d keys are listed, or in another order, want %d", len(got), n)
	}
	if err := f.Delete(f.ctx, got[1:]...); err != nil {
		t.Fatal(err)
	}
	if l := f.list(""); len(l) != 1 || l[0].Key != want[0] {
		t.Errorf("after deleting all but one there are %d", len(l))
	}
}

func testListStops(t *testing.T, f fixture) {
	for i := range 5 {
		f.put(fmt.Sprint("k", i), nil)
	}
	n := 0
	for _, err := range f.List(f.ctx, "") {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("%d were listed", n)
	}
}

// each calls do with 0 to n-1, by several goroutines.
func each(goroutines, n int, do func(int)) {
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := g; i < n; i += goroutines {
				do(i)
			}
		})
	}
	wg.Wait()
}
