package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/pack"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/endpoint"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/pointer"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/transfer"
)

// LFS says whether Git LFS objects are mirrored.
type LFS string

// LFSTrue mirrors them, and fails when one cannot be had; LFSBestEffort then
// warns and publishes all the same; LFSFalse leaves them alone.
const (
	LFSTrue       LFS = "true"
	LFSFalse      LFS = "false"
	LFSBestEffort LFS = "best-effort"
)

// lfsState is what mirror.json knows of LFS objects.
type lfsState struct {
	// Looked says that every blob of the mirror was looked at for pointers.
	Looked bool `json:"looked"`
	// Missing is how many objects could not be had so far.
	Missing int64 `json:"missing,omitempty"`
	// URL is the LFS server that .lfsconfig names; "" when it names none.
	URL string `json:"url,omitempty"`
}

// maxPointer is the size below which a blob can be an LFS pointer, in bytes
// (git-lfs's docs/spec.md).
const maxPointer = 1024

// collect returns an observer of objects that collects the pointers, before
// it calls next, which may be nil.
func collect(set *pointer.Set, next func(pack.Object) error) func(pack.Object) error {
	return func(o pack.Object) error {
		if o.Type == object.Blob && len(o.Content) < maxPointer {
			if p, ok := pointer.Parse(o.Content); ok {
				set.Add(p)
			}
		}
		if next == nil {
			return nil
		}
		return next(o)
	}
}

// needsLFS reports whether earlier runs left LFS objects out that this one is
// to have.
func (m *mirror) needsLFS(st *state) bool {
	return m.LFS != LFSFalse && !st.LFS.Looked || m.LFS == LFSTrue && st.LFS.Missing > 0
}

// copyLFS copies the LFS objects that the received blobs point at.
func (m *mirror) copyLFS(ctx context.Context, p *plan, f *fetched) error {
	f.lfs = lfsState{Looked: m.LFS != LFSFalse}
	if st := p.now.state; st != nil {
		f.lfs.URL = st.LFS.URL
		if !p.full {
			f.lfs.Looked = st.LFS.Looked && m.LFS != LFSFalse
			f.lfs.Missing = st.LFS.Missing
		}
	}
	if m.LFS == LFSFalse {
		return nil
	}
	config := m.lfsConfig(p, f)
	f.lfs.URL = ""
	if config != nil {
		end, err := endpoint.Find(m.remote.URL(), config)
		if err != nil {
			return err
		}
		f.lfs.URL = end.URL.String()
	}
	if f.pointers.Len() == 0 {
		return nil
	}
	m.progress.setPhase("LFS")
	c, err := lfs.Mirror(ctx, lfs.Options{
		Source: m.sourceWithUser(), Token: m.token(m.remote.URL()), LFSConfig: config, Ref: p.want.Head.Target,
		Store: m.store, HTTP: m.HTTP, Log: m.log, Progress: &m.progress.LFS,
	}, &f.pointers)
	m.result.LFS = LFSCounts{Total: c.Total, Uploaded: c.Uploaded, Skipped: c.Skipped, Bytes: c.Bytes}
	var incomplete *transfer.Incomplete
	if errors.As(err, &incomplete) && m.LFS == LFSBestEffort {
		f.lfs.Missing += c.Failed
		m.log.Warn("published without some Git LFS objects", "error", err)
		return nil
	}
	if incomplete != nil {
		return fmt.Errorf("%w; mend the source's LFS server, or publish without them with --lfs=best-effort", err)
	}
	return err
}

// sourceWithUser is where the source finally was, with the user info that the
// caller gave for its first address, if that has the same host.
func (m *mirror) sourceWithUser() string {
	given, err := url.Parse(m.pair.Source)
	if err != nil || given.User == nil {
		return m.remote.URL()
	}
	u, err := url.Parse(m.remote.URL())
	if err != nil || !endpoint.SameOrigin(given, u) {
		return m.remote.URL()
	}
	u.User = given.User
	return u.String()
}

// lfsConfig returns .lfsconfig at the tip of the default branch. Where the
// tip or the file was received by an earlier run, that run's finding holds.
func (m *mirror) lfsConfig(p *plan, f *fetched) []byte {
	before := []byte(nil)
	if st := p.now.state; st != nil && st.LFS.URL != "" {
		before = fmt.Appendf(nil, "[lfs]\n\turl = %q\n", st.LFS.URL)
	}
	tip := p.want.Head.ID
	for _, r := range p.want.Refs {
		if r.Name == p.want.Head.Target {
			tip = r.ID
		}
	}
	commit, ok := f.content(tip, object.Commit)
	if !ok {
		return before
	}
	line, _, _ := bytes.Cut(commit, []byte("\n"))
	tree, ok := f.content(object.ID(strings.TrimPrefix(string(line), "tree ")), object.Tree)
	if !ok {
		return before
	}
	id, ok := entryOf(tree, ".lfsconfig", p.want.Format)
	if !ok {
		return nil
	}
	if blob, ok := f.content(id, object.Blob); ok {
		return blob
	}
	return before
}

// maxLook bounds the objects that lfsConfig looks into, in bytes.
const maxLook = 16 << 20

// content returns an object that was received, if it has this type.
func (f *fetched) content(id object.ID, t object.Type) ([]byte, bool) {
	for _, x := range f.index {
		if x.Has(id) {
			typ, b, err := x.Content(id, maxLook)
			return b, err == nil && typ == t
		}
	}
	return nil, false
}

// entryOf finds a file in a tree: entries of a mode, a space, the name, a NUL
// and the id's bytes.
func entryOf(tree []byte, name string, f object.Format) (object.ID, bool) {
	for len(tree) > 0 {
		head, rest, ok := bytes.Cut(tree, []byte{0})
		if !ok || len(rest) < f.Size() {
			return "", false
		}
		if _, n, _ := bytes.Cut(head, []byte(" ")); string(n) == name {
			return object.IDOf(rest[:f.Size()]), true
		}
		tree = rest[f.Size():]
	}
	return "", false
}
