package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
)

// checkWants makes sure that every ref of the source points at an object that
// the mirror has: received now, or there before.
func (m *mirror) checkWants(ctx context.Context, p *plan, f *fetched) error {
	var rest []object.ID
	for _, id := range p.wants {
		if !f.has(id) {
			rest = append(rest, id)
		}
	}
	for _, id := range rest {
		ok := false
		var err error
		if !p.full {
			ok, err = m.holds(ctx, p.now.state, id)
		}
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("the source did not send object %s, which one of its refs points at: ask its owner to run git fsck, or try again with --full", id)
		}
	}
	return nil
}

// holds reports whether the mirror has an object already, by its key or in
// one of its packs.
func (m *mirror) holds(ctx context.Context, st *state, id object.ID) (bool, error) {
	for info, err := range m.store.List(ctx, keyLoose(id)) {
		if err != nil {
			return false, err
		}
		if info.Key == keyLoose(id) {
			return true, nil
		}
	}
	for _, ps := range st.Packs {
		if ok, err := m.inIdx(ctx, keyIdx(ps.Name), id.Bytes()); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// idxFanout is where the fanout table of an idx of version 2 ends, and its
// ids begin.
const idxFanout = 8 + 256*4

// inIdx looks an id up in a stored idx, with two ranged GETs.
func (m *mirror) inIdx(ctx context.Context, key string, id []byte) (bool, error) {
	head, err := m.readRange(ctx, key, 0, idxFanout)
	if err != nil {
		return false, err
	}
	count := func(first int) int64 {
		if first < 0 {
			return 0
		}
		return int64(binary.BigEndian.Uint32(head[8+4*first:]))
	}
	from, to := count(int(id[0])-1), count(int(id[0]))
	if from >= to {
		return false, nil
	}
	n := int64(len(id))
	ids, err := m.readRange(ctx, key, idxFanout+from*n, (to-from)*n)
	if err != nil {
		return false, err
	}
	for ; len(ids) > 0; ids = ids[n:] {
		if bytes.Equal(ids[:n], id) {
			return true, nil
		}
	}
	return false, nil
}

func (m *mirror) readRange(ctx context.Context, key string, off, n int64) ([]byte, error) {
	r, _, err := m.store.Get(ctx, key, off, n)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var b bytes.Buffer
	if _, err := io.CopyN(&b, r, n); err != nil {
		return nil, fmt.Errorf("reading %s of the mirror: %w", key, err)
	}
	return b.Bytes(), nil
}
