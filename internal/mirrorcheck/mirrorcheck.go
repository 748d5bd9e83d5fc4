// Package mirrorcheck compares a published mirror with its source, byte for
// byte where git defines the bytes, with git itself as the judge.
//
// Fill in a [Mirror] and call [Mirror.Check]. It clones the mirror over HTTP
// as anybody would, takes its files as a bare repository, and looks at the
// form of each file.
package mirrorcheck

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
)

// Mirror is what is compared.
type Mirror struct {
	Source string // folder of the source repository
	URL    string // where the mirror is cloned from, over HTTP
	Folder string // the mirror's files on disk
	Temp   string // empty folder for clones and copies

	// Selects says which refs were to be mirrored; nil is all.
	Selects func(ref string) bool
	// NoHead says that the server that was mirrored could not tell where HEAD
	// leads: nobody can over protocol v0 when that branch does not exist.
	NoHead bool
	// Headers asks for the HTTP headers to be checked too: the mirror is in
	// a store that keeps them.
	Headers bool
	// Quick leaves out what costs minutes on a large repository and has been
	// seen to: git fsck looks at the clone alone, and there at connections,
	// since cloning and indexing have hashed every object.
	Quick bool
}

// Report is what a mirror without faults has.
type Report struct {
	Refs    int // at the source, without HEAD
	Peeled  int // of these, annotated tags
	Objects int // that these refs reach
	Packs   int // in the mirror, retired ones included
	Loose   int // in the mirror
	Clone   string
}

// faults collects what is wrong.
type faults []error

func (f *faults) addf(format string, args ...any) { *f = append(*f, fmt.Errorf(format, args...)) }

func (f *faults) add(err error) {
	if err != nil {
		*f = append(*f, err)
	}
}

// Check returns all that is wrong with the mirror as one error, joined.
func (m Mirror) Check(ctx context.Context, git *gitfixture.Git) (Report, error) {
	c := check{Mirror: m, ctx: ctx, git: git}
	source, err := c.stateOf(m.Source, m.Selects)
	if err != nil {
		return Report{}, fmt.Errorf("reading the source: %w", err)
	}
	for _, r := range source.refs {
		if strings.HasSuffix(r, "^{}") {
			c.report.Peeled++
		} else {
			c.report.Refs++
		}
	}
	c.report.Objects = len(source.objects)
	c.files()
	c.packs()
	c.texts(source)
	c.asFolder(source)
	c.asClone(source)
	if m.Headers {
		c.headers()
	}
	return c.report, errors.Join(c.faults...)
}

// wantsHead tells whether the mirror's HEAD must be the source's.
func (m Mirror) wantsHead() bool { return m.Selects == nil && !m.NoHead }

// check is a check under way.
type check struct {
	Mirror
	ctx    context.Context
	git    *gitfixture.Git
	keys   []string // the mirror's files, sorted
	report Report
	faults
}

// asClone clones the mirror as a reader would and compares the clone.
func (c *check) asClone(source *state) {
	dir := filepath.Join(c.Temp, "clone.git")
	c.report.Clone = dir
	if _, err := c.git.Run(c.ctx, "", "clone", "--quiet", "--mirror", c.URL, dir); err != nil {
		c.add(err)
		return
	}
	c.fsck("the clone", dir)
	clone, err := c.stateOf(dir, nil)
	if err != nil {
		c.addf("reading the clone: %w", err)
		return
	}
	c.compare("the clone", source, clone)
	if source.born && c.wantsHead() && !source.detached() && clone.head != source.head {
		c.addf("the clone's HEAD is %q, the source's %q", clone.head, source.head)
	}
}

// asFolder takes the mirror's files, copied down, as a bare repository.
func (c *check) asFolder(source *state) {
	dir := filepath.Join(c.Temp, "folder.git")
	if err := c.copyTo(dir); err != nil {
		c.addf("copying the mirror's files: %w", err)
		return
	}
	bare, err := c.git.Run(c.ctx, dir, "-c", "safe.bareRepository=all", "rev-parse", "--is-bare-repository", "--absolute-git-dir")
	if err != nil || bare != "true\n"+dir {
		c.addf("the mirror's files are not a bare repository: %q %w", bare, err)
		return
	}
	if !c.Quick {
		c.fsck("the folder", dir)
	}
	folder, err := c.stateOf(dir, nil)
	if err != nil {
		c.addf("reading the folder as a repository: %w", err)
		return
	}
	c.compare("the folder", source, folder)
	if c.wantsHead() && folder.head != source.head {
		c.addf("the folder's HEAD is %q, the source's %q", folder.head, source.head)
	}
}
