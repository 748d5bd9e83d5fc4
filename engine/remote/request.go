package remote

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// maxRedirects is git's own bound (http.c).
const maxRedirects = 20

// gzipOver is the size from which git compresses a request body
// (remote-curl.c, post_rpc).
const gzipOver = 1024

// request is what can be sent more than once.
type request struct {
	method string
	url    *url.URL
	header http.Header
	body   []byte
}

// discovery asks a server what it is.
func (r *Remote) discovery() request {
	h := http.Header{}
	h.Set("Accept", "*/*")
	h.Set("Pragma", "no-cache")
	h.Set("Git-Protocol", "version=2")
	return request{method: http.MethodGet, url: discoveryURL(r.base), header: h}
}

// upload is a request to git-upload-pack.
func (r *Remote) upload(body []byte) (request, error) {
	h := http.Header{}
	h.Set("Content-Type", "application/x-git-upload-pack-request")
	h.Set("Accept", "application/x-git-upload-pack-result")
	if r.version == 2 {
		h.Set("Git-Protocol", "version=2")
	}
	if len(body) > gzipOver {
		var small bytes.Buffer
		z := gzip.NewWriter(&small)
		z.Write(body)
		if err := z.Close(); err != nil {
			return request{}, err
		}
		body = small.Bytes()
		h.Set("Content-Encoding", "gzip")
	}
	u := withPath(r.base, r.base.EscapedPath()+"/"+service)
	return request{method: http.MethodPost, url: u, header: h, body: body}, nil
}

// send gets an answer of status 200, following redirects and answering to one
// 401. Closing the body ends the request.
func (r *Remote) send(ctx context.Context, req request) (*http.Response, error) {
	for range maxRedirects + 1 {
		resp, err := r.authorized(ctx, req)
		if err != nil {
			return nil, err
		}
		if !isRedirect(resp.StatusCode) {
			if resp.StatusCode != http.StatusOK {
				return nil, r.refused(resp)
			}
			return resp, nil
		}
		resp.Body.Close()
		if req.method != http.MethodGet {
			return nil, fmt.Errorf("the server redirects a POST, to %s: git follows only the first request: use the URL that the server redirects to as the source", Redact(resp.Header.Get("Location")))
		}
		next, err := redirected(req.url, resp.Header.Get("Location"))
		if err != nil {
			return nil, err
		}
		r.options.Log.Debug("redirected", "from", Redact(req.url.String()), "to", Redact(next.String()))
		req.url = next
	}
	return nil, fmt.Errorf("the server redirected %d times: check the URL", maxRedirects+1)
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// authorized sends a request, and once more with credentials if the server
// asks for them.
func (r *Remote) authorized(ctx context.Context, req request) (*http.Response, error) {
	resp, err := r.once(ctx, req)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	again, err := r.login.answer(req.url, resp.Header.Values("WWW-Authenticate"))
	if err != nil || !again {
		if err != nil {
			resp.Body.Close()
			return nil, err
		}
		return resp, nil
	}
	// Read to the end, the connection can be used again.
	io.CopyN(io.Discard, resp.Body, maxErrorBody)
	resp.Body.Close()
	return r.once(ctx, req)
}

// once sends a request.
func (r *Remote) once(ctx context.Context, req request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	hr, err := http.NewRequestWithContext(ctx, req.method, req.url.String(), bytes.NewReader(req.body))
	if err != nil {
		cancel(nil)
		return nil, err
	}
	hr.Header = req.header.Clone()
	hr.Header.Set("User-Agent", r.options.UserAgent)
	if auth := r.login.headerFor(req.url); auth != "" {
		hr.Header.Set("Authorization", auth)
	}
	resp, err := r.client.Do(hr)
	if err != nil {
		err = connectionError(ctx, err)
		cancel(nil)
		return nil, fmt.Errorf("no answer from the server: %w", err)
	}
	r.options.Log.Debug("asked", "method", req.method, "url", Redact(req.url.String()), "status", resp.StatusCode, "bytes", len(req.body))
	resp.Body = newBody(ctx, cancel, resp.Body, r.options.Stall)
	return resp, nil
}
