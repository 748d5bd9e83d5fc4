package report

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
)

// job returns a reporter in a job of GitHub Actions, its log, and its files.
func job(t *testing.T) (a *Actions, log *buffer, outputs, summary string) {
	t.Helper()
	outputs, summary = filepath.Join(t.TempDir(), "output"), filepath.Join(t.TempDir(), "summary")
	log = &buffer{}
	env := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": outputs, "GITHUB_STEP_SUMMARY": summary}
	return NewActions(func(name string) string { return env[name] }, log), log, outputs, summary
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSummaryAndOutputs(t *testing.T) {
	packed := mirrored
	packed.Packs = 2
	for name, r := range map[string]engine.Results{
		"summary-one.md":     {Mirrors: []engine.Result{packed}},
		"summary-several.md": {Mirrors: []engine.Result{packed, upToDate, failed}},
		"summary-dry.md":     {Mirrors: []engine.Result{mirrored}, DryRun: true},
		"summary-none.md":    {},
	} {
		a, _, outputs, summary := job(t)
		if err := a.Summary(r); err != nil {
			t.Fatal(err)
		}
		golden(t, name, read(t, summary))
		if name != "summary-several.md" {
			continue
		}
		if err := a.Outputs(r); err != nil {
			t.Fatal(err)
		}
		text := read(t, outputs)
		end := strings.TrimPrefix(text[:strings.IndexByte(text, '\n')], "results<<")
		if len(end) < 20 {
			t.Errorf("%q can be guessed", end)
		}
		golden(t, "outputs.txt", strings.ReplaceAll(text, end, "END"))
	}
}

func TestOutsideAJob(t *testing.T) {
	var log buffer
	a := NewActions(func(string) string { return "" }, &log)
	r := engine.Results{Mirrors: []engine.Result{failed}}
	a.Mask("planted")
	a.Failures(r)
	if err := errors.Join(a.Outputs(r), a.Summary(r)); err != nil {
		t.Error(err)
	}
	slog.New(a.Handler(&log, slog.LevelInfo)).Warn("planted ##[error]")
	a.Fail(errors.New("one planted\ntwo"))
	const want = "warning: *** ##[error]\nmirror-git-to-s3: one ***\nmirror-git-to-s3: two\n"
	if got := log.take(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestUnwritableFiles(t *testing.T) {
	a := NewActions(func(string) string { return "/nonexistent/file" }, &buffer{})
	for _, err := range []error{a.Outputs(engine.Results{}), a.Summary(engine.Results{})} {
		if err == nil || !strings.Contains(err.Error(), "writing the step's") {
			t.Error(err)
		}
	}
}

// A summary of more than 1 MiB is dropped by GitHub, so it is cut.
func TestSummaryIsCut(t *testing.T) {
	var r engine.Results
	for i := range 9000 {
		m := []engine.Result{mirrored, upToDate, failed}[i%3]
		m.Target = fmt.Sprintf("s3://bucket/%d", i)
		m.Error = strings.Repeat("reason ", 400) // of a failure
		r.Mirrors = append(r.Mirrors, m)
	}
	a, _, _, summary := job(t)
	if err := a.Summary(r); err != nil {
		t.Fatal(err)
	}
	text := read(t, summary)
	if len(text) > 1<<20 || len(text) < 900<<10 {
		t.Errorf("%d bytes", len(text))
	}
	for _, want := range []string{
		"3,000 failed, 3,000 mirrored, 3,000 up-to-date", "the log has their reasons", "The summary is cut: ",
		" of 9,000 mirrors are not shown", "**9,000 mirrors**", "# … and ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestNothingIsMarkup(t *testing.T) {
	bad := failed
	bad.Error = "<img src=x> | **bold** [link](https://evil.example) `code` @somebody\n| row |"
	bad.Source = `https://example.com/"><script>|`
	var b strings.Builder
	if err := WriteSummary(&b, engine.Results{Mirrors: []engine.Result{bad}}); err != nil {
		t.Fatal(err)
	}
	for _, markup := range []string{"<img", "**bold", "](", "`code`", "@somebody", "://evil", "<script", "| row"} {
		if strings.Contains(b.String(), markup) {
			t.Errorf("%q is in %s", markup, b.String())
		}
	}
}

func TestAnnotations(t *testing.T) {
	a, log, _, _ := job(t)
	other := failed
	other.Target, other.Error = "s3://bucket/other", "100% wrong\nreally"
	again := failed
	again.Target = "s3://bucket/again"
	a.Failures(engine.Results{Mirrors: []engine.Result{mirrored, failed, other, again}})
	l := slog.New(a.Handler(log, slog.LevelInfo))
	l.Info("said")
	l.Warn("careful", "why", "x y")
	l.Error("broken")
	a.Fail(errors.New("input target is missing\ninput layout: x"))
	const want = "::error title=Not mirrored%3A gone and 1 more::no such repository?[31m set MIRROR_TOKEN if it is private\n" +
		"::error title=Not mirrored%3A other::100%25 wrong really\n" +
		"said\n::warning::careful why=\"x y\"\n::error::broken\n" +
		"::error title=mirror-git-to-s3::input target is missing\n::error title=mirror-git-to-s3::input layout: x\n"
	if got := log.take(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	var r engine.Results
	for i := range 30 {
		m := failed
		m.Error = fmt.Sprint("reason ", i)
		r.Mirrors = append(r.Mirrors, m)
	}
	a.Failures(r)
	if got := log.take(); strings.Count(got, "\n") != mostAnnotations || !strings.Contains(got, "21 more reasons") {
		t.Errorf("%s", got)
	}
}

// What a server says must not be taken for a command.
func TestCommandsInText(t *testing.T) {
	a, log, _, _ := job(t)
	fmt.Fprint(a.Text(log), "a ::error::b\n  ::set-output name=x::y\nz ##[set-output name=x;]y\n::group::\nend")
	const want = "a ::error::b\n  : :set-output name=x::y\nz ## [set-output name=x;]y\n: :group::\nend"
	if got := log.take(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSecrets(t *testing.T) {
	a, log, _, _ := job(t)
	for _, s := range []string{"", "abc", `pl"anted a/b`, "planted", "planted-longer", "mirror"} {
		a.Mask(s)
		a.Mask(s)
	}
	a.Secret("kept to ourselves")
	if got := log.take(); got != "::add-mask::pl\"anted a/b\n::add-mask::planted\n::add-mask::planted-longer\n::add-mask::mirror\n" {
		t.Errorf("%q", got)
	}
	for text, want := range map[string]string{
		"abc planted planted-longer":                "abc *** ***",
		`pl"anted a/b pl\"anted a/b`:                "*** ***",
		"pl%22anted+a%2Fb pl%22anted%20a%2Fb":       "*** ***",
		"one that was kept to ourselves, and no on": "one that was ***, and no on",
	} {
		if got := a.Hide(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	// A secret that is one of our words spoils values only.
	m := mirrored
	m.Source, m.Target, m.CloneURL, m.Error = "planted1", "planted2", "planted3", "planted4"
	r := a.Results(engine.Results{Mirrors: []engine.Result{m}})
	if got := r.Mirrors[0]; got.Status != "mirrored" || got.Source != "***1" || got.Target != "***2" || got.CloneURL != "***3" || got.Error != "***4" || m.Source != "planted1" {
		t.Errorf("%+v", got)
	}
}

func TestGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, log, _, _ := job(t)
		a.Secret("s3cret")
		p := a.Progress(log, true, []engine.Pair{{Source: mirrored.Source, Target: mirrored.Target}})
		p.observe(engine.Pair{Source: mirrored.Source, Target: mirrored.Target}, play(func(s int64) figures {
			f := figures{phase: "receiving", objects: 100, received: 10 * s}
			if s > 8 {
				r := mirrored
				r.Source = "https://example.com/s3cret"
				f.result = &r
			}
			return f
		}))
		time.Sleep(12 * time.Second)
		p.Close()
		golden(t, "group.txt", log.take())
	})
}

func TestMerge(t *testing.T) {
	var all []engine.Results
	for _, r := range []engine.Results{{Mirrors: []engine.Result{mirrored, failed}, PeakMemory: 3}, {}, {Mirrors: []engine.Result{upToDate}, PeakMemory: 2}} {
		var b strings.Builder
		if err := WriteJSON(&b, r); err != nil {
			t.Fatal(err)
		}
		got, err := ReadJSON(strings.NewReader(b.String()))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, got)
	}
	m := Merge(all)
	if len(m.Mirrors) != 3 || m.PeakMemory != 3 || m.Mirrors[2].Target != upToDate.Target || m.Mirrors[0].Objects != mirrored.Objects || m.Mirrors[1].Error != failed.Error {
		t.Errorf("%+v", m)
	}
	for _, text := range []string{"", "[]", `{"a":1}`, `{"mirrors":null}`} {
		if _, err := ReadJSON(strings.NewReader(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}
