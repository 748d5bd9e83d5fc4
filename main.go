// Command mirror-git-to-s3 copies git repositories into S3 so that plain git
// clones them from there.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/inputs"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal stops cleanly; with its handler gone, a second one
	// ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(realMain(ctx, os.Args[1:], process{
		os.Stdin, os.Stdout, os.Stderr, os.Getenv, report.NewActions(os.Getenv, os.Stderr),
	}))
}

// process is what the program has of the outside world.
type process struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	actions        *report.Actions
}

// errMirrorsFailed says that the results, which were printed, hold failures.
var errMirrorsFailed = errors.New("at least one mirror failed")

// realMain is the program; it returns the exit code.
func realMain(ctx context.Context, args []string, p process) int {
	cmd := inputs.Command(inputs.App{
		Version: versionText(), Getenv: p.getenv, Secret: p.actions.Mask,
		Mirror: p.mirror, Serve: p.serve, Agent: p.agent, Summary: p.summary,
	})
	cmd.SetArgs(args)
	cmd.SetIn(p.stdin)
	cmd.SetOut(p.stdout)
	cmd.SetErr(p.stderr)
	err := cmd.ExecuteContext(ctx)
	var usage *inputs.UsageError
	var ended commandEnded
	switch {
	case err == nil:
		return inputs.ExitOK
	case errors.As(err, &ended):
		return int(ended)
	case errors.Is(err, inputs.ErrNothingSaid):
		inputs.WriteShortHelp(p.stderr)
		return inputs.ExitUsage
	case errors.As(err, &usage):
		p.actions.Fail(err)
		return inputs.ExitUsage
	case !errors.Is(err, errMirrorsFailed):
		p.actions.Fail(err)
	}
	return inputs.ExitFailed
}
