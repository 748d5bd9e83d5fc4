// Package endpoint finds out where a repository's LFS server is: what
// .lfsconfig says, else below the repository's own URL (git-lfs's
// docs/api/server-discovery.md).
package endpoint

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
)

// Endpoint is the base URL of an LFS server.
type Endpoint struct {
	// URL is http(s), without user info, query and trailing slash; the batch
	// API is at URL/objects/batch.
	URL *url.URL
	// Own says that it has the source's own scheme, host and port, so that
	// the source's credentials may be given to it.
	Own bool
	// Note is a word about a .lfsconfig that could not be followed, "" when
	// there is none.
	Note string
}

// Find returns the endpoint of the repository at source, an http(s) URL.
// lfsconfig is the content of .lfsconfig at the tip of the default branch,
// nil when there is none.
func Find(source string, lfsconfig []byte) (Endpoint, error) {
	repo, err := parseURL(source)
	if err != nil {
		return Endpoint{}, fmt.Errorf("looking for the LFS server: %w", err)
	}
	named, err := fromConfig(lfsconfig)
	if err == nil && named != nil {
		return Endpoint{URL: named, Own: SameOrigin(named, repo)}, nil
	}
	e := Endpoint{URL: repo, Own: true}
	if err != nil {
		e.Note = fmt.Sprintf(".lfsconfig is not followed: %v", err)
	}
	if path.Ext(repo.Path) != ".git" {
		repo.Path += ".git"
		if repo.RawPath != "" {
			repo.RawPath += ".git"
		}
	}
	e.URL = repo.JoinPath("info", "lfs")
	return e, nil
}

// fromConfig returns the URL that .lfsconfig names, nil when it names none.
func fromConfig(lfsconfig []byte) (*url.URL, error) {
	values, err := parseConfig(string(lfsconfig))
	if err != nil {
		return nil, err
	}
	for _, key := range []string{"lfs.url", "remote.origin.lfsurl"} {
		if value := values[key]; value != "" {
			u, err := parseURL(value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			return u, nil
		}
	}
	return nil, nil
}

// parseURL accepts http(s) URLs only; errors don't repeat the URL, which may
// hold a password.
func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("not a URL")
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, errors.New("not an http or https URL")
	}
	u = &url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = strings.TrimRight(u.RawPath, "/")
	return u, nil
}

// SameOrigin says whether two URLs have the same scheme, host and port.
func SameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}
