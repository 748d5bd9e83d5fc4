package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

func testPutAndGet(t *testing.T, f fixture) {
	for _, n := range []int{0, 1, 100, 64 << 10, PartSize - 1, PartSize, PartSize + 1, 3*PartSize + 7} {
		key := fmt.Sprintf("objects/%d", n)
		data := content(n, 0)
		put := f.put(key, data)
		got := f.holds(key, data)
		if put.Key != key || put.Size != int64(n) || put.ETag != got.ETag {
			t.Errorf("Put says %+v, Get %+v", put, got)
		}
		if age := time.Since(got.Modified); age < -time.Hour || age > time.Hour {
			t.Errorf("%q was modified %v ago", key, age)
		}
	}
}

func testPutReaders(t *testing.T, f fixture) {
	for _, n := range []int{0, 1, 1000, PartSize + 1} {
		data := content(n, 1)
		skipped := bytes.NewReader(append([]byte("skipped"), data...))
		if _, err := skipped.Seek(7, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		for name, r := range map[string]io.Reader{
			"seekable":     bytes.NewReader(data),
			"from-offset":  skipped,
			"not-seekable": plain{bytes.NewReader(data)},
			"halves":       iotest.HalfReader(bytes.NewReader(data)),
			"data-and-EOF": iotest.DataErrReader(bytes.NewReader(data)),
		} {
			for _, hash := range []string{"", sum(data)} {
				key := fmt.Sprintf("%s/%d/%.4s", name, n, hash+"none")
				_, err := f.Put(f.ctx, key, r, int64(n), store.Options{SHA256: hash})
				if err != nil {
					t.Errorf("%s: %v", key, err)
					continue
				}
				f.holds(key, data)
				if s, ok := r.(io.Seeker); ok && name == "from-offset" {
					s.Seek(7, io.SeekStart)
				} else if ok {
					s.Seek(0, io.SeekStart)
				} else {
					break
				}
			}
		}
	}
	data := content(1000, 2)
	_, err := f.Put(f.ctx, "lfs", plain{bytes.NewReader(data)}, 1000, store.Options{SHA256: sum(data)})
	if err != nil {
		t.Error(err)
	}
	f.holds("lfs", data)
}

func testPutWrongContent(t *testing.T, f fixture) {
	broken := errors.New("the cable was cut")
	for _, n := range []int{0, 1, 1000, PartSize + 1} {
		data := content(n, 3)
		cut := max(0, n-1)
		for name, wrong := range map[string]struct {
			r    io.Reader
			hash string
			want error // nil: any
		}{
			"short":              {bytes.NewReader(data), "", nil},
			"short-stream":       {plain{bytes.NewReader(data)}, "", io.ErrUnexpectedEOF},
			"long":               {bytes.NewReader(append(data, "xyz"...)), "", nil},
			"long-stream":        {plain{bytes.NewReader(append(data, "xyz"...))}, "", nil},
			"long-stream-hashed": {plain{bytes.NewReader(append(data, "xyz"...))}, sum(data), nil},
			"other":              {bytes.NewReader(append(data, '!')), sum(data), store.ErrChecksum},
			"other-stream":       {plain{bytes.NewReader(append(data, '!'))}, sum(data), store.ErrChecksum},
			"broken":             {io.MultiReader(bytes.NewReader(data[:cut]), iotest.ErrReader(broken)), "", broken},
		} {
			for _, before := range []string{"", "what was there"} {
				key := fmt.Sprintf("%s/%d/%d", name, n, len(before))
				if before != "" {
					f.put(key, []byte(before))
				}
				if s, ok := wrong.r.(io.Seeker); ok {
					s.Seek(0, io.SeekStart)
				} else if before != "" {
					continue // it was read from
				}
				size := int64(n) + 1
				if name[:4] == "long" {
					size = int64(n)
				}
				_, err := f.Put(f.ctx, key, wrong.r, size, store.Options{SHA256: wrong.hash})
				if err == nil || wrong.want != nil && !errors.Is(err, wrong.want) {
					t.Errorf("%s: error is %v, want %v", key, err, wrong.want)
				}
				if before != "" {
					f.holds(key, []byte(before))
				} else {
					f.lacks(key)
				}
			}
		}
	}
}

func testPutCancelled(t *testing.T, f fixture) {
	ctx, cancel := context.WithCancel(f.ctx)
	data := content(PartSize, 4)
	half := bytes.NewReader(data[:PartSize/2])
	rest := bytes.NewReader(data[PartSize/2:])
	_, err := f.Put(ctx, "cancelled", plain{io.MultiReader(half, cancelling{cancel}, rest)}, PartSize, store.Options{})
	f.is("a cancelled Put", err, context.Canceled)
	f.lacks("cancelled")
	_, err = f.Put(ctx, "after", bytes.NewReader(data), PartSize, store.Options{})
	f.is("a Put after that", err, context.Canceled)
	f.lacks("after")
}

// cancelling cancels when it is read from.
type cancelling struct{ cancel func() }

func (c cancelling) Read([]byte) (int, error) {
	c.cancel()
	return 0, io.EOF
}

func testOverwrite(t *testing.T, f fixture) {
	etags := map[string]bool{}
	for i := range 20 { // in quick succession, and all of one length
		data := content(50, uint64(i))
		info := f.put("info/refs", data)
		if etags[info.ETag] {
			t.Fatalf("the ETag %s came twice, for different contents", info.ETag)
		}
		etags[info.ETag] = true
		if got := f.holds("info/refs", data); got.ETag != info.ETag {
			t.Fatalf("Put gave the ETag %s, Get %s", info.ETag, got.ETag)
		}
	}
	if all := f.list(""); len(all) != 1 {
		t.Errorf("%d objects, want 1", len(all))
	}
}

func testBadKeys(t *testing.T, f fixture) {
	for _, key := range []string{"", ".", "..", "/a", "a/", "a//b", "../escaped", "a/../../escaped", "a/./b", "not\xffutf-8"} {
		_, err := f.Put(f.ctx, key, bytes.NewReader(nil), 0, store.Options{})
		if err == nil {
			t.Errorf("Put allowed %q", key)
		}
		if u, err := f.Upload(f.ctx, key, store.Options{}); err == nil {
			t.Errorf("Upload allowed %q", key)
			u.Abort()
		}
	}
	if all := f.list(""); len(all) != 0 {
		t.Errorf("there is %+v", all)
	}
}

func testOddKeys(t *testing.T, f fixture) {
	for i, key := range []string{
		"with space", "with  two", "100%", "%41", "a+b", "ünïcode/日本", "~tilde", "#hash", "q?x=1&y=2",
		"quote'\"", "semi;colon,comma", "at@colon:", "paren(theses)[b]{c}", "<xml>&amp;", "dollar$!*", "dots..x", ".dot/.dot",
		"refs/heads/feature/a b%20c",
	} {
		data := content(10, uint64(i))
		f.put(key, data)
		f.holds(key, data)
		if l := f.list(key); len(l) != 1 || l[0].Key != key {
			t.Errorf("listing %q gives %+v", key, l)
		}
		if err := f.Copy(f.ctx, key, "copies/"+key, 10, store.Options{}); err != nil {
			t.Error(err)
			continue
		}
		f.holds("copies/"+key, data)
		if err := f.Delete(f.ctx, key, "copies/"+key); err != nil {
			t.Error(err)
		}
		f.lacks(key)
		f.lacks("copies/" + key)
	}
}
