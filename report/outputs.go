package report

import (
	"crypto/rand"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
)

// Output is what a later step can read, as steps.ID.outputs.NAME.
type Output struct {
	Name string
	Help string

	value func(engine.Results) string
}

// Outputs is the table of all outputs.
var Outputs = []Output{
	{"results", "the results as JSON, in the form that --json prints", func(r engine.Results) string {
		var b strings.Builder
		WriteJSON(&b, r) // a strings.Builder does not fail
		return strings.TrimSuffix(b.String(), "\n")
	}},
	{"changed", "true if a mirror was written, false if all were up to date or failed", func(r engine.Results) string {
		return strconv.FormatBool(withStatus(r, engine.StatusMirrored) > 0)
	}},
	{"mirrored", "number of mirrors that were written", func(r engine.Results) string {
		return strconv.Itoa(withStatus(r, engine.StatusMirrored))
	}},
	{"up-to-date", "number of mirrors that had nothing to do", func(r engine.Results) string {
		return strconv.Itoa(withStatus(r, engine.StatusUpToDate))
	}},
	{"failed", "number of mirrors that failed", func(r engine.Results) string {
		return strconv.Itoa(withStatus(r, engine.StatusFailed))
	}},
	{"objects", "number of git objects in all mirrors", sum(func(m engine.Result) int64 { return m.Objects.InMirror })},
	{"objects-uploaded", "number of git objects that this run received and uploaded", sum(func(m engine.Result) int64 {
		if m.Status == engine.StatusFailed {
			return 0
		}
		return m.Objects.Total
	})},
	{"bytes-uploaded", "number of bytes that this run uploaded", sum(func(m engine.Result) int64 { return m.Bytes.Uploaded })},
	{"lfs-objects", "number of Git LFS objects that this run found, uploaded or already there", sum(func(m engine.Result) int64 { return m.LFS.Total })},
	{"clone-urls", "what git clone takes, a line for each mirror that did not fail", func(r engine.Results) string {
		var urls []string
		for _, m := range r.Mirrors {
			if m.Status != engine.StatusFailed {
				urls = append(urls, m.CloneURL)
			}
		}
		return strings.Join(urls, "\n")
	}},
}

func withStatus(r engine.Results, status string) int {
	n := 0
	for _, m := range r.Mirrors {
		if m.Status == status {
			n++
		}
	}
	return n
}

func sum(of func(engine.Result) int64) func(engine.Results) string {
	return func(r engine.Results) string {
		n := int64(0)
		for _, m := range r.Mirrors {
			n += of(m)
		}
		return strconv.FormatInt(n, 10)
	}
}

// Outputs writes the step's outputs, if there is a file for them. The results
// are those of [Actions.Results].
func (a *Actions) Outputs(r engine.Results) error {
	path := a.getenv("GITHUB_OUTPUT")
	if path == "" {
		return nil
	}
	// Nothing in a value can end it: whoever writes it can't know the line
	// that does.
	end := "end-" + rand.Text()
	var b strings.Builder
	for _, o := range Outputs {
		fmt.Fprintf(&b, "%s<<%s\n%s\n%s\n", o.Name, end, o.value(r), end)
	}
	if err := appendFile(path, b.String()); err != nil {
		return fmt.Errorf("writing the step's outputs: %w", err)
	}
	return nil
}

func appendFile(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
