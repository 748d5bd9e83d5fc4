package pack

import (
	"context"
	"fmt"
	"hash"
	"strconv"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
)

// hashers give objects their ids, on all cores, while the scan goes on.
type hashers struct {
	rc     *receiver
	flight weighted
	jobs   chan batch
	open   batch // not sent yet
	wg     sync.WaitGroup
	once   sync.Once
}

type job struct {
	entry   uint32
	content *content
}

// batch is jobs sent together, so that small objects do not pay for a
// rendezvous each.
type batch struct {
	jobs   []job
	weight int64
}

const (
	batchJobs   = 64
	batchWeight = 256 << 10
)

func newHashers(rc *receiver, flight int64) *hashers {
	h := &hashers{rc: rc, jobs: make(chan batch, 2*rc.Workers)}
	h.flight = weighted{semaphore.NewWeighted(flight), flight}
	for range rc.Workers {
		h.wg.Add(1)
		go h.work()
	}
	return h
}

// add takes over one use of the job's content.
func (h *hashers) add(j job) error {
	h.open.jobs = append(h.open.jobs, j)
	h.open.weight += j.content.cost()
	if len(h.open.jobs) >= batchJobs || h.open.weight >= h.rc.lim.batch {
		return h.flush()
	}
	return nil
}

// flush sends what was added to the workers.
func (h *hashers) flush() error {
	b := h.open
	h.open = batch{}
	if len(b.jobs) == 0 {
		return nil
	}
	var err error
	if b.weight, err = h.flight.acquire(h.rc.ctx, b.weight); err != nil {
		return context.Cause(h.rc.ctx)
	}
	select {
	case h.jobs <- b:
		return nil
	case <-h.rc.ctx.Done():
		return context.Cause(h.rc.ctx)
	}
}

// wait returns once every job added is done.
func (h *hashers) wait() error {
	if err := h.flush(); err != nil {
		return err
	}
	if err := h.flight.Acquire(h.rc.ctx, h.flight.max); err != nil {
		return context.Cause(h.rc.ctx)
	}
	h.flight.Release(h.flight.max)
	if h.rc.ctx.Err() != nil {
		return context.Cause(h.rc.ctx)
	}
	return nil
}

func (h *hashers) close() {
	h.once.Do(func() { close(h.jobs) })
	h.wg.Wait()
}

func (h *hashers) work() {
	defer h.wg.Done()
	n := newNamer(h.rc)
	for b := range h.jobs {
		for _, j := range b.jobs {
			if h.rc.ctx.Err() == nil {
				if err := n.name(j.entry, j.content.typ, j.content.b); err != nil {
					h.rc.stop(err)
				}
			}
			j.content.release()
		}
		h.flight.Release(b.weight)
	}
}

// namer gives objects whose content is at hand their ids. It is used by one
// goroutine.
type namer struct {
	rc  *receiver
	sum hash.Hash
	buf []byte
}

func newNamer(rc *receiver) *namer { return &namer{rc: rc, sum: rc.Format.New()} }

func (n *namer) name(entry uint32, typ object.Type, b []byte) error {
	n.sum.Reset()
	n.buf = appendHeader(n.buf[:0], typ, int64(len(b)))
	n.sum.Write(n.buf)
	n.sum.Write(b)
	id := n.rc.t.id(entry)
	n.sum.Sum(id[:0])
	return n.rc.named(entry, typ, id, b)
}

// named marks an entry as resolved; its id stands in the table.
func (rc *receiver) named(entry uint32, typ object.Type, id, b []byte) error {
	f := rc.t.flags(entry)&^(typeMask|byID) | flags(typ) | resolved
	rc.t.setFlags(entry, f)
	rc.Progress.Resolved.Add(1)
	if rc.Object == nil || b == nil {
		return nil
	}
	if err := rc.Object(Object{typ, id, b}); err != nil {
		return fmt.Errorf("object %x: %w", id, err)
	}
	return nil
}

// appendHeader appends what an object's id is made of before the content.
func appendHeader(b []byte, typ object.Type, size int64) []byte {
	b = append(b, typ.String()...)
	b = append(b, ' ')
	b = strconv.AppendInt(b, size, 10)
	return append(b, 0)
}
