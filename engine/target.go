package engine

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/remote"
)

// Target is where a mirror is kept: a bucket and prefix, or a directory.
type Target struct {
	Bucket, Prefix string // Prefix without slashes at its ends, may be ""
	Dir            string // absolute; "" for S3
}

// String returns the target as a URL.
func (t Target) String() string {
	if t.Dir != "" {
		return "file://" + filepath.ToSlash(t.Dir)
	}
	return strings.TrimSuffix("s3://"+t.Bucket+"/"+t.Prefix, "/")
}

// ParseTarget reads s3://bucket/prefix or file:///absolute/dir.
func ParseTarget(s string) (Target, error) {
	if rest, ok := strings.CutPrefix(s, "s3://"); ok {
		return parseS3(s, rest)
	}
	if rest, ok := strings.CutPrefix(s, "file://"); ok {
		if !filepath.IsAbs(rest) {
			return Target{}, fmt.Errorf("target %q: write file:// followed by an absolute path, as in file:///srv/mirrors/repo", s)
		}
		dir := filepath.Clean(rest)
		if dir == string(filepath.Separator) {
			return Target{}, fmt.Errorf("target %q: the root directory cannot be a mirror", s)
		}
		return Target{Dir: dir}, nil
	}
	return Target{}, fmt.Errorf("target %q: write s3://bucket/prefix or file:///absolute/dir", s)
}

func parseS3(s, rest string) (Target, error) {
	bucket, prefix, _ := strings.Cut(rest, "/")
	if bucket == "" || strings.ContainsAny(bucket, "?#@: ") {
		return Target{}, fmt.Errorf("target %q: write s3://bucket/prefix", s)
	}
	prefix = strings.Trim(prefix, "/")
	if prefix != "" && (path.Clean(prefix) != prefix || prefix == ".." || strings.HasPrefix(prefix, "../")) {
		return Target{}, fmt.Errorf("target %q: the prefix has an empty, \".\" or \"..\" part", s)
	}
	for _, c := range prefix {
		if c < ' ' || c == 0x7f {
			return Target{}, fmt.Errorf("target %q: the prefix has a control character", s)
		}
	}
	return Target{Bucket: bucket, Prefix: prefix}, nil
}

// CheckPairs reports the first thing that makes pairs unusable: a source or a
// target that isn't one, the same target twice, a target inside another.
func CheckPairs(pairs []Pair) error {
	if len(pairs) == 0 {
		return errors.New("nothing to mirror: give a source and a target")
	}
	seen := map[string]Target{}
	for _, p := range pairs {
		if err := checkSource(p.Source); err != nil {
			return err
		}
		t, err := ParseTarget(p.Target)
		if err != nil {
			return err
		}
		for s, other := range seen {
			if overlap(t, other) {
				return fmt.Errorf("target %s: it is the same as, or nested with, target %s; give each mirror a place of its own", p.Target, s)
			}
		}
		seen[p.Target] = t
	}
	return nil
}

func overlap(a, b Target) bool {
	if (a.Dir == "") != (b.Dir == "") || a.Bucket != b.Bucket {
		return false
	}
	x, y := a.Prefix, b.Prefix
	if a.Dir != "" {
		x, y = filepath.ToSlash(a.Dir), filepath.ToSlash(b.Dir)
	}
	return x == y || x == "" || y == "" || strings.HasPrefix(x, y+"/") || strings.HasPrefix(y, x+"/")
}

func checkSource(s string) error {
	u, err := url.Parse(s)
	if err != nil {
		return fmt.Errorf("source %q: it is not a URL", remote.Redact(s))
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("source %q: write the http:// or https:// URL that git clone takes", remote.Redact(s))
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("source %q: a repository's URL has no ? and no #", remote.Redact(s))
	}
	return nil
}
