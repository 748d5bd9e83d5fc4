package mirrorcheck

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// hex is an object id or a pack's checksum in either object format.
const hex = `([0-9a-f]{40}|[0-9a-f]{64})`

// kinds are all the files that a mirror may have. Anything else, staging
// above all, was left behind.
var kinds = []struct {
	name  string
	match *regexp.Regexp
}{
	{"pack", regexp.MustCompile(`^objects/pack/pack-` + hex + `\.pack$`)},
	{"idx", regexp.MustCompile(`^objects/pack/pack-` + hex + `\.idx$`)},
	{"loose", regexp.MustCompile(`^objects/[0-9a-f]{2}/([0-9a-f]{38}|[0-9a-f]{62})$`)},
	{"info", regexp.MustCompile(`^objects/info/(packs|http-alternates|alternates)$`)},
	{"refs", regexp.MustCompile(`^(HEAD|packed-refs|info/refs|refs/heads/.+|refs/mirror\.lock)$`)},
	{"config", regexp.MustCompile(`^config$`)},
	{"state", regexp.MustCompile(`^mirror\.json$`)},
	{"lfs", regexp.MustCompile(`^lfs/objects/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{64}$`)},
}

// kindOf returns the kind of a key, "" for one that should not be.
func kindOf(key string) string {
	for _, k := range kinds {
		if k.match.MatchString(key) {
			return k.name
		}
	}
	return ""
}

// lock is what writers of a directory lock. It stays: to delete it while
// another waits for it would let two in.
const lock = "mirror_tmp/.lock"

// Keys lists the files below folder, as keys, sorted. A folder that isn't
// there holds none.
func Keys(folder string) ([]string, error) {
	var keys []string
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		key, err := filepath.Rel(folder, path)
		if key = filepath.ToSlash(key); key != lock {
			keys = append(keys, key)
		}
		return err
	})
	if os.IsNotExist(err) {
		return nil, nil
	}
	slices.Sort(keys)
	return keys, err
}

// files reads the list of the mirror's files and reports strange ones.
func (c *check) files() {
	var err error
	if c.keys, err = Keys(c.Folder); err != nil {
		c.addf("listing the mirror: %w", err)
	}
	for _, key := range c.keys {
		switch kindOf(key) {
		case "":
			c.addf("the mirror holds %q, which belongs to no mirror", key)
		case "pack":
			c.report.Packs++
		case "loose":
			c.report.Loose++
		}
	}
}

// read returns a file's text; a missing one is a fault.
func (c *check) read(key string) string {
	b, err := os.ReadFile(filepath.Join(c.Folder, key))
	c.add(err)
	return string(b)
}

// copyTo makes dir hold the mirror's files, and no folder that holds none:
// that is what copying a prefix of a bucket gives.
func (c *check) copyTo(dir string) error {
	for _, key := range c.keys {
		from, to := filepath.Join(c.Folder, key), filepath.Join(dir, key)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := linkOrCopy(from, to); err != nil {
			return err
		}
	}
	return nil
}

// linkOrCopy prefers a link: the copy is only read.
func linkOrCopy(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return fmt.Errorf("copying %s: %w", from, err)
	}
	return out.Close()
}

// Unchanged returns an error unless the folder holds what it held when
// before was taken.
func Unchanged(before Contents, folder string) error {
	after, err := Read(folder)
	if err != nil {
		return err
	}
	for key, content := range after {
		if was, ok := before[key]; !ok {
			return fmt.Errorf("%s was added", key)
		} else if was != content {
			return fmt.Errorf("%s was changed", key)
		}
	}
	for key := range before {
		if _, ok := after[key]; !ok {
			return fmt.Errorf("%s was deleted", key)
		}
	}
	return nil
}

// Contents are the files of a folder, each with its bytes if it is small,
// else with its size and time.
type Contents map[string]string

// Read takes a folder's contents.
func Read(folder string) (Contents, error) {
	keys, err := Keys(folder)
	if err != nil {
		return nil, err
	}
	contents := make(Contents, len(keys))
	for _, key := range keys {
		path := filepath.Join(folder, filepath.FromSlash(key))
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if info.Size() > 1<<20 || strings.HasPrefix(key, "objects/") {
			contents[key] = fmt.Sprint(info.Size(), info.ModTime())
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		contents[key] = string(b)
	}
	return contents, nil
}
