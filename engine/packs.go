package engine

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

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
