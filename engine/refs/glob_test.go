package refs

import (
	"path"
	"slices"
	"strings"
	"testing"
)

func TestFilter(t *testing.T) {
	all := []string{
		"refs/heads/feature/x", "refs/heads/main", "refs/heads/wip-1", "refs/pull/1/head",
		"refs/tags/v1.0", "refs/tags/v2.0", "refs/tags/v2.0-\xff",
	}
	for name, c := range map[string]struct{ include, exclude, want []string }{
		"nothing said":          {nil, nil, all},
		"exact":                 {[]string{"refs/heads/main"}, nil, []string{"refs/heads/main"}},
		"exact is the whole":    {[]string{"refs/heads/mai"}, nil, nil},
		"star crosses slashes":  {[]string{"refs/heads/*"}, nil, all[:3]},
		"star in the middle":    {[]string{"refs/*/x"}, nil, all[:1]},
		"star before all":       {[]string{"*/main"}, nil, all[1:2]},
		"star is all":           {[]string{"*"}, nil, all},
		"two":                   {[]string{"refs/heads/main", "refs/tags/*"}, nil, []string{all[1], all[4], all[5], all[6]}},
		"exclude":               {nil, []string{"refs/pull/*", "refs/tags/*"}, all[:3]},
		"both":                  {[]string{"refs/heads/*"}, []string{"*wip*"}, all[:2]},
		"question mark":         {[]string{"refs/tags/v?.0"}, nil, all[4:6]},
		"question mark is one":  {[]string{"refs/tags/v?"}, nil, nil},
		"class":                 {[]string{"refs/tags/v[2-9]*"}, nil, all[5:]},
		"negated class":         {[]string{"refs/[!h]*"}, nil, all[3:]},
		"caret class":           {[]string{"refs/[^h]*"}, nil, all[3:]},
		"dot is a dot":          {[]string{"refs/tags/v1?0", "refs/tags/v2x0"}, nil, all[4:5]},
		"class with odd things": {[]string{"refs/tags/v2.0[]&&^-]?"}, nil, all[6:]},
		"root":                  {[]string{"r*"}, []string{"refs/*"}, nil},
	} {
		var list []Ref
		for _, n := range all {
			list = append(list, Ref{Name: n})
		}
		got, err := Filter(list, c.include, c.exclude)
		var names []string
		for _, r := range got {
			names = append(names, r.Name)
		}
		if err != nil || !slices.Equal(names, c.want) {
			t.Errorf("%s: %q, %v; want %q", name, names, err, c.want)
		}
	}
}

func TestFilterErrors(t *testing.T) {
	for pattern, want := range map[string]string{
		"refs/[a":          `"[" without "]"`,
		"refs/[":           `"[" without "]"`,
		"refs/[]":          `"[" without "]"`,
		"refs/[!]":         `"[" without "]"`,
		"refs/[z-a]":       "bad character range",
		`refs/heads/\*`:    `holds no "\"`,
		"main":             "write full names",
		"heads/*":          "write full names",
		"":                 "write full names",
		"refs":             "write full names",
		"/refs/heads/main": "write full names",
		"HEAD":             "write full names",
	} {
		for _, err := range []error{
			second(Filter(nil, []string{"refs/heads/ok", pattern}, nil)),
			second(Filter(nil, nil, []string{pattern})),
		} {
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "pattern \"") {
				t.Errorf("%q: %v; want %q", pattern, err, want)
			}
		}
	}
}

func second(_ []Ref, err error) error { return err }

// FuzzGlob compares with path.Match, whose "*" stops at "/", on names without
// one after "refs/".
func FuzzGlob(f *testing.F) {
	for _, s := range [][2]string{{"*", "a"}, {"v[0-9]?", "v1x"}, {"[^a-c]", "d"}, {"a*b*c", "aXbYc"}, {"[]", "a"}, {"[x", "x"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		// What differs on purpose: escapes, "!" and "]" in classes.
		if strings.ContainsAny(pattern, `\!]`) && !plainClass(pattern) || strings.Contains(name, "/") || !valid(pattern) {
			return
		}
		got, err := Filter([]Ref{{Name: "refs/" + name}}, []string{"refs/" + pattern}, nil)
		want, wantErr := path.Match(pattern, name)
		if err != nil || wantErr != nil {
			if wantErr == nil && !strings.Contains(pattern, "[") {
				t.Errorf("%q: %v, path.Match accepts it", pattern, err)
			}
			return
		}
		if (len(got) == 1) != want {
			t.Errorf("%q on %q: %v, path.Match: %v", pattern, name, len(got) == 1, want)
		}
	})
}

func valid(s string) bool { return strings.ToValidUTF8(s, "") == s }

// plainClass tells whether each class is of letters, digits and well-formed
// ranges only.
func plainClass(p string) bool {
	for {
		_, rest, ok := strings.Cut(p, "[")
		if !ok {
			return !strings.ContainsAny(p, `\!]`)
		}
		body, after, ok := strings.Cut(rest, "]")
		body = strings.TrimPrefix(body, "^")
		if !ok || body == "" || strings.Trim(body, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return false
		}
		p = after
	}
}
