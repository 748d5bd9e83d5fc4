// Package pointer reads the small files that stand in a repository in place
// of Git LFS objects, and collects them.
//
//	version https://git-lfs.github.com/spec/v1
//	ext-0-foo sha256:<64 hex>                     any number of these
//	oid sha256:<64 hex>
//	size 12345
//
// What is a pointer and what only looks like one is decided as git-lfs 3.8
// decides it (its docs/spec.md, and lfs/pointer.go where that is more
// lenient), so that a mirror holds what its readers will ask for.
package pointer

import (
	"bytes"
	"strconv"
	"strings"
)

// MaxSize bounds pointers: a blob of this many bytes or more is none
// (docs/spec.md: "Pointer files must be less than 1024 bytes").
const MaxSize = 1024

// EmptyOID is the oid of the object without content.
const EmptyOID = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// versions are the three names that the first version of the format has had.
var versions = []string{
	"https://git-lfs.github.com/spec/v1",
	"https://hawser.github.com/spec/v1",
	"http://git-media.io/v/2",
}

// Pointer names an LFS object.
type Pointer struct {
	OID  string // SHA-256 of the content, 64 lowercase hex digits
	Size int64  // of the content in bytes; never negative, otherwise any claim
}

// Key is where a mirror keeps the object.
func (p Pointer) Key() string { return Key(p.OID) }

// Prefix starts the keys of all LFS objects of a mirror.
const Prefix = "lfs/objects/"

// Key is where a mirror keeps the object with this oid, which must be one.
func Key(oid string) string { return Prefix + oid[:2] + "/" + oid[2:4] + "/" + oid }

// ValidOID says whether s is 64 lowercase hex digits.
func ValidOID(s string) bool {
	if len(s) != 64 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Parse reads a blob's content as a pointer. The empty file, which git-lfs
// lets stand for the empty object, is none here: nothing has to be fetched
// for it.
func Parse(content []byte) (Pointer, bool) {
	trimmed := bytes.TrimSpace(content)
	if len(content) >= MaxSize || !mayBe(trimmed) {
		return Pointer{}, false
	}
	f, ok := readFields(string(trimmed))
	if !ok || !known(f.version) {
		return Pointer{}, false
	}
	oid, ok := parseOID(f.oid)
	if !ok {
		return Pointer{}, false
	}
	// As in git-lfs: a sign and leading zeros are accepted.
	size, err := strconv.ParseInt(f.size, 10, 64)
	if err != nil || size < 0 || !validExtensions(f.extensions) {
		return Pointer{}, false
	}
	return Pointer{OID: oid, Size: size}, true
}

// mayBe is a cheap look that spares most blobs the rest.
func mayBe(trimmed []byte) bool {
	return bytes.HasPrefix(trimmed, []byte("version ")) || bytes.HasPrefix(trimmed, []byte("ext-"))
}

func known(version string) bool {
	for _, v := range versions {
		if v == version {
			return true
		}
	}
	return false
}

// fields are a pointer's values, unchecked.
type fields struct {
	version, oid, size string
	extensions         map[string]string // by key; a repeated one counts last
}

// readFields takes the lines apart: the three keys in their order, extensions
// anywhere before the last one, empty lines anywhere, LF or CRLF.
func readFields(text string) (fields, bool) {
	var f fields
	rest := []struct {
		key   string
		value *string
	}{{"version", &f.version}, {"oid", &f.oid}, {"size", &f.size}}
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSuffix(line, "\r")
		if line == "" {
			continue
		}
		key, value, found := strings.Cut(line, " ")
		switch {
		case !found || len(rest) == 0:
			return fields{}, false
		case key == rest[0].key:
			*rest[0].value = value
			rest = rest[1:]
		case isExtension(key):
			if f.extensions == nil {
				f.extensions = make(map[string]string)
			}
			f.extensions[key] = value
		default:
			return fields{}, false
		}
	}
	return f, true
}

// isExtension matches git-lfs's \Aext-\d{1}-\w+, which does not look at what
// follows the first letter of the name.
func isExtension(key string) bool {
	return len(key) > 6 && key[:4] == "ext-" && key[4] >= '0' && key[4] <= '9' && key[5] == '-' && isWord(key[6])
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func validExtensions(extensions map[string]string) bool {
	var seen [10]bool // priorities are one digit
	for key, value := range extensions {
		priority := key[4] - '0'
		if _, ok := parseOID(value); !ok || seen[priority] {
			return false
		}
		seen[priority] = true
	}
	return true
}

func parseOID(value string) (string, bool) {
	oid, found := strings.CutPrefix(value, "sha256:")
	return oid, found && ValidOID(oid)
}
