package serve

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// killAfter is how long a command has to end once it was told to.
const killAfter = 10 * time.Second

// runCommand runs the command with the address in its arguments and
// environment.
func runCommand(ctx context.Context, c Config, address string) (int, error) {
	args := make([]string, len(c.Command))
	for i, arg := range c.Command {
		args[i] = strings.ReplaceAll(arg, "{url}", address)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = slices.Concat(c.Environ, environment(c.Environ, address))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Stdin, c.Stdout, c.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = killAfter
	if err := cmd.Start(); err != nil {
		return notStarted(err), fmt.Errorf("running %q: %w", args[0], err)
	}
	done := make(chan struct{})
	go forward(c.Signals, cmd.Process, done)
	err := cmd.Wait()
	close(done)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && ctx.Err() == nil {
		return 1, fmt.Errorf("running %q: %w", args[0], err)
	}
	return exitCode(cmd.ProcessState), nil
}

func forward(signals <-chan os.Signal, p *os.Process, done <-chan struct{}) {
	for {
		select {
		case s := <-signals:
			_ = p.Signal(s) // it may have just ended
		case <-done:
			return
		}
	}
}

// notStarted is what shells return for a command that is missing or cannot
// be run.
func notStarted(err error) int {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		return 127
	}
	return 126
}

func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}

// environment is what a command is told: the address, and settings for git
// that hold for this command only. lfs.url goes before a .lfsconfig that
// names the original's server; a proxy could not reach the loopback address.
func environment(before []string, address string) []string {
	n := 0
	for _, e := range before {
		if value, ok := strings.CutPrefix(e, "GIT_CONFIG_COUNT="); ok {
			n, _ = strconv.Atoi(value)
		}
	}
	root := address
	if u, err := url.Parse(address); err == nil {
		root = (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}).String()
	}
	return []string{
		"MIRROR_URL=" + address,
		"GIT_CONFIG_COUNT=" + strconv.Itoa(n+2),
		fmt.Sprintf("GIT_CONFIG_KEY_%d=lfs.url", n),
		fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", n, lfsURL(address)),
		fmt.Sprintf("GIT_CONFIG_KEY_%d=http.%s.proxy", n+1, root),
		fmt.Sprintf("GIT_CONFIG_VALUE_%d=", n+1),
	}
}

// lfsURL is the endpoint as git-lfs derives it from a clone URL.
func lfsURL(address string) string {
	return strings.TrimSuffix(address, ".git") + ".git/info/lfs"
}
