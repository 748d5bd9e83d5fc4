package testserver

import (
	"os"
	"path/filepath"
	"testing"
)

// GitLFS returns the path of git-lfs, and puts it on the PATH of the test, so
// that git finds it.
func GitLFS(t testing.TB) string {
	t.Helper()
	path, err := Tool("git-lfs")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Dir(path)+string(filepath.ListSeparator)+os.Getenv("PATH"))
	return path
}
