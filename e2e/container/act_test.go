//go:build container

package container

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
)

// checkout makes a working copy of example/project with the action and a
// workflow in it. The image is there already, so the sources may lack.
func checkout(ctx context.Context, t *testing.T, workflow string) string {
	t.Helper()
	dir := t.TempDir()
	r := gitfixture.Init(ctx, world.git, filepath.Join(dir, ".git"), "")
	r.Git("config", "core.bare", "false")
	r.Git("remote", "add", "origin", "https://github.com/example/project")
	r.Head("refs/heads/main")
	r.Ref("refs/heads/main", r.Commit(r.Tree(), "one\n", 1))
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	action, err := os.ReadFile(filepath.Join(world.root, "action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(action, []byte("image: Dockerfile")) {
		t.Fatal("action.yml does not build its image of the Dockerfile")
	}
	workflows := filepath.Join(dir, ".github", "workflows")
	if err := errors.Join(
		os.WriteFile(filepath.Join(dir, "action.yml"), action, 0o644),
		os.MkdirAll(workflows, 0o755),
		os.WriteFile(filepath.Join(workflows, "workflow.yml"), []byte(workflow), 0o644),
	); err != nil {
		t.Fatal(err)
	}
	return dir
}

// actRun is what act says of a run.
type actRun struct {
	ok        bool
	log       string            // all lines
	errors    []string          // annotations
	summaries []string          // of the steps
	outputs   map[string]string // that a later step read
}

// runAct runs the workflow of a working copy. env is added to that of every
// step.
func runAct(ctx context.Context, t *testing.T, dir string, env []string, args ...string) actRun {
	t.Helper()
	act, err := testserver.Tool("act")
	if err != nil {
		t.Fatal(err)
	}
	args = slices.Concat([]string{
		"push", "--json", "--rebuild=false", "--rm", "--pull=false", "--action-offline-mode", "--no-cache-server",
		"--network", "host", "--container-options", "--memory 256m",
	}, args)
	for _, runner := range []string{"ubuntu-latest", "ubuntu-24.04", "ubuntu-24.04-arm"} {
		args = append(args, "-P", runner+"="+jobImage)
	}
	for _, kv := range env {
		args = append(args, "--env", kv)
	}
	cmd := exec.CommandContext(ctx, act, args...)
	cmd.Dir = dir
	cmd.Env = world.engine.environ()
	cmd.WaitDelay = 20 * time.Second
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	out, err := cmd.CombinedOutput()
	run := readLog(t, out)
	run.ok = err == nil
	if ctx.Err() != nil {
		t.Fatalf("act: %v\n%s", ctx.Err(), run.log)
	}
	return run
}

// readLog reads act's lines of JSON.
func readLog(t *testing.T, out []byte) actRun {
	t.Helper()
	var run actRun
	var log strings.Builder
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var line struct{ Msg, Command, Content, Raw string }
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			log.WriteString(lines.Text() + "\n")
			continue
		}
		log.WriteString(strings.TrimSuffix(line.Msg, "\n") + "\n")
		switch line.Command {
		case "error":
			// "::error title=T::text": act's own idea of the text begins
			// after the last "::", GitHub's after the second.
			_, text, _ := strings.Cut(strings.TrimPrefix(line.Raw, "::"), "::")
			run.errors = append(run.errors, text)
		case "summary":
			run.summaries = append(run.summaries, line.Content)
		}
		if text, ok := strings.CutPrefix(line.Msg, "OUTPUTS "); ok {
			if err := json.Unmarshal([]byte(text), &run.outputs); err != nil {
				t.Errorf("outputs: %v in %s", err, text)
			}
		}
	}
	run.log = log.String()
	return run
}

// cloneEquals clones a mirror with plain git, without credentials, and
// compares it with its source.
func cloneEquals(ctx context.Context, t *testing.T, source, url string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "clone.git")
	if _, err := world.git.Run(ctx, "", "clone", "--quiet", "--mirror", url, dir); err != nil {
		t.Error(err)
		return
	}
	if _, err := world.git.Run(ctx, dir, "fsck", "--full", "--strict"); err != nil {
		t.Error(err)
	}
	for _, args := range [][]string{{"for-each-ref"}, {"rev-list", "--objects", "--all"}, {"symbolic-ref", "HEAD"}} {
		want, err1 := world.git.Run(ctx, source, args...)
		got, err2 := world.git.Run(ctx, dir, args...)
		if err := errors.Join(err1, err2); err != nil || sorted(want) != sorted(got) {
			t.Errorf("git %s of the clone differs from the source's: %v", strings.Join(args, " "), err)
		}
	}
}

func sorted(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
