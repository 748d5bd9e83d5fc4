package serve_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store/dirstore"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/internal/lfstest"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/serve"
)

func newMirror(t *testing.T, lfsconfig string) (lfstest.Mirror, serve.Config) {
	m := lfstest.New(t, lfstest.Files(12), lfsconfig)
	s, err := dirstore.New(m.Dir)
	if err != nil {
		t.Fatal(err)
	}
	return m, serve.Config{Upstream: s, Name: "my mirror", Environ: m.Git.Env()}
}

// TestClone clones with the real git and git-lfs; the repository's .lfsconfig
// names a server that must not be asked.
func TestClone(t *testing.T) {
	m, c := newMirror(t, "[lfs]\n\turl = http://127.0.0.1:1/nowhere\n")
	clone := filepath.Join(t.TempDir(), "clone")
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	c.Command = []string{"git", "clone", "--quiet", "{url}", clone}
	// A proxy must not be asked for the loopback address.
	c.Environ = append(c.Environ, "http_proxy=http://127.0.0.1:1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=user.name", "GIT_CONFIG_VALUE_0=x")
	code, err := serve.Run(t.Context(), c)
	if code != 0 || err != nil {
		t.Fatalf("exit code %d, %v\n%s", code, err, &out)
	}
	m.Check(t, clone)
}

// TestCloneWithoutCommand uses the address that is printed.
func TestCloneWithoutCommand(t *testing.T) {
	m, c := newMirror(t, "")
	c.Name = "mirror.git"
	url := start(t, c)
	clone := filepath.Join(t.TempDir(), "clone")
	lfstest.Run(t, m.Git.Command(t.Context(), "", "clone", "--quiet", url, clone))
	m.Check(t, clone)

	lfstest.Run(t, m.Git.Command(t.Context(), clone, "commit", "--quiet", "--allow-empty", "-m", "x"))
	for _, args := range [][]string{{"push"}, {"lfs", "push", "--all", "origin"}} {
		out, err := m.Git.Command(t.Context(), clone, args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "403") && !strings.Contains(string(out), "can only be read") {
			t.Errorf("git %s: %v\n%s", args, err, out)
		}
	}
}

// start runs a server without a command and returns its address.
func start(t *testing.T, c serve.Config) string {
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	c.Stdout = w
	ended := make(chan error, 1)
	go func() {
		code, err := serve.Run(ctx, c)
		if code != 0 {
			t.Errorf("exit code %d", code)
		}
		ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(line, "\n")
}

// TestMissingObject: git-lfs has to say which object is missing.
func TestMissingObject(t *testing.T) {
	m, c := newMirror(t, "")
	var lost string
	err := filepath.WalkDir(filepath.Join(m.Dir, "lfs"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			lost = path
		}
		return err
	})
	if err == nil {
		err = os.Remove(lost)
	}
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	c.Command = []string{"git", "clone", "--quiet", "{url}", filepath.Join(t.TempDir(), "clone")}
	code, err := serve.Run(t.Context(), c)
	if code == 0 || err != nil || !strings.Contains(out.String(), "does not have this object") {
		t.Errorf("exit code %d, %v\n%s", code, err, &out)
	}
}

func TestCommand(t *testing.T) {
	_, c := newMirror(t, "")
	tests := []struct {
		name    string
		command []string
		code    int
		out     string
	}{
		{"exit code", []string{"sh", "-c", "exit 42"}, 42, ""},
		{"killed", []string{"sh", "-c", "kill -9 $$"}, 137, ""},
		{"missing", []string{"no-such-command"}, 127, ""},
		{"not executable", []string{os.DevNull}, 126, ""},
		{"stdin", []string{"cat"}, 0, "input"},
		{"address", []string{"sh", "-c", `test "$0" = "$MIRROR_URL" && echo "$0" | sed 's/[0-9][0-9]*\//PORT\//'`, "{url}"}, 0,
			"http://127.0.0.1:PORT/my%20mirror\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			c := c
			c.Command, c.Stdin, c.Stdout = test.command, strings.NewReader("input"), &out
			code, err := serve.Run(t.Context(), c)
			if code != test.code || (err != nil) != (code == 126 || code == 127) || out.String() != test.out {
				t.Errorf("exit code %d, %v, printed %q", code, err, &out)
			}
		})
	}
}

const waiting = `trap 'echo INT; exit 7' INT; trap 'echo TERM; exit 8' TERM
echo ready; while :; do sleep 0.05; done`

// TestSignals sends the command one when it is ready for it.
func TestSignals(t *testing.T) {
	for name, end := range map[string]func(chan<- os.Signal, context.CancelFunc){
		"INT":  func(signals chan<- os.Signal, _ context.CancelFunc) { signals <- syscall.SIGINT },
		"TERM": func(_ chan<- os.Signal, cancel context.CancelFunc) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			_, c := newMirror(t, "")
			signals := make(chan os.Signal)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r, w := io.Pipe()
			c.Command, c.Signals, c.Stdout = []string{"sh", "-c", waiting}, signals, w
			said := make(chan string)
			go func() {
				lines := bufio.NewScanner(r)
				lines.Scan()
				end(signals, cancel)
				lines.Scan()
				said <- lines.Text()
			}()
			code, err := serve.Run(ctx, c)
			w.Close()
			if got := <-said; got != name || err != nil || code != map[string]int{"INT": 7, "TERM": 8}[name] {
				t.Errorf("the command said %q, exit code %d, %v", got, code, err)
			}
		})
	}
}

func TestBind(t *testing.T) {
	_, c := newMirror(t, "")
	c.Bind = "0.0.0.0:0"
	url := start(t, c)
	if !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Errorf("the address is %s", url)
	}
	req, _ := http.NewRequestWithContext(t.Context(), "GET", url+"/HEAD", nil)
	req.Host = "mirror.example"
	if resp, err := http.DefaultClient.Do(req); err != nil || resp.StatusCode != 200 {
		t.Errorf("%v, %v", resp, err)
	} else {
		resp.Body.Close()
	}
	c.Bind = "256.0.0.1:0"
	if code, err := serve.Run(t.Context(), c); code == 0 || err == nil {
		t.Errorf("exit code %d, %v", code, err)
	}
}
