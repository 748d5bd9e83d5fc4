package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// traceOpens makes strace start the program, which stays the process that is
// started, and returns what gives the lines about files opened for writing.
// Without strace there is only what watch sees.
func traceOpens(t *testing.T, cmd *exec.Cmd) func() []string {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Log("no strace here: only files that stay open for some milliseconds are seen")
		return func() []string { return nil }
	}
	trace := filepath.Join(t.TempDir(), "trace")
	cmd.Args = append([]string{strace, "-D", "-f", "--seccomp-bpf", "-e", "trace=open,openat,openat2,creat",
		"-o", trace, "--", cmd.Path}, cmd.Args[1:]...)
	cmd.Path = strace
	return func() []string {
		b, err := os.ReadFile(trace)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(b, []byte("O_RDONLY")) {
			t.Errorf("the trace shows no file at all:\n%.2000s", b)
		}
		return slices.DeleteFunc(strings.Split(string(b), "\n"), func(line string) bool { return !writes(line) })
	}
}

// opening is what a line of strace says of a file that is not only read.
var opening = regexp.MustCompile(`O_WRONLY|O_RDWR|O_CREAT|O_TMPFILE|creat\(`)

// writes tells whether a line of strace is about a file opened for writing.
func writes(line string) bool {
	return opening.MatchString(line) && !strings.Contains(line, `"/dev/null"`)
}

// watch looks at a process from outside, in what the kernel tells of it.
type watch struct {
	stop, done chan struct{}
	peak       int64    // of resident memory, in bytes
	opened     []string // files that were open for writing
}

// over watches until stop is closed. The mark of memory only grows, so that
// no more than the process's last moments can be missed.
func (w *watch) over(pid int) {
	defer close(w.done)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-tick.C:
			if runs(pid) {
				w.peak = max(w.peak, highWater(pid))
				w.openFiles(pid)
			}
		}
	}
}

// runs tells whether the process is the program already, and not the strace
// or the test that started it.
func runs(pid int) bool {
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	return err == nil && exe == world.program
}

var (
	markLine  = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)
	flagsLine = regexp.MustCompile(`flags:\s+([0-7]+)`)
)

// highWater is the most resident memory that a process had, in bytes.
func highWater(pid int) int64 {
	kib, _ := field(fmt.Sprintf("/proc/%d/status", pid), markLine, 10)
	return kib << 10
}

// openFiles notes down the files that a process has open for writing. What
// it inherited, the test's own pipes, are no files.
func (w *watch) openFiles(pid int) {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	fds, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, fd := range fds {
		path, err := os.Readlink(filepath.Join(dir, fd.Name()))
		if err != nil || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "/dev/") || slices.Contains(w.opened, path) {
			continue
		}
		flags, ok := field(filepath.Join(dir+"info", fd.Name()), flagsLine, 8)
		if ok && flags&int64(os.O_WRONLY|os.O_RDWR) != 0 {
			w.opened = append(w.opened, path)
		}
	}
}

// field reads a number from a file of /proc.
func field(path string, line *regexp.Regexp, base int) (int64, bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	m := line.FindSubmatch(b)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(string(m[1]), base, 64)
	return n, err == nil
}
