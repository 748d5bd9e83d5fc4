package s3store_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/s3store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

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
