//go:build !slow

package e2e

// lfsMemorySize is the length of each of TestLFSMemory's objects in bytes:
// together several times what the program may use.
const lfsMemorySize = 48 << 20
