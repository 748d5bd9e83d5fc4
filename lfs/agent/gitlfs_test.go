package agent_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/agent"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/internal/lfstest"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/upstream"
)

// TestMain is the agent's program when git-lfs calls it.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "lfs-agent" {
		os.Exit(runAgent(os.Args[3]))
	}
	os.Exit(m.Run())
}

func runAgent(url string) int {
	ctx := context.Background()
	temp, err := agent.TempDir(ctx, "")
	if err == nil {
		err = agent.Run(ctx, agent.Config{
			Open: func(context.Context, string) (upstream.Upstream, error) {
				return upstream.NewWeb(http.DefaultClient, url)
			},
			TempDir: temp, Stdin: os.Stdin, Stdout: os.Stdout,
		})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// TestGitLFS clones from a plain static server and pulls with the real
// git-lfs. The repository's .lfsconfig names a server that must not be asked.
func TestGitLFS(t *testing.T) {
	m := lfstest.New(t, lfstest.Files(12), "[lfs]\n\turl = http://127.0.0.1:1/nowhere\n")
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(m.Dir))))
	defer server.Close()
	url := server.URL + "/mirror"
	clone := filepath.Join(t.TempDir(), "it's a clone")
	cmd := m.Git.Command(t.Context(), "", "clone", "--quiet", url, clone)
	cmd.Env = append(cmd.Env, "GIT_LFS_SKIP_SMUDGE=1")
	lfstest.Run(t, cmd)

	origin, err := agent.RemoteURL(t.Context(), clone, "origin")
	if err != nil || origin != url {
		t.Fatalf("the remote is %q, %v", origin, err)
	}
	installation := agent.Installation{Dir: clone, Executable: os.Args[0], Args: []string{"lfs-agent", "--upstream", origin}}
	for range 2 { // it can be repeated
		if err := agent.Install(t.Context(), installation); err != nil {
			t.Fatal(err)
		}
	}
	lfstest.Run(t, m.Git.Command(t.Context(), clone, "lfs", "pull"))
	m.Check(t, clone)
	if out := lfstest.Run(t, m.Git.Command(t.Context(), clone, "status", "--porcelain")); out != "" {
		t.Errorf("git status says %s", out)
	}
	left, err := filepath.Glob(filepath.Join(clone, ".git", "lfs", "tmp", "mirror-*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// TestGitLFSMissing: git-lfs has to say what is missing, and smudging in a
// later checkout has to work for the rest.
func TestGitLFSMissing(t *testing.T) {
	m := lfstest.New(t, lfstest.Files(3), "")
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(m.Dir))))
	defer server.Close()
	clone := filepath.Join(t.TempDir(), "clone")
	cmd := m.Git.Command(t.Context(), "", "clone", "--quiet", "--no-checkout", server.URL+"/mirror", clone)
	lfstest.Run(t, cmd)
	installation := agent.Installation{Dir: clone, Executable: os.Args[0], Args: []string{"lfs-agent", "--upstream", server.URL + "/mirror"}}
	if err := agent.Install(t.Context(), installation); err != nil {
		t.Fatal(err)
	}
	lost := m.Object(oidOf(m.Files[lfstest.FileName(1)]))
	if err := os.Rename(lost, lost+".away"); err != nil {
		t.Fatal(err)
	}
	out, err := m.Git.Command(t.Context(), clone, "checkout", "main").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "does not have this object") {
		t.Errorf("checkout without an object: %v\n%s", err, out)
	}
	if err := os.Rename(lost+".away", lost); err != nil {
		t.Fatal(err)
	}
	lfstest.Run(t, m.Git.Command(t.Context(), clone, "checkout", "--force", "main"))
	m.Check(t, clone)
}

func TestTempDir(t *testing.T) {
	m := lfstest.New(t, lfstest.Files(1), "")
	dir := filepath.Join(t.TempDir(), "clone")
	cmd := m.Git.Command(t.Context(), "", "clone", "--quiet", "--no-checkout", m.Dir, dir)
	lfstest.Run(t, cmd)
	for _, test := range [][2]string{
		{"", filepath.Join(dir, ".git", "lfs", "tmp")},
		{"elsewhere", filepath.Join(dir, ".git", "elsewhere", "tmp")},
		{"/abs/dir", "/abs/dir/tmp"},
	} {
		if test[0] != "" {
			lfstest.Run(t, m.Git.Command(t.Context(), dir, "config", "lfs.storage", test[0]))
		}
		if got, err := agent.TempDir(t.Context(), dir); err != nil || got != test[1] {
			t.Errorf("%q: %q, %v, want %q", test[0], got, err, test[1])
		}
	}
}
