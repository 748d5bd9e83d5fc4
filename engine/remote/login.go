package remote

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// tokenUser is the user name that goes with a token in basic authentication.
// GitHub documents this one; the others look at the token alone.
const tokenUser = "x-access-token"

// login is what is known to get in. Requests go out without it until a server
// asks.
type login struct {
	host     *url.URL // whom the credentials were given for
	user     string
	password string
	token    string
	header   string // Authorization, once it was asked for
}

func newLogin(host *url.URL, user *url.Userinfo, token string) login {
	l := login{host: host}
	if user == nil {
		l.token = token
		return l
	}
	l.user = user.Username()
	l.password, _ = user.Password()
	return l
}

func (l *login) known() bool { return l.user != "" || l.password != "" || l.token != "" }

// headerFor returns the Authorization that a request to u carries, or "".
func (l *login) headerFor(u *url.URL) string {
	if !sameHost(l.host, u) {
		return ""
	}
	return l.header
}

// answer prepares for the challenges of a 401 from u. It says whether a second
// try makes sense.
func (l *login) answer(u *url.URL, challenges []string) (bool, error) {
	if !l.known() || !sameHost(l.host, u) || l.header != "" {
		return false, nil
	}
	basic := len(challenges) == 0 || offers(challenges, "basic")
	switch {
	case basic && l.token != "":
		l.header = basicHeader(tokenUser, l.token)
	case basic || offers(challenges, "bearer") && l.token == "":
		l.header = basicHeader(l.user, l.password)
	case offers(challenges, "bearer"):
		l.header = "Bearer " + l.token
	default:
		return false, fmt.Errorf("the server wants a kind of login that is not supported (%s): basic and bearer are", quoteRemote(strings.Join(challenges, ", ")))
	}
	return true, nil
}

// offers looks for an authentication scheme in WWW-Authenticate headers, which
// may hold several, parted by commas as their parameters are.
func offers(challenges []string, scheme string) bool {
	for _, c := range challenges {
		for part := range strings.SplitSeq(c, ",") {
			word, _, _ := strings.Cut(strings.TrimSpace(part), " ")
			if strings.EqualFold(word, scheme) {
				return true
			}
		}
	}
	return false
}

func basicHeader(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// refusal says what to do about 401 and 403 from u.
func (l *login) refusal(status int, u *url.URL) string {
	switch {
	case l.known() && !sameHost(l.host, u):
		return fmt.Sprintf("the credentials were given for %s and are not sent to %s: use that host's URL as the source", l.host.Host, u.Host)
	case status == http.StatusUnauthorized && l.known():
		return "the server refused the credentials: check that they are valid, not expired, and may read this repository"
	case status == http.StatusUnauthorized:
		return "the server wants credentials: " + hintToken
	case l.headerFor(u) != "":
		return "the credentials are not allowed to read this repository: check their permissions"
	case l.known():
		return "the server forbids it without asking for credentials: check the URL and whether the server lets this machine in"
	}
	return "the server forbids it: check the URL, or " + hintToken
}

// missing says what to do about 404 from u.
func (l *login) missing(u *url.URL) string {
	switch {
	case l.headerFor(u) != "":
		return "check the URL, and that the credentials may read this repository: private ones answer 404 to others"
	case l.known():
		return "check the URL: the server did not ask for the credentials"
	}
	return "check the URL; private repositories answer 404 without credentials: " + hintToken
}

// redact takes the credentials out of a text, should a server echo them.
func (l *login) redact(s string) string {
	secrets := []string{l.token, l.password, strings.TrimPrefix(l.header, "Basic ")}
	if l.password == "" {
		secrets = append(secrets, l.user) // a token is often given as the user
	}
	for _, secret := range secrets {
		// Shorter ones would be found everywhere, and protect nothing.
		if len(secret) >= 4 {
			s = strings.ReplaceAll(s, secret, "***")
		}
	}
	return s
}
