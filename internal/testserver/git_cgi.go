package testserver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/textproto"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// backend runs `git http-backend` for each request, as CGI. net/http/cgi has
// no say over the process: it refuses chunked bodies, and kills only the first
// of git's processes, when the client has gone and output was written.
type backend struct {
	git, root string
	config    []string
	log       *slog.Logger
}

// logLines is how git's standard error becomes lines of a log.
type logLines struct {
	log *slog.Logger
}

func (l logLines) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		l.log.Debug("git: " + strings.TrimSpace(line))
	}
	return len(p), nil
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A server that is closed ends the requests' contexts, too.
	ctx, cancel := context.WithCancel(r.Context())
	cmd := b.command(ctx, r)
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer cmd.Wait()
	defer cancel()
	if err := respond(w, bufio.NewReaderSize(stdout, 64<<10)); err != nil {
		b.log.Debug("answering a request", "path", r.URL.Path, "err", err)
		panic(http.ErrAbortHandler)
	}
}

// command is the process that answers r. It leads a group of its own, which
// ends with ctx as a whole.
func (b *backend) command(ctx context.Context, r *http.Request) *exec.Cmd {
	cmd := exec.CommandContext(ctx, b.git, "http-backend")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	cmd.Dir = b.root
	cmd.Env = b.environment(r)
	cmd.Stdin = r.Body
	cmd.Stderr = logLines{b.log}
	return cmd
}

// environment is that of RFC 3875, as far as git looks at it, and of a git
// that reads no configuration but ours.
func (b *backend) environment(r *http.Request) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=/nonexistent",
		"GATEWAY_INTERFACE=CGI/1.1",
		"SERVER_PROTOCOL=" + r.Proto,
		"REQUEST_METHOD=" + r.Method,
		"PATH_INFO=" + r.URL.Path,
		"QUERY_STRING=" + r.URL.RawQuery,
		"CONTENT_TYPE=" + r.Header.Get("Content-Type"),
		"HTTP_CONTENT_ENCODING=" + r.Header.Get("Content-Encoding"),
		"REMOTE_ADDR=127.0.0.1",
		"GIT_PROTOCOL=" + r.Header.Get("Git-Protocol"),
		"GIT_PROJECT_ROOT=" + b.root,
		"GIT_HTTP_EXPORT_ALL=1",
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=" + os.DevNull,
	}
	if r.ContentLength >= 0 {
		env = append(env, fmt.Sprintf("CONTENT_LENGTH=%d", r.ContentLength))
	}
	config := append([]string{"safe.directory=*", "http.receivepack=false"}, b.config...)
	env = append(env, fmt.Sprintf("GIT_CONFIG_COUNT=%d", len(config)))
	for i, kv := range config {
		key, value, _ := strings.Cut(kv, "=")
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, key), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, value))
	}
	return env
}

// respond turns a CGI response into an HTTP one. Each part goes out as it
// comes, so that progress does not wait for a full buffer.
func respond(w http.ResponseWriter, r *bufio.Reader) error {
	header, err := textproto.NewReader(r).ReadMIMEHeader()
	if err != nil {
		http.Error(w, "git http-backend failed", http.StatusInternalServerError)
		return nil
	}
	status := http.StatusOK
	if s := header.Get("Status"); s != "" {
		number, _, _ := strings.Cut(s, " ")
		if status, err = strconv.Atoi(number); err != nil {
			return fmt.Errorf("status %q: %w", s, err)
		}
		header.Del("Status")
	}
	for key, values := range header {
		w.Header()[key] = values
	}
	w.WriteHeader(status)
	_, err = io.Copy(flushing{w, http.NewResponseController(w)}, r)
	return err
}

// flushing sends every part on at once.
type flushing struct {
	w    io.Writer
	ctrl *http.ResponseController
}

func (f flushing) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if err == nil {
		err = f.ctrl.Flush()
	}
	return n, err
}
