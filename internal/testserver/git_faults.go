package testserver

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Middleware changes how a server answers.
type Middleware func(http.Handler) http.Handler

// Chain puts middlewares around each other, the first outermost; nil ones are
// left out.
func Chain(list ...Middleware) Middleware {
	return func(h http.Handler) http.Handler {
		for i := len(list) - 1; i >= 0; i-- {
			if list[i] != nil {
				h = list[i](h)
			}
		}
		return h
	}
}

// around makes a middleware of a function that answers, or calls next.
func around(f func(w http.ResponseWriter, r *http.Request, next http.Handler)) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f(w, r, next) })
	}
}

// V0Only is a server that knows nothing of protocol versions.
func V0Only() Middleware {
	return around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		r.Header.Del("Git-Protocol")
		next.ServeHTTP(w, r)
	})
}

// BasicAuth lets only this user in.
func BasicAuth(user, password string) Middleware {
	return around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if u, p, ok := r.BasicAuth(); ok && u == user && p == password {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		http.Error(w, "who are you?", http.StatusUnauthorized)
	})
}

// BearerAuth lets only those with this token in.
func BearerAuth(token string) Middleware {
	return around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Header.Get("Authorization") == "Bearer "+token {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="test"`)
		http.Error(w, "who are you?", http.StatusUnauthorized)
	})
}

// FailTimes answers the first n requests with a status and a header, which may
// be nil.
func FailTimes(n int64, status int, header http.Header) Middleware {
	var seen atomic.Int64
	return around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if seen.Add(1) > n {
			next.ServeHTTP(w, r)
			return
		}
		for key, values := range header {
			w.Header()[key] = values
		}
		http.Error(w, "failing as told", status)
	})
}

// NotFound answers 404 to everything.
func NotFound() Middleware { return FailTimes(1<<62, http.StatusNotFound, nil) }

// HTMLPage answers everything with a page, as a login form does.
func HTMLPage() Middleware {
	return around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, "<!DOCTYPE html><html><title>Sign in</title></html>")
	})
}

// Redirect sends every request to the same path below base, a URL without a
// slash at its end.
func Redirect(base string, status int) Middleware {
	return around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		http.Redirect(w, r, base+r.URL.RequestURI(), status)
	})
}

// Slow waits before it answers each request, but not longer than its client.
func Slow(d time.Duration) Middleware {
	return around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		select {
		case <-time.After(d):
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
}

// OnlyFetch applies a middleware to the requests that may answer with a pack,
// or with the refs in protocol v2: those to git-upload-pack.
func OnlyFetch(m Middleware) Middleware {
	return func(next http.Handler) http.Handler {
		changed := m(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/git-upload-pack") {
				changed.ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// CutAfter cuts the connection after n bytes of a response's body. With
// OnlyFetch around it, and n more than the refs take, it is the pack that is
// cut.
func CutAfter(n int64) Middleware {
	return around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(&cutting{ResponseWriter: w, left: n}, r)
	})
}

type cutting struct {
	http.ResponseWriter
	left int64
}

func (c *cutting) Write(p []byte) (int, error) {
	if int64(len(p)) <= c.left {
		c.left -= int64(len(p))
		return c.ResponseWriter.Write(p)
	}
	c.ResponseWriter.Write(p[:c.left])
	http.NewResponseController(c.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}

// Unwrap lets http.ResponseController through.
func (c *cutting) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// Counter counts what passes through its Handler.
type Counter struct {
	Requests atomic.Int64
	Bytes    atomic.Int64 // of response bodies
}

// Handler is the middleware that counts.
func (c *Counter) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.Requests.Add(1)
		next.ServeHTTP(&counting{w, c}, r)
	})
}

type counting struct {
	http.ResponseWriter
	c *Counter
}

func (c *counting) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.c.Bytes.Add(int64(n))
	return n, err
}

// Unwrap lets http.ResponseController through.
func (c *counting) Unwrap() http.ResponseWriter { return c.ResponseWriter }
