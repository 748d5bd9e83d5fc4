package report

import (
	"io"
	"strings"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
)

// groupEvery is how often a mirror that runs has a line in a job's log.
const groupEvery = 5 * time.Second

// Progress is [NewProgress]; in a job, the end of each mirror is a group with
// all that is known of it, which people can open.
func (a *Actions) Progress(w io.Writer, terminal bool, pairs []engine.Pair) *Progress {
	if !a.on {
		return newDisplayed(w, terminal, pairs, &a.Secrets)
	}
	return newProgress(&groupDisplay{lineDisplay{w: a.Plain(writerFunc(a.write)), every: groupEvery}, a}, time.Second, pairs, &a.Secrets)
}

// groupDisplay shows lines, and groups. Mirrors run at the same time and groups
// can't, so only what comes after a mirror's end is in its group.
type groupDisplay struct {
	lineDisplay
	a *Actions
}

func (d *groupDisplay) end(m *mirror) {
	var b strings.Builder
	b.WriteString(command("group", endLine(m), nil))
	writeOne(d.a.Plain(&b), *m.result, 0, true) // how to clone comes at the end
	b.WriteString(command("endgroup", "", nil))
	d.a.write(b.String())
}
