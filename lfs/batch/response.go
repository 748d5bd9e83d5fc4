package batch

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/pointer"
)

type response struct {
	Transfer string           `json:"transfer"`
	HashAlgo string           `json:"hash_algo"`
	Objects  []responseObject `json:"objects"`
}

type responseObject struct {
	OID           string            `json:"oid"`
	Authenticated bool              `json:"authenticated"`
	Actions       map[string]action `json:"actions"`
	Links         map[string]action `json:"_links"` // the older name of actions
	Error         *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

type action struct {
	Href      string            `json:"href"`
	Header    map[string]string `json:"header"`
	ExpiresIn int64             `json:"expires_in"` // seconds, goes before ExpiresAt
	ExpiresAt string            `json:"expires_at"` // RFC 3339
}

func (r *response) check() error {
	if r.Transfer != "" && r.Transfer != "basic" {
		return permanent(fmt.Errorf("the server insists on the transfer %q, only basic is known", clean(r.Transfer)))
	}
	if r.HashAlgo != "" && r.HashAlgo != "sha256" {
		return permanent(fmt.Errorf("the server's hash is %q, only sha256 is known", clean(r.HashAlgo)))
	}
	return nil
}

// objects matches the answers with what was asked at a time.
func (r *response) objects(pointers []pointer.Pointer, asked time.Time) []Object {
	answers := make(map[string]*responseObject, len(r.Objects))
	for i := range r.Objects {
		answers[r.Objects[i].OID] = &r.Objects[i]
	}
	all := make([]Object, len(pointers))
	for i, p := range pointers {
		all[i].Pointer = p
		all[i].Action, all[i].Err = answers[p.OID].action(asked)
	}
	return all
}

func (o *responseObject) action(asked time.Time) (*Action, error) {
	if o == nil {
		return nil, &ObjectError{Message: "the server's answer does not mention it"}
	}
	if o.Error != nil {
		return nil, &ObjectError{Code: o.Error.Code, Message: clean(o.Error.Message)}
	}
	a, ok := o.Actions["download"]
	if !ok {
		a, ok = o.Links["download"]
	}
	if !ok {
		return nil, &ObjectError{Message: "the server's answer does not say where it is"}
	}
	u, err := url.Parse(a.Href)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, &ObjectError{Message: "the server's answer has no http(s) address"}
	}
	return &Action{Href: u, Header: a.header(), Expires: a.expires(asked)}, nil
}

// header leaves out what belongs to the connection, not to the object.
func (a action) header() http.Header {
	h := make(http.Header, len(a.Header))
	for name, value := range a.Header {
		switch http.CanonicalHeaderKey(name) {
		case "Host", "Connection", "Content-Length", "Transfer-Encoding", "Accept-Encoding", "Range":
		default:
			h.Set(name, value)
		}
	}
	return h
}

func (a action) expires(asked time.Time) time.Time {
	const year = 365 * 24 * 60 * 60
	if a.ExpiresIn != 0 {
		return asked.Add(time.Duration(min(max(a.ExpiresIn, 0), year)) * time.Second)
	}
	at, err := time.Parse(time.RFC3339, a.ExpiresAt)
	if err != nil {
		return time.Time{}
	}
	return at
}

// Action says how an object is downloaded.
type Action struct {
	Href   *url.URL
	Header http.Header
	// Expires is when that ends; zero is never. By the server's clock, which
	// may be another than ours.
	Expires time.Time
}

// margin is how long before its end an action is taken for expired: the time
// until the request reaches the server.
const margin = 5 * time.Second

// Expired says whether it is too late to use the action.
func (a *Action) Expired(now time.Time) bool {
	return !a.Expires.IsZero() && now.Add(margin).After(a.Expires)
}
