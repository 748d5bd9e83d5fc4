package refs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
)

// defaultBranch is what HEAD names when the source told nothing, as older
// servers do of an empty repository: the branch that git init makes, unless
// told otherwise.
const defaultBranch = "refs/heads/master"

// ParseHead reads the content of a HEAD file: "ref: <name>" or an object id.
func ParseHead(s string, f object.Format) (Head, error) {
	s = strings.TrimRight(s, " \t\r\n")
	if s == "" {
		return Head{}, errors.New("HEAD is empty")
	}
	if target, ok := strings.CutPrefix(s, "ref:"); ok {
		target = strings.TrimLeft(target, " \t\r\n")
		if err := CheckName(target); err != nil {
			return Head{}, fmt.Errorf("HEAD: %w", err)
		}
		return Head{Target: target}, nil
	}
	id, err := f.ParseID(s)
	if err != nil {
		return Head{}, fmt.Errorf("HEAD: %w", err)
	}
	return Head{ID: id}, nil
}

// String returns the content of the HEAD file, LF included. The zero Head
// names refs/heads/master, since a repository needs a HEAD to be one.
func (h Head) String() string {
	switch {
	case h.Target != "":
		return "ref: " + h.Target + "\n"
	case h.ID != "":
		return string(h.ID) + "\n"
	}
	return "ref: " + defaultBranch + "\n"
}
