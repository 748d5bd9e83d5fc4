package testserver

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// GitOptions say how a [Git] server behaves. The zero value is a server as
// anybody would run it, that logs nothing.
type GitOptions struct {
	// Handler wraps the server's handler, for faults: V0Only(), FailTimes(1,
	// 500, nil), a Chain of several, or a function of the caller's own.
	Handler Middleware
	// Config is more git configuration, "key=value" each.
	Config []string
	// Log gets what git writes to its standard error.
	Log *slog.Logger
}

// Git is a running `git http-backend` on a port of 127.0.0.1. It serves every
// repository below a directory, bare or not, for reading.
type Git struct {
	server  *http.Server
	address string
	serving sync.RWMutex // held for reading during each request
	stop    func() bool  // lets go of the context
}

// StartGit serves the repositories below root until Stop, or the end of ctx.
func StartGit(ctx context.Context, root string, o GitOptions) (*Git, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	git, err := exec.LookPath("git")
	if err != nil {
		return nil, fmt.Errorf("starting a git server: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	g := &Git{address: listener.Addr().String()}
	g.server = &http.Server{
		Handler:           g.counted(Chain(o.Handler)(&backend{git: git, root: root, config: o.Config, log: o.Log})),
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	g.stop = context.AfterFunc(ctx, func() { g.server.Close() })
	go g.server.Serve(listener)
	return g, nil
}

// URL returns the address of a repository by its path below the root; "" is
// the address of the root itself, without a slash at its end.
func (g *Git) URL(repo string) string {
	if repo == "" {
		return "http://" + g.address
	}
	return "http://" + g.address + "/" + repo
}

// Stop ends the server, cuts what is under way, and returns once git's
// processes have ended.
func (g *Git) Stop() {
	g.stop()
	g.server.Close()
	g.serving.Lock()
	defer g.serving.Unlock()
}

// counted lets Stop know of the requests under way.
func (g *Git) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.serving.RLock()
		defer g.serving.RUnlock()
		next.ServeHTTP(w, r)
	})
}
