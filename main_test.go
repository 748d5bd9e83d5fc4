package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"mirror-git-to-s3": main})
}

// TestScript runs the command as a user does: testdata/script holds what is
// typed, and what must come. $GIT_URL is a server with the repositories one and
// two, $GIT_HOST its host and port.
func TestScript(t *testing.T) {
	url := gitServer(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		// UPDATE_SCRIPTS=1 writes what came into the scripts; read it then.
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("GIT_URL", url)
			e.Setenv("GIT_HOST", strings.TrimPrefix(url, "http://"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// exits runs a command that must end with a code: exits 2 mirror-git-to-s3 …
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code program [arguments]")
	}
	code := 0
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// gitServer serves two repositories with fixed ids, of 3 and 6 commits.
func gitServer(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	git, err := gitfixture.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, commits := range map[string]int{"one": 3, "two": 6} {
		r := gitfixture.Init(t.Context(), git, filepath.Join(root, name), "sha1")
		tip := r.Line("refs/heads/main", "", 1, commits)
		r.Head("refs/heads/main")
		r.Ref("refs/pull/1/head", tip)
		r.Ref("refs/tags/v1", r.Tag("v1", "commit", tip))
		if err := r.Err(); err != nil {
			t.Fatal(err)
		}
	}
	server, err := testserver.StartGit(t.Context(), root, testserver.GitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	return server.URL("")
}
