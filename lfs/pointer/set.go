package pointer

import (
	"encoding/hex"
	"iter"
	"slices"
	"sync"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
)

// Set is a set of pointers, about 60 bytes each. The zero value is empty.
// All methods may be called concurrently.
type Set struct {
	mu    sync.Mutex
	sizes map[oid]int64
	// more holds further sizes that pointers gave for an oid: at most one
	// of them is true, and only the content tells which.
	more map[oid][]int64
}

type oid [32]byte

func parse(s string) (id oid, ok bool) {
	if !ValidOID(s) {
		return id, false
	}
	_, err := hex.Decode(id[:], []byte(s))
	return id, err == nil
}

// Collect adds the pointer that content is, if it is one. It fits the
// engine's hook for small blobs: id is not looked at and content not kept.
func (s *Set) Collect(_ object.ID, content []byte) {
	if p, ok := Parse(content); ok {
		s.Add(p)
	}
}

// Add adds a pointer; one whose OID is none is left out.
func (s *Set) Add(p Pointer) {
	id, ok := parse(p.OID)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	size, known := s.sizes[id]
	switch {
	case !known:
		if s.sizes == nil {
			s.sizes = make(map[oid]int64)
		}
		s.sizes[id] = p.Size
	case size != p.Size && !slices.Contains(s.more[id], p.Size):
		if s.more == nil {
			s.more = make(map[oid][]int64)
		}
		s.more[id] = append(s.more[id], p.Size)
	}
}

// Len is the number of different oids.
func (s *Set) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sizes)
}

// Sizes returns the sizes that pointers gave for the oid, none when it is
// not in the set.
func (s *Set) Sizes(hexOID string) []int64 {
	id, ok := parse(hexOID)
	if !ok {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	size, known := s.sizes[id]
	if !known {
		return nil
	}
	return append([]int64{size}, s.more[id]...)
}

// All yields a pointer an oid, in no order. The set must not be changed
// meanwhile.
func (s *Set) All() iter.Seq[Pointer] {
	return func(yield func(Pointer) bool) {
		for id, size := range s.sizes {
			if !yield(Pointer{OID: hex.EncodeToString(id[:]), Size: size}) {
				return
			}
		}
	}
}
