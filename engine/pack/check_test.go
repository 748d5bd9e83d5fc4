package pack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
)

// memStaged is a Staged in memory that counts what happens to it.
type memStaged struct {
	buf                bytes.Buffer
	commits, aborts    int
	failWrite          error // once more than failAfter bytes were written
	failAfter          int
	failCommit, failAt error
	read, reads        atomic.Int64
}

func (m *memStaged) Write(b []byte) (int, error) {
	if m.commits+m.aborts > 0 {
		return 0, errors.New("written after its end")
	}
	if m.failWrite != nil && m.buf.Len()+len(b) > m.failAfter {
		return 0, m.failWrite
	}
	return m.buf.Write(b)
}

func (m *memStaged) Commit() (io.ReaderAt, error) {
	if m.failCommit != nil {
		return nil, m.failCommit
	}
	m.commits++
	return m, nil
}

func (m *memStaged) Abort() { m.aborts++ }

func (m *memStaged) ReadAt(b []byte, off int64) (int, error) {
	if m.commits != 1 {
		return 0, errors.New("read before its end")
	}
	if m.failAt != nil {
		return 0, m.failAt
	}
	m.reads.Add(1)
	n, err := bytes.NewReader(m.buf.Bytes()).ReadAt(b, off)
	m.read.Add(int64(n))
	return n, err
}

// reception is one Receive and everything that it called.
type reception struct {
	Config
	reader func(io.Reader) io.Reader
	wrap   func(Config) Config // last changes

	spool  *memStaged
	mu     sync.Mutex
	staged []*memStaged
	found  map[object.ID]int
	small  int
	large  int
	open   int // large objects neither closed nor aborted
	wrong  error
	done   atomic.Bool

	readBack int64 // of the spool
}

func (r *reception) fail(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wrong == nil {
		r.wrong = fmt.Errorf(format, args...)
	}
}

// receive runs it. What is wrong with the calls that it made is in r.wrong.
func (r *reception) receive(ctx context.Context, p []byte) (*Index, error) {
	r.found = map[object.ID]int{}
	if r.spool == nil {
		r.spool = &memStaged{}
	}
	c := r.Config
	c.Spool = r.spool
	c.Staging = func(string) (Staged, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		m := &memStaged{}
		r.staged = append(r.staged, m)
		return m, nil
	}
	c.Object = r.object
	c.Large = func(t object.Type, size int64) (LargeWriter, error) {
		r.open++
		return &largeCheck{r: r, t: t, size: size}, nil
	}
	if r.wrap != nil {
		c = r.wrap(c)
	}
	var in io.Reader = bytes.NewReader(p)
	if r.reader != nil {
		in = r.reader(in)
	}
	x, err := Receive(ctx, in, c)
	r.done.Store(true)
	if r.open > 0 {
		r.fail("%d large objects neither closed nor aborted", r.open)
	}
	return x, err
}

func (r *reception) object(o Object) error {
	if r.done.Load() {
		r.fail("object %x after the end", o.ID)
	}
	id := r.Format.Hash(o.Type, o.Content)
	if id != object.IDOf(o.ID) {
		r.fail("object %x: its %s hashes to %s", o.ID, o.Type, id)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found[id]++
	r.small++
	return nil
}

type largeCheck struct {
	r    *reception
	t    object.Type
	size int64
	buf  bytes.Buffer
}

func (l *largeCheck) Write(b []byte) (int, error) {
	if l.size < 1<<30 { // what claims more is a bomb that nothing is kept of
		l.buf.Write(b)
	}
	return len(b), nil
}

func (l *largeCheck) Close(id []byte) error {
	if got := l.r.Format.Hash(l.t, l.buf.Bytes()); got != object.IDOf(id) || int64(l.buf.Len()) != l.size {
		l.r.fail("large object %x: got %d bytes, want %d, that hash to %s", id, l.buf.Len(), l.size, got)
	}
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	l.r.found[object.IDOf(id)]++
	l.r.large++
	l.r.open--
	return nil
}

func (l *largeCheck) Abort() { l.r.open-- }

// setup is one way to receive a pack.
type setup struct {
	memory  int64
	workers int
	shrink  uint
	reader  string
}

func (s setup) String() string {
	return fmt.Sprintf("memory=%d workers=%d shrink=%d reader=%s", s.memory, s.workers, s.shrink, s.reader)
}

var readers = map[string]func(io.Reader) io.Reader{
	"whole":   func(r io.Reader) io.Reader { return r },
	"byte":    iotest.OneByteReader,
	"half":    iotest.HalfReader,
	"dataErr": iotest.DataErrReader,
	"random":  func(r io.Reader) io.Reader { return &randomReader{r, newRand(7)} },
}

// randomReader returns between nothing and a few KiB a time.
type randomReader struct {
	r io.Reader
	n *rand.Rand
}

func (r *randomReader) Read(b []byte) (int, error) {
	return r.r.Read(b[:min(len(b), r.n.IntN(4096))])
}

func (s setup) reception(f object.Format) *reception {
	return &reception{
		Config: Config{Format: f, Memory: s.memory, Workers: s.workers, shrink: s.shrink},
		reader: readers[s.reader],
	}
}

// setups are the ways in which every good pack is received.
func setups(size int) []setup {
	all := []setup{
		{0, 2, 0, "whole"},
		{0, 1, 0, "dataErr"},
		{MinMemory, 8, 0, "random"},
		{1, 1, 6, "half"},
		{1, 2, 8, "whole"},
		{1, 8, 8, "random"},
		{256 << 10, 2, 8, "dataErr"},
		{1 << 20, 1, 8, "whole"},
	}
	if size < 1<<20 {
		all = append(all, setup{0, 2, 0, "byte"}, setup{1, 2, 8, "byte"})
	}
	return all
}

// checkGood receives a pack in one way, and compares everything with what git
// says about it.
func checkGood(t *testing.T, f object.Format, p, idx []byte, s setup) *reception {
	t.Helper()
	r := s.reception(f)
	x, err := r.receive(t.Context(), p)
	if err != nil {
		t.Fatalf("%v: %v", s, err)
	}
	if r.wrong != nil {
		t.Fatalf("%v: %v", s, r.wrong)
	}
	var got bytes.Buffer
	if err := x.WriteIdx(&got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), idx) {
		t.Errorf("%v: the index is not git's", s)
	}
	checkIndex(t, x, r, p)
	checkStaged(t, x, r, p)
	x.Release()
	for b := range x.IDs { // one will do
		if typ, content, err := x.Content(object.IDOf(b), 64<<20); err != nil || f.Hash(typ, content) != object.IDOf(b) {
			t.Errorf("Content(%x) after Release: %v", b, err)
		}
		break
	}
	if t.Failed() {
		t.Fatalf("with %v", s)
	}
	return r
}

// checkIndex compares the index with the objects that were announced.
func checkIndex(t *testing.T, x *Index, r *reception, p []byte) {
	t.Helper()
	last, n := object.ID(""), 0
	ids := map[object.ID]int{}
	for b := range x.IDs {
		id := object.IDOf(b)
		if id < last {
			t.Errorf("id %s after %s", id, last)
		}
		last = id
		ids[id]++
		n++
	}
	for id, k := range ids {
		if r.found[id] != k {
			t.Errorf("%s stands in the pack %d times, and was announced %d times", id, k, r.found[id])
		}
		if !x.Has(id) {
			t.Errorf("Has(%s) is false", id)
		}
	}
	if len(r.found) != len(ids) {
		t.Errorf("%d objects were announced, %d are in the index", len(r.found), len(ids))
	}
	c := x.Counts
	if c.Total != int64(n) || c.Commit+c.Tree+c.Blob+c.Tag != c.Total || r.small+r.large != n {
		t.Errorf("counts %+v, announced %d and %d, entries %d", c, r.small, r.large, n)
	}
	if x.Has(r.Format.Hash(object.Blob, []byte("not in any pack"))) {
		t.Error("Has an object that is not there")
	}
	if x.Size != int64(len(p)) || x.Trailer != object.IDOf(p[len(p)-r.Format.Size():]) {
		t.Errorf("size %d, trailer %s", x.Size, x.Trailer)
	}
	some := 0
	for id := range ids {
		if some++; some > 20 {
			break
		}
		typ, b, err := x.Content(id, 64<<20)
		if err != nil || r.Format.Hash(typ, b) != id {
			t.Errorf("Content(%s): %v", id, err)
		}
	}
}

func checkStaged(t *testing.T, x *Index, r *reception, p []byte) {
	t.Helper()
	if r.spool.commits != 1 || r.spool.aborts != 0 {
		t.Errorf("the spool was committed %d times, aborted %d times", r.spool.commits, r.spool.aborts)
	}
	if !bytes.Equal(r.spool.buf.Bytes(), p) {
		t.Error("the spool does not hold the pack")
	}
	r.readBack = r.spool.read.Load()
	read := r.readBack
	for _, m := range r.staged {
		if m.commits != 1 || m.aborts != 0 {
			t.Errorf("a staged content was committed %d times, aborted %d times", m.commits, m.aborts)
		}
		read += m.read.Load()
	}
	if x.ReadBack != read {
		t.Errorf("ReadBack is %d, %d bytes were read", x.ReadBack, read)
	}
	if n := r.readBack; int64(len(p)) <= x.rc.kept.limit-int64(x.rc.lim.page) && n > 0 {
		t.Errorf("%d bytes were read back of a pack that fits in memory", n)
	}
}

// checkBad receives a pack that must be refused, quickly and without a trace.
func checkBad(t *testing.T, r *reception, p []byte) error {
	t.Helper()
	before := runtime.NumGoroutine()
	start := time.Now()
	x, err := r.receive(t.Context(), p)
	if err == nil {
		t.Fatalf("accepted: %+v", x.Counts)
	}
	if x != nil {
		t.Error("an index and an error")
	}
	if r.wrong != nil {
		t.Error(r.wrong)
	}
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("it took %v to refuse", d)
	}
	if r.spool.commits == 0 && r.spool.aborts == 0 {
		t.Error("the spool was neither committed nor aborted")
	}
	if n := settled(before); n > before {
		t.Errorf("%d goroutines are left over", n-before)
	}
	return err
}

// settled returns the number of goroutines once it is down to want, or a
// second later: those that have done their work take a moment to end.
func settled(want int) int {
	n := runtime.NumGoroutine()
	for end := time.Now().Add(time.Second); n > want && time.Now().Before(end); n = runtime.NumGoroutine() {
		runtime.Gosched()
	}
	return n
}
