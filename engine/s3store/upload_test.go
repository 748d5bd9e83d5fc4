package s3store_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/s3store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store/storetest"
)

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
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
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
	runtime.ReadMemStats(&after)
	// As much again for the proxy, the requests and the rest.
	if got, most := after.TotalAlloc-before.TotalAlloc, uint64(2*(inFlight+1)*storetest.PartSize); got > most {
		t.Errorf("%d MiB were allocated for %d parts, want at most %d", got>>20, parts, most>>20)
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
