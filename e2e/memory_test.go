package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
)

const (
	// minPack is the least size of a pack that says something.
	minPack = 300_000_000
	// budget, slack and perObject are the promise: peak memory stays below
	// their sum.
	budget    = 128 << 20
	slack     = 64 << 20
	perObject = 48
)

// TestMemory mirrors a pack much larger than the memory that is allowed, and
// watches from outside: the peak of resident memory, and that no file is
// opened for writing. MIRROR_REPO names a bare repository to be taken
// instead of a made-up one.
func TestMemory(t *testing.T) {
	dir := os.Getenv("MIRROR_REPO")
	if dir == "" {
		var err error
		if dir, err = gitfixture.Heavy.At(t.Context(), world.git, world.home); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	path := name(t) + ".git"
	if err := os.Symlink(dir, filepath.Join(world.repos, path)); err != nil {
		t.Fatal(err)
	}
	to := s3Target(t)
	e, peak := watched(t, "--source", world.source.URL(path), "--target", to.url, "--layout", "pack", "--max-memory", "128MiB")
	got := e.Mirrors[0]
	if got.Bytes.Fetched < minPack {
		t.Errorf("the pack has %d bytes, want %d and more", got.Bytes.Fetched, minPack)
	}
	limit := int64(budget + slack + perObject*got.Objects.Total)
	t.Logf("peak %d MiB of %d MiB allowed; pack of %d MB with %d objects, %d of them deltas; read back %d bytes; %.1f s",
		peak>>20, limit>>20, got.Bytes.Fetched/1e6, got.Objects.Total, got.Objects.Deltas, got.Bytes.ReadBack, got.Seconds)
	if peak > limit {
		t.Errorf("peak of %d bytes, %d allowed", peak, limit)
	}
	if off := e.PeakMemory - peak; off < -limit/10 || off > limit/10 {
		t.Errorf("the peak is reported as %d bytes, seen from outside as %d", e.PeakMemory, peak)
	}
	if got.Bytes.ReadBack <= 0 || got.Bytes.ReadBack > got.Bytes.Fetched {
		t.Errorf("%d bytes read back of a pack of %d", got.Bytes.ReadBack, got.Bytes.Fetched)
	}
	check(t, gitfixture.Open(t.Context(), world.git, dir), to, quick)
}

// watched runs the program and returns its peak of resident memory in bytes.
func watched(t *testing.T, args ...string) (ended, int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*runTimeout)
	defer cancel()
	cmd := command(ctx, args...)
	opened := traceOpens(t, cmd)
	stop, peaks := make(chan struct{}), make(chan int64)
	e := run(t, cmd, exitOK, func(p *os.Process) {
		go func() { peaks <- watchPeak(p.Pid, stop) }()
	})
	close(stop)
	peak := <-peaks
	for line := range strings.Lines(opened()) {
		if writes(line) {
			t.Errorf("a file was opened for writing: %s", line)
		}
	}
	if peak == 0 {
		t.Error("the peak of memory was not seen")
	}
	return e, peak
}

// traceOpens makes strace start the program, which stays the process that is
// started, and returns what gives the trace.
func traceOpens(t *testing.T, cmd *exec.Cmd) func() string {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatalf("strace is needed to see what files are opened (make test installs it where it can): %v", err)
	}
	trace := filepath.Join(t.TempDir(), "trace")
	cmd.Args = append([]string{strace, "-D", "-f", "--seccomp-bpf", "-e", "trace=open,openat,openat2,creat", "-o", trace, "--", cmd.Path}, cmd.Args[1:]...)
	cmd.Path = strace
	return func() string {
		b, err := os.ReadFile(trace)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(b, []byte("O_RDONLY")) {
			t.Errorf("the trace shows no file at all:\n%.2000s", b)
		}
		return string(b)
	}
}

// writes tells whether a line of strace is about a file opened for writing.
// The runtime opens /dev/null and the like for its own needs.
func writes(line string) bool {
	opens := strings.Contains(line, "O_WRONLY") || strings.Contains(line, "O_RDWR") || strings.Contains(line, "O_CREAT") || strings.Contains(line, "creat(")
	return opens && !strings.Contains(line, `"/dev/null"`)
}

var hwm = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// watchPeak reads the kernel's high-water mark until stop or the process's
// end; it only grows, so that only the last moments can be missed.
func watchPeak(pid int, stop <-chan struct{}) int64 {
	var peak int64
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return peak
		case <-tick.C:
		}
		if !runs(pid) {
			continue
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			continue
		}
		if m := hwm.FindSubmatch(status); m != nil {
			kb, _ := strconv.ParseInt(string(m[1]), 10, 64)
			peak = max(peak, kb<<10)
		}
	}
}

// runs tells whether the process is the program already, and not the strace
// or the test that started it.
func runs(pid int) bool {
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	return err == nil && exe == world.program
}
