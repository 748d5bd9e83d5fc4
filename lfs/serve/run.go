package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/upstream"
)

// Config says what is served, and where.
type Config struct {
	Upstream upstream.Upstream
	// Name is the mirror's in the address: http://127.0.0.1:port/Name. It is
	// one path component and not empty.
	Name string
	Bind string // host:port; "" is a free port of 127.0.0.1

	// Command is run for as long as it takes, with {url} in its arguments
	// replaced by the address; none serves until ctx ends.
	Command []string
	Environ []string // the command's environment, before what is added to it
	// Signals are handed on to the command.
	Signals <-chan os.Signal

	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Log            *slog.Logger
}

// grace is how long requests under way may take when the server ends. A
// command is done with them by then.
const grace = 2 * time.Second

// Run serves until the command or ctx ends, and returns the command's exit
// code: 128 and its number for a signal, as shells do. Without a command the
// address is printed to Stdout, a line by itself.
func Run(ctx context.Context, c Config) (exitCode int, err error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Bind == "" {
		c.Bind = "127.0.0.1:0"
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Bind)
	if err != nil {
		return 1, fmt.Errorf("serving at %q: %w", c.Bind, err)
	}
	addr := listener.Addr().(*net.TCPAddr).AddrPort()
	server := &http.Server{
		Handler:           New(c.Upstream, c.Name, addr.Addr().Unmap().IsLoopback(), c.Log),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	defer shutDown(server)

	address := addressOf(addr, c.Name)
	if len(c.Command) > 0 {
		return runCommand(ctx, c, address)
	}
	if _, err := fmt.Fprintln(c.Stdout, address); err != nil {
		return 1, err
	}
	select {
	case <-ctx.Done():
		return 0, nil
	case err := <-failed:
		return 1, fmt.Errorf("serving at %s: %w", address, err)
	}
}

func shutDown(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := server.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
		_ = server.Close()
	}
}

// addressOf is what to clone. A server on all addresses is called by the
// loopback one.
func addressOf(addr netip.AddrPort, name string) string {
	ip := addr.Addr().Unmap()
	if ip.IsUnspecified() {
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return (&url.URL{Scheme: "http", Host: netip.AddrPortFrom(ip, addr.Port()).String(), Path: "/" + name}).String()
}
