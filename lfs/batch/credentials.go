package batch

import (
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/endpoint"
)

// Credentials are a user and password, or a token. The zero value is none.
type Credentials struct {
	User, Password string
	Token          string
}

// authorize adds the header that a 401 has asked for before. It says whether
// it did; what already has the header of an action keeps that.
func (c *Client) authorize(req *http.Request) bool {
	value := c.authorization.Load()
	if value == nil || req.Header.Get("Authorization") != "" || !endpoint.SameOrigin(req.URL, c.Endpoint.URL) {
		return false
	}
	req.Header.Set("Authorization", *value)
	return true
}

// unlock takes up the challenge of a 401 and says whether there is an answer
// to it. The challenge has to come from the endpoint's own origin: resp may be
// at the end of redirects.
func (c *Client) unlock(req *http.Request, resp *http.Response) bool {
	value := c.Credentials.answer(challenges(resp.Header))
	if value == "" || !c.Endpoint.Own || req.Header.Get("Authorization") != "" ||
		!endpoint.SameOrigin(req.URL, c.Endpoint.URL) || !endpoint.SameOrigin(resp.Request.URL, c.Endpoint.URL) {
		return false
	}
	c.authorization.Store(&value)
	return true
}

// challenges returns the schemes that a server accepts, in lower case.
// git-lfs's own header keeps browsers from asking their users.
func challenges(h http.Header) string {
	return strings.ToLower(strings.Join(append(h.Values("Lfs-Authenticate"), h.Values("Www-Authenticate")...), ","))
}

// answer prefers Basic, as git does: servers that take tokens take them as
// passwords, and not all of them as bearers.
func (c Credentials) answer(challenges string) string {
	switch {
	case c.User != "" || c.Password != "":
		return basic(c.User, c.Password)
	case c.Token == "":
		return ""
	case strings.Contains(challenges, "bearer") && !strings.Contains(challenges, "basic"):
		return "Bearer " + c.Token
	}
	return basic("x-access-token", c.Token)
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}
