package report

import (
	"fmt"
	"html"
	"io"
	"slices"
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
)

// maxSummary is what the summary of a step may have, 1 MiB, with some room:
// GitHub drops longer ones altogether.
const maxSummary = 1<<20 - 16<<10

// Shares of maxSummary; the table takes the rest.
const (
	maxReasons  = maxSummary / 4
	maxCommands = maxSummary / 4
	maxReason   = 2000 // bytes of one
)

// Summary adds to the step's summary, if there is a file for it. The results are
// those of [Actions.Results].
func (a *Actions) Summary(r engine.Results) error {
	path := a.getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return nil
	}
	var b strings.Builder
	WriteSummary(&b, r) // a strings.Builder does not fail
	if err := appendFile(path, b.String()); err != nil {
		return fmt.Errorf("writing the step's summary: %w", err)
	}
	return nil
}

// WriteSummary writes the results as Markdown, failures first, and cuts what is
// too long for GitHub.
func WriteSummary(w io.Writer, r engine.Results) error {
	s := summary{r, names(pairsOf(r))}
	s.Mirrors = slices.Clone(r.Mirrors)
	slices.SortStableFunc(s.Mirrors, func(a, b engine.Result) int { return rank(a) - rank(b) })
	var head, tail strings.Builder
	fmt.Fprintf(&head, "### mirror-git-to-s3: %s\n\n", s.counts())
	if r.DryRun {
		head.WriteString("Dry run: this is what would be done, nothing was written.\n\n")
	}
	s.writeReasons(&head)
	s.writeCommands(&tail)
	s.writeTable(&head, maxSummary-tail.Len())
	_, err := io.WriteString(w, head.String()+tail.String())
	return err
}

// summary writes the parts of a step's summary.
type summary struct {
	engine.Results
	short map[engine.Pair]string
}

func rank(r engine.Result) int {
	return slices.Index([]string{engine.StatusFailed, engine.StatusMirrored, engine.StatusUpToDate}, r.Status)
}

func (s summary) counts() string {
	var words []string
	for _, status := range []string{engine.StatusFailed, engine.StatusMirrored, engine.StatusUpToDate} {
		if n := withStatus(s.Results, status); n > 0 {
			words = append(words, fmt.Sprintf("%s %s", count(int64(n)), status))
		}
	}
	if words == nil {
		return "nothing to mirror"
	}
	return strings.Join(words, ", ")
}

func (s summary) name(r engine.Result) string { return s.short[pairOf(r)] }

// writeReasons says why mirrors failed.
func (s summary) writeReasons(b *strings.Builder) {
	failed := withStatus(s.Results, engine.StatusFailed) // the first ones
	for i, m := range s.Mirrors[:failed] {
		if b.Len() > maxReasons {
			fmt.Fprintf(b, "* … and %s more; the log has their reasons\n", count(int64(failed-i)))
			break
		}
		fmt.Fprintf(b, "* **%s**: %s\n", markdown(s.name(m)), markdown(cut(m.Error, maxReason)))
	}
	if failed > 0 {
		b.WriteString("\n")
	}
}

// writeTable writes a row for each mirror, until b has limit bytes.
func (s summary) writeTable(b *strings.Builder, limit int) {
	if len(s.Mirrors) == 0 {
		return
	}
	titles, rule := "|", "|"
	for _, c := range summaryColumns {
		titles += " " + c.title + " |"
		rule += c.rule + "|"
	}
	fmt.Fprintf(b, "%s\n%s\n", titles, rule)
	total := s.total()
	const word = "\nThe summary is cut: %s of %s mirrors are not shown; the output `results` has them all.\n"
	limit -= len(total) + len(word) + 20
	for i, m := range s.Mirrors {
		row := s.row(m)
		if b.Len()+len(row) > limit {
			fmt.Fprintf(b, "%s"+word, total, count(int64(len(s.Mirrors)-i)), count(int64(len(s.Mirrors))))
			return
		}
		b.WriteString(row)
	}
	b.WriteString(total)
}

// writeCommands says how to clone.
func (s summary) writeCommands(b *strings.Builder) {
	var commands []string
	for _, m := range s.Mirrors {
		if m.Status != engine.StatusFailed && !s.DryRun {
			commands = append(commands, cloneCommand(m))
		}
	}
	if len(commands) == 0 {
		return
	}
	const shown = 3
	if len(commands) > shown {
		b.WriteString("\n<details><summary>To clone</summary>\n")
	} else {
		b.WriteString("\nTo clone:\n")
	}
	b.WriteString("\n```sh\n")
	for i, c := range commands {
		if b.Len()+len(c) > maxCommands {
			fmt.Fprintf(b, "# … and %s more\n", count(int64(len(commands)-i)))
			break
		}
		b.WriteString(strings.ReplaceAll(oneLine(c), "```", "` ` `") + "\n")
	}
	b.WriteString("```\n")
	if len(commands) > shown {
		b.WriteString("\n</details>\n")
	}
}

// cut shortens a text to about n bytes.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// markdown writes text that may come from a remote so that nothing in it is
// markup.
func markdown(s string) string {
	return special.Replace(html.EscapeString(oneLine(s)))
}

var special = strings.NewReplacer(
	"|", "&#124;", "*", "&#42;", "_", "&#95;", "`", "&#96;", "[", "&#91;", "]", "&#93;", "~", "&#126;", `\`, "&#92;", "@", "&#64;",
	"://", "&#58;//", // no links to where a remote wants
)
