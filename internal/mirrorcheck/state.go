package mirrorcheck

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// state is what a repository has.
type state struct {
	refs    []string // "<id>\t<name>", and "<id>\t<name>^{}" after a tag
	objects []string // ids of all that the refs and HEAD reach
	head    string   // a ref's name or an id
	born    bool     // HEAD names an object
}

func (s *state) detached() bool { return !strings.HasPrefix(s.head, "refs/") }

// stateOf reads the repository in dir, with the refs that selects wants.
func (c *check) stateOf(dir string, selects func(string) bool) (*state, error) {
	s := &state{}
	shown, err := c.git.Run(c.ctx, dir, "for-each-ref", "--format=%(refname)")
	if err != nil {
		return nil, err
	}
	if shown != "" {
		if shown, err = c.git.Run(c.ctx, dir, "show-ref", "--dereference"); err != nil {
			return nil, err
		}
	}
	var wants bytes.Buffer
	for line := range strings.Lines(shown) {
		id, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if selects == nil || selects(strings.TrimSuffix(name, "^{}")) {
			s.refs = append(s.refs, id+"\t"+name)
			fmt.Fprintln(&wants, id)
		}
	}
	if err := c.readHead(dir, s); err != nil {
		return nil, err
	}
	if s.born && selects == nil {
		fmt.Fprintln(&wants, "HEAD")
	}
	if wants.Len() == 0 {
		return s, nil
	}
	listed, err := c.git.RunInput(c.ctx, dir, &wants, "rev-list", "--objects", "--no-object-names", "--stdin")
	if err != nil {
		return nil, err
	}
	s.objects = strings.Split(listed, "\n")
	slices.Sort(s.objects)
	s.objects = slices.Compact(s.objects)
	return s, nil
}

func (c *check) readHead(dir string, s *state) error {
	id, err := c.git.Run(c.ctx, dir, "rev-parse", "--quiet", "--verify", "HEAD")
	s.born = err == nil
	if s.head, err = c.git.Run(c.ctx, dir, "symbolic-ref", "--quiet", "HEAD"); err == nil {
		return nil
	}
	s.head = id
	if !s.born {
		return fmt.Errorf("HEAD of %s is neither a ref nor an object: %w", dir, err)
	}
	return nil
}

// compare reports where a copy has other refs or objects than its source.
func (c *check) compare(what string, source, got *state) {
	c.difference(what, "refs", source.refs, got.refs)
	c.difference(what, "objects", source.objects, got.objects)
}

func (c *check) difference(what, of string, want, got []string) {
	missing, extra := without(want, got), without(got, want)
	if len(missing)+len(extra) > 0 {
		c.addf("%s has %d %s, the source %d; %d missing: %.200q; %d more: %.200q",
			what, len(got), of, len(want), len(missing), missing, len(extra), extra)
	}
}

// without returns the elements of a that b lacks.
func without(a, b []string) []string {
	in := make(map[string]bool, len(b))
	for _, s := range b {
		in[s] = true
	}
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return in[s] })
}

// emptyTrees are the ids of the empty tree. Git knows it without having it,
// so that a dumb clone never fetches it as a loose object, and git fsck then
// misses it: so it does in a clone from the source itself, served as files.
var emptyTrees = []string{
	"4b825dc642cb6eb9a060e54bf8d69288fbee4904",
	"6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}

// fsck reports what git fsck finds in dir and not at the source.
func (c *check) fsck(what, dir string) {
	known := c.findings(c.Source)
	for _, id := range emptyTrees {
		if slices.Contains(c.keys, "objects/"+id[:2]+"/"+id[2:]) {
			known = append(known, "missing tree "+id)
		}
	}
	if more := without(c.findings(dir), known); len(more) > 0 {
		c.addf("git fsck finds in %s: %q", what, more)
	}
}

// findings are git fsck's words on a repository. Its notices are about HEAD
// and default names, and what dangles is what a forced push left.
func (c *check) findings(dir string) []string {
	var out bytes.Buffer
	depth := "--full"
	if c.Quick {
		depth = "--connectivity-only"
	}
	cmd := c.git.Command(c.ctx, dir, "fsck", depth, "--no-dangling", "--no-progress")
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	lines = slices.DeleteFunc(lines, func(l string) bool { return l == "" || strings.HasPrefix(l, "notice: ") })
	if err != nil && len(lines) == 0 {
		lines = append(lines, err.Error())
	}
	return lines
}
