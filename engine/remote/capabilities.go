package remote

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
)

// agent is what we say of ourselves to servers that say what they are.
const agent = "git/2.0-mirror-git-to-s3"

// capabilities are what a server said it can do, in its own words: "name" or
// "name=value", in version 0 some names more than once.
type capabilities []string

func (c capabilities) has(name string) bool {
	_, ok := c.value(name)
	return ok
}

// value returns the first value of a name, "" for a name alone.
func (c capabilities) value(name string) (string, bool) {
	for _, s := range c {
		if key, value, _ := strings.Cut(s, "="); key == name {
			return value, true
		}
	}
	return "", false
}

// feature says whether a name's value, a list of words, holds a word.
func (c capabilities) feature(name, word string) bool {
	value, _ := c.value(name)
	return slices.Contains(strings.Fields(value), word)
}

// first returns the first of the names that the server has, or "".
func (c capabilities) first(names ...string) string {
	for _, name := range names {
		if c.has(name) {
			return name
		}
	}
	return ""
}

// format is the repository's; servers that do not say have SHA-1.
func (c capabilities) format() (object.Format, error) {
	name, ok := c.value("object-format")
	if !ok {
		return object.SHA1, nil
	}
	f, err := object.ParseFormat(name)
	if err != nil {
		return 0, fmt.Errorf("the repository has the object format %s, which is not known: sha1 and sha256 are", quoteRemote(name))
	}
	return f, nil
}
