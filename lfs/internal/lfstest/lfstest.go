// Package lfstest makes mirrors with LFS objects, as they stand in a bucket,
// and clones them with the real git-lfs.
package lfstest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/pointer"
)

// Mirror is a static repository in a directory.
type Mirror struct {
	Dir   string
	Files map[string][]byte // by path in the work tree
	Git   *gitfixture.Git   // with git-lfs installed
}

// New makes a mirror that has an LFS object for each file. lfsconfig becomes
// .lfsconfig, unless it is "".
func New(t testing.TB, files map[string][]byte, lfsconfig string) Mirror {
	t.Helper()
	testserver.GitLFS(t)
	git, err := gitfixture.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m := Mirror{Dir: filepath.Join(t.TempDir(), "mirror"), Files: files, Git: git}
	Run(t, git.Command(t.Context(), "", "lfs", "install", "--skip-repo"))
	repo := gitfixture.Init(t.Context(), git, m.Dir, "")
	entries := []gitfixture.Entry{{Mode: "100644", Name: ".gitattributes",
		ID: repo.Blob("*.bin filter=lfs diff=lfs merge=lfs -text\n")}}
	if lfsconfig != "" {
		entries = append(entries, gitfixture.Entry{Mode: "100644", Name: ".lfsconfig", ID: repo.Blob(lfsconfig)})
	}
	for i := range len(files) { // named 0.bin and so on; git wants them sorted
		name := FileName(i)
		entries = append(entries, gitfixture.Entry{Mode: "100644", Name: name, ID: repo.Blob(m.addObject(t, files[name]))})
	}
	repo.Ref("refs/heads/main", repo.Commit(repo.Tree(entries...), "files", 1))
	repo.Git("update-server-info")
	if repo.Err() != nil {
		t.Fatal(repo.Err())
	}
	return m
}

// FileName is the name of the file number i; names sort as numbers do.
func FileName(i int) string { return fmt.Sprintf("%05d.bin", i) }

// addObject stores an LFS object and returns its pointer.
func (m Mirror) addObject(t testing.TB, content []byte) string {
	sum := sha256.Sum256(content)
	oid := hex.EncodeToString(sum[:])
	path := m.Object(oid)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return Pointer(oid, int64(len(content)))
}

// Pointer is the content of a pointer file.
func Pointer(oid string, size int64) string {
	return fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", oid, size)
}

// Object is the path of an LFS object in the mirror.
func (m Mirror) Object(oid string) string {
	return filepath.Join(m.Dir, filepath.FromSlash(pointer.Key(oid)))
}

// Check asserts that a clone's files are the mirror's.
func (m Mirror) Check(t testing.TB, clone string) {
	t.Helper()
	for name, want := range m.Files {
		got, err := os.ReadFile(filepath.Join(clone, name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s has %d bytes (%.60q), want %d; %v", name, len(got), got, len(want), err)
		}
	}
}

// Run runs a command and returns all that it printed; it has to succeed.
func Run(t testing.TB, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return string(out)
}

// Files makes n files of different lengths and contents; one is empty of
// zeros and one larger than a step of progress.
func Files(n int) map[string][]byte {
	files := make(map[string][]byte, n)
	for i := range n {
		files[FileName(i)] = bytes.Repeat([]byte(fmt.Sprintf("content of %d\n", i)), 1+i*i*37)
	}
	files[FileName(0)] = bytes.Repeat([]byte{0}, 3<<20)
	return files
}
