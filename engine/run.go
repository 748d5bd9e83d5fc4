package engine

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/remote"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/s3store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store/dirstore"
)

// cleanupTime is how long a run that was stopped may take to tidy up.
const cleanupTime = 30 * time.Second

// mirror is one run of one mirror.
type mirror struct {
	Options
	pair     Pair
	target   Target
	memory   int64
	log      *slog.Logger
	store    store.Store
	remote   *remote.Remote
	progress *Progress
	result   Result
}

// mirrorOne mirrors one pair with its share of the memory.
func mirrorOne(ctx context.Context, p Pair, o Options, memory int64) Result {
	start := o.Now()
	m := &mirror{Options: o, pair: p, memory: memory, progress: new(Progress)}
	m.log = o.Log.With("mirror", remote.Redact(p.Source))
	m.result.Source, m.result.Target = remote.Redact(p.Source), p.Target
	if o.Observe != nil {
		o.Observe(p, m.progress)
	}
	err := m.open()
	if err == nil {
		err = m.run(ctx)
		m.result.Requests = m.store.Requests()
	}
	m.result.Bytes.Uploaded = m.progress.Uploaded.Load()
	m.result.Bytes.Fetched = m.progress.Fetched.Load()
	m.result.Seconds = o.Now().Sub(start).Seconds()
	if err != nil {
		m.fail(ctx, err)
	}
	r := m.result
	m.progress.done.Store(&r)
	return r
}

func (m *mirror) fail(ctx context.Context, err error) {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = fmt.Errorf("stopped before it was published: %w", context.Canceled)
	}
	m.result.Status, m.result.Err = StatusFailed, err
	m.result.Error = strings.Join(strings.Fields(err.Error()), " ")
}

// open opens the target's store.
func (m *mirror) open() error {
	var err error
	if m.target, err = ParseTarget(m.pair.Target); err != nil {
		return err
	}
	open := m.Options.open
	if open == nil {
		open = m.openTarget
	}
	s, url, err := open(m.target)
	if err != nil {
		return err
	}
	m.result.CloneURL = url
	m.store = metered{s, m.progress}
	return nil
}

func (m *mirror) openTarget(t Target) (store.Store, string, error) {
	if t.Dir != "" {
		d, err := dirstore.New(t.Dir)
		return d, t.String(), err
	}
	s := s3store.New(s3store.Config{
		Client: m.S3, Bucket: t.Bucket, Prefix: t.Prefix,
		StorageClass: m.StorageClass, SSE: m.SSE, SSEKMSKeyID: m.SSEKMSKeyID, Tagging: m.ObjectTags,
		PartSize: partSize(m.memory),
	})
	return s, s.CloneURL(), nil
}

// Parts of an upload, of which a few are in memory: 5 MiB is the least that
// S3 takes, and with 8 MiB the requests cost little.
const (
	minPart  = 5 << 20
	bestPart = 8 << 20
	// partsHeld are one being filled and two on their way.
	partsHeld = 3
)

func partSize(memory int64) int64 {
	if memory/partsHeld/8 < bestPart {
		return minPart
	}
	return bestPart
}

// metered counts the bytes that go to a store.
type metered struct {
	store.Store
	p *Progress
}

func (m metered) Put(ctx context.Context, key string, r io.Reader, size int64, o store.Options) (store.Info, error) {
	info, err := m.Store.Put(ctx, key, r, size, o)
	if err == nil {
		m.p.Uploaded.Add(size)
	}
	return info, err
}

func (m metered) Upload(ctx context.Context, key string, o store.Options) (store.Upload, error) {
	u, err := m.Store.Upload(ctx, key, o)
	if err != nil {
		return nil, err
	}
	return meteredUpload{u, m.p}, nil
}

type meteredUpload struct {
	store.Upload
	p *Progress
}

func (m meteredUpload) Write(b []byte) (int, error) {
	n, err := m.Upload.Write(b)
	m.p.Uploaded.Add(int64(n))
	return n, err
}

// runName names a run's staging folder: sortable, and nobody else's.
func runName(now time.Time) string {
	var b [8]byte
	rand.Read(b[:])
	return now.UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(b[:])
}

// run does it all: plan, fetch, publish.
func (m *mirror) run(ctx context.Context) error {
	m.progress.setPhase("planning")
	p, err := m.plan(ctx)
	if err != nil {
		return err
	}
	m.countRefs(p)
	if p.upToDate() {
		m.result.Status = StatusUpToDate
		m.result.Objects.InMirror = p.now.state.objects()
		m.result.Layout = layoutOf(p.now.state)
		m.result.Packs = len(p.now.state.Packs)
		return nil
	}
	m.result.Status = StatusMirrored
	if m.DryRun {
		m.result.Layout = m.Layout
		if p.now.state != nil {
			m.result.Objects.InMirror = p.now.state.objects()
		}
		return nil
	}
	st := &staging{ctx: ctx, store: m.store, run: runName(m.Now())}
	defer m.tidy(ctx, st)
	got, err := m.fetch(ctx, p, st)
	if err != nil {
		return err
	}
	m.progress.setPhase("publishing")
	return m.publish(ctx, p, got)
}

// layoutOf says how a mirror's objects are kept.
func layoutOf(s *state) Layout {
	if len(s.Packs) == 0 {
		return Loose
	}
	return Pack
}
