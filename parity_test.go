package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/inputs"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/report"
)

// go test -run TestParity . -update writes the tables into action.yml and
// README.md.
var update = flag.Bool("update", false, "write what tests compare with")

// TestParity compares action.yml and README.md with the tables of options and
// outputs, which the flags, the environment and the help are made from.
func TestParity(t *testing.T) {
	for _, part := range []struct{ file, begin, end, want string }{
		{"action.yml", "inputs:\n", "runs:\n", "inputs:\n" + actionInputs() + "\noutputs:\n" + actionOutputs() + "\n"},
		{"README.md", "<!-- options -->\n", "<!-- /options -->", "<!-- options -->\n" + readmeOptions()},
	} {
		b, err := os.ReadFile(part.file)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		from, to := strings.Index(text, part.begin), strings.Index(text, part.end)
		if from < 0 || to < from {
			t.Errorf("%s has no %q before %q", part.file, part.begin, part.end)
			continue
		}
		if text[from:to] == part.want {
			continue
		}
		if !*update {
			t.Errorf("%s does not fit the tables in inputs and report; go test -run TestParity . -update, and look at what changes", part.file)
			continue
		}
		if err := os.WriteFile(part.file, []byte(text[:from]+part.want+text[to:]), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// TestAction reads action.yml as GitHub does.
func TestAction(t *testing.T) {
	var action struct {
		Name, Description string
		Branding          struct{ Icon, Color string }
		Inputs            map[string]struct {
			Description string
			Required    *bool
			Default     *string
		}
		Outputs map[string]struct{ Description string }
		Runs    struct{ Using, Image string }
	}
	b, err := os.ReadFile("action.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(b, &action); err != nil {
		t.Fatal(err)
	}
	if action.Name == "" || action.Description == "" || action.Branding.Icon == "" || action.Branding.Color == "" || action.Runs.Using != "docker" || action.Runs.Image == "" {
		t.Errorf("%+v", action)
	}
	n := 0
	for _, o := range inputs.Options {
		if o.On&inputs.Mirror == 0 {
			continue
		}
		for _, name := range []string{o.Name, o.Alias} {
			if name == "" {
				continue
			}
			n++
			in, ok := action.Inputs[name]
			if !ok || in.Description == "" || in.Required == nil || *in.Required {
				t.Errorf("input %s: %+v", name, in)
				continue
			}
			if want := cmp.Or(o.ActionDefault, o.Default); want != "" && (in.Default == nil || *in.Default != want) || want == "" && in.Default != nil {
				t.Errorf("input %s: default %v, want %q", name, in.Default, want)
			}
		}
	}
	if n != len(action.Inputs) {
		t.Errorf("action.yml has %d inputs, the table %d", len(action.Inputs), n)
	}
	for _, o := range report.Outputs {
		if action.Outputs[o.Name].Description == "" {
			t.Errorf("output %s is missing", o.Name)
		}
	}
	if len(action.Outputs) != len(report.Outputs) {
		t.Errorf("action.yml has %d outputs, the table %d", len(action.Outputs), len(report.Outputs))
	}
}

func actionInputs() string {
	var b strings.Builder
	for _, o := range inputs.Options {
		if o.On&inputs.Mirror == 0 {
			continue
		}
		help := cmp.Or(o.ActionHelp, o.Help)
		writeInput(&b, o.Name, help, cmp.Or(o.ActionDefault, o.Default))
		if o.Alias != "" {
			writeInput(&b, o.Alias, "the same as "+o.Name+", as configure-aws-credentials calls it", "")
		}
	}
	return b.String()
}

func writeInput(b *strings.Builder, name, help, value string) {
	fmt.Fprintf(b, "  %s:\n    description: %s\n    required: false\n", name, yamlText(sentence(help)))
	if value != "" {
		fmt.Fprintf(b, "    default: %s\n", yamlText(value))
	}
}

func actionOutputs() string {
	var b strings.Builder
	for _, o := range report.Outputs {
		fmt.Fprintf(&b, "  %s:\n    description: %s\n", o.Name, yamlText(sentence(o.Help)))
	}
	return b.String()
}

func readmeOptions() string {
	var b strings.Builder
	group := ""
	for _, o := range inputs.Options {
		if o.On&inputs.Mirror == 0 {
			continue
		}
		if o.Group != group {
			group = o.Group
			fmt.Fprintf(&b, "\n**%s**\n\n| option | default | |\n| --- | --- | --- |\n", group)
		}
		name := "`" + strings.TrimSpace("--"+o.Name+" "+strings.ReplaceAll(o.Value, "|", "\\|")) + "`"
		if o.Alias != "" {
			name += ", `--" + o.Alias + "`"
		}
		value := ""
		if o.Default != "" {
			value = "`" + o.Default + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", name, value, strings.ReplaceAll(markup(o.Help), "|", "\\|"))
	}
	return b.String() + "\n"
}

// markup keeps globs from being taken for emphasis.
func markup(s string) string { return strings.ReplaceAll(s, "*", "\\*") }

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }

// yamlText quotes a scalar.
func yamlText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
