package engine

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/pack"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/remote"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/pointer"
)

// unpackLimit is git's fetch.unpackLimit: a pack of fewer objects is kept as
// loose objects in layout auto.
const unpackLimit = 100

// fetched is what a run received: durable, but nothing refers to it yet.
type fetched struct {
	packs []packState
	index []*pack.Index
	loose int64 // objects stored one by one

	pointers pointer.Set // LFS objects that received blobs point at
	lfs      lfsState
}

func (f *fetched) has(id object.ID) bool {
	for _, x := range f.index {
		if x.Has(id) {
			return true
		}
	}
	return false
}

// fetch receives and stores what the mirror lacks.
func (m *mirror) fetch(ctx context.Context, p *plan, st *staging) (*fetched, error) {
	f := &fetched{}
	for i, req := range remote.Rounds(p.wants, p.haves) {
		for _, x := range f.index {
			x.Release()
		}
		m.progress.setPhase("receiving")
		req.Progress = m.says
		if err := m.round(ctx, req, st, i, f); err != nil {
			return nil, err
		}
	}
	if err := m.checkWants(ctx, p, f); err != nil {
		return nil, err
	}
	return f, m.copyLFS(ctx, p, f)
}

// says logs what the source tells of its work, without every percent of it.
func (m *mirror) says(line string) {
	if !strings.Contains(line, "%") || strings.Contains(line, "done") {
		m.log.Debug("source", "says", line)
	}
}

// round receives one pack.
func (m *mirror) round(ctx context.Context, req remote.Request, st *staging, number int, f *fetched) error {
	body, err := m.remote.Fetch(ctx, req)
	if err != nil {
		return err
	}
	defer body.Close()
	in := bufio.NewReaderSize(&counted{body, &m.progress.Fetched}, 64<<10)
	head, err := in.Peek(12)
	if err != nil {
		return fmt.Errorf("the source sent no pack: %w", err)
	}
	n := binary.BigEndian.Uint32(head[8:])
	return m.receive(ctx, in, m.layoutFor(n), st, "pack-"+strconv.Itoa(number), f)
}

// layoutFor decides how a pack of n objects is kept.
func (m *mirror) layoutFor(n uint32) Layout {
	if m.Layout == Auto && n < unpackLimit {
		return Loose
	}
	if m.Layout == Auto {
		return Pack
	}
	return m.Layout
}

// receive resolves the pack in r, and stores it in a layout.
func (m *mirror) receive(ctx context.Context, r io.Reader, l Layout, st *staging, name string, f *fetched) error {
	part := partSize(m.memory)
	free := m.memory - (partsHeld+1)*part
	c := pack.Config{Format: m.remote.Format(), Progress: &m.progress.Progress, Log: m.log, Staging: st.open}
	var loose *looseWriter
	head := part
	if l == Loose {
		// Objects on their way, a large one being staged, and the pack while
		// it is small: it is staged only to be read back.
		share := free / 8
		loose = newLooseWriter(st, share, m.progress)
		c.Object, c.Large = loose.object, loose.largeObject
		head = min(max(part, share), 64<<20)
		free -= share + partsHeld*part + head
	}
	if m.LFS != LFSFalse {
		c.Object = collect(&f.pointers, c.Object)
	}
	sp := st.spool(name, int(head))
	c.Spool, c.Memory = sp, max(free, pack.MinMemory)
	x, err := pack.Receive(ctx, r, c)
	if err != nil {
		return err
	}
	m.result.Layout = l
	m.count(x)
	f.index = append(f.index, x)
	if loose != nil {
		f.loose += x.Counts.Total
		return loose.wait()
	}
	if x.Counts.Total == 0 {
		return nil
	}
	m.progress.setPhase("storing")
	ps := packState{Name: "pack-" + string(x.Trailer), Objects: x.Counts.Total, Bytes: x.Size}
	f.packs = append(f.packs, ps)
	if err := sp.moveTo(keyPack(ps.Name)); err != nil {
		return err
	}
	return m.storeIdx(ctx, x, keyIdx(ps.Name))
}

func (m *mirror) count(x *pack.Index) {
	o := &m.result.Objects
	o.Commit += x.Counts.Commit
	o.Tree += x.Counts.Tree
	o.Blob += x.Counts.Blob
	o.Tag += x.Counts.Tag
	o.Total += x.Counts.Total
	o.Deltas += x.Counts.Deltas
	m.result.Bytes.ReadBack += x.ReadBack
}

func (m *mirror) storeIdx(ctx context.Context, x *pack.Index, key string) error {
	up, err := m.store.Upload(ctx, key, attributes(key))
	if err != nil {
		return err
	}
	if err := x.WriteIdx(up); err != nil {
		up.Abort()
		return err
	}
	_, err = up.Commit()
	if err != nil {
		up.Abort()
	}
	return err
}

// counted counts the bytes read.
type counted struct {
	r io.Reader
	n *atomic.Int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n.Add(int64(n))
	return n, err
}
