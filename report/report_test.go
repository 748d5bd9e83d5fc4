package report

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

var (
	mirrored = engine.Result{
		Source: "https://github.com/git/git", Target: "s3://bucket/git",
		CloneURL: "https://bucket.s3.eu-west-2.amazonaws.com/git",
		Status:   engine.StatusMirrored, Layout: engine.Pack,
		Refs:     engine.RefCounts{Total: 1016, Added: 1000, Updated: 2, Deleted: 3},
		Objects:  engine.ObjectCounts{Commit: 80001, Tree: 160002, Blob: 178999, Tag: 401, Total: 419403, Deltas: 317660, InMirror: 419404},
		LFS:      engine.LFSCounts{Total: 12, Uploaded: 10, Skipped: 2, Bytes: 35_100_000},
		Bytes:    engine.ByteCounts{Fetched: 322_000_000, Uploaded: 331_000_000, ReadBack: 1_500_000},
		Requests: store.Requests{Put: 9, Get: 3, Head: 2, List: 1, Copy: 4, Delete: 5, Multipart: 42},
		Seconds:  24.125,
	}
	upToDate = engine.Result{
		Source: "https://example.com/b & c", Target: "file:///srv/my mirrors/b", CloneURL: "file:///srv/my mirrors/b",
		Status: engine.StatusUpToDate, Layout: engine.Loose, Refs: engine.RefCounts{Total: 1},
		Objects: engine.ObjectCounts{InMirror: 3}, Requests: store.Requests{Get: 2}, Seconds: 0.05,
	}
	failed = engine.Result{
		Source: "https://example.com/gone", Target: "s3://bucket/gone", CloneURL: "https://bucket.s3.amazonaws.com/gone",
		Status: engine.StatusFailed, Error: "no such repository\x1b[31m\nset MIRROR_TOKEN if it is private",
		Err: errors.New("hidden"), Seconds: 150,
	}
)

// golden compares with testdata/name; -update is not needed: delete the file
// and run the test, then read it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	want, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
		t.Errorf("%s was missing; it is now what the test got, read it", path)
		return
	}
	if err != nil || string(want) != got {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

func TestTable(t *testing.T) {
	for name, r := range map[string]engine.Results{
		"one.txt":         {Mirrors: []engine.Result{mirrored}, PeakMemory: 100 << 20},
		"one-same.txt":    {Mirrors: []engine.Result{upToDate}},
		"one-failed.txt":  {Mirrors: []engine.Result{failed}, PeakMemory: 1 << 20},
		"one-dry.txt":     {Mirrors: []engine.Result{mirrored}, DryRun: true},
		"several.txt":     {Mirrors: []engine.Result{mirrored, failed, upToDate}, PeakMemory: 100 << 20},
		"several-dry.txt": {Mirrors: []engine.Result{upToDate, mirrored}, DryRun: true},
		"all-failed.txt":  {Mirrors: []engine.Result{failed, failed}},
	} {
		var b strings.Builder
		if err := WriteTable(&b, r); err != nil {
			t.Error(err)
		}
		golden(t, name, b.String())
	}
}

func TestJSON(t *testing.T) {
	var b strings.Builder
	if err := WriteJSON(&b, engine.Results{Mirrors: []engine.Result{mirrored, failed, upToDate}, PeakMemory: 100 << 20}); err != nil {
		t.Fatal(err)
	}
	golden(t, "results.json", b.String())
	b.Reset()
	if err := WriteJSON(&b, engine.Results{}); err != nil || b.String() != `{"mirrors":[],"peak_memory_bytes":0}`+"\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct{ targets, want string }{
		{"s3://b/a", "a"},
		{"s3://b/a/ s3://b/c/d", "a d"},
		{"s3://b/x/a s3://b/y/a s3://b/z", "x/a y/a z"},
		{"s3://b1/a s3://b2/a file:///b2/a", "s3://b1/a s3://b2/a file:///b2/a"},
		{"s3://b", "s3://b"},
		{"s3://b/a s3://b/a", "s3://b/a s3://b/a"},
		{"file:///a s3://b/c", "file:///a c"},
		{"", ""},
	} {
		var pairs []engine.Pair
		for _, target := range strings.Fields(c.targets) {
			pairs = append(pairs, engine.Pair{Source: "https://example.com/a", Target: target})
		}
		var got []string
		short := names(pairs)
		for _, p := range pairs {
			got = append(got, short[p])
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %q, want %q", c.targets, s, c.want)
		}
	}
}

func TestFormat(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.00 kB", 35_100_000: "35.1 MB", 322_000_000: "322 MB",
		999_499_999: "999 MB", 999_500_000: "1.00 GB", 6_442_450_944: "6.44 GB", 1 << 60: "1.15 EB",
		9_994: "9.99 kB", 9_996: "10.0 kB", 99_960: "100 kB",
	} {
		if got := bytesOf(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	for s, want := range map[float64]string{0: "0.0 s", 24.125: "24.1 s", 119.9: "119.9 s", 150: "2m30s", 3723.4: "1h2m3s"} {
		if got := seconds(s); got != want {
			t.Errorf("%v: %s, want %s", s, got, want)
		}
	}
	for s, want := range map[string]string{
		"https://b.s3.amazonaws.com/a%20b": "https://b.s3.amazonaws.com/a%20b",
		"file:///srv/it's here":            `'file:///srv/it'\''s here'`,
		"a;b":                              "'a;b'", "": "''",
	} {
		if got := shellWord(s); got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
}

func TestLog(t *testing.T) {
	var b strings.Builder
	log := slog.New(NewHandler(&b, slog.LevelInfo))
	log.Debug("not shown")
	log.Info("asked again", "after", 2*time.Second, "why", "500 Internal Server Error")
	log.With("mirror", "https://example.com/a").WithGroup("http").Warn("slow\nserver\x1b[2J", "status", 429, slog.Group("retry", "n", 3))
	log.Error("stopped", "error", errors.New(`say "no"`), "empty", "")
	want := `asked again after=2s why="500 Internal Server Error"
warning: slow server?[2J mirror=https://example.com/a http.status=429 http.retry.n=3
error: stopped error="say \"no\"" empty=""
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	b.Reset()
	h := NewHandler(&b, slog.LevelDebug)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	if err := h.Handle(t.Context(), slog.NewRecord(at, slog.LevelDebug, "wants", 0)); err != nil || b.String() != "03:04:05.006 debug: wants\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
}
