package pack

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
)

// goodPacks are made by hand, each for one thing.
var goodPacks = []struct {
	name string
	make func(*builder)
}{
	{"empty", func(*builder) {}},
	{"version 3", func(b *builder) { b.version = 3; b.blob("v3") }},
	{"every type", func(b *builder) {
		b.blob("hello\n")
		b.object(object.Tree, nil)
		b.object(object.Commit, []byte("tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\nmessage\n"))
		b.object(object.Tag, []byte("object 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ntype tree\ntag x\n"))
	}},
	{"empty objects of every type", func(b *builder) {
		for t := object.Commit; t <= object.Tag; t++ {
			b.object(t, nil)
		}
	}},
	{"delta to and from an empty object", func(b *builder) {
		e := b.blob("")
		x := b.ofs(e, deltaOf(0, 1, insertOf([]byte("x"))))
		b.ofs(x, deltaOf(1, 2, copyOf(0, 1), copyOf(0, 1)))
	}},
	{"deltas of every type", func(b *builder) {
		for t := object.Commit; t <= object.Tag; t++ {
			i := b.object(t, []byte("base of a type"))
			b.ofs(i, makeDelta([]byte("base of a type"), []byte("base of type")))
		}
	}},
	{"copy of size 0 is 64 KiB", func(b *builder) {
		base := words(newRand(1), 1<<16)
		i := b.object(object.Blob, base)
		b.ofs(i, deltaOf(1<<16, 1<<17, []byte{0x80}, []byte{0x80}))
	}},
	{"ref delta backward", func(b *builder) {
		b.blob("first version")
		b.ref(blobID(b, "first version"), makeDelta([]byte("first version"), []byte("second version")))
	}},
	{"ref delta forward", func(b *builder) {
		b.ref(blobID(b, "first version"), makeDelta([]byte("first version"), []byte("second version")))
		b.blob("first version")
	}},
	{"ref deltas forward in a chain", func(b *builder) {
		for i := 30; i > 0; i-- {
			base := fmt.Sprintf("version %d", i-1)
			b.ref(blobID(b, base), makeDelta([]byte(base), fmt.Appendf(nil, "version %d", i)))
		}
		b.blob("version 0")
	}},
	{"ref deltas forward with ofs deltas on them", func(b *builder) {
		r := b.ref(blobID(b, "base"), makeDelta([]byte("base"), []byte("based")))
		o := b.ofs(r, makeDelta([]byte("based"), []byte("abased")))
		b.ofs(o, makeDelta([]byte("abased"), []byte("abased!")))
		b.ref(blobID(b, "abased!"), makeDelta([]byte("abased!"), []byte("abased?")))
		b.ref(blobID(b, "abased?"), makeDelta([]byte("abased?"), []byte("abased.")))
		b.blob("base")
	}},
	{"forward ref deltas in a chain larger than little memory", func(b *builder) {
		r := newRand(10)
		var versions [][]byte
		for range 80 {
			versions = append(versions, noise(r, 3000))
		}
		for i := len(versions) - 1; i > 0; i-- {
			b.ref(b.format.Hash(object.Blob, versions[i-1]), makeDelta(versions[i-1], versions[i]))
		}
		b.object(object.Blob, versions[0])
	}},
	{"ref deltas on 3,000 bases", func(b *builder) {
		for i := range 3000 {
			base := fmt.Sprint("base ", i)
			b.blob(base)
			b.ref(blobID(b, base), makeDelta([]byte(base), []byte(base+"+")))
		}
	}},
	{"a forward ref delta that becomes large", func(b *builder) {
		large := make([]byte, 3<<20)
		b.ref(blobID(b, "small"), makeDelta([]byte("small"), large))
		b.ref(b.format.Hash(object.Blob, large), deltaOf(3<<20, 1, copyOf(7, 1)))
		b.ref(blobID(b, "smaller"), makeDelta([]byte("smaller"), []byte("small")))
		b.blob("smaller")
	}},
	{"several wait for the same id", func(b *builder) {
		for i := range 300 {
			b.ref(blobID(b, "wanted"), makeDelta([]byte("wanted"), fmt.Appendf(nil, "wanted %d", i)))
		}
		b.blob("wanted")
	}},
	{"several wait for a delta's id", func(b *builder) {
		for i := range 100 {
			b.ref(blobID(b, "wanted"), makeDelta([]byte("wanted"), fmt.Appendf(nil, "wanted %d", i)))
		}
		i := b.blob("want")
		b.ofs(i, makeDelta([]byte("want"), []byte("wanted")))
	}},
	{"the same object twice", func(b *builder) {
		b.blob("twice")
		b.blob("once")
		b.blob("twice")
	}},
	{"the same object whole and as a delta", func(b *builder) {
		i := b.blob("twi")
		j := b.ofs(i, makeDelta([]byte("twi"), []byte("twice")))
		b.blob("twice")
		b.ref(blobID(b, "twi"), makeDelta([]byte("twi"), []byte("twice")))
		b.ofs(j, makeDelta([]byte("twice"), []byte("thrice")))
	}},
	{"a chain of 4,200", func(b *builder) {
		last := []byte("0000 of a long chain of versions of a text")
		i := b.object(object.Blob, last)
		for k := range 4200 {
			next := fmt.Appendf(nil, "%04d of a long chain of versions of a text", k+1)
			i = b.ofs(i, makeDelta(last, next))
			last = next
		}
	}},
	{"a chain of 2,000 with two deltas on each", func(b *builder) {
		r := newRand(2)
		last := words(r, 3000)
		i := b.object(object.Blob, last)
		for k := range 2000 {
			b.ofs(i, makeDelta(last, fmt.Appendf(slices.Clone(last), "side %d", k)))
			next := fmt.Appendf(slices.Clone(last[:2900+k%100]), "%d", k)
			i = b.ofs(i, makeDelta(last, next))
			last = next
		}
	}},
	{"10,000 deltas on one base", func(b *builder) {
		base := words(newRand(3), 2000)
		i := b.object(object.Tree, base)
		for k := range 10000 {
			b.ofs(i, makeDelta(base, fmt.Appendf(slices.Clone(base), "%d", k)))
		}
	}},
	{"sizes around every limit", func(b *builder) {
		r := newRand(4)
		for _, n := range []int{1<<20 - 1, 1 << 20, 1<<20 + 1, 2<<20 - 20, 2 << 20, 2<<20 + 1} {
			b.object(object.Blob, noise(r, n))
			b.object(object.Blob, words(r, n))
		}
		for shift := 8; shift < 18; shift++ {
			b.object(object.Blob, noise(r, 1<<shift-1))
			b.object(object.Blob, noise(r, 1<<shift))
			b.object(object.Blob, words(r, 1<<shift+1))
		}
	}},
	{"stored blocks", func(b *builder) {
		b.level = zlib.NoCompression
		r := newRand(5)
		for _, n := range []int{0, 1, 100, 65535, 65536, 1<<20 - 1, 1 << 20, 1<<20 + 1, 3 << 20} {
			b.object(object.Blob, words(r, n))
		}
	}},
	{"a zlib stream much longer than its content", func(b *builder) {
		b.start()
		b.raw(entryHeader(byte(object.Blob), 3)...)
		b.raw(0x78, 0x01)
		for range 2 << 20 / 5 {
			b.raw(0, 0, 0, 0xff, 0xff) // empty stored blocks
		}
		b.raw(1, 3, 0, 0xfc, 0xff, 'a', 'b', 'c', 0x02, 0x4d, 0x01, 0x27)
		b.blob("and one more")
	}},
	{"large deltas", largeDeltas},
	{"a delta stream larger than the window", func(b *builder) {
		r := newRand(6)
		base := noise(r, 100)
		i := b.object(object.Blob, base)
		big := noise(r, 3<<20)
		j := b.ofs(i, makeDelta(base, big))
		small := append([]byte("x"), big[:500]...)
		j = b.ofs(j, makeDelta(big, small))
		b.ofs(j, makeDelta(small, small[:300]))
	}},
	{"more small deltas than memory holds", func(b *builder) {
		r := newRand(8)
		b.level = zlib.BestSpeed
		var at []int
		var content [][]byte
		for range 1500 {
			c := noise(r, 8000)
			at, content = append(at, b.object(object.Blob, c)), append(content, c)
		}
		for range 1500 {
			k := r.IntN(len(at))
			c := slices.Clone(content[k])
			copy(c[r.IntN(4000):], noise(r, 2000))
			at, content = append(at, b.ofs(at[k], makeDelta(content[k], c))), append(content, c)
		}
	}},
}

// largeDeltas has deltas of large contents, by large deltas, to small ones.
func largeDeltas(b *builder) {
	r := newRand(9)
	base := words(r, 1500<<10)
	i := b.object(object.Blob, base)
	second := append(noise(r, 1200<<10), base[:700<<10]...)
	j := b.ofs(i, makeDelta(base, second))
	third := append(slices.Clone(second[:1<<20]), noise(r, 50)...)
	k := b.ofs(j, makeDelta(second, third))
	small := third[len(third)-100:]
	l := b.ofs(k, makeDelta(third, small))
	b.ofs(l, makeDelta(small, append(slices.Clone(small), base...)))
	b.ref(b.format.Hash(object.Blob, third), makeDelta(third, third[:1000]))
	b.ref(b.format.Hash(object.Blob, base[:77]), makeDelta(base[:77], base))
	b.object(object.Blob, base[:77])
}

func blobID(b *builder, content string) object.ID {
	return b.format.Hash(object.Blob, []byte(content))
}

// TestGoodPacks receives packs in many ways, and wants git's index each time.
func TestGoodPacks(t *testing.T) {
	for _, g := range goodPacks {
		for _, f := range []object.Format{object.SHA1, object.SHA256} {
			t.Run(g.name+"/"+f.String(), func(t *testing.T) {
				t.Parallel()
				b := newBuilder()
				b.format = f
				g.make(b)
				checkPack(t, f, b.bytes())
			})
		}
	}
}

func checkPack(t *testing.T, f object.Format, p []byte) {
	t.Helper()
	idx, err := gitIdx(t, f, p)
	if err != nil {
		t.Fatalf("git refuses the pack: %v", err)
	}
	for k, s := range setups(len(p)) {
		if f == object.SHA1 || k%2 == 0 {
			checkGood(t, f, p, idx, s)
		}
	}
}

// TestRandomPacks does the same with packs of all kinds of objects and
// deltas, in any order.
func TestRandomPacks(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			f := object.Format(seed % 2)
			checkPack(t, f, randomPack(seed, f))
		})
	}
}

// planned is an object of a random pack.
type planned struct {
	typ     object.Type
	content []byte
	base    int // -1 for none
	ofs     bool
	at      int // entry, -1 when it is not written yet
}

func randomPack(seed uint64, f object.Format) []byte {
	r := newRand(seed)
	b := newBuilder()
	b.format = f
	b.level = []int{zlib.DefaultCompression, zlib.NoCompression, zlib.BestSpeed}[r.IntN(3)]
	sizes := []int{0, 30, 300, 5000, 20000}[1+r.IntN(4)]
	var plan []*planned
	for range 1 + r.IntN(600) {
		p := &planned{typ: object.Type(1 + r.IntN(4)), base: -1, at: -1}
		p.content = noise(r, r.IntN(sizes))
		if r.IntN(3) == 0 {
			p.content = words(r, r.IntN(sizes))
		}
		// Git refuses some packs that have a base twice.
		p.content = fmt.Appendf(p.content, "%d", len(plan))
		if len(plan) > 0 && r.IntN(4) > 0 {
			p.base = len(plan) - 1 - r.IntN(min(len(plan), 1<<r.IntN(10)))
			p.ofs = r.IntN(3) > 0
			from := plan[p.base]
			p.typ = from.typ
			n := r.IntN(len(from.content) + 1)
			p.content = slices.Concat(from.content[:n], p.content[max(0, len(p.content)-r.IntN(100)-9):], from.content[n:])
		}
		plan = append(plan, p)
	}
	// Anything may come before its base, but for an OFS_DELTA.
	var write func(i int)
	write = func(i int) {
		p := plan[i]
		if p.at >= 0 {
			return
		}
		if p.base < 0 {
			p.at = b.object(p.typ, p.content)
			return
		}
		delta := makeDelta(plan[p.base].content, p.content)
		if p.ofs {
			write(p.base)
			p.at = b.ofs(plan[p.base].at, delta)
			return
		}
		p.at = b.ref(f.Hash(p.typ, plan[p.base].content), delta)
	}
	order := r.Perm(len(plan))
	if r.IntN(2) == 0 {
		slices.Sort(order)
	}
	for _, i := range order {
		write(i)
	}
	return b.bytes()
}

// TestDuplicateBases receives what git refuses, though each object is well
// defined: a delta that waits for an id which two entries have.
func TestDuplicateBases(t *testing.T) {
	b := newBuilder()
	b.ref(blobID(b, "twice"), makeDelta([]byte("twice"), []byte("thrice")))
	i := b.blob("twi")
	b.ofs(i, makeDelta([]byte("twi"), []byte("twice")))
	b.blob("twice")
	b.ref(blobID(b, "twi"), makeDelta([]byte("twi"), []byte("twice")))
	b.ref(blobID(b, "twice"), makeDelta([]byte("twice"), []byte("thrice")))
	p := b.bytes()
	for _, s := range setups(len(p)) {
		r := s.reception(object.SHA1)
		x, err := r.receive(t.Context(), p)
		if err != nil || r.wrong != nil {
			t.Fatal(s, err, r.wrong)
		}
		checkIndex(t, x, r, p)
		if want := map[object.ID]int{blobID(b, "twi"): 1, blobID(b, "twice"): 3, blobID(b, "thrice"): 2}; !maps.Equal(r.found, want) {
			t.Errorf("%v: found %v, want %v", s, r.found, want)
		}
	}
}

// TestReadBack makes sure that little memory means reading back, and that much
// of it does not.
func TestReadBack(t *testing.T) {
	b := newBuilder()
	goodPacks[len(goodPacks)-1].make(b)
	p := b.bytes()
	idx, err := gitIdx(t, object.SHA1, p)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		setup
		read bool
	}{
		{setup{64 << 20, 2, 0, "whole"}, false},
		{setup{MinMemory, 2, 0, "whole"}, true},
	} {
		r := checkGood(t, object.SHA1, p, idx, c.setup)
		if got := r.readBack; (got > 0) != c.read || got > int64(len(p)) {
			t.Errorf("%v: read back %d of %d bytes", c.setup, got, len(p))
		}
	}
}

// TestFarOffsets compares the index of offsets over 31 bits with git's, which
// can be told to take such for smaller ones.
func TestFarOffsets(t *testing.T) {
	b := newBuilder()
	for i := range 100 {
		b.blob(fmt.Sprint("blob ", i))
	}
	p := b.bytes()
	want, err := gitIdx(t, object.SHA1, p, "--index-version=2,0x200")
	if err != nil {
		t.Fatal(err)
	}
	x, err := setup{}.reception(object.SHA1).receive(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := x.writeIdx(&got, 0x200); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Error("the index is not git's")
	}
}
