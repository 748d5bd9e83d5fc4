package testserver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Tool returns the path of a program that `make tools` puts into the
// repository's .tools/bin.
func Tool(name string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", fmt.Errorf("looking for %s: %w", name, err)
	}
	path := filepath.Join(root, ".tools", "bin", name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%s is not installed, run `make tools`: %w", name, err)
	}
	return path, nil
}

// Root returns the repository's root: the next directory with a go.mod above
// the working directory or, where there is none, above this source file.
func Root() (string, error) {
	_, source, _, _ := runtime.Caller(0)
	wd, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for _, dir := range []string{wd, filepath.Dir(source)} {
		for {
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				return dir, nil
			}
			parent := filepath.Dir(dir)
			if parent == dir {
				break
			}
			dir = parent
		}
	}
	return "", errors.New("no go.mod above the working directory")
}
