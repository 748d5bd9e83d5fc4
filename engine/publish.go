package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/refs"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// grace is how long a pack that is no longer needed stays, for readers that
// started before.
const grace = 24 * time.Hour

// publish makes what was fetched visible. Each step leaves a mirror that
// clones, and a run that dies between two of them is mended by the next:
//
//  1. objects are durable already, and nothing refers to them
//  2. objects/info/packs: readers may see more packs, all complete
//  3. packed-refs and refs/: for those who copy the prefix as a folder
//  4. info/refs: from here on the new state is what is cloned
//  5. HEAD: its branch is there now
//  6. mirror.json, and packs that are not needed any more
func (m *mirror) publish(ctx context.Context, p *plan, f *fetched) error {
	next := m.nextState(p, f)
	if p.now.state == nil && p.now.exists {
		if err := m.retireUnknown(ctx, next); err != nil {
			return err
		}
	}
	if err := m.addLoose(ctx, p, f, next); err != nil {
		return err
	}
	fresh := p.full
	if fresh {
		if err := m.putStatic(ctx, p); err != nil {
			return err
		}
	}
	if fresh || len(f.packs) > 0 {
		if err := m.listPacks(ctx, f.packs, nil); err != nil {
			return err
		}
	}
	if err := m.putRefs(ctx, p, fresh); err != nil {
		return err
	}
	if fresh || p.headChanged() {
		if err := m.put(ctx, keyHead, []byte(p.want.Head.String())); err != nil {
			return err
		}
	}
	m.result.Objects.InMirror = next.objects()
	if m.result.Objects.Total == 0 {
		m.result.Layout = layoutOf(next)
	}
	return m.settle(ctx, p, next)
}

// put writes one of the mirror's own files.
func (m *mirror) put(ctx context.Context, key string, content []byte) error {
	_, err := m.store.Put(ctx, key, bytes.NewReader(content), int64(len(content)), attributes(key))
	return err
}

// putStatic writes the files that do not change from run to run. The empty
// alternates save every reader an error.
func (m *mirror) putStatic(ctx context.Context, p *plan) error {
	config := "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"
	if p.want.Format == object.SHA256 {
		config = strings.Replace(config, "version = 0", "version = 1", 1) + "[extensions]\n\tobjectformat = sha256\n"
	}
	files := map[string]string{keyConfig: config, keyAlternates: "", keyHTTPAlternates: ""}
	for _, key := range []string{keyConfig, keyAlternates, keyHTTPAlternates} {
		if err := m.put(ctx, key, []byte(files[key])); err != nil {
			return err
		}
	}
	return nil
}

// putRefs writes packed-refs and the branch that HEAD names, then info/refs.
func (m *mirror) putRefs(ctx context.Context, p *plan, fresh bool) error {
	if !fresh && !p.refsChanged() && !p.headChanged() {
		return nil
	}
	if fresh || p.refsChanged() {
		var packed bytes.Buffer
		if err := refs.WritePackedRefs(&packed, p.want.Refs); err != nil {
			return err
		}
		if err := m.put(ctx, keyPackedRefs, packed.Bytes()); err != nil {
			return err
		}
	}
	if err := m.putBranch(ctx, p, fresh); err != nil {
		return err
	}
	if !fresh && !p.refsChanged() {
		return nil
	}
	o := attributes(keyInfoRefs)
	if o.IfMatch = p.now.refsETag; o.IfMatch == "" {
		o.IfNoneMatch = "*"
	}
	info := infoRefs(p.want.Refs)
	_, err := m.store.Put(ctx, keyInfoRefs, strings.NewReader(info), int64(len(info)), o)
	if errors.Is(err, store.ErrPrecondition) {
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
func (m *mirror) putBranch(ctx context.Context, p *plan, fresh bool) error {
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
	if !fresh && oldKey == key && (!had || string(old.ID)+"\n" == content) {
		return nil
	}
	if fresh || oldKey != key {
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

// listTries bounds how often objects/info/packs is merged again because other
// runs write it too.
const listTries = 10

// listPacks adds packs to objects/info/packs, which other runs may write at
// the same time, and removes those of drop. New ones come last: they are
// searched first.
func (m *mirror) listPacks(ctx context.Context, add []packState, drop []string) error {
	for try := 1; ; try++ {
		old, etag, err := readAll(ctx, m.store, keyInfoPacks)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		missing := err != nil
		list := mergePacks(old, add, drop)
		if list == old && !missing {
			return nil
		}
		o := attributes(keyInfoPacks)
		if o.IfMatch = etag; missing {
			o.IfNoneMatch = "*"
		}
		_, err = m.store.Put(ctx, keyInfoPacks, strings.NewReader(list), int64(len(list)), o)
		if !errors.Is(err, store.ErrPrecondition) || try == listTries {
			return err
		}
	}
}

// mergePacks returns the content of objects/info/packs: a line "P NAME.pack"
// for each pack.
func mergePacks(old string, add []packState, drop []string) string {
	gone := map[string]bool{}
	for _, name := range drop {
		gone["P "+name+".pack"] = true
	}
	for _, p := range add {
		gone["P "+p.Name+".pack"] = true // comes again, at the end
	}
	var b strings.Builder
	for line := range strings.Lines(old) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "P ") && !gone[line] {
			b.WriteString(line + "\n")
		}
	}
	for _, p := range add {
		b.WriteString("P " + p.Name + ".pack\n")
	}
	return b.String()
}

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
