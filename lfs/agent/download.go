package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/pointer"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/upstream"
)

// step is how many bytes there are at most between two progress messages.
const step = 1 << 20

// download fetches an object into a file of its own and returns its path. The
// file exists only if its content is right.
func (a *agent) download(ctx context.Context, m message) (path string, err error) {
	switch {
	case a.up == nil:
		return "", errors.New("git-lfs asked for an object before it said init")
	case !pointer.ValidOID(m.OID):
		return "", fmt.Errorf("%q is no oid", m.OID)
	}
	source, size, err := a.open(ctx, m.OID)
	if err != nil {
		return "", err
	}
	defer source.Close()
	if err := os.MkdirAll(a.TempDir, 0o777); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(a.TempDir, "mirror-git-to-s3-")
	if err != nil {
		return "", err
	}
	err = a.fill(f, source, m.OID, size)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return filepath.Abs(f.Name())
}

func (a *agent) open(ctx context.Context, oid string) (io.ReadCloser, int64, error) {
	f, err := upstream.Open(ctx, a.up, pointer.Key(oid))
	switch {
	case err == nil:
		return f, f.Info().Size, nil
	case upstream.NotThere(err):
		return nil, 0, fmt.Errorf("the mirror does not have this object, or does not let it be read: %w", err)
	}
	return nil, 0, err
}

// fill copies the content, reports the progress, and checks the SHA-256. The
// pointer's size is not looked at: git-lfs does not insist on it either.
func (a *agent) fill(w io.Writer, source io.Reader, oid string, size int64) error {
	p := &progress{agent: a, oid: oid, hash: sha256.New()}
	_, err := io.Copy(io.MultiWriter(w, p), source)
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(p.hash.Sum(nil)); got != oid || p.soFar != size {
		return fmt.Errorf("the mirror's object is damaged: %w (%d of %d bytes, sha256 %s)",
			store.ErrChecksum, p.soFar, size, got)
	}
	return p.report()
}

// progress hashes what is written to it and reports how much it was.
type progress struct {
	*agent
	oid          string
	hash         hash.Hash
	soFar, since int64
}

// Write implements io.Writer.
func (p *progress) Write(b []byte) (int, error) {
	p.hash.Write(b)
	p.soFar += int64(len(b))
	if p.since += int64(len(b)); p.since >= step {
		return len(b), p.report()
	}
	return len(b), nil
}

func (p *progress) report() error {
	since := p.since
	p.since = 0
	return p.out.Encode(reply{Event: "progress", OID: p.oid, BytesSoFar: p.soFar, BytesSinceLast: since})
}
