package pack_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/pack"
)

// memStaged is a Staged in memory.
type memStaged struct {
	buf       bytes.Buffer
	committed bool
	aborted   bool
	mu        sync.Mutex
	reads     int
}

func (m *memStaged) Write(b []byte) (int, error) { return m.buf.Write(b) }
func (m *memStaged) Commit() (io.ReaderAt, error) {
	m.committed = true
	return m, nil
}
func (m *memStaged) Abort() { m.aborted = true }

func (m *memStaged) ReadAt(b []byte, off int64) (int, error) {
	if !m.committed {
		return 0, errors.New("read before commit")
	}
	m.mu.Lock()
	m.reads++
	m.mu.Unlock()
	return bytes.NewReader(m.buf.Bytes()).ReadAt(b, off)
}

func stage(string) (pack.Staged, error) { return &memStaged{}, nil }

type nowhere struct{ *os.File }

func (nowhere) Write(b []byte) (int, error)    { return len(b), nil }
func (n nowhere) Commit() (io.ReaderAt, error) { return n.File, nil }
func (nowhere) Abort()                         {}

// TestReal receives the pack named by REPO_PACK, which has its index beside it.
func TestReal(t *testing.T) {
	name := os.Getenv("REPO_PACK")
	if name == "" {
		t.Log("REPO_PACK names no pack")
		return
	}
	matches, _ := filepath.Glob(name)
	name = matches[0]
	want, err := os.ReadFile(strings.TrimSuffix(name, ".pack") + ".idx")
	if err != nil {
		t.Fatal(err)
	}
	for _, mem := range mems() {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		back, _ := os.Open(name)
		x, err := pack.Receive(context.Background(), f, pack.Config{Format: object.SHA1, Memory: mem, Spool: nowhere{back}, Staging: stage})
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := x.WriteIdx(&got); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Error("index differs")
		}
		t.Logf("memory %d MiB: %+v, read back %.1f MB of %.1f", mem>>20, x.Counts, float64(x.ReadBack)/1e6, float64(x.Size)/1e6)
	}
}

func mems() []int64 {
	switch os.Getenv("MEM") {
	case "big":
		return []int64{1 << 30}
	case "mid":
		return []int64{96 << 20}
	}
	return []int64{1 << 30, 96 << 20, 32 << 20}
}
