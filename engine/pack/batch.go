package pack

// batches cuts the forest, in the order of a walk depth first, into pieces
// for which at most limit bytes must be read back, and marks the members of
// each before it calls do: what is resolved in it and everything up to the
// roots. Without anything to be read back there is one batch.
func (r *round) batches(limit int64, do func(*batcher) error) error {
	b := &batcher{round: r, limit: limit, do: do}
	for _, root := range r.roots {
		if err := b.visit(root); err != nil {
			return err
		}
		for len(b.path) > 0 {
			top := &b.path[len(b.path)-1]
			if top.next == top.to {
				b.path = b.path[:len(b.path)-1]
				continue
			}
			kid := r.kids[top.next]
			top.next++
			if err := b.visit(kid); err != nil {
				return err
			}
		}
	}
	return b.flush()
}

type batcher struct {
	*round
	limit   int64
	do      func(*batcher) error
	path    []level
	members []uint32
	roots   []uint32 // of members
	missing []uint32 // of members: to be read back
	size    int64    // of missing
}

// level is an entry on the path to where the batcher is.
type level struct {
	entry    uint32
	next, to uint32 // its deltas that were not visited, in kids
	cost     uint32 // bytes to be read back for it
	sum      int64  // for it and those above
}

// visit puts an entry below the path's end into the batch, and on the path.
func (b *batcher) visit(i uint32) error {
	from, to := b.kidsOf(i)
	l := level{entry: i, next: uint32(from), to: uint32(to), cost: b.cost(i)}
	if n := len(b.path); n > 0 {
		l.sum = b.path[n-1].sum
	}
	// A batch holds a path and as much again, or batches would be for one
	// entry each. What a longer path lacks is read when it is needed.
	if l.sum += int64(l.cost); l.sum > b.limit/2 {
		l.cost = 0
	}
	b.path = append(b.path, l)
	if b.size+int64(l.cost) <= b.limit {
		b.join(l)
		return nil
	}
	if err := b.flush(); err != nil {
		return err
	}
	for _, l := range b.path {
		b.join(l)
	}
	return nil
}

func (b *batcher) join(l level) {
	f := b.t.flags(l.entry)
	b.t.setFlags(l.entry, f|inWork)
	b.members = append(b.members, l.entry)
	if f&isDelta == 0 {
		b.roots = append(b.roots, l.entry)
	}
	if l.cost > 0 {
		b.missing = append(b.missing, l.entry)
		b.size += int64(l.cost)
	}
}

// cost is how many bytes must be read back for i, if it is small enough.
func (b *batcher) cost(i uint32) uint32 {
	off, n := b.span(i)
	if n > int64(b.lim.small) || b.kept.has(i, off, int(n)) {
		return 0
	}
	return uint32(n)
}

func (b *batcher) flush() error {
	if len(b.members) == 0 {
		return nil
	}
	err := b.do(b)
	b.members, b.roots, b.missing, b.size = b.members[:0], b.roots[:0], b.missing[:0], 0
	return err
}
