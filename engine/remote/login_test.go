package remote

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestSameHost(t *testing.T) {
	for _, test := range []struct {
		given, to string
		want      bool
	}{
		{"https://host/a", "https://host/b", true},
		{"https://host/a", "https://HOST:443/b", true},
		{"http://host/a", "https://host/a", true},
		{"http://host:80/a", "https://host:443/a", true},
		{"https://host/a", "http://host/a", false},
		{"http://host:8080/a", "https://host/a", false},
		{"http://host/a", "https://host:8443/a", false},
		{"https://host/a", "https://host:8443/a", false},
		{"https://host/a", "https://sub.host/a", false},
		{"https://sub.host/a", "https://host/a", false},
		{"https://host/a", "https://host.evil/a", false},
		{"https://[::1]/a", "https://[::1]:443/a", true},
	} {
		given, _ := url.Parse(test.given)
		to, _ := url.Parse(test.to)
		if got := sameHost(given, to); got != test.want {
			t.Errorf("from %s to %s: got %v", test.given, test.to, got)
		}
	}
}

func TestOffers(t *testing.T) {
	list := []string{`Negotiate`, `bearer realm="a", charset="x", BASIC realm="b"`}
	for scheme, want := range map[string]bool{"basic": true, "bearer": true, "negotiate": true, "digest": false, "realm": false} {
		if offers(list, scheme) != want {
			t.Errorf("%s: want %v", scheme, want)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                   "plain",
		"  two\r\n\tlines ":       "two lines",
		"\x1b[31mred\x00\x7f":     "[31mred",
		"bad \xff utf-8":          "bad \uFFFD utf-8",
		"right\u202eto left":      "right to left",
		"c1 \u009b31m":            "c1 31m",
		strings.Repeat("ä", 300):  strings.Repeat("ä", 300),
		strings.Repeat("äb", 200): strings.Repeat("äb", 150) + "…",
	} {
		if got := clean(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestRetryAfterHeader(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for in, want := range map[string]time.Duration{
		"":                              0,
		"7":                             7 * time.Second,
		"-7":                            0,
		"99999999999999999999":          0,
		"soon":                          0,
		"Fri, 02 Jan 2026 03:04:15 GMT": 10 * time.Second,
		"Fri, 02 Jan 2026 03:04:00 GMT": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {in}}, now); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}
