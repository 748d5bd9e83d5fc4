package remote_test

import (
	"strings"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/remote"
)

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"https://host/a/b.git":                   "https://host/a/b.git",
		"https://host:8443/a%20b":                "https://host:8443/a%20b",
		"https://me:secret@host/a":               "https://host/a",
		"https://secret@host/a":                  "https://host/a",
		"https://host/a?token=secret#secret":     "https://host/a",
		"https://me:se%cret@host/a":              "https://host/a",
		"https://me:sec/ret@host/a":              "https://host/a",
		"https://me:sec?ret@host/a":              "https://host/a",
		"https://me:secret@/a":                   "https:///a",
		"me:secret@host:a":                       "host:a",
		"secret@host/a":                          "host/a",
		"https:me:secret@host/a":                 "host/a",
		"https://me:secret@host/a\x1b[31m\nb":    "https://host/a [31m b",
		"https://me:secret@ho st/a?token=secret": "https://ho st/a",
		"s3://bucket/prefix":                     "s3://bucket/prefix",
		"file:///dir/a":                          "file:///dir/a",
		"":                                       "",
	} {
		if got := remote.Redact(in); got != want {
			t.Errorf("Redact(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestOpenRefusesURLs(t *testing.T) {
	for in, want := range map[string]string{
		"":                              "only http:// and https://",
		"host/path":                     "only http:// and https://",
		"ssh://me:secret@host/path":     "only http:// and https://",
		"git@github.com:a/b.git":        "not a valid URL",
		"file:///dir":                   "only http:// and https://",
		"https://":                      "no host",
		"https:///path":                 "no host",
		"https://:443/path":             "no host",
		"https://host/a?secret":         `no "?"`,
		"https://host/a?":               `no "?"`,
		"https://host/a#secret":         `no "?" or "#"`,
		"https://me:sec%ret@host/a":     "not a valid URL",
		"https://me:secret@host:port/a": "not a valid URL",
	} {
		_, err := remote.Open(t.Context(), in, quick())
		wantError(t, err, "source ", want)
		if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "sec%ret") {
			t.Errorf("%q: the password is in %q", in, err)
		}
	}
}

// TestURLForms: slashes at the end and escapes are kept apart.
func TestURLForms(t *testing.T) {
	url := start(t, canned{advertisement: v2, result: flush})
	for in, want := range map[string]string{
		"":             "",
		"/":            "",
		"/a.git//":     "/a.git",
		"/a%2Fb/c%20d": "/a%2Fb/c%20d",
		"/ä":           "/%C3%A4",
		"/@x:y":        "/@x:y",
	} {
		r := open(t, url+in)
		if r.URL() != url+want {
			t.Errorf("%q: URL is %q, want %q", in, r.URL(), url+want)
		}
		if _, err := r.Snapshot(t.Context()); err != nil {
			t.Errorf("%q: %v", in, err)
		}
	}
}
