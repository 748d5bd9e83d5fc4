package pack

import (
	"bytes"
	"encoding/binary"
)

// idIndex finds entries by id, for packs whose deltas name their bases so. It
// is an open-addressed table of entry numbers, 6 to 12 bytes an entry.
type idIndex struct {
	t     *table
	slots []uint32 // entry plus 1; a power of two of them
	n     int
}

func newIDIndex(t *table) *idIndex {
	return &idIndex{t: t, slots: make([]uint32, 1024)}
}

// start is the slot where the search for id begins: ids are random already.
func (x *idIndex) start(id []byte) int {
	return int(binary.LittleEndian.Uint32(id)) & (len(x.slots) - 1)
}

func (x *idIndex) find(id []byte) (uint32, bool) {
	for k := x.start(id); x.slots[k] != 0; k = (k + 1) & (len(x.slots) - 1) {
		if bytes.Equal(x.t.id(x.slots[k]-1), id) {
			return x.slots[k] - 1, true
		}
	}
	return 0, false
}

// add makes an entry known; the first one of an id is found.
func (x *idIndex) add(i uint32) {
	if 3*x.n >= 2*len(x.slots) {
		old := x.slots
		x.slots, x.n = make([]uint32, 2*len(old)), 0
		for _, v := range old {
			if v != 0 {
				x.insert(v - 1)
			}
		}
	}
	x.insert(i)
}

func (x *idIndex) insert(i uint32) {
	id := x.t.id(i)
	k := x.start(id)
	for ; x.slots[k] != 0; k = (k + 1) & (len(x.slots) - 1) {
		if bytes.Equal(x.t.id(x.slots[k]-1), id) {
			return
		}
	}
	x.slots[k] = i + 1
	x.n++
}
