package upstream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store/memstore"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/upstream"
)

var content = bytes.Repeat([]byte("0123456789"), 1000)

func newWeb(t *testing.T, handler http.HandlerFunc) *upstream.Web {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	w, err := upstream.NewWeb(server.Client(), server.URL+"/pre%20fix/?signed=1")
	if err != nil {
		t.Fatal(err)
	}
	w.Pace = func() backoff.BackOff { return &backoff.ZeroBackOff{} }
	return w
}

func serveContent(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"e"`)
	http.ServeContent(w, r, "", time.Unix(1e9, 0), bytes.NewReader(content))
}

func TestWeb(t *testing.T) {
	handlers := map[string]http.HandlerFunc{
		"ranges": serveContent,
		"no ranges": func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Range")
			serveContent(w, r)
		},
	}
	for name, handler := range handlers {
		web := newWeb(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/pre fix/lfs/a b" || r.URL.RawQuery != "signed=1" || r.Header.Get("Accept-Encoding") != "identity" {
				t.Errorf("%s: asked for %v with %v", name, r.URL, r.Header)
			}
			handler(w, r)
		})
		size := int64(len(content))
		for _, span := range [][2]int64{{0, -1}, {0, 0}, {0, 1}, {5, 7}, {5, -1}, {5, 0}, {size, -1}, {size, 3}, {size + 5, -1}, {size - 1, 5}} {
			off, n := span[0], span[1]
			body, info, err := web.Get(t.Context(), "lfs/a b", off, n)
			if err != nil {
				t.Fatalf("%s: from %d, %d bytes: %v", name, off, n, err)
			}
			got, err := io.ReadAll(body)
			from := min(off, size)
			if want := content[from : from+store.Span(size, off, n)]; err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: from %d, %d bytes: got %d bytes, %v", name, off, n, len(got), err)
			}
			body.Close()
			if info.Size != size || info.ETag != `"e"` && off < size {
				t.Errorf("%s: from %d, %d bytes: %+v", name, off, n, info)
			}
		}
	}
}

func TestWebErrors(t *testing.T) {
	answers := []int{}
	web := newWeb(t, func(w http.ResponseWriter, r *http.Request) {
		code := answers[0]
		answers = answers[1:]
		if code == 200 {
			serveContent(w, r)
			return
		}
		w.WriteHeader(code)
	})
	tests := []struct {
		answers []int
		is      error // nil: any
		works   bool
	}{
		{[]int{500, 503, 429, 200}, nil, true},
		{[]int{500, 500, 500, 500}, nil, false},
		{[]int{404}, fs.ErrNotExist, false},
		{[]int{410}, fs.ErrNotExist, false},
		{[]int{403}, fs.ErrPermission, false},
		{[]int{400}, nil, false},
	}
	for _, test := range tests {
		answers = test.answers
		body, _, err := web.Get(t.Context(), "key", 0, -1)
		if (err == nil) != test.works || test.is != nil && !errors.Is(err, test.is) || len(answers) != 0 {
			t.Errorf("%v: error %v, %v left", test.answers, err, answers)
		}
		if err == nil {
			body.Close()
		} else if strings.Contains(err.Error(), "signed") {
			t.Errorf("the error tells the query: %v", err)
		}
	}
	for _, key := range []string{"", "../x", "a/../b", "/a", "a//b"} {
		if _, _, err := web.Get(t.Context(), key, 0, -1); err == nil {
			t.Errorf("%q is a key", key)
		}
	}
}

func TestNewWeb(t *testing.T) {
	for _, base := range []string{"", "ftp://h/x", "file:///x", "https://", "http://u:secret@/", "https://u:sec%ret@h"} {
		_, err := upstream.NewWeb(http.DefaultClient, base)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: error %v", base, err)
		}
	}
}

func TestFile(t *testing.T) {
	web := newWeb(t, serveContent)
	f, err := upstream.Open(t.Context(), web, "key")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := iotest.TestReader(f, content); err != nil {
		t.Error(err)
	}
}

// TestFileResumes has connections that are cut after a third of what they
// promise.
func TestFileResumes(t *testing.T) {
	asked := 0
	web := newWeb(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		var off int
		fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &off)
		rest := content[off:]
		w.Header().Set("ETag", `"e"`)
		w.Header().Set("Content-Length", fmt.Sprint(len(rest)))
		if off > 0 {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", off, len(content)-1, len(content)))
			w.WriteHeader(http.StatusPartialContent)
		}
		_, _ = w.Write(rest[:(len(rest)+2)/3])
	})
	f, err := upstream.Open(t.Context(), web, "key")
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("read %d bytes in %d requests, %v", len(got), asked, err)
	}
}

func TestFileGivesUp(t *testing.T) {
	s := memstore.New()
	if _, err := s.Put(t.Context(), "key", bytes.NewReader(content), int64(len(content)), store.Options{}); err != nil {
		t.Fatal(err)
	}
	s.Fault = func(c memstore.Call) memstore.Fault { return memstore.Fault{Cut: memstore.ErrInjected} }
	f, err := upstream.Open(t.Context(), s, "key")
	if err != nil {
		t.Fatal(err)
	}
	s.Forget()
	if _, err := io.ReadAll(f); !errors.Is(err, memstore.ErrInjected) || len(s.Calls()) != 3 {
		t.Errorf("error %v after %d more calls", err, len(s.Calls()))
	}
}

func TestFileChanges(t *testing.T) {
	s := memstore.New()
	put := func(text string) {
		if _, err := s.Put(t.Context(), "key", strings.NewReader(text), int64(len(text)), store.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	put("old")
	f, err := upstream.Stat(t.Context(), s, "key")
	if err != nil {
		t.Fatal(err)
	}
	put("new")
	if got, err := io.ReadAll(f); err == nil {
		t.Errorf("read %q of a file that was replaced", got)
	}
	if _, err := upstream.Stat(context.Background(), s, "missing"); !upstream.NotThere(err) {
		t.Errorf("error %v", err)
	}
}
