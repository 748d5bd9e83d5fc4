//go:build !unix

package engine

import "runtime"

// peakMemory returns what the Go runtime has had from the system, in bytes.
func peakMemory() int64 {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.Sys)
}
