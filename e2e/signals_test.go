package e2e

import (
	"context"
	"net/http"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
)

// stopWithin is how long a stopped run may take to clean up.
const stopWithin = 20 * time.Second

// TestSignals stops runs in the middle of a pack, when a part of it has been
// staged: nothing is published, and the staging is gone.
func TestSignals(t *testing.T) {
	_, path := repo(t, gitfixture.BigBlob)
	for _, signal := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		for _, layout := range []string{"pack", "loose"} {
			t.Run(signal.String()+"-"+layout, func(t *testing.T) {
				stopped(t, path, s3Target(t), layout, signal)
			})
		}
	}
	t.Run("directory", func(t *testing.T) {
		stopped(t, path, fileTarget(t), "pack", syscall.SIGINT)
	})
}

func stopped(t *testing.T, path string, to target, layout string, signal os.Signal) {
	reached := make(chan struct{})
	s := server(t, testserver.OnlyFetch(stalling(200_000_000, reached)))
	ctx, cancel := context.WithTimeout(t.Context(), runTimeout)
	defer cancel()
	cmd := command(ctx, "--source", s.URL(path), "--target", to.url, "--layout", layout, "--max-memory", "128MiB")
	cmd.Stderr = os.Stderr
	nothing := contents(t, to)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-reached:
	case <-ctx.Done():
		t.Error("the run never came to the middle")
	}
	if to.inS3 {
		uploading(ctx, t)
	}
	if err := cmd.Process.Signal(signal); err != nil {
		t.Error(err)
	}
	slow := time.AfterFunc(stopWithin, cancel)
	cmd.Wait()
	if !slow.Stop() {
		t.Fatalf("it did not stop within %v", stopWithin)
	}
	if code := cmd.ProcessState.ExitCode(); code != exitFailed {
		t.Errorf("exit code %d (%v), want %d", code, cmd.ProcessState, exitFailed)
	}
	unchanged(t, to, nothing)
}

// uploading waits until a multipart upload is under way.
func uploading(ctx context.Context, t *testing.T) {
	t.Helper()
	b := bucket
	for {
		list, err := world.s3.Client().ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &b})
		if err != nil {
			t.Error(err)
			return
		}
		if len(list.Uploads) > 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// stalling sends n bytes of a body, then no more for as long as the client
// stays, and closes reached at the first time.
func stalling(n int64, reached chan<- struct{}) testserver.Middleware {
	var first sync.Once
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			stall := func() {
				first.Do(func() { close(reached) })
				<-r.Context().Done()
				panic(http.ErrAbortHandler)
			}
			next.ServeHTTP(&stallingWriter{w, n, stall}, r)
		})
	}
}

type stallingWriter struct {
	http.ResponseWriter
	left  int64
	stall func()
}

func (s *stallingWriter) Write(p []byte) (int, error) {
	if s.left -= int64(len(p)); s.left < 0 {
		s.stall()
	}
	return s.ResponseWriter.Write(p)
}

func (s *stallingWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }
