package remote_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/remote"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
)

const secret = "s3cr3t-t0k3n"

// withUser puts user info into a URL.
func withUser(rawURL, user, password string) string {
	u, _ := url.Parse(rawURL)
	u.User = url.UserPassword(user, password)
	return u.String()
}

// TestLogin reads everything from servers that want credentials.
func TestLogin(t *testing.T) {
	b := newRepos(t)
	b.repo("r", "", func(r *gitfixture.Repo) { r.Line("refs/heads/main", "", 0, 1) })
	basic := func(user, password string) testserver.Middleware { return testserver.BasicAuth(user, password) }
	for _, test := range []struct {
		name           string
		user, password string
		token          string
		server         testserver.Middleware
	}{
		{"basic by user info", "me", "pä ss@/:%", "", basic("me", "pä ss@/:%")},
		{"user info before token", "me", secret, "wrong", basic("me", secret)},
		{"token as the user", secret, "", "", basic(secret, "")},
		{"basic by token", "", "", secret, basic("x-access-token", secret)},
		{"bearer by token", "", "", secret, testserver.BearerAuth(secret)},
		{"version 0", "", "", secret, testserver.Chain(basic("x-access-token", secret), testserver.V0Only())},
		{"only for POST", "", "", secret, testserver.OnlyFetch(basic("x-access-token", secret))},
		{"both offered", "", "", secret, testserver.Chain(challenge("Negotiate", `Bearer realm="x", Basic realm="a"`), basic("x-access-token", secret))},
		{"no challenge", "", "", secret, testserver.Chain(challenge(), basic("x-access-token", secret))},
	} {
		t.Run(test.name, func(t *testing.T) {
			where := b.serve(testserver.GitOptions{Handler: test.server}).URL("r")
			given := where
			if test.user != "" {
				given = withUser(where, test.user, test.password)
			}
			o := quick()
			o.Token = test.token
			r, err := remote.Open(t.Context(), given, o)
			if err != nil {
				t.Fatal(err)
			}
			s, err := r.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			fetch(t, r, remote.Request{Wants: tips(s)})
			if r.URL() != where {
				t.Errorf("URL is %s, want %s", r.URL(), where)
			}
		})
	}
}

// challenge replaces the challenges of 401s.
func challenge(values ...string) testserver.Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(&challenging{w, values}, r)
		})
	}
}

type challenging struct {
	http.ResponseWriter
	values []string
}

func (c *challenging) WriteHeader(status int) {
	c.Header().Del("WWW-Authenticate")
	for _, v := range c.values {
		c.Header().Add("WWW-Authenticate", v)
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *challenging) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// TestAnonymousFirst: credentials are sent only after they were asked for, and
// then with every request.
func TestAnonymousFirst(t *testing.T) {
	var sent []string
	url := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = append(sent, r.Method+" "+r.Header.Get("Authorization"))
		testserver.BearerAuth(secret)(canned{advertisement: v2, result: flush}).ServeHTTP(w, r)
	}))
	o := quick()
	o.Token = secret
	r, err := remote.Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Snapshot(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := "GET |GET Bearer " + secret + "|POST Bearer " + secret
	if got := strings.Join(sent, "|"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRefusals(t *testing.T) {
	status := func(code int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Error(w, "Repository\r\nnot found.", code) })
	}
	asking := func(code int) http.Handler { return testserver.BasicAuth("x-access-token", secret)(status(code)) }
	digest := testserver.Chain(challenge(`Digest realm="a", qop="auth"`), testserver.BasicAuth("a", "b"))(nil)
	for _, test := range []struct {
		name   string
		token  string
		server http.Handler
		want   []string
	}{
		{"401 without", "", asking(200), []string{"401 Unauthorized", "wants credentials", "--token"}},
		{"401 with", "wrong", asking(200), []string{"401 Unauthorized", "refused the credentials"}},
		{"403 without", "", status(403), []string{"403 Forbidden", `("Repository not found.")`, "--token"}},
		{"403 unasked", secret, status(403), []string{"403 Forbidden", "without asking for credentials"}},
		{"403 with", secret, asking(403), []string{"403 Forbidden", "check their permissions"}},
		{"404 without", "", status(404), []string{"404 Not Found", "check the URL", "private repositories", "--token"}},
		{"404 unasked", secret, status(404), []string{"404 Not Found", "did not ask for the credentials"}},
		{"404 with", secret, asking(404), []string{"404 Not Found", "check the URL, and that the credentials may read"}},
		{"407", "", status(407), []string{"407", "HTTPS_PROXY"}},
		{"410", "", status(410), []string{"410 Gone", "check the URL"}},
		{"413", "", status(413), []string{"413", "limits requests"}},
		{"203", "", status(203), []string{"203", "login page"}},
		{"500", "", status(500), []string{"500 Internal Server Error", "try again later", "(tried 3 times)"}},
		{"digest", secret, digest, []string{"not supported", `Digest realm="a"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			o := quick()
			o.Token = test.token
			o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			_, err := remote.Open(t.Context(), start(t, test.server), o)
			wantError(t, err, test.want...)
			if test.token != "" && strings.Contains(err.Error()+log.String(), test.token) {
				t.Errorf("the token is in %q or the log %q", err, log.String())
			}
		})
	}
}

// TestEchoedCredentials has a server that says what it was told.
func TestEchoedCredentials(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter, string){
		"status": func(w http.ResponseWriter, auth string) { http.Error(w, "bad "+auth, http.StatusForbidden) },
		"ERR": func(w http.ResponseWriter, auth string) {
			canned{advertisement: pkt("ERR bad " + auth)}.ServeHTTP(w, &http.Request{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			where := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				auth := r.Header.Get("Authorization")
				if auth == "" {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				_, password, _ := r.BasicAuth()
				answer(w, auth+" "+password)
			}))
			_, err := remote.Open(t.Context(), withUser(where, "me", secret), quick())
			wantError(t, err, "bad Basic *** ***")
		})
	}
}

// TestRedirects follows the first request only, wherever it leads.
func TestRedirects(t *testing.T) {
	b := newRepos(t)
	b.repo("r.git", "", func(r *gitfixture.Repo) { r.Line("refs/heads/main", "", 0, 1) })
	for protocol, handler := range protocols {
		target := b.serve(testserver.GitOptions{Handler: handler})
		for _, status := range []int{301, 302, 303, 307, 308} {
			url := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet {
					t.Errorf("%s %s came to the old address", r.Method, r.URL)
				}
				http.Redirect(w, r, strings.Replace(target.URL("")+r.URL.RequestURI(), "/old/r/", "/r.git/", 1), status)
			}))
			r := open(t, url+"/old/r")
			if r.URL() != target.URL("r.git") {
				t.Errorf("%s, %d: URL is %s", protocol, status, r.URL())
			}
			s, err := r.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			fetch(t, r, remote.Request{Wants: tips(s)})
		}
	}
}

// TestCredentialsStay: no redirect takes them to another host.
func TestCredentialsStay(t *testing.T) {
	var seen []string
	other := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		w.Header().Set("WWW-Authenticate", "Basic")
		w.WriteHeader(http.StatusUnauthorized)
	}))
	redirect := testserver.Redirect(other, http.StatusFound)(nil)
	for name, server := range map[string]http.Handler{
		"asked by the other host": redirect,
		"asked by both":           testserver.BasicAuth("x-access-token", secret)(redirect),
	} {
		t.Run(name, func(t *testing.T) {
			seen = nil
			where := start(t, server)
			for _, given := range []string{where, withUser(where, "x-access-token", secret)} {
				o := quick()
				o.Token = secret
				_, err := remote.Open(t.Context(), given, o)
				wantError(t, err, "401 Unauthorized", "not sent to "+strings.TrimPrefix(other, "http://"))
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the password is in %q", err)
				}
			}
			if len(seen) != 2 || strings.Join(seen, "") != "" {
				t.Errorf("the other host saw %q", seen)
			}
		})
	}
}

func TestRedirectsRefused(t *testing.T) {
	to := func(location string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusFound)
		})
	}
	page := start(t, testserver.HTMLPage()(nil))
	for _, test := range []struct {
		name   string
		server http.Handler
		want   string
	}{
		{"login page", to(page + "/login?next=secret"), "redirects to " + page + "/login, which is no git repository"},
		{"another service", to(page + "/r/info/refs?service=git-receive-pack"), "no git repository"},
		{"endless", to("/r/info/refs?service=git-upload-pack"), "redirected 21 times"},
		{"ftp", to("ftp://host/x"), "only http and https"},
		{"no host", to("https:///x"), "only http and https"},
		{"nowhere", to(""), "no valid URL"},
		{"nonsense", to("http://[::x/"), "Location"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := remote.Open(t.Context(), start(t, test.server)+"/r", quick())
			wantError(t, err, test.want)
			if strings.Contains(err.Error(), "next=secret") {
				t.Errorf("%q holds the query", err)
			}
		})
	}
}

func TestRedirectOfPOST(t *testing.T) {
	url := start(t, testserver.OnlyFetch(testserver.Redirect("http://elsewhere.invalid", http.StatusTemporaryRedirect))(canned{advertisement: v2}))
	_, err := open(t, url).Fetch(t.Context(), remote.Request{Wants: []object.ID{object.ID(idA)}})
	wantError(t, err, "redirects a POST", "http://elsewhere.invalid/git-upload-pack")
}

// TestTLS covers what only https has: downgrades and unknown certificates.
func TestTLS(t *testing.T) {
	plain := start(t, canned{advertisement: v2, result: flush})
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/down") {
			testserver.Redirect(plain, http.StatusFound)(nil).ServeHTTP(w, r)
			return
		}
		canned{advertisement: v2, result: flush}.ServeHTTP(w, r)
	}))
	t.Cleanup(secure.Close)
	o := quick()
	o.HTTP = secure.Client()
	if _, err := remote.Open(t.Context(), secure.URL+"/r", o); err != nil {
		t.Error(err)
	}
	up := start(t, testserver.Redirect(secure.URL, http.StatusFound)(nil))
	if r, err := remote.Open(t.Context(), up+"/r", o); err != nil || r.URL() != secure.URL+"/r" {
		t.Errorf("from http to https: %v", err)
	}
	_, err := remote.Open(t.Context(), secure.URL+"/down", o)
	wantError(t, err, "from https to http://", "refused")

	_, err = remote.Open(t.Context(), secure.URL+"/r", quick())
	wantError(t, err, "certificate", "SSL_CERT_FILE")
	if strings.Contains(err.Error(), "tried") {
		t.Errorf("an unknown certificate was tried again: %v", err)
	}
	_, err = remote.Open(t.Context(), strings.Replace(plain, "http:", "https:", 1), quick())
	wantError(t, err, "http://?")
}

func TestDefaultClient(t *testing.T) {
	url := start(t, canned{advertisement: v2, result: flush})
	r, err := remote.Open(context.Background(), url, remote.Options{})
	if err != nil || r.URL() != url {
		t.Errorf("got %v", err)
	}
}
