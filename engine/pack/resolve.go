package pack

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
)

// round is one pass over what is not resolved yet: the trees of deltas whose
// bases are known, and the deltas that hang on an id nobody has seen so far.
type round struct {
	*receiver
	kids    []uint32      // deltas of the forest, by base and then by entry
	roots   []uint32      // whole objects that the forest grows from
	waiting []uint32      // deltas whose base is known by id only, by that id
	claimed []atomic.Bool // of waiting: somebody has resolved it
	baseIDs []byte        // of waiting: the ids one behind the other, which the table loses
	loaded  *loaded       // bytes read back for the batch at work
	late    bool          // single reads are fine, further rounds are not
	limit   int64         // bytes of contents a worker may hold
	mu      sync.Mutex
	large   []uint32 // deltas too large for that, resolved last
}

// lateRound is the first round that does not leave deltas to the next one,
// since a hostile pack could make each round resolve just one.
const lateRound = 4

// resolve gives ids to all the deltas that the scan missed.
func (rc *receiver) resolve() error {
	rc.pool.drain()
	pending := rc.unresolved(rc.missed)
	rc.missed = nil
	for n := 1; len(pending) > 0; n++ {
		r := rc.newRound(pending)
		r.late = n >= lateRound
		if err := r.run(); err != nil {
			return err
		}
		before := len(pending)
		pending = rc.unresolved(pending)
		if len(pending) == before {
			return rc.errNoBase(pending)
		}
	}
	return nil
}

// unresolved returns those of pending that still are, and finds the bases
// that got their ids meanwhile.
func (rc *receiver) unresolved(pending []uint32) []uint32 {
	left := pending[:0]
	byIDs := 0
	for _, i := range pending {
		if f := rc.t.flags(i); f&resolved == 0 {
			left = append(left, i)
			if f&byID != 0 {
				byIDs++
			}
		} else if rc.refs != nil {
			rc.refs.add(i)
		}
	}
	if byIDs == 0 {
		return left
	}
	for _, i := range left {
		if f := rc.t.flags(i); f&byID != 0 {
			if base, ok := rc.refs.find(rc.t.id(i)); ok {
				rc.t.setBase(i, base)
				rc.t.setFlags(i, f&^byID)
			}
		}
	}
	return left
}

func (rc *receiver) errNoBase(pending []uint32) error {
	for _, i := range pending {
		if rc.t.flags(i)&byID != 0 {
			return fmt.Errorf("pack entry at offset %d: its base %x is not in the pack, or is made from it in turn (%d deltas are left)",
				rc.t.offset(i), rc.t.id(i), len(pending))
		}
	}
	return fmt.Errorf("%d deltas of the pack cannot be resolved, the first at offset %d", len(pending), rc.t.offset(pending[0]))
}

// newRound finds the forest that pending hangs in.
func (rc *receiver) newRound(pending []uint32) *round {
	r := &round{receiver: rc}
	t := &rc.t
	for _, i := range pending {
		if t.flags(i)&byID != 0 {
			r.waiting = append(r.waiting, i)
			continue
		}
		for j := i; ; {
			f := t.flags(j)
			if f&inWork != 0 {
				break
			}
			t.setFlags(j, f|inWork)
			if f&isDelta == 0 {
				r.roots = append(r.roots, j)
				break
			}
			base, ok := t.base(j)
			if !ok {
				break
			}
			r.kids = append(r.kids, j)
			j = base
		}
	}
	clearWork(t, r.kids)
	clearWork(t, r.roots)
	clearWork(t, r.waiting)
	slices.Sort(r.roots)
	slices.SortFunc(r.kids, func(a, b uint32) int {
		x, _ := t.base(a)
		y, _ := t.base(b)
		return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
	})
	slices.SortFunc(r.waiting, func(a, b uint32) int { return bytes.Compare(t.id(a), t.id(b)) })
	r.claimed = make([]atomic.Bool, len(r.waiting))
	for _, i := range r.waiting {
		r.baseIDs = append(r.baseIDs, t.id(i)...)
	}
	return r
}

func clearWork(t *table, entries []uint32) {
	for _, i := range entries {
		t.setFlags(i, t.flags(i)&^inWork)
	}
}

// kidsOf returns the range of kids that are made against i.
func (r *round) kidsOf(i uint32) (from, to int) {
	from = sort.Search(len(r.kids), func(k int) bool { b, _ := r.t.base(r.kids[k]); return b >= i })
	for to = from; to < len(r.kids); to++ {
		if b, _ := r.t.base(r.kids[to]); b != i {
			break
		}
	}
	return from, to
}

// waitingFor returns the range of waiting that hangs on an id.
func (r *round) waitingFor(id []byte) (from, to int) {
	if len(r.waiting) == 0 {
		return 0, 0
	}
	from = sort.Search(len(r.waiting), func(k int) bool { return bytes.Compare(r.baseID(k), id) >= 0 })
	for to = from; to < len(r.waiting) && bytes.Equal(r.baseID(to), id); to++ {
	}
	return from, to
}

func (r *round) baseID(k int) []byte { return r.baseIDs[k*r.t.idLen : (k+1)*r.t.idLen] }

// run resolves the forest, a batch at a time.
func (r *round) run() error {
	s := r.shares()
	r.limit = s.tree
	err := r.batches(s.load, func(b *batcher) error {
		defer clearWork(&r.t, b.members)
		if err := r.load(b.missing, s.readers); err != nil {
			return err
		}
		return r.walkAll(b.roots, s.workers)
	})
	if err != nil {
		return err
	}
	r.loaded = nil
	return r.resolveLarge()
}

// walkAll walks the trees of roots.
func (r *round) walkAll(roots []uint32, workers int) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			w := newWalker(r)
			defer w.close()
			for r.ctx.Err() == nil {
				k := next.Add(1) - 1
				if k >= int64(len(roots)) {
					return
				}
				if err := w.tree(roots[k]); err != nil {
					r.stop(err)
				}
			}
		})
	}
	wg.Wait()
	if r.ctx.Err() != nil {
		return context.Cause(r.ctx)
	}
	return nil
}
