//go:build container

package container

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/mirrorcheck"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
)

const (
	maxImageSize = 30_000_000 // bytes
	maxStart     = 100 * time.Millisecond
	bucket       = "mirrors"
)

// confined is as little as a container can have: no writable file, not even
// in /tmp, no capability, no user of the host's, little memory.
var confined = []string{
	"run", "--rm", "--network", "host",
	"--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
	"--memory", "256m", "--memory-swap", "256m",
}

// limit is the time of a test.
func limit(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestImage(t *testing.T) {
	ctx := limit(t, time.Minute)
	t.Logf("built in %s", world.built.Round(time.Second))
	out, err := world.engine.run(ctx, nil, "image", "inspect", image)
	if err != nil {
		t.Fatal(err)
	}
	var images []struct {
		Size   int64
		Config struct {
			Labels     map[string]string
			Entrypoint []string
		}
	}
	if err := json.Unmarshal([]byte(out), &images); err != nil || len(images) != 1 {
		t.Fatalf("docker image inspect: %v\n%s", err, out)
	}
	i := images[0]
	t.Logf("%.1f MB", float64(i.Size)/1e6)
	if i.Size >= maxImageSize {
		t.Errorf("the image has %d bytes, more than %d", i.Size, maxImageSize)
	}
	if !slices.Equal(i.Config.Entrypoint, []string{"/mirror-git-to-s3"}) {
		t.Errorf("entry point %q", i.Config.Entrypoint)
	}
	for _, name := range []string{"title", "description", "url", "source", "documentation", "licenses", "version", "revision"} {
		if i.Config.Labels["org.opencontainers.image."+name] == "" {
			t.Errorf("label %s is empty", name)
		}
	}
	if got, err := world.engine.run(ctx, nil, append(confined, image, "--version")...); !strings.Contains(got, " "+version+" ") {
		t.Errorf("--version prints %q %v, want %s in it", got, err, version)
	}
}

// TestImageStart measures the program alone, from the folder that the image
// was unpacked to: starting a container costs an engine more than that.
func TestImageStart(t *testing.T) {
	ctx := limit(t, time.Minute)
	dir := unpack(ctx, t, image)
	var times []time.Duration
	for range 11 {
		cmd := exec.CommandContext(ctx, filepath.Join(dir, "mirror-git-to-s3"), "--version")
		begin := time.Now()
		if _, err := output(cmd); err != nil {
			t.Fatal(err)
		}
		times = append(times, time.Since(begin))
	}
	slices.Sort(times)
	t.Logf("starts in %s, between %s and %s", times[len(times)/2], times[0], times[len(times)-1])
	if median := times[len(times)/2]; median > maxStart {
		t.Errorf("starts in %s, more than %s", median, maxStart)
	}
}

// unpack returns a folder with an image's files, and checks that there are
// no others than the program and the certificates.
func unpack(ctx context.Context, t *testing.T, image string) string {
	t.Helper()
	id, err := world.engine.run(ctx, nil, "create", image)
	if err != nil {
		t.Fatal(err)
	}
	defer world.engine.run(context.WithoutCancel(ctx), nil, "rm", id)
	archive, err := world.engine.run(ctx, nil, "export", id)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	tar := exec.CommandContext(ctx, "tar", "--extract", "--directory", dir)
	tar.Stdin = strings.NewReader(archive)
	if _, err := output(tar); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"mirror-git-to-s3", certificates} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s in the image: %v", name, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "tmp")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("/tmp in the image: %v", err)
	}
	return dir
}

// TestStandalone runs the image as its users do, on a real repository.
func TestStandalone(t *testing.T) {
	ctx := limit(t, 5*time.Minute)
	s3 := startVersitygw(ctx, t)
	repo := "standalone.git"
	path := makeRepo(ctx, t, repo, gitfixture.Real.Make)
	for _, user := range []string{"0", "65534"} {
		target := "s3://" + bucket + "/standalone-" + user
		results := runImage(ctx, t, s3.Environ(), []string{"--user", user},
			"--source", world.source.URL(repo), "--target", target, "--json")
		if m := results.Mirrors[0]; m.Status != engine.StatusMirrored || m.Objects.Total < 900 {
			t.Errorf("user %s: %+v", user, m)
		}
		checkMirror(ctx, t, path, s3, "standalone-"+user)
	}
	again := runImage(ctx, t, s3.Environ(), nil, "--source", world.source.URL(repo), "--target", "s3://"+bucket+"/standalone-0", "--json")
	if m := again.Mirrors[0]; m.Status != engine.StatusUpToDate {
		t.Errorf("the second run: %+v", m)
	}
}

// TestStandaloneInputs gives the container variables instead of arguments.
func TestStandaloneInputs(t *testing.T) {
	ctx := limit(t, 2*time.Minute)
	s3 := startVersitygw(ctx, t)
	path := makeRepo(ctx, t, "inputs.git", small)
	env := append(s3.Environ(), "INPUT_SOURCE="+world.source.URL("inputs.git"),
		"INPUT_TARGET=s3://"+bucket+"/inputs", "INPUT_JSON=true", "INPUT_MAX-MEMORY=64MiB")
	if m := runImage(ctx, t, env, nil).Mirrors[0]; m.Status != engine.StatusMirrored {
		t.Errorf("%+v", m)
	}
	checkMirror(ctx, t, path, s3, "inputs")
}

// TestStandaloneMistake wants a clear line and exit code 2.
func TestStandaloneMistake(t *testing.T) {
	_, err := world.engine.run(limit(t, time.Minute), nil, append(confined, image, "--source", "https://example.com/a")...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(err.Error(), "--target") {
		t.Errorf("got %v", err)
	}
}

// runImage runs the image confined, with env and more options of docker run,
// and returns the results that it prints.
func runImage(ctx context.Context, t *testing.T, env, options []string, args ...string) engine.Results {
	t.Helper()
	all := slices.Clone(confined)
	for _, kv := range env {
		all = append(all, "--env", kv)
	}
	out, err := world.engine.run(ctx, nil, slices.Concat(all, options, []string{image}, args)...)
	if err != nil {
		t.Fatal(err)
	}
	var results engine.Results
	if err := json.NewDecoder(bytes.NewReader([]byte(out))).Decode(&results); err != nil || len(results.Mirrors) == 0 {
		t.Fatalf("results: %v\n%s", err, out)
	}
	return results
}

// makeRepo makes a repository that is served as name.
func makeRepo(ctx context.Context, t *testing.T, name string, write func(*gitfixture.Repo)) string {
	t.Helper()
	path := filepath.Join(world.repos, name)
	r := gitfixture.Init(ctx, world.git, path, "")
	write(r)
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return path
}

// small has three branches and a tag.
func small(r *gitfixture.Repo) {
	for i := range 3 {
		r.Line("refs/heads/branch-"+strconv.Itoa(i), "", 10*i, 5)
	}
	r.Git("tag", "-a", "-m", "one", "v1", "refs/heads/branch-0")
	r.Head("refs/heads/branch-0")
}

type gateway struct {
	*testserver.S3
	buckets string // folder of its files
}

// startVersitygw starts an S3 server with a bucket that anybody can read.
func startVersitygw(ctx context.Context, t *testing.T) *gateway {
	t.Helper()
	dir := t.TempDir()
	s3, err := testserver.StartS3(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s3.Stop)
	if err := errors.Join(s3.CreateBucket(ctx, bucket), s3.MakePublic(ctx, bucket)); err != nil {
		t.Fatal(err)
	}
	return &gateway{s3, filepath.Join(dir, "buckets")}
}

// checkMirror compares a mirror in the gateway with its source.
func checkMirror(ctx context.Context, t *testing.T, source string, s3 *gateway, prefix string) {
	t.Helper()
	m := mirrorcheck.Mirror{
		Source: source, URL: s3.Endpoint + "/" + bucket + "/" + prefix,
		Folder: filepath.Join(s3.buckets, bucket, prefix), Temp: t.TempDir(), Headers: true,
	}
	if _, err := m.Check(ctx, world.git); err != nil {
		t.Errorf("%s: %v", prefix, err)
	}
}

// TestArm64 builds the image for the other architecture, as BuildKit would:
// it says which by TARGETARCH.
func TestArm64(t *testing.T) {
	ctx := limit(t, 15*time.Minute)
	const name = "mirror-git-to-s3:arm64"
	if _, err := world.engine.run(ctx, nil, "build", "--network", "none", "--tag", name,
		"--build-arg", "TARGETARCH=arm64", world.root); err != nil {
		t.Fatal(err)
	}
	f, err := elf.Open(filepath.Join(unpack(ctx, t, name), "mirror-git-to-s3"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Machine != elf.EM_AARCH64 {
		t.Errorf("the program is for %s", f.Machine)
	}
}
