//go:build container

package container

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
)

// project makes the repository that a workflow runs in, as its server has it.
func project(ctx context.Context, t *testing.T) (path string, env []string) {
	t.Helper()
	path = filepath.Join(world.repos, "example", "project")
	if _, err := os.Stat(path); err != nil {
		makeRepo(ctx, t, "example/project", gitfixture.Real.Make)
	}
	return path, []string{"GITHUB_SERVER_URL=" + world.source.URL("")}
}

// TestOwnWorkflow runs the job that tests the action on GitHub.
func TestOwnWorkflow(t *testing.T) {
	ctx := limit(t, 5*time.Minute)
	_, env := project(ctx, t)
	text, err := os.ReadFile(filepath.Join(world.root, ".github", "workflows", "test.yml"))
	if err != nil {
		t.Fatal(err)
	}
	s3 := startVersitygw(ctx, t)
	workflow := string(text)
	for old, new := range map[string]string{
		"172.17.0.1:7070":             strings.TrimPrefix(s3.Endpoint, "http://"),
		"only-for-this-test":          s3.SecretKey,
		"AWS_ACCESS_KEY_ID: mirror\n": "AWS_ACCESS_KEY_ID: " + s3.AccessKey + "\n",
		`e2e/container/s3-server.sh "$ADDRESS" mirrors "$RUNNER_TEMP/s3"`: "true # it runs outside",
		"[ubuntu-24.04, ubuntu-24.04-arm]":                                "[ubuntu-24.04]",
	} {
		if !strings.Contains(workflow, old) {
			t.Fatalf("the workflow has no %q", old)
		}
		workflow = strings.ReplaceAll(workflow, old, new)
	}
	run := runAct(ctx, t, checkout(ctx, t, workflow), append(env, "GITHUB_TOKEN=none"), "--job", "action")
	if !run.ok {
		t.Error(run.log)
	}
}

// TestServerScript starts the server of that job.
func TestServerScript(t *testing.T) {
	ctx := limit(t, 2*time.Minute)
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	cmd := exec.CommandContext(ctx, filepath.Join(world.root, "e2e", "container", "s3-server.sh"), address, bucket, dir)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=secret", "AWS_REGION=us-east-1")
	pid, err := output(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Command("kill", pid).Run()
	for path, want := range map[string]int{"": http.StatusOK, "none": http.StatusNotFound} {
		answer, err := http.Get("http://" + address + "/" + bucket + "/" + path)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("/%s: %s", path, answer.Status)
		}
	}
}

// fence finds the YAML blocks of a text.
var fence = regexp.MustCompile("(?ms)^```ya?ml\n(.*?)^```$")

// TestFirstWorkflow runs the first workflow of the README and of docs, with no
// more than the names changed. The store's address, which AWS's own clients
// know, comes from the environment.
func TestFirstWorkflow(t *testing.T) {
	for _, file := range []string{"README.md", "docs/workflows.md"} {
		t.Run(file, func(t *testing.T) {
			ctx := limit(t, 5*time.Minute)
			path, env := project(ctx, t)
			text, err := os.ReadFile(filepath.Join(world.root, file))
			if err != nil {
				t.Fatal(err)
			}
			block := fence.FindSubmatch(text)
			if block == nil {
				t.Fatal("no workflow")
			}
			workflow := adapt(t, whole(string(block[1])))
			i := startIssuer(t)
			m := startMinio(ctx, t, i, "my-repo")
			env = append(env, "AWS_ENDPOINT_URL="+m.Endpoint)
			run := runAct(ctx, t, checkout(ctx, t, workflow), append(env, i.environ()...))
			if !run.ok {
				t.Fatal(run.log)
			}
			cloneEquals(ctx, t, path, m.Endpoint+"/"+bucket+"/my-repo")
		})
	}
}

// whole makes a workflow of what is shown of one job.
func whole(block string) string {
	if strings.Contains(block, "jobs:\n") {
		return block
	}
	job := strings.ReplaceAll(strings.TrimSuffix(block, "\n"), "\n", "\n    ")
	return "on: push\njobs:\n  mirror:\n    runs-on: ubuntu-latest\n    " + job + "\n"
}

var (
	released = regexp.MustCompile(`(?m)^( +)- uses: mirror-git-to-s3/mirror-git-to-s3@v1$`)
	awsRole  = regexp.MustCompile(`arn:aws:iam::\d+:role/[\w-]+`)
)

// adapt puts the working copy in the place of a release, which needs a
// checkout before it, and the tests' names in that of the examples'.
func adapt(t *testing.T, workflow string) string {
	t.Helper()
	if !released.MatchString(workflow) || !awsRole.MatchString(workflow) {
		t.Fatalf("the workflow uses no release, or no role:\n%s", workflow)
	}
	workflow = released.ReplaceAllString(workflow, "$1- uses: actions/checkout@v7\n$1- uses: ./")
	workflow = awsRole.ReplaceAllString(workflow, role())
	return strings.ReplaceAll(workflow, "s3://my-bucket/", "s3://"+bucket+"/")
}

// summaryWorkflow is the last job of the documentation's matrix, with the
// results of two jobs where the download would put them.
const summaryWorkflow = `
on: push
permissions: {}
jobs:
  summary:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v7
      - run: |
          mkdir -p results/results-1 results/results-2
          echo "$RESULTS_1" >results/results-1/results-1.json
          echo "$RESULTS_2" >results/results-2/results-2.json
      - uses: ./
        id: mirror
        with:
          args: summary results
      - if: always()
        env:
          OUTPUTS: ${{ toJSON(steps.mirror.outputs) }}
        run: echo "OUTPUTS $(echo "$OUTPUTS" | tr -d '\n')"
`

// TestSummaryOfJobs merges the results of a matrix's jobs.
func TestSummaryOfJobs(t *testing.T) {
	ctx := limit(t, 2*time.Minute)
	docs, err := os.ReadFile(filepath.Join(world.root, "docs", "workflows.md"))
	if err != nil || !strings.Contains(string(docs), "          args: summary results\n") {
		t.Errorf("docs/workflows.md does not do this: %v", err)
	}
	result := func(name, status string) string {
		return `{"mirrors":[{"source":"https://example.com/` + name + `","target":"s3://b/` + name + `","clone_url":"https://b.example.com/` +
			name + `","status":"` + status + `"}],"peak_memory_bytes":1}`
	}
	run := runAct(ctx, t, checkout(ctx, t, summaryWorkflow), []string{
		"RESULTS_1=" + result("one", engine.StatusMirrored), "RESULTS_2=" + result("two", engine.StatusUpToDate),
	})
	if !run.ok {
		t.Fatal(run.log)
	}
	wantOutputs(t, run, map[string]string{"mirrored": "1", "up-to-date": "1", "failed": "0"})
	summary := strings.Join(run.summaries, "")
	for _, want := range []string{"example.com/one", "example.com/two", "1 mirrored, 1 up-to-date"} {
		if !strings.Contains(summary, want) {
			t.Errorf("%q is not in the summary:\n%s", want, summary)
		}
	}
}
