package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"runtime/debug"

	"golang.org/x/term"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/awsauth"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/s3store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/inputs"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/report"
)

// runtimeMemory is what the Go runtime may have beside the budget, for the
// tables of objects, connections and itself. With less the collector runs all
// the time while the budget is used up.
const runtimeMemory = 32 << 20

// mirror makes the mirrors and reports the results.
func (p process) mirror(ctx context.Context, c inputs.Config) error {
	setProxy(c)
	options := engineOptions(c)
	debug.SetMemoryLimit(options.MaxMemory + runtimeMemory)
	results, err := p.run(ctx, c, options)
	if err != nil {
		return inputs.NewUsageError(err)
	}
	if err := p.report(c, p.actions.Results(results)); err != nil {
		return err
	}
	if results.Failed() > 0 {
		return errMirrorsFailed
	}
	return nil
}

// run calls the engine and shows its progress and its log on stderr meanwhile.
func (p process) run(ctx context.Context, c inputs.Config, o engine.Options) (engine.Results, error) {
	progress := p.actions.Progress(p.stderr, isTerminal(p.stderr, p.getenv), c.Pairs)
	defer progress.Close()
	level := slog.LevelInfo
	if c.Verbose {
		level = slog.LevelDebug
	}
	o.Log = slog.New(p.actions.Handler(progress, level))
	o.Observe = progress.Observe
	defer context.AfterFunc(ctx, func() {
		o.Log.Warn("stopping cleanly; once more to stop at once", "cause", context.Cause(ctx))
	})()
	if len(c.Pairs) == 0 {
		o.Log.Info("no pair is in this share", "shard", c.Shard)
		return engine.Results{DryRun: c.DryRun}, nil
	}
	var err error
	var refused *awsauth.Error
	if o.S3, err = p.client(ctx, c, o.Log); errors.As(err, &refused) {
		r := engine.AllFailed(c.Pairs, err)
		r.DryRun = c.DryRun
		return r, nil
	} else if err != nil {
		return engine.Results{}, err
	}
	return engine.Mirror(ctx, c.Pairs, o)
}

// client returns the client for targets in S3, nil when there are none.
func (p process) client(ctx context.Context, c inputs.Config, log *slog.Logger) (*s3store.Client, error) {
	var places []awsauth.Place
	for _, pair := range c.Pairs {
		if t, err := engine.ParseTarget(pair.Target); err == nil && t.Bucket != "" {
			places = append(places, awsauth.Place{Bucket: t.Bucket, Prefix: t.Prefix})
		}
	}
	if places == nil {
		return nil, nil
	}
	return awsauth.NewClient(ctx, s3store.ClientConfig{
		EndpointURL: c.EndpointURL, Region: c.Region, ForcePathStyle: c.ForcePathStyle,
	}, c.AWS, places, awsauth.Surroundings{Getenv: p.getenv, Log: log, Secret: p.actions.Secret})
}

// report prints the results, and tells GitHub Actions of them.
func (p process) report(c inputs.Config, r engine.Results) error {
	write := report.WriteTable
	if c.JSON {
		write = report.WriteJSON
	}
	failed := write(p.actions.Plain(p.stdout), r)
	p.actions.Failures(r)
	failed = errors.Join(failed, p.actions.Outputs(r))
	if c.Summary {
		failed = errors.Join(failed, p.actions.Summary(r))
	}
	return failed
}

// setProxy makes the proxy that of all requests: those to sources, LFS servers
// and AWS look for it in the environment, the first time that they need it.
func setProxy(c inputs.Config) {
	for name, value := range map[string]string{"HTTPS_PROXY": c.HTTPProxy, "HTTP_PROXY": c.HTTPProxy, "NO_PROXY": c.NoProxy} {
		if value != "" {
			os.Setenv(name, value)
		}
	}
}

func engineOptions(c inputs.Config) engine.Options {
	o := engine.Options{
		StorageClass: c.StorageClass,
		SSE:          c.SSE,
		SSEKMSKeyID:  c.SSEKMSKeyID,
		ObjectTags:   c.ObjectTags.Encode(),
		Token:        c.Token,
		Tokens:       c.Tokens,
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

// isTerminal tells whether w is a terminal that can move its cursor.
func isTerminal(w io.Writer, getenv func(string) string) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && getenv("TERM") != "dumb"
}
