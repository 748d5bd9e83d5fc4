package mirrorcheck

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// packs reports packs without an idx, idx files that git would have written
// otherwise, names that are not the pack's checksum, and lists of packs that
// name what isn't there.
func (c *check) packs() {
	for _, key := range c.keys {
		switch kindOf(key) {
		case "idx":
			if pack := strings.TrimSuffix(key, ".idx") + ".pack"; !slices.Contains(c.keys, pack) {
				c.addf("%s stands alone", key)
			}
		case "pack":
			c.onePack(key)
		}
	}
	list := c.read("objects/info/packs")
	if !regexp.MustCompile(`^(P pack-` + hex + `\.pack\n)*$`).MatchString(list) {
		c.addf("objects/info/packs is %.200q", list)
	}
	for line := range strings.Lines(list) {
		if key := "objects/pack/" + strings.TrimSpace(strings.TrimPrefix(line, "P ")); !slices.Contains(c.keys, key) {
			c.addf("objects/info/packs names %s, which isn't there", key)
		}
	}
}

// onePack lets git index the pack and compares.
func (c *check) onePack(key string) {
	name := strings.TrimSuffix(strings.TrimPrefix(key, "objects/pack/pack-"), ".pack")
	format := "sha1"
	if len(name) == 64 {
		format = "sha256"
	}
	idx := filepath.Join(c.Temp, name+".idx")
	said, err := c.git.Run(c.ctx, c.Temp, "index-pack", "--no-rev-index", "--object-format="+format,
		"-o", idx, filepath.Join(c.Folder, key))
	if err != nil {
		c.add(err)
		return
	}
	if !strings.HasSuffix(said, name) {
		c.addf("%s has the checksum %s", key, said)
	}
	want, err := os.ReadFile(idx)
	c.add(err)
	got, err := os.ReadFile(filepath.Join(c.Folder, strings.TrimSuffix(key, ".pack")+".idx"))
	c.add(err)
	if !bytes.Equal(want, got) {
		c.addf("the idx of %s has %d bytes, not the %d that git index-pack writes, or others", key, len(got), len(want))
	}
	c.add(os.Remove(idx))
}

// texts compares the small files with what git says of the source.
func (c *check) texts(source *state) {
	info := strings.Join(source.refs, "\n")
	if info != "" {
		info += "\n"
	}
	if got := c.read("info/refs"); got != info {
		c.addf("info/refs is %.300q, want %.300q", got, info)
	}
	head := source.head + "\n"
	if !source.detached() {
		head = "ref: " + head
	}
	if got := c.read("HEAD"); got != head && c.wantsHead() {
		c.addf("HEAD is %q, want %q", got, head)
	}
	for _, key := range []string{"objects/info/http-alternates", "objects/info/alternates"} {
		if got := c.read(key); got != "" {
			c.addf("%s is %q, want nothing", key, got)
		}
	}
	if got := c.read("mirror.json"); !json.Valid([]byte(got)) {
		c.addf("mirror.json is no JSON: %.300q", got)
	}
}

// The cache headers of git's own http-backend, by what they mean.
const (
	forever = "max-age=31536000"
	never   = "no-cache"
)

// headersOf are what each kind of file is served with.
var headersOf = map[string]struct{ contentType, cache string }{
	"pack":   {"application/x-git-packed-objects", forever},
	"idx":    {"application/x-git-packed-objects-toc", forever},
	"loose":  {"application/x-git-loose-object", forever},
	"info":   {"text/plain", never},
	"refs":   {"text/plain", never},
	"config": {"text/plain", never},
	"state":  {"application/json", never},
	"lfs":    {"application/octet-stream", forever},
}

// perKind is how many files of a kind have their headers looked at.
const perKind = 8

// headers asks for the files as anybody may.
func (c *check) headers() {
	seen := map[string]int{}
	for _, key := range c.keys {
		kind := kindOf(key)
		if seen[kind]++; kind != "" && seen[kind] <= perKind {
			c.header(key, headersOf[kind].contentType, headersOf[kind].cache)
		}
	}
}

func (c *check) header(key, contentType, cache string) {
	u := c.URL + "/" + (&url.URL{Path: key}).EscapedPath()
	req, err := http.NewRequestWithContext(c.ctx, http.MethodGet, u, nil)
	if err != nil {
		c.add(err)
		return
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.add(err)
		return
	}
	c.add(res.Body.Close())
	if res.StatusCode != http.StatusOK {
		c.addf("GET %s: %s", key, res.Status)
		return
	}
	got, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	if got != contentType {
		c.addf("%s is served as %q, want %q", key, got, contentType)
	}
	if got := res.Header.Get("Cache-Control"); !strings.Contains(got, cache) {
		c.addf("%s is served with Cache-Control %q, want %s", key, got, cache)
	}
}
