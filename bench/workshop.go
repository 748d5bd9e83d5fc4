package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
)

const bucket = "bench"

// workshop is where the measuring is done.
type workshop struct {
	program, repo, temp string

	git    *gitfixture.Git
	source *testserver.Git
	s3     *testserver.S3
	pack   string // the pack that the server sends, once a mirror was made
}

// open starts a git server and an S3 server on loopback.
func (w *workshop) open(ctx context.Context) (err error) {
	served := filepath.Join(w.temp, "served")
	if err := os.Mkdir(served, 0o755); err != nil {
		return err
	}
	if err := os.Symlink(w.repo, filepath.Join(served, "repo.git")); err != nil {
		return err
	}
	if w.source, err = testserver.StartGit(ctx, served, testserver.GitOptions{}); err != nil {
		return err
	}
	if w.s3, err = testserver.StartS3(ctx, filepath.Join(w.temp, "s3")); err != nil {
		return err
	}
	return w.s3.CreateBucket(ctx, bucket)
}

func (w *workshop) close() {
	w.source.Stop()
	w.s3.Stop()
}

// cost is what a command took. The CPU time is that of the command and of
// all that it started and waited for, not of the servers.
type cost struct{ wall, cpu time.Duration }

// run runs a command to its end and returns its cost.
func run(cmd *exec.Cmd) (cost, error) {
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	start := time.Now()
	err := cmd.Run()
	took := cost{wall: time.Since(start)}
	if err != nil {
		return cost{}, fmt.Errorf("%v: %w\n%s", cmd.Args, err, &said)
	}
	took.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return took, nil
}

// clone is git clone --mirror.
func (w *workshop) clone(ctx context.Context) (cost, error) {
	to := filepath.Join(w.temp, "clone.git")
	defer os.RemoveAll(to)
	return run(w.git.Command(ctx, w.temp, "clone", "--quiet", "--mirror", w.source.URL("repo.git"), to))
}

// mirror is the whole program, into an empty prefix.
func (w *workshop) mirror(ctx context.Context) (cost, error) {
	folder := filepath.Join(w.temp, "s3", "buckets", bucket, "repo")
	if err := os.RemoveAll(folder); err != nil {
		return cost{}, err
	}
	cmd := exec.CommandContext(ctx, w.program, "--layout", "pack", "--source", w.source.URL("repo.git"), "--target", "s3://"+bucket+"/repo")
	cmd.Env = append(gitfixture.CleanEnv(), "HOME="+w.temp)
	cmd.Env = append(cmd.Env, w.s3.Environ()...)
	took, err := run(cmd)
	if err != nil {
		return cost{}, err
	}
	return took, w.keepPack(folder)
}

// keepPack puts the first mirror's pack where later mirrors don't remove it.
func (w *workshop) keepPack(folder string) error {
	if w.pack != "" {
		return nil
	}
	packs, err := filepath.Glob(filepath.Join(folder, "objects", "pack", "*.pack"))
	if err != nil || len(packs) != 1 {
		return fmt.Errorf("the mirror has %d packs, want 1: %w", len(packs), err)
	}
	w.pack = filepath.Join(w.temp, "sent.pack")
	return os.Link(packs[0], w.pack)
}

// gitIndex is git index-pack on the pack.
func (w *workshop) gitIndex(ctx context.Context) (cost, error) {
	idx := filepath.Join(w.temp, "git.idx")
	os.Remove(idx) // git does not write over it
	return run(w.git.Command(ctx, w.temp, "index-pack", "--no-rev-index", "-o", idx, w.pack))
}

// ownIndex is this program with -index, which does what a mirror does with a
// pack, and no more. Its idx must be git's.
func (w *workshop) ownIndex(ctx context.Context) (cost, error) {
	self, err := os.Executable()
	if err != nil {
		return cost{}, err
	}
	took, err := run(exec.CommandContext(ctx, self, "-index", w.pack))
	if err != nil {
		return cost{}, err
	}
	own, err := os.ReadFile(idxOf(w.pack))
	if err != nil {
		return cost{}, err
	}
	if git, err := os.ReadFile(filepath.Join(w.temp, "git.idx")); err != nil || !bytes.Equal(git, own) {
		return cost{}, fmt.Errorf("the idx is not the one that git index-pack writes: %w", err)
	}
	return took, nil
}
