// Package object names git's objects: their types, their ids and the hash
// that makes the ids (gitglossary(7): "object name").
package object

import (
	"crypto/sha1" // #nosec -- git's object format, not our choice
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
)

// Type is the type of an object, with the numbers that gitformat-pack(5)
// gives them.
type Type uint8

// The four types of objects.
const (
	Commit Type = 1
	Tree   Type = 2
	Blob   Type = 3
	Tag    Type = 4
)

// String returns the word that stands in an object's header.
func (t Type) String() string {
	switch t {
	case Commit:
		return "commit"
	case Tree:
		return "tree"
	case Blob:
		return "blob"
	case Tag:
		return "tag"
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// Format is a repository's object format: the hash that names its objects.
// The zero value is SHA1.
type Format uint8

// The object formats that git has.
const (
	SHA1 Format = iota
	SHA256
)

// ParseFormat returns the format that git calls name.
func ParseFormat(name string) (Format, error) {
	switch name {
	case "sha1":
		return SHA1, nil
	case "sha256":
		return SHA256, nil
	}
	return 0, fmt.Errorf("unknown object format %q", name)
}

// String returns git's name of the format.
func (f Format) String() string {
	if f == SHA256 {
		return "sha256"
	}
	return "sha1"
}

// Size is the length of an id in bytes.
func (f Format) Size() int {
	if f == SHA256 {
		return sha256.Size
	}
	return sha1.Size
}

// New returns a new hash of the format.
func (f Format) New() hash.Hash {
	if f == SHA256 {
		return sha256.New()
	}
	return sha1.New()
}

// ID is an object's id in lowercase hex; "" is no object.
type ID string

// ParseID checks that s is an id in the format: lowercase hex of the right
// length.
func (f Format) ParseID(s string) (ID, error) {
	if len(s) != 2*f.Size() {
		return "", fmt.Errorf("object id %.80q: want %d hex digits", s, 2*f.Size())
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", fmt.Errorf("object id %.80q: not lowercase hex", s)
		}
	}
	return ID(s), nil
}

// IDOf returns the id whose bytes are b.
func IDOf(b []byte) ID { return ID(hex.EncodeToString(b)) }

// Bytes returns the id as bytes; nil when it isn't hex.
func (id ID) Bytes() []byte {
	b, err := hex.DecodeString(string(id))
	if err != nil {
		return nil
	}
	return b
}

// Hash returns the id of an object with this content.
func (f Format) Hash(t Type, content []byte) ID {
	h := f.New()
	fmt.Fprintf(h, "%s %d\x00", t, len(content))
	h.Write(content)
	return IDOf(h.Sum(nil))
}
