package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
)

// lfsSource is a repository with an LFS server, and readers' git with git-lfs.
type lfsSource struct {
	*testserver.LFS
	*gitfixture.Repo
	url     string
	git     *gitfixture.Git
	entries []gitfixture.Entry // of the tree, sorted
	files   map[string]string  // oids by file name
	commits []string
	private *testserver.S3 // whose credentials readers have
}

func newLFSSource(t *testing.T) *lfsSource {
	t.Helper()
	testserver.GitLFS(t)
	s := &lfsSource{LFS: testserver.NewLFS(t), files: map[string]string{}, private: world.s3}
	var err error
	if s.git, err = gitfixture.New(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	must(t, s.git.Command(t.Context(), "", "lfs", "install", "--skip-repo"))
	root := t.TempDir()
	server, err := testserver.StartGit(t.Context(), root, testserver.GitOptions{Handler: s.Beside})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	s.Repo, s.url = gitfixture.Init(t.Context(), s.git, filepath.Join(root, "repo.git"), ""), server.URL("repo")
	if err := os.Symlink("repo.git", filepath.Join(root, "repo")); err != nil {
		t.Fatal(err)
	}
	s.entries = []gitfixture.Entry{{Mode: "100644", Name: ".gitattributes", ID: s.Blob("*.bin filter=lfs diff=lfs merge=lfs -text\n")}}
	return s
}

// add makes a file of an LFS object that the server has.
func (s *lfsSource) add(oid string, size int64) {
	name := fmt.Sprintf("%05d.bin", len(s.files))
	s.files[name] = oid
	pointer := fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", oid, size)
	s.entries = append(s.entries, gitfixture.Entry{Mode: "100644", Name: name, ID: s.Blob(pointer)})
}

// addContent makes the server have n bytes that nothing else has, and a file
// of them.
func (s *lfsSource) addContent(n int, fault testserver.Fault) string {
	oid := s.Add(lfsContent(len(s.files), n), fault)
	s.add(oid, int64(n))
	return oid
}

func lfsContent(number, n int) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d", number))
	return bytes.Repeat(sum[:], n/len(sum)+1)[:n]
}

// commit commits all files.
func (s *lfsSource) commit(t *testing.T) {
	t.Helper()
	n := len(s.commits)
	id := s.Commit(s.Tree(s.entries...), "files", n, s.commits[max(0, n-1):]...)
	s.commits = append(s.commits, id)
	s.Ref("refs/heads/main", id)
	if s.Repo.Err() != nil {
		t.Fatal(s.Repo.Err())
	}
}

// check asserts that a clone's files are what their pointers name.
func (s *lfsSource) check(t *testing.T, clone string) {
	t.Helper()
	for file, oid := range s.files {
		if got := fileSum(t, filepath.Join(clone, file)); got != oid {
			t.Errorf("%s of %s has the content of %s, want %s", file, filepath.Base(clone), got, oid)
		}
	}
}

func fileSum(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// must runs a command, which has to succeed.
func must(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
}

// read is the program as a reader of mirrors runs it; only those of private
// ones have credentials.
func (s *lfsSource) read(t *testing.T, dir string, private bool, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), world.program, args...)
	cmd.Dir, cmd.Env = dir, s.env(private)
	return cmd
}

func (s *lfsSource) env(private bool, more ...string) []string {
	env := append([]string{}, s.git.Env()...)
	if private {
		env = append(env, s.private.Environ()...)
	}
	return append(env, more...)
}

const (
	skipSmudge    = "GIT_LFS_SKIP_SMUDGE=1"
	privateBucket = "private-mirrors"
)

// TestLFS mirrors 500 LFS objects into a public and into a private bucket,
// and reads each with git-lfs in both ways.
func TestLFS(t *testing.T) {
	s := newLFSSource(t)
	s.User, s.Password = "x-access-token", "lfs-secret"
	for i := range 500 {
		s.addContent(i*i/3+i, testserver.NoFault) // up to 84 KB
	}
	for _, n := range []int{1 << 20, 5 << 20, 5<<20 + 1, 50_000_000} {
		s.addContent(n, testserver.NoFault)
	}
	s.commit(t)
	if err := world.s3.CreateBucket(t.Context(), privateBucket); err != nil {
		t.Fatal(err)
	}
	public := s3Target(t)
	private := target{
		url:      "s3://" + privateBucket + "/" + name(t),
		cloneURL: world.s3.Endpoint + "/" + privateBucket + "/" + name(t),
		folder:   filepath.Join(world.buckets, privateBucket, name(t)),
		inS3:     true,
	}
	for _, to := range []target{public, private} {
		got := mirror(t, s.url, to, "--token", "lfs-secret")
		if l := got.LFS; l.Total != 504 || l.Uploaded != 504 || l.Skipped != 0 || l.Bytes < 60_000_000 {
			t.Errorf("first run: %+v", l)
		}
	}
	noSecrets(t, s)
	check(t, s.Repo, public)
	t.Run("serve", func(t *testing.T) { s.readByServer(t, public, false); s.readByServer(t, private, true) })
	t.Run("agent", func(t *testing.T) { s.readByAgent(t, public, false); s.readByAgent(t, private, true) })
	t.Run("runs", func(t *testing.T) { s.runAgain(t, public) })
}

// noSecrets asserts who was sent the token.
func noSecrets(t *testing.T, s *lfsSource) {
	t.Helper()
	for _, r := range s.Requests() {
		_, password, _ := (&http.Request{Header: r.Header}).BasicAuth()
		if password == "lfs-secret" && !strings.HasSuffix(r.Path, "/objects/batch") {
			t.Errorf("the token was sent to %s %s", r.Server, r.Path)
		}
	}
}

// readByServer clones through the program's own server.
func (s *lfsSource) readByServer(t *testing.T, from target, private bool) {
	t.Helper()
	upstream, clone := from.cloneURL, filepath.Join(t.TempDir(), "clone")
	if private {
		upstream = from.url
	}
	must(t, s.read(t, "", private, "serve", "--upstream", upstream, "--", "git", "clone", "--quiet", "{url}", clone))
	s.check(t, clone)
}

// readByAgent clones without a server for LFS objects, then installs the
// agent. The git part of a private mirror still has to be passed through.
func (s *lfsSource) readByAgent(t *testing.T, from target, private bool) {
	t.Helper()
	clone := filepath.Join(t.TempDir(), "clone")
	install := []string{"lfs-agent", "--install"}
	cmd := s.git.Command(t.Context(), "", "clone", "--quiet", from.cloneURL, clone)
	if private {
		cmd = s.read(t, "", true, "serve", "--upstream", from.url, "--", "git", "clone", "--quiet", "{url}", clone)
		install = append(install, "--upstream", from.url)
	}
	cmd.Env = append(cmd.Env, skipSmudge)
	must(t, cmd)
	must(t, s.read(t, clone, private, install...))
	pull := s.git.Command(t.Context(), clone, "lfs", "pull")
	pull.Env = s.env(private)
	must(t, pull)
	s.check(t, clone)
}

// runAgain asserts what each kind of later run costs.
func (s *lfsSource) runAgain(t *testing.T, to target) {
	again := func(what string, total, uploaded int, args ...string) {
		t.Helper()
		asked := s.Asked()
		got := mirror(t, s.url, to, append(args, "--token", "lfs-secret")...)
		if l := got.LFS; l.Total != total || l.Uploaded != uploaded || l.Skipped != total-uploaded {
			t.Errorf("%s: %+v", what, l)
		}
		if n := s.Asked() - asked; n != uploaded {
			t.Errorf("%s: the LFS server was asked for %d objects", what, n)
		}
	}
	again("nothing new", 0, 0)
	s.addContent(1234, testserver.NoFault)
	s.commit(t)
	again("one new object", 1, 1)
	again("full", 505, 0, "--full")
	lost := s.files["00300.bin"]
	if err := os.Remove(filepath.Join(to.folder, "lfs", "objects", lost[:2], lost[2:4], lost)); err != nil {
		t.Fatal(err)
	}
	again("full after a loss", 505, 1, "--full")
	check(t, s.Repo, to)
}

// TestLFSFault: an object that cannot be had keeps the refs where they are,
// unless the user says otherwise.
func TestLFSFault(t *testing.T) {
	s, to := newLFSSource(t), s3Target(t)
	s.addContent(100, testserver.NoFault)
	s.commit(t)
	mirror(t, s.url, to)
	before := fileSum(t, filepath.Join(to.folder, "info", "refs"))

	bad := s.addContent(5000, testserver.WrongHash)
	s.commit(t)
	got := mirrorExpecting(t, exitFailed, s.url, to)
	if !strings.Contains(got.Error, bad) || !strings.Contains(got.Error, "SHA-256") {
		t.Errorf("error %q", got.Error)
	}
	if fileSum(t, filepath.Join(to.folder, "info", "refs")) != before {
		t.Error("the refs have moved")
	}
	stored := func() bool {
		_, err := os.Stat(filepath.Join(to.folder, "lfs", "objects", bad[:2], bad[2:4], bad))
		return err == nil
	}
	got = mirror(t, s.url, to, "--lfs", "best-effort")
	if got.LFS.Total != 1 || got.LFS.Uploaded != 0 || stored() {
		t.Errorf("best effort: %+v", got.LFS)
	}
	check(t, s.Repo, to)
	s.Add(lfsContent(1, 5000), testserver.NoFault) // the same object
	got = mirror(t, s.url, to)
	if got.LFS.Uploaded != 1 || !stored() {
		t.Errorf("after the server was mended: %+v", got.LFS)
	}
	check(t, s.Repo, to)
}

// TestLFSOff leaves the objects out, and has them when it is turned on.
func TestLFSOff(t *testing.T) {
	s, to := newLFSSource(t), s3Target(t)
	s.addContent(100, testserver.NoFault)
	s.commit(t)
	if got := mirror(t, s.url, to, "--lfs", "false"); got.LFS.Total != 0 || s.Asked() != 0 {
		t.Errorf("%+v, asked for %d", got.LFS, s.Asked())
	}
	if got := mirror(t, s.url, to); got.LFS.Uploaded != 1 {
		t.Errorf("turned on: %+v", got.LFS)
	}
	check(t, s.Repo, to)
}

// TestLFSMemory copies eight large objects at once.
func TestLFSMemory(t *testing.T) {
	const size = lfsMemorySize
	s, to := newLFSSource(t), s3Target(t)
	for range 8 {
		s.addSparse(t, size)
	}
	s.commit(t)
	const memory = 32 << 20
	e, peak := watched(t, "--source", s.url, "--target", to.url, "--max-memory", "32MiB")
	got := e.Mirrors[0]
	t.Logf("peak %d MiB for %d MiB in %.1f s", peak>>20, got.LFS.Bytes>>20, got.Seconds)
	if got.LFS.Uploaded != 8 || got.LFS.Bytes != 8*size {
		t.Errorf("%+v", got.LFS)
	}
	if peak > memory+slack {
		t.Errorf("peak of %d bytes, %d allowed", peak, memory+slack)
	}
	s.checkStored(t, to.folder)
	noUploads(t, to)
	if err := os.RemoveAll(to.folder); err != nil {
		t.Error(err)
	}
}

// addSparse makes a file of an object of zeros, but for its first byte.
func (s *lfsSource) addSparse(t *testing.T, size int64) {
	t.Helper()
	head := byte(len(s.files) + 1)
	open := func() io.Reader { return io.LimitReader(&sparse{head}, size) }
	h := sha256.New()
	if _, err := io.Copy(h, open()); err != nil {
		t.Fatal(err)
	}
	oid := hex.EncodeToString(h.Sum(nil))
	s.AddReader(oid, size, open, testserver.NoFault)
	s.add(oid, size)
}

// checkStored reads the objects as the store keeps them.
func (s *lfsSource) checkStored(t *testing.T, folder string) {
	t.Helper()
	for _, oid := range s.files {
		if got := fileSum(t, filepath.Join(folder, "lfs", "objects", oid[:2], oid[2:4], oid)); got != oid {
			t.Errorf("%s holds the content of %s", oid, got)
		}
	}
}

// sparse reads as one byte and then zeros without an end.
type sparse struct{ head byte }

func (s *sparse) Read(p []byte) (int, error) {
	clear(p)
	if len(p) > 0 {
		p[0], s.head = s.head, 0
	}
	return len(p), nil
}

// TestServeForwardsSignals: a terminated server terminates its command and
// returns what that returns.
func TestServeForwardsSignals(t *testing.T) {
	const script = `trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done`
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), world.program,
		"serve", "--upstream", "file://"+world.files, "--", "sh", "-c", script)
	cmd.Env = world.git.Env()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, len("ready\n"))
	if _, err := io.ReadFull(out, line); err != nil {
		t.Error(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 9 {
		t.Errorf("ended with %v", err)
	}
}
