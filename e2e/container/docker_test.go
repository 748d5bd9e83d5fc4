//go:build container

package container

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const (
	engineStart = 60 * time.Second
	engineGrace = 30 * time.Second
)

// docker is a daemon of the tests' own. It has no network but the
// host's, and touches nothing outside its folder.
type docker struct {
	dir, socket string
	process     *os.Process
	ended       chan struct{}
}

// startEngine starts a daemon whose every file is in dir.
func startEngine(ctx context.Context, dir string) (*docker, error) {
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	e := &docker{dir: dir, socket: filepath.Join(dir, "sock"), ended: make(chan struct{})}
	cmd := exec.Command("dockerd",
		"--host", "unix://"+e.socket,
		"--data-root", filepath.Join(dir, "data"),
		"--exec-root", filepath.Join(dir, "exec"),
		"--pidfile", filepath.Join(dir, "pid"),
		"--config-file", filepath.Join(dir, "no-such-file"),
		"--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false")
	// An empty configuration: the machine's own is for the machine's engine.
	if err := os.WriteFile(filepath.Join(dir, "no-such-file"), []byte("{}"), 0o600); err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := startBound(cmd, e.ended); err != nil {
		return nil, fmt.Errorf("starting dockerd: %w", err)
	}
	e.process = cmd.Process
	if err := e.wait(ctx); err != nil {
		text, _ := os.ReadFile(log.Name())
		e.stop()
		return nil, fmt.Errorf("starting dockerd: %w\n%s", err, text)
	}
	return e, nil
}

// startBound starts a process that the kernel asks to end when this one is
// gone, and closes ended when it is over. That is tied to the thread that
// started it, which therefore stays (https://go.dev/issue/27505).
func startBound(cmd *exec.Cmd, ended chan<- struct{}) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
			close(ended)
		}
	}()
	return <-started
}

func (e *docker) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, engineStart)
	defer cancel()
	for {
		if _, err := e.run(ctx, nil, "version"); err == nil {
			return nil
		}
		select {
		case <-e.ended:
			return errors.New("it ended at once")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// stop ends the daemon and what it started, and frees its folder.
func (e *docker) stop() {
	e.process.Signal(syscall.SIGTERM)
	select {
	case <-e.ended:
	case <-time.After(engineGrace):
		e.process.Kill()
		<-e.ended
	}
	mounts, _ := os.ReadFile("/proc/self/mounts")
	for line := range strings.Lines(string(mounts)) {
		if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[1], e.dir+"/") {
			syscall.Unmount(fields[1], syscall.MNT_DETACH)
		}
	}
}

// environ makes docker and act use this engine, and no configuration of the
// user's. BuildKit is off because act and plain engines build without it.
func (e *docker) environ() []string {
	return append(os.Environ(),
		"DOCKER_HOST=unix://"+e.socket, "DOCKER_CONFIG="+e.dir, "DOCKER_CONTEXT=", "DOCKER_BUILDKIT=0",
		"HOME="+e.dir, "XDG_CACHE_HOME="+e.dir, "XDG_CONFIG_HOME="+e.dir)
}

// run runs the client and returns what it printed on stdout.
func (e *docker) run(ctx context.Context, in io.Reader, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Env = e.environ()
	cmd.Stdin = in
	return output(cmd)
}

// output runs a command; its error holds all that it said.
func output(cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s: %w\n%s%s", strings.Join(cmd.Args, " "), err, &stdout, &stderr)
	}
	return strings.TrimSpace(stdout.String()), nil
}
