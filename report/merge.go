package report

import (
	"encoding/json"
	"errors"
	"io"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
)

// ReadJSON reads what [WriteJSON] wrote.
func ReadJSON(r io.Reader) (engine.Results, error) {
	var read struct {
		Mirrors *[]engine.Result `json:"mirrors"`
		engine.Results
	}
	if err := json.NewDecoder(r).Decode(&read); err != nil {
		return engine.Results{}, err
	}
	if read.Mirrors == nil {
		return engine.Results{}, errors.New(`it has no "mirrors"`)
	}
	read.Results.Mirrors = *read.Mirrors
	return read.Results, nil
}

// Merge makes one of the results of several jobs.
func Merge(all []engine.Results) engine.Results {
	var merged engine.Results
	for _, r := range all {
		merged.Mirrors = append(merged.Mirrors, r.Mirrors...)
		merged.PeakMemory = max(merged.PeakMemory, r.PeakMemory)
		merged.DryRun = merged.DryRun || r.DryRun
	}
	return merged
}
