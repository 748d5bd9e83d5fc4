package pack

import (
	"sort"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
)

// chunkLen is the number of entries in a chunk of the table. The table grows
// by chunks, so that it is never copied and never larger than what arrived.
const chunkLen = 8192

// table holds what is known of each entry, in the order of the pack: 14 bytes
// and the id, so 34 bytes an object with SHA-1, 46 with SHA-256.
type table struct {
	idLen int
	n     uint32
	// chunks has room for all entries that the pack's header promises, 4 MiB
	// at the very most, so that it need not grow while others read it.
	chunks []*chunk
}

type chunk struct {
	offLow  [chunkLen]uint32 // offset in the pack, 40 bits in all
	offHigh [chunkLen]uint8
	flags   [chunkLen]flags
	crc     [chunkLen]uint32
	base    [chunkLen]uint32 // index of a delta's base plus 1; 0 unknown
	ids     []byte           // a REF_DELTA without an id of its own has its base's
}

// maxOffset is the largest offset that the table can hold: 1 TiB.
const maxOffset = 1<<40 - 1

type flags uint8

const (
	typeMask flags = 7      // the object's type, once resolved
	resolved flags = 1 << 3 // the id is the object's own
	isDelta  flags = 1 << 4
	byID     flags = 1 << 5 // a REF_DELTA whose base is known by id only
	inWork   flags = 1 << 6 // part of the batch being resolved
)

func (t *table) add(off int64) uint32 {
	i := t.n
	if t.chunks[i/chunkLen] == nil {
		t.chunks[i/chunkLen] = &chunk{ids: make([]byte, chunkLen*t.idLen)}
	}
	t.n++
	c, k := t.at(i)
	c.offLow[k], c.offHigh[k] = uint32(off), uint8(off>>32)
	return i
}

func (t *table) at(i uint32) (*chunk, uint32) { return t.chunks[i/chunkLen], i % chunkLen }

func (t *table) offset(i uint32) int64 {
	c, k := t.at(i)
	return int64(c.offHigh[k])<<32 | int64(c.offLow[k])
}

func (t *table) id(i uint32) []byte {
	c, k := t.at(i)
	return c.ids[int(k)*t.idLen : (int(k)+1)*t.idLen : (int(k)+1)*t.idLen]
}

func (t *table) crc(i uint32) uint32 {
	c, k := t.at(i)
	return c.crc[k]
}

func (t *table) setCRC(i uint32, v uint32) {
	c, k := t.at(i)
	c.crc[k] = v
}

func (t *table) flags(i uint32) flags {
	c, k := t.at(i)
	return c.flags[k]
}

func (t *table) setFlags(i uint32, f flags) {
	c, k := t.at(i)
	c.flags[k] = f
}

func (t *table) typ(i uint32) object.Type { return object.Type(t.flags(i) & typeMask) }

func (t *table) setType(i uint32, typ object.Type) {
	c, k := t.at(i)
	c.flags[k] = c.flags[k]&^typeMask | flags(typ)
}

// base returns the index of i's base, if it is known.
func (t *table) base(i uint32) (uint32, bool) {
	c, k := t.at(i)
	return c.base[k] - 1, c.base[k] != 0
}

func (t *table) setBase(i, base uint32) {
	c, k := t.at(i)
	c.base[k] = base + 1
}

// find returns the entry that starts at off.
func (t *table) find(off int64) (uint32, bool) {
	i := uint32(sort.Search(int(t.n), func(i int) bool { return t.offset(uint32(i)) >= off }))
	return i, i < t.n && t.offset(i) == off
}
