package testserver

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// GitLFS returns the path of the git-lfs that `make tools` installed, and
// puts it on the PATH of the test, so that git finds it.
func GitLFS(t testing.TB) string {
	t.Helper()
	_, file, _, _ := runtime.Caller(0)
	dir := filepath.Join(filepath.Dir(file), "..", "..", ".tools", "bin")
	path := filepath.Join(dir, "git-lfs")
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("git-lfs is missing (make tools installs it): %v", err)
	}
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	return path
}
