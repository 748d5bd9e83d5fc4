package refs

import (
	"errors"
	"fmt"
	"strings"
)

// CheckName tells whether name is a full ref name by the rules of
// git-check-ref-format(1), and below "refs/", where all the refs that a server
// advertises are. A name that passes is a safe relative path.
func CheckName(name string) error {
	if err := checkName(name); err != nil {
		return fmt.Errorf("ref name %.200q: %w", name, err)
	}
	return nil
}

func checkName(name string) error {
	if !strings.HasPrefix(name, "refs/") {
		return errors.New(`does not start with "refs/"`)
	}
	if i := strings.IndexFunc(name, forbidden); i >= 0 {
		return fmt.Errorf("has a forbidden character %q", name[i])
	}
	for _, s := range []string{"..", "@{", "//"} {
		if strings.Contains(name, s) {
			return fmt.Errorf("contains %q", s)
		}
	}
	if strings.HasSuffix(name, ".") || strings.HasSuffix(name, "/") {
		return errors.New(`ends with "." or "/"`)
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return fmt.Errorf(`part %.80q starts with "." or ends with ".lock"`, part)
		}
	}
	return nil
}

func forbidden(c rune) bool {
	return c <= ' ' || c == 0x7f || strings.ContainsRune(`~^:?*[\`, c)
}
