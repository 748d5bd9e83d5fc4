package report

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	githubactions "github.com/sethvargo/go-githubactions"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
)

// Actions reports to GitHub Actions, in the commands that its runner reads from
// the log (https://docs.github.com/actions/reference/workflow-commands-for-github-actions),
// and hides secrets everywhere. Outside a job it only does the latter.
type Actions struct {
	Secrets
	getenv func(string) string
	on     bool

	mu  sync.Mutex
	log io.Writer
}

// NewActions returns the reporter of a process whose environment is getenv. The
// log is where commands are written.
func NewActions(getenv func(string) string, log io.Writer) *Actions {
	return &Actions{getenv: getenv, on: getenv("GITHUB_ACTIONS") == "true", log: log}
}

// On says whether this is a job.
func (a *Actions) On() bool { return a.on }

// Secret hides a secret from now on.
func (a *Actions) Secret(s string) { a.add(s) }

// Mask hides a secret of the workflow's, in the logs of later steps too.
func (a *Actions) Mask(s string) {
	if a.add(s) && a.on {
		a.write(command("add-mask", s, nil))
	}
}

// Text returns a writer for text that may hold secrets or, in a job, what the
// runner would take for a command.
func (a *Actions) Text(w io.Writer) io.Writer {
	return filter{w, func(text string) string { return a.defuse(a.Hide(text)) }}
}

// Plain returns a writer for text that was made of [Actions.Results]. It has no
// secrets, and a secret that is also one of our own words doesn't spoil it.
func (a *Actions) Plain(w io.Writer) io.Writer { return filter{w, a.defuse} }

// defuse makes sure that the runner takes nothing in a text for a command.
func (a *Actions) defuse(text string) string {
	if !a.on {
		return text
	}
	// The older form of commands is found anywhere in a line.
	text = strings.ReplaceAll(text, "##[", "## [")
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimLeft(line, " \t\r"), "::") {
			line = strings.Replace(line, "::", ": :", 1)
		}
		b.WriteString(line)
	}
	return b.String()
}

type writerFunc func(string) error

func (f writerFunc) Write(b []byte) (int, error) { return len(b), f(string(b)) }

func (a *Actions) write(text string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, err := io.WriteString(a.log, text)
	return err
}

// command returns a line that the runner acts on.
func command(name, message string, properties githubactions.CommandProperties) string {
	c := githubactions.Command{Name: name, Message: message, Properties: properties}
	return c.String() + "\n"
}

// annotate shows a message, without secrets, at the workflow run.
func (a *Actions) annotate(kind, title, message string) {
	var p githubactions.CommandProperties
	if title != "" {
		p = githubactions.CommandProperties{"title": title}
	}
	a.write(command(kind, message, p))
}

// Fail reports an error that ends the program, which may be of several lines.
func (a *Actions) Fail(err error) {
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSuffix(line, "\n"); a.on {
			a.annotate("error", "mirror-git-to-s3", a.Hide(line))
		} else {
			fmt.Fprintf(a.Text(writerFunc(a.write)), "mirror-git-to-s3: %s\n", line)
		}
	}
}

// mostAnnotations are those of a kind that a step's run shows.
const mostAnnotations = 10

// Failures makes annotations of the mirrors that failed, one for those with the
// same reason. The results are those of [Actions.Results].
func (a *Actions) Failures(r engine.Results) {
	if !a.on {
		return
	}
	short := names(pairsOf(r))
	var reasons []string
	failed := map[string][]string{}
	for _, m := range r.Mirrors {
		if m.Status != engine.StatusFailed {
			continue
		}
		if failed[m.Error] == nil {
			reasons = append(reasons, m.Error)
		}
		failed[m.Error] = append(failed[m.Error], short[pairOf(m)])
	}
	for i, reason := range reasons {
		if i == mostAnnotations-1 && len(reasons) > mostAnnotations {
			a.annotate("error", "mirror-git-to-s3", fmt.Sprintf("%d more reasons for failures are in the log and the summary", len(reasons)-i))
			return
		}
		title := "Not mirrored: " + failed[reason][0]
		if n := len(failed[reason]); n > 1 {
			title += fmt.Sprintf(" and %d more", n-1)
		}
		a.annotate("error", oneLine(title), oneLine(reason))
	}
}

func pairsOf(r engine.Results) []engine.Pair {
	pairs := make([]engine.Pair, len(r.Mirrors))
	for i, m := range r.Mirrors {
		pairs[i] = pairOf(m)
	}
	return pairs
}

// Handler is [NewHandler] with annotations for warnings and errors.
func (a *Actions) Handler(w io.Writer, level slog.Leveler) slog.Handler {
	h := NewHandler(a.Text(w), level).(*handler)
	if a.on {
		h.annotate = func(kind, message string) { a.annotate(kind, "", a.Hide(message)) }
	}
	return h
}

// Results hides the secrets in results.
func (a *Actions) Results(r engine.Results) engine.Results { return a.results(r) }
