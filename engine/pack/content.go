package pack

import (
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
)

// content is a buffer with the number of its users; the last one to release
// it gives it back to the pool. Hundreds of thousands of contents pass
// through a few hundred buffers this way, so neither the collector nor the
// clearing of new memory costs anything.
type content struct {
	b     []byte
	typ   object.Type
	users atomic.Int32
	pool  *pool
}

func (c *content) use() *content {
	c.users.Add(1)
	return c
}

func (c *content) release() {
	if c.users.Add(-1) == 0 {
		c.pool.put(c)
	}
}

// cost is the memory that the content takes.
func (c *content) cost() int64 { return int64(cap(c.b)) + contentOverhead }

// contentOverhead is the content struct and its place in a list or map.
const contentOverhead = 128

// pool keeps released buffers by size class, up to limit bytes.
type pool struct {
	mu    sync.Mutex
	free  [4 * 64][]*content
	held  int64
	limit int64
}

// class returns the number of the smallest size class that holds n bytes, and
// its size: four classes to each power of two, so a fifth is lost at most.
func class(n int) (int, int) {
	n = max(n, 256)
	shift := bits.Len(uint(n-1)) - 3 // n-1 has its top three bits above shift
	top := (n-1)>>shift + 1          // 5 … 8
	return shift*4 + top - 5, top << shift
}

func (p *pool) get(n int) *content {
	k, size := class(n)
	p.mu.Lock()
	var c *content
	if l := len(p.free[k]); l > 0 {
		c = p.free[k][l-1]
		p.free[k] = p.free[k][:l-1]
		p.held -= int64(size)
	}
	p.mu.Unlock()
	if c == nil {
		c = &content{b: make([]byte, size), pool: p}
	}
	c.b = c.b[:n]
	c.users.Store(1)
	return c
}

func (p *pool) put(c *content) {
	k, _ := class(cap(c.b))
	p.mu.Lock()
	if p.held+int64(cap(c.b)) <= p.limit {
		p.free[k] = append(p.free[k], c)
		p.held += int64(cap(c.b))
	}
	p.mu.Unlock()
}

// drain lets go of all that is held.
func (p *pool) drain() {
	p.mu.Lock()
	clear(p.free[:])
	p.held = 0
	p.mu.Unlock()
}
