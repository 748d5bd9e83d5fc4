package pack

// cache holds the contents used last, up to limit bytes, by entry.
type cache struct {
	limit, size int64
	nodes       map[uint32]*node
	// first and last are the ends of a ring through all nodes: first was
	// used last.
	ring node
}

type node struct {
	entry      uint32
	content    *content
	prev, next *node
}

func newCache(limit int64) *cache {
	c := &cache{limit: limit, nodes: map[uint32]*node{}}
	c.ring.prev, c.ring.next = &c.ring, &c.ring
	return c
}

// get returns the entry's content; it stays the cache's.
func (c *cache) get(entry uint32) *content {
	n := c.nodes[entry]
	if n == nil {
		return nil
	}
	n.unlink()
	c.link(n)
	return n.content
}

// add takes over one use of content.
func (c *cache) add(entry uint32, content *content) {
	cost := content.cost()
	if cost > c.limit/4 {
		content.release() // would push out too many others
		return
	}
	for c.size+cost > c.limit {
		c.drop(c.ring.prev)
	}
	n := &node{entry: entry, content: content}
	c.nodes[entry] = n
	c.link(n)
	c.size += cost
}

func (c *cache) drop(n *node) {
	n.unlink()
	delete(c.nodes, n.entry)
	c.size -= n.content.cost()
	n.content.release()
}

func (c *cache) link(n *node) {
	n.prev, n.next = &c.ring, c.ring.next
	n.prev.next, n.next.prev = n, n
}

func (n *node) unlink() { n.prev.next, n.next.prev = n.next, n.prev }
