package report

import "time"

// window is the time that a rate is the average of: long enough to be steady,
// short enough to show that something is stuck.
const window = 10 * time.Second

// meter measures the rate of a figure that grows.
type meter struct{ samples []sample }

type sample struct {
	at time.Time
	n  int64
}

// add notes the figure at a time. A smaller one than before starts anew.
func (m *meter) add(at time.Time, n int64) {
	if last := len(m.samples) - 1; last >= 0 && n < m.samples[last].n {
		m.samples = nil
	}
	m.samples = append(m.samples, sample{at, n})
	for len(m.samples) > 2 && at.Sub(m.samples[1].at) >= window {
		m.samples = m.samples[1:]
	}
}

// perSecond returns the rate, rounded down; 0 while unknown.
func (m *meter) perSecond() int64 {
	if len(m.samples) < 2 {
		return 0
	}
	first, last := m.samples[0], m.samples[len(m.samples)-1]
	return int64(float64(last.n-first.n) / last.at.Sub(first.at).Seconds())
}
