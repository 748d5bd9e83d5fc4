// Package engine mirrors git repositories from smart HTTP servers to S3 or a
// directory, as static repositories that plain git clones over HTTP.
//
// Start with [Mirror], which takes pairs of source and target, and [Options].
//
//	results, err := engine.Mirror(ctx, []engine.Pair{{
//		Source: "https://example.test/repo",
//		Target: "s3://bucket/repo",
//	}}, engine.Options{S3: client})
//
// Each mirror goes through plan (what does the mirror have, what does the
// source have), fetch (a pack, indexed while it arrives), and publish, in an
// order that leaves a clone of the mirror whole at every moment.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"golang.org/x/sync/errgroup"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/refs"
)

const (
	defaultConcurrency = 4
	// minShare is what a mirror is given at least: fewer run at once when
	// the memory is short.
	minShare = 64 << 20
	// minDefaultMemory is the least that DefaultMemory returns.
	minDefaultMemory = 128 << 20
)

// DefaultMemory is half of the memory that the process may use, as its cgroup
// or the machine limits it, in bytes; at least 128 MiB.
func DefaultMemory() int64 {
	limit, err := memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)()
	if err != nil {
		return 1 << 30
	}
	return max(minDefaultMemory, int64(limit/2))
}

// Mirror makes or updates a mirror of each pair's source at its target. What
// one mirror fails of is in its Result; the others go on. The error is for
// pairs and options that nothing can be done with, before anything is done.
func Mirror(ctx context.Context, pairs []Pair, o Options) (Results, error) {
	if err := o.setDefaults(pairs); err != nil {
		return Results{}, err
	}
	res := Results{Mirrors: make([]Result, len(pairs)), DryRun: o.DryRun}
	n := min(o.Concurrency, len(pairs), int(max(1, o.MaxMemory/minShare)))
	var g errgroup.Group
	g.SetLimit(n)
	for i, p := range pairs {
		g.Go(func() error {
			res.Mirrors[i] = mirrorOne(ctx, p, o, o.MaxMemory/int64(n))
			return nil
		})
	}
	g.Wait()
	res.PeakMemory = peakMemory()
	return res, nil
}

func (o *Options) setDefaults(pairs []Pair) error {
	if err := CheckPairs(pairs); err != nil {
		return err
	}
	if _, err := refs.Filter(nil, o.Refs, o.ExcludeRefs); err != nil {
		return err
	}
	if o.Layout == "" {
		o.Layout = Auto
	}
	if o.Layout != Auto && o.Layout != Pack && o.Layout != Loose {
		return fmt.Errorf("layout %q: it is one of auto, pack and loose", o.Layout)
	}
	for _, p := range pairs {
		if t, _ := ParseTarget(p.Target); t.Bucket != "" && o.S3 == nil && o.open == nil {
			return errors.New("a target in S3 needs an S3 client")
		}
	}
	if o.LFS == "" {
		o.LFS = LFSTrue
	}
	if o.LFS != LFSTrue && o.LFS != LFSFalse && o.LFS != LFSBestEffort {
		return fmt.Errorf("LFS %q: it is one of true, false and best-effort", o.LFS)
	}
	if o.Concurrency <= 0 {
		o.Concurrency = defaultConcurrency
	}
	if o.MaxMemory <= 0 {
		o.MaxMemory = DefaultMemory()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.wait == 0 {
		o.wait = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}
