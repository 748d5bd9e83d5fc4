package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
)

// buffer may be written to while it is read.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.b.Reset()
	return b.b.String()
}

// script is a mirror whose figures are those of the time since it began.
type script struct {
	begin time.Time
	at    func(seconds int64) figures
}

func play(at func(int64) figures) func() figures {
	s := script{time.Now(), at}
	return func() figures { return s.at(int64(time.Since(s.begin) / time.Second)) }
}

// clone receives for 20 s, resolves for 20 s, publishes for 5 s.
func cloneOf(r engine.Result) func(int64) figures {
	return func(s int64) figures {
		f := figures{
			phase: "receiving", objects: 20_000, received: min(s, 20) * 1000, fetched: min(s, 20) * 5_200_000,
			resolved: max(0, min(s, 40)-20) * 1000, uploaded: max(0, s-20) * 100_000,
		}
		if s < 2 {
			f = figures{phase: "planning"}
		}
		if s > 40 {
			f.phase = "publishing"
		}
		if s >= 45 {
			f.result = &r
		}
		return f
	}
}

var pairs = []engine.Pair{
	{Source: "https://example.com/git", Target: "s3://bucket/git"},
	{Source: "https://example.com/gone", Target: "s3://bucket/gone"},
}

func TestLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out buffer
		p := NewProgress(&out, false, pairs)
		p.observe(pairs[0], play(cloneOf(mirrored)))
		time.Sleep(5*time.Second + time.Millisecond)
		p.observe(pairs[1], play(func(s int64) figures {
			if s < 3 {
				return figures{phase: "planning"}
			}
			return figures{result: &failed}
		}))
		time.Sleep(10 * time.Second)
		fmt.Fprintln(p, "a line of the log")
		time.Sleep(40 * time.Second)
		p.Close()
		fmt.Fprintln(p, "after the end")
		const want = `git: mirroring to s3://bucket/git
gone: mirroring to s3://bucket/gone
gone: failed after 2m30s: no such repository?[31m set MIRROR_TOKEN if it is private
git: receiving 11,000/20,000 objects, 57.2 MB fetched at 5.72 MB/s
a line of the log
git: resolving 1,000/20,000 objects, 104 MB fetched at 4.68 MB/s, 100 kB uploaded at 10.0 kB/s
git: resolving 11,000/20,000 objects, 104 MB fetched, 1.10 MB uploaded at 100 kB/s
git: publishing, 104 MB fetched, 2.10 MB uploaded at 100 kB/s
git: mirrored after 24.1 s, 1,016 refs +1,000 ~2 -3, 419,403 objects, 12 LFS objects, 322 MB fetched, 331 MB uploaded
after the end
`
		if got := out.take(); got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	})
}

func TestLinesOfShortRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out buffer
		p := NewProgress(&out, false, pairs[:1])
		p.observe(pairs[0], func() figures { return figures{result: &upToDate} })
		p.Close() // before the first look
		const want = "git: mirroring to s3://bucket/git\ngit: up-to-date after 0.1 s, 1 ref\n"
		if got := out.take(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// screen is what a terminal shows after text: mpb uses only cursor up and
// erase down.
func screen(t *testing.T, text string) string {
	t.Helper()
	lines := []string{""}
	for len(text) > 0 {
		var up int
		last := len(lines) - 1
		switch n, _ := fmt.Sscanf(text, "\x1b[%dA", &up); {
		case n == 1:
			text = text[strings.IndexByte(text, 'A')+1:]
			rest, ok := strings.CutPrefix(text, "\x1b[J")
			if !ok || up > last || lines[last] != "" {
				t.Fatalf("%d up from %q, then %q", up, lines, rest)
			}
			text, lines = rest, append(lines[:last-up], "")
		case text[0] == '\n':
			lines, text = append(lines, ""), text[1:]
		case text[0] == '\r':
			text = text[1:]
		default:
			lines[last], text = lines[last]+text[:1], text[1:]
		}
	}
	return strings.Join(lines, "\n")
}

func TestBars(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out buffer
		all := ""
		see := func() string {
			synctest.Wait()
			all += out.take()
			return screen(t, all)
		}
		p := NewProgress(&out, true, pairs)
		p.observe(pairs[0], play(cloneOf(mirrored)))
		time.Sleep(10*time.Second + 500*time.Millisecond)
		fmt.Fprintln(p, "warning: a line of the log")
		time.Sleep(500 * time.Millisecond)
		got := see()
		for _, want := range []string{
			"warning: a line of the log\ngit receiving  [",
			">---", "]  10,000/20,000 objects, 1,000/s", "   00:10  52.0 MB fetched at 5.20 MB/s", "0/2 mirrors",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("%q is not on the screen:\n%s", want, got)
			}
		}
		p.observe(pairs[1], func() figures { return figures{result: &failed} })
		time.Sleep(40 * time.Second)
		fmt.Fprintln(p, "debug: another")
		p.Close()
		fmt.Fprintln(p, "after the end")
		const want = `warning: a line of the log
gone: failed after 2m30s: no such repository?[31m set MIRROR_TOKEN if it is private
git: mirrored after 24.1 s, 1,016 refs +1,000 ~2 -3, 419,403 objects, 12 LFS objects, 322 MB fetched, 331 MB uploaded
debug: another
after the end
`
		if got := see(); got != want {
			t.Errorf("the screen at the end:\n%swant\n%s", got, want)
		}
	})
}

func TestBarsOfMirrorThatNeverEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out buffer
		p := NewProgress(&out, true, pairs[:1])
		p.observe(pairs[0], func() figures { return figures{phase: "waiting"} })
		time.Sleep(time.Second)
		p.Close()
		if got := screen(t, out.take()); got != "" {
			t.Errorf("left on the screen: %q", got)
		}
	})
}

func TestObserveReadsTheEngine(t *testing.T) {
	var state engine.Progress
	state.Objects.Store(5)
	state.Received.Store(4)
	state.Resolved.Store(3)
	state.Stored.Store(2)
	state.Fetched.Store(100)
	state.Uploaded.Store(50)
	state.LFS.Objects.Store(10)
	state.LFS.Done.Store(9)
	state.LFS.Bytes.Store(8)
	state.LFS.TotalBytes.Store(7)
	p := NewProgress(io.Discard, false, pairs)
	defer p.Close()
	p.Observe(pairs[0], &state)
	p.mu.Lock()
	defer p.mu.Unlock()
	want := figures{phase: "waiting", objects: 5, received: 4, resolved: 3, stored: 2, fetched: 100, uploaded: 50,
		lfsObjects: 10, lfsDone: 9, lfsBytes: 8, lfsTotal: 7}
	if got := p.active[0].read(); got != want {
		t.Errorf("%+v", got)
	}
}

func TestPass(t *testing.T) {
	for want, f := range map[string]figures{
		"planning 0/0":               {phase: "planning"},
		"waiting for the source 0/0": {phase: "receiving"},
		"receiving 5/9":              {phase: "receiving", objects: 9, received: 5, resolved: 3},
		"resolving 3/9":              {phase: "receiving", objects: 9, received: 9, resolved: 3},
		"storing 4/9":                {phase: "storing", objects: 9, received: 9, resolved: 9, stored: 4},
		"LFS 1/2":                    {phase: "LFS", objects: 9, received: 9, resolved: 9, stored: 9, lfsObjects: 2, lfsDone: 1},
		"publishing 9/9":             {phase: "publishing", objects: 9, received: 9, resolved: 9, lfsObjects: 2, lfsDone: 2},
		"publishing, 9/9":            {phase: "publishing,", objects: 9, received: 9, resolved: 9, stored: 9},
	} {
		doing, done, total := f.pass()
		if got := fmt.Sprintf("%s %d/%d", doing, done, total); got != want {
			t.Errorf("%+v: %s, want %s", f, got, want)
		}
	}
}

func TestLinesOfLFS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out buffer
		p := NewProgress(&out, false, pairs[:1])
		p.observe(pairs[0], play(func(s int64) figures {
			return figures{phase: "LFS", fetched: 5, lfsObjects: 500, lfsDone: s, lfsBytes: s * 2_000_000, lfsTotal: 1_200_000_000}
		}))
		time.Sleep(12 * time.Second)
		p.Close()
		const want = "git: mirroring to s3://bucket/git\ngit: LFS 11/500 objects, 22.0 MB of 1.20 GB at 2.00 MB/s\n"
		if got := out.take(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
