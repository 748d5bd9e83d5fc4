package transfer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store/memstore"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/batch"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/endpoint"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/pointer"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/transfer"
)

// quick makes waits between attempts short.
func quick() backoff.BackOff { return backoff.NewConstantBackOff(time.Millisecond) }

type fixture struct {
	*testserver.LFS
	store       *memstore.Store
	set         pointer.Set
	credentials batch.Credentials
	config      transfer.Config
	own         bool
}

func newFixture(t *testing.T) *fixture {
	f := &fixture{LFS: testserver.NewLFS(t), store: memstore.New(), own: true}
	f.config = transfer.Config{Pace: quick, Stall: 5 * time.Second}
	return f
}

// add makes the server and the set have an object.
func (f *fixture) add(content string, fault testserver.Fault) string {
	oid := f.Add([]byte(content), fault)
	f.set.Add(pointer.Pointer{OID: oid, Size: int64(len(content))})
	return oid
}

func (f *fixture) run(t *testing.T) (transfer.Counts, error) {
	t.Helper()
	e, err := endpoint.Find(f.URL+"/repo", nil)
	if err != nil {
		t.Fatal(err)
	}
	e.Own = f.own
	f.config.Store = f.store
	f.config.Server = batch.New(batch.Config{Endpoint: e, HTTP: f.Client(), Credentials: f.credentials})
	counts, err := transfer.Run(t.Context(), f.config, &f.set)
	f.check(t)
	return counts, err
}

// check asserts that everything stored is what its name says, and that the
// secrets went only where they belong.
func (f *fixture) check(t *testing.T) {
	t.Helper()
	for _, key := range f.store.Keys() {
		o, _ := f.store.Object(key)
		sum := sha256.Sum256(o.Data)
		if want := pointer.Key(hex.EncodeToString(sum[:])); key != want {
			t.Errorf("%s holds what belongs to %s", key, want)
		}
	}
	if n := f.store.Uploads(); n != 0 {
		t.Errorf("%d uploads left open", n)
	}
	for _, r := range f.Requests() {
		headers := fmt.Sprint(r.Header)
		if r.Server == "other" && (strings.Contains(headers, testserver.LFSSecret) ||
			r.Header.Get("Authorization") != "" || r.Header.Get("Referer") != "") {
			t.Errorf("the other host was sent %v", r.Header)
		}
		if strings.HasSuffix(r.Path, "/batch") && strings.Contains(headers, testserver.LFSSecret) {
			t.Errorf("the batch API was sent an action's header: %v", r.Header)
		}
	}
}

func (f *fixture) stored(oid string) bool {
	_, ok := f.store.Object(pointer.Key(oid))
	return ok
}

func TestRun(t *testing.T) {
	f := newFixture(t)
	var want int64
	for i := range 250 { // three calls of the batch API
		content := strings.Repeat(fmt.Sprint(i, " "), i+1)
		f.add(content, testserver.NoFault)
		want += int64(len(content))
	}
	f.set.Add(pointer.Pointer{OID: pointer.EmptyOID}) // the server doesn't have it
	counts, err := f.run(t)
	if wanted := (transfer.Counts{Total: 251, Uploaded: 251, Bytes: want}); err != nil || counts != wanted {
		t.Fatalf("first run: %+v, %v", counts, err)
	}
	if n := len(f.store.Keys()); n != 251 {
		t.Errorf("%d objects stored", n)
	}

	f.store.Forget()
	counts, err = f.run(t)
	if wanted := (transfer.Counts{Total: 251, Skipped: 251}); err != nil || counts != wanted {
		t.Errorf("second run: %+v, %v", counts, err)
	}
	if calls := f.store.Calls(); len(calls) != 1 || calls[0].Op != memstore.List {
		t.Errorf("the second run called the store for %v", calls)
	}
	if f.Asked() != 250 {
		t.Errorf("the server was asked for %d objects", f.Asked())
	}
}

func TestNothingToDo(t *testing.T) {
	f := newFixture(t)
	if counts, err := f.run(t); err != nil || counts != (transfer.Counts{}) || len(f.store.Calls()) != 0 {
		t.Errorf("%+v, %v", counts, err)
	}
}

// TestWrongSizeIsReplaced has an object of the wrong length in the store, as
// another tool may have left it.
func TestWrongSizeIsReplaced(t *testing.T) {
	f := newFixture(t)
	oid := f.add("hello", testserver.NoFault)
	if _, err := f.store.Put(t.Context(), pointer.Key(oid), strings.NewReader("hell"), 4, store.Options{}); err != nil {
		t.Fatal(err)
	}
	if counts, err := f.run(t); err != nil || counts.Uploaded != 1 {
		t.Errorf("%+v, %v", counts, err)
	}
}

// TestFaults runs each fault beside an object that is in order, twice.
func TestFaults(t *testing.T) {
	tests := []struct {
		name   string
		fault  testserver.Fault
		stored bool
		says   string // part of the error when it is not stored
	}{
		{"missing", testserver.Missing, false, "404: Object does not exist"},
		{"unmentioned", testserver.Unmentioned, false, "does not mention"},
		{"not http", testserver.NotHTTP, false, "no http(s) address"},
		{"gone", testserver.Gone, false, "HTTP 404"},
		{"unauthorized href", testserver.Hidden, false, "HTTP 401"},
		{"wrong hash", testserver.WrongHash, false, "another SHA-256"},
		{"wrong hash once", testserver.WrongHashOnce, true, ""},
		{"short", testserver.Short, false, "bytes"},
		{"short, unannounced", testserver.ShortChunked, false, "bytes"},
		{"long", testserver.Long, false, "bytes"},
		{"long, unannounced", testserver.LongChunked, false, "more bytes"},
		{"500 once", testserver.ErrorOnce, true, ""},
		{"429 once", testserver.BusyOnce, true, ""},
		{"expired", testserver.Expired, true, ""},
		{"expired early", testserver.ExpiredEarly, true, ""},
		{"cut", testserver.Cut, false, "unexpected EOF"},
		{"cut once", testserver.CutOnce, true, ""},
		{"elsewhere", testserver.Elsewhere, true, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			bad := f.add(strings.Repeat("content ", 9999), test.fault)
			good := f.add(strings.Repeat("good ", 9999), testserver.NoFault)
			counts, err := f.run(t)
			if f.stored(bad) != test.stored || !f.stored(good) {
				t.Errorf("stored: %v and %v", f.stored(bad), f.stored(good))
			}
			if test.stored {
				if err != nil || counts.Uploaded != 2 {
					t.Errorf("%+v, %v", counts, err)
				}
				return
			}
			var incomplete *transfer.Incomplete
			if !errors.As(err, &incomplete) || counts.Failed != 1 || counts.Uploaded != 1 ||
				!strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), bad) {
				t.Errorf("%+v, error %v", counts, err)
			}
			if m := incomplete.Missing; len(m) != 1 || m[0].OID != bad {
				t.Errorf("missing are %v", m)
			}
			if counts, err := f.run(t); err == nil || counts.Failed != 1 || counts.Skipped != 1 || f.stored(bad) {
				t.Errorf("second run: %+v, %v", counts, err)
			}
		})
	}
}

// TestWrongContentIsTriedTwice and no more.
func TestWrongContentIsTriedTwice(t *testing.T) {
	f := newFixture(t)
	oid := f.add("content", testserver.WrongHash)
	f.config.Store = f.store
	e, _ := endpoint.Find(f.URL+"/repo", nil)
	f.config.Server = batch.New(batch.Config{Endpoint: e, HTTP: f.Client()})
	if _, err := transfer.Run(t.Context(), f.config, &f.set); err == nil {
		t.Error("no error")
	}
	n := 0
	for _, r := range f.Requests() {
		if strings.HasSuffix(r.Path, oid) {
			n++
		}
	}
	if n != 2 {
		t.Errorf("downloaded %d times", n)
	}
}

// TestSizes has pointers that disagree about an object, absurdly too.
func TestSizes(t *testing.T) {
	f := newFixture(t)
	oid := f.Add([]byte("content"), testserver.NoFault)
	f.set.Add(pointer.Pointer{OID: oid, Size: 1<<63 - 1})
	f.set.Add(pointer.Pointer{OID: oid, Size: 0})
	f.set.Add(pointer.Pointer{OID: oid, Size: 7})
	counts, err := f.run(t)
	if want := (transfer.Counts{Total: 1, Uploaded: 1, Bytes: 7}); err != nil || counts != want {
		t.Errorf("%+v, %v", counts, err)
	}
	absurd := f.Add([]byte("absurd"), testserver.Gone)
	f.set.Add(pointer.Pointer{OID: absurd, Size: 1<<63 - 1})
	if counts, err := f.run(t); err == nil || counts.Failed != 1 || f.stored(absurd) {
		t.Errorf("%+v, %v", counts, err)
	}
}

// TestOneBadOfMany has a server that refuses whole calls for one object.
func TestOneBadOfMany(t *testing.T) {
	f := newFixture(t)
	for i := range 99 {
		f.add(fmt.Sprint("content ", i), testserver.NoFault)
	}
	f.set.Add(pointer.Pointer{OID: strings.Repeat("ab", 32), Size: 1<<63 - 1})
	f.Batch = func(w http.ResponseWriter, r *http.Request) bool {
		return testserver.RefuseOversized(w, r, 1<<40)
	}
	counts, err := f.run(t)
	if counts.Uploaded != 99 || counts.Failed != 1 || err == nil || !strings.Contains(err.Error(), "HTTP 422") {
		t.Errorf("%+v, %v", counts, err)
	}
}

// TestServerErrors are about the batch API as a whole.
func TestServerErrors(t *testing.T) {
	answer := func(code int, header, value, body string, times int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			if times--; times < 0 {
				return false
			}
			w.Header().Set(header, value)
			w.WriteHeader(code)
			fmt.Fprint(w, body)
			return true
		}
	}
	tests := []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request) bool
		says   string // "" when it succeeds
	}{
		{"500 once", answer(500, "X", "y", "", 1), ""},
		{"503 with Retry-After", answer(503, "Retry-After", "1", "", 1), ""},
		{"429 for a day", answer(429, "Retry-After", "86400", "", 1), "HTTP 429"},
		{"500 for ever", answer(500, "X", "y", "", 1e6), "HTTP 500"},
		{"404", answer(404, "X", "y", `{"message":"Not\nFound"}`, 1e6), "HTTP 404: Not Found; there is no LFS server"},
		{"501", answer(501, "X", "y", "", 1e6), "no Git LFS"},
		{"403", answer(403, "X", "y", `{"message":"no"}`, 1e6), "HTTP 403: no"},
		{"401", answer(401, "WWW-Authenticate", "Basic", "", 1e6), "wants credentials"},
		{"HTML", answer(200, "X", "y", "<html>", 1e6), "not that of a Git LFS server"},
		{"no objects", answer(200, "X", "y", "{}", 1e6), "does not mention"},
		{"too long", answer(200, "X", "y", strings.Repeat(" ", 9<<20), 1e6), "longer than"},
		{"tus", answer(200, "X", "y", `{"transfer":"tus"}`, 1e6), "transfer \"tus\""},
		{"sha512", answer(200, "X", "y", `{"hash_algo":"sha512"}`, 1e6), "hash is \"sha512\""},
		{"redirect loop", answer(307, "Location", "/objects/batch", "", 1e6), "redirected too often"},
		{"redirect to a file", answer(307, "Location", "file:///etc/passwd", "", 1e6), "no http(s) address"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			f.add("one", testserver.NoFault)
			f.add("two", testserver.NoFault)
			f.Batch = test.answer
			counts, err := f.run(t)
			if test.says == "" {
				if err != nil || counts.Uploaded != 2 {
					t.Errorf("%+v, %v", counts, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.says) || counts.Failed != 2 || strings.Contains(err.Error(), "\n") {
				t.Errorf("%+v, error %v", counts, err)
			}
		})
	}
}

func TestRetryAfterIsRespected(t *testing.T) {
	f := newFixture(t)
	f.add("content", testserver.BusyOnce)
	begun := time.Now()
	if _, err := f.run(t); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took < time.Second {
		t.Errorf("tried again after %v, asked for 1 s", took)
	}
}

func TestCredentials(t *testing.T) {
	password := batch.Credentials{User: "u", Password: "source-secret"}
	for _, test := range []struct {
		name        string
		credentials batch.Credentials
		own, works  bool
	}{
		{"own server", password, true, true},
		{"another server", password, false, false},
		{"wrong", batch.Credentials{User: "u", Password: "wrong"}, true, false},
		{"none", batch.Credentials{}, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			f.User, f.Password = "u", "source-secret"
			f.add("content", testserver.NoFault)
			f.add("elsewhere", testserver.Elsewhere)
			f.credentials, f.own = test.credentials, test.own
			_, err := f.run(t)
			if (err == nil) != test.works {
				t.Errorf("error %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

// TestBatchRedirectedElsewhere has an endpoint that redirects to another
// host, which asks for credentials.
func TestBatchRedirectedElsewhere(t *testing.T) {
	f := newFixture(t)
	f.add("content", testserver.NoFault)
	f.User, f.Password = "u", "source-secret"
	f.credentials = batch.Credentials{User: "u", Password: "source-secret"}
	asked := 0
	f.Other.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.Header.Get("Authorization") != "" || r.Method != http.MethodPost {
			t.Errorf("%s with %v", r.Method, r.Header)
		}
		w.Header().Set("WWW-Authenticate", "Basic")
		w.WriteHeader(http.StatusUnauthorized)
	})
	f.Batch = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, f.Other.URL+"/objects/batch", http.StatusFound)
		return true
	}
	if _, err := f.run(t); err == nil || asked == 0 {
		t.Errorf("error %v, the other host was asked %d times", err, asked)
	}
}

// TestStoreFails: a store that can't be written to ends the run; it is no
// matter of single objects.
func TestStoreFails(t *testing.T) {
	for _, op := range []memstore.Op{memstore.List, memstore.Put} {
		t.Run(string(op), func(t *testing.T) {
			f := newFixture(t)
			f.store.Fault = func(c memstore.Call) memstore.Fault {
				if c.Op == op {
					return memstore.Fault{Before: memstore.ErrInjected}
				}
				return memstore.Fault{}
			}
			for i := range 30 {
				f.add(fmt.Sprint("content ", i), testserver.NoFault)
			}
			_, err := f.run(t)
			var incomplete *transfer.Incomplete
			if !errors.Is(err, memstore.ErrInjected) || errors.As(err, &incomplete) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestStoreFailsOnce: a store's lost answer is no loss.
func TestStoreFailsOnce(t *testing.T) {
	for _, stored := range []bool{false, true} {
		f := newFixture(t)
		f.store.Fault = memstore.FailNth(2, stored)
		for i := range 10 {
			f.add(fmt.Sprint("content ", i), testserver.NoFault)
		}
		if counts, err := f.run(t); err != nil || counts.Uploaded != 10 {
			t.Errorf("%+v, %v", counts, err)
		}
	}
}

func TestStalled(t *testing.T) {
	f := newFixture(t)
	f.config.Stall = 20 * time.Millisecond
	oid := f.add(strings.Repeat("content ", 9999), testserver.Stalled)
	_, err := f.run(t)
	if err == nil || !strings.Contains(err.Error(), "stopped sending") || f.stored(oid) {
		t.Errorf("error %v", err)
	}
}

func TestCancel(t *testing.T) {
	f := newFixture(t)
	f.add(strings.Repeat("content ", 9999), testserver.Stalled)
	ctx, cancel := context.WithCancel(t.Context())
	f.config.Store = f.store
	e, _ := endpoint.Find(f.URL+"/repo", nil)
	f.config.Server = batch.New(batch.Config{Endpoint: e, HTTP: f.Client()})
	time.AfterFunc(30*time.Millisecond, cancel)
	if _, err := transfer.Run(ctx, f.config, &f.set); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestManyFailures(t *testing.T) {
	f := newFixture(t)
	for i := range 20 {
		f.add(fmt.Sprint("content ", i), testserver.Missing)
	}
	_, err := f.run(t)
	var incomplete *transfer.Incomplete
	if !errors.As(err, &incomplete) || incomplete.Failed != 20 || len(incomplete.Errs) != 5 || len(incomplete.Missing) != 20 ||
		!strings.HasPrefix(err.Error(), "20 of 20 LFS objects") || !strings.HasSuffix(err.Error(), "and more") {
		t.Errorf("error %v", err)
	}
}

// TestHeaders of stored objects.
func TestHeaders(t *testing.T) {
	f := newFixture(t)
	oid := f.add("content", testserver.NoFault)
	if _, err := f.run(t); err != nil {
		t.Fatal(err)
	}
	o, _ := f.store.Object(pointer.Key(oid))
	if o.Options.ContentType != "application/octet-stream" || !strings.Contains(o.Options.CacheControl, "immutable") ||
		o.Options.SHA256 != oid || !bytes.Equal(o.Data, []byte("content")) {
		t.Errorf("stored %+v", o)
	}
	if got := f.store.Keys(); !slices.Equal(got, []string{pointer.Key(oid)}) {
		t.Errorf("keys %q", got)
	}
}
