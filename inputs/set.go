package inputs

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/refs"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/remote"
)

// The setters of the table check a value and store it. Their errors say what
// is wrong and what to write; the caller puts the option's name before them.

func setText(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		*field(c) = v
		return nil
	}
}

func setSwitch(field func(*Config) *bool) func(*Config, string) error {
	return func(c *Config, v string) error {
		b, err := parseSwitch(v)
		*field(c) = b
		return err
	}
}

// parseSwitch takes what YAML and people write.
func parseSwitch(v string) (bool, error) {
	switch strings.ToLower(v) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", v)
}

func setLayout(c *Config, v string) error {
	c.Layout = engine.Layout(v)
	switch c.Layout {
	case engine.Auto, engine.Pack, engine.Loose:
		return nil
	}
	return fmt.Errorf("%q is not a layout; write auto, pack or loose", v)
}

func setLFS(c *Config, v string) error {
	c.LFS = engine.LFS(v)
	switch c.LFS {
	case engine.LFSTrue, engine.LFSFalse, engine.LFSBestEffort:
		return nil
	}
	return fmt.Errorf("%q is unknown; write true, false or best-effort", v)
}

func setRefs(c *Config, v string) error {
	c.Refs = append(c.Refs, v)
	return checkGlob(v)
}

func setExcludeRefs(c *Config, v string) error {
	c.ExcludeRefs = append(c.ExcludeRefs, v)
	return checkGlob(v)
}

func checkGlob(v string) error {
	_, err := refs.Filter(nil, []string{v}, nil)
	return err
}

// setAddress takes an http(s) URL.
func setAddress(example string, field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		*field(c) = v
		u, err := url.Parse(v)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("%q is not an address; write for example %s", remote.Redact(v), example)
		}
		return nil
	}
}

var storageClass = regexp.MustCompile(`^[A-Z0-9_]+$`)

// setStorageClass takes any name, since S3-compatible stores have their own,
// except those whose objects nobody can read before they are restored.
func setStorageClass(c *Config, v string) error {
	c.StorageClass = v
	switch {
	case v == "GLACIER" || v == "DEEP_ARCHIVE":
		return fmt.Errorf("nobody could clone from %s, whose objects must be restored before each use; GLACIER_IR is the coldest class that works", v)
	case !storageClass.MatchString(v):
		return fmt.Errorf("%q is not a storage class; write for example STANDARD_IA", v)
	}
	return nil
}

func setSSE(c *Config, v string) error {
	c.SSE = v
	switch v {
	case "AES256", "aws:kms", "aws:kms:dsse":
		return nil
	}
	return fmt.Errorf("%q is unknown; write AES256, aws:kms or aws:kms:dsse", v)
}

// The limits of an object's tags
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html).
const (
	maxTags     = 10
	maxTagKey   = 128
	maxTagValue = 256
)

func setObjectTags(c *Config, v string) error {
	key, value, ok := strings.Cut(v, "=")
	switch {
	case !ok || key == "":
		return fmt.Errorf("%q is not a tag; write for example team=web", v)
	case utf8.RuneCountInString(key) > maxTagKey || utf8.RuneCountInString(value) > maxTagValue:
		return fmt.Errorf("%q is too long for S3, whose limits are %d characters for a key and %d for a value", v, maxTagKey, maxTagValue)
	case c.ObjectTags.Has(key):
		return fmt.Errorf("%q is given twice; a tag has one value", key)
	case len(c.ObjectTags) == maxTags:
		return fmt.Errorf("%q is one too many; S3 takes %d tags", v, maxTags)
	}
	if c.ObjectTags == nil {
		c.ObjectTags = url.Values{}
	}
	c.ObjectTags.Set(key, value)
	return nil
}

// checkTogether finds options that don't go with each other.
func checkTogether(c *Config) error {
	var mistakes []error
	if c.SSEKMSKeyID != "" && !strings.HasPrefix(c.SSE, "aws:kms") {
		mistakes = append(mistakes, errors.New("sse-kms-key-id: a key needs encryption with keys; give sse as aws:kms too"))
	}
	return errors.Join(append(mistakes, checkAWS(c))...)
}

func setToken(c *Config, v string) error {
	c.Token = v
	return checkToken(v)
}

// checkToken refuses what can't stand in a header. The error must not show it.
func checkToken(v string) error {
	if strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return errors.New("it holds a space, a line break or another character that no token has")
	}
	return nil
}

func setConcurrency(c *Config, v string) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		return fmt.Errorf("%q is not a number of mirrors; write 1 or more", v)
	}
	c.Concurrency = n
	return nil
}

func setMaxMemory(c *Config, v string) error {
	n, err := parseSize(v)
	if err != nil {
		return err
	}
	if n < minMemory {
		return fmt.Errorf("%s is too little to work in; write 32MiB or more", v)
	}
	c.MaxMemory = n
	return nil
}
