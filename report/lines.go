package report

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
)

// lineEvery is how often a mirror that runs has a line in a log.
const lineEvery = 10 * time.Second

// lineDisplay shows progress where there is no terminal, as lines of a log.
type lineDisplay struct {
	mu    sync.Mutex
	w     io.Writer
	every time.Duration
}

func (d *lineDisplay) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.w.Write(b)
}

func (d *lineDisplay) start(m *mirror) { fmt.Fprintf(d, "%s: mirroring to %s\n", m.name, m.target) }

func (d *lineDisplay) update(m *mirror, now time.Time) {
	if now.Sub(m.lastLine) < d.every {
		return
	}
	m.lastLine = now
	text, done, total := m.pass()
	if done < total {
		text += " " + ofTotal(done, total)
	}
	if b := m.bytesText(); b != "" {
		text += ", " + b
	}
	fmt.Fprintf(d, "%s: %s\n", m.name, text)
}

func (d *lineDisplay) end(m *mirror) { fmt.Fprintln(d, endLine(m)) }

func (d *lineDisplay) close() {}

func ofTotal(done, total int64) string {
	return fmt.Sprintf("%s/%s objects", count(done), count(total))
}

// bytesText says what went over the network, and how fast it does.
func (m *mirror) bytesText() string {
	if m.lfsDone < m.lfsObjects {
		return bytesOf(m.lfsBytes) + " of " + bytesOf(m.lfsTotal) + perSecond(&m.lfsRate)
	}
	var text []string
	for _, b := range []struct {
		n    int64
		rate *meter
		word string
	}{{m.fetched, &m.fetchRate, "fetched"}, {m.uploaded, &m.uploadRate, "uploaded"}} {
		if b.n == 0 {
			continue
		}
		text = append(text, bytesOf(b.n)+" "+b.word+perSecond(b.rate))
	}
	return strings.Join(text, ", ")
}

// perSecond writes " at 5.20 MB/s", or nothing when nothing moves.
func perSecond(m *meter) string {
	if r := m.perSecond(); r > 0 {
		return " at " + bytesOf(r) + "/s"
	}
	return ""
}

// endLine says how a mirror ended.
func endLine(m *mirror) string {
	r := m.result
	switch r.Status {
	case engine.StatusFailed:
		return fmt.Sprintf("%s: failed after %s: %s", m.name, seconds(r.Seconds), oneLine(r.Error))
	case engine.StatusUpToDate:
		return fmt.Sprintf("%s: up-to-date after %s, %s", m.name, seconds(r.Seconds), plural(int64(r.Refs.Total), "ref"))
	}
	lfs := ""
	if r.LFS.Total > 0 {
		lfs = ", " + plural(r.LFS.Total, "LFS object")
	}
	return fmt.Sprintf("%s: %s after %s, %s%s, %s%s, %s fetched, %s uploaded", m.name, r.Status, seconds(r.Seconds),
		plural(int64(r.Refs.Total), "ref"), changesOf(r.Refs), plural(r.Objects.Total, "object"), lfs,
		bytesOf(r.Bytes.Fetched), bytesOf(r.Bytes.Uploaded))
}
