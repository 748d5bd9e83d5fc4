package engine_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
)

// A repository is mirrored into a directory. For S3, the target is
// s3://bucket/prefix and Options.S3 the caller's own client.
func ExampleMirror() {
	ctx := context.Background()
	source, target, stop, err := exampleServer(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()

	results, err := engine.Mirror(ctx, []engine.Pair{{
		Source: source,
		Target: target,
	}}, engine.Options{
		Refs: []string{"refs/heads/*", "refs/tags/*"},
		LFS:  engine.LFSFalse,
	})
	if err != nil {
		fmt.Println(err) // nothing was done
		return
	}
	for _, m := range results.Mirrors {
		fmt.Println(m.Status, m.Error, m.Refs.Total, "ref,", m.Objects.InMirror, "objects")
	}
	// Output: mirrored  1 ref, 3 objects
}

// exampleServer serves a repository of one commit by git http-backend.
func exampleServer(ctx context.Context) (source, target string, stop func(), err error) {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		return "", "", nil, err
	}
	script := `git init -q -b main repo && cd repo && echo hello > file && git add file &&
		git -c user.name=A -c user.email=a@example.test commit -q -m first`
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", "", nil, fmt.Errorf("%w: %s", err, out)
	}
	git, err := testserver.StartGit(ctx, dir, testserver.GitOptions{})
	if err != nil {
		return "", "", nil, err
	}
	stop = func() {
		git.Stop()
		os.RemoveAll(dir)
	}
	return git.URL("repo"), "file://" + filepath.Join(dir, "mirror"), stop, nil
}
