// Package serve is the loopback server that makes a mirror readable by plain
// git and git-lfs: it passes the static repository through and answers the
// LFS batch API for downloads, which a bucket cannot.
//
// Start with [Run], or with [New] for the handler alone.
package serve

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path"
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/upstream"
)

// Handler serves one mirror, as /NAME, /NAME.git and /.
//
// git-lfs derives the batch API's address from the clone URL: from
// http://host:1/NAME it makes /NAME.git/info/lfs. From http://host:1/ it would
// make http://host:1.git, so the name is needed.
type Handler struct {
	upstream upstream.Upstream
	name     string
	log      *slog.Logger
	// loopback makes the server insist on being addressed as such.
	loopback bool
}

// New returns a handler for the mirror at u. With loopback only requests to
// a loopback name are served: a page in a browser could otherwise read a
// private mirror by making its own name resolve to 127.0.0.1.
func New(u upstream.Upstream, name string, loopback bool, log *slog.Logger) *Handler {
	return &Handler{upstream: u, name: name, loopback: loopback, log: log}
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.log.Debug("request", "method", r.Method, "path", r.URL.Path, "range", r.Header.Get("Range"))
	key := h.key(r.URL.Path)
	switch {
	case h.loopback && !isLoopback(r.Host):
		http.Error(w, "this server is for 127.0.0.1 only", http.StatusMisdirectedRequest)
	case strings.HasPrefix(key, "info/lfs/"):
		h.serveLFS(w, r, strings.TrimPrefix(key, "info/lfs/"))
	case r.URL.Query().Get("service") == "git-receive-pack" || key == "git-receive-pack":
		http.Error(w, readOnly, http.StatusForbidden)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this mirror can only be read, as static files", http.StatusMethodNotAllowed)
	case store.CheckKey(key) != nil:
		http.NotFound(w, r)
	default:
		h.serveFile(w, r, key)
	}
}

// key is what the path names below the mirror; it need not be a valid key.
func (h *Handler) key(urlPath string) string {
	key := strings.TrimPrefix(urlPath, "/")
	first, rest, found := strings.Cut(key, "/")
	if found && (first == h.name || first == h.name+".git") {
		return rest
	}
	return key
}

// serveFile leaves ranges, conditions and HEAD to the standard library. Where
// there are any, the file is opened only when it is known what is wanted.
func (h *Handler) serveFile(w http.ResponseWriter, r *http.Request, key string) {
	open := upstream.Open
	if r.Method == http.MethodHead || isConditional(r.Header) {
		open = upstream.Stat
	}
	f, err := open(r.Context(), h.upstream, key)
	switch {
	case err == nil:
	case upstream.NotThere(err):
		http.NotFound(w, r)
		return
	default:
		h.log.Warn("the mirror cannot be read", "key", key, "error", err)
		http.Error(w, "the mirror cannot be read: "+err.Error(), http.StatusBadGateway)
		return
	}
	defer f.Close()
	info := f.Info()
	w.Header().Set("Content-Type", contentType(key))
	if strings.HasPrefix(info.ETag, `"`) || strings.HasPrefix(info.ETag, `W/"`) {
		w.Header().Set("ETag", info.ETag)
	}
	http.ServeContent(w, r, "", info.Modified, &logged{f, h.log})
}

func isConditional(header http.Header) bool {
	for _, name := range []string{"Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"} {
		if header.Get(name) != "" {
			return true
		}
	}
	return false
}

// logged tells of errors while a file is sent, which the client only sees as
// a connection that is cut.
type logged struct {
	*upstream.File
	log *slog.Logger
}

func (l *logged) Read(p []byte) (int, error) {
	n, err := l.File.Read(p)
	if err != nil && err != io.EOF && !errors.Is(err, net.ErrClosed) {
		l.log.Warn("the mirror cannot be read on", "error", err)
	}
	return n, err
}

// contentType is as git's own http-backend sends it, except for info/refs:
// under the type of smart servers git would not read it as a file.
func contentType(key string) string {
	switch ext := path.Ext(key); {
	case ext == ".pack":
		return "application/x-git-packed-objects"
	case ext == ".idx":
		return "application/x-git-packed-objects-toc"
	case strings.HasPrefix(key, "objects/info/"), strings.HasPrefix(key, "info/"),
		strings.HasPrefix(key, "refs/"), key == "HEAD", key == "packed-refs", key == "config":
		return "text/plain; charset=utf-8"
	case strings.HasPrefix(key, "objects/"):
		return "application/x-git-loose-object"
	case ext == ".json":
		return "application/json"
	}
	return "application/octet-stream"
}

func isLoopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback() || strings.EqualFold(host, "localhost")
}
