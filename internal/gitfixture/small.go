package gitfixture

import (
	"fmt"
	"strings"
)

// Fixture is a repository that can be made.
type Fixture struct {
	Name   string
	Format string // object format; "" is SHA-1
	Make   func(r *Repo)
}

// Small are repositories that take little time and hold what real ones hold
// in odd corners.
var Small = []Fixture{
	{Name: "empty", Make: func(*Repo) {}},
	{Name: "one-commit", Make: oneCommit},
	{Name: "tags", Make: tags},
	{Name: "gitlinks", Make: gitlinks},
	{Name: "odd-objects", Make: oddObjects},
	{Name: "odd-refs", Make: oddRefs},
	{Name: "detached-head", Make: detachedHead},
	{Name: "detached-head-alone", Make: detachedHeadAlone},
	{Name: "unborn-head", Make: unbornHead},
	{Name: "sha256", Format: "sha256", Make: sha256Objects},
	{Name: "merges", Make: merges},
}

func oneCommit(r *Repo) { r.Ref("refs/heads/main", r.plainCommit("hello\n", 0)) }

// plainCommit is a commit of a tree with one file.
func (r *Repo) plainCommit(content string, number int, parents ...string) string {
	tree := r.Tree(Entry{"100644", "file", r.Blob(content)})
	return r.Commit(tree, "a commit\n", number, parents...)
}

// tags has tags of everything that can be tagged, tags of tags among them.
func tags(r *Repo) {
	blob := r.Blob("tagged alone\n")
	tree := r.Tree(Entry{"100644", "only-in-tagged-tree", r.Blob("in a tagged tree\n")})
	commit := r.plainCommit("hello\n", 0)
	other := r.plainCommit("reached by a tag only\n", 1)
	r.Ref("refs/heads/main", commit)
	r.Ref("refs/tags/light", commit)
	r.Ref("refs/tags/light-blob", blob)
	r.Ref("refs/tags/light-tree", tree)
	id, kind := other, "commit"
	for _, name := range []string{"commit-1", "commit-2", "commit-3"} {
		id, kind = r.Tag(name, kind, id), "tag"
		r.Ref("refs/tags/"+name, id)
	}
	r.Ref("refs/tags/tree", r.Tag("tree", "tree", tree))
	inner := r.Tag("hidden", "blob", blob)
	r.Ref("refs/tags/blob", r.Tag("blob", "tag", inner))
	r.Ref("refs/heads/tag-outside-of-tags", commit)
	r.Ref("refs/notes/tag", r.Tag("note", "commit", commit))
}

// gitlinks has entries that name commits of other repositories, which no
// pack holds.
func gitlinks(r *Repo) {
	modules := r.Blob("[submodule \"sub\"]\n\tpath = sub\n\turl = https://example.test/sub\n")
	tree := r.Tree(
		Entry{"100644", ".gitmodules", modules},
		Entry{"160000", "sub", "1234567890123456789012345678901234567890"},
	)
	r.Ref("refs/heads/main", r.Commit(tree, "with a submodule\n", 0))
}

// oddObjects has what git's fsck warns of and real histories hold.
func oddObjects(r *Repo) {
	file := r.Blob("")
	sub := r.Tree(Entry{"100644", "f", file})
	padded := r.Tree(
		Entry{"100664", "group-writable", file},
		Entry{"120000", "link", r.Blob("target")},
		Entry{"040000", "zero-padded", sub},
	)
	id := r.Commit(padded, "zero-padded mode\n", 0)
	id = r.Commit(r.Tree(), "the empty tree\n", 1, id)
	id = r.Commit(padded, "NUL \x00 in the middle\n", 2, id)
	id = r.Commit(padded, "latin-1: \xe4\xf6\xfc, no header says so\n", 3, id)
	id = r.Commit(padded, "", 4, id)
	id = r.Commit(padded, strings.Repeat("a long message\n", 5000), 5, id)
	id = r.Object("commit", fmt.Sprintf("tree %s\nparent %s\nparent %s\n", padded, id, id)+
		"author Nobody <> 0 +0000\ncommitter <no name> 18446744073709551614 -9999\n"+
		"encoding nonsense\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n \xff\xfe\n -----END PGP SIGNATURE-----\n"+
		"\n\xff\xfe not text\n")
	r.Ref("refs/heads/main", id)
	r.Ref("refs/tags/no-tagger", r.Object("tag", fmt.Sprintf("object %s\ntype commit\ntag no-tagger\n\n", id)))
}

// oddRefs has names that need care in URLs, keys and files; HEAD's is one.
func oddRefs(r *Repo) {
	names := []string{
		"heads/100%", "heads/100%25", "heads/%2e%2e/%2F", "heads/naïve/日本語", "heads/latin-\xe4",
		"heads/a+b", "heads/a&b=c", "heads/#1", "heads/semi;colon", "heads/it's", `heads/"quoted"`, "heads/$(x)`y`",
		"heads/@", "heads/HEAD", "heads/-dash", "heads/a{b}", "heads/<x>|y", "heads/!bang,comma",
		"heads/" + strings.Repeat("deep/", 40) + "end",
		"heads/" + strings.Repeat("long", 50),
		"pull/1/head", "pull/1/merge", "notes/commits", "stash", "for/review/1", "replace-not/x", "x/y/z",
		"tags/v1.0", "tags/v1.0-rc.1", "remotes/origin/main",
	}
	var parents []string
	for i, name := range names {
		id := r.plainCommit(name, i, parents...)
		r.Ref("refs/"+name, id)
		parents = []string{id}
	}
	r.Head("refs/heads/naïve/日本語")
}

func detachedHead(r *Repo) {
	r.Line("refs/heads/main", "", 0, 5)
	r.Detach(r.Git("rev-parse", "refs/heads/main~2"))
}

// detachedHeadAlone has a HEAD that no ref reaches.
func detachedHeadAlone(r *Repo) {
	r.Line("refs/heads/main", "", 0, 5)
	r.Detach(r.plainCommit("not on a branch\n", 9))
}

func unbornHead(r *Repo) {
	r.Line("refs/heads/dev", "", 0, 3)
	r.Line("refs/heads/other", "", 10, 3)
	r.Head("refs/heads/missing")
}

func sha256Objects(r *Repo) {
	id := r.Line("refs/heads/main", "", 0, 60)
	r.Ref("refs/tags/v1", r.Tag("v1", "commit", id))
	r.Ref("refs/tags/v1-again", r.Tag("v1-again", "tag", r.Git("rev-parse", "refs/tags/v1")))
}

// merges has branches without a common root and merges of many parents.
func merges(r *Repo) {
	var parents []string
	for i := range 8 {
		parents = append(parents, r.Line(fmt.Sprintf("refs/heads/b%d", i), "", 100*i, 5))
	}
	octopus := r.Commit(r.Git("rev-parse", "refs/heads/b0^{tree}"), "octopus\n", 2000, parents...)
	r.Ref("refs/heads/main", r.Commit(r.Tree(), "again\n", 2001, octopus, parents[0]))
}
