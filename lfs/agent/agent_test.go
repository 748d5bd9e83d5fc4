package agent_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store/memstore"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/agent"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/pointer"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/upstream"
)

// reply is any message of the agent.
type reply struct {
	Event                      string
	OID                        string
	Path                       string
	BytesSoFar, BytesSinceLast int64
	Error                      *struct {
		Code    int
		Message string
	}
}

// talk runs an agent over the store and returns its replies.
func talk(t *testing.T, s *memstore.Store, temp string, messages ...string) []reply {
	t.Helper()
	var out bytes.Buffer
	err := agent.Run(t.Context(), agent.Config{
		Open: func(_ context.Context, remote string) (upstream.Upstream, error) {
			if remote != "origin" {
				return nil, errors.New("no such mirror")
			}
			return s, nil
		},
		TempDir: temp,
		Stdin:   strings.NewReader(strings.Join(messages, "\n") + "\n"),
		Stdout:  &out,
	})
	if err != nil {
		t.Fatal(err)
	}
	var replies []reply
	for line := range strings.Lines(out.String()) {
		var r reply
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		replies = append(replies, r)
	}
	return replies
}

const begin = `{"event":"init","operation":"download","remote":"origin","concurrent":true,"concurrenttransfers":3}`

func download(oid string, size int) string {
	return fmt.Sprintf(`{"event":"download","oid":%q,"size":%d,"action":null}`, oid, size)
}

func oidOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// put stores content under an oid that need not be its own.
func put(t *testing.T, s *memstore.Store, oid string, content []byte) {
	t.Helper()
	if _, err := s.Put(t.Context(), pointer.Key(oid), bytes.NewReader(content), int64(len(content)), store.Options{}); err != nil {
		t.Fatal(err)
	}
}

func TestDownload(t *testing.T) {
	for _, size := range []int{0, 1, 1 << 20, 3<<20 + 5} {
		s := memstore.New()
		content := bytes.Repeat([]byte("x"), size)
		oid := oidOf(content)
		put(t, s, oid, content)
		replies := talk(t, s, filepath.Join(t.TempDir(), "a", "b"), begin, download(oid, size), `{"event":"terminate"}`, "not read any more")
		last := replies[len(replies)-1]
		if replies[0] != (reply{}) || last.Event != "complete" || last.OID != oid || last.Error != nil || !filepath.IsAbs(last.Path) {
			t.Fatalf("%d bytes: %+v", size, replies)
		}
		if got, err := os.ReadFile(last.Path); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes: the file has %d, %v", size, len(got), err)
		}
		var sum, soFar int64
		for _, r := range replies[1 : len(replies)-1] {
			sum, soFar = sum+r.BytesSinceLast, r.BytesSoFar
			if r.Event != "progress" || r.OID != oid || sum != soFar {
				t.Errorf("%d bytes: %+v", size, r)
			}
		}
		if soFar != int64(size) {
			t.Errorf("%d bytes: progress ended at %d", size, soFar)
		}
	}
}

// TestResume has a connection that is cut twice.
func TestResume(t *testing.T) {
	s := memstore.New()
	content := bytes.Repeat([]byte("x"), 3000)
	oid := oidOf(content)
	put(t, s, oid, content)
	cuts := 0
	s.Fault = func(c memstore.Call) memstore.Fault {
		if cuts++; cuts <= 2 {
			return memstore.Fault{Cut: memstore.ErrInjected, CutAt: 1000}
		}
		return memstore.Fault{}
	}
	replies := talk(t, s, t.TempDir(), begin, download(oid, 3000))
	if last := replies[len(replies)-1]; last.Event != "complete" || last.Error != nil || cuts != 3 {
		t.Errorf("%+v after %d requests", last, cuts)
	}
}

func TestFaults(t *testing.T) {
	s := memstore.New()
	good := []byte("good")
	put(t, s, oidOf(good), good)
	damaged, cut := strings.Repeat("ab", 32), strings.Repeat("cd", 32)
	put(t, s, damaged, good)
	put(t, s, cut, good)
	s.Fault = func(c memstore.Call) memstore.Fault {
		if c.Key == pointer.Key(cut) {
			return memstore.Fault{Cut: io.ErrUnexpectedEOF, CutAt: 0}
		}
		return memstore.Fault{}
	}
	temp := t.TempDir()
	tests := []struct{ name, message, says string }{
		{"missing", download(strings.Repeat("0", 64), 4), "does not have this object"},
		{"damaged", download(damaged, 4), "damaged"},
		{"cut", download(cut, 4), "unexpected EOF"},
		{"no oid", download("../../../../etc/passwd", 4), "is no oid"},
		{"empty oid", download("", 4), "is no oid"},
		{"upload", `{"event":"upload","oid":"` + damaged + `","size":4,"path":"/etc/passwd","action":null}`, "can only be read"},
	}
	for _, test := range tests {
		// The agent goes on after a failure.
		replies := talk(t, s, temp, begin, test.message, download(oidOf(good), 4))
		failed, last := replies[1], replies[len(replies)-1]
		if failed.Event != "complete" || failed.Path != "" || failed.Error == nil || !strings.Contains(failed.Error.Message, test.says) {
			t.Errorf("%s: %+v", test.name, failed)
		}
		if last.Error != nil || last.Path == "" {
			t.Errorf("%s: then %+v", test.name, last)
		}
		if err := os.Remove(last.Path); err != nil {
			t.Error(err)
		}
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestInit(t *testing.T) {
	s := memstore.New()
	for message, says := range map[string]string{
		`{"event":"init","operation":"upload","remote":"origin"}`:   "can only be read",
		`{"event":"init","operation":"download","remote":"nobody"}`: "no such mirror",
		download(strings.Repeat("0", 64), 1):                        "before it said init",
	} {
		replies := talk(t, s, t.TempDir(), message)
		if len(replies) != 1 || replies[0].Error == nil || !strings.Contains(replies[0].Error.Message, says) {
			t.Errorf("%s: %+v", message, replies)
		}
	}
}

func TestRunEnds(t *testing.T) {
	c := agent.Config{Stdin: strings.NewReader("what?"), Stdout: io.Discard}
	if err := agent.Run(t.Context(), c); err == nil {
		t.Error("nonsense was understood")
	}
	c.Stdin = strings.NewReader(`{"event":"dance"}`)
	if err := agent.Run(t.Context(), c); err == nil {
		t.Error("an unknown event was understood")
	}
	r, w := io.Pipe() // never says anything
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c.Stdin = r
	if err := agent.Run(ctx, c); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
