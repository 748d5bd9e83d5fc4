package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
)

// bucket is where all tests put their mirrors, each below a prefix of its own.
const bucket = "mirrors"

// world is what all tests share: nothing in it changes but the bucket's and
// the servers' folders, in which every test has its own.
var world struct {
	program string // the built binary
	home    string
	repos   string // served by source and sourceV0
	files   string // targets in directories, served by static
	buckets string // the S3 server's files

	git      *gitfixture.Git
	s3       *testserver.S3
	source   *testserver.Git
	sourceV0 *testserver.Git
	static   *httptest.Server
}

func TestMain(m *testing.M) {
	code, err := inWorld(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, "setting up the end-to-end tests:", err)
		code = 1
	}
	os.Exit(code)
}

// inWorld runs the tests with everything built and started, and stops it.
func inWorld(tests func() int) (int, error) {
	temp, err := os.MkdirTemp("", "mirror-e2e-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(temp)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := buildProgram(ctx, temp); err != nil {
		return 0, err
	}
	if err := start(ctx, temp); err != nil {
		return 0, err
	}
	code := tests()
	world.static.Close()
	world.source.Stop()
	world.sourceV0.Stop()
	world.s3.Stop()
	return code, nil
}

// buildProgram makes the program.
func buildProgram(ctx context.Context, temp string) error {
	root, err := testserver.Root()
	if err != nil {
		return err
	}
	world.program = filepath.Join(temp, "mirror-git-to-s3")
	cmd := exec.CommandContext(ctx, "go", "build", build.flag, "-o", world.program, ".")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED="+build.cgo)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the program: %w\n%s", err, out)
	}
	return nil
}

// start starts the servers and gives each its folder.
func start(ctx context.Context, temp string) (err error) {
	s3dir := filepath.Join(temp, "s3")
	world.home, world.repos, world.files = filepath.Join(temp, "home"), filepath.Join(temp, "repos"), filepath.Join(temp, "files")
	world.buckets = filepath.Join(s3dir, "buckets")
	for _, dir := range []string{world.home, world.repos, world.files} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	if world.git, err = gitfixture.New(world.home); err != nil {
		return err
	}
	if world.s3, err = testserver.StartS3(ctx, s3dir); err != nil {
		return err
	}
	if err := world.s3.CreateBucket(ctx, bucket); err != nil {
		return err
	}
	if err := world.s3.MakePublic(ctx, bucket); err != nil {
		return err
	}
	if world.source, err = testserver.StartGit(ctx, world.repos, testserver.GitOptions{}); err != nil {
		return err
	}
	v0 := testserver.GitOptions{Handler: testserver.V0Only()}
	if world.sourceV0, err = testserver.StartGit(ctx, world.repos, v0); err != nil {
		return err
	}
	world.static = httptest.NewServer(http.FileServer(http.Dir(world.files)))
	return nil
}
