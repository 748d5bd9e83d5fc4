package engine

import (
	"bytes"
	"context"
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
)

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
	if p.full {
		if err := m.putStatic(ctx, p); err != nil {
			return err
		}
	}
	if p.full || len(f.packs) > 0 {
		if err := m.listPacks(ctx, f.packs, nil); err != nil {
			return err
		}
	}
	if err := m.putRefs(ctx, p); err != nil {
		return err
	}
	if p.full || p.headChanged() {
		if err := m.put(ctx, keyHead, []byte(p.want.Head.String())); err != nil {
			return err
		}
	}
	m.result.Objects.InMirror = next.objects()
	m.result.Packs = len(next.Packs)
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
