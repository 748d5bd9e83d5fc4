package remote_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/remote"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
)

// TestTemporaryFailures: each request fails twice, then everything works.
func TestTemporaryFailures(t *testing.T) {
	b := newRepos(t)
	b.repo("r", "", func(r *gitfixture.Repo) { r.Line("refs/heads/main", "", 0, 1) })
	for _, status := range []int{408, 429, 500, 502, 503, 504, 0} {
		for protocol, handler := range protocols {
			fail := twiceEach(status)
			server := b.serve(testserver.GitOptions{Handler: testserver.Chain(fail, handler)})
			r, err := remote.Open(t.Context(), server.URL("r"), quick())
			if err != nil {
				t.Errorf("%s, status %d: %v", protocol, status, err)
				continue
			}
			s, err := r.Snapshot(t.Context())
			if err != nil {
				t.Errorf("%s, status %d: %v", protocol, status, err)
				continue
			}
			fetch(t, r, remote.Request{Wants: tips(s)})
		}
	}
}

// twiceEach fails the first two of every three requests, with a status or, for
// 0, by cutting the connection.
func twiceEach(status int) testserver.Middleware {
	var n atomic.Int64
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case n.Add(1)%3 == 0:
				next.ServeHTTP(w, r)
			case status == 0:
				panic(http.ErrAbortHandler)
			default:
				w.WriteHeader(status)
			}
		})
	}
}

// TestPermanentFailures are asked for once.
func TestPermanentFailures(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 410, 413, 501, 505} {
		var c testserver.Counter
		_, err := remote.Open(t.Context(), start(t, c.Handler(testserver.FailTimes(99, status, nil)(nil))), quick())
		if n := c.Requests.Load(); err == nil || n != 1 || strings.Contains(err.Error(), "tried") {
			t.Errorf("status %d: %d requests, %v", status, n, err)
		}
	}
}

func TestTriesEnd(t *testing.T) {
	var c testserver.Counter
	_, err := remote.Open(t.Context(), start(t, c.Handler(testserver.FailTimes(99, 503, nil)(nil))), quick())
	wantError(t, err, "503 Service Unavailable", "(tried 3 times)")
	if n := c.Requests.Load(); n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
}

func TestConnectionRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	_, err = remote.Open(t.Context(), "http://"+l.Addr().String(), quick())
	wantError(t, err, "no answer from the server", "connection refused", "(tried 3 times)")
}

func TestUnknownHost(t *testing.T) {
	o := quick()
	o.HTTP = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "nowhere.invalid", IsNotFound: true}}
	})}
	_, err := remote.Open(t.Context(), "https://nowhere.invalid/r", o)
	wantError(t, err, "no such host", "check the host name")
	if strings.Contains(err.Error(), "tried") {
		t.Errorf("tried again: %v", err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestProxyPassword: Go's errors about a proxy quote its URL.
func TestProxyPassword(t *testing.T) {
	o := quick()
	o.HTTP = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return nil, errors.New(`invalid proxy address "http://me:` + secret + `@proxy:x"`)
	})}
	_, err := remote.Open(t.Context(), "https://host.invalid/r", o)
	wantError(t, err, `"http://proxy:x"`)
	if strings.Contains(err.Error(), secret) {
		t.Errorf("the password is in %q", err)
	}
}

// TestRetryAfter: the wait that a server asks for ends with the context.
func TestRetryAfter(t *testing.T) {
	for _, value := range []string{"3600", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)} {
		url := start(t, testserver.FailTimes(1, 429, http.Header{"Retry-After": {value}})(canned{advertisement: v2}))
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		_, err := remote.Open(ctx, url, quick())
		cancel()
		wantError(t, err, "deadline exceeded")
	}
	start0 := time.Now()
	url := start(t, testserver.FailTimes(1, 429, http.Header{"Retry-After": {"1"}})(canned{advertisement: v2}))
	if _, err := remote.Open(t.Context(), url, quick()); err != nil {
		t.Error(err)
	}
	if d := time.Since(start0); d < time.Second {
		t.Errorf("tried again after %s, want at least 1s", d)
	}
}

// TestCutPack: a pack that is cut is an error, and is not asked for again once
// its first bytes were handed over.
func TestCutPack(t *testing.T) {
	b := newRepos(t)
	b.repo("r", "", func(r *gitfixture.Repo) { r.Line("refs/heads/main", "", 0, 300) })
	const cut = 5000
	for protocol, handler := range protocols {
		t.Run(protocol, func(t *testing.T) {
			var c testserver.Counter
			faults := testserver.OnlyFetch(testserver.Chain(c.Handler, testserver.CutAfter(cut)))
			r := open(t, b.serve(testserver.GitOptions{Handler: testserver.Chain(handler, faults)}).URL("r"))
			s, err := r.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			before := c.Requests.Load()
			p, err := r.Fetch(t.Context(), remote.Request{Wants: tips(s)})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			n, err := io.Copy(io.Discard, p)
			wantError(t, err, "bytes of the pack: the connection was lost")
			if !errors.Is(err, io.ErrUnexpectedEOF) || n < cut-100 || n > cut {
				t.Errorf("got %d bytes, %v", n, err)
			}
			if asked := c.Requests.Load() - before; asked != 1 {
				t.Errorf("asked %d times", asked)
			}
		})
	}
}

// TestCutBeforePack: what was not handed over is asked for again.
func TestCutBeforePack(t *testing.T) {
	var tries atomic.Int64
	url := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		full := canned{advertisement: v2, result: pkt("packfile\n", "\x01PACKx", flush)}
		switch {
		case r.Method == http.MethodPost && tries.Add(1) == 1:
			full.result = pkt("packfile\n", "\x02hi\n", "\x01PA")
			full.ServeHTTP(w, r)
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		default:
			full.ServeHTTP(w, r)
		}
	}))
	if got := fetch(t, open(t, url), remote.Request{Wants: []object.ID{object.ID(idA)}}); !bytes.Equal(got, []byte("PACKx")) {
		t.Errorf("got %q", got)
	}
}

// TestConnectionIsKept: the end of a pack is read, so one connection does.
func TestConnectionIsKept(t *testing.T) {
	b := newRepos(t)
	b.repo("r", "", func(r *gitfixture.Repo) { r.Line("refs/heads/main", "", 0, 30) })
	server := b.serve(testserver.GitOptions{})
	var dials atomic.Int64
	o := quick()
	o.HTTP = &http.Client{Transport: &http.Transport{DialContext: counting(&dials)}}
	defer o.HTTP.CloseIdleConnections()
	r, err := remote.Open(t.Context(), server.URL("r"), o)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		s, err := r.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		fetch(t, r, remote.Request{Wants: tips(s)})
	}
	if n := dials.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

type dial = func(ctx context.Context, network, address string) (net.Conn, error)

func counting(n *atomic.Int64) dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		n.Add(1)
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
}
