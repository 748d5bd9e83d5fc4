package serve_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store/memstore"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/pointer"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/serve"
)

const oid = "185f8db32271fe25f561a6fc938b2e264306ec304eda518007d1764826381969" // "Hello"

type fixture struct {
	t      *testing.T
	store  *memstore.Store
	server *httptest.Server
}

func newFixture(t *testing.T) *fixture {
	f := &fixture{t: t, store: memstore.New()}
	for key, content := range map[string]string{
		"HEAD":                "ref: refs/heads/main\n",
		"info/refs":           "1234\trefs/heads/main\n",
		"objects/pack/p.pack": "0123456789",
		pointer.Key(oid):      "Hello",
	} {
		if _, err := f.store.Put(t.Context(), key, strings.NewReader(content), int64(len(content)), store.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	f.store.Forget()
	f.server = httptest.NewServer(serve.New(f.store, "name", true, slog.New(slog.DiscardHandler)))
	t.Cleanup(f.server.Close)
	return f
}

// do sends a request and returns the answer with its whole body.
func (f *fixture) do(method, path, body string, header ...string) (*http.Response, string) {
	f.t.Helper()
	req, err := http.NewRequestWithContext(f.t.Context(), method, f.server.URL+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := f.server.Client().Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return resp, string(content)
}

func TestFiles(t *testing.T) {
	f := newFixture(t)
	etag := func() string {
		resp, _ := f.do("GET", "/name/objects/pack/p.pack", "")
		return resp.Header.Get("ETag")
	}()
	tests := []struct {
		method, path string
		header       []string
		code         int
		body         string
		requests     int // to the store
	}{
		{"GET", "/name/HEAD", nil, 200, "ref: refs/heads/main\n", 1},
		{"GET", "/name.git/HEAD", nil, 200, "ref: refs/heads/main\n", 1},
		{"GET", "/HEAD", nil, 200, "ref: refs/heads/main\n", 1},
		{"HEAD", "/name/HEAD", nil, 200, "", 1},
		{"GET", "/name/info/refs?service=git-upload-pack", nil, 200, "1234\trefs/heads/main\n", 1},
		{"GET", "/name/objects/pack/p.pack", []string{"Range", "bytes=2-4"}, 206, "234", 2},
		{"GET", "/name/objects/pack/p.pack", []string{"Range", "bytes=-3"}, 206, "789", 2},
		{"GET", "/name/objects/pack/p.pack", []string{"Range", "bytes=10-"}, 416, "invalid range: failed to overlap\n", 1},
		{"GET", "/name/objects/pack/p.pack", []string{"Range", "bytes=2-4", "If-Range", etag}, 206, "234", 2},
		{"GET", "/name/objects/pack/p.pack", []string{"Range", "bytes=2-4", "If-Range", `"x"`}, 200, "0123456789", 2},
		{"GET", "/name/objects/pack/p.pack", []string{"If-None-Match", etag}, 304, "", 1},
		{"GET", "/name/objects/pack/p.pack", []string{"If-None-Match", `"x"`}, 200, "0123456789", 2},
		{"GET", "/name/objects/pack/p.pack", []string{"If-Match", `"x"`}, 412, "", 1},
		{"GET", "/name/missing", nil, 404, "404 page not found\n", 1},
		{"GET", "/name/objects/pack/", nil, 404, "404 page not found\n", 0},
		{"GET", "/name/", nil, 404, "404 page not found\n", 0},
		{"GET", "/", nil, 404, "404 page not found\n", 0},
		{"GET", "/name/objects/..%2f..%2fsecret", nil, 404, "404 page not found\n", 0},
		{"GET", "/name/../secret", nil, 404, "404 page not found\n", 0},
		{"GET", "/name//HEAD", nil, 404, "404 page not found\n", 0},
		{"PUT", "/name/HEAD", nil, 405, "", 0},
		{"DELETE", "/name/HEAD", nil, 405, "", 0},
		{"PROPFIND", "/name/", nil, 405, "", 0},
		{"POST", "/name/git-upload-pack", nil, 405, "", 0},
		{"POST", "/name/git-receive-pack", nil, 403, "", 0},
		{"GET", "/name/info/refs?service=git-receive-pack", nil, 403, "", 0},
		{"GET", "/name/HEAD", []string{"Host", "attacker.example"}, 421, "", 0},
		{"GET", "/name/HEAD", []string{"Host", "127.0.0.1.attacker.example:80"}, 421, "", 0},
		{"GET", "/name/HEAD", []string{"Host", "localhost:80"}, 200, "ref: refs/heads/main\n", 1},
		{"GET", "/name/HEAD", []string{"Host", "[::1]"}, 200, "ref: refs/heads/main\n", 1},
	}
	for _, test := range tests {
		f.store.Forget()
		resp, body := f.do(test.method, test.path, "", test.header...)
		if resp.StatusCode != test.code || test.code < 400 && body != test.body {
			t.Errorf("%s %s %q: %d %q, want %d %q", test.method, test.path, test.header, resp.StatusCode, body, test.code, test.body)
		}
		for _, call := range f.store.Calls() {
			if call.Op != memstore.Get {
				t.Errorf("%s %s: the store was asked to %s", test.method, test.path, call.Op)
			}
		}
		if n := len(f.store.Calls()); n != test.requests {
			t.Errorf("%s %s %q: %d requests to the store, want %d", test.method, test.path, test.header, n, test.requests)
		}
	}
	resp, _ := f.do("GET", "/name/info/refs", "")
	if resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" || resp.Header.Get("ETag") == "" ||
		resp.Header.Get("Last-Modified") == "" || resp.ContentLength != 21 {
		t.Errorf("info/refs comes with %v", resp.Header)
	}
}

func TestBadGateway(t *testing.T) {
	f := newFixture(t)
	f.store.Fault = func(memstore.Call) memstore.Fault { return memstore.Fault{Before: memstore.ErrInjected} }
	if resp, body := f.do("GET", "/name/HEAD", ""); resp.StatusCode != 502 || !strings.Contains(body, "injected fault") {
		t.Errorf("%d %q", resp.StatusCode, body)
	}
	_, body := f.do("POST", "/name.git/info/lfs/objects/batch", `{"operation":"download","objects":[{"oid":"`+oid+`"}]}`)
	if !strings.Contains(body, `"code":502`) {
		t.Errorf("batch: %s", body)
	}
}

func TestBatch(t *testing.T) {
	f := newFixture(t)
	missing := strings.Repeat("0", 64)
	call := fmt.Sprintf(`{"operation":"download","transfers":["basic"],"hash_algo":"sha256","ref":{"name":"x"},
		"objects":[{"oid":%q,"size":5},{"oid":%q,"size":7},{"oid":"../../HEAD","size":1}]}`, oid, missing)
	for _, path := range []string{"/name.git/info/lfs", "/name/info/lfs", "/info/lfs"} {
		resp, body := f.do("POST", path+"/objects/batch", call, "Content-Type", "application/vnd.git-lfs+json")
		var answer struct {
			Transfer string
			Objects  []struct {
				OID     string
				Size    int64
				Actions struct{ Download struct{ Href string } }
				Error   struct{ Code int }
			}
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer.Objects) != 3 || answer.Transfer != "basic" ||
			resp.Header.Get("Content-Type") != "application/vnd.git-lfs+json" {
			t.Fatalf("%s: %s", path, body)
		}
		href := answer.Objects[0].Actions.Download.Href
		if want := f.server.URL + "/name/lfs/objects/18/5f/" + oid; href != want || answer.Objects[0].Size != 5 {
			t.Errorf("%s: %q, want %q", path, href, want)
		}
		if answer.Objects[1].Error.Code != 404 || answer.Objects[1].Actions.Download.Href != "" || answer.Objects[2].Error.Code != 422 {
			t.Errorf("%s: %s", path, body)
		}
		if resp, body := f.do("GET", strings.TrimPrefix(href, f.server.URL), "", "Range", "bytes=1-"); resp.StatusCode != 206 || body != "ello" {
			t.Errorf("%s: %d %q", href, resp.StatusCode, body)
		}
	}
}

func TestBatchRefuses(t *testing.T) {
	f := newFixture(t)
	many := bytes.Repeat([]byte(`{"oid":"x"},`), 1001)
	tests := []struct {
		method, path, body string
		code               int
	}{
		{"POST", "objects/batch", `{"operation":"upload","objects":[]}`, 403},
		{"POST", "objects/batch", `{"operation":"","objects":[]}`, 403},
		{"POST", "objects/batch", `{"operation":"download","hash_algo":"sha512"}`, 409},
		{"POST", "objects/batch", `{`, 422},
		{"POST", "objects/batch", `{"operation":"download","objects":[` + string(many) + `{}]}`, 413},
		{"POST", "objects/batch", `{"operation":"` + strings.Repeat("x", 1<<20) + `"}`, 413},
		{"GET", "objects/batch", "", 405},
		{"POST", "locks/verify", `{}`, 501},
		{"GET", "locks", "", 501},
		{"PUT", "objects/" + oid, "x", 501},
	}
	for _, test := range tests {
		resp, body := f.do(test.method, "/name.git/info/lfs/"+test.path, test.body)
		var answer struct{ Message string }
		if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Message == "" || resp.StatusCode != test.code {
			t.Errorf("%s %s: %d %s, want %d", test.method, test.path, resp.StatusCode, body, test.code)
		}
	}
}
