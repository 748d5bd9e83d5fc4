package upstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/cenkalti/backoff/v5"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// Web reads a mirror over HTTP(S).
type Web struct {
	client *http.Client
	base   *url.URL
	// Pace is how long to wait between attempts; nil is half a second and
	// more.
	Pace func() backoff.BackOff
}

// tries is how often a request is attempted.
const tries = 4

// NewWeb returns the mirror at base, an http(s) URL. Its user info becomes a
// basic credential; its query, as of a signed prefix, is kept.
func NewWeb(client *http.Client, base string) (*Web, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, errors.New("the mirror's address is no URL")
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q is no http(s) address of a mirror", u.Redacted())
	}
	u.Fragment = ""
	return &Web{client: client, base: u}, nil
}

// Get implements Upstream.
func (w *Web) Get(ctx context.Context, key string, off, n int64) (io.ReadCloser, store.Info, error) {
	if err := store.CheckKey(key); err != nil {
		return nil, store.Info{}, err
	}
	if off < 0 {
		return nil, store.Info{}, fmt.Errorf("getting %s: negative offset %d", key, off)
	}
	options := []backoff.RetryOption{backoff.WithMaxTries(tries)}
	if w.Pace != nil {
		options = append(options, backoff.WithBackOff(w.Pace()))
	}
	resp, err := backoff.Retry(ctx, func() (*http.Response, error) { return w.try(ctx, key, off, n) }, options...)
	if err != nil {
		return nil, store.Info{}, fmt.Errorf("getting %s: %w", key, err)
	}
	return answer(resp, key, off, n)
}

// try sends one request. Its error is permanent or not in backoff's sense.
func (w *Web) try(ctx context.Context, key string, off, n int64) (*http.Response, error) {
	method := http.MethodGet
	if n == 0 {
		method = http.MethodHead
	}
	req, err := http.NewRequestWithContext(ctx, method, w.base.JoinPath(strings.Split(key, "/")...).String(), nil)
	if err != nil {
		return nil, backoff.Permanent(err)
	}
	// Without it a range could be one of the compressed file.
	req.Header.Set("Accept-Encoding", "identity")
	if n > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", off, off+n-1))
	} else if off > 0 && n < 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", off))
	}
	resp, err := w.client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) { // its URL may be signed
			err = u.Err
		}
		return nil, err
	}
	if err := status(resp); err != nil {
		_ = resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

func status(resp *http.Response) error {
	switch code := resp.StatusCode; code {
	case http.StatusOK, http.StatusPartialContent, http.StatusRequestedRangeNotSatisfiable:
		return nil
	case http.StatusNotFound, http.StatusGone:
		return backoff.Permanent(fs.ErrNotExist)
	case http.StatusUnauthorized, http.StatusForbidden:
		return backoff.Permanent(fmt.Errorf("HTTP %d: %w", code, fs.ErrPermission))
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return fmt.Errorf("HTTP %d", code)
	default:
		err := fmt.Errorf("HTTP %d", code)
		if code < 500 {
			err = backoff.Permanent(err)
		}
		return err
	}
}

// answer makes of a response what Get returns. Servers may ignore ranges.
func answer(resp *http.Response, key string, off, n int64) (io.ReadCloser, store.Info, error) {
	info := store.Info{Key: key, Size: resp.ContentLength, ETag: resp.Header.Get("ETag")}
	if modified, err := http.ParseTime(resp.Header.Get("Last-Modified")); err == nil {
		info.Modified = modified
	}
	var err error
	content := io.Reader(resp.Body)
	switch resp.StatusCode {
	case http.StatusPartialContent:
		info.Size, err = totalOf(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", off))
	case http.StatusRequestedRangeNotSatisfiable: // beyond the end
		info.Size, err = totalOf(resp.Header.Get("Content-Range"), "bytes *")
		content = bytes.NewReader(nil)
	default:
		if n != 0 && off > 0 {
			_, err = io.CopyN(io.Discard, resp.Body, min(off, max(0, info.Size)))
		}
	}
	if err == nil && info.Size < 0 {
		err = errors.New("the server does not say how long it is")
	}
	if err != nil {
		_ = resp.Body.Close()
		return nil, store.Info{}, fmt.Errorf("getting %s: %w", key, err)
	}
	return body{io.LimitReader(content, store.Span(info.Size, off, n)), resp.Body}, info, nil
}

type body struct {
	io.Reader
	io.Closer
}

// totalOf reads the length at the end of a Content-Range that starts with
// prefix.
func totalOf(header, prefix string) (int64, error) {
	rest, found := strings.CutPrefix(header, prefix)
	_, total, slash := strings.Cut(rest, "/")
	n, err := strconv.ParseInt(total, 10, 64)
	if !found || !slash || err != nil || n < 0 {
		return 0, fmt.Errorf("the server's Content-Range %.80q is not what was asked for", header)
	}
	return n, nil
}
