package gitfixture

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ManyRefs has 5,000 refs: branches, annotated tags and what a forge keeps
// for pull requests.
var ManyRefs = Fixture{Name: "many-refs", Make: func(r *Repo) {
	const commits, branches, tags, pulls = 200, 1000, 1000, 3000
	r.Line("refs/heads/main", "", 0, commits)
	ids := strings.Fields(r.Git("rev-list", "refs/heads/main"))
	if r.err != nil {
		return
	}
	r.tags(ids, tags)
	var b strings.Builder
	for i := range branches - 1 {
		fmt.Fprintf(&b, "create refs/heads/topic/%04d %s\n", i, ids[i%commits])
	}
	for i := range pulls {
		fmt.Fprintf(&b, "create refs/pull/%d/head %s\n", i, ids[i%commits])
	}
	r.input(strings.NewReader(b.String()), "update-ref", "--stdin")
	r.Git("pack-refs", "--all")
	r.Git("repack", "-adfq")
}}

// tags makes n annotated tags with one fast-import.
func (r *Repo) tags(ids []string, n int) {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "tag v%d\nfrom %s\ntagger C O Mitter <committer@example.test> 1112911993 +0200\ndata 4\ntag\n",
			i, ids[i%len(ids)])
	}
	b.WriteString("done\n")
	r.input(strings.NewReader(b.String()), "fast-import", "--quiet", "--done")
}

// BigBlob holds one blob of 300 MB that does not compress. It stands in the
// pack as it is stored here, so that serving it costs git next to nothing.
var BigBlob = Fixture{Name: "big-blob", Make: func(r *Repo) {
	big := r.file(300_000_000, func(w io.Writer) error { return noise(w, 300_000_000, 1) })
	r.Git("config", "pack.compression", "0")
	tree := r.Tree(Entry{"100644", "big", big}, Entry{"100644", "small", r.Blob("small\n")})
	r.Ref("refs/heads/main", r.Commit(tree, "a big one\n", 0))
	r.Git("repack", "-adq")
}}

// LargeDelta holds three versions of a file of 24 MB whose last two are
// stored as deltas with large copies and large insertions.
var LargeDelta = Fixture{Name: "large-delta", Make: func(r *Repo) {
	const size = 24_000_000
	var parents []string
	for version := range 3 {
		id := r.file(size, func(w io.Writer) error {
			for part := range 8 {
				seed := uint64(part)
				if part == 2*version {
					seed += 100
				}
				if err := noise(w, size/8, seed); err != nil {
					return err
				}
			}
			return nil
		})
		commit := r.Commit(r.Tree(Entry{"100644", "large", id}), "a version\n", version, parents...)
		r.Ref("refs/heads/main", commit)
		parents = []string{commit}
	}
	r.Git("config", "pack.compression", "1")
	r.Git("repack", "-adfq")
}}

// file writes a blob that is made as it is written. Git streams what is
// larger than core.bigFileThreshold into a pack, and only from a file.
func (r *Repo) file(size int64, write func(io.Writer) error) string {
	if r.err != nil {
		return ""
	}
	path := filepath.Join(r.Dir, "blob.tmp")
	if r.err = writeFile(path, write); r.err != nil {
		return ""
	}
	defer func() {
		if err := os.Remove(path); r.err == nil {
			r.err = err
		}
	}()
	return r.Git("-c", "core.compression=0", "-c", fmt.Sprint("core.bigFileThreshold=", size-1),
		"hash-object", "-w", path)
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(f, 1<<20)
	if err := write(b); err != nil {
		f.Close()
		return err
	}
	if err := b.Flush(); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// noise writes n bytes that do not compress and depend on the seed alone.
func noise(w io.Writer, n int64, seed uint64) error {
	_, err := io.CopyN(w, rand.NewChaCha8([32]byte{0: byte(seed), 1: byte(seed >> 8)}), n)
	return err
}

// Real is the history of github.com/spinnaker/spinnaker as of 2015: 908
// commits by many hands, 3,956 objects. Its pack is test data of
// go-git-fixtures, which needs nothing but Go's module proxy.
var Real = Fixture{Name: "real", Make: func(r *Repo) {
	const hash = "f2e0a8889a746f7600e07d2246a2e29a72f696be"
	if r.err != nil {
		return
	}
	var dir string
	if dir, r.err = moduleDir("github.com/go-git/go-git-fixtures/v5@v5.1.1"); r.err != nil {
		return
	}
	var pack *os.File
	if pack, r.err = os.Open(filepath.Join(dir, "data", "pack-"+hash+".pack")); r.err != nil {
		return
	}
	defer pack.Close()
	r.input(pack, "index-pack", "--stdin")
	for _, line := range strings.Split(r.Git("fsck", "--no-progress"), "\n") {
		if kind, id, ok := strings.Cut(strings.TrimPrefix(line, "dangling "), " "); ok && kind == "tag" {
			r.Ref("refs/tags/"+id[:8], id)
		} else if ok && kind == "commit" {
			r.Ref("refs/pull/"+id[:8]+"/head", id)
		}
	}
	r.Ref("refs/heads/master", "06ce06d0fc49646c4de733c45b7788aabad98a6f")
	r.Head("refs/heads/master")
}}

// moduleDir downloads a module, if it isn't there yet, without making it a
// requirement of this one: only its data is wanted.
func moduleDir(module string) (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", module)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("downloading the Go module %s: %w: %s", module, err, out)
	}
	var m struct{ Dir string }
	if err := json.Unmarshal(out, &m); err != nil {
		return "", fmt.Errorf("reading go mod download's answer: %w", err)
	}
	return m.Dir, nil
}
