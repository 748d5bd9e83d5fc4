package e2e

import (
	"slices"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/mirrorcheck"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
)

var layouts = []string{"pack", "loose", "auto"}

// TestRepositories mirrors every kind of repository in every layout, from
// servers of both protocols.
func TestRepositories(t *testing.T) {
	for _, f := range append(slices.Clone(gitfixture.Small), gitfixture.ManyRefs, gitfixture.Real) {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			r, path := repo(t, f)
			for _, layout := range layouts {
				t.Run(layout, func(t *testing.T) {
					firstRun(t, r, world.source.URL(path), s3Target(t), layout)
				})
			}
			t.Run("v0", func(t *testing.T) {
				unborn := func(m *mirrorcheck.Mirror) { m.NoHead = f.Name == "empty" || f.Name == "unborn-head" }
				firstRun(t, r, world.sourceV0.URL(path), s3Target(t), "auto", unborn)
			})
			t.Run("directory", func(t *testing.T) {
				firstRun(t, r, world.source.URL(path), fileTarget(t), "auto")
			})
		})
	}
}

// firstRun mirrors into an empty target and compares figures and contents.
func firstRun(t *testing.T, r *gitfixture.Repo, source string, to target, layout string, change ...func(*mirrorcheck.Mirror)) result {
	t.Helper()
	got := mirror(t, source, to, "--layout", layout)
	report := check(t, r, to, change...)
	if got.Status != "mirrored" || got.Refs.Total != report.Refs || got.Refs.Added != report.Refs {
		t.Errorf("status %q with %+v for %d refs", got.Status, got.Refs, report.Refs)
	}
	o := got.Objects
	if o.Total != report.Objects || o.InMirror != report.Objects || o.Commit+o.Tree+o.Blob+o.Tag != o.Total {
		t.Errorf("%+v for %d objects", o, report.Objects)
	}
	wantPack := report.Objects > 0 && (layout == "pack" || layout == "auto" && report.Objects >= 100)
	if (report.Packs == 1) != wantPack || wantPack && report.Loose > 0 || !wantPack && report.Loose != report.Objects {
		t.Errorf("%d packs and %d loose objects for %d objects in layout %s", report.Packs, report.Loose, report.Objects, layout)
	}
	if report.Objects > 0 && (got.Layout == "pack") != wantPack {
		t.Errorf("the layout is reported as %q", got.Layout)
	}
	return got
}

// TestLargeObjects mirrors what does not fit into memory or makes deltas
// large. The default layout makes loose objects of so few; in the pack layout
// the 300 MB are staged, with less memory than they take.
func TestLargeObjects(t *testing.T) {
	for _, f := range []gitfixture.Fixture{gitfixture.BigBlob, gitfixture.LargeDelta} {
		t.Run(f.Name, func(t *testing.T) {
			r, path := repo(t, f)
			for _, layout := range layouts {
				t.Run(layout, func(t *testing.T) {
					to := s3Target(t)
					got := mirror(t, world.source.URL(path), to, "--layout", layout, "--max-memory", "128MiB")
					report := check(t, r, to, quick)
					if (got.Layout == "pack") != (layout == "pack") || got.Objects.Total != report.Objects {
						t.Errorf("layout %q and %+v for %d objects", got.Layout, got.Objects, report.Objects)
					}
				})
			}
		})
	}
}

// TestRedirect follows a repository that has moved.
func TestRedirect(t *testing.T) {
	r, path := repo(t, gitfixture.Small[1])
	old := server(t, testserver.Redirect(world.source.URL(""), 301))
	to := s3Target(t)
	mirror(t, old.URL(path), to)
	check(t, r, to)
}
