package report

import (
	"io"
	"sync"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
)

// Progress shows mirrors under way. On a terminal each has bars, elsewhere a
// line when it starts, when it ends and every ten seconds between.
type Progress struct {
	show    display
	names   map[engine.Pair]string
	every   time.Duration
	secrets *Secrets

	mu     sync.Mutex
	active []*mirror

	stop, stopped chan struct{}
}

// A display shows what Progress found. Its methods are called by one goroutine,
// except Write, which takes whole lines of others, such as a log's.
type display interface {
	io.Writer
	start(*mirror)
	update(*mirror, time.Time)
	end(*mirror)
	close()
}

// mirror is one under way.
type mirror struct {
	name   string
	target string
	read   func() figures
	begun  bool

	figures
	objectRate, fetchRate, uploadRate, lfsRate meter

	bars     *bars     // on a terminal
	lastLine time.Time // elsewhere
}

// figures are an engine.Progress at one moment.
type figures struct {
	phase                               string
	objects, received, resolved, stored int64
	fetched, uploaded                   int64
	lfsObjects, lfsDone                 int64
	lfsBytes, lfsTotal                  int64
	result                              *engine.Result // nil until it has ended
}

// NewProgress starts to show the progress of the pairs on w. The caller passes
// Observe to the engine, logs to the Progress instead of w, and calls Close.
func NewProgress(w io.Writer, terminal bool, pairs []engine.Pair) *Progress {
	return newDisplayed(w, terminal, pairs, &Secrets{})
}

func newDisplayed(w io.Writer, terminal bool, pairs []engine.Pair, secrets *Secrets) *Progress {
	if terminal {
		return newProgress(newBarDisplay(w, len(pairs)), 200*time.Millisecond, pairs, secrets)
	}
	return newProgress(&lineDisplay{w: w, every: lineEvery}, time.Second, pairs, secrets)
}

func newProgress(show display, every time.Duration, pairs []engine.Pair, secrets *Secrets) *Progress {
	p := &Progress{
		show: show, every: every, names: names(pairs), secrets: secrets,
		stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	go p.run()
	return p
}

// Observe takes a mirror that starts; it is for engine.Options.Observe.
func (p *Progress) Observe(pair engine.Pair, state *engine.Progress) {
	p.observe(pair, func() figures {
		return figures{
			// The result comes first: what is read after it is final.
			result: state.Result(),
			phase:  state.Phase(), objects: state.Objects.Load(), received: state.Received.Load(),
			resolved: state.Resolved.Load(), stored: state.Stored.Load(),
			fetched: state.Fetched.Load(), uploaded: state.Uploaded.Load(),
			lfsObjects: state.LFS.Objects.Load(), lfsDone: state.LFS.Done.Load(),
			lfsBytes: state.LFS.Bytes.Load(), lfsTotal: state.LFS.TotalBytes.Load(),
		}
	})
}

func (p *Progress) observe(pair engine.Pair, read func() figures) {
	name := p.names[pair]
	if name == "" {
		name = pair.Target
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.active = append(p.active, &mirror{
		name: oneLine(p.secrets.Hide(name)), target: oneLine(p.secrets.Hide(pair.Target)), read: read,
	})
}

// Write shows whole lines without garbling what is on the screen.
func (p *Progress) Write(b []byte) (int, error) { return p.show.Write(b) }

// Close shows the end of every mirror and lets go of the screen. What is
// written after it goes straight to the writer below.
func (p *Progress) Close() {
	close(p.stop)
	<-p.stopped
}

func (p *Progress) run() {
	defer close(p.stopped)
	defer p.show.close()
	tick := time.NewTicker(p.every)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			p.poll(now)
		case <-p.stop:
			p.poll(time.Now())
			return
		}
	}
}

// poll reads the figures of all mirrors and shows them.
func (p *Progress) poll(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	running := p.active[:0]
	for _, m := range p.active {
		m.figures = m.read()
		if !m.begun {
			m.begun, m.lastLine = true, now
			p.show.start(m)
		}
		if m.result != nil {
			r := p.secrets.result(*m.result)
			m.result = &r
			p.show.end(m)
			continue
		}
		_, done, _ := m.pass()
		m.objectRate.add(now, done)
		m.fetchRate.add(now, m.fetched)
		m.uploadRate.add(now, m.uploaded)
		m.lfsRate.add(now, m.lfsBytes)
		p.show.update(m, now)
		running = append(running, m)
	}
	p.active = running
}

// pass returns how far the current pass over the objects is, and what it is:
// they arrive, then their ids become known, then some layouts store each; LFS
// objects are copied after that. After the last, done is total; while nothing is
// known both are 0.
func (f figures) pass() (doing string, done, total int64) {
	switch {
	case f.lfsDone < f.lfsObjects:
		return "LFS", f.lfsDone, f.lfsObjects
	case f.phase == "receiving" && f.objects == 0:
		return "waiting for the source", 0, 0 // it looks for what to send
	case f.received < f.objects:
		return f.phase, f.received, f.objects
	case f.resolved < f.objects:
		return "resolving", f.resolved, f.objects
	case f.stored > 0 && f.stored < f.objects:
		return f.phase, f.stored, f.objects
	}
	return f.phase, f.objects, f.objects
}
