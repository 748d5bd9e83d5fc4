package e2e

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/mirrorcheck"
)

// remove deletes an object of a mirror.
func remove(t *testing.T, to target, key string) {
	t.Helper()
	b, k := bucket, strings.TrimPrefix(to.url, "s3://"+bucket+"/")+"/"+key
	if _, err := world.s3.Client().DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &b, Key: &k}); err != nil {
		t.Fatal(err)
	}
}

// TestUsage gives command lines that can't be followed: one clear line each,
// nothing on stdout, nothing written.
func TestUsage(t *testing.T) {
	_, path := repo(t, gitfixture.Small[1])
	source, to := world.source.URL(path), s3Target(t)
	for _, test := range []struct {
		name string
		args []string
		says string
	}{
		{"unknown flag", []string{"--no-such-flag", "--source", source, "--target", to.url}, "--no-such-flag"},
		{"source alone", []string{"--source", source}, "--target"},
		{"target alone", []string{"--target", to.url}, "--source"},
		{"bad source", []string{"--source", "ftp://example.test/x", "--target", to.url}, "ftp://example.test/x"},
		{"bad target", []string{"--source", source, "--target", "/not/a/url"}, "/not/a/url"},
		{"relative directory", []string{"--source", source, "--target", "file://relative/dir"}, "relative"},
		{"no bucket", []string{"--source", source, "--target", "s3:///prefix"}, "s3:///prefix"},
		{"same target", []string{"--source", source, "--target", to.url, "--source", source + "2", "--target", to.url}, to.url},
		{"nested target", []string{"--source", source, "--target", to.url, "--source", source + "2", "--target", to.url + "/in"}, to.url},
		{"layout", []string{"--layout", "other", "--source", source, "--target", to.url}, "other"},
		{"memory", []string{"--max-memory", "much", "--source", source, "--target", to.url}, "much"},
		{"concurrency", []string{"--concurrency", "0", "--source", source, "--target", to.url}, "concurrency"},
		{"glob", []string{"--refs", "main", "--source", source, "--target", to.url}, "main"},
	} {
		t.Run(strings.ReplaceAll(test.name, " ", "-"), func(t *testing.T) {
			e := finish(t, command(t.Context(), test.args...))
			if e.code != exitUsage || e.stdout != "" {
				t.Errorf("exit code %d, want %d; stdout %q", e.code, exitUsage, e.stdout)
			}
			if strings.Count(e.stderr, "\n") != 1 || !strings.Contains(e.stderr, test.says) {
				t.Errorf("want one line that names %q:\n%s", test.says, e.stderr)
			}
		})
	}
	unchanged(t, to, nil)
}

// TestHelpAndVersion are answers, not mistakes.
func TestHelpAndVersion(t *testing.T) {
	help := finish(t, command(t.Context(), "--help"))
	for _, flag := range []string{"--source", "--target", "--layout", "--endpoint-url", "--region", "--force-path-style",
		"--storage-class", "--refs", "--exclude-refs", "--concurrency", "--json", "--dry-run", "--verbose", "--version",
		"--max-memory", "--token", "--full", "Examples"} {
		if !strings.Contains(help.stdout, flag) {
			t.Errorf("--help does not tell of %s", flag)
		}
	}
	version := finish(t, command(t.Context(), "--version"))
	if help.code != exitOK || version.code != exitOK || strings.TrimSpace(version.stdout) == "" {
		t.Errorf("exit codes %d and %d, version %q", help.code, version.code, version.stdout)
	}
}

// TestDryRun says what would be done, and does none of it.
func TestDryRun(t *testing.T) {
	r, path := repo(t, gitfixture.Small[1])
	source := world.source.URL(path)
	for _, to := range []target{s3Target(t), fileTarget(t)} {
		e := run(t, command(t.Context(), "--dry-run", "--source", source, "--target", to.url), exitOK)
		if got := e.Mirrors[0]; !e.DryRun || got.Refs.Added != 1 || got.Requests.Put+got.Requests.Multipart > 0 {
			t.Errorf("first: %s", e.stdout)
		}
		unchanged(t, to, nil)
		mirror(t, source, to)
		before := contents(t, to)
		more(r, 1)
		e = run(t, command(t.Context(), "--dry-run", "--source", source, "--target", to.url), exitOK)
		if got := e.Mirrors[0]; got.Refs.Updated != 1 || got.Refs.Added != 0 {
			t.Errorf("second: %s", e.stdout)
		}
		unchanged(t, to, before)
	}
}

// TestRefGlobs mirrors a part of the refs, and another at the next run.
func TestRefGlobs(t *testing.T) {
	r, path := repo(t, gitfixture.Small[5])
	to := s3Target(t)
	selects := func(f func(string) bool) func(*mirrorcheck.Mirror) {
		return func(m *mirrorcheck.Mirror) { m.Selects = f }
	}
	mirror(t, world.source.URL(path), to, "--refs", "refs/heads/*", "--refs", "refs/tags/*", "--exclude-refs", "refs/heads/deep/*")
	check(t, r, to, selects(func(ref string) bool {
		return strings.HasPrefix(ref, "refs/tags/") || strings.HasPrefix(ref, "refs/heads/") && !strings.HasPrefix(ref, "refs/heads/deep/")
	}))
	got := mirror(t, world.source.URL(path), to, "--exclude-refs", "refs/heads/*", "--exclude-refs", "refs/pull/*")
	report := check(t, r, to, selects(func(ref string) bool {
		return !strings.HasPrefix(ref, "refs/heads/") && !strings.HasPrefix(ref, "refs/pull/")
	}))
	if got.Refs.Total != report.Refs || got.Refs.Deleted == 0 || got.Refs.Added == 0 {
		t.Errorf("%+v", got.Refs)
	}
}

// TestTable prints a table for people on stdout, with what they do next.
func TestTable(t *testing.T) {
	_, path := repo(t, gitfixture.Small[1])
	to := s3Target(t)
	e := finish(t, command(t.Context(), "--source", world.source.URL(path), "--target", to.url))
	if e.code != exitOK || !strings.Contains(e.stdout, to.cloneURL) || !strings.Contains(e.stdout, "mirrored") {
		t.Errorf("exit code %d\nstdout: %s\nstderr: %s", e.code, e.stdout, e.stderr)
	}
}

// TestJSON has every field of the contract, and no other.
func TestJSON(t *testing.T) {
	_, path := repo(t, gitfixture.Small[1])
	for code, source := range map[int]string{exitOK: world.source.URL(path), exitFailed: world.source.URL("missing.git")} {
		to := s3Target(t)
		e := run(t, command(t.Context(), "--verbose", "--source", source, "--target", to.url), code)
		strict := json.NewDecoder(strings.NewReader(e.stdout))
		strict.DisallowUnknownFields()
		var known results
		if err := strict.Decode(&known); err != nil {
			t.Errorf("exit code %d: %v", code, err)
		}
		var got, want map[string]any
		unmarshal(t, []byte(e.stdout), &got)
		again, err := json.Marshal(e.results)
		if err != nil {
			t.Fatal(err)
		}
		unmarshal(t, again, &want)
		delete(want, "dry_run") // only there in a dry run
		sameFields(t, "", want, got)
		if e.PeakMemory < 1<<20 {
			t.Errorf("the peak of memory is reported as %d bytes", e.PeakMemory)
		}
		if bytes.Contains([]byte(e.stderr), []byte(`"mirrors"`)) || e.stderr == "" {
			t.Errorf("stderr: %s", e.stderr)
		}
	}
}

func unmarshal(t *testing.T, b []byte, to any) {
	t.Helper()
	if err := json.Unmarshal(b, to); err != nil {
		t.Fatal(err)
	}
}

// sameFields asserts that got has the fields that want has.
func sameFields(t *testing.T, path string, want, got any) {
	t.Helper()
	switch w := want.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		for key := range w {
			if _, ok := g[key]; !ok {
				t.Errorf("%s.%s is missing", path, key)
			}
			sameFields(t, path+"."+key, w[key], g[key])
		}
	case []any:
		g, _ := got.([]any)
		for i := range w {
			if i < len(g) {
				sameFields(t, path+"[]", w[i], g[i])
			}
		}
	}
}
