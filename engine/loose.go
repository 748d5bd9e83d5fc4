package engine

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"sync"

	"github.com/klauspost/compress/zlib"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/pack"
)

// looseParallel is how many loose objects are written at once: S3 answers a
// PUT in some 10 to 30 ms, so this makes some thousands a second.
const looseParallel = 64

// looseWriter stores objects one by one, as git's loose objects.
type looseWriter struct {
	*staging
	progress *Progress
	group    *errgroup.Group
	ctx      context.Context
	room     *semaphore.Weighted // bytes held
	limit    int64
	zips     sync.Pool
	mu       sync.Mutex
	large    int
}

func newLooseWriter(st *staging, memory int64, p *Progress) *looseWriter {
	g, ctx := errgroup.WithContext(st.ctx)
	g.SetLimit(looseParallel)
	return &looseWriter{staging: st, progress: p, group: g, ctx: ctx, room: semaphore.NewWeighted(memory), limit: memory}
}

// wait returns when everything was written.
func (l *looseWriter) wait() error { return l.group.Wait() }

// object stores an object that is in memory.
func (l *looseWriter) object(o pack.Object) error {
	n := min(int64(len(o.Content))+512, l.limit)
	if err := l.room.Acquire(l.ctx, n); err != nil {
		return context.Cause(l.ctx)
	}
	var buf bytes.Buffer
	if err := l.compress(&buf, o.Type, int64(len(o.Content)), bytes.NewReader(o.Content)); err != nil {
		l.room.Release(n)
		return err
	}
	key := keyLoose(object.IDOf(o.ID))
	l.group.Go(func() error {
		defer l.room.Release(n)
		_, err := l.store.Put(l.ctx, key, bytes.NewReader(buf.Bytes()), int64(buf.Len()), attributes(key))
		if err == nil {
			l.progress.Stored.Add(1)
		}
		return err
	})
	return nil
}

// compress writes an object as git stores it: a header and the content, in
// one zlib stream.
func (l *looseWriter) compress(w io.Writer, t object.Type, size int64, content io.Reader) error {
	z := l.zip(w)
	defer l.zips.Put(z)
	if _, err := z.Write(looseHeader(t, size)); err != nil {
		return err
	}
	if _, err := io.Copy(z, content); err != nil {
		return err
	}
	return z.Close()
}

func (l *looseWriter) zip(w io.Writer) *zlib.Writer {
	if z, ok := l.zips.Get().(*zlib.Writer); ok {
		z.Reset(w)
		return z
	}
	return zlib.NewWriter(w)
}

func looseHeader(t object.Type, size int64) []byte {
	return append(strconv.AppendInt([]byte(t.String()+" "), size, 10), 0)
}

// largeObject takes an object too large for memory. Its name is known only at
// its end, so it is staged.
func (l *looseWriter) largeObject(t object.Type, size int64) (pack.LargeWriter, error) {
	l.mu.Lock()
	l.large++
	s := l.spool("loose-"+strconv.Itoa(l.large), 0)
	l.mu.Unlock()
	w := &largeLoose{loose: l, spool: s, zip: l.zip(s)}
	_, err := w.zip.Write(looseHeader(t, size))
	return w, err
}

type largeLoose struct {
	loose *looseWriter
	spool *spool
	zip   *zlib.Writer
}

func (w *largeLoose) Write(b []byte) (int, error) { return w.zip.Write(b) }

func (w *largeLoose) Close(id []byte) error {
	err := w.zip.Close()
	if err == nil {
		_, err = w.spool.Commit()
	}
	if err == nil {
		err = w.spool.moveTo(keyLoose(object.IDOf(id)))
	}
	if err != nil {
		w.Abort()
		return fmt.Errorf("storing it: %w", err)
	}
	w.loose.zips.Put(w.zip)
	w.loose.progress.Stored.Add(1)
	return nil
}

func (w *largeLoose) Abort() { w.spool.Abort() }
