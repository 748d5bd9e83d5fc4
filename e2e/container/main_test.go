//go:build container

package container

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
)

const (
	// image is what the Dockerfile makes, under the name that act looks for
	// when a workflow says `uses: ./`, so that it isn't built again.
	image = "act-dockeraction:latest"
	// version is what the image is told that it is.
	version = "v0.0.0-test"
)

// world is what all tests share.
var world struct {
	root  string // of this repository
	temp  string // short: sockets are below it
	repos string // served by source

	engine *docker
	git    *gitfixture.Git
	source *testserver.Git
	built  time.Duration
}

func TestMain(m *testing.M) {
	code, err := inWorld(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, "setting up the container tests:", err)
		code = 1
	}
	os.Exit(code)
}

// inWorld runs the tests with the engine, its images and the git server, and
// removes all of it.
func inWorld(tests func() int) (code int, err error) {
	if world.temp, err = os.MkdirTemp("", "m2s-"); err != nil {
		return 0, err
	}
	defer os.RemoveAll(world.temp)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if world.root, err = testserver.Root(); err != nil {
		return 0, err
	}
	dir := filepath.Join(world.temp, "docker")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return 0, err
	}
	if world.engine, err = startEngine(ctx, dir); err != nil {
		return 0, err
	}
	defer world.engine.stop()
	if err := startSource(ctx); err != nil {
		return 0, err
	}
	defer world.source.Stop()
	if err := makeImages(ctx); err != nil {
		return 0, err
	}
	return tests(), nil
}

func startSource(ctx context.Context) (err error) {
	world.repos = filepath.Join(world.temp, "repos")
	home := filepath.Join(world.temp, "home")
	for _, dir := range []string{world.repos, home} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	if world.git, err = gitfixture.New(home); err != nil {
		return err
	}
	world.source, err = testserver.StartGit(ctx, world.repos, testserver.GitOptions{})
	return err
}

// makeImages makes the images that others name, and builds ours.
func makeImages(ctx context.Context) error {
	if err := makeGoImage(ctx, world.engine, world.root, world.temp); err != nil {
		return err
	}
	if err := makeJobImage(ctx, world.engine, world.temp); err != nil {
		return err
	}
	begin := time.Now()
	_, err := world.engine.run(ctx, nil, "build", "--network", "none", "--tag", image,
		"--build-arg", "VERSION="+version, "--build-arg", "REVISION=test", world.root)
	world.built = time.Since(begin)
	return err
}
