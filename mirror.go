package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"

	"golang.org/x/term"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/s3store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/inputs"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/report"
)

// mirror makes the mirrors and prints the results.
func (p process) mirror(ctx context.Context, c inputs.Config) error {
	options := engineOptions(c)
	debug.SetMemoryLimit(options.MaxMemory)
	if slices.ContainsFunc(c.Pairs, toS3) {
		client, err := s3store.NewClient(ctx, s3store.ClientConfig{
			EndpointURL: c.EndpointURL, Region: c.Region, ForcePathStyle: c.ForcePathStyle,
		})
		if err != nil {
			return inputs.NewUsageError(err)
		}
		options.S3 = client
	}
	results, err := p.run(ctx, c, options)
	if err != nil {
		return inputs.NewUsageError(err)
	}
	write := report.WriteTable
	if c.JSON {
		write = report.WriteJSON
	}
	if err := write(p.stdout, results); err != nil {
		return err
	}
	if results.Failed() > 0 {
		return errMirrorsFailed
	}
	return nil
}

// run calls the engine and shows its progress and its log on stderr meanwhile.
func (p process) run(ctx context.Context, c inputs.Config, o engine.Options) (engine.Results, error) {
	progress := report.NewProgress(p.stderr, isTerminal(p.stderr, p.getenv), c.Pairs)
	defer progress.Close()
	level := slog.LevelInfo
	if c.Verbose {
		level = slog.LevelDebug
	}
	o.Log = slog.New(report.NewHandler(progress, level))
	o.Observe = progress.Observe
	defer context.AfterFunc(ctx, func() {
		o.Log.Warn("stopping cleanly; once more to stop at once", "cause", context.Cause(ctx))
	})()
	return engine.Mirror(ctx, c.Pairs, o)
}

func engineOptions(c inputs.Config) engine.Options {
	o := engine.Options{
		StorageClass: c.StorageClass,
		SSE:          c.SSE,
		SSEKMSKeyID:  c.SSEKMSKeyID,
		ObjectTags:   c.ObjectTags.Encode(),
		Token:        c.Token,
		LFS:          c.LFS,
		Layout:       c.Layout,
		Refs:         c.Refs,
		ExcludeRefs:  c.ExcludeRefs,
		Full:         c.Full,
		DryRun:       c.DryRun,
		Concurrency:  c.Concurrency,
		MaxMemory:    c.MaxMemory,
	}
	if o.MaxMemory == 0 {
		o.MaxMemory = engine.DefaultMemory()
	}
	return o
}

func toS3(p engine.Pair) bool {
	t, err := engine.ParseTarget(p.Target)
	return err == nil && t.Bucket != ""
}

// isTerminal tells whether w is a terminal that can move its cursor.
func isTerminal(w io.Writer, getenv func(string) string) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && getenv("TERM") != "dumb"
}
