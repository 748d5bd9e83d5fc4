package pack

import (
	"errors"
	"fmt"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
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
	held    int64
	delta   []byte
	scratch []byte
}

type frame struct {
	entry    uint32
	content  *content // nil when it was dropped
	next, to int      // children left, in queue
	from     int
	found    bool // reached by id in this round: not in the batch's marks
}

type kid struct {
	entry   uint32
	waiting int // its place in waiting, or -1
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
	for len(w.stack) > 0 {
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
	c.typ = w.t.typ(f.entry)
	fresh := w.t.flags(k.entry)&resolved == 0
	if fresh {
		if k.waiting >= 0 {
			w.t.setBase(k.entry, f.entry)
		}
		if err := w.names.name(k.entry, c.typ, c.b); err != nil {
			c.release()
			return err
		}
	}
	found := f.found || k.waiting >= 0
	w.push(k.entry, fresh, found)
	f = &w.stack[len(w.stack)-1]
	if f.next == f.to {
		c.release()
		w.pop()
		return nil
	}
	w.hold(f, c)
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
	f := frame{entry: entry, found: found, from: len(w.queue)}
	for _, i := range w.kidsOf(entry) {
		if w.t.flags(i)&inWork != 0 || found && w.bytesOf(i, &w.scratch) != nil {
			w.queue = append(w.queue, kid{i, -1})
		}
	}
	if fresh {
		from, to := w.waitingFor(w.t.id(entry))
		for k := from; k < to; k++ {
			if w.bytesOf(w.waiting[k], &w.scratch) != nil {
				w.queue = append(w.queue, kid{w.waiting[k], k})
			}
		}
	}
	f.next, f.to = f.from, len(w.queue)
	w.stack = append(w.stack, f)
}

func (w *walker) pop() {
	f := &w.stack[len(w.stack)-1]
	w.drop(f)
	w.queue = w.queue[:f.from]
	w.stack = w.stack[:len(w.stack)-1]
}

func (w *walker) drop(f *frame) {
	if f.content != nil {
		w.held -= f.content.cost()
		f.content.release()
		f.content = nil
	}
}

// hold gives a frame its content, and makes room for it.
func (w *walker) hold(f *frame, c *content) {
	f.content = c
	w.held += c.cost()
	w.room(0, f)
}

// room drops contents, upper ones first, until n more bytes fit. The frame
// spared keeps its own.
func (w *walker) room(n int64, spared *frame) {
	for i := 0; i < len(w.stack) && w.held+n > w.limit; i++ {
		if f := &w.stack[i]; f != spared {
			w.drop(f)
		}
	}
}

// make returns the content of entry, a child of f.
func (w *walker) make(f *frame, entry uint32) (*content, error) {
	if f.content == nil {
		c, err := w.remake(len(w.stack) - 1)
		if err != nil {
			return nil, err
		}
		w.hold(f, c)
	}
	return w.apply(entry, f.content, f)
}

// remake returns the content of a frame of the stack that has none, from the
// nearest one above that has, or from the root.
func (w *walker) remake(top int) (*content, error) {
	from := top
	for from > 0 && w.stack[from].content == nil {
		from--
	}
	c := w.stack[from].content
	if c != nil {
		c.use()
	} else {
		var err error
		if c, err = w.whole(w.stack[0].entry); err != nil {
			return nil, err
		}
	}
	for i := from + 1; i <= top; i++ {
		next, err := w.apply(w.stack[i].entry, c, nil)
		c.release()
		if err != nil {
			return nil, err
		}
		c = next
	}
	return c, nil
}

// whole inflates an object that is not a delta.
func (w *walker) whole(entry uint32) (*content, error) {
	b := w.bytesOf(entry, &w.scratch)
	if b == nil {
		return nil, errLarge
	}
	h, err := parseHeader(b, w.t.idLen)
	if err != nil {
		return nil, err
	}
	if h.size > w.limit/2 {
		return nil, errLarge
	}
	w.room(h.size, nil)
	c := w.pool.get(int(h.size))
	c.typ = object.Type(h.typ)
	if _, err := w.inflate.Zlib(c.b, b[h.len:]); err != nil {
		c.release()
		return nil, err
	}
	return c, nil
}

// apply makes the content of a delta from that of its base. spared is the
// frame that holds the base.
func (w *walker) apply(entry uint32, base *content, spared *frame) (*content, error) {
	b := w.bytesOf(entry, &w.scratch)
	if b == nil {
		return nil, errLarge
	}
	h, err := parseHeader(b, w.t.idLen)
	if err != nil {
		return nil, err
	}
	if h.size > w.limit/4 {
		return nil, errLarge
	}
	w.delta = grow(w.delta, int(h.size))
	if _, err := w.inflate.Zlib(w.delta, b[h.len:]); err != nil {
		return nil, err
	}
	baseSize, size, instructions, err := deltaSizes(w.delta)
	if err != nil {
		return nil, err
	}
	if baseSize != int64(len(base.b)) {
		return nil, errBaseSize(baseSize, int64(len(base.b)))
	}
	if size+h.size+base.cost() > w.limit {
		return nil, errLarge
	}
	w.room(size+h.size, spared)
	c := w.pool.get(int(size))
	if err := applyDelta(c.b, base.b, instructions); err != nil {
		c.release()
		return nil, err
	}
	return c, nil
}
