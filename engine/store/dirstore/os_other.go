//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package dirstore

import (
	"io/fs"
	"os"
)

// flock does nothing: conditional writes are exact within a process only.
func flock(*os.File, bool) error { return nil }

func inode(fs.FileInfo) uint64 { return 0 }

// syncDir does nothing: directories cannot be synced here.
func syncDir(string) error { return nil }
