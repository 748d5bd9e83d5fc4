package refs

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Filter returns the refs whose full name matches one of include (all, if there
// are none) and none of exclude. In a pattern "*" stands for any run of
// characters, "/" among them, "?" for one character, "[a-z]" for one of a
// class and "[!a-z]" for one outside it; the whole name must match. The error
// names the pattern that is malformed or can match no full ref name.
func Filter(list []Ref, include, exclude []string) ([]Ref, error) {
	in, err := compile(include)
	if err != nil {
		return nil, err
	}
	out, err := compile(exclude)
	if err != nil {
		return nil, err
	}
	var kept []Ref
	for _, r := range list {
		if (len(in) == 0 || matchAny(in, r.Name)) && !matchAny(out, r.Name) {
			kept = append(kept, r)
		}
	}
	return kept, nil
}

func matchAny(globs []*regexp.Regexp, name string) bool {
	for _, g := range globs {
		if g.MatchString(name) {
			return true
		}
	}
	return false
}

func compile(patterns []string) ([]*regexp.Regexp, error) {
	var globs []*regexp.Regexp
	for _, p := range patterns {
		g, err := compileGlob(p)
		if err != nil {
			return nil, fmt.Errorf("ref pattern %q: %w", p, err)
		}
		globs = append(globs, g)
	}
	return globs, nil
}

// compileGlob translates to a regular expression, because Go's takes time
// linear in the name's length whatever the pattern.
func compileGlob(p string) (*regexp.Regexp, error) {
	if err := checkStart(p); err != nil {
		return nil, err
	}
	var re strings.Builder
	re.WriteString(`(?s)\A`)
	for i := 0; i < len(p); {
		switch p[i] {
		case '*':
			re.WriteString(`.*`)
			i++
		case '?':
			re.WriteString(`.`)
			i++
		case '[':
			class, n, err := translateClass(p[i:])
			if err != nil {
				return nil, err
			}
			re.WriteString(class)
			i += n
		case '\\':
			return nil, errors.New(`a ref name holds no "\"`)
		default:
			n := strings.IndexAny(p[i:]+"*", `*?[\`)
			re.WriteString(regexp.QuoteMeta(p[i : i+n]))
			i += n
		}
	}
	re.WriteString(`\z`)
	g, err := regexp.Compile(re.String())
	if err != nil {
		return nil, errors.New("bad character range or bad UTF-8")
	}
	return g, nil
}

// checkStart finds patterns that match nothing, such as the short name "main":
// a user who writes one would get an empty mirror.
func checkStart(p string) error {
	const root = "refs/"
	literal := p[:strings.IndexAny(p+"*", `*?[\`)]
	n := min(len(literal), len(root))
	if literal[:n] != root[:n] || p == literal && n < len(root) {
		return errors.New(`matches no ref; write full names, such as "refs/heads/main" or "refs/tags/*"`)
	}
	return nil
}

// translateClass translates the class that p starts with, and returns how long
// that is. A "]" that comes first is a member.
func translateClass(p string) (class string, n int, err error) {
	body, negated := p[1:], ""
	if body != "" && (body[0] == '!' || body[0] == '^') {
		body, negated = body[1:], "^"
	}
	end := -1
	if body != "" {
		end = strings.IndexByte(body[1:], ']') + 1
	}
	if end <= 0 {
		return "", 0, errors.New(`"[" without "]"`)
	}
	n = len(p) - len(body) + end + 1
	members := strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `^`, `\^`, `&`, `\&`, `~`, `\~`).Replace(body[:end])
	return "[" + negated + members + "]", n, nil
}
