package store

import (
	"fmt"
	"io/fs"
)

// CheckKey refuses keys that not every store can hold: empty ones, with empty,
// "." or ".." components, with a slash at either end, or not in UTF-8.
func CheckKey(key string) error {
	if key == "." || !fs.ValidPath(key) {
		return fmt.Errorf("%q cannot be a key in a store", key)
	}
	return nil
}

// Span returns how many bytes a Get from off of n bytes has in an object of
// size bytes.
func Span(size, off, n int64) int64 {
	rest := max(0, size-off)
	if n < 0 {
		return rest
	}
	return min(n, rest)
}
