package memstore

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
)

// Op is a kind of call.
type Op string

// The kinds of calls. The methods of an Upload are calls of their own.
const (
	Get    Op = "get"
	List   Op = "list"
	Put    Op = "put"
	Copy   Op = "copy"
	Delete Op = "delete"
	Upload Op = "upload"
	Write  Op = "write"
	Commit Op = "commit"
	Abort  Op = "abort"
)

// Changes tells whether calls of this kind can change what readers see.
func (o Op) Changes() bool {
	return o == Put || o == Copy || o == Delete || o == Commit
}

// Call is one call of the store.
type Call struct {
	Op   Op
	Key  string // of List: the prefix
	From string // of Copy: the source
	Err  error  // what it returned; nil while it has not
}

// Fault says what shall go wrong with a call. The zero value is nothing.
type Fault struct {
	// Before is returned by a call that does nothing.
	Before error
	// After is returned by a call that has done its work, as when the answer
	// was lost.
	After error
	// Cut ends the content that a Get reads: after CutAt bytes this error
	// comes.
	Cut   error
	CutAt int64
}

// ErrInjected is the error of the faults made by this package.
var ErrInjected = errors.New("injected fault")

// FailNth returns a Fault function under which the change numbered n, from 0,
// fails: done nevertheless if stored, otherwise not. Calls that change
// nothing aren't counted.
func FailNth(n int, stored bool) func(Call) Fault {
	return func(c Call) Fault {
		if !c.Op.Changes() {
			return Fault{}
		}
		n--
		if n == -1 {
			return failed(stored)
		}
		return Fault{}
	}
}

// CrashNth is like FailNth, but from that change on every call fails, as if
// the process had ended there.
func CrashNth(n int, stored bool) func(Call) Fault {
	return func(c Call) Fault {
		if n < 0 {
			return failed(false)
		}
		if !c.Op.Changes() {
			return Fault{}
		}
		n--
		if n < 0 {
			return failed(stored)
		}
		return Fault{}
	}
}

func failed(stored bool) Fault {
	if stored {
		return Fault{After: ErrInjected}
	}
	return Fault{Before: ErrInjected}
}

// Calls returns the calls so far, in the order in which they took effect.
func (s *Store) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Forget empties what Calls returns.
func (s *Store) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
}

// call does one call under the lock, with its fault, and remembers it.
func (s *Store) call(ctx context.Context, c Call, do func(Fault) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var f Fault
	if s.Fault != nil {
		f = s.Fault(c)
	}
	switch {
	case ctx.Err() != nil:
		c.Err = ctx.Err()
	case f.Before != nil:
		c.Err = f.Before
	default:
		if c.Err = do(f); c.Err == nil {
			c.Err = f.After
		}
	}
	s.calls = append(s.calls, c)
	return c.Err
}

// cut returns a body that ends as the fault says.
func (f Fault) cut(data []byte) io.ReadCloser {
	if f.Cut == nil {
		return io.NopCloser(bytes.NewReader(data))
	}
	data = data[:min(f.CutAt, int64(len(data)))]
	return io.NopCloser(io.MultiReader(bytes.NewReader(data), failing{f.Cut}))
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
