package pack

import (
	"errors"
	"fmt"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/pack/inflate"
)

// walker resolves delta trees depth first. It holds the contents on the path
// from the root to where it is; when these exceed its memory the upper ones
// are dropped, and made again on the way back.
type walker struct {
	*round
	names   *namer
	inflate inflate.Decoder
	stack   []frame
	queue   []kid // children of all frames, a stretch each
	low     int   // frames below hold no content
	held    int64
	delta   []byte
	scratch []byte
}

type frame struct {
	entry          uint32
	from, next, to uint32   // its children, and those left, in queue
	found          bool     // reached by id in this round: not in the batch's marks
	content        *content // nil when it was dropped
}

type kid struct {
	entry   uint32
	waiting int32 // its place in waiting, or -1
}

// errLarge says that something doesn't fit into a walker's memory.
var errLarge = errors.New("too large for memory")

func newWalker(r *round) *walker {
	return &walker{round: r, names: newNamer(r.receiver)}
}

func (w *walker) close() {
	for len(w.stack) > 0 {
		w.pop()
	}
}

// tree resolves what hangs on root and is part of the batch.
func (w *walker) tree(root uint32) error {
	w.push(root, false, false)
	for len(w.stack) > 0 && w.ctx.Err() == nil {
		f := &w.stack[len(w.stack)-1]
		if f.next == f.to {
			w.pop()
			continue
		}
		k := w.queue[f.next]
		f.next++
		if err := w.kid(f, k); err != nil {
			return fmt.Errorf("pack entry at offset %d: %w", w.t.offset(k.entry), err)
		}
	}
	return nil
}

// kid makes the content of a child of f, the top frame.
func (w *walker) kid(f *frame, k kid) error {
	if k.waiting >= 0 && !w.claimed[k.waiting].CompareAndSwap(false, true) {
		return nil
	}
	c, err := w.make(f, k.entry)
	if f.next == f.to {
		w.drop(f)
	}
	if errors.Is(err, errLarge) {
		w.setLarge(f.entry, k)
		return nil
	}
	if err != nil {
		return err
	}
	fresh := w.t.flags(k.entry)&resolved == 0
	if fresh {
		if k.waiting >= 0 {
			w.t.setBase(k.entry, f.entry)
		}
		if err := w.names.name(k.entry, w.t.typ(f.entry), c.b); err != nil {
			c.release()
			return err
		}
	}
	w.push(k.entry, fresh, f.found || k.waiting >= 0)
	w.hold(len(w.stack)-1, c)
	return nil
}

// setLarge leaves a child of entry to resolveLarge.
func (w *walker) setLarge(entry uint32, k kid) {
	if k.waiting >= 0 {
		w.t.setBase(k.entry, entry)
		w.t.setFlags(k.entry, w.t.flags(k.entry)&^byID)
	}
	w.mu.Lock()
	w.large = append(w.large, k.entry)
	w.mu.Unlock()
}

// push makes a frame for an entry, with the children that belong to this
// batch. fresh says that its id was not known before.
func (w *walker) push(entry uint32, fresh, found bool) {
	f := frame{entry: entry, found: found, from: uint32(len(w.queue))}
	from, to := w.kidsOf(entry)
	for _, i := range w.kids[from:to] {
		if w.t.flags(i)&inWork != 0 || found && w.atHand(i) {
			w.queue = append(w.queue, kid{i, -1})
		}
	}
	if fresh {
		from, to := w.waitingFor(w.t.id(entry))
		for k := from; k < to; k++ {
			if w.atHand(w.waiting[k]) {
				w.queue = append(w.queue, kid{w.waiting[k], int32(k)})
			}
		}
	}
	f.next, f.to = f.from, uint32(len(w.queue))
	w.stack = append(w.stack, f)
}

// atHand reports whether an entry outside of the batch is resolved with it.
func (w *walker) atHand(i uint32) bool { return w.late || w.inMemory(i, &w.scratch) != nil }

func (w *walker) pop() {
	n := len(w.stack) - 1
	w.drop(&w.stack[n])
	w.queue = w.queue[:w.stack[n].from]
	w.stack = w.stack[:n]
	w.low = min(w.low, n)
}

func (w *walker) drop(f *frame) {
	if f.content != nil {
		w.held -= f.content.cost()
		f.content.release()
		f.content = nil
	}
}

// hold gives frame k its content, and makes room for it.
func (w *walker) hold(k int, c *content) {
	w.stack[k].content = c
	w.held += c.cost()
	w.low = min(w.low, k)
	w.room(0, k)
}

// room drops contents of frames below upTo, upper ones of the tree first,
// until n more bytes fit.
func (w *walker) room(n int64, upTo int) {
	for ; w.low < upTo && w.held+n > w.limit; w.low++ {
		w.drop(&w.stack[w.low])
	}
}

// make returns the content of entry, a child of f, the top frame.
func (w *walker) make(f *frame, entry uint32) (*content, error) {
	if f.content == nil {
		if err := w.remake(); err != nil {
			return nil, err
		}
	}
	return w.apply(entry, len(w.stack)-1)
}

// remake makes the content of the top frame again, from the nearest one above
// that has one, or from the root. It leaves those that are needed after it on
// the way, so that the next one has less to do.
func (w *walker) remake() error {
	k := len(w.stack) - 1
	for k > 0 && w.stack[k].content == nil {
		k--
	}
	if w.stack[k].content == nil {
		c, err := w.whole(w.stack[0].entry)
		if err != nil {
			return err
		}
		w.hold(0, c)
	}
	for ; k < len(w.stack)-1; k++ {
		c, err := w.apply(w.stack[k+1].entry, k)
		if err != nil {
			return err
		}
		if f := &w.stack[k]; f.next == f.to {
			w.drop(f)
		}
		w.hold(k+1, c)
	}
	return nil
}

// whole inflates an object that is not a delta.
func (w *walker) whole(entry uint32) (*content, error) {
	b, h, err := w.entry(entry)
	if err != nil {
		return nil, err
	}
	if h.size > w.limit/2 {
		return nil, errLarge
	}
	w.room(h.size, len(w.stack))
	c := w.pool.get(int(h.size))
	if _, err := w.inflate.Zlib(c.b, b); err != nil {
		c.release()
		return nil, err
	}
	return c, nil
}

// apply makes the content of a delta from that of its base, which frame base
// holds.
func (w *walker) apply(entry uint32, base int) (*content, error) {
	b, h, err := w.entry(entry)
	if err != nil {
		return nil, err
	}
	if h.size > w.limit/4 {
		return nil, errLarge
	}
	w.delta = grow(w.delta, int(h.size))
	if _, err := w.inflate.Zlib(w.delta, b); err != nil {
		return nil, err
	}
	baseSize, size, instructions, err := deltaSizes(w.delta)
	if err != nil {
		return nil, err
	}
	from := w.stack[base].content
	if baseSize != int64(len(from.b)) {
		return nil, errBaseSize(baseSize, int64(len(from.b)))
	}
	if size+h.size+from.cost() > w.limit {
		return nil, errLarge
	}
	w.room(size+h.size, base)
	c := w.pool.get(int(size))
	if err := applyDelta(c.b, from.b, instructions); err != nil {
		c.release()
		return nil, err
	}
	return c, nil
}

// entry returns an entry's zlib stream and header.
func (w *walker) entry(i uint32) ([]byte, header, error) {
	b, err := w.bytesOf(i, &w.scratch)
	if err != nil {
		return nil, header{}, err
	}
	h, err := parseHeader(b, w.t.idLen)
	if err != nil {
		return nil, header{}, err
	}
	return b[h.len:], h, nil
}
