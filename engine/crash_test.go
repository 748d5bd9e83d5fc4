package engine

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store/memstore"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
)

// world is a source that changes, served for real, and mirrors of it in
// memory.
type world struct {
	t    *testing.T
	git  *gitfixture.Git
	repo *gitfixture.Repo
	url  string
	now  time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	git, err := gitfixture.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	srv, err := testserver.StartGit(t.Context(), root, testserver.GitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Stop() })
	repo := gitfixture.Init(t.Context(), git, filepath.Join(root, "repo.git"), "")
	return &world{t: t, git: git, repo: repo, url: srv.URL("repo.git"), now: time.Now()}
}

// mirror runs once against s.
func (w *world) mirror(s *memstore.Store, change func(*Options)) Result {
	w.t.Helper()
	o := Options{
		open: func(Target) (store.Store, string, error) { return s, "memory", nil },
		Now:  func() time.Time { return w.now },
		wait: time.Millisecond,
	}
	if change != nil {
		change(&o)
	}
	res, err := Mirror(w.t.Context(), []Pair{{w.url, "s3://bucket/repo"}}, o)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.repo.Err(); err != nil {
		w.t.Fatal(err)
	}
	return res.Mirrors[0]
}

// source is what for-each-ref and rev-list say of a repository.
func (w *world) source(dir string) string {
	w.t.Helper()
	var b strings.Builder
	for _, args := range [][]string{
		{"for-each-ref"},
		{"rev-list", "--objects", "--all", "--no-object-names"},
	} {
		out, err := w.git.Run(w.t.Context(), dir, args...)
		if err != nil {
			w.t.Fatal(err)
		}
		lines := strings.Split(out, "\n")
		slices.Sort(lines)
		b.WriteString(strings.Join(lines, "\n") + "\n")
	}
	return b.String()
}

// clone clones what is published, and returns what source says of it; "" when
// nothing is published.
func (w *world) clone(s *memstore.Store) string {
	w.t.Helper()
	if _, ok := s.Object(keyInfoRefs); !ok {
		return ""
	}
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		o, ok := s.Object(strings.TrimPrefix(r.URL.Path, "/"))
		if !ok {
			http.NotFound(rw, r)
			return
		}
		rw.Header().Set("Content-Type", o.Options.ContentType)
		rw.Write(o.Data)
	}))
	defer srv.Close()
	dir := filepath.Join(w.t.TempDir(), "clone")
	if out, err := w.git.Run(w.t.Context(), "", "clone", "--quiet", "--mirror", srv.URL, dir); err != nil {
		w.t.Fatalf("cloning: %v\n%s", err, out)
	}
	if out, err := w.git.Run(w.t.Context(), dir, "fsck", "--full"); err != nil {
		w.t.Fatalf("git fsck: %v\n%s", err, out)
	}
	return w.source(dir)
}

// steps are the changes of a source that a run may find.
var steps = []struct {
	name   string
	change func(r *gitfixture.Repo)
	option func(o *Options)
}{
	{"first", func(r *gitfixture.Repo) { r.Line("refs/heads/main", "", 0, 50) }, nil},
	{"few objects", func(r *gitfixture.Repo) {
		r.Line("refs/heads/main", r.Git("rev-parse", "refs/heads/main"), 50, 2)
		r.Tag("v1", "commit", r.Git("rev-parse", "refs/heads/main"))
	}, nil},
	{"a pack, and a branch in the place of a folder", func(r *gitfixture.Repo) {
		id := r.Line("refs/heads/next", r.Git("rev-parse", "refs/heads/main"), 60, 60)
		r.Git("update-ref", "-d", "refs/heads/main")
		r.Ref("refs/heads/main/line", id)
		r.Head("refs/heads/main/line")
	}, nil},
	{"forced push, fetched in full", func(r *gitfixture.Repo) {
		r.Git("update-ref", "-d", "refs/heads/next")
		r.Line("refs/heads/main/line", "", 200, 60)
	}, func(o *Options) { o.Full = true }},
}

// TestFaults lets every change of the store fail in turn, in each of
// four ways, at each step of a source's life: what is published must be the
// old state or the new one, and the next run must bring the new one.
func TestFaults(t *testing.T) {
	ways := []struct {
		name  string
		fault func(n int) func(memstore.Call) memstore.Fault
	}{
		{"fails", func(n int) func(memstore.Call) memstore.Fault { return memstore.FailNth(n, false) }},
		{"fails but is stored", func(n int) func(memstore.Call) memstore.Fault { return memstore.FailNth(n, true) }},
		{"crash before", func(n int) func(memstore.Call) memstore.Fault { return memstore.CrashNth(n, false) }},
		{"crash after", func(n int) func(memstore.Call) memstore.Fault { return memstore.CrashNth(n, true) }},
	}
	w := newWorld(t)
	good := memstore.New()
	old := ""
	for _, step := range steps {
		step.change(w.repo)
		before := good.Clone()
		w.now = w.now.Add(48 * time.Hour)
		good.Forget()
		if r := w.mirror(good, step.option); r.Status != StatusMirrored {
			t.Fatalf("%s: %s: %s", step.name, r.Status, r.Error)
		}
		want := w.source(w.repo.Dir)
		if got := w.clone(good); got != want {
			t.Fatalf("%s: the clone differs:\n%s", step.name, got)
		}
		changes := 0
		for _, c := range good.Calls() {
			if c.Op.Changes() {
				changes++
			}
		}
		checkOrder(t, good.Calls())
		// Loose objects are written in any order and all fail alike.
		t.Run(step.name, func(t *testing.T) {
			for n := max(0, changes-14); n < changes; n++ {
				for _, way := range ways {
					t.Run(fmt.Sprintf("%d/%s", n, way.name), func(t *testing.T) {
						t.Parallel()
						w := *w
						w.t = t
						s := before.Clone()
						s.Fault = way.fault(n)
						r := w.mirror(s, step.option)
						s.Fault = nil
						got := w.clone(s)
						switch {
						case got == want && (r.Status == StatusFailed || r.Status == StatusMirrored):
						case got == old && r.Status == StatusFailed:
						default:
							t.Errorf("status %s (%s): published is neither the old state nor the new one:\n%s", r.Status, r.Error, got)
						}
						if r = w.mirror(s, nil); r.Status == StatusFailed {
							t.Fatalf("the run after it failed: %s", r.Error)
						}
						if got := w.clone(s); got != want {
							t.Errorf("after the next run the clone differs:\n%s", got)
						}
						if s.Uploads() != 0 && !strings.HasPrefix(way.name, "crash") {
							t.Error("an upload was left open")
						}
					})
				}
			}
		})
		old = want
	}
}

// checkOrder asserts the order of publishing: by stage, never back.
func checkOrder(t *testing.T, calls []memstore.Call) {
	t.Helper()
	stage := func(c memstore.Call) int {
		switch {
		case strings.HasPrefix(c.Key, prefixStaging):
			return -1
		case c.Op == memstore.Delete && strings.HasPrefix(c.Key, prefixObjects):
			return 8
		case strings.HasSuffix(c.Key, ".pack"):
			return 0
		case strings.HasSuffix(c.Key, ".idx"):
			return 1
		case c.Key == keyInfoPacks:
			return 3
		case c.Key == keyInfoRefs:
			return 5
		case c.Key == keyPackedRefs || strings.HasPrefix(c.Key, prefixRefs):
			return 4
		case c.Key == keyHead:
			return 6
		case c.Key == keyState:
			return 7
		case c.Key == keyConfig || strings.HasPrefix(c.Key, "objects/info/"):
			return 2
		}
		return 0 // a loose object
	}
	last := 0
	for _, c := range calls {
		if !c.Op.Changes() {
			continue
		}
		now := stage(c)
		if now < 0 {
			continue
		}
		if now < last && !(c.Key == keyInfoPacks && last == 6) {
			t.Errorf("%s %s came too late", c.Op, c.Key)
		}
		if c.Key != keyInfoPacks || last < 6 {
			last = now
		}
	}
}

// TestStopped ends the context at each read of the pack: nothing may be
// published, and no staging be left.
func TestStopped(t *testing.T) {
	w := newWorld(t)
	w.repo.Line("refs/heads/main", "", 0, 400)
	s := memstore.New()
	ctx, stop := context.WithCancel(t.Context())
	o := Options{
		open: func(Target) (store.Store, string, error) { return s, "memory", nil },
		Observe: func(_ Pair, p *Progress) {
			go func() {
				for p.Fetched.Load() == 0 && p.Result() == nil {
					time.Sleep(time.Millisecond)
				}
				stop()
			}()
		},
		Layout: Loose,
	}
	s.Fault = func(c memstore.Call) memstore.Fault {
		if c.Op == memstore.Put {
			<-ctx.Done()
		}
		return memstore.Fault{}
	}
	res, err := Mirror(ctx, []Pair{{w.url, "s3://bucket/repo"}}, o)
	if err != nil {
		t.Fatal(err)
	}
	if r := res.Mirrors[0]; r.Status != StatusFailed || !strings.Contains(r.Error, "stopped") {
		t.Errorf("status %s, error %q", r.Status, r.Error)
	}
	for _, k := range s.Keys() {
		if strings.HasPrefix(k, prefixStaging) || !strings.HasPrefix(k, prefixObjects) {
			t.Errorf("%s was left", k)
		}
	}
}

// TestOwnWriteTwice has the store refuse the write of info/refs that it did:
// what a client sees whose first attempt's answer was lost.
func TestOwnWriteTwice(t *testing.T) {
	w := newWorld(t)
	w.repo.Line("refs/heads/main", "", 0, 2)
	s := memstore.New()
	s.Fault = func(c memstore.Call) memstore.Fault {
		if c.Op == memstore.Put && c.Key == keyInfoRefs {
			return memstore.Fault{After: store.ErrPrecondition}
		}
		return memstore.Fault{}
	}
	if r := w.mirror(s, nil); r.Status != StatusMirrored {
		t.Errorf("status %s: %s", r.Status, r.Error)
	}
	s.Fault = func(c memstore.Call) memstore.Fault {
		if c.Op == memstore.Put && c.Key == keyInfoRefs {
			return memstore.Fault{Before: store.ErrPrecondition}
		}
		return memstore.Fault{}
	}
	w.repo.Line("refs/heads/main", w.repo.Git("rev-parse", "refs/heads/main"), 10, 1)
	if r := w.mirror(s, nil); r.Status != StatusFailed || !strings.Contains(r.Error, "another run") {
		t.Errorf("status %s: %s", r.Status, r.Error)
	}
}
