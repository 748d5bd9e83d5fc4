package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/refs"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// putRefs writes packed-refs and the branch that HEAD names, then info/refs.
func (m *mirror) putRefs(ctx context.Context, p *plan) error {
	if !p.full && !p.refsChanged() && !p.headChanged() {
		return nil
	}
	if p.full || p.refsChanged() {
		var packed bytes.Buffer
		if err := refs.WritePackedRefs(&packed, p.want.Refs); err != nil {
			return err
		}
		if err := m.put(ctx, keyPackedRefs, packed.Bytes()); err != nil {
			return err
		}
	}
	if err := m.putBranch(ctx, p); err != nil {
		return err
	}
	if !p.full && !p.refsChanged() {
		return nil
	}
	o := attributes(keyInfoRefs)
	if o.IfMatch = p.now.refsETag; o.IfMatch == "" {
		o.IfNoneMatch = "*"
	}
	info := infoRefs(p.want.Refs)
	_, err := m.store.Put(ctx, keyInfoRefs, strings.NewReader(info), int64(len(info)), o)
	if errors.Is(err, store.ErrPrecondition) {
		// It may have been this run's own write, whose answer was lost.
		if now, _, rerr := readAll(ctx, m.store, keyInfoRefs); rerr == nil && now == info {
			return nil
		}
		return fmt.Errorf("another run published to this mirror meanwhile; what it published stands, run again: %w", err)
	}
	return err
}

func infoRefs(list []refs.Ref) string {
	var b strings.Builder
	refs.WriteInfoRefs(&b, list) // a strings.Builder does not fail
	return b.String()
}

// putBranch writes HEAD's branch as a file below refs/, and nothing else
// there: git takes a folder for a repository only if it has refs/.
func (m *mirror) putBranch(ctx context.Context, p *plan) error {
	key, content := keyNoRefs, ""
	for _, r := range p.want.Refs {
		if r.Name == p.want.Head.Target && strings.HasPrefix(r.Name, prefixRefs) {
			key, content = r.Name, string(r.ID)+"\n"
		}
	}
	oldKey := keyNoRefs
	old, had := p.branch()
	if had {
		oldKey = old.Name
	}
	if !p.full && oldKey == key && (!had || string(old.ID)+"\n" == content) {
		return nil
	}
	if p.full || oldKey != key {
		// A file in the place of a directory must go before.
		if err := m.clearRefs(ctx, key); err != nil {
			return err
		}
	}
	return m.put(ctx, key, []byte(content))
}

// branch returns the ref that the mirror's HEAD names.
func (p *plan) branch() (refs.Ref, bool) {
	if p.now.state == nil {
		return refs.Ref{}, false
	}
	target := strings.TrimSuffix(strings.TrimPrefix(p.now.head, "ref: "), "\n")
	for _, r := range p.now.refs {
		if r.Name == target {
			return r, true
		}
	}
	return refs.Ref{}, false
}

func (m *mirror) clearRefs(ctx context.Context, but string) error {
	var old []string
	for info, err := range m.store.List(ctx, prefixRefs) {
		if err != nil {
			return err
		}
		if info.Key != but {
			old = append(old, info.Key)
		}
	}
	if len(old) == 0 {
		return nil
	}
	return m.store.Delete(ctx, old...)
}
