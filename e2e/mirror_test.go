package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/mirrorcheck"
)

// The exit codes of the contract.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// runTimeout is more than any run takes, on a slow machine too.
const runTimeout = 5 * time.Minute

// results is the contract of --json, written down a second time so that the
// engine's types can't change it unnoticed.
type results struct {
	Mirrors    []result `json:"mirrors"`
	PeakMemory int64    `json:"peak_memory_bytes"`
	DryRun     bool     `json:"dry_run"`
}

type result struct {
	Source   string  `json:"source"`
	Target   string  `json:"target"`
	CloneURL string  `json:"clone_url"`
	Status   string  `json:"status"`
	Error    string  `json:"error"`
	Layout   string  `json:"layout"`
	Seconds  float64 `json:"seconds"`
	Refs     struct {
		Total   int `json:"total"`
		Added   int `json:"added"`
		Updated int `json:"updated"`
		Deleted int `json:"deleted"`
	} `json:"refs"`
	Objects struct {
		Commit   int `json:"commit"`
		Tree     int `json:"tree"`
		Blob     int `json:"blob"`
		Tag      int `json:"tag"`
		Total    int `json:"total"`
		Deltas   int `json:"deltas"`
		InMirror int `json:"in_mirror"`
	} `json:"objects"`
	LFS struct {
		Total    int   `json:"total"`
		Uploaded int   `json:"uploaded"`
		Skipped  int   `json:"skipped"`
		Bytes    int64 `json:"bytes"`
	} `json:"lfs"`
	Bytes struct {
		Fetched  int64 `json:"fetched"`
		Uploaded int64 `json:"uploaded"`
		ReadBack int64 `json:"read_back"`
	} `json:"bytes"`
	Requests struct {
		Put       int `json:"put"`
		Get       int `json:"get"`
		Head      int `json:"head"`
		List      int `json:"list"`
		Copy      int `json:"copy"`
		Delete    int `json:"delete"`
		Multipart int `json:"multipart"`
	} `json:"requests"`
}

// target is a place for a mirror, as the program and as its readers name it.
type target struct {
	url      string // for --target
	cloneURL string
	folder   string
	inS3     bool
}

// name makes a test's name one that can be a folder and a part of a key.
func name(t *testing.T) string { return strings.ReplaceAll(t.Name(), "/", "-") }

func s3Target(t *testing.T) target {
	return target{
		url:      "s3://" + bucket + "/" + name(t),
		cloneURL: world.s3.Endpoint + "/" + bucket + "/" + name(t),
		folder:   filepath.Join(world.buckets, bucket, name(t)),
		inS3:     true,
	}
}

func fileTarget(t *testing.T) target {
	folder := filepath.Join(world.files, name(t))
	return target{url: "file://" + folder, cloneURL: world.static.URL + "/" + name(t), folder: folder}
}

// repo makes a repository that the servers serve; the second result is its
// path in URLs.
func repo(t *testing.T, f gitfixture.Fixture) (*gitfixture.Repo, string) {
	t.Helper()
	path := name(t) + ".git"
	r := gitfixture.Init(t.Context(), world.git, filepath.Join(world.repos, path), f.Format)
	f.Make(r)
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	return r, path
}

// command is the program with arguments, in an environment that knows of the
// test's S3 server and of nothing else.
func command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, world.program, args...)
	cmd.Env = append(gitfixture.CleanEnv(), "HOME="+world.home)
	cmd.Env = append(cmd.Env, world.s3.Environ()...)
	return cmd
}

// ended is how a run of the program ended.
type ended struct {
	code           int
	stdout, stderr string
	results
}

// finish runs a command to its end. What is in started is called with its
// process.
func finish(t *testing.T, cmd *exec.Cmd, started ...func(*os.Process)) ended {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, f := range started {
		f(cmd.Process)
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return ended{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

// run runs the program with --json, expects an exit code and returns what it
// reports. cmd may have been changed by the caller.
func run(t *testing.T, cmd *exec.Cmd, code int, started ...func(*os.Process)) ended {
	t.Helper()
	cmd.Args = append(cmd.Args, "--json")
	e := finish(t, cmd, started...)
	if e.code != code {
		t.Fatalf("exit code %d, want %d\nstdout: %s\nstderr: %s", e.code, code, e.stdout, e.stderr)
	}
	if err := json.Unmarshal([]byte(e.stdout), &e.results); err != nil {
		t.Fatalf("stdout is not the results: %v\n%s\nstderr: %s", err, e.stdout, e.stderr)
	}
	return e
}

// mirror mirrors one repository and returns its result.
func mirror(t *testing.T, source string, to target, args ...string) result {
	t.Helper()
	return mirrorExpecting(t, exitOK, source, to, args...)
}

func mirrorExpecting(t *testing.T, code int, source string, to target, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), runTimeout)
	defer cancel()
	e := run(t, command(ctx, append([]string{"--source", source, "--target", to.url}, args...)...), code)
	if len(e.Mirrors) != 1 {
		t.Fatalf("%d results for one mirror: %s", len(e.Mirrors), e.stdout)
	}
	if e.Mirrors[0].CloneURL != to.cloneURL && to.inS3 {
		t.Errorf("the clone URL is %q, want %q", e.Mirrors[0].CloneURL, to.cloneURL)
	}
	return e.Mirrors[0]
}

// check compares a mirror with its source, thoroughly, and asserts that
// nothing was left in between.
func check(t *testing.T, source *gitfixture.Repo, to target, change ...func(*mirrorcheck.Mirror)) mirrorcheck.Report {
	t.Helper()
	m := mirrorcheck.Mirror{
		Source: source.Dir, URL: to.cloneURL, Folder: to.folder, Headers: to.inS3, Temp: t.TempDir(),
	}
	for _, f := range change {
		f(&m)
	}
	report, err := m.Check(t.Context(), world.git)
	if err != nil {
		t.Fatalf("the mirror is wrong:\n%v", err)
	}
	noUploads(t, to)
	return report
}

// quick leaves out of a check what takes long on large repositories.
func quick(m *mirrorcheck.Mirror) { m.Quick = true }

// noUploads asserts that no multipart upload to the target is under way.
func noUploads(t *testing.T, to target) {
	t.Helper()
	if !to.inS3 {
		return
	}
	b := bucket
	list, err := world.s3.Client().ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &b})
	if err != nil {
		t.Fatal(err)
	}
	prefix := strings.TrimPrefix(to.url, "s3://"+bucket+"/") + "/"
	for _, u := range list.Uploads {
		if strings.HasPrefix(*u.Key, prefix) {
			t.Errorf("the upload of %s was left", *u.Key)
		}
	}
}

// contents takes what is in a target, to be compared later.
func contents(t *testing.T, to target) mirrorcheck.Contents {
	t.Helper()
	c, err := mirrorcheck.Read(to.folder)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// unchanged asserts that a target holds exactly what it held before.
func unchanged(t *testing.T, to target, before mirrorcheck.Contents) {
	t.Helper()
	if err := mirrorcheck.Unchanged(before, to.folder); err != nil {
		t.Error(err)
	}
	noUploads(t, to)
}
