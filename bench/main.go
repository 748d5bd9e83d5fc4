// Command bench compares mirror-git-to-s3 with git on the same repository in
// the same run, as ratios:
//
//   - the wall time of a whole mirror into a local S3 server, in the pack
//     layout, with that of git clone --mirror from the same URL;
//   - the CPU time of scanning, resolving and indexing a pack with that of
//     git index-pack on the same pack.
//
// Rounds alternate, and the medians are compared.
//
//	go run ./bench -program ./mirror-git-to-s3 [-repo PATH] [-rounds N]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
)

// The aims, as ratios to git.
const (
	aimMirror = 0.7
	aimIndex  = 0.6
)

func main() {
	program := flag.String("program", "./mirror-git-to-s3", "the built mirror-git-to-s3")
	repo := flag.String("repo", "", "a bare repository; default is a made-up one of 139,877 objects")
	cache := flag.String("cache", ".tools/bench", "where the made-up repository is kept")
	rounds := flag.Int("rounds", 5, "rounds of each")
	index := flag.String("index", "", "index this pack, write its idx beside and end (what is measured)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := func() error {
		if *index != "" {
			return indexPack(ctx, *index)
		}
		return measure(ctx, *program, *repo, *cache, *rounds)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, program, repo, cache string, rounds int) error {
	temp, err := os.MkdirTemp("", "mirror-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	git, err := gitfixture.New(temp)
	if err != nil {
		return err
	}
	if repo == "" {
		if repo, err = gitfixture.Benchmark.At(ctx, git, cache); err != nil {
			return err
		}
	}
	w := &workshop{temp: temp, git: git}
	if w.program, err = filepath.Abs(program); err != nil {
		return err
	}
	if w.repo, err = filepath.Abs(repo); err != nil {
		return err
	}
	if err := w.open(ctx); err != nil {
		return err
	}
	defer w.close()
	rows, err := w.compare(ctx, rounds)
	if err != nil {
		return err
	}
	return w.print(ctx, os.Stdout, rows)
}
