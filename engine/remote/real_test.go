package remote_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/refs"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/remote"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
)

// repos is a folder of repositories and a git to work on them.
type repos struct {
	*testing.T
	git  *gitfixture.Git
	root string
}

func newRepos(t *testing.T) *repos {
	t.Helper()
	git, err := gitfixture.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &repos{t, git, t.TempDir()}
}

// repo makes a repository.
func (b *repos) repo(name, format string, build func(*gitfixture.Repo)) *gitfixture.Repo {
	b.Helper()
	r := gitfixture.Init(b.Context(), b.git, filepath.Join(b.root, name), format)
	build(r)
	if err := r.Err(); err != nil {
		b.Fatal(err)
	}
	return r
}

// serve starts a server of the repositories.
func (b *repos) serve(o testserver.GitOptions) *testserver.Git {
	b.Helper()
	s, err := testserver.StartGit(b.Context(), b.root, o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Stop)
	return s
}

// quick are options for tests: no test waits for a second try.
func quick() remote.Options {
	return remote.Options{Wait: time.Microsecond, Tries: 3, HTTP: &http.Client{Transport: http.DefaultTransport}}
}

func open(t *testing.T, url string) *remote.Remote {
	t.Helper()
	r, err := remote.Open(t.Context(), url, quick())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// protocols are the servers that every repository is read from.
var protocols = map[string]testserver.Middleware{"v2": nil, "v1": v1Only, "v0": testserver.V0Only()}

func v1Only(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Git-Protocol") != "" {
			r.Header.Set("Git-Protocol", "version=1")
		}
		next.ServeHTTP(w, r)
	})
}

// refsOf is git's own word on the refs of a repository.
func refsOf(r *gitfixture.Repo) []refs.Ref {
	if r.Git("for-each-ref", "--count=1") == "" {
		return nil // show-ref fails then
	}
	var list []refs.Ref
	for line := range strings.Lines(r.Git("show-ref", "--dereference")) {
		id, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.HasSuffix(name, "^{}") {
			list[len(list)-1].Peeled = object.ID(id)
			continue
		}
		list = append(list, refs.Ref{Name: name, ID: object.ID(id)})
	}
	return list
}

func TestSnapshotOfRealRepositories(t *testing.T) {
	b := newRepos(t)
	fixtures := append([]gitfixture.Fixture{
		gitfixture.ManyRefs,
		{Name: "empty-sha256", Format: "sha256", Make: func(*gitfixture.Repo) {}},
		{Name: "symrefs", Make: func(r *gitfixture.Repo) {
			r.Line("refs/heads/main", "", 0, 1)
			r.Git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/heads/main")
			r.Git("symbolic-ref", "refs/heads/dangling", "refs/heads/nothing")
		}},
	}, gitfixture.Small...)
	want := map[string]refs.Snapshot{}
	for _, f := range fixtures {
		r := b.repo(f.Name, f.Format, f.Make)
		want[f.Name] = snapshotOf(t, r)
		if err := r.Err(); err != nil {
			t.Fatal(err)
		}
	}
	for protocol, handler := range protocols {
		server := b.serve(testserver.GitOptions{Handler: handler})
		for name, want := range want {
			t.Run(protocol+"/"+name, func(t *testing.T) {
				if protocol != "v2" && !slices.ContainsFunc(want.Refs, func(r refs.Ref) bool { return r.Name == want.Head.Target }) {
					want.Head.Target = ""
				}
				r := open(t, server.URL(name))
				if protocol != "v2" && len(want.Refs) == 0 {
					want.Format = r.Format() // told by git 2.41 and later
				}
				for range 2 { // the second is asked for again
					got, err := r.Snapshot(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					sameSnapshot(t, got, want)
				}
				if r.Format() != want.Format || r.URL() != server.URL(name) {
					t.Errorf("got format %s and URL %s", r.Format(), r.URL())
				}
			})
		}
	}
}

// snapshotOf is what git says of a repository.
func snapshotOf(t *testing.T, r *gitfixture.Repo) refs.Snapshot {
	format, _ := object.ParseFormat(r.Git("rev-parse", "--show-object-format"))
	s := refs.Snapshot{Format: format, Refs: refsOf(r)}
	head, err := os.ReadFile(filepath.Join(r.Dir, "HEAD"))
	if err == nil {
		s.Head, err = refs.ParseHead(string(head), format)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sameSnapshot(t *testing.T, got, want refs.Snapshot) {
	t.Helper()
	if got.Format != want.Format || got.Head != want.Head {
		t.Errorf("got %s and head %+v, want %s and %+v", got.Format, got.Head, want.Format, want.Head)
	}
	if !slices.Equal(got.Refs, want.Refs) {
		t.Errorf("got %d refs, want %d, the first difference at %d", len(got.Refs), len(want.Refs), firstDifference(got.Refs, want.Refs))
	}
}

func firstDifference(a, b []refs.Ref) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

func tips(s refs.Snapshot) []object.ID {
	var list []object.ID
	for _, r := range s.Refs {
		list = append(list, r.ID)
	}
	return list
}

// fetch gets a pack in full.
func fetch(t *testing.T, r *remote.Remote, req remote.Request) []byte {
	t.Helper()
	p, err := r.Fetch(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	b, err := io.ReadAll(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// objects indexes a pack with git and returns the ids in it.
func (b *repos) objects(t *testing.T, pack []byte, format object.Format) []string {
	t.Helper()
	dir := t.TempDir()
	if _, err := b.git.Run(t.Context(), dir, "init", "--quiet", "--bare", "--object-format="+format.String()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.git.RunInput(t.Context(), dir, bytes.NewReader(pack), "index-pack", "--stdin", filepath.Join(dir, "x.pack")); err != nil {
		t.Fatal(err)
	}
	idx, err := os.ReadFile(filepath.Join(dir, "x.idx"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := b.git.RunInput(t.Context(), dir, bytes.NewReader(idx), "show-index", "--object-format="+format.String())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for line := range strings.Lines(out) {
		ids = append(ids, strings.Fields(line)[1])
	}
	slices.Sort(ids)
	return ids
}

func reachable(r *gitfixture.Repo, args ...string) []string {
	ids := strings.Fields(r.Git(append([]string{"rev-list", "--objects", "--no-object-names"}, args...)...))
	slices.Sort(ids)
	return ids
}

func TestFetch(t *testing.T) {
	b := newRepos(t)
	for protocol, handler := range protocols {
		for _, format := range []object.Format{object.SHA1, object.SHA256} {
			t.Run(protocol+"/"+format.String(), func(t *testing.T) {
				name := protocol + "-" + format.String()
				var first string
				repo := b.repo(name, format.String(), func(r *gitfixture.Repo) {
					first = r.Line("refs/heads/main", "", 0, 120)
					r.Ref("refs/tags/v1", r.Tag("v1", "commit", first))
				})
				r := open(t, b.serve(testserver.GitOptions{Handler: handler}).URL(name))
				s, err := r.Snapshot(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				got := b.objects(t, fetch(t, r, remote.Request{Wants: tips(s)}), format)
				if want := reachable(repo, "--all"); !slices.Equal(got, want) {
					t.Errorf("all: got %d objects, want %d", len(got), len(want))
				}

				second := repo.Line("refs/heads/main", first, 120, 20)
				unknown := object.ID(strings.Repeat("12", format.Size()))
				got = b.objects(t, fetch(t, r, remote.Request{
					Wants: []object.ID{object.ID(second)},
					Haves: append([]object.ID{unknown}, tips(s)...),
				}), format)
				if want := reachable(repo, second, "^"+first); !slices.Equal(got, want) {
					t.Errorf("incremental: got %d objects, want %d", len(got), len(want))
				}

				same := []object.ID{object.ID(second)}
				if got := b.objects(t, fetch(t, r, remote.Request{Wants: same, Haves: same}), format); len(got) != 0 {
					t.Errorf("want = have: got %d objects, want none", len(got))
				}
			})
		}
	}
}

// TestFetchOlderServers reads from servers that lack capabilities.
func TestFetchOlderServers(t *testing.T) {
	b := newRepos(t)
	repo := b.repo("r", "", func(r *gitfixture.Repo) { r.Line("refs/heads/main", "", 0, 150) })
	tip := object.ID(repo.Git("rev-parse", "HEAD"))
	have := object.ID(repo.Git("rev-parse", "HEAD~20"))
	for name, lacks := range map[string][]string{
		"side-band":         {"side-band-64k"},
		"no side band":      {"side-band-64k", "side-band"},
		"multi_ack":         {"multi_ack_detailed"},
		"single ack":        {"multi_ack_detailed", "multi_ack"},
		"no ofs-delta":      {"ofs-delta"},
		"no capability":     {"side-band-64k", "side-band", "multi_ack_detailed", "multi_ack", "ofs-delta", "no-progress", "agent=", "object-format="},
		"no symref, either": {"symref=", "object-format="},
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, b.serve(testserver.GitOptions{Handler: testserver.Chain(testserver.V0Only(), lacking(lacks))}).URL("r"))
			s, err := r.Snapshot(t.Context())
			if err != nil || s.Head.Target != "refs/heads/main" {
				t.Fatalf("got head %+v, %v", s.Head, err)
			}
			got := b.objects(t, fetch(t, r, remote.Request{Wants: []object.ID{tip}, Haves: []object.ID{have}}), object.SHA1)
			if want := reachable(repo, "HEAD", "^HEAD~20"); !slices.Equal(got, want) {
				t.Errorf("got %d objects, want %d", len(got), len(want))
			}
		})
	}
}

// lacking renames capabilities in an advertisement, so that lengths stay.
func lacking(names []string) testserver.Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				w = &editing{w, names}
			}
			next.ServeHTTP(w, r)
		})
	}
}

type editing struct {
	http.ResponseWriter
	names []string
}

func (e *editing) Write(p []byte) (int, error) {
	q := bytes.Clone(p)
	for _, name := range e.names {
		q = bytes.ReplaceAll(q, []byte(" "+name), []byte(" x"+name[1:]))
	}
	return e.ResponseWriter.Write(q)
}

func (e *editing) Unwrap() http.ResponseWriter { return e.ResponseWriter }

func TestFetchProgress(t *testing.T) {
	b := newRepos(t)
	b.repo("r", "", func(r *gitfixture.Repo) { r.Line("refs/heads/main", "", 0, 50) })
	for protocol, handler := range protocols {
		t.Run(protocol, func(t *testing.T) {
			r := open(t, b.serve(testserver.GitOptions{Handler: handler}).URL("r"))
			s, err := r.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			fetch(t, r, remote.Request{Wants: tips(s), Progress: func(line string) { lines = append(lines, line) }})
			all := strings.Join(lines, "|")
			if !strings.Contains(all, "Counting objects: 100% (") || strings.ContainsAny(all, "\r\n\x1b") {
				t.Errorf("got progress %q", lines)
			}
		})
	}
}

// TestFetchManyWants sends bodies that are compressed.
func TestFetchManyWants(t *testing.T) {
	b := newRepos(t)
	repo := b.repo("r", "", func(r *gitfixture.Repo) {
		r.Line("refs/heads/main", "", 0, 60)
		for i := range 60 {
			r.Ref(fmt.Sprintf("refs/pull/%d/head", i), fmt.Sprintf("HEAD~%d", i))
		}
	})
	for protocol, handler := range protocols {
		t.Run(protocol, func(t *testing.T) {
			compressed := onlyCompressed(t)
			r := open(t, b.serve(testserver.GitOptions{Handler: testserver.Chain(handler, testserver.OnlyFetch(compressed))}).URL("r"))
			var all []object.ID
			for _, ref := range refsOf(repo) {
				all = append(all, ref.ID)
			}
			got := b.objects(t, fetch(t, r, remote.Request{Wants: all[:40]}), object.SHA1)
			got = append(got, b.objects(t, fetch(t, r, remote.Request{Wants: all[40:], Haves: all[:40]}), object.SHA1)...)
			slices.Sort(got)
			if want := reachable(repo, "--all"); !slices.Equal(got, want) {
				t.Errorf("got %d objects, want %d", len(got), len(want))
			}
		})
	}
}

func onlyCompressed(t *testing.T) testserver.Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Content-Encoding") != "gzip" {
				t.Errorf("a body of %d bytes is not compressed", r.ContentLength)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// TestFetchMovedRef asks for a tip that a forced push made disappear.
func TestFetchMovedRef(t *testing.T) {
	b := newRepos(t)
	b.repo("r", "", func(r *gitfixture.Repo) { r.Line("refs/heads/main", "", 0, 1) })
	for protocol, handler := range protocols {
		t.Run(protocol, func(t *testing.T) {
			r := open(t, b.serve(testserver.GitOptions{Handler: handler}).URL("r"))
			gone := object.ID(strings.Repeat("12", 20))
			_, err := r.Fetch(t.Context(), remote.Request{Wants: []object.ID{gone}})
			wantError(t, err, "fetching from ", "not our ref "+string(gone), "run again")
		})
	}
}

func TestShallowSource(t *testing.T) {
	b := newRepos(t)
	repo := b.repo("r", "", func(r *gitfixture.Repo) { r.Line("refs/heads/main", "", 0, 5) })
	if _, err := b.git.Run(t.Context(), b.root, "clone", "--quiet", "--bare", "--depth=2", "file://"+repo.Dir, "shallow"); err != nil {
		t.Fatal(err)
	}
	for protocol, handler := range protocols {
		t.Run(protocol, func(t *testing.T) {
			url := b.serve(testserver.GitOptions{Handler: handler}).URL("shallow")
			r, err := remote.Open(t.Context(), url, quick())
			if err == nil {
				_, err = r.Fetch(t.Context(), remote.Request{Wants: []object.ID{object.ID(repo.Git("rev-parse", "HEAD"))}})
			}
			wantError(t, err, "shallow clone", "--unshallow")
		})
	}
}

func TestCancel(t *testing.T) {
	b := newRepos(t)
	b.repo("r", "", func(r *gitfixture.Repo) { r.Line("refs/heads/main", "", 0, 1) })
	server := b.serve(testserver.GitOptions{Handler: testserver.Slow(time.Minute)})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := remote.Open(ctx, server.URL("r"), quick())
	wantError(t, err, "opening "+server.URL("r"), context.DeadlineExceeded.Error())
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("took %s", d)
	}
}

// wantError wants one line that holds all the parts.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("got %q, want it to say %q", err, part)
		}
	}
	if strings.ContainsAny(err.Error(), "\r\n\x1b") {
		t.Errorf("got %q, want one line", err)
	}
}
