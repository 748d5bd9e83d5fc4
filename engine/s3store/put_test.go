package s3store_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/s3store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store/storetest"
)

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// stream is a reader that cannot seek.
func stream(s string) io.Reader { return io.MultiReader(strings.NewReader(s)) }

// TestRetries lets the first two attempts at everything fail with 500.
func TestRetries(t *testing.T) {
	var n atomic.Int64
	client := proxy(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if n.Add(1)%3 != 0 {
			io.Copy(io.Discard, r.Body)
			refuse(w, 500, "InternalError")
			return
		}
		next.ServeHTTP(w, r)
	})
	s := open(s3store.Config{Client: client})
	ctx := t.Context()
	if _, err := s.Put(ctx, "a", strings.NewReader("hello"), 5, store.Options{}); err != nil {
		t.Fatal(err)
	}
	r, _, err := s.Get(ctx, "a", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	if err := s.Copy(ctx, "a", "b", 5, store.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	if got, want := s.Requests(), (store.Requests{Put: 3, Get: 3, Copy: 3, Delete: 3}); got != want {
		t.Errorf("requests are %+v, want %+v", got, want)
	}
}

// TestStreamsAreSentOnce checks that what cannot be read again is not retried,
// and that the error is the server's and not about that.
func TestStreamsAreSentOnce(t *testing.T) {
	client := fake(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		refuse(w, 500, "InternalError")
	})
	s := s3store.New(s3store.Config{Client: client, Bucket: "bucket"})
	_, err := s.Put(t.Context(), "a", stream("hello"), 5, store.Options{SHA256: sum("hello")})
	if err == nil || !strings.Contains(err.Error(), "InternalError") {
		t.Errorf("error is %v", err)
	}
	if n := s.Requests().Put; n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

// TestWrongContentIsNeverSentWhole uses a server that checks nothing.
func TestWrongContentIsNeverSentWhole(t *testing.T) {
	var whole atomic.Int64
	client := fake(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			whole.Add(1)
		}
		w.Header().Set("ETag", `"x"`)
	})
	s := s3store.New(s3store.Config{Client: client, Bucket: "bucket"})
	content := strings.Repeat("x", 100_000)
	broken := errors.New("the cable was cut")
	ordinary := func() io.Reader { return stream(content) }
	for name, test := range map[string]struct {
		r    func() io.Reader
		size int64
		hash string
		want error
	}{
		"other": {ordinary, 100_000, sum("other"), store.ErrChecksum},
		"short": {ordinary, 100_001, sum(content), io.ErrUnexpectedEOF},
		"long":  {ordinary, 99_999, sum(content), nil},
		"broken": {func() io.Reader { return io.MultiReader(stream(content), iotest.ErrReader(broken)) },
			100_001, sum(content), broken},
		"short, of unknown hash": {ordinary, 100_001, "", io.ErrUnexpectedEOF},
		"long, of unknown hash":  {ordinary, 99_999, "", nil},
	} {
		_, err := s.Put(t.Context(), name, test.r(), test.size, store.Options{SHA256: test.hash})
		if err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: error is %v, want %v", name, err, test.want)
		}
	}
	if whole.Load() != 0 {
		t.Errorf("%d requests were whole", whole.Load())
	}
	if _, err := s.Put(t.Context(), "right", stream(content), 100_000, store.Options{SHA256: sum(content)}); err != nil {
		t.Error(err)
	}
	if whole.Load() != 1 {
		t.Error("the right content was not whole")
	}
}

// TestHeaders looks at what is asked of S3 beside the content.
func TestHeaders(t *testing.T) {
	var seen []http.Header
	client := fake(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		h := r.Header.Clone()
		h.Set("Request", r.Method+" "+r.URL.Path)
		seen = append(seen, h)
		w.Header().Set("ETag", `"x"`)
		w.Write([]byte(`<R><UploadId>1</UploadId><ETag>"x"</ETag></R>`))
	})
	s := s3store.New(s3store.Config{
		Client: client, Bucket: "bucket", Prefix: "repo", PartSize: 10, PartsInFlight: 1, MaxRequest: 100,
		StorageClass: "STANDARD_IA", SSE: "aws:kms", SSEKMSKeyID: "key-1", Tagging: "team=a&cost=b",
	})
	o := store.Options{ContentType: "application/x-git-packed-objects", CacheControl: "max-age=5"}
	ctx := t.Context()
	check := func(name string, err error, class string) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		h := seen[0] // of an upload in parts: that which creates it
		seen = nil
		for header, want := range map[string]string{
			"Content-Type":                                o.ContentType,
			"Cache-Control":                               o.CacheControl,
			"X-Amz-Storage-Class":                         class,
			"X-Amz-Server-Side-Encryption":                "aws:kms",
			"X-Amz-Tagging":                               "team=a&cost=b",
			"X-Amz-Sdk-Checksum-Algorithm":                "",
			"X-Amz-Trailer":                               "",
			"X-Amz-Decoded-Content-Length":                "",
			"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": "key-1",
		} {
			if got := h.Get(header); got != want {
				t.Errorf("%s, %s: %s is %q, want %q", name, h.Get("Request"), header, got, want)
			}
		}
	}
	put := func(key string) error {
		_, err := s.Put(ctx, key, strings.NewReader("x"), 1, o)
		return err
	}
	upload := func(key string) error {
		u, err := s.Upload(ctx, key, o)
		if err != nil {
			return err
		}
		if _, err := u.Write(make([]byte, 25)); err != nil {
			return err
		}
		_, err = u.Commit()
		return err
	}
	for key, class := range map[string]string{
		"objects/pack/pack-1.pack": "STANDARD_IA",
		"objects/ab/cdef":          "STANDARD_IA",
		"lfs/objects/ab/cd/abcd":   "STANDARD_IA",
		"objects/info/packs":       "",
		"info/refs":                "",
		"mirror_tmp/1/pack":        "",
	} {
		check("Put", put(key), class)
		check("Upload", upload(key), class)
		check("Copy", s.Copy(ctx, "mirror_tmp/1/pack", key, 5, o), class)
		check("Copy in parts", s.Copy(ctx, "mirror_tmp/1/pack", key, 150, o), class)
	}
}

// TestTags puts tags on the real server's objects, in each way of writing.
func TestTags(t *testing.T) {
	ctx := t.Context()
	s := open(s3store.Config{Tagging: "team=git&cost=a%20b", MaxRequest: storetest.PartSize})
	data := make([]byte, storetest.PartSize+1)
	for key, n := range map[string]int64{"small": 1, "large": storetest.PartSize + 1} {
		if _, err := s.Put(ctx, key, bytes.NewReader(data[:n]), n, store.Options{}); err != nil {
			t.Fatal(err)
		}
		if err := s.Copy(ctx, key, key+"-copy", n, store.Options{}); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{key, key + "-copy"} {
			path := s.Prefix + "/" + key
			out, err := server.Client().GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &s.Bucket, Key: &path})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, tag := range out.TagSet {
				got[*tag.Key] = *tag.Value
			}
			if len(got) != 2 || got["team"] != "git" || got["cost"] != "a b" {
				t.Errorf("%s has the tags %v", key, got)
			}
		}
	}
}
