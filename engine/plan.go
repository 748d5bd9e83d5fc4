package engine

import (
	"context"
	"fmt"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/refs"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/remote"
)

// plan is what a run is about to do.
type plan struct {
	now   *current      // the mirror as it is
	want  refs.Snapshot // the mirror as it shall be
	full  bool          // fetch everything, whatever the mirror has
	wants []object.ID   // to be fetched
	haves []object.ID   // what the mirror has, with all that they reach
}

// plan compares the source with the mirror.
func (m *mirror) plan(ctx context.Context) (*plan, error) {
	var err error
	m.remote, err = remote.Open(ctx, m.pair.Source, remote.Options{HTTP: m.HTTP, Log: m.log, Token: m.token(m.pair.Source)})
	if err != nil {
		return nil, err
	}
	p := &plan{}
	if p.want, err = m.remote.Snapshot(ctx); err != nil {
		return nil, err
	}
	if p.want.Refs, err = refs.Filter(p.want.Refs, m.Refs, m.ExcludeRefs); err != nil {
		return nil, err
	}
	if p.now, err = readCurrent(ctx, m.store, m.wait); err != nil {
		return nil, err
	}
	return p, p.compare(m)
}

func (p *plan) compare(m *mirror) error {
	st := p.now.state
	p.full = m.Full || st == nil
	if st != nil && !p.full && m.needsLFS(st) {
		m.log.Info("earlier runs left out Git LFS objects: fetching everything again to find them")
		p.full = true
	}
	if st == nil && p.now.exists {
		m.log.Info("the target holds a repository that this tool did not finish: mirroring in full over it")
	}
	if st != nil && st.ObjectFormat != p.want.Format.String() {
		if len(p.now.refs) > 0 || len(p.want.Refs) > 0 && st.objects() > 0 {
			return fmt.Errorf("the target is a mirror with %s ids, the source has %s: choose another target", st.ObjectFormat, p.want.Format)
		}
		p.full = true
	}
	has := map[object.ID]bool{}
	if !p.full {
		for _, r := range p.now.refs {
			if !has[r.ID] {
				has[r.ID] = true
				p.haves = append(p.haves, r.ID)
			}
		}
	}
	wanted := map[object.ID]bool{}
	want := func(id object.ID) {
		if id != "" && !has[id] && !wanted[id] {
			wanted[id] = true
			p.wants = append(p.wants, id)
		}
	}
	for _, r := range p.want.Refs {
		want(r.ID)
	}
	want(p.want.Head.ID)
	if st != nil && p.now.head == p.want.Head.String() && p.want.Head.ID != "" && !p.full {
		// A detached HEAD that did not move was fetched before.
		p.forget(p.want.Head.ID)
	}
	return nil
}

// forget takes back a want that only HEAD has.
func (p *plan) forget(id object.ID) {
	for _, r := range p.want.Refs {
		if r.ID == id {
			return
		}
	}
	for i, w := range p.wants {
		if w == id {
			p.wants = append(p.wants[:i], p.wants[i+1:]...)
			return
		}
	}
}

// refsChanged reports whether info/refs is to be written.
func (p *plan) refsChanged() bool {
	added, updated, deleted := refs.Diff(p.now.refs, p.want.Refs)
	return added+updated+deleted > 0
}

func (p *plan) headChanged() bool { return p.now.head != p.want.Head.String() }

func (p *plan) upToDate() bool {
	return !p.full && len(p.wants) == 0 && !p.refsChanged() && !p.headChanged()
}

func (m *mirror) countRefs(p *plan) {
	c := &m.result.Refs
	c.Total = len(p.want.Refs)
	c.Added, c.Updated, c.Deleted = refs.Diff(p.now.refs, p.want.Refs)
}
