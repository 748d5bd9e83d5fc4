package gitfixture

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// Repo is a bare repository that is written object by object, without git's
// checks, so that it can hold what old or careless programs wrote. The first
// error sticks: later calls do nothing, and Err returns it.
type Repo struct {
	Dir string

	ctx context.Context
	git *Git
	err error
}

// Init makes an empty bare repository in dir. format is an object format,
// "" for git's default.
func Init(ctx context.Context, git *Git, dir, format string) *Repo {
	if format == "" {
		format = "sha1"
	}
	r := Open(ctx, git, dir)
	_, r.err = git.Run(ctx, "", "init", "--quiet", "--bare", "--object-format="+format, dir)
	return r
}

// Open returns the repository in dir.
func Open(ctx context.Context, git *Git, dir string) *Repo {
	return &Repo{Dir: dir, ctx: ctx, git: git}
}

// Err returns the first error of all calls.
func (r *Repo) Err() error { return r.err }

// Git runs git in the repository and returns its output.
func (r *Repo) Git(args ...string) string { return r.input(nil, args...) }

func (r *Repo) input(in io.Reader, args ...string) string {
	if r.err != nil {
		return ""
	}
	var out string
	out, r.err = r.git.RunInput(r.ctx, r.Dir, in, args...)
	return out
}

// Object writes an object of any content and returns its id.
func (r *Repo) Object(kind, content string) string {
	return r.input(strings.NewReader(content), "hash-object", "--literally", "-t", kind, "-w", "--stdin")
}

// Blob writes a blob and returns its id.
func (r *Repo) Blob(content string) string { return r.Object("blob", content) }

// Entry is an entry of a tree; Mode is written as it stands.
type Entry struct{ Mode, Name, ID string }

// Tree writes a tree of the entries in the given order and returns its id.
func (r *Repo) Tree(entries ...Entry) string {
	var b strings.Builder
	for _, e := range entries {
		fmt.Fprintf(&b, "%s %s\x00%s", e.Mode, e.Name, rawID(e.ID))
	}
	return r.Object("tree", b.String())
}

// rawID is an id's bytes; that of a failed call is "", which stays so.
func rawID(id string) string {
	b := make([]byte, len(id)/2)
	if _, err := fmt.Sscanf(id, "%x", &b); err != nil {
		return ""
	}
	return string(b)
}

// Commit writes a commit, one minute later for each ancestor that number
// counts, and returns its id.
func (r *Repo) Commit(tree, message string, number int, parents ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "tree %s\n", tree)
	for _, p := range parents {
		fmt.Fprintf(&b, "parent %s\n", p)
	}
	b.WriteString(people(number))
	return r.Object("commit", b.String()+"\n"+message)
}

func people(number int) string {
	at := 1112911993 + 60*number
	return fmt.Sprintf("author A U Thor <author@example.test> %d +0200\n"+
		"committer C O Mitter <committer@example.test> %d +0200\n", at, at)
}

// Tag writes an annotated tag of any object and returns its id.
func (r *Repo) Tag(name, kind, id string) string {
	return r.Object("tag", fmt.Sprintf("object %s\ntype %s\ntag %s\n"+
		"tagger C O Mitter <committer@example.test> 1112911993 +0200\n\nThis is %s.\n", id, kind, name, name))
}

// Ref makes a ref point at an object.
func (r *Repo) Ref(name, id string) { r.Git("update-ref", name, id) }

// Head makes HEAD symbolic: the ref needs not exist.
func (r *Repo) Head(ref string) { r.Git("symbolic-ref", "HEAD", ref) }

// Detach makes HEAD a commit's id.
func (r *Repo) Detach(id string) { r.Git("update-ref", "--no-deref", "HEAD", id) }

// Line writes n commits on top of parent ("" for none), each with one file
// of its own, and makes ref point at the last, which it returns. first tells
// lines apart.
func (r *Repo) Line(ref, parent string, first, n int) string {
	var b strings.Builder
	for i := range n {
		number := first + i
		fmt.Fprintf(&b, "commit %s\nmark :%d\n", ref, i+1)
		b.WriteString(people(number))
		message := fmt.Sprintf("commit %d\n", number)
		fmt.Fprintf(&b, "data %d\n%s", len(message), message)
		if i == 0 && parent != "" {
			fmt.Fprintf(&b, "from %s\n", parent)
		}
		content := fmt.Sprintf("content of %d\n", number)
		fmt.Fprintf(&b, "M 100644 inline dir-%d/file-%d\ndata %d\n%s\n", number%7, number, len(content), content)
	}
	b.WriteString("done\n")
	r.input(strings.NewReader(b.String()), "fast-import", "--quiet", "--force", "--done")
	return r.Git("rev-parse", ref)
}
