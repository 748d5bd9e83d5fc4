package e2e

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/mirrorcheck"
)

// step is a change of the source, and what the run after it must report.
type step struct {
	name   string
	change func(r *gitfixture.Repo)
	args   []string
	expect func(t *testing.T, got result, layout string)
	unborn bool // HEAD's branch is not there afterwards
}

// TestSecondRuns follows a repository through all that can happen to it. Each
// run finds what the one before left.
func TestSecondRuns(t *testing.T) {
	for _, layout := range layouts {
		t.Run(layout, func(t *testing.T) {
			t.Parallel()
			r, path := repo(t, followed)
			follow(t, r, world.source.URL(path), s3Target(t), layout)
		})
	}
	t.Run("v0", func(t *testing.T) {
		t.Parallel()
		r, path := repo(t, followed)
		follow(t, r, world.sourceV0.URL(path), s3Target(t), "auto")
	})
	t.Run("directory", func(t *testing.T) {
		t.Parallel()
		r, path := repo(t, followed)
		follow(t, r, world.source.URL(path), fileTarget(t), "auto")
	})
	t.Run("sha256", func(t *testing.T) {
		t.Parallel()
		f := followed
		f.Format = "sha256"
		r, path := repo(t, f)
		follow(t, r, world.source.URL(path), s3Target(t), "auto")
	})
}

// followed is what the steps start from.
var followed = gitfixture.Fixture{Name: "followed", Make: func(r *gitfixture.Repo) {
	main := r.Line("refs/heads/main", "", 0, 50)
	r.Line("refs/heads/a", main, 100, 3)
	r.Line("refs/heads/gone", main, 200, 3)
	r.Ref("refs/tags/v1", r.Tag("v1", "commit", main))
}}

func follow(t *testing.T, r *gitfixture.Repo, source string, to target, layout string) {
	firstRun(t, r, source, to, layout)
	v0 := strings.HasPrefix(source, world.sourceV0.URL(""))
	inMirror := 0 // grows but for what a full run retires
	for _, s := range steps {
		t.Run(s.name, func(t *testing.T) {
			s.change(r)
			if r.Err() != nil {
				t.Fatal(r.Err())
			}
			got := mirror(t, source, to, append([]string{"--layout", layout}, s.args...)...)
			report := check(t, r, to, func(m *mirrorcheck.Mirror) { m.NoHead = v0 && s.unborn })
			if slices.Contains(s.args, "--full") {
				inMirror = 0
			}
			if got.Refs.Total != report.Refs || got.Objects.InMirror < max(report.Objects, inMirror) {
				t.Errorf("%+v and %+v for %d refs and %d objects", got.Refs, got.Objects, report.Refs, report.Objects)
			}
			inMirror = got.Objects.InMirror
			s.expect(t, got, layout)
			if t.Failed() {
				t.Logf("result: %+v", got)
			}
		})
	}
}

// steps are what is done one after another.
var steps = []step{
	{"nothing", func(*gitfixture.Repo) {}, nil,
		func(t *testing.T, got result, _ string) {
			nothingWritten(t, got)
		}, false},
	{"one-commit", func(r *gitfixture.Repo) {
		main := r.Git("rev-parse", "refs/heads/main")
		tree := r.Tree(gitfixture.Entry{Mode: "100644", Name: "new", ID: r.Blob("new\n")})
		r.Ref("refs/heads/main", r.Commit(tree, "one more\n", 300, main))
	}, nil, func(t *testing.T, got result, layout string) {
		changed(t, got, 0, 1, 0, 3)
		objectsPut(t, got, layout, 3)
	}, false},
	{"annotated-tag", func(r *gitfixture.Repo) {
		r.Ref("refs/tags/v2", r.Tag("v2", "commit", r.Git("rev-parse", "refs/heads/main")))
	}, nil, func(t *testing.T, got result, layout string) {
		changed(t, got, 1, 0, 0, 1)
		objectsPut(t, got, layout, 1)
	}, false},
	{"forced-push", func(r *gitfixture.Repo) {
		tree := r.Tree(gitfixture.Entry{Mode: "100644", Name: "other", ID: r.Blob("instead\n")})
		r.Ref("refs/heads/main", r.Commit(tree, "rewritten\n", 301, r.Git("rev-parse", "refs/heads/main~2")))
	}, nil, func(t *testing.T, got result, layout string) {
		changed(t, got, 0, 1, 0, 3)
		objectsPut(t, got, layout, 3)
	}, false},
	{"deleted-branch", func(r *gitfixture.Repo) { r.Git("update-ref", "-d", "refs/heads/gone") }, nil,
		func(t *testing.T, got result, _ string) {
			changed(t, got, 0, 0, 1, 0)
			refsOnly(t, got)
		}, false},
	{"old-commit-again", func(r *gitfixture.Repo) {
		r.Ref("refs/heads/again", r.Git("rev-parse", "refs/heads/main~10"))
	}, nil, func(t *testing.T, got result, _ string) {
		changed(t, got, 1, 0, 0, 0)
		refsOnly(t, got)
	}, false},
	{"branch-becomes-folder", func(r *gitfixture.Repo) {
		id := r.Git("rev-parse", "refs/heads/a")
		r.Git("update-ref", "-d", "refs/heads/a")
		r.Ref("refs/heads/a/b", id)
	}, nil, func(t *testing.T, got result, _ string) {
		changed(t, got, 1, 0, 1, 0)
		refsOnly(t, got)
	}, false},
	{"head-moved", func(r *gitfixture.Repo) { r.Head("refs/heads/a/b") }, nil,
		func(t *testing.T, got result, _ string) {
			changed(t, got, 0, 0, 0, 0)
			refsOnly(t, got)
		}, false},
	{"head-becomes-file", func(r *gitfixture.Repo) {
		id := r.Git("rev-parse", "refs/heads/a/b")
		r.Head("refs/heads/main")
		r.Git("update-ref", "-d", "refs/heads/a/b")
		r.Ref("refs/heads/a", id)
		r.Head("refs/heads/a")
	}, nil, func(t *testing.T, got result, _ string) {
		changed(t, got, 1, 0, 1, 0)
		refsOnly(t, got)
	}, false},
	{"head-detached", func(r *gitfixture.Repo) { r.Detach(r.Git("rev-parse", "refs/heads/main~3")) }, nil,
		func(t *testing.T, got result, _ string) {
			changed(t, got, 0, 0, 0, 0)
			refsOnly(t, got)
		}, false},
	{"head-back", func(r *gitfixture.Repo) { r.Head("refs/heads/main") }, nil,
		func(t *testing.T, got result, _ string) {
			changed(t, got, 0, 0, 0, 0)
			refsOnly(t, got)
		}, false},
	{"many-objects", func(r *gitfixture.Repo) {
		r.Line("refs/heads/main", r.Git("rev-parse", "refs/heads/main"), 1000, 80)
	}, nil, func(t *testing.T, got result, layout string) {
		if got.Objects.Commit != 80 || got.Refs.Updated != 1 || got.Refs.Added+got.Refs.Deleted != 0 {
			t.Errorf("%+v, %+v", got.Objects, got.Refs)
		}
		if want := map[string]string{"pack": "pack", "auto": "pack", "loose": "loose"}[layout]; got.Layout != want {
			t.Errorf("the layout is %q, want %q", got.Layout, want)
		}
	}, false},
	{"full", func(*gitfixture.Repo) {}, []string{"--full"},
		func(t *testing.T, got result, _ string) {
			if got.Status != "mirrored" || got.Objects.Commit < 130 || got.Refs.Added+got.Refs.Deleted+got.Refs.Updated != 0 {
				t.Errorf("%q, %+v, %+v", got.Status, got.Objects, got.Refs)
			}
		}, false},
	{"nothing-again", func(*gitfixture.Repo) {}, nil,
		func(t *testing.T, got result, _ string) { nothingWritten(t, got) }, false},
	{"layout-loose", func(r *gitfixture.Repo) { more(r, 400) }, []string{"--layout", "loose"},
		func(t *testing.T, got result, _ string) {
			changed(t, got, 0, 1, 0, 3)
			objectsPut(t, got, "loose", 3)
		}, false},
	{"layout-pack", func(r *gitfixture.Repo) { more(r, 401) }, []string{"--layout", "pack"},
		func(t *testing.T, got result, _ string) {
			changed(t, got, 0, 1, 0, 3)
			objectsPut(t, got, "pack", 3)
		}, false},
	{"layout-pack-full", func(*gitfixture.Repo) {}, []string{"--layout", "pack", "--full"},
		func(t *testing.T, got result, _ string) {
			if got.Status != "mirrored" || got.Layout != "pack" || got.Objects.Commit < 130 {
				t.Errorf("%q, %q, %+v", got.Status, got.Layout, got.Objects)
			}
		}, false},
	{"everything-deleted", func(r *gitfixture.Repo) {
		for _, ref := range []string{"heads/main", "heads/a", "heads/again", "tags/v1", "tags/v2"} {
			r.Git("update-ref", "-d", "refs/"+ref)
		}
	}, nil, func(t *testing.T, got result, _ string) { changed(t, got, 0, 0, 5, 0) }, true},
	{"and-back", func(r *gitfixture.Repo) { r.Line("refs/heads/main", "", 5000, 2) }, nil,
		func(t *testing.T, got result, _ string) {
			if got.Objects.Commit != 2 || got.Refs.Added != 1 {
				t.Errorf("%+v, %+v", got.Objects, got.Refs)
			}
		}, false},
}

// more adds a commit with a tree and a blob of their own.
func more(r *gitfixture.Repo, number int) {
	blob := r.Blob("more " + strconv.Itoa(number) + "\n")
	tree := r.Tree(gitfixture.Entry{Mode: "100644", Name: "more", ID: blob})
	r.Ref("refs/heads/main", r.Commit(tree, "more\n", number, r.Git("rev-parse", "refs/heads/main")))
}

// nothingWritten asserts that a run found nothing to do, with a few requests.
func nothingWritten(t *testing.T, got result) {
	t.Helper()
	q := got.Requests
	if got.Status != "up-to-date" || q.Put+q.Multipart+q.Copy+q.Delete != 0 || q.Get > 4 || q.Head > 0 || q.List > 1 {
		t.Errorf("%q with %+v", got.Status, q)
	}
	if got.Objects.Total != 0 || got.Bytes.Uploaded != 0 || got.Refs.Added+got.Refs.Updated+got.Refs.Deleted != 0 {
		t.Errorf("%+v, %+v, %+v", got.Objects, got.Bytes, got.Refs)
	}
}

// changed asserts the numbers of refs and objects that a run saw change.
func changed(t *testing.T, got result, added, updated, deleted, objects int) {
	t.Helper()
	if got.Status != "mirrored" {
		t.Errorf("the status is %q", got.Status)
	}
	if got.Refs.Added != added || got.Refs.Updated != updated || got.Refs.Deleted != deleted {
		t.Errorf("%+v, want %d added, %d updated, %d deleted", got.Refs, added, updated, deleted)
	}
	if got.Objects.Total != objects {
		t.Errorf("%d objects came, want %d", got.Objects.Total, objects)
	}
}

// small are the files that a run may have to write beside objects: info/refs,
// packed-refs, HEAD and its branch, config, the two lists of alternates,
// objects/info/packs and mirror.json.
const small = 9

// refsOnly asserts that a run wrote no objects.
func refsOnly(t *testing.T, got result) {
	t.Helper()
	if q := got.Requests; q.Put > small || q.Multipart+q.Copy > 0 {
		t.Errorf("%+v for refs alone", q)
	}
}

// objectsPut asserts what a few objects cost: a request each or, in a pack,
// two for all.
func objectsPut(t *testing.T, got result, layout string, objects int) {
	t.Helper()
	puts := objects
	if layout == "pack" {
		puts = 2
	}
	if q := got.Requests; q.Put < puts || q.Put > puts+small || q.Multipart+q.Copy > 0 {
		t.Errorf("%+v for %d objects in layout %s", q, objects, layout)
	}
}

// TestForeignTarget mirrors over what another tool made: its refs promise
// nothing, so everything is fetched, and nothing of it remains visible.
func TestForeignTarget(t *testing.T) {
	r, path := repo(t, followed)
	to := s3Target(t)
	mirror(t, world.source.URL(path), to, "--layout", "pack")
	remove(t, to, "mirror.json")
	more(r, 1)
	got := mirror(t, world.source.URL(path), to)
	if report := check(t, r, to); got.Objects.Total != report.Objects {
		t.Errorf("%d objects came, want all %d", got.Objects.Total, report.Objects)
	}
}
