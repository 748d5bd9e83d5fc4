// Package report tells people and programs what a run does and did: progress
// while it lasts ([NewProgress]), log lines ([NewHandler]), and the results as
// a table ([WriteTable]) or as JSON ([WriteJSON]). In a job of GitHub Actions,
// [Actions] adds annotations, groups, outputs and the step's summary.
//
// Where a report goes is the caller's choice: each is a function of the
// results and a writer, so that further ones stand beside these.
package report

import (
	"encoding/json"
	"io"
	"strings"
	"unicode"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
)

// WriteJSON writes the results as one line of JSON, whose form is a contract.
func WriteJSON(w io.Writer, r engine.Results) error {
	if r.Mirrors == nil {
		r.Mirrors = []engine.Result{} // a list for programs, not null
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false) // the & of a URL stays readable
	return e.Encode(r)
}

// names gives each pair the shortest name that tells it from the others: the
// end of its target's path.
func names(pairs []engine.Pair) map[engine.Pair]string {
	named := map[engine.Pair]string{}
	for depth := 1; len(named) < len(pairs); depth++ {
		count, whole := map[string]int{}, true
		for _, p := range pairs {
			end := pathEnd(p.Target, depth)
			count[end]++
			whole = whole && end == p.Target
		}
		for _, p := range pairs {
			end := pathEnd(p.Target, depth)
			if _, done := named[p]; !done && (count[end] == 1 || whole) {
				named[p] = end
			}
		}
		if whole {
			break // the same pair twice
		}
	}
	return named
}

// pathEnd returns the last n parts of a URL's path, or the whole URL if it has
// no more.
func pathEnd(s string, n int) string {
	trimmed := strings.TrimRight(s, "/")
	end := len(trimmed)
	for ; n > 0 && end > 0; n-- {
		end = strings.LastIndexByte(trimmed[:end], '/')
	}
	if end <= 0 || strings.HasSuffix(trimmed[:end+1], "//") {
		return s
	}
	return trimmed[end+1:]
}

// oneLine makes text that may come from a remote safe to print: without line
// breaks, and without control sequences for the terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return '?'
		}
		return r
	}, strings.TrimSpace(s))
}
