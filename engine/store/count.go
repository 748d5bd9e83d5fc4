package store

import "sync/atomic"

// Counter counts requests as they are made; it may be used concurrently.
type Counter struct {
	Put, Get, Head, List, Copy, Delete, Multipart atomic.Int64
}

// Requests returns what was counted so far.
func (c *Counter) Requests() Requests {
	return Requests{
		Put:       c.Put.Load(),
		Get:       c.Get.Load(),
		Head:      c.Head.Load(),
		List:      c.List.Load(),
		Copy:      c.Copy.Load(),
		Delete:    c.Delete.Load(),
		Multipart: c.Multipart.Load(),
	}
}
