package pack

import (
	"fmt"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
)

// Content returns an object of the pack. It reads from memory or staging, so
// it is for the few objects that a mirror wants to look into. max bounds the
// sizes of the object and of everything it is made from, in bytes.
func (x *Index) Content(id object.ID, max int64) (object.Type, []byte, error) {
	i, ok := x.find(id.Bytes())
	if !ok {
		return 0, nil, fmt.Errorf("object %s is not in the pack", id)
	}
	rc := x.rc
	typ := rc.t.typ(i)
	chain := []uint32{i}
	for rc.t.flags(i)&isDelta != 0 {
		i, _ = rc.t.base(i)
		chain = append(chain, i)
	}
	content, err := x.inflateEntry(i, max)
	for k := len(chain) - 2; k >= 0 && err == nil; k-- {
		var delta []byte
		if delta, err = x.inflateEntry(chain[k], max); err == nil {
			content, err = resultOf(delta, content, max)
		}
	}
	x.ReadBack = rc.read.Load()
	if err != nil {
		return 0, nil, fmt.Errorf("object %s: %w", id, err)
	}
	return typ, content, nil
}

func (x *Index) inflateEntry(i uint32, max int64) ([]byte, error) {
	r, h, err := x.rc.spills.open(i)
	if err != nil {
		return nil, err
	}
	if h.size > max {
		return nil, fmt.Errorf("it is larger than %d bytes", max)
	}
	w := &appender{make([]byte, 0, h.size)}
	err = inflateTo(w, r, h.size, &x.rc.spills.slow)
	return w.b, err
}

func resultOf(delta, base []byte, max int64) ([]byte, error) {
	baseSize, size, instructions, err := deltaSizes(delta)
	if err != nil {
		return nil, err
	}
	if baseSize != int64(len(base)) {
		return nil, errBaseSize(baseSize, int64(len(base)))
	}
	if size > max {
		return nil, fmt.Errorf("it is larger than %d bytes", max)
	}
	dst := make([]byte, size)
	return dst, applyDelta(dst, base, instructions)
}
