// Package refs holds a repository's refs at one moment and the files that a
// static repository keeps them in: info/refs, packed-refs and HEAD.
package refs

import "github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"

// Ref is one ref.
type Ref struct {
	Name string    // full name, "refs/heads/main"
	ID   object.ID // what it points at
	// Peeled is what an annotated tag finally points at; "" for everything
	// else.
	Peeled object.ID
}

// Head is what HEAD says. The zero value is a source that told nothing.
type Head struct {
	// Target is the ref that a symbolic HEAD names; it need not exist (an
	// unborn branch). "" when HEAD is detached or unknown.
	Target string
	// ID is the object of a detached HEAD; "" when HEAD is symbolic.
	ID object.ID
}

// Snapshot is a repository's refs at one moment.
type Snapshot struct {
	Format object.Format
	Head   Head
	Refs   []Ref // sorted by name, without duplicates
}
