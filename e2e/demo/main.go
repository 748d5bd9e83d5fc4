// Command demo shows the whole of it on one machine: a git server, an S3
// server, the mirror between them, and a clone of that mirror by plain git.
//
//	go run ./e2e/demo -program ./mirror-git-to-s3 [-source URL]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/mirrorcheck"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
)

func main() {
	program := flag.String("program", "./mirror-git-to-s3", "the built mirror-git-to-s3")
	source := flag.String("source", "", "URL of a repository; default is this checkout, served on loopback")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := demo(ctx, *program, *source); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// bucket and prefix are where the demo's mirror goes.
const bucket, prefix = "demo", "repository"

// stage is what the demo is played on.
type stage struct {
	program, temp string
	s3            *testserver.S3
	git           *gitfixture.Git
}

func demo(ctx context.Context, program, source string) error {
	program, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "mirror-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	s := &stage{program: program, temp: temp}
	if s.git, err = gitfixture.New(temp); err != nil {
		return err
	}
	if err := s.startS3(ctx); err != nil {
		return err
	}
	defer s.s3.Stop()
	local := ""
	if source == "" {
		server, root, err := s.serveCheckout(ctx)
		if err != nil {
			return err
		}
		defer server.Stop()
		source, local = server.URL("checkout"), root
	}
	return s.play(ctx, source, local)
}

func (s *stage) startS3(ctx context.Context) (err error) {
	if s.s3, err = testserver.StartS3(ctx, filepath.Join(s.temp, "s3")); err != nil {
		return err
	}
	if err := s.s3.CreateBucket(ctx, bucket); err != nil {
		return err
	}
	return s.s3.MakePublic(ctx, bucket)
}

// serveCheckout serves the repository that this source is in.
func (s *stage) serveCheckout(ctx context.Context) (*testserver.Git, string, error) {
	root, err := testserver.Root()
	if err != nil {
		return nil, "", err
	}
	if _, err := s.git.Run(ctx, root, "rev-parse", "--git-dir"); err != nil {
		return nil, "", fmt.Errorf("this source is in no git repository; name one: make demo SOURCE=https://… (%w)", err)
	}
	served := filepath.Join(s.temp, "served")
	if err := os.Mkdir(served, 0o755); err != nil {
		return nil, "", err
	}
	if err := os.Symlink(root, filepath.Join(served, "checkout")); err != nil {
		return nil, "", err
	}
	server, err := testserver.StartGit(ctx, served, testserver.GitOptions{})
	return server, root, err
}

// play mirrors twice, clones, and compares.
func (s *stage) play(ctx context.Context, source, local string) error {
	target := "s3://" + bucket + "/" + prefix
	url := s.s3.Endpoint + "/" + bucket + "/" + prefix
	mirror := []string{s.program, "--source", source, "--target", target}
	clone := filepath.Join(s.temp, "clone.git")
	for _, command := range [][]string{
		mirror,
		{"git", "clone", "--mirror", url, clone},
		{"git", "-C", clone, "fsck", "--full", "--no-progress"},
		{"git", "-C", clone, "count-objects", "-vH"},
		mirror,
	} {
		if err := s.run(ctx, command); err != nil {
			return err
		}
	}
	if err := s.listBucket(); err != nil {
		return err
	}
	if local != "" {
		return s.compare(ctx, local, url)
	}
	return s.compareRefs(ctx, source, url)
}

// run shows a command and what it prints. The mirror has its terminal, and
// both have the network as the user set it up.
func (s *stage) run(ctx context.Context, command []string) error {
	fmt.Printf("\n$ %s\n", strings.ReplaceAll(strings.Join(command, " "), s.program, "mirror-git-to-s3"))
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), s.s3.Environ()...)
	cmd.Env = append(cmd.Env, "GIT_TERMINAL_PROMPT=0")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	// A stop is the command's own affair: it shows how it cleans up.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", command[0], err)
	}
	return nil
}

// folder is where the S3 server keeps the mirror.
func (s *stage) folder() string { return filepath.Join(s.temp, "s3", "buckets", bucket, prefix) }

func (s *stage) listBucket() error {
	const most = 20
	keys, err := mirrorcheck.Keys(s.folder())
	if err != nil {
		return err
	}
	fmt.Printf("\ns3://%s/%s holds %d objects:\n", bucket, prefix, len(keys))
	for i, key := range keys {
		if i == most {
			fmt.Printf("  … and %d more\n", len(keys)-most)
			break
		}
		info, err := os.Stat(filepath.Join(s.folder(), filepath.FromSlash(key)))
		if err != nil {
			return err
		}
		fmt.Printf("%12d  %s\n", info.Size(), key)
	}
	return nil
}

// compare checks everything, as the tests do.
func (s *stage) compare(ctx context.Context, local, url string) error {
	check := filepath.Join(s.temp, "check")
	if err := os.Mkdir(check, 0o755); err != nil {
		return err
	}
	m := mirrorcheck.Mirror{Source: local, URL: url, Folder: s.folder(), Temp: check, Headers: true}
	report, err := m.Check(ctx, s.git)
	if err != nil {
		return fmt.Errorf("the mirror is not as its source: %w", err)
	}
	fmt.Printf("\nSource and clone have the same %d refs and %d objects.\n", report.Refs, report.Objects)
	return nil
}

// compareRefs compares what both addresses say of their refs.
func (s *stage) compareRefs(ctx context.Context, source, url string) error {
	var said []string
	for _, address := range []string{source, url} {
		cmd := exec.CommandContext(ctx, "git", "ls-remote", "--refs", address)
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("git ls-remote: %w", err)
		}
		said = append(said, string(out))
	}
	if said[0] != said[1] {
		return fmt.Errorf("the refs differ: the source has moved meanwhile, or the mirror is wrong")
	}
	fmt.Printf("\nSource and mirror have the same %d refs.\n", strings.Count(said[0], "\n"))
	return nil
}
