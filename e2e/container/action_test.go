//go:build container

package container

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
)

// oidcWorkflow is the workflow of the tests.
func oidcWorkflow(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "oidc.yml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// oidcEnv is what the workflow reads; the pairs are "source target".
func oidcEnv(endpoint string, pairs ...string) []string {
	return []string{"S3=" + endpoint, "ROLE=" + role(), "AUDIENCE=" + audience, "MIRRORS=" + strings.Join(pairs, "\n")}
}

// TestAction goes all the way: a token, the STS that verifies it, the least
// policy, the mirror, outputs, summary, and a reader.
func TestAction(t *testing.T) {
	ctx := limit(t, 5*time.Minute)
	path := makeRepo(ctx, t, "action.git", gitfixture.Real.Make)
	i := startIssuer(t)
	m := startMinio(ctx, t, i, "my-repo")
	dir := checkout(ctx, t, oidcWorkflow(t))
	env := append(oidcEnv(m.Endpoint, world.source.URL("action.git")+" s3://"+bucket+"/my-repo"), i.environ()...)

	first := runAct(ctx, t, dir, env)
	if !first.ok || len(first.errors) > 0 {
		t.Fatalf("annotations %q\n%s", first.errors, first.log)
	}
	if i.issued.Load() == 0 {
		t.Error("no token was asked for")
	}
	url := m.Endpoint + "/" + bucket + "/my-repo"
	cloneEquals(ctx, t, path, url)
	wantOutputs(t, first, map[string]string{
		"changed": "true", "mirrored": "1", "up-to-date": "0", "failed": "0", "clone-urls": url, "lfs-objects": "0",
	})
	for _, name := range []string{"objects", "objects-uploaded", "bytes-uploaded"} {
		if n, err := strconv.Atoi(first.outputs[name]); err != nil || n < 900 {
			t.Errorf("output %s is %q", name, first.outputs[name])
		}
	}
	var results engine.Results
	if err := json.Unmarshal([]byte(first.outputs["results"]), &results); err != nil || len(results.Mirrors) != 1 {
		t.Errorf("output results: %v in %s", err, first.outputs["results"])
	}
	summary := strings.Join(first.summaries, "")
	for _, want := range []string{world.source.URL("action.git"), engine.StatusMirrored, "git clone " + url} {
		if !strings.Contains(summary, want) {
			t.Errorf("%q is not in the summary:\n%s", want, summary)
		}
	}

	second := runAct(ctx, t, dir, env)
	if !second.ok {
		t.Fatal(second.log)
	}
	wantOutputs(t, second, map[string]string{"changed": "false", "mirrored": "0", "up-to-date": "1", "failed": "0", "bytes-uploaded": "0"})
	for _, run := range []actRun{first, second} {
		for _, secret := range []string{runnerToken, "eyJ"} { // "eyJ" begins every token
			if strings.Contains(run.log, secret) || strings.Contains(strings.Join(run.summaries, ""), secret) {
				t.Errorf("%q was printed:\n%s", secret, run.log)
			}
		}
	}
}

func wantOutputs(t *testing.T, run actRun, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := run.outputs[name]; got != value {
			t.Errorf("output %s is %q, want %q", name, got, value)
		}
	}
}

// TestActionRefused wants an annotation that says why, and an empty bucket.
func TestActionRefused(t *testing.T) {
	ctx := limit(t, 10*time.Minute)
	makeRepo(ctx, t, "refused.git", small)
	i := startIssuer(t)
	m := startMinio(ctx, t, i, "my-repo")
	dir := checkout(ctx, t, oidcWorkflow(t))
	env := oidcEnv(m.Endpoint, world.source.URL("refused.git")+" s3://"+bucket+"/my-repo")
	forger := &issuer{url: i.url, lifetime: i.lifetime, public: i.public}
	forger.forge(t)

	for _, test := range []struct {
		name string
		env  []string
		key  *issuer
		want []string // in the annotation
	}{
		{"no permission", nil, i, []string{"id-token: write"}},
		{"wrong audience", append(i.environ(), "AUDIENCE=somebody.example.com"), i, []string{"somebody.example.com"}},
		{"wrong key", i.environ(), forger, []string{"token"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			key := i.key
			i.key = test.key.key
			defer func() { i.key = key }()
			run := runAct(ctx, t, dir, append(env, test.env...))
			if run.ok {
				t.Error("the step did not fail")
			}
			text := strings.Join(run.errors, "\n")
			t.Log(text)
			for _, want := range test.want {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not in the annotations %q\n%s", want, run.errors, run.log)
				}
			}
			if keys := m.keys(ctx, t); len(keys) > 0 {
				t.Errorf("written: %q", keys)
			}
		})
	}
}

// TestActionForeignPrefix shows that the policy lets the role nowhere else.
func TestActionForeignPrefix(t *testing.T) {
	ctx := limit(t, 5*time.Minute)
	makeRepo(ctx, t, "foreign.git", small)
	i := startIssuer(t)
	m := startMinio(ctx, t, i, "my-repo")
	dir := checkout(ctx, t, oidcWorkflow(t))
	env := append(oidcEnv(m.Endpoint, world.source.URL("foreign.git")+" s3://"+bucket+"/other"), i.environ()...)
	run := runAct(ctx, t, dir, env)
	if text := strings.Join(run.errors, "\n"); run.ok || !strings.Contains(text, "access denied") {
		t.Errorf("annotations %q\n%s", run.errors, run.log)
	}
	if keys := m.keys(ctx, t); len(keys) > 0 {
		t.Errorf("written: %q", keys)
	}
}

// TestActionTwoOfThree has one mirror of three fail.
func TestActionTwoOfThree(t *testing.T) {
	ctx := limit(t, 5*time.Minute)
	one := makeRepo(ctx, t, "one.git", small)
	two := makeRepo(ctx, t, "two.git", gitfixture.Real.Make)
	i := startIssuer(t)
	m := startMinio(ctx, t, i, "my-repo")
	dir := checkout(ctx, t, oidcWorkflow(t))
	target := " s3://" + bucket + "/my-repo/"
	run := runAct(ctx, t, dir, append(oidcEnv(m.Endpoint, "# three",
		world.source.URL("one.git")+target+"one",
		world.source.URL("missing.git")+target+"missing", "",
		world.source.URL("two.git")+target+"two"), i.environ()...))
	if run.ok {
		t.Error("the step did not fail")
	}
	wantOutputs(t, run, map[string]string{"changed": "true", "mirrored": "2", "failed": "1", "up-to-date": "0"})
	url := m.Endpoint + "/" + bucket + "/my-repo/"
	cloneEquals(ctx, t, one, url+"one")
	cloneEquals(ctx, t, two, url+"two")
	if text := strings.Join(run.errors, "\n"); !strings.Contains(text, "missing") {
		t.Errorf("annotations %q\n%s", run.errors, run.log)
	}
	summary := strings.Join(run.summaries, "")
	rows := strings.Split(summary, "\n| ") // two of them are the table's head
	if len(rows) < 4 || !strings.Contains(rows[3], "missing.git") || !strings.Contains(rows[3], engine.StatusFailed) {
		t.Errorf("the failure is not the first row of the summary:\n%s", summary)
	}
	for _, key := range m.keys(ctx, t) {
		if strings.HasPrefix(key, "my-repo/missing/") {
			t.Errorf("written: %s", key)
		}
	}
}

// TestActionOutlivesCredentials has credentials and tokens last for seconds
// while the source sends its pack slowly.
func TestActionOutlivesCredentials(t *testing.T) {
	const (
		lifetime = 5 * time.Second
		size     = 40 << 20  // bytes of the pack, in five parts
		rate     = size / 25 // bytes a second: 25 s
	)
	ctx := limit(t, 10*time.Minute)
	path := makeRepo(ctx, t, "slow.git", func(r *gitfixture.Repo) { noise(r, 5, size/5) })
	source, err := testserver.StartGit(ctx, world.repos, testserver.GitOptions{Handler: testserver.OnlyFetch(atRate(rate))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(source.Stop)
	i := startIssuer(t)
	i.lifetime = lifetime
	m := startMinio(ctx, t, i, "my-repo")
	sts := startShortLived(t, m.Endpoint, lifetime)
	dir := checkout(ctx, t, oidcWorkflow(t))
	run := runAct(ctx, t, dir, append(oidcEnv(sts.url, source.URL("slow.git")+" s3://"+bucket+"/my-repo"), i.environ()...))
	given, wrote, refused := sts.counts()
	t.Logf("%d tokens, %d credentials, %d of them wrote, %d requests too late", i.issued.Load(), given, wrote, refused)
	if !run.ok {
		t.Fatal(run.log)
	}
	cloneEquals(ctx, t, path, m.Endpoint+"/"+bucket+"/my-repo")
	if wrote <= 3 {
		t.Errorf("only %d credentials wrote: the run did not outlive three", wrote)
	}
	if i.issued.Load() < int64(wrote) {
		t.Errorf("%d tokens for %d credentials", i.issued.Load(), wrote)
	}
}

// noise makes a commit with n files that don't compress.
func noise(r *gitfixture.Repo, n, size int) {
	var files []gitfixture.Entry
	random := rand.NewChaCha8([32]byte{1})
	content := make([]byte, size)
	for i := range n {
		random.Read(content)
		files = append(files, gitfixture.Entry{Mode: "100644", Name: strconv.Itoa(i), ID: r.Blob(string(content))})
	}
	r.Ref("refs/heads/main", r.Commit(r.Tree(files...), "noise\n", 1))
	r.Head("refs/heads/main")
}

// atRate sends answers slowly.
func atRate(bytesPerSecond int) testserver.Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(&slowWriter{w, r.Context(), bytesPerSecond}, r)
		})
	}
}

type slowWriter struct {
	http.ResponseWriter
	ctx  context.Context
	rate int
}

func (s *slowWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s *slowWriter) Write(p []byte) (int, error) {
	select {
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	case <-time.After(time.Duration(len(p)) * time.Second / time.Duration(s.rate)):
		return s.ResponseWriter.Write(p)
	}
}
