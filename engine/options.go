package engine

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/s3store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// Pair is one mirror to make: a repository and where its copy goes.
type Pair struct {
	Source string // http(s) URL of a repository on a smart HTTP server
	Target string // s3://bucket/prefix or file:///absolute/dir
}

// Layout says how the objects of a fetch are kept.
type Layout string

// The layouts. Auto follows git's own fetch.unpackLimit: fewer than 100
// objects become loose, more stay the pack that they came in.
const (
	Auto  Layout = "auto"
	Pack  Layout = "pack"
	Loose Layout = "loose"
)

// Options are how a run is done. The zero value of each is its default.
type Options struct {
	// S3 is the client for s3:// targets; it may be nil when there are none.
	S3 *s3store.Client
	// StorageClass of the packs, loose objects and LFS objects; "" leaves it
	// to the bucket. What is read often (refs, lists) stays STANDARD.
	StorageClass string
	// SSE is the server-side encryption asked for with each object: AES256,
	// aws:kms or aws:kms:dsse; "" leaves it to the bucket.
	SSE         string
	SSEKMSKeyID string // the key for the latter two; "" is the account's own
	ObjectTags  string // tags of each object as a URL query, "a=1&b=2"

	// HTTP is the client for sources; nil is one with sensible timeouts that
	// honours HTTPS_PROXY and SSL_CERT_FILE.
	HTTP *http.Client
	// Token is the credential given to a source that answers 401, unless its
	// URL holds user info. Tokens are for the sources of a host, and go before
	// it: by scheme://host or host, in lower case, with the port if the URL has
	// one.
	Token  string
	Tokens map[string]string

	LFS         LFS      // "" is LFSTrue
	Layout      Layout   // "" is Auto
	Refs        []string // globs over full ref names to mirror; none: all
	ExcludeRefs []string // globs over full ref names to leave out
	Full        bool     // fetch everything again
	DryRun      bool     // find out what would be done, write nothing

	Concurrency int   // mirrors at once; 0 is 4
	MaxMemory   int64 // bytes shared by all mirrors; 0 is DefaultMemory

	Log *slog.Logger // nil discards
	// Observe is called when a mirror starts, with figures that go on
	// changing until Result is delivered; nil is nobody.
	Observe func(Pair, *Progress)
	Now     func() time.Time // nil is time.Now

	// open replaces the opening of targets, for tests of what a store does
	// to a run; it returns the clone URL too.
	open func(Target) (store.Store, string, error)
	wait time.Duration // between looks at a mirror that is being published
}
