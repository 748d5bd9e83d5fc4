// Package docs holds the documentation. Its tests keep it true where that can
// be tested.
package docs

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// sources returns the program's text in some folders.
func sources(t *testing.T, dirs ...string) string {
	t.Helper()
	var b strings.Builder
	for _, dir := range dirs {
		if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				b.WriteString(read(t, path))
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

var action = regexp.MustCompile(`\bs3:[A-Z]\w+`)

// actions returns the S3 actions that a text names, once each.
func actions(text string) []string {
	all := action.FindAllString(text, -1)
	slices.Sort(all)
	return slices.Compact(all)
}

// TestPolicies wants the same actions everywhere.
func TestPolicies(t *testing.T) {
	policy := read(t, "iam-policy.json")
	var parsed struct{ Statement []struct{ Sid string } }
	if err := json.Unmarshal([]byte(policy), &parsed); err != nil || len(parsed.Statement) == 0 {
		t.Fatalf("iam-policy.json: %v", err)
	}
	want := actions(policy)
	for name, from := range map[string]string{"aws.yaml": "Policies:", "aws.tf": `"aws_iam_policy_document" "mirror"`, "aws.md": "## What it may do"} {
		_, text, found := strings.Cut(read(t, name), from)
		text, _, _ = strings.Cut(text, map[string]string{"aws.yaml": "\n  Bucket:", "aws.tf": "\nresource", "aws.md": "More only"}[name])
		if got := actions(text); !found || !slices.Equal(got, want) {
			t.Errorf("%s allows %v, iam-policy.json %v", name, got, want)
		}
	}
}

// TestPermissions wants every action that the store's messages name in the
// policy, and no others.
func TestPermissions(t *testing.T) {
	_, text, _ := strings.Cut(sources(t, "../engine/s3store"), "var permissions =")
	text, _, found := strings.Cut(text, "\n}\n")
	if got, want := actions(text), actions(read(t, "iam-policy.json")); !found || !slices.Equal(got, want) {
		t.Errorf("engine/s3store needs %v, iam-policy.json allows %v", got, want)
	}
}

// TestTemplate parses the CloudFormation template and looks for what its
// references name.
func TestTemplate(t *testing.T) {
	text := read(t, "aws.yaml")
	var template struct {
		Parameters map[string]any `yaml:"Parameters"`
		Conditions map[string]any `yaml:"Conditions"`
		Resources  map[string]any `yaml:"Resources"`
		Outputs    map[string]any `yaml:"Outputs"`
	}
	if err := yaml.Unmarshal([]byte(text), &template); err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile(`(?:\$\{|Ref: |GetAtt: \[|Condition: |Fn::If: \[|Fn::If:\n\s+- )([A-Z]\w*)`).FindAllStringSubmatch(text, -1) {
		if template.Parameters[name[1]] == nil && template.Resources[name[1]] == nil && template.Conditions[name[1]] == nil && name[1] != "AWS" {
			t.Errorf("%s is not defined", name[0])
		}
	}
	if len(template.Resources) < 5 || len(template.Outputs) != 2 {
		t.Errorf("%d resources, %d outputs", len(template.Resources), len(template.Outputs))
	}
}

// TestMessages wants the troubleshooting's messages in the program.
func TestMessages(t *testing.T) {
	program := sources(t, "../engine", "../lfs", "../awsauth", "../inputs", "../report")
	ours, _, _ := strings.Cut(read(t, "troubleshooting.md"), "## Reading a mirror")
	n := 0
	for line := range strings.Lines(ours) {
		if heading, ok := strings.CutPrefix(strings.TrimSpace(line), "### "); ok {
			n++
			if !strings.Contains(program, heading) {
				t.Errorf("no message holds %q", heading)
			}
		}
	}
	if n < 20 {
		t.Errorf("%d messages", n)
	}
}

var link = regexp.MustCompile(`\]\(([^)#:]+)\)`)

// TestLinks follows those to files.
func TestLinks(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	if err != nil || len(pages) < 4 {
		t.Fatalf("%v %v", pages, err)
	}
	for _, page := range append(pages, "../README.md") {
		for _, l := range link.FindAllStringSubmatch(read(t, page), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), l[1])); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}
