package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
)

// WriteTable writes the results for people: one mirror in full, several as a
// table with a row each, then how to clone them, what failed and why, and a
// line that sums up.
func WriteTable(w io.Writer, r engine.Results) error {
	var b strings.Builder
	if len(r.Mirrors) == 1 {
		writeOne(&b, r.Mirrors[0], r.PeakMemory, r.DryRun)
	} else {
		writeRows(&b, r.Mirrors)
		writeCloneCommands(&b, r)
		writeFailures(&b, r.Mirrors)
		writeSum(&b, r)
	}
	if r.DryRun {
		b.WriteString("\nDry run: this is what would be done, nothing was written.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// A column of the table with several mirrors. A value of "" is nothing worth a
// look; columns with nothing else are left out.
type column struct {
	title string
	value func(engine.Result) string
	left  bool
}

func columns(short map[engine.Pair]string) []column {
	number := func(f func(engine.Result) int64) func(engine.Result) string {
		return func(r engine.Result) string { return unlessZero(f(r), count) }
	}
	size := func(f func(engine.Result) int64) func(engine.Result) string {
		return func(r engine.Result) string { return unlessZero(f(r), bytesOf) }
	}
	return []column{
		{"mirror", func(r engine.Result) string { return short[pairOf(r)] }, true},
		{"status", func(r engine.Result) string { return r.Status }, true},
		{"refs", refsOf, true},
		{"objects", number(func(r engine.Result) int64 { return r.Objects.Total }), false},
		{"commits", number(func(r engine.Result) int64 { return r.Objects.Commit }), false},
		{"trees", number(func(r engine.Result) int64 { return r.Objects.Tree }), false},
		{"blobs", number(func(r engine.Result) int64 { return r.Objects.Blob }), false},
		{"tags", number(func(r engine.Result) int64 { return r.Objects.Tag }), false},
		{"in mirror", number(func(r engine.Result) int64 { return r.Objects.InMirror }), false},
		{"LFS", number(func(r engine.Result) int64 { return r.LFS.Total }), false},
		{"fetched", size(func(r engine.Result) int64 { return r.Bytes.Fetched }), false},
		{"uploaded", size(func(r engine.Result) int64 { return r.Bytes.Uploaded }), false},
		{"read back", size(func(r engine.Result) int64 { return r.Bytes.ReadBack }), false},
		{"requests", number(requests), false},
		{"time", func(r engine.Result) string { return seconds(r.Seconds) }, false},
	}
}

func pairOf(r engine.Result) engine.Pair { return engine.Pair{Source: r.Source, Target: r.Target} }

func unlessZero(n int64, write func(int64) string) string {
	if n == 0 {
		return ""
	}
	return write(n)
}

// refsOf writes 12 +1 ~2 -3: the refs there are, added, updated and deleted.
func refsOf(r engine.Result) string {
	if r.Status == engine.StatusFailed {
		return ""
	}
	return count(int64(r.Refs.Total)) + changesOf(r.Refs)
}

func changesOf(r engine.RefCounts) string {
	s := ""
	for _, c := range []struct {
		sign string
		n    int
	}{{"+", r.Added}, {"~", r.Updated}, {"-", r.Deleted}} {
		if c.n != 0 {
			s += " " + c.sign + count(int64(c.n))
		}
	}
	return s
}

func requests(r engine.Result) int64 {
	q := r.Requests
	return q.Put + q.Get + q.Head + q.List + q.Copy + q.Delete + q.Multipart
}

func writeRows(w io.Writer, mirrors []engine.Result) {
	pairs := make([]engine.Pair, len(mirrors))
	for i, r := range mirrors {
		pairs[i] = pairOf(r)
	}
	lines := make([]string, len(mirrors)+1)
	for _, c := range columns(names(pairs)) {
		cells := []string{strings.ToUpper(c.title)}
		used := false
		for _, r := range mirrors {
			v := c.value(r)
			used = used || v != ""
			cells = append(cells, cmp.Or(v, "-"))
		}
		if used {
			appendColumn(lines, cells, c.left)
		}
	}
	for _, l := range lines {
		fmt.Fprintln(w, strings.TrimRight(l, " "))
	}
}

// appendColumn adds a cell to each line, all of the same width.
func appendColumn(lines, cells []string, left bool) {
	width := 0
	for _, c := range cells {
		width = max(width, utf8.RuneCountInString(c))
	}
	for i, c := range cells {
		pad := strings.Repeat(" ", width-utf8.RuneCountInString(c))
		if left {
			c += pad
		} else {
			c = pad + c
		}
		if lines[i] != "" {
			c = "  " + c
		}
		lines[i] += c
	}
}

func writeCloneCommands(w io.Writer, r engine.Results) {
	if r.DryRun || r.Failed() == len(r.Mirrors) {
		return
	}
	fmt.Fprintln(w, "\nTo clone:")
	for _, m := range r.Mirrors {
		if m.Status != engine.StatusFailed {
			fmt.Fprintf(w, "  %s\n", cloneCommand(m))
		}
	}
}

func cloneCommand(r engine.Result) string { return "git clone " + shellWord(r.CloneURL) }

func writeFailures(w io.Writer, mirrors []engine.Result) {
	title := "\nFailed:\n"
	for _, m := range mirrors {
		if m.Status == engine.StatusFailed {
			fmt.Fprintf(w, "%s  %s -> %s\n    %s\n", title, m.Source, m.Target, oneLine(m.Error))
			title = ""
		}
	}
}

func writeSum(w io.Writer, r engine.Results) {
	n := map[string]int{}
	for _, m := range r.Mirrors {
		n[m.Status]++
	}
	var parts []string
	for _, s := range []string{engine.StatusMirrored, engine.StatusUpToDate, engine.StatusFailed} {
		if n[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[s], s))
		}
	}
	fmt.Fprintf(w, "\n%s: %s", plural(int64(len(r.Mirrors)), "mirror"), strings.Join(parts, ", "))
	if r.PeakMemory > 0 {
		fmt.Fprintf(w, "; %s of memory at most", bytesOf(r.PeakMemory))
	}
	fmt.Fprintln(w)
}
