// Package remote reads repositories over git's smart HTTP protocol
// (gitprotocol-http(5), gitprotocol-v2(5), gitprotocol-pack(5)).
//
// Start with [Open], then [Remote.Snapshot] for the refs and [Remote.Fetch]
// for a pack. Protocol version 2 is asked for; servers that answer with
// version 1 or 0 are understood.
//
// # What is trusted
//
// Nothing that a server sends: ids and ref names are checked, lines are of
// bounded length, text is freed of control characters before it is quoted.
// Credentials go only to the host that they were given for, and only after it
// asked for them; they are in no error, log line or result of [Remote.URL].
//
// # Retries
//
// What is temporary (a lost connection, 408, 429, 500, 502, 503, 504) is tried
// again, with growing waits, until the first byte of a pack was handed over.
// All else fails at once.
package remote

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/refs"
)

// Options say how a repository is read. The zero value of each is its default.
type Options struct {
	// HTTP makes the connections; its redirect policy is not used. nil is a
	// client with timeouts for everything but the length of an answer, that
	// honours HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE and the like.
	HTTP *http.Client
	Log  *slog.Logger // nil discards
	// Token is given to the URL's host when that asks for credentials,
	// unless the URL has user info.
	Token string
	// UserAgent is for hosts that know clients by it. Some serve only what
	// starts with "git/", as the default does.
	UserAgent string

	Tries int           // of each request, the first included; 0 is 5
	Wait  time.Duration // before the second try, growing from there; 0 is 1 s
	Stall time.Duration // longest silence in the middle of an answer; 0 is 5 min
}

// Defaults of Options. Five tries wait about 1+2+4+8 s, long enough for a
// restart behind a load balancer.
const (
	defaultUserAgent = "git/2.0 (mirror-git-to-s3)"
	defaultTries     = 5
	defaultWait      = time.Second
	defaultStall     = 5 * time.Minute
)

func (o Options) withDefaults() Options {
	if o.HTTP == nil {
		o.HTTP = defaultClient()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.UserAgent == "" {
		o.UserAgent = defaultUserAgent
	}
	if o.Tries <= 0 {
		o.Tries = defaultTries
	}
	if o.Wait <= 0 {
		o.Wait = defaultWait
	}
	if o.Stall <= 0 {
		o.Stall = defaultStall
	}
	return o
}

// Remote is a repository on a server. Its methods are called by one goroutine
// at a time.
type Remote struct {
	options Options
	client  *http.Client
	given   *url.URL // as given, without credentials
	base    *url.URL // after redirects; no slash at its end
	login   login

	version int
	caps    capabilities
	format  object.Format
	// advertised are the refs that a server of version 0 or 1 told when it
	// was opened; nil once they were handed out.
	advertised *refs.Snapshot
}

// Open asks the server at rawURL, http or https, what it is. The error is one
// line that says what to do.
func Open(ctx context.Context, rawURL string, o Options) (*Remote, error) {
	u, user, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	r := &Remote{
		options: o,
		client:  withoutRedirects(o.HTTP),
		given:   u,
		base:    u,
		login:   newLogin(u, user, o.Token),
	}
	if err := r.discover(ctx); err != nil {
		return nil, fmt.Errorf("opening %s: %w", r.given, err)
	}
	return r, nil
}

// Format is the repository's object format.
func (r *Remote) Format() object.Format { return r.format }

// URL is the repository's address after redirects, without credentials.
func (r *Remote) URL() string { return r.base.String() }

// Snapshot returns the refs as they are now. HEAD is in Head alone: symbolic,
// also to a branch that does not exist yet, or detached. A server of version 0
// tells nothing of a HEAD that leads nowhere; Head is then its zero value.
func (r *Remote) Snapshot(ctx context.Context) (refs.Snapshot, error) {
	s, err := r.snapshot(ctx)
	if err != nil {
		return refs.Snapshot{}, fmt.Errorf("reading the refs of %s: %w", r.base, err)
	}
	return s, nil
}

func (r *Remote) snapshot(ctx context.Context) (refs.Snapshot, error) {
	if r.version == 2 {
		return r.lsRefs(ctx)
	}
	if r.advertised == nil {
		if err := r.discover(ctx); err != nil {
			return refs.Snapshot{}, err
		}
	}
	s := *r.advertised
	r.advertised = nil
	return s, nil
}
