package transfer

import "sync/atomic"

// Progress is the state of a run. Everything only grows, and may be read at
// any time.
type Progress struct {
	Objects    atomic.Int64 // objects to copy
	TotalBytes atomic.Int64 // their length, as the pointers claim it
	Done       atomic.Int64 // objects copied or given up
	Bytes      atomic.Int64 // received, those of repeated attempts too
}
