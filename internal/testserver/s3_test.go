package testserver_test

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
)

// TestS3Public checks what anonymous readers of a public and of a private
// bucket get.
func TestS3Public(t *testing.T) {
	ctx := t.Context()
	server, err := testserver.StartS3(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	for _, bucket := range []string{"public", "private"} {
		if err := server.CreateBucket(ctx, bucket); err != nil {
			t.Fatal(err)
		}
		key := "repo/HEAD"
		_, err := server.Client().PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader([]byte("ref: x\n"))})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := server.MakePublic(ctx, "public"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		method, path string
		want         int
	}{
		{http.MethodGet, "/public/repo/HEAD", 200},
		{http.MethodGet, "/public/repo/missing", 404},
		{http.MethodGet, "/public?list-type=2", 200},
		{http.MethodPut, "/public/repo/new", 403},
		{http.MethodDelete, "/public/repo/HEAD", 403},
		{http.MethodGet, "/private/repo/HEAD", 403},
		{http.MethodGet, "/private?list-type=2", 403},
	} {
		request, err := http.NewRequestWithContext(ctx, test.method, server.Endpoint+test.path, strings.NewReader(""))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != test.want {
			t.Errorf("%s %s: status %d, want %d", test.method, test.path, answer.StatusCode, test.want)
		}
	}
}

func TestS3Stop(t *testing.T) {
	server, err := testserver.StartS3(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	server.Stop()
	server.Stop()
	_, err = net.Dial("tcp", strings.TrimPrefix(server.Endpoint, "http://"))
	if err == nil {
		t.Error("it still listens")
	}
}

func TestToolMissing(t *testing.T) {
	_, err := testserver.Tool("no-such-tool")
	if err == nil || !strings.Contains(err.Error(), "make tools") {
		t.Errorf("error is %v", err)
	}
	if errors.Unwrap(err) == nil {
		t.Error("the reason is lost")
	}
}
