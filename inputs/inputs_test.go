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
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/awsauth"
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

// defaults is what a call with nothing but the pair gives.
func defaults() Config {
	return Config{
		Pairs: onePair, Layout: engine.Auto, LFS: engine.LFSTrue, Concurrency: 4, Summary: true,
		AWS: awsauth.Config{Audience: "sts.amazonaws.com", SessionName: "GitHubActions", Duration: time.Hour, MaxAttempts: 12},
	}
}

func TestDefaults(t *testing.T) {
	c, err := parse(nil, pair...)
	want := defaults()
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
		"--token", "secret", "--tokens", "gitlab.com=t1\nhttp://h:81 = t2 # mine", "--full", "--dry-run", "--json", "--verbose", "--summary=true",
		"--role-to-assume", "arn:minio:iam:::role/dXNlcg", "--audience", "aud", "--role-session-name", "me@x", "--role-duration-seconds", "900",
		"--role-external-id", "ext", "--role-chaining", "--role-skip-session-tagging", "--managed-session-policies", "arn:aws:iam::1:policy/a, arn:aws:iam::1:policy/b",
		"--scope-session", "--aws-access-key-id", "AK", "--aws-secret-access-key", "SK", "--aws-session-token", "ST",
		"--sts-endpoint", "http://127.0.0.1:9001", "--http-proxy", "http://proxy:3128", "--no-proxy", "localhost,.example.com",
		"--mask-aws-account-id", "--allowed-account-ids", "123456789012,210987654321", "--retry-max-attempts", "3", "--disable-retry", "--shard", "1/1",
		"--source", "https://example.com/b.git", "--target", "file:///srv/b")
	want := Config{
		Pairs: []engine.Pair{
			{Source: "https://example.com/a.git", Target: "s3://bucket/a"},
			{Source: "https://example.com/b.git", Target: "file:///srv/b"},
		},
		Layout: engine.Pack, LFS: engine.LFSBestEffort, Refs: []string{"refs/heads/*", "refs/tags/*"}, ExcludeRefs: []string{"refs/heads/wip*"},
		EndpointURL: "http://127.0.0.1:9000", Region: "eu-west-2", ForcePathStyle: true, StorageClass: "STANDARD_IA",
		SSE: "aws:kms", SSEKMSKeyID: "alias/mine", ObjectTags: url.Values{"team": {"a&b"}, "env": {""}},
		Concurrency: 7, MaxMemory: 256 << 20, Token: "secret", Full: true, DryRun: true, JSON: true, Verbose: true, Summary: true,
		Tokens: map[string]string{"gitlab.com": "t1", "http://h:81": "t2"}, Shard: Shard{1, 1},
		HTTPProxy: "http://proxy:3128", NoProxy: "localhost,.example.com",
		AWS: awsauth.Config{
			Role: "arn:minio:iam:::role/dXNlcg", Audience: "aud", SessionName: "me@x", Duration: 15 * time.Minute, ExternalID: "ext",
			Chain: true, SkipTagging: true, ManagedPolicies: []string{"arn:aws:iam::1:policy/a", "arn:aws:iam::1:policy/b"}, ScopeSession: true,
			AccessKeyID: "AK", SecretAccessKey: "SK", SessionToken: "ST", STSEndpoint: "http://127.0.0.1:9001",
			MaskAccount: true, AllowedAccounts: []string{"123456789012", "210987654321"}, MaxAttempts: 3, DisableRetry: true,
		},
	}
	if err != nil || !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v, %v; want %+v", c, err, want)
	}
	for i := range reflect.TypeFor[Config]().NumField() {
		if reflect.ValueOf(c).Field(i).IsZero() {
			t.Errorf("no flag set %s", reflect.TypeFor[Config]().Field(i).Name)
		}
	}
	other, err := parse(nil, append([]string{"--inline-session-policy", "{}", "--web-identity-token-file", "f", "--role-to-assume", "arn:aws:iam::1:role/x"}, pair...)...)
	if err != nil || other.AWS.InlinePolicy != "{}" || other.AWS.TokenFile != "f" {
		t.Errorf("%+v, %v", other.AWS, err)
	}
	for i := range reflect.TypeFor[awsauth.Config]().NumField() {
		if reflect.ValueOf(c.AWS).Field(i).IsZero() && reflect.ValueOf(other.AWS).Field(i).IsZero() {
			t.Errorf("no flag set %s", reflect.TypeFor[awsauth.Config]().Field(i).Name)
		}
	}
}

func TestEnvironment(t *testing.T) {
	env := map[string]string{
		"INPUT_SOURCE": "https://example.com/a.git", "INPUT_TARGET": "s3://bucket/a",
		"INPUT_REFS": "refs/heads/*\n\n  refs/tags/*\n", "INPUT_FULL": "true", "INPUT_JSON": "",
		"INPUT_MAX-MEMORY": "1GiB", "MIRROR_TOKEN": "secret",
	}
	want := defaults()
	want.Refs, want.Full, want.MaxMemory, want.Token = []string{"refs/heads/*", "refs/tags/*"}, true, 1<<30, "secret"
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
		if seen[o.Name] || seen[o.Alias] || o.Name == "" || o.Name != strings.ToLower(o.Name) {
			t.Errorf("%q: bad or twice", o.Name)
		}
		seen[o.Name] = true
		if o.Help == "" || strings.HasSuffix(o.Help, ".") || o.set == nil || o.On == 0 || !slices.Contains(groups, o.Group) {
			t.Errorf("%s: incomplete", o.Name)
		}
		if (o.Kind == Switch) != (o.Value == "") {
			t.Errorf("%s: a switch has no value, all others need one", o.Name)
		}
		if o.Kind == Switch && o.Default == "" {
			t.Errorf("%s: a switch is on or off", o.Name)
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
