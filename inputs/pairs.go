package inputs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/remote"
)

// Sources and targets are told pair by pair, so that a forgotten target can't
// send the repositories after it to the wrong places.

func setSource(c *Config, v string) error {
	if v == "" || strings.HasPrefix(v, "-") {
		return fmt.Errorf("%q is not a URL; write for example https://github.com/git/git", v)
	}
	err := checkComplete(c)
	c.Pairs = append(c.Pairs, engine.Pair{Source: v})
	return err
}

func setTarget(c *Config, v string) error {
	last := len(c.Pairs) - 1
	switch {
	case v == "" || strings.HasPrefix(v, "-"):
		return fmt.Errorf("%q is not a URL; write s3://bucket/prefix or file:///absolute/dir", v)
	case last < 0 || c.Pairs[last].Target != "":
		return fmt.Errorf("%q has no --source; write --source URL before it", v)
	}
	c.Pairs[last].Target = v
	return nil
}

// checkComplete tells whether the last pair lacks its target. It completes it,
// so that this is said once.
func checkComplete(c *Config) error {
	last := len(c.Pairs) - 1
	if last < 0 || c.Pairs[last].Target != "" {
		return nil
	}
	c.Pairs[last].Target = "missing"
	return fmt.Errorf("%q has no --target; write --target URL after it", remote.Redact(c.Pairs[last].Source))
}

// checkPairs checks the pairs as a whole.
func checkPairs(c *Config) error {
	if len(c.Pairs) == 0 {
		return errors.New("nothing to mirror; write --source URL --target URL")
	}
	if err := checkComplete(c); err != nil {
		return fmt.Errorf("--source: %w", err)
	}
	return engine.CheckPairs(c.Pairs)
}
