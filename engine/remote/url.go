package remote

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// parseURL checks a repository's URL and takes the user info out of it.
func parseURL(raw string) (*url.URL, *url.Userinfo, error) {
	u, err := url.Parse(raw)
	if err != nil {
		// The parser's error quotes the URL, with what may be a password.
		return nil, nil, fmt.Errorf("source %q is not a valid URL: want https://host/path (%%-encode special characters in a password)", Redact(raw))
	}
	fail := func(why string) (*url.URL, *url.Userinfo, error) {
		return nil, nil, fmt.Errorf("source %q: %s", Redact(raw), why)
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fail("only http:// and https:// URLs can be mirrored")
	case u.Hostname() == "":
		return fail("the URL has no host")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return fail(`a repository's URL has no "?" or "#"`)
	}
	user := u.User
	u.User = nil
	return withPath(u, strings.TrimRight(u.EscapedPath(), "/")), user, nil
}

// withPath returns u with another path, which is given as in the URL.
func withPath(u *url.URL, escaped string) *url.URL {
	c := *u
	c.RawPath = escaped
	if path, err := url.PathUnescape(escaped); err == nil {
		c.Path = path
	}
	return &c
}

// Redact returns a URL without what may be secret, user info, query and
// fragment, for messages, logs and mirror.json. What is no URL is cut so that
// no password is left.
func Redact(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err == nil && u.Scheme != "" && u.Opaque == "" && (u.Host != "" || u.User == nil) {
		u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
		return u.String()
	}
	scheme, rest, ok := strings.Cut(rawURL, "://")
	if !ok {
		scheme, rest = "", rawURL
	} else {
		scheme += "://"
	}
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	rest, _, _ = strings.Cut(rest, "?")
	rest, _, _ = strings.Cut(rest, "#")
	return clean(scheme + rest)
}

const (
	service       = "git-upload-pack"
	discoveryTail = "/info/refs"
)

// discoveryURL is where a server says what it is.
func discoveryURL(base *url.URL) *url.URL {
	u := withPath(base, base.EscapedPath()+discoveryTail)
	u.RawQuery = "service=" + service
	return u
}

// baseOf undoes discoveryURL on the address that a redirect led to.
func baseOf(u *url.URL) (*url.URL, error) {
	path, ok := strings.CutSuffix(u.EscapedPath(), discoveryTail)
	if !ok || u.RawQuery != "service="+service {
		return nil, fmt.Errorf("the server redirects to %s, which is no git repository: check the URL; if that is a login page, %s", Redact(u.String()), hintToken)
	}
	base := withPath(u, path)
	base.RawQuery = ""
	return base, nil
}

// redirected returns where a Location header leads from u. Its user info, if
// any, is the server's invention and not used.
func redirected(u *url.URL, location string) (*url.URL, error) {
	next, err := u.Parse(location)
	switch {
	case location == "" || err != nil:
		return nil, errors.New("the server redirects to no valid URL")
	case next.Scheme != "http" && next.Scheme != "https", next.Host == "":
		return nil, fmt.Errorf("the server redirects to %s: only http and https are followed", Redact(next.String()))
	case u.Scheme == "https" && next.Scheme == "http":
		return nil, fmt.Errorf("the server redirects from https to %s, which is refused: use that URL as the source if it is to be trusted", Redact(next.String()))
	}
	next.User, next.Fragment, next.RawFragment = nil, "", ""
	return next, nil
}

// sameHost says whether what was given for one URL may be sent to the other:
// scheme, host and port are the same, or only http became https.
func sameHost(given, u *url.URL) bool {
	if !strings.EqualFold(given.Hostname(), u.Hostname()) {
		return false
	}
	if given.Scheme == u.Scheme {
		return port(given) == port(u)
	}
	return given.Scheme == "http" && port(given) == "80" && port(u) == "443"
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}
