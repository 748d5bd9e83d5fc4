package engine

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/refs"
)

// grace is how long a pack that is no longer needed stays, for readers that
// started before.
const grace = 24 * time.Hour

// nextState is mirror.json after this run.
func (m *mirror) nextState(p *plan, f *fetched) *state {
	now := m.Now().UTC().Truncate(time.Second)
	next := &state{
		Format: stateFormat, Source: m.result.Source, ObjectFormat: p.want.Format.String(),
		RefsSHA256: sumHex(infoRefs(p.want.Refs)), LooseObjects: f.loose, Packs: []packState{}, LFS: f.lfs,
		LastRun: lastRun{Time: now, Received: m.result.Objects.Total, Full: p.full},
	}
	if st := p.now.state; st != nil {
		next.Retired = st.Retired
		if p.full {
			next.Retired = append(slices.Clone(st.Retired), retire(st.Packs, f, p, now)...)
		} else {
			next.Packs = append(next.Packs, st.Packs...)
			next.LooseObjects += st.LooseObjects
		}
	}
	for _, ps := range f.packs {
		next.Packs = slices.DeleteFunc(next.Packs, func(o packState) bool { return o.Name == ps.Name })
		next.Retired = slices.DeleteFunc(next.Retired, func(o retiredPack) bool { return o.Name == ps.Name })
		next.Packs = append(next.Packs, ps)
	}
	return next
}

// retire returns the packs that a full run made superfluous. They stay listed
// for the time of grace if readers of the refs of before may need them: that
// is, if one of these refs is not in what was fetched.
func retire(old []packState, f *fetched, p *plan, now time.Time) []retiredPack {
	needed := slices.ContainsFunc(p.now.refs, func(r refs.Ref) bool { return !f.has(r.ID) })
	var out []retiredPack
	for _, ps := range old {
		out = append(out, retiredPack{ps, now, needed})
	}
	return out
}

// retireUnknown retires the packs of a repository that was in the target
// before: everything was fetched again, so in time nobody needs them.
func (m *mirror) retireUnknown(ctx context.Context, next *state) error {
	old, _, err := readAll(ctx, m.store, keyInfoPacks)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for line := range strings.Lines(old) {
		name, ok := strings.CutPrefix(strings.TrimSpace(line), "P ")
		name = strings.TrimSuffix(name, ".pack")
		known := slices.ContainsFunc(next.Packs, func(p packState) bool { return p.Name == name })
		if ok && !known && strings.HasPrefix(name, "pack-") && !strings.Contains(name, "/") {
			next.Retired = append(next.Retired, retiredPack{packState{Name: name}, next.LastRun.Time, true})
		}
	}
	return err
}

// addLoose counts the loose objects of earlier runs that a full run did not
// receive again.
func (m *mirror) addLoose(ctx context.Context, p *plan, f *fetched, next *state) error {
	if !p.full || p.now.state == nil || p.now.state.LooseObjects == 0 {
		return nil
	}
	for info, err := range m.store.List(ctx, prefixObjects) {
		if err != nil {
			return err
		}
		id := strings.ReplaceAll(strings.TrimPrefix(info.Key, prefixObjects), "/", "")
		if _, err := p.want.Format.ParseID(id); err == nil && !f.has(object.ID(id)) {
			next.LooseObjects++
		}
	}
	return nil
}

// settle unlists and deletes packs whose time has come, and writes
// mirror.json.
func (m *mirror) settle(ctx context.Context, p *plan, next *state) error {
	now := m.Now()
	var drop, gone []string
	var left []retiredPack
	for _, r := range next.Retired {
		old := now.Sub(r.At) > grace
		switch {
		case r.Listed && old, !r.Listed && r.At.Equal(next.LastRun.Time):
			drop = append(drop, r.Name)
			r.Listed, r.At = false, next.LastRun.Time
			left = append(left, r)
		case !r.Listed && old:
			gone = append(gone, keyIdx(r.Name), keyPack(r.Name))
		default:
			left = append(left, r)
		}
	}
	next.Retired = left
	if len(drop) > 0 {
		if err := m.listPacks(ctx, nil, drop); err != nil {
			return err
		}
	}
	b, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return err
	}
	if err := m.put(ctx, keyState, append(b, '\n')); err != nil {
		return err
	}
	if len(gone) == 0 {
		return nil
	}
	return m.store.Delete(ctx, gone...)
}
