package e2e

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
)

// server serves all repositories in its own way until the test ends.
func server(t *testing.T, m testserver.Middleware) *testserver.Git {
	t.Helper()
	s, err := testserver.StartGit(t.Context(), world.repos, testserver.GitOptions{Handler: m})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// TestRefusals meets servers that don't give the repository: the mirror
// fails with a line that says what to do, and writes nothing.
func TestRefusals(t *testing.T) {
	_, path := repo(t, gitfixture.Real)
	for _, test := range []struct {
		name   string
		server testserver.Middleware
		says   []string // one of these is in the error
	}{
		{"unauthorized", testserver.BasicAuth("u", "p"), []string{"token"}},
		{"not found", testserver.NotFound(), []string{"404", "not found", "exist"}},
		{"forbidden", testserver.FailTimes(1<<62, http.StatusForbidden, nil), []string{"403", "forbidden", "allowed", "denied"}},
		{"html", testserver.HTMLPage(), []string{"html", "not a git"}},
		{"pack cut", testserver.OnlyFetch(testserver.CutAfter(1_000_000)), nil},
		{"pack damaged", testserver.OnlyFetch(damaged(1_000_000)), nil},
	} {
		t.Run(strings.ReplaceAll(test.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			s := server(t, test.server)
			for _, layout := range layouts {
				t.Run(layout, func(t *testing.T) {
					to := s3Target(t)
					nothing := contents(t, to)
					got := mirrorExpecting(t, exitFailed, s.URL(path), to, "--layout", layout)
					t.Logf("error: %s", got.Error)
					if got.Status != "failed" || got.Error == "" || strings.Contains(got.Error, "\n") {
						t.Errorf("status %q, error %q", got.Status, got.Error)
					}
					if !containsAny(strings.ToLower(got.Error), test.says) {
						t.Errorf("the error says none of %q", test.says)
					}
					if layout != "loose" {
						unchanged(t, to, nothing)
					} else {
						onlyObjects(t, to)
					}
				})
			}
		})
	}
}

// onlyObjects asserts that a target holds objects that nothing refers to, at
// most.
func onlyObjects(t *testing.T, to target) {
	t.Helper()
	for key := range contents(t, to) {
		if !strings.HasPrefix(key, "objects/") || strings.HasPrefix(key, "objects/info/") {
			t.Errorf("%s was left", key)
		}
	}
	noUploads(t, to)
}

func containsAny(s string, words []string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return len(words) == 0
}

// damaged changes one byte of a response's body.
func damaged(at int64) testserver.Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(&damaging{ResponseWriter: w, left: at}, r)
		})
	}
}

type damaging struct {
	http.ResponseWriter
	left int64 // until the byte to change
}

func (d *damaging) Write(p []byte) (int, error) {
	if d.left >= 0 && d.left < int64(len(p)) {
		p = bytes.Clone(p)
		p[d.left] ^= 0x10
	}
	d.left -= int64(len(p))
	return d.ResponseWriter.Write(p)
}

func (d *damaging) Unwrap() http.ResponseWriter { return d.ResponseWriter }

// TestCutWhileMirrored cuts the pack of a run that follows another: readers
// go on seeing the mirror as it was, and the next run completes it.
func TestCutWhileMirrored(t *testing.T) {
	r, path := repo(t, gitfixture.Real)
	to := s3Target(t)
	mirror(t, world.source.URL(path), to)
	before := contents(t, to)
	r.Line("refs/heads/more", "", 0, 300)
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	mirrorExpecting(t, exitFailed, server(t, testserver.OnlyFetch(testserver.CutAfter(20_000))).URL(path), to)
	unchanged(t, to, before)
	got := mirror(t, world.source.URL(path), to)
	check(t, r, to)
	if got.Refs.Added != 1 || got.Objects.Commit != 300 {
		t.Errorf("%+v, %+v", got.Refs, got.Objects)
	}
}

// TestTemporary meets servers that fail once: that is not the user's affair.
func TestTemporary(t *testing.T) {
	r, path := repo(t, gitfixture.Real)
	for name, m := range map[string]testserver.Middleware{
		"first request":  testserver.FailTimes(1, http.StatusInternalServerError, nil),
		"fetch":          testserver.OnlyFetch(testserver.FailTimes(1, http.StatusBadGateway, nil)),
		"too many":       testserver.FailTimes(1, http.StatusTooManyRequests, http.Header{"Retry-After": {"1"}}),
		"connection cut": once(testserver.CutAfter(0)),
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			to := s3Target(t)
			mirror(t, server(t, m).URL(path), to)
			check(t, r, to)
		})
	}
}

// once applies a middleware to the first request only.
func once(m testserver.Middleware) testserver.Middleware {
	var done atomic.Bool
	return func(next http.Handler) http.Handler {
		changed := m(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if done.CompareAndSwap(false, true) {
				changed.ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

const secret = "s3cr3t-t0ken"

// TestCredentials gives the credentials in each way that there is, and looks
// for them in everything that is printed.
func TestCredentials(t *testing.T) {
	r, path := repo(t, gitfixture.Small[1])
	basic, bearer := server(t, password(secret)), server(t, testserver.BearerAuth(secret))
	inURL := strings.Replace(basic.URL(path), "://", "://user:"+secret+"@", 1)
	for _, test := range []struct {
		name, source string
		args, env    []string
		code         int
	}{
		{"option", basic.URL(path), []string{"--token", secret}, nil, exitOK},
		{"variable", basic.URL(path), nil, []string{"MIRROR_TOKEN=" + secret}, exitOK},
		{"bearer", bearer.URL(path), nil, []string{"MIRROR_TOKEN=" + secret}, exitOK},
		{"url", inURL, nil, nil, exitOK},
		{"wrong", basic.URL(path), []string{"--token", "wrong-" + secret}, nil, exitFailed},
		{"not-found", strings.Replace(inURL, ".git", "-missing.git", 1), nil, nil, exitFailed},
	} {
		t.Run(test.name, func(t *testing.T) {
			to := s3Target(t)
			ctx, cancel := context.WithTimeout(t.Context(), runTimeout)
			defer cancel()
			cmd := command(ctx, append([]string{"--verbose", "--source", test.source, "--target", to.url}, test.args...)...)
			cmd.Env = append(cmd.Env, test.env...)
			e := run(t, cmd, test.code)
			if strings.Contains(e.stdout+e.stderr, secret) {
				t.Errorf("the secret was printed:\n%s\n%s", e.stdout, e.stderr)
			}
			for key, content := range contents(t, to) {
				if strings.Contains(content, secret) {
					t.Errorf("the secret is in %s", key)
				}
			}
			if test.code == exitOK {
				check(t, r, to)
			}
		})
	}
}

// password lets in whoever knows it, whatever the user's name, as forges do
// with tokens.
func password(want string) testserver.Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, p, _ := r.BasicAuth(); p != want {
				w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
				http.Error(w, "who are you?", http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// TestThreeMirrorsOneFailing does the others.
func TestThreeMirrorsOneFailing(t *testing.T) {
	r, path := repo(t, gitfixture.Real)
	one, two, three := s3Target(t), fileTarget(t), s3Target(t)
	three.url, three.cloneURL, three.folder = three.url+"-3", three.cloneURL+"-3", three.folder+"-3"
	e := run(t, command(t.Context(),
		"--source", world.source.URL(path), "--target", one.url,
		"--source", world.source.URL("missing.git"), "--target", two.url,
		"--source", world.sourceV0.URL(path), "--target", three.url), exitFailed)
	if len(e.Mirrors) != 3 {
		t.Fatalf("results: %s", e.stdout)
	}
	for i, want := range []string{"mirrored", "failed", "mirrored"} {
		if e.Mirrors[i].Status != want {
			t.Errorf("mirror %d: %q, want %q", i, e.Mirrors[i].Status, want)
		}
	}
	check(t, r, one)
	check(t, r, three)
	unchanged(t, two, nil)
}
