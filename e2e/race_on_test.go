//go:build race

package e2e

// build is how the program is built: it looks for races where the tests do.
var build = struct{ cgo, flag string }{"1", "-race"}
