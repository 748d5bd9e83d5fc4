package e2e

import (
	"context"
	"os"
	"path/filepath"
	"testing"

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
	traced := traceOpens(t, cmd)
	w := watch{stop: make(chan struct{}), done: make(chan struct{})}
	e := run(t, cmd, exitOK, func(p *os.Process) {
		go w.over(p.Pid)
	})
	close(w.stop)
	<-w.done
	for _, opened := range append(traced(), w.opened...) {
		t.Errorf("a file was opened for writing: %s", opened)
	}
	if w.peak == 0 {
		t.Error("the peak of memory was not seen")
	}
	return e, w.peak
}
