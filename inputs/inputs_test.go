package inputs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
)

// parse runs the command line and returns the Config that the app gets.
func parse(env map[string]string, args ...string) (Config, error) {
	var got Config
	cmd := Command(App{
		Getenv: func(name string) string { return env[name] },
		Mirror: func(_ context.Context, c Config) error {
			got = c
			return nil
		},
	})
	cmd.SetArgs(args)
	cmd.SetOut(io.Discard)
	cmd.SetErr(io.Discard)
	return got, cmd.Execute()
}

var pair = []string{"--source", "https://example.com/a.git", "--target", "s3://bucket/a"}

var onePair = []engine.Pair{{Source: "https://example.com/a.git", Target: "s3://bucket/a"}}

func TestDefaults(t *testing.T) {
	c, err := parse(nil, pair...)
	want := Config{Pairs: onePair, Layout: engine.Auto, LFS: engine.LFSTrue, Concurrency: 4}
	if err != nil || !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v, %v; want %+v", c, err, want)
	}
}

func TestEveryFlag(t *testing.T) {
	c, err := parse(nil,
		"--source", "https://example.com/a.git", "--target=s3://bucket/a",
		"--layout=pack", "--lfs", "best-effort", "--refs", "refs/heads/*", "--exclude-refs=refs/heads/wip*", "--refs", "refs/tags/*",
		"--endpoint-url", "http://127.0.0.1:9000", "--region", "eu-west-2", "--force-path-style",
		"--storage-class", "STANDARD_IA", "--sse", "aws:kms", "--sse-kms-key-id", "alias/mine",
		"--object-tags", "team=a&b", "--object-tags=env=", "--concurrency", "7", "--max-memory", "256MiB",
		"--token", "secret", "--full", "--dry-run", "--json", "--verbose",
		"--source", "https://example.com/b.git", "--target", "file:///srv/b")
	want := Config{
		Pairs: []engine.Pair{
			{Source: "https://example.com/a.git", Target: "s3://bucket/a"},
			{Source: "https://example.com/b.git", Target: "file:///srv/b"},
		},
		Layout: engine.Pack, LFS: engine.LFSBestEffort, Refs: []string{"refs/heads/*", "refs/tags/*"}, ExcludeRefs: []string{"refs/heads/wip*"},
		EndpointURL: "http://127.0.0.1:9000", Region: "eu-west-2", ForcePathStyle: true, StorageClass: "STANDARD_IA",
		SSE: "aws:kms", SSEKMSKeyID: "alias/mine", ObjectTags: url.Values{"team": {"a&b"}, "env": {""}},
		Concurrency: 7, MaxMemory: 256 << 20, Token: "secret", Full: true, DryRun: true, JSON: true, Verbose: true,
	}
	if err != nil || !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v, %v; want %+v", c, err, want)
	}
	for i := range reflect.TypeFor[Config]().NumField() {
		if reflect.ValueOf(c).Field(i).IsZero() {
			t.Errorf("no flag set %s", reflect.TypeFor[Config]().Field(i).Name)
		}
	}
}

func TestEnvironment(t *testing.T) {
	env := map[string]string{
		"INPUT_SOURCE": "https://example.com/a.git", "INPUT_TARGET": "s3://bucket/a",
		"INPUT_REFS": "refs/heads/*\n\n  refs/tags/*\n", "INPUT_FULL": "true", "INPUT_JSON": "",
		"INPUT_MAX-MEMORY": "1GiB", "MIRROR_TOKEN": "secret",
	}
	want := Config{
		Pairs: onePair, Layout: engine.Auto, LFS: engine.LFSTrue, Concurrency: 4, Refs: []string{"refs/heads/*", "refs/tags/*"},
		Full: true, MaxMemory: 1 << 30, Token: "secret",
	}
	if c, err := parse(env); err != nil || !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v, %v; want %+v", c, err, want)
	}
	// The command line goes first, and INPUT_TOKEN before MIRROR_TOKEN.
	env["INPUT_TOKEN"] = "input"
	c, err := parse(env, "--full=false", "--refs", "refs/heads/main",
		"--source", "https://example.com/b.git", "--target", "s3://bucket/b")
	want.Pairs = []engine.Pair{{Source: "https://example.com/b.git", Target: "s3://bucket/b"}}
	want.Refs, want.Full, want.Token = []string{"refs/heads/main"}, false, "input"
	if err != nil || !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v, %v; want %+v", c, err, want)
	}
	if _, err := parse(map[string]string{"INPUT_LAYOUT": "heap"}, pair...); err == nil || !strings.HasPrefix(err.Error(), "INPUT_LAYOUT: ") {
		t.Errorf("a mistake in the environment: %v", err)
	}
	// A target from the environment does not go with a source from a flag.
	if _, err := parse(env, "--source", "https://example.com/b.git"); err == nil || !strings.Contains(err.Error(), "has no --target") {
		t.Errorf("half a pair: %v", err)
	}
}

func TestNothingSaid(t *testing.T) {
	if _, err := parse(nil); !errors.Is(err, ErrNothingSaid) {
		t.Error(err)
	}
	if _, err := parse(nil, "--full"); err == nil || errors.Is(err, ErrNothingSaid) {
		t.Error(err)
	}
}

func TestSecretsAreNotInErrors(t *testing.T) {
	for _, args := range [][]string{
		{"--source", "https://me:secret@example.com/a"},
		{"--source", "https://secret@example.com/a", "--source", "https://example.com/b", "--target", "s3://b/b"},
		{"--source", "ssh://me:secret@example.com/a", "--target", "s3://b/a"},
		{"--source", "https://me:secret@exa mple.com/%zz", "--target", "s3://b/a"},
		{"--token", "secret secret", "--source", "https://example.com/a", "--target", "s3://b/a"},
		{"https://me:secret@example.com/a"},
		append([]string{"--endpoint-url", "ftp://me:secret@example.com"}, pair...),
	} {
		_, err := parse(nil, args...)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", args, err)
		}
		var usage *UsageError
		if !errors.As(err, &usage) {
			t.Errorf("%q: %T is no UsageError", args, err)
		}
	}
}

func TestErrorsOfTheAppAreNotUsageErrors(t *testing.T) {
	boom := errors.New("boom")
	cmd := Command(App{
		Getenv: func(string) string { return "" },
		Mirror: func(context.Context, Config) error { return boom },
	})
	cmd.SetArgs(pair)
	var usage *UsageError
	if err := cmd.Execute(); !errors.Is(err, boom) || errors.As(err, &usage) {
		t.Errorf("%T %v", err, err)
	}
}

func TestOptionsTable(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range Options {
		if seen[o.Name] || o.Name == "" || o.Name != strings.ToLower(o.Name) {
			t.Errorf("%q: bad or twice", o.Name)
		}
		seen[o.Name] = true
		if o.Help == "" || strings.HasSuffix(o.Help, ".") || o.set == nil || o.On == 0 || !slices.Contains(groups, o.Group) {
			t.Errorf("%s: incomplete", o.Name)
		}
		if (o.Kind == Switch) != (o.Value == "") {
			t.Errorf("%s: a switch has no value, all others need one", o.Name)
		}
		if o.Kind == Switch && o.Default != "false" {
			t.Errorf("%s: a switch is off unless it is given", o.Name)
		}
		if o.Default != "" && o.set(&Config{}, o.Default) != nil {
			t.Errorf("%s: its default %q is refused", o.Name, o.Default)
		}
	}
}

func TestHelpHasEveryOption(t *testing.T) {
	var b strings.Builder
	writeHelp(&b)
	for _, o := range Options {
		if !strings.Contains(b.String(), "--"+o.Name+" ") {
			t.Errorf("--%s is missing", o.Name)
		}
	}
	for line := range strings.Lines(b.String()) {
		if len(line)-1 > helpWidth {
			t.Errorf("%d columns: %q", len(line)-1, line)
		}
	}
}

func TestSize(t *testing.T) {
	for s, want := range map[string]int64{
		"128MiB": 128 << 20, "1GiB": 1 << 30, "500MB": 500e6, "134217728": 128 << 20,
		"128Mi": 128 << 20, "500m": 500e6, "1.5 GiB": 3 << 29, "0": 0, "1kB": 1000,
	} {
		if got, err := parseSize(s); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "MiB", "-1", "12x", "1e9", "128 apples", "9223372036854775808", "16EiB", "NaN", "0x10"} {
		if got, err := parseSize(s); err == nil {
			t.Errorf("%q was read as %d", s, got)
		}
	}
	for s, ok := range map[string]bool{"32MiB": true, "33554431": false, "32MB": false} {
		if err := setMaxMemory(&Config{}, s); (err == nil) != ok {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestObjectTags(t *testing.T) {
	var c Config
	for i := range maxTags {
		if err := setObjectTags(&c, fmt.Sprintf("key%d=a=b", i)); err != nil {
			t.Fatal(err)
		}
	}
	if c.ObjectTags.Get("key9") != "a=b" {
		t.Errorf("%v", c.ObjectTags)
	}
	for v, want := range map[string]string{
		"key10=x": "one too many", "key1=x": "given twice", "key": "not a tag", "=x": "not a tag",
		strings.Repeat("k", 129) + "=x": "too long", "k=" + strings.Repeat("v", 257): "too long",
	} {
		if err := setObjectTags(&c, v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v; want %q", v, err, want)
		}
	}
}
