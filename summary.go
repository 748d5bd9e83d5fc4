package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/inputs"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/report"
)

// summary makes one summary of the results in files.
func (p process) summary(_ context.Context, paths []string) error {
	var all []engine.Results
	for _, path := range paths {
		files, err := resultFiles(path)
		if err != nil {
			return inputs.NewUsageError(err)
		}
		for _, name := range files {
			r, err := readResults(name)
			if err != nil {
				return inputs.NewUsageError(err)
			}
			all = append(all, r)
		}
	}
	r := p.actions.Results(report.Merge(all))
	p.actions.Failures(r)
	if err := p.actions.Outputs(r); err != nil {
		return err
	}
	if p.getenv("GITHUB_STEP_SUMMARY") != "" {
		return p.actions.Summary(r)
	}
	return report.WriteSummary(p.actions.Plain(p.stdout), r)
}

// resultFiles returns path, or if it is a directory the .json files below it.
func resultFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, err
	}
	var files []string
	err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && filepath.Ext(name) == ".json" {
			files = append(files, name)
		}
		return err
	})
	if err == nil && files == nil {
		err = fmt.Errorf("%s holds no .json file", path)
	}
	return files, err
}

func readResults(name string) (engine.Results, error) {
	f, err := os.Open(name)
	if err != nil {
		return engine.Results{}, err
	}
	defer f.Close()
	r, err := report.ReadJSON(f)
	if err != nil {
		return r, fmt.Errorf("%s holds no results: %w", name, err)
	}
	return r, nil
}
