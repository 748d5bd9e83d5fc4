package engine

import (
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// The keys of a mirror, below its prefix. Those that change are never cached;
// what is named by its content is immutable.
const (
	keyState          = "mirror.json"
	keyInfoRefs       = "info/refs"
	keyPackedRefs     = "packed-refs"
	keyHead           = "HEAD"
	keyConfig         = "config"
	keyInfoPacks      = "objects/info/packs"
	keyAlternates     = "objects/info/alternates"
	keyHTTPAlternates = "objects/info/http-alternates"
	prefixRefs        = "refs/"
	prefixObjects     = "objects/"
	prefixStaging     = "mirror_tmp/"
	// keyNoRefs is there when no branch is, since git takes a directory for
	// a repository only if it has refs/. Git ignores names that end so.
	keyNoRefs = "refs/mirror.lock"
)

func keyPack(name string) string { return "objects/pack/" + name + ".pack" }
func keyIdx(name string) string  { return "objects/pack/" + name + ".idx" }

func keyLoose(id object.ID) string { return "objects/" + string(id[:2]) + "/" + string(id[2:]) }

// Cache headers as git http-backend sends them: a year for what is named by
// its content.
const (
	noCache   = "no-cache, max-age=0, must-revalidate"
	immutable = "public, max-age=31536000, immutable"
)

// attributes returns how a key is stored. The content types are those of git
// http-backend, but for info/refs: with the smart one git ls-remote fails.
func attributes(key string) store.Options {
	switch {
	case strings.HasSuffix(key, ".pack"):
		return store.Options{ContentType: "application/x-git-packed-objects", CacheControl: immutable}
	case strings.HasSuffix(key, ".idx"):
		return store.Options{ContentType: "application/x-git-packed-objects-toc", CacheControl: immutable}
	case key == keyState:
		return store.Options{ContentType: "application/json", CacheControl: noCache}
	case strings.HasPrefix(key, "objects/info/") && key != keyInfoPacks:
		return store.Options{ContentType: "text/plain", CacheControl: noCache}
	case key == keyInfoPacks:
		return store.Options{ContentType: "text/plain; charset=utf-8", CacheControl: noCache}
	case strings.HasPrefix(key, prefixObjects):
		return store.Options{ContentType: "application/x-git-loose-object", CacheControl: immutable}
	case strings.HasPrefix(key, prefixStaging):
		return store.Options{ContentType: "application/octet-stream", CacheControl: "no-store"}
	}
	return store.Options{ContentType: "text/plain", CacheControl: noCache}
}
