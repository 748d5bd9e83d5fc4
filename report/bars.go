package report

import (
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// barDisplay shows progress on a terminal: two rows for each mirror under way,
// and the lines of those that ended and of the log above them.
type barDisplay struct {
	w    io.Writer
	rows *mpb.Progress
	sum  *mpb.Bar // counts the mirrors when there are several; else nil

	running map[*bars]bool

	mu     sync.Mutex
	closed bool
}

// bars are the rows of a mirror: a bar for its objects, and the bytes.
type bars struct {
	objects, bytes *mpb.Bar
	// What the decorators show; mpb asks at its own times.
	phase, counts, traffic atomic.Value
}

// barWidth leaves room for the words beside the bar on a line of 80.
const barWidth = 20

func newBarDisplay(w io.Writer, mirrors int) *barDisplay {
	d := &barDisplay{w: w, running: map[*bars]bool{}, rows: mpb.New(mpb.WithOutput(w), mpb.WithAutoRefresh())}
	if mirrors > 1 {
		d.sum = d.rows.New(int64(mirrors), mpb.BarStyle(), mpb.BarWidth(barWidth),
			mpb.BarPriority(math.MaxInt), mpb.BarRemoveOnComplete(),
			mpb.PrependDecorators(decor.Name("all", decor.WCSyncSpaceR)),
			mpb.AppendDecorators(decor.CountersNoUnit(" %d/%d mirrors")))
	}
	return d
}

// Write puts lines above the bars. mpb moves the cursor up but not to the left,
// where the echo of ^C has moved it from, hence the carriage return.
func (d *barDisplay) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		io.WriteString(d.w, "\r")
		n, err := d.rows.Write(b)
		if !errors.Is(err, mpb.ErrDone) {
			return n, err
		}
	}
	return d.w.Write(b)
}

func (d *barDisplay) start(m *mirror) {
	b := &bars{}
	b.phase.Store(label(m))
	b.counts.Store("")
	b.traffic.Store("")
	show := func(v *atomic.Value) decor.Decorator {
		return decor.Any(func(decor.Statistics) string { return v.Load().(string) }, decor.WCSyncSpaceR)
	}
	plain := func(v *atomic.Value) decor.Decorator {
		return decor.Any(func(decor.Statistics) string { return " " + v.Load().(string) })
	}
	b.objects = d.rows.New(0, mpb.BarStyle(), mpb.BarWidth(barWidth),
		mpb.PrependDecorators(show(&b.phase)), mpb.AppendDecorators(plain(&b.counts)))
	b.bytes = d.rows.New(0, mpb.NopStyle(),
		mpb.PrependDecorators(decor.Name("   "), decor.Elapsed(decor.ET_STYLE_MMSS), plain(&b.traffic)))
	m.bars = b
	d.running[b] = true
}

func (d *barDisplay) update(m *mirror, _ time.Time) {
	_, done, total := m.pass()
	m.bars.phase.Store(label(m))
	m.bars.objects.SetTotal(total, false)
	m.bars.objects.SetCurrent(done)
	counts := ""
	if done < total {
		counts = ofTotal(done, total)
		if r := m.objectRate.perSecond(); r > 0 {
			counts += fmt.Sprintf(", %s/s", count(r))
		}
	}
	m.bars.counts.Store(counts)
	if text := m.bytesText(); text != "" {
		m.bars.traffic.Store(" " + text)
	}
}

func (d *barDisplay) end(m *mirror) {
	d.remove(m.bars)
	if d.sum != nil { // a single mirror's result follows in full
		fmt.Fprintln(d, endLine(m))
		d.sum.Increment()
	}
}

// close removes all bars, also those of mirrors that never ended.
func (d *barDisplay) close() {
	for b := range d.running {
		d.remove(b)
	}
	if d.sum != nil {
		d.sum.Abort(true)
	}
	d.rows.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
}

func (d *barDisplay) remove(b *bars) {
	b.objects.Abort(true)
	b.bytes.Abort(true)
	delete(d.running, b)
}

// label is a mirror's name and phase, the name cut to what a line has room for.
func label(m *mirror) string {
	const longest = 24
	name := m.name
	if utf8.RuneCountInString(name) > longest {
		r := []rune(name)
		name = "…" + string(r[len(r)-longest+1:])
	}
	doing, _, _ := m.pass()
	return name + " " + doing
}
