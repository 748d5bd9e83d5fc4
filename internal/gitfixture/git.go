// Package gitfixture makes git repositories by script, with fixed authors and
// dates, so that their object ids are the same on every machine.
//
// Start with [New], which runs git free of the machine's configuration, and
// [Small], the list of repositories that every mirror must survive.
package gitfixture

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// configuration is all that git reads besides the repository's own. The
// fixtures belong to whoever runs the tests, or to root in a container.
const configuration = `[init]
	defaultBranch = main
[safe]
	directory = *
[protocol "file"]
	allow = always
[gc]
	auto = 0
[maintenance]
	auto = false
[advice]
	detachedHead = false
`

// Git runs git with a configuration, a home and an identity of its own.
type Git struct{ env []string }

// New returns a Git whose configuration is kept in the folder home.
func New(home string) (*Git, error) {
	config := filepath.Join(home, "gitconfig")
	if err := os.WriteFile(config, []byte(configuration), 0o644); err != nil {
		return nil, fmt.Errorf("writing git's configuration: %w", err)
	}
	return &Git{env: append(CleanEnv(),
		"HOME="+home,
		"XDG_CONFIG_HOME="+home,
		"GIT_CONFIG_GLOBAL="+config,
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=A U Thor",
		"GIT_AUTHOR_EMAIL=author@example.test",
		"GIT_AUTHOR_DATE="+date,
		"GIT_COMMITTER_NAME=C O Mitter",
		"GIT_COMMITTER_EMAIL=committer@example.test",
		"GIT_COMMITTER_DATE="+date,
		"LC_ALL=C",
		"TZ=UTC",
	)}, nil
}

// date is when everything happens that has no date of its own.
const date = "1112911993 +0200"

// foreign are the beginnings of variables that would lead git, the mirror or
// an S3 client out of the test: the machine's configuration, proxies and
// credentials.
var foreign = []string{
	"GIT_", "AWS_", "MIRROR_", "INPUT_", "LC_", "LANG=", "HOME=", "XDG_CONFIG_HOME=", "TZ=",
	"HTTP_PROXY=", "HTTPS_PROXY=", "ALL_PROXY=", "NO_PROXY=", "EMAIL=",
}

// CleanEnv returns the process's environment without what would lead a child
// out of the test.
func CleanEnv() []string {
	var env []string
	for _, v := range os.Environ() {
		if !hasAnyPrefix(strings.ToUpper(v), foreign) {
			env = append(env, v)
		}
	}
	return env
}

func hasAnyPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// Env returns the environment that git runs in.
func (g *Git) Env() []string { return g.env }

// Command returns a git command in dir, not yet started.
func (g *Git) Command(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	cmd.Env = g.env
	return cmd
}

// Run runs git in dir and returns its standard output without the last line
// end. What it printed to standard error is in the error.
func (g *Git) Run(ctx context.Context, dir string, args ...string) (string, error) {
	return g.RunInput(ctx, dir, nil, args...)
}

// RunInput is Run with a standard input.
func (g *Git) RunInput(ctx context.Context, dir string, in io.Reader, args ...string) (string, error) {
	var out, errs bytes.Buffer
	cmd := g.Command(ctx, dir, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(errs.Bytes()))
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}
