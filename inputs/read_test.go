package inputs

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// parseRead runs a reading command and returns the ReadConfig and what was
// printed; called is the command's name.
func parseRead(args ...string) (c ReadConfig, called, out string, err error) {
	keep := func(name string) func(context.Context, ReadConfig) error {
		return func(_ context.Context, got ReadConfig) error {
			c, called = got, name
			return nil
		}
	}
	var b strings.Builder
	cmd := Command(App{
		Getenv: func(string) string { return "" },
		Mirror: func(context.Context, Config) error { called = "mirror"; return nil },
		Serve:  keep("serve"), Agent: keep("lfs-agent"),
	})
	cmd.SetArgs(args)
	cmd.SetOut(&b)
	cmd.SetErr(&b)
	err = cmd.Execute()
	return c, called, b.String(), err
}

func TestServeAndAgent(t *testing.T) {
	tests := []struct {
		args   string
		called string
		want   ReadConfig
	}{
		{"serve --upstream s3://b/p", "serve", ReadConfig{Upstream: "s3://b/p", Bind: "127.0.0.1:0"}},
		{"serve --upstream=https://h/p --bind [::]:80 --verbose -- git clone {url} --bare", "serve",
			ReadConfig{Upstream: "https://h/p", Bind: "[::]:80", Verbose: true, Command: []string{"git", "clone", "{url}", "--bare"}}},
		{"serve --upstream s3://b --endpoint-url http://h:1 --region r --force-path-style", "serve",
			ReadConfig{Upstream: "s3://b", Bind: "127.0.0.1:0", EndpointURL: "http://h:1", Region: "r", ForcePathStyle: true}},
		{"lfs-agent", "lfs-agent", ReadConfig{}},
		{"lfs-agent --install", "lfs-agent", ReadConfig{Install: true}},
		{"lfs-agent --upstream file:///a/b --region r", "lfs-agent", ReadConfig{Upstream: "file:///a/b", Region: "r"}},
	}
	for _, test := range tests {
		c, called, _, err := parseRead(strings.Fields(test.args)...)
		if len(c.Command) == 0 {
			c.Command = nil
		}
		if err != nil || called != test.called || !reflect.DeepEqual(c, test.want) {
			t.Errorf("%s: %s with %+v, %v", test.args, called, c, err)
		}
	}
}

func TestServeAndAgentMistakes(t *testing.T) {
	for args, says := range map[string]string{
		"serve":                                      "--upstream",
		"serve --upstream ssh://u:secret@h/p":        "is not a mirror",
		"serve --upstream https://":                  "is not a mirror",
		"serve --upstream file://relative":           "is not a mirror",
		"serve --upstream s3://b git clone":          "write -- before a command",
		"serve --upstream s3://b x -- git":           "write -- before a command",
		"serve --upstream s3://b --install":          "--install is not an option",
		"serve --upstream s3://b --endpoint-url h":   "--endpoint-url",
		"serve --upstream s3://b --source http://h/": "--source is not an option",
		"lfs-agent x":                                "belongs to no option",
		"lfs-agent --upstream ftp://h":               "is not a mirror",
		"lfs-agent --bind x":                         "--bind is not an option",
	} {
		_, called, _, err := parseRead(strings.Fields(args)...)
		var usage *UsageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret") || called != "" {
			t.Errorf("%s: %s, %v", args, called, err)
		}
	}
}

func TestServeAndAgentHelp(t *testing.T) {
	for _, name := range []string{"serve", "lfs-agent"} {
		_, called, out, err := parseRead(name, "--help")
		if err != nil || called != "" || !strings.Contains(out, "mirror-git-to-s3 "+name) ||
			!strings.Contains(out, "--upstream") || !strings.Contains(out, "--region") || strings.Contains(out, "--source") {
			t.Errorf("%s --help: %v\n%s", name, err, out)
		}
		for line := range strings.Lines(out) {
			if len(line)-1 > helpWidth && !strings.Contains(line, "https://") {
				t.Errorf("%d columns: %q", len(line)-1, line)
			}
		}
	}
}
