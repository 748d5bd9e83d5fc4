package batch

import (
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/endpoint"
)

// maxRedirects is as many as browsers and curl follow at least.
const maxRedirects = 10

// harmless are the headers that may follow a redirect to another host.
var harmless = []string{"Accept", "Content-Type", "User-Agent"}

// follow sends req and follows redirects with its method and body, as git-lfs
// does. http.Client would turn POST into GET, and take every header but
// Authorization and cookies along to other hosts.
func follow(client *http.Client, req *http.Request) (*http.Response, error) {
	c := *client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for range maxRedirects + 1 {
		resp, err := c.Do(req)
		if err != nil {
			return nil, withoutURL(err)
		}
		if !isRedirect(resp) {
			return resp, nil
		}
		next, err := req.URL.Parse(resp.Header.Get("Location"))
		discard(resp)
		if err != nil || next.Scheme != "http" && next.Scheme != "https" || next.Host == "" {
			return nil, permanent(errors.New("redirected to what is no http(s) address"))
		}
		if req, err = redirected(req, next); err != nil {
			return nil, err
		}
	}
	return nil, permanent(errors.New("redirected too often"))
}

func isRedirect(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return resp.Header.Get("Location") != ""
	}
	return false
}

func redirected(old *http.Request, to *url.URL) (*http.Request, error) {
	req := old.Clone(old.Context())
	req.URL, req.Host = to, ""
	if !endpoint.SameOrigin(old.URL, to) {
		req.Header = make(http.Header)
		for _, name := range harmless {
			if v := old.Header.Get(name); v != "" {
				req.Header.Set(name, v)
			}
		}
	}
	if old.GetBody != nil {
		body, err := old.GetBody()
		if err != nil {
			return nil, err
		}
		req.Body = body
	}
	return req, nil
}

// withoutURL takes the URL, which may be signed, out of a client's error.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// discard closes a body so that its connection can be used again.
func discard(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	_ = resp.Body.Close()
}
