//go:build !race

package e2e

// build is how the program is built: as it is released.
var build = struct{ cgo, flag string }{"0", "-trimpath"}
