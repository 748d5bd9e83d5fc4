package inputs

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
)

// inAction parses the inputs of an action in the repository me/repo.
func inAction(in map[string]string) (Config, error) {
	env := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://GitHub.example", "GITHUB_REPOSITORY": "me/repo",
	}
	// What GitHub sends for inputs that nobody gave.
	for _, o := range Options {
		env[o.InputVariable()] = o.Default
	}
	for name, v := range in {
		env[inputVariable(name)] = v
	}
	return parse(env)
}

func TestActionDefaults(t *testing.T) {
	want := defaults()
	want.Pairs = []engine.Pair{{Source: "https://GitHub.example/me/repo", Target: "s3://bucket/a"}}
	want.Tokens = map[string]string{"https://github.example": "job"}
	c, err := inAction(map[string]string{"target": " s3://bucket/a\n", "token": "job"})
	if err != nil || !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v, %v; want %+v", c, err, want)
	}
}

// The job's token is for the job's server; others are where they were given.
func TestActionTokens(t *testing.T) {
	for _, test := range []struct {
		tokens string
		want   map[string]string
	}{
		{"", map[string]string{"https://github.example": "job"}},
		{"GitLab.com = a=b\n\n# mine\nhttps://x:81/=c", map[string]string{"https://github.example": "job", "gitlab.com": "a=b", "https://x:81": "c"}},
		{"github.example=mine", map[string]string{"github.example": "mine"}},
		{"https://github.example=mine", map[string]string{"https://github.example": "mine"}},
	} {
		c, err := inAction(map[string]string{"target": "s3://bucket/a", "token": "job", "tokens": test.tokens})
		if err != nil || !maps.Equal(c.Tokens, test.want) || c.Token != "" {
			t.Errorf("%q: %v, %q, %v", test.tokens, c.Tokens, c.Token, err)
		}
	}
	// Outside a job it is for all sources, as on the command line.
	c, err := parse(map[string]string{"INPUT_TOKEN": "mine"}, pair...)
	if err != nil || c.Token != "mine" || c.Tokens != nil {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestActionPairs(t *testing.T) {
	own := "https://GitHub.example/me/repo"
	for _, test := range []struct {
		in   map[string]string
		want string
	}{
		{map[string]string{"source": "https://h/a\nhttps://h/b", "target": "s3://b/a\ns3://b/b"}, "https://h/a s3://b/a https://h/b s3://b/b"},
		{map[string]string{"mirrors": "# all of them\n\nhttps://h/a   s3://b/a # one\n\thttps://h/b\ts3://b/b\r\n"}, "https://h/a s3://b/a https://h/b s3://b/b"},
		{map[string]string{"mirrors": "https://h/a s3://b/a", "target": "s3://b/own"}, own + " s3://b/own https://h/a s3://b/a"},
		{map[string]string{"mirrors": "https://h/a#b s3://b/a"}, "?"},
		{map[string]string{"mirrors": "https://h/a s3://b/a#x"}, "https://h/a s3://b/a#x"},
	} {
		c, err := inAction(test.in)
		var got []string
		for _, p := range c.Pairs {
			got = append(got, p.Source, p.Target)
		}
		if test.want == "?" {
			if err == nil {
				t.Errorf("%v: no error", test.in)
			}
		} else if err != nil || strings.Join(got, " ") != test.want {
			t.Errorf("%v: %q, %v", test.in, got, err)
		}
	}
}

// Mistakes say which input and line, and what to write.
func TestActionMistakes(t *testing.T) {
	target := func(name, v string) map[string]string {
		return map[string]string{"target": "s3://bucket/a", name: v}
	}
	for _, test := range []struct {
		in   map[string]string
		want string
	}{
		{nil, `input target is missing: write "target: s3://my-bucket/my-repo" below "with:", or pairs as mirrors`},
		{map[string]string{"target": "bucket/a"}, `target "bucket/a": write s3://bucket/prefix or file:///absolute/dir`},
		{map[string]string{"source": "https://h/a\nhttps://h/b", "target": "s3://b/a"}, "input source and input target don't go together: 2 and 1 were given"},
		{map[string]string{"target": "s3://b/a\ns3://b/b"}, "0 and 2 were given"},
		{map[string]string{"mirrors": "\nhttps://h/a\n"}, "input mirrors: line 2: a pair has two parts, here are 1"},
		{map[string]string{"mirrors": "https://h/a s3://b/a\nssh://h/b s3://b/b\nhttps://h/c s3://b/c d"}, "input mirrors: line 2: source \"ssh://h/b\": write the http:// or https:// URL that git clone takes\ninput mirrors: line 3: a pair has two parts, here are 3"},
		{map[string]string{"mirrors": "https://h/a s3://b/a\n\nhttps://h/b s3://b/a/x"}, "input mirrors: line 3: target s3://b/a/x: it is the same as, or nested"},
		{target("layout", "heap"), "input layout: "},
		{target("full", "maybe"), `input full: "maybe" is neither true nor false`},
		{target("tokens", "gitlab.com\n"), "input tokens: line 1: it is not a host and a token"},
		{target("tokens", "a/b=x"), "input tokens: line 1: it is not a host and a token"},
		{target("tokens", "h=x\nh=y"), "input tokens: line 2: h is given twice"},
		{target("token", "a b"), "input token: it holds a space"},
		{target("shard", "9/8"), `input shard: "9/8" is no share; write for example 2/8`},
		{target("shard", "0/8"), `input shard: "0/8" is no share`},
		{target("role-to-assume", "mirror"), `input role-to-assume: "mirror" is not the ARN of a role`},
		{target("role-duration-seconds", "60"), "input role-duration-seconds: "},
		{target("role-session-name", "a b"), "input role-session-name: "},
		{target("inline-session-policy", "{"), "input inline-session-policy: it is not JSON"},
		{target("managed-session-policies", "ReadOnly"), "input managed-session-policies: "},
		{target("allowed-account-ids", "12"), "input allowed-account-ids: "},
		{target("retry-max-attempts", "0"), "input retry-max-attempts: "},
		{target("sts-endpoint", "sts"), "input sts-endpoint: "},
		{target("http-proxy", "proxy:3128"), "input http-proxy: "},
		{target("aws-access-key-id", "AK"), "aws-access-key-id and aws-secret-access-key go together"},
		{target("aws-session-token", "ST"), "aws-session-token goes with"},
		{target("role-chaining", "true"), "role-chaining is for a role; give role-to-assume too"},
		{target("scope-session", "yes"), "scope-session is for a role"},
		{target("web-identity-token-file", "f"), "web-identity-token-file is for a role"},
	} {
		_, err := inAction(test.in)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: %v; want %s", test.in, err, test.want)
		}
	}
}

func TestSwitches(t *testing.T) {
	for v, want := range map[string]bool{"true": true, "YES": true, "On": true, "1": true, "false": false, "no": false, "OFF": false, "0": false} {
		if got, err := parseSwitch(v); got != want || err != nil {
			t.Errorf("%s: %v, %v", v, got, err)
		}
	}
}

// Every pair is in one share, and stays there when the list grows.
func TestShards(t *testing.T) {
	var pairs []engine.Pair
	where := map[engine.Pair]int{}
	for i := range 400 {
		pairs = append(pairs, engine.Pair{Source: fmt.Sprintf("https://h/%d", i), Target: fmt.Sprintf("s3://b/%d", i)})
	}
	for _, list := range [][]engine.Pair{pairs[:200], pairs} {
		total := 0
		for i := range 8 {
			mine := Shard{i + 1, 8}.of(list)
			total += len(mine)
			if len(mine) < len(list)/8/2 || len(mine) > len(list)/8*2 {
				t.Errorf("share %d of %d has %d", i+1, len(list), len(mine))
			}
			for _, p := range mine {
				if before, ok := where[p]; ok && before != i {
					t.Errorf("%v moved from share %d to %d", p, before, i)
				}
				where[p] = i
			}
		}
		if total != len(list) || len(where) != len(list) {
			t.Errorf("%d pairs in shares, of %d", total, len(list))
		}
	}
	c, err := inAction(map[string]string{"target": "s3://bucket/a", "shard": "1/2"})
	d, err2 := inAction(map[string]string{"target": "s3://bucket/a", "shard": "2/2"})
	if err != nil || err2 != nil || len(c.Pairs)+len(d.Pairs) != 1 {
		t.Errorf("%v %v, %v %v", c.Pairs, err, d.Pairs, err2)
	}
}

// Secrets are told before anything is checked, also when it turns out wrong.
func TestSecretsAreTold(t *testing.T) {
	var told []string
	env := map[string]string{
		"GITHUB_ACTIONS": "true", "INPUT_TARGET": "nonsense", "INPUT_TOKEN": "s-token", "INPUT_TOKENS": "h=s-h\nforgotten-host",
		"INPUT_AWS-ACCESS-KEY-ID": "s-ak", "INPUT_AWS-SECRET-ACCESS-KEY": "s-sk", "INPUT_AWS-SESSION-TOKEN": "s-st", "INPUT_ROLE-EXTERNAL-ID": "s-ext",
		"INPUT_SOURCE": "https://user:s%2Dpass@h/a", "INPUT_MIRRORS": "https://s-user@h/b s3://b/b\nhttps://a:b@c@h/x s3://b/c",
		"INPUT_HTTP-PROXY": "http://u:s-proxy@h", "INPUT_MASK-AWS-ACCOUNT-ID": "yes", "INPUT_ROLE-TO-ASSUME": "arn:aws:iam::123456789012:rolx/x",
		"INPUT_ALLOWED-ACCOUNT-IDS": "210987654321",
	}
	cmd := Command(App{Getenv: func(n string) string { return env[n] }, Secret: func(s string) { told = append(told, s) }})
	cmd.SetArgs(nil)
	if cmd.Execute() == nil {
		t.Error("no error")
	}
	for _, want := range []string{
		"s-token", "s-h", "forgotten-host", "s-ak", "s-sk", "s-st", "s-ext", "s%2Dpass", "s-pass", "user:s%2Dpass", "s-user", "b@c", "s-proxy", "123456789012", "210987654321",
	} {
		if !slices.Contains(told, want) {
			t.Errorf("%s is not told: %q", want, told)
		}
	}
}
