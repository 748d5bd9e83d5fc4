package testserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"time"
)

func (s *S3) start(ctx context.Context, program, data, meta string) error {
	address, err := freePort()
	if err != nil {
		close(s.ended)
		return err
	}
	s.Endpoint = "http://" + address
	arguments := []string{"--port", address, "--region", s.Region, "--keep-alive", "--quiet", "posix"}
	if s.sidecar || !hasAttributes(data) { // slower, but works everywhere
		arguments = append(arguments, "--sidecar", meta)
	}
	cmd := exec.Command(program, append(arguments, data)...)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+s.AccessKey, "ROOT_SECRET_KEY="+s.SecretKey)
	cmd.Stdout, cmd.Stderr = &s.log, &s.log
	if err := startBound(cmd, s.ended); err != nil {
		close(s.ended)
		return err
	}
	s.process = cmd.Process
	return s.wait(ctx)
}

// wait returns when the server answers.
func (s *S3) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s3Start)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint, nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(request)
		if err == nil {
			answer.Body.Close()
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("it ended at once and said %q", s.log.String())
		case <-ctx.Done():
			return errors.Join(ctx.Err(), fmt.Errorf("it does not answer and said %q", s.log.String()))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// output holds the last of what a process says.
type output struct {
	mu   sync.Mutex
	text []byte
}

const outputLimit = 64 << 10

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, p...)
	if len(o.text) > outputLimit {
		o.text = append(o.text[:0], o.text[len(o.text)-outputLimit/2:]...)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}
