package pack

// How Memory is shared out. The scan needs a window and its scratch first. Of
// the rest a quarter is the cache of contents, a sixteenth is in flight to the
// hashers, and all else is what is kept of the pack. The cache is small because
// a larger one hardly misses less: of git's own pack, deltas of 64 MB miss a
// cache of 16 MiB, 59 MB one of 64 MiB. Each byte of those that is kept need
// not be read back.
//
// When the scan is over, all but what was kept is free. A third of it holds
// what is read back, the rest the contents of the trees.
const (
	fixedMemory = windowSize + streamBuf + 2*smallMax
	// cacheMax and flightMax are where more no longer pays.
	cacheMax  = 64 << 20
	flightMax = 16 << 20
	// minTreeMemory is what a worker on delta trees should have for contents.
	minTreeMemory = 4 << 20
	// loadMax keeps positions in what was read back within 32 bits.
	loadMax = 1 << 30
)

// limits are the sizes in which memory is dealt out. They can be made smaller
// all together, so that tests reach every path with small packs.
type limits struct {
	small     int // largest content that is inflated in one go
	window    int // of the network
	streamBuf int
	page      int // of the pack
	slab      int // of entries kept
	run       int // most that a request reads back
	paged     int // page of a staged content
	batch     int64
	fixed     int64
	minTree   int64
	total     int64 // of all objects
}

// newLimits divides the sizes by 2 to the power of shrink.
func newLimits(shrink uint) limits {
	return limits{
		small:     smallMax >> shrink,
		window:    windowSize >> shrink,
		streamBuf: streamBuf >> shrink,
		page:      pageSize >> shrink,
		slab:      slabSize >> shrink,
		run:       readRun >> shrink,
		paged:     pagedSize >> shrink,
		batch:     batchWeight >> shrink,
		fixed:     fixedMemory >> shrink,
		minTree:   minTreeMemory >> shrink,
		total:     contentMax >> (5 * shrink / 2),
	}
}

// shares are how the memory beside what is kept is used by a round.
type shares struct {
	load    int64 // bytes read back
	readers int   // requests under way
	workers int
	tree    int64 // contents of a worker
}

func (rc *receiver) shares() shares {
	rest := rc.Memory - rc.kept.size
	s := shares{load: min(rest/3, loadMax)}
	trees := rest - s.load - rc.pool.limit
	// The buffers of the readers are gone when the walkers start.
	s.readers = int(max(1, min(readParallel, trees/2/int64(rc.lim.small))))
	s.workers = int(max(1, min(int64(rc.Workers), trees/rc.lim.minTree)))
	s.tree = trees / int64(s.workers)
	return s
}
