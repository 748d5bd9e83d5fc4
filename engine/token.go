package engine

import (
	"net/url"
	"strings"
)

// token returns the credential for the source's address at, which may be where
// redirects led to: the one for its host, or the one for all sources. Without
// a host of its own it goes no further than the host that the caller named.
func (m *mirror) token(at string) string {
	u, err := url.Parse(at)
	if err != nil {
		return ""
	}
	host := strings.ToLower(u.Host)
	for _, key := range []string{u.Scheme + "://" + host, host} {
		if t := m.Tokens[key]; t != "" {
			return t
		}
	}
	given, err := url.Parse(m.pair.Source)
	if err != nil || !strings.EqualFold(given.Host, u.Host) || given.Scheme == "https" && u.Scheme != "https" {
		return ""
	}
	return m.Token
}
