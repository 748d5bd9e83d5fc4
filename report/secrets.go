package report

import (
	"cmp"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
)

// Secrets are what no report may show. The zero value knows none; all methods
// may be called at any time.
type Secrets struct {
	mu    sync.RWMutex
	known []string
	hide  *strings.Replacer
}

// hidden stands for a secret.
const hidden = "***"

// shortestSecret is the length below which a text is found everywhere, so
// that hiding it protects nothing and spoils the rest.
const shortestSecret = 4

// add makes a secret known, and the ways it is written in URLs and JSON. It
// says whether it was new.
func (s *Secrets) add(secret string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(secret) < shortestSecret || slices.Contains(s.known, secret) {
		return false
	}
	quoted, _ := json.Marshal(secret) // a string has JSON
	for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), strings.Trim(string(quoted), `"`)} {
		if !slices.Contains(s.known, form) {
			s.known = append(s.known, form)
		}
	}
	// A longer one may hold a shorter one, and goes first.
	slices.SortStableFunc(s.known, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	var pairs []string
	for _, form := range s.known {
		pairs = append(pairs, form, hidden)
	}
	s.hide = strings.NewReplacer(pairs...)
	return true
}

// Hide returns a text without the secrets.
func (s *Secrets) Hide(text string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.hide == nil {
		return text
	}
	return s.hide.Replace(text)
}

// results returns results without the secrets.
func (s *Secrets) results(r engine.Results) engine.Results {
	r.Mirrors = slices.Clone(r.Mirrors)
	for i := range r.Mirrors {
		r.Mirrors[i] = s.result(r.Mirrors[i])
	}
	return r
}

func (s *Secrets) result(r engine.Result) engine.Result {
	for _, field := range []*string{&r.Source, &r.Target, &r.CloneURL, &r.Error} {
		*field = s.Hide(*field)
	}
	return r
}

// filter is a writer that changes texts on their way; each Write holds whole
// lines.
type filter struct {
	w      io.Writer
	change func(string) string
}

func (f filter) Write(b []byte) (int, error) {
	if _, err := io.WriteString(f.w, f.change(string(b))); err != nil {
		return 0, err
	}
	return len(b), nil
}
