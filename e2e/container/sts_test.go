//go:build container

package container

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"sync"
	"testing"
	"time"
)

// shortLived stands before MinIO and makes the credentials that its STS gives
// out expire after a few seconds: MinIO, like AWS, takes no less than 900.
type shortLived struct {
	url      string
	lifetime time.Duration

	mu      sync.Mutex
	expires map[string]time.Time // by access key
	used    map[string]bool      // access keys with which S3 was written to
	refused int                  // requests with expired credentials
}

func startShortLived(t *testing.T, endpoint string, lifetime time.Duration) *shortLived {
	t.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	s := &shortLived{lifetime: lifetime, expires: map[string]time.Time{}, used: map[string]bool{}}
	proxy := &httputil.ReverseProxy{
		// The host is signed, so it stays the client's.
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
		},
		ModifyResponse: s.shorten,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.hasExpired(r) {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>`)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

var signedBy = regexp.MustCompile(`Credential=([^/]+)/`)

// hasExpired tells whether the request's credentials have, and notes down
// their use.
func (s *shortLived) hasExpired(r *http.Request) bool {
	found := signedBy.FindStringSubmatch(r.Header.Get("Authorization"))
	if found == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	end, ok := s.expires[found[1]]
	if ok && time.Now().After(end) {
		s.refused++
		return true
	}
	if r.Method == http.MethodPut || r.Method == http.MethodPost {
		s.used[found[1]] = true
	}
	return false
}

var (
	expiration = regexp.MustCompile(`<Expiration>[^<]*</Expiration>`)
	accessKey  = regexp.MustCompile(`<AccessKeyId>([^<]*)</AccessKeyId>`)
)

// shorten changes the answers of the STS.
func (s *shortLived) shorten(answer *http.Response) error {
	if answer.Request.URL.Path != "/" || answer.Request.Method != http.MethodPost {
		return nil
	}
	text, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil {
		return err
	}
	if key := accessKey.FindSubmatch(text); key != nil {
		end := time.Now().Add(s.lifetime).Truncate(time.Second)
		s.mu.Lock()
		s.expires[string(key[1])] = end
		s.mu.Unlock()
		text = expiration.ReplaceAll(text, []byte("<Expiration>"+end.UTC().Format(time.RFC3339)+"</Expiration>"))
	}
	answer.Body = io.NopCloser(bytes.NewReader(text))
	answer.ContentLength = int64(len(text))
	answer.Header.Del("Content-Length")
	return nil
}

// counts returns how many credentials were given out, how many of them wrote
// something, and how many requests came too late.
func (s *shortLived) counts() (given, wrote, refused int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.expires), len(s.used), s.refused
}
