package remote

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/refs"
)

// maxRefName is PATH_MAX, the most that a server with refs in files can have.
const maxRefName = 4096

// gatherer makes a snapshot of the refs that a server tells, in any order.
type gatherer struct {
	format object.Format
	head   refs.Head
	refs   []refs.Ref
	peeled []refs.Ref // that did not follow their tag
}

// id checks an id that belongs to name.
func (g *gatherer) id(s, name string) (object.ID, error) {
	id, err := g.format.ParseID(s)
	if err != nil {
		return "", fmt.Errorf("the server sent ref %.200q with an unusable %w", name, err)
	}
	if strings.Trim(s, "0") == "" {
		return "", fmt.Errorf("the server sent ref %.200q without an object", name)
	}
	return id, nil
}

// add takes a ref; peeled is "" unless it is an annotated tag.
func (g *gatherer) add(name, id, peeled string) error {
	if err := checkName(name); err != nil {
		return err
	}
	r := refs.Ref{Name: name}
	var err error
	if r.ID, err = g.id(id, name); err != nil {
		return err
	}
	if peeled != "" {
		if r.Peeled, err = g.id(peeled, name); err != nil {
			return err
		}
	}
	g.refs = append(g.refs, r)
	return nil
}

func checkName(name string) error {
	if len(name) > maxRefName {
		return fmt.Errorf("the server sent a ref name of %d bytes, %.80q…: at most %d can be mirrored", len(name), name, maxRefName)
	}
	if err := refs.CheckName(name); err != nil {
		return fmt.Errorf("the server sent an invalid %w", err)
	}
	return nil
}

// peel takes what the tag of this name points at.
func (g *gatherer) peel(name, id string) error {
	peeled, err := g.id(id, name)
	if err != nil {
		return err
	}
	if n := len(g.refs); n > 0 && g.refs[n-1].Name == name {
		g.refs[n-1].Peeled = peeled
		return nil
	}
	g.peeled = append(g.peeled, refs.Ref{Name: name, Peeled: peeled})
	return nil
}

// snapshot sorts the refs. The same ref told twice counts once, unless the two
// differ.
func (g *gatherer) snapshot() (refs.Snapshot, error) {
	refs.Sort(g.refs)
	unique := g.refs[:0]
	for _, r := range g.refs {
		if n := len(unique); n > 0 && unique[n-1].Name == r.Name {
			if unique[n-1].ID != r.ID {
				return refs.Snapshot{}, fmt.Errorf("the server sent ref %.200q twice, with different objects", r.Name)
			}
			unique[n-1].Peeled = max(unique[n-1].Peeled, r.Peeled)
			continue
		}
		unique = append(unique, r)
	}
	for _, p := range g.peeled {
		i, ok := slices.BinarySearchFunc(unique, p.Name, func(r refs.Ref, name string) int {
			return strings.Compare(r.Name, name)
		})
		if !ok {
			return refs.Snapshot{}, fmt.Errorf("the server sent the object of tag %.200q without the tag", p.Name)
		}
		unique[i].Peeled = p.Peeled
	}
	return refs.Snapshot{Format: g.format, Head: g.head, Refs: unique}, nil
}
