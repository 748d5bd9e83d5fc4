package testserver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
)

// setup makes a git and a folder with the repository r.git of n commits.
func setup(t *testing.T, n int) (*gitfixture.Git, string) {
	t.Helper()
	git, err := gitfixture.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	r := gitfixture.Init(t.Context(), git, filepath.Join(root, "r.git"), "")
	r.Line("refs/heads/main", "", 0, n)
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	return git, root
}

func serve(t *testing.T, root string, o testserver.GitOptions) *testserver.Git {
	t.Helper()
	s, err := testserver.StartGit(t.Context(), root, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// TestGitClones: git itself is content with the server, in all versions of the
// protocol, with chunked bodies, and of repositories with a working tree.
func TestGitClones(t *testing.T) {
	git, root := setup(t, 30)
	if _, err := git.Run(t.Context(), root, "clone", "--quiet", "r.git", "checkout"); err != nil {
		t.Fatal(err)
	}
	plain, old := serve(t, root, testserver.GitOptions{}), serve(t, root, testserver.GitOptions{Handler: testserver.V0Only()})
	for name, args := range map[string][]string{
		"v2":       {"clone", plain.URL("r.git")},
		"v0":       {"-c", "protocol.version=0", "clone", plain.URL("r.git")},
		"v0 only":  {"clone", old.URL("r.git")},
		"chunked":  {"-c", "http.postBuffer=1", "-c", "protocol.version=0", "clone", plain.URL("r.git")},
		"checkout": {"clone", plain.URL("checkout")},
	} {
		dir := filepath.Join(t.TempDir(), "clone")
		if _, err := git.Run(t.Context(), root, append(args, "--quiet", dir)...); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if n, err := git.Run(t.Context(), dir, "rev-list", "--count", "HEAD"); n != "30" {
			t.Errorf("%s: got %s commits, %v", name, n, err)
		}
	}
	if out, err := git.Run(t.Context(), filepath.Join(root, "checkout"), "push", "--quiet", plain.URL("r.git"), "HEAD:refs/heads/x"); err == nil {
		t.Errorf("a push was accepted: %s", out)
	}
}

func TestHTMLPage(t *testing.T) {
	_, root := setup(t, 1)
	resp, err := http.Get(serve(t, root, testserver.GitOptions{Handler: testserver.HTMLPage()}).URL("r.git"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if ct := resp.Header.Get("Content-Type"); !strings.HasPrefix(ct, "text/html") {
		t.Errorf("got content type %q", ct)
	}
}

func TestFaults(t *testing.T) {
	git, root := setup(t, 300)
	target := serve(t, root, testserver.GitOptions{})
	var c testserver.Counter
	for name, test := range map[string]struct {
		m    testserver.Middleware
		want string // of git's message; "" is success
	}{
		"basic":     {testserver.BasicAuth("a", "b"), "could not read Username"},
		"bearer":    {testserver.BearerAuth("a"), "could not read Username"},
		"not found": {testserver.NotFound(), "not found"},
		"500":       {testserver.FailTimes(1, 500, nil), "500"},
		"cut":       {testserver.OnlyFetch(testserver.CutAfter(5000)), "RPC failed"},
		"redirect":  {testserver.Redirect(target.URL(""), 302), ""},
		"slow":      {testserver.Slow(time.Millisecond), ""},
		"counted":   {testserver.Chain(nil, c.Handler, nil), ""},
	} {
		_, err := git.Run(t.Context(), root, "clone", "--quiet", "--bare", serve(t, root, testserver.GitOptions{Handler: test.m}).URL("r.git"), t.TempDir())
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
	if c.Requests.Load() < 2 || c.Bytes.Load() < 5000 {
		t.Errorf("counted %d requests, %d bytes", c.Requests.Load(), c.Bytes.Load())
	}
}

// slowPack is a git configuration whose packs take forever: the hook that makes
// them writes a line, its process id, and sleeps.
func slowPack(t *testing.T) (config, pidFile string) {
	t.Helper()
	dir := t.TempDir()
	pidFile = filepath.Join(dir, "pid")
	hook := filepath.Join(dir, "hook")
	script := "#!/bin/sh\necho $$ >" + pidFile + ".new && mv " + pidFile + ".new " + pidFile + "\nexec sleep 600\n"
	if err := os.WriteFile(hook, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return "uploadpack.packObjectsHook=" + hook, pidFile
}

// TestProcessesEnd: git's processes go when their client does, and when the
// server stops.
func TestProcessesEnd(t *testing.T) {
	_, root := setup(t, 1)
	out, err := exec.Command("git", "-C", filepath.Join(root, "r.git"), "rev-parse", "main").Output()
	if err != nil {
		t.Fatal(err)
	}
	want := "0032want " + strings.TrimSpace(string(out)) + "\n00000009done\n"
	for name, end := range map[string]func(cancel func(), s *testserver.Git){
		"client": func(cancel func(), s *testserver.Git) { cancel() },
		"server": func(cancel func(), s *testserver.Git) { s.Stop() },
	} {
		t.Run(name, func(t *testing.T) {
			config, pidFile := slowPack(t)
			s := serve(t, root, testserver.GitOptions{Config: []string{config}})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan error)
			go func() { done <- post(ctx, s.URL("r.git"), want) }()
			pid := waitForPid(t, pidFile, done)
			end(cancel, s)
			if err := <-done; err == nil {
				t.Error("the request succeeded")
			}
			waitForEnd(t, pid)
		})
	}
}

func post(ctx context.Context, repo, body string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, repo+"/git-upload-pack", bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-git-upload-pack-request")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err = io.Copy(io.Discard, resp.Body); err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return err
}

func waitForPid(t *testing.T, file string, done chan error) int {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(time.Minute)
	for {
		if b, err := os.ReadFile(file); err == nil {
			pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
		select {
		case err := <-done:
			t.Fatalf("the request ended with %v before a pack was made", err)
		case <-timeout:
			t.Fatal("no pack was asked for")
		case <-tick.C:
		}
	}
}

func waitForEnd(t *testing.T, pid int) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(time.Minute)
	for alive(pid) {
		select {
		case <-timeout:
			t.Fatalf("process %d is still there", pid)
		case <-tick.C:
		}
	}
}

// alive is false for a process that has ended, even if nobody asked it how:
// its parent is then the machine's init, whose business that is.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // Linux only
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}
