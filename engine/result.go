package engine

import (
	"strings"
	"sync/atomic"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/pack"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/remote"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/transfer"
)

// The statuses of a mirror after a run.
const (
	StatusMirrored = "mirrored"
	StatusUpToDate = "up-to-date"
	StatusFailed   = "failed"
)

// Results is what a run did; its JSON form is a contract.
type Results struct {
	Mirrors    []Result `json:"mirrors"` // in the order of the pairs
	PeakMemory int64    `json:"peak_memory_bytes"`
	DryRun     bool     `json:"dry_run,omitempty"`
}

// Failed counts the mirrors that failed.
func (r Results) Failed() int {
	n := 0
	for _, m := range r.Mirrors {
		if m.Status == StatusFailed {
			n++
		}
	}
	return n
}

// AllFailed is the result of a run that could not begin, for lack of what all
// mirrors need.
func AllFailed(pairs []Pair, err error) Results {
	r := Results{Mirrors: []Result{}}
	for _, p := range pairs {
		r.Mirrors = append(r.Mirrors, Result{
			Source: remote.Redact(p.Source), Target: p.Target, Status: StatusFailed, Err: err,
			Error: strings.Join(strings.Fields(err.Error()), " "),
		})
	}
	return r
}

// Result is what a run did for one mirror.
type Result struct {
	Source   string         `json:"source"` // without credentials
	Target   string         `json:"target"`
	CloneURL string         `json:"clone_url"`
	Status   string         `json:"status"`
	Error    string         `json:"error"` // one line; "" unless failed
	Layout   Layout         `json:"layout"`
	Refs     RefCounts      `json:"refs"`
	Objects  ObjectCounts   `json:"objects"`
	LFS      LFSCounts      `json:"lfs"`
	Bytes    ByteCounts     `json:"bytes"`
	Requests store.Requests `json:"requests"`
	Seconds  float64        `json:"seconds"`

	// Packs is how many packs the mirror holds after the run.
	Packs int `json:"-"`
	// Err is the error whose text Error is.
	Err error `json:"-"`
}

// RefCounts compares the refs with those of the run before.
type RefCounts struct {
	Total   int `json:"total"`
	Added   int `json:"added"`
	Updated int `json:"updated"`
	Deleted int `json:"deleted"`
}

// ObjectCounts counts the objects that this run received; InMirror those
// that the mirror holds after it.
type ObjectCounts struct {
	Commit   int64 `json:"commit"`
	Tree     int64 `json:"tree"`
	Blob     int64 `json:"blob"`
	Tag      int64 `json:"tag"`
	Total    int64 `json:"total"`
	Deltas   int64 `json:"deltas"`
	InMirror int64 `json:"in_mirror"`
}

// LFSCounts counts Git LFS objects.
type LFSCounts struct {
	Total    int64 `json:"total"`
	Uploaded int64 `json:"uploaded"`
	Skipped  int64 `json:"skipped"`
	Bytes    int64 `json:"bytes"`
}

// ByteCounts are bytes over the network: from the source, to the store, and
// back from what was staged there.
type ByteCounts struct {
	Fetched  int64 `json:"fetched"`
	Uploaded int64 `json:"uploaded"`
	ReadBack int64 `json:"read_back"`
}

// Progress is the state of a mirror under way. Everything only grows, and may
// be read at any time.
type Progress struct {
	phase atomic.Pointer[string]
	pack.Progress
	Stored   atomic.Int64 // loose objects written
	Fetched  atomic.Int64 // bytes from the source
	Uploaded atomic.Int64 // bytes to the store
	LFS      transfer.Progress
	done     atomic.Pointer[Result]
}

// Phase is what the mirror is doing, in a word or two.
func (p *Progress) Phase() string {
	if s := p.phase.Load(); s != nil {
		return *s
	}
	return "waiting"
}

// Result is the mirror's result once it has ended, nil before.
func (p *Progress) Result() *Result { return p.done.Load() }

func (p *Progress) setPhase(s string) { p.phase.Store(&s) }
