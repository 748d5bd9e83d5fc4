// Package upstream reads a finished mirror for those who pass it on: from a
// store, or over plain HTTP(S) where the bucket is public.
package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// Upstream reads the files of a mirror. Every [store.Reader] is one, [Web] is
// another. It may be used concurrently.
type Upstream interface {
	// Get opens n bytes of key from offset off, or all that follow with
	// n < 0; with n = 0 only the Info is asked for. The error for a missing
	// key matches fs.ErrNotExist. Temporary failures until the content
	// begins are retried inside. The caller closes.
	Get(ctx context.Context, key string, off, n int64) (io.ReadCloser, store.Info, error)
}

// maxResumes is how often in a row a read that was cut is taken up again.
const maxResumes = 3

// File is one file of a mirror. It opens its content with the first read, and
// goes on where a connection was cut, as long as the file is the same.
type File struct {
	ctx  context.Context
	u    Upstream
	info store.Info
	body io.ReadCloser // nil while nothing is open
	at   int64         // of the next byte that body gives
	pos  int64         // of the next byte that Read gives
	cuts int           // in a row
}

// Open opens the file for reading from its start.
func Open(ctx context.Context, u Upstream, key string) (*File, error) {
	body, info, err := u.Get(ctx, key, 0, -1)
	if err != nil {
		return nil, err
	}
	return &File{ctx: ctx, u: u, info: info, body: body}, nil
}

// Stat makes a File of which nothing may be read at all.
func Stat(ctx context.Context, u Upstream, key string) (*File, error) {
	body, info, err := u.Get(ctx, key, 0, 0)
	if err != nil {
		return nil, err
	}
	if err := body.Close(); err != nil {
		return nil, err
	}
	return &File{ctx: ctx, u: u, info: info}, nil
}

// Info describes the file.
func (f *File) Info() store.Info { return f.info }

// Read implements io.Reader.
func (f *File) Read(p []byte) (int, error) {
	for f.pos < f.info.Size {
		if f.at != f.pos {
			_ = f.Close()
		}
		if f.body == nil {
			if err := f.open(); err != nil {
				return 0, err
			}
		}
		n, err := f.body.Read(p[:min(int64(len(p)), f.info.Size-f.pos)])
		f.pos += int64(n)
		f.at = f.pos
		if n > 0 {
			f.cuts = 0
		}
		if err != nil && f.pos < f.info.Size {
			if err = f.cut(err); err != nil {
				return n, err
			}
		}
		if n > 0 || len(p) == 0 {
			return n, nil
		}
	}
	return 0, io.EOF
}

// cut closes what failed, and returns the error if it failed too often.
func (f *File) cut(err error) error {
	_ = f.Close()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if f.cuts++; f.cuts > maxResumes || f.ctx.Err() != nil {
		return fmt.Errorf("reading %s: %w", f.info.Key, err)
	}
	return nil
}

func (f *File) open() error {
	body, info, err := f.u.Get(f.ctx, f.info.Key, f.pos, -1)
	if err != nil {
		return err
	}
	if info.Size != f.info.Size || info.ETag != f.info.ETag {
		body.Close()
		return fmt.Errorf("reading %s: it was changed meanwhile", f.info.Key)
	}
	f.body, f.at = body, f.pos
	return nil
}

// Seek implements io.Seeker. It costs nothing until something is read.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.pos
	case io.SeekEnd:
		offset += f.info.Size
	}
	if offset < 0 {
		return 0, errors.New("seeking before the start")
	}
	f.pos = offset
	return offset, nil
}

// Close closes the content.
func (f *File) Close() error {
	if f.body == nil {
		return nil
	}
	body := f.body
	f.body = nil
	return body.Close()
}

// NotThere says whether err means that the file is missing, as far as one is
// told: a public bucket whose keys may not be listed says 403.
func NotThere(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)
}
