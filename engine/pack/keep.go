package pack

import "sort"

// kept is what is remembered of the pack's bytes: all of them while they fit
// the limit, in pages; from then on only the entries chosen by keep, while
// those fit. What is not kept is read back from where the pack was staged.
type kept struct {
	limit   int64
	size    int64
	page    int
	slab    int
	small   int
	pages   [][]byte // all bytes so far; nil once they did not fit
	some    bool     // pages are gone
	slabs   []*slab
	written int64
}

// pageSize is the unit in which all bytes are kept.
const pageSize = 1 << 20

func newKept(limit int64, lim limits) kept {
	return kept{limit: limit, page: lim.page, slab: lim.slab, small: lim.small}
}

// slab holds the bytes of entries one behind the other.
type slab struct {
	b       []byte
	entries []uint32
	starts  []uint32
}

// slabSize is larger than smallMax and what deflate may add to it.
const slabSize = 2 << 20

// entryCost is what a slab knows of each entry, in bytes; the slices grow by
// a quarter at most when they are this large.
const entryCost = 10

// write appends the pack's next bytes, a window of them at most. It reports
// whether they still fit the limit; when not, its caller calls dropPages.
func (k *kept) write(b []byte) bool {
	if k.some {
		return true
	}
	k.written += int64(len(b))
	for len(b) > 0 {
		if n := len(k.pages); n > 0 && len(k.pages[n-1]) < k.page {
			p := &k.pages[n-1]
			m := min(k.page-len(*p), len(b))
			*p = append(*p, b[:m]...)
			b = b[m:]
			continue
		}
		k.pages = append(k.pages, make([]byte, 0, k.page))
		k.size += int64(k.page)
	}
	return k.size <= k.limit
}

// dropPages lets go of the pages and goes on with chosen entries: those of
// missed are the first ones. span says where an entry stands.
func (k *kept) dropPages(missed []uint32, span func(uint32) (off, n int64)) {
	old := k.pages
	k.pages, k.some, k.size = nil, true, 0
	freed := 0
	var scratch []byte
	for _, i := range missed {
		off, n := span(i)
		if n > int64(k.small) {
			continue
		}
		for ; freed < int(off/int64(k.page)); freed++ {
			old[freed] = nil
		}
		if b := sliceOf(old, k.page, off, int(n), &scratch); b != nil {
			k.keep(i, b)
		}
	}
}

// keep remembers the bytes of an entry; entries come in order.
func (k *kept) keep(i uint32, b []byte) {
	if !k.some {
		return // pages have it
	}
	n := len(k.slabs)
	full := n == 0 || len(k.slabs[n-1].b)+len(b) > k.slab
	cost := int64(entryCost)
	if full {
		cost += int64(k.slab)
	}
	if k.size+cost > k.limit || len(b) > k.slab {
		return
	}
	if full {
		k.slabs = append(k.slabs, &slab{b: make([]byte, 0, k.slab)})
	}
	s := k.slabs[len(k.slabs)-1]
	s.entries = append(s.entries, i)
	s.starts = append(s.starts, uint32(len(s.b)))
	s.b = append(s.b, b...)
	k.size += cost
}

// bytes returns the entry's n bytes at off, nil when they were not kept.
// They may lie in *scratch.
func (k *kept) bytes(i uint32, off int64, n int, scratch *[]byte) []byte {
	if !k.some {
		return sliceOf(k.pages, k.page, off, n, scratch)
	}
	at := sort.Search(len(k.slabs), func(j int) bool {
		s := k.slabs[j]
		return s.entries[len(s.entries)-1] >= i
	})
	if at == len(k.slabs) {
		return nil
	}
	s := k.slabs[at]
	j := sort.Search(len(s.entries), func(j int) bool { return s.entries[j] >= i })
	if s.entries[j] != i {
		return nil
	}
	end := len(s.b)
	if j+1 < len(s.starts) {
		end = int(s.starts[j+1])
	}
	return s.b[s.starts[j]:end]
}

// has reports whether bytes would return the entry.
func (k *kept) has(i uint32, off int64, n int) bool {
	if !k.some {
		return off+int64(n) <= k.written
	}
	var none []byte
	return k.bytes(i, off, n, &none) != nil
}

// sliceOf returns n bytes at off of pages of the given size, put together in *scratch when they
// lie in more than one; nil when a page is missing.
func sliceOf(pages [][]byte, size int, off int64, n int, scratch *[]byte) []byte {
	p, at := int(off/int64(size)), int(off%int64(size))
	if p < len(pages) && at+n <= len(pages[p]) {
		return pages[p][at : at+n]
	}
	b := (*scratch)[:0]
	for ; len(b) < n; p, at = p+1, 0 {
		if p >= len(pages) || at >= len(pages[p]) {
			return nil
		}
		b = append(b, pages[p][at:min(len(pages[p]), at+n-len(b))]...)
	}
	*scratch = b
	return b
}
