package pack

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
)

// fileStaged stands for the staged copy of a pack that is a file already.
type fileStaged struct{ *os.File }

func (fileStaged) Write(b []byte) (int, error)    { return len(b), nil }
func (f fileStaged) Commit() (io.ReaderAt, error) { return f.File, nil }
func (fileStaged) Abort()                         {}

// BenchmarkReceive receives a generated pack, or the one that REPO_PACK names,
// with memory for all of it and with little. Of REPO_PACK the index is
// compared with the one beside it.
func BenchmarkReceive(b *testing.B) {
	name, want := os.Getenv("REPO_PACK"), []byte(nil)
	if name == "" {
		name = b.TempDir() + "/bench.pack"
		if err := os.WriteFile(name, benchPack(), 0o600); err != nil {
			b.Fatal(err)
		}
	} else {
		var err error
		if want, err = os.ReadFile(strings.TrimSuffix(name, ".pack") + ".idx"); err != nil {
			b.Fatal(err)
		}
	}
	for _, memory := range []int64{1 << 30, 96 << 20, 32 << 20} {
		b.Run(fmt.Sprintf("memory=%dMiB", memory>>20), func(b *testing.B) {
			var x *Index
			for b.Loop() {
				x = benchReceive(b, name, memory, want)
			}
			b.SetBytes(x.Size)
			b.ReportMetric(float64(x.Counts.Total)*float64(b.N)/b.Elapsed().Seconds(), "objects/s")
			b.ReportMetric(float64(x.ReadBack)/1e6, "MB-read-back")
		})
	}
}

func benchReceive(b *testing.B, name string, memory int64, want []byte) *Index {
	in, err := os.Open(name)
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	x, err := Receive(context.Background(), in, Config{Memory: memory, Spool: fileStaged{in}, Staging: func(string) (Staged, error) { return &memStaged{}, nil }})
	if err != nil {
		b.Fatal(err)
	}
	var idx bytes.Buffer
	if err := x.WriteIdx(&idx); err != nil {
		b.Fatal(err)
	}
	if want != nil && !bytes.Equal(idx.Bytes(), want) {
		b.Fatal("the index is not git's")
	}
	return x
}

// benchPack is 60,000 objects of a few KiB, three of four deltas, most of them
// near their base.
func benchPack() []byte {
	r := newRand(1)
	b := newBuilder()
	var at []int
	var contents [][]byte
	for k := range 60000 {
		if k%4 == 0 {
			c := words(r, 500+r.IntN(8000))
			at, contents = append(at, b.object(object.Blob, c)), append(contents, c)
			continue
		}
		base := len(at) - 1 - r.IntN(min(len(at), 1<<r.IntN(14)))
		c := contents[base]
		n := r.IntN(len(c))
		c = slices.Concat(c[:n], noise(r, r.IntN(100)), c[n:])
		at, contents = append(at, b.ofs(at[base], makeDelta(contents[base], c))), append(contents, c)
	}
	return b.bytes()
}
