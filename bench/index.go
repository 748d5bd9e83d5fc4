package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/pack"
)

func idxOf(packFile string) string { return strings.TrimSuffix(packFile, ".pack") + ".idx" }

// indexPack does with a pack on disk what a mirror does with one from the
// network: scan, resolve, write the idx.
func indexPack(ctx context.Context, path string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	index, err := pack.Receive(ctx, in, pack.Config{
		Format: object.SHA1,
		Spool:  onDisk{in},
		Staging: func(string) (pack.Staged, error) {
			f, err := os.CreateTemp("", "mirror-bench-")
			if err != nil {
				return nil, err
			}
			return staged{f}, os.Remove(f.Name())
		},
	})
	if err != nil {
		return err
	}
	defer index.Release()
	out, err := os.Create(idxOf(path))
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(out, 1<<20)
	if err := index.WriteIdx(b); err != nil {
		out.Close()
		return err
	}
	if err := b.Flush(); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// onDisk is a spool whose bytes are there already.
type onDisk struct{ *os.File }

func (onDisk) Write(p []byte) (int, error)    { return len(p), nil }
func (o onDisk) Commit() (io.ReaderAt, error) { return o.File, nil }
func (onDisk) Abort()                         {}

// staged is a nameless file.
type staged struct{ *os.File }

func (s staged) Commit() (io.ReaderAt, error) { return s.File, nil }
func (s staged) Abort()                       { s.Close() }
