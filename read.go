package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/s3store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store/dirstore"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/inputs"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/agent"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/serve"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/upstream"
)

// commandEnded is the exit code of a command that was run for the user.
type commandEnded int

func (c commandEnded) Error() string {
	return fmt.Sprintf("the command ended with exit code %d", int(c))
}

// serve passes a mirror through at a local address.
func (p process) serve(ctx context.Context, c inputs.ReadConfig) error {
	up, name, err := openUpstream(ctx, c, c.Upstream)
	if err != nil {
		return inputs.NewUsageError(err)
	}
	config := serve.Config{
		Upstream: up, Name: name, Bind: c.Bind, Command: c.Command, Environ: os.Environ(),
		Stdin: p.stdin, Stdout: p.stdout, Stderr: p.stderr, Log: p.readLog(c),
	}
	if len(c.Command) > 0 {
		// The command decides about signals; it is not ended by ctx too.
		signals := make(chan os.Signal, 8)
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
		defer signal.Stop(signals)
		config.Signals = signals
		ctx = context.WithoutCancel(ctx)
	}
	code, err := serve.Run(ctx, config)
	if err != nil {
		fmt.Fprintf(p.stderr, "mirror-git-to-s3: %v\n", err)
	}
	if code != 0 {
		return commandEnded(code)
	}
	return nil
}

// agent fetches LFS objects for git-lfs, or makes it do so in a clone.
func (p process) agent(ctx context.Context, c inputs.ReadConfig) error {
	if c.Install {
		return p.installAgent(ctx, c)
	}
	temp, err := agent.TempDir(ctx, "")
	if err != nil {
		return err
	}
	return agent.Run(ctx, agent.Config{
		Open: func(ctx context.Context, remote string) (upstream.Upstream, error) {
			where, err := c.Upstream, error(nil)
			if where == "" {
				where, err = agent.RemoteURL(ctx, "", remote)
			}
			if err != nil {
				return nil, err
			}
			up, _, err := openUpstream(ctx, c, where)
			return up, err
		},
		TempDir: temp, Stdin: p.stdin, Stdout: p.stdout,
	})
}

func (p process) installAgent(ctx context.Context, c inputs.ReadConfig) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	where := c.Upstream
	if where == "" {
		if where, err = agent.RemoteURL(ctx, "", ""); err != nil {
			return err
		}
	}
	if _, _, err := openUpstream(ctx, c, where); err != nil {
		return inputs.NewUsageError(err)
	}
	args := []string{"lfs-agent", "--upstream", where}
	if c.EndpointURL != "" {
		args = append(args, "--endpoint-url", c.EndpointURL)
	}
	if c.Region != "" {
		args = append(args, "--region", c.Region)
	}
	if c.ForcePathStyle {
		args = append(args, "--force-path-style")
	}
	if err := agent.Install(ctx, agent.Installation{Executable: self, Args: args}); err != nil {
		return err
	}
	fmt.Fprintf(p.stderr, "git-lfs now downloads from %s in this clone; next: git lfs pull\n", redacted(where))
	return nil
}

// openUpstream opens a mirror for reading, and says what it is called.
func openUpstream(ctx context.Context, c inputs.ReadConfig, where string) (up upstream.Upstream, name string, err error) {
	if strings.HasPrefix(where, "http://") || strings.HasPrefix(where, "https://") {
		return openWeb(where)
	}
	t, err := engine.ParseTarget(where)
	switch {
	case err != nil:
		return nil, "", fmt.Errorf("--upstream: %w", err)
	case t.Dir != "":
		d, err := dirstore.New(t.Dir)
		return d, filepath.Base(t.Dir), err
	}
	client, err := s3store.NewClient(ctx, s3store.ClientConfig{
		EndpointURL: c.EndpointURL, Region: c.Region, ForcePathStyle: c.ForcePathStyle,
	})
	if err != nil {
		return nil, "", err
	}
	s := s3store.New(s3store.Config{Client: client, Bucket: t.Bucket, Prefix: t.Prefix})
	return s, path.Base(t.Bucket + "/" + t.Prefix), nil
}

// webTimeout is how long a server may take to begin an answer.
const webTimeout = time.Minute

func openWeb(where string) (upstream.Upstream, string, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = webTimeout
	t.MaxIdleConnsPerHost = 16 // git-lfs and batch look-ups ask at once
	up, err := upstream.NewWeb(&http.Client{Transport: t}, where)
	if err != nil {
		return nil, "", err
	}
	u, err := url.Parse(where)
	if err != nil {
		return nil, "", err
	}
	name := path.Base(u.Path)
	if name == "/" || name == "." {
		name = u.Hostname()
	}
	return up, name, nil
}

func redacted(where string) string {
	if u, err := url.Parse(where); err == nil {
		return u.Redacted()
	}
	return "the mirror"
}

// readLog is the log of the commands that read: only what goes wrong, unless
// more is asked for.
func (p process) readLog(c inputs.ReadConfig) *slog.Logger {
	level := slog.LevelWarn
	if c.Verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: level}))
}
