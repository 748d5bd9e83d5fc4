package s3store_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/s3store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store/storetest"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
)

const bucket = "mirrors"

// server is the S3 server of all tests here, with one bucket.
var server *testserver.S3

func TestMain(m *testing.M) {
	code, err := withServer(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withServer(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "s3store")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	if server, err = testserver.StartS3(ctx, dir); err != nil {
		return 0, err
	}
	defer server.Stop()
	if err := server.CreateBucket(ctx, bucket); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

var prefixes atomic.Int64

// open returns the store at a prefix that no test had before.
func open(c s3store.Config) *s3store.Store {
	c.Bucket, c.Prefix, c.PartSize = bucket, fmt.Sprintf("some/prefix %d", prefixes.Add(1)), storetest.PartSize
	if c.Client == nil {
		c.Client = server.Client()
	}
	return s3store.New(c)
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return open(s3store.Config{}) })
}

// TestConformanceInParts lowers the limit of what one request may put or copy
// so far that multipart uploads stand in for those.
func TestConformanceInParts(t *testing.T) {
	storetest.RunLarge(t, func(*testing.T) store.Store {
		return open(s3store.Config{MaxRequest: storetest.PartSize})
	})
}
