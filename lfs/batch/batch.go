// Package batch talks to LFS servers: it asks the batch API where objects
// are (git-lfs's docs/api/batch.md) and opens their contents with the basic
// transfer (docs/api/basic-transfers.md). Every call is one attempt; [Retry]
// is the one layer that repeats them.
//
// Credentials go to the endpoint only, and only when it is the source's own
// host. The headers of an action go to its href only. Both are dropped when a
// redirect leads to another scheme, host or port.
package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/endpoint"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/pointer"
)

const (
	// MaxObjects is how many objects a call asks for; git-lfs asks for as
	// many, and servers refuse more (GitHub and GitLab from 1,000 or so).
	MaxObjects = 100
	// maxAnswer bounds the answer: 100 objects with 80 KiB of headers each.
	maxAnswer = 8 << 20
	// askTimeout bounds one call; servers sign a URL an object meanwhile.
	askTimeout = 2 * time.Minute

	mediaType = "application/vnd.git-lfs+json"
)

// Config says which server is talked to.
type Config struct {
	Endpoint endpoint.Endpoint
	HTTP     *http.Client
	// Credentials answer a 401 of the endpoint if it is the source's own.
	Credentials Credentials
	// Ref is the full name of the ref that the objects are for, which some
	// servers decide by; "" is left out.
	Ref string
	// Now is the clock that actions expire by; nil is time.Now.
	Now func() time.Time
}

// Client talks to one LFS server. It may be used concurrently.
type Client struct {
	Config
	// authorization is the header's value since a 401 asked for it.
	authorization atomic.Pointer[string]
}

// New returns a client.
func New(c Config) *Client {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Client{Config: c}
}

// Object is what the server says about an object: where it is, or why not.
type Object struct {
	pointer.Pointer
	Action *Action
	Err    error // an *ObjectError; nil when Action is set
}

type request struct {
	Operation string          `json:"operation"`
	Transfers []string        `json:"transfers"`
	Ref       *ref            `json:"ref,omitempty"`
	Objects   []requestObject `json:"objects"`
	HashAlgo  string          `json:"hash_algo"`
}

type ref struct {
	Name string `json:"name"`
}

type requestObject struct {
	OID  string `json:"oid"`
	Size int64  `json:"size"`
}

// Ask asks for at most MaxObjects objects and returns an answer for each, in
// their order. An error is about the call as a whole.
func (c *Client) Ask(ctx context.Context, pointers []pointer.Pointer) ([]Object, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	body := request{Operation: "download", Transfers: []string{"basic"}, HashAlgo: "sha256"}
	if c.Ref != "" {
		body.Ref = &ref{Name: c.Ref}
	}
	for _, p := range pointers {
		body.Objects = append(body.Objects, requestObject{OID: p.OID, Size: p.Size})
	}
	asked := c.Now()
	var answer response
	if err := c.post(ctx, body, &answer); err != nil {
		return nil, fmt.Errorf("asking the LFS server %s: %w", safe(c.Endpoint.URL), hint(err))
	}
	return answer.objects(pointers, asked), nil
}

func (c *Client) post(ctx context.Context, body request, answer *response) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	resp, err := c.send(ctx, func(ctx context.Context) (*http.Request, error) {
		u := c.Endpoint.URL.JoinPath("objects", "batch")
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(raw))
		if err == nil {
			req.Header.Set("Accept", mediaType)
			req.Header.Set("Content-Type", mediaType)
		}
		return req, err
	})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return err
	case len(content) > maxAnswer:
		return permanent(fmt.Errorf("the answer is longer than %d bytes", maxAnswer))
	}
	if err := json.Unmarshal(content, answer); err != nil {
		return permanent(errors.New("the answer is not that of a Git LFS server; if the repository's " +
			"objects are elsewhere, its .lfsconfig has to say so"))
	}
	return answer.check()
}

// send sends what build makes; to the endpoint's own origin a second time
// with credentials when the first answer is a 401.
func (c *Client) send(ctx context.Context, build func(context.Context) (*http.Request, error)) (*http.Response, error) {
	for {
		req, err := build(ctx)
		if err != nil {
			return nil, permanent(errors.New("the server gave a URL or header that cannot be used"))
		}
		authorized := c.authorize(req)
		resp, err := follow(c.HTTP, req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode == http.StatusUnauthorized && !authorized && c.unlock(req, resp) {
			discard(resp)
			continue
		}
		if resp.StatusCode != http.StatusOK {
			return nil, statusError(resp, c.Now())
		}
		return resp, nil
	}
}

// Open opens the content of an object. The caller closes the body.
func (c *Client) Open(ctx context.Context, a *Action) (*http.Response, error) {
	resp, err := c.send(ctx, func(ctx context.Context) (*http.Request, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.Href.String(), nil)
		if err == nil {
			req.Header = a.Header.Clone()
		}
		return req, err
	})
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", safe(a.Href), err)
	}
	return resp, nil
}

// safe is a URL without what may be secret in it.
func safe(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
