package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by releases: go build -ldflags '-X main.version=v1.2.3'.
var version string

// versionText returns the release's version or, in other builds, what the go
// command noted of the module and its commit.
func versionText() string {
	v := version
	if info, ok := debug.ReadBuildInfo(); ok {
		v = cmp.Or(v, info.Main.Version)
	}
	return fmt.Sprintf("%s (%s %s/%s)", cmp.Or(v, "(devel)"), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
