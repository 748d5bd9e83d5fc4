package s3store_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

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

// TestBodiesAreResumed cuts every body of the real server short.
func TestBodiesAreResumed(t *testing.T) {
	const step = 1000
	client := proxy(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodGet {
			w = &cutting{ResponseWriter: w, left: step}
		}
		next.ServeHTTP(w, r)
	})
	s := open(s3store.Config{Client: client})
	content := []byte(strings.Repeat("0123456789", step))
	if _, err := s.Put(t.Context(), "a", bytes.NewReader(content), int64(len(content)), store.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, span := range [][2]int64{{0, -1}, {0, 5000}, {3, -1}, {3, 9000}} {
		r, info, err := s.Get(t.Context(), "a", span[0], span[1])
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		r.Close()
		want := content[span[0]:][:store.Span(info.Size, span[0], span[1])]
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("from %d, %d bytes: got %d, %v", span[0], span[1], len(got), err)
		}
	}

	// Another content must not be put together with the first one's beginning.
	r, _, err := s.Get(t.Context(), "a", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	other := bytes.Repeat([]byte("x"), len(content))
	if _, err := s.Put(t.Context(), "a", bytes.NewReader(other), int64(len(other)), store.Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); !errors.Is(err, store.ErrPrecondition) {
		t.Errorf("reading an object that was replaced: %v", err)
	}
}

// cutting closes the connection after so many bytes of a body.
type cutting struct {
	http.ResponseWriter
	left int
}

func (c *cutting) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p[:min(c.left, len(p))])
	if c.left -= n; c.left == 0 {
		c.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, err
}

// TestBodiesEndInTheEnd has a server that never sends a byte of the body.
func TestBodiesEndInTheEnd(t *testing.T) {
	client := fake(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		w.Header().Set("Content-Range", "bytes 0-9/10")
		w.WriteHeader(206)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	s := s3store.New(s3store.Config{Client: client, Bucket: "bucket"})
	r, _, err := s.Get(t.Context(), "a", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadAll(r); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error is %v", err)
	}
}

// TestServersThatIgnoreRanges are found out.
func TestServersThatIgnoreRanges(t *testing.T) {
	client := fake(t, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("0123456789")) })
	s := s3store.New(s3store.Config{Client: client, Bucket: "bucket"})
	if _, _, err := s.Get(t.Context(), "a", 5, 3); err == nil {
		t.Error("another part of the object was taken for what was asked")
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

// TestUploadsAreBounded counts the parts that are under way at once, and the
// memory that an upload of many takes.
func TestUploadsAreBounded(t *testing.T) {
	const parts, inFlight = 20, 3
	var now, most atomic.Int64
	client := proxy(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.URL.Query().Has("partNumber") {
			n := now.Add(1)
			defer now.Add(-1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
		}
		next.ServeHTTP(w, r)
	})
	s := open(s3store.Config{Client: client, PartsInFlight: inFlight})
	u, err := s.Upload(t.Context(), "mirror_tmp/1/pack", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Abort()
	chunk := make([]byte, 64<<10)
	for range parts * storetest.PartSize / len(chunk) {
		if _, err := u.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	info, err := u.Commit()
	if err != nil {
		t.Fatal(err)
	}
	if info.Size != parts*storetest.PartSize {
		t.Errorf("%d bytes were stored", info.Size)
	}
	if most.Load() > inFlight || most.Load() < 2 {
		t.Errorf("%d parts were under way at once, want at most %d", most.Load(), inFlight)
	}
	if got := s.Requests().Multipart; got != parts+2 {
		t.Errorf("%d requests, want %d", got, parts+2)
	}
}

// TestUploadFails lets the second part fail: Write or Commit must say why, and
// nothing is left.
func TestUploadFails(t *testing.T) {
	client := proxy(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.URL.Query().Get("partNumber") == "2" {
			io.Copy(io.Discard, r.Body)
			refuse(w, 403, "AccessDenied")
			return
		}
		next.ServeHTTP(w, r)
	})
	s := open(s3store.Config{Client: client})
	u, err := s.Upload(t.Context(), "mirror_tmp/1/pack", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err = u.Write(make([]byte, storetest.PartSize)); err != nil {
			break
		}
	}
	if err == nil {
		t.Error("ten parts were taken although the second failed")
	}
	if _, committed := u.Commit(); committed == nil || !strings.Contains(committed.Error(), "s3:PutObject") {
		t.Errorf("Commit's error is %v", committed)
	}
	if err := u.Abort(); err != nil {
		t.Error(err)
	}
	if n, err := s.AbortStaleUploads(t.Context(), time.Now().Add(time.Hour)); n != 0 || err != nil {
		t.Errorf("%d uploads were left, %v", n, err)
	}
}

func TestAbortStaleUploads(t *testing.T) {
	s := open(s3store.Config{})
	ctx := context.Background()
	begin := func(key string) {
		t.Helper()
		path := s.Prefix + "/" + key
		_, err := server.Client().CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &s.Bucket, Key: &path})
		if err != nil {
			t.Fatal(err)
		}
	}
	begin("mirror_tmp/1/pack")
	begin("objects/pack/pack-1.pack")
	begin("lfs/objects/aa/bb/aabb")
	begin("somebody/elses")
	for _, test := range []struct {
		before time.Time
		want   int
	}{
		{time.Now().Add(-time.Hour), 0}, {time.Now().Add(time.Hour), 3}, {time.Now().Add(time.Hour), 0},
	} {
		n, err := s.AbortStaleUploads(ctx, test.before)
		if err != nil || n != test.want {
			t.Errorf("%d uploads were aborted, %v; want %d", n, err, test.want)
		}
	}
	left, err := server.Client().ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &s.Bucket, Prefix: &s.Prefix})
	if err != nil || len(left.Uploads) != 1 || !strings.HasSuffix(*left.Uploads[0].Key, "somebody/elses") {
		t.Errorf("left are %+v, %v", left, err)
	}
}

// TestWholeBucket uses a store without a prefix.
func TestWholeBucket(t *testing.T) {
	ctx := t.Context()
	if err := server.CreateBucket(ctx, "whole"); err != nil {
		t.Fatal(err)
	}
	s := s3store.New(s3store.Config{Client: server.Client(), Bucket: "whole"})
	if _, err := s.Put(ctx, "objects/a", strings.NewReader("x"), 1, store.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Copy(ctx, "objects/a", "HEAD", 1, store.Options{}); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for info, err := range s.List(ctx, "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	if fmt.Sprint(keys) != "[HEAD objects/a]" {
		t.Errorf("keys are %q", keys)
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
