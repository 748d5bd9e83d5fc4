package testserver

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Fault is what goes wrong with an object of an LFS server.
type Fault int

// The faults. Those called Once end after the first time.
const (
	NoFault       Fault = iota
	Missing             // the batch answer has a 404 for it
	Unmentioned         // the batch answer leaves it out
	Gone                // its href answers 404
	WrongHash           // other bytes of the same number
	WrongHashOnce       //
	Short               // fewer bytes
	ShortChunked        // the same without Content-Length
	Long                // more bytes
	LongChunked         // the same without Content-Length
	ErrorOnce           // its href answers 500
	BusyOnce            // its href answers 429 with Retry-After: 1
	Expired             // its first action has expired, and its href says so
	ExpiredEarly        // the same, though the action says otherwise
	Cut                 // the connection ends in the middle
	CutOnce             //
	Elsewhere           // its href redirects to the other host
	Hidden              // its href answers 401
	NotHTTP             // its href is ftp://
	Stalled             // nothing comes after the first half
)

// LFS is a Git LFS server on loopback, for downloads only. Its actions have
// headers, without which their hrefs answer 401.
type LFS struct {
	*httptest.Server
	// Other is another host, which objects with the fault Elsewhere are on.
	Other *httptest.Server
	// User and Password are wanted for the batch API unless User is "".
	User, Password string
	// Batch, when set, may answer a call of the batch API itself, and then
	// returns true.
	Batch func(w http.ResponseWriter, r *http.Request) bool

	mu       sync.Mutex
	objects  map[string]*lfsObject
	requests []LFSRequest
	asked    int // objects asked for in all calls
}

type lfsObject struct {
	size  int64
	open  func() io.Reader
	fault Fault
	count int // times the href was asked for
	fresh int // times the batch API was asked for it
}

// LFSRequest is a request that a server has received.
type LFSRequest struct {
	Server string // "lfs" or "other"
	Method string
	Path   string
	Header http.Header
}

// LFSSecret is in the headers of each action, and in nothing else.
const LFSSecret = "action-secret"

// NewLFS starts a server without objects; it ends with the test.
func NewLFS(t testing.TB) *LFS {
	l := &LFS{objects: make(map[string]*lfsObject)}
	l.Server = httptest.NewServer(l.log("lfs", http.HandlerFunc(l.serve)))
	t.Cleanup(l.Server.Close)
	l.Other = httptest.NewServer(l.log("other", http.HandlerFunc(l.serveOther)))
	t.Cleanup(l.Other.Close)
	return l
}

// Add makes the server have content, and returns its oid.
func (l *LFS) Add(content []byte, fault Fault) string {
	sum := sha256.Sum256(content)
	oid := hex.EncodeToString(sum[:])
	l.AddReader(oid, int64(len(content)), func() io.Reader { return bytes.NewReader(content) }, fault)
	return oid
}

// AddReader makes the server have an object that open reads.
func (l *LFS) AddReader(oid string, size int64, open func() io.Reader, fault Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.objects[oid] = &lfsObject{size: size, open: open, fault: fault}
}

// Beside answers for the LFS servers of all repositories that next serves. It
// is a Middleware.
func (l *LFS) Beside(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/info/lfs/") {
			l.Config.Handler.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Requests returns what was received so far, and forgets it.
func (l *LFS) Requests() []LFSRequest {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.requests
	l.requests = nil
	return all
}

// Asked is how many objects the batch API was asked for.
func (l *LFS) Asked() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.asked
}

func (l *LFS) log(server string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		l.requests = append(l.requests, LFSRequest{server, r.Method, r.URL.Path, r.Header.Clone()})
		l.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

func (l *LFS) serve(w http.ResponseWriter, r *http.Request) {
	switch oid, content := strings.CutPrefix(r.URL.Path, "/content/"); {
	case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/objects/batch"):
		l.serveBatch(w, r)
	case r.Method == http.MethodGet && content:
		l.serveContent(w, r, oid)
	default:
		http.NotFound(w, r)
	}
}

// object counts one more visit and returns a copy of what is known.
func (l *LFS) object(oid string, batch bool) (lfsObject, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o, ok := l.objects[oid]
	if !ok {
		return lfsObject{}, false
	}
	if batch {
		o.fresh++
		l.asked++
	} else {
		o.count++
	}
	return *o, true
}

func (l *LFS) serveContent(w http.ResponseWriter, r *http.Request, oid string) {
	o, ok := l.object(oid, false)
	first := o.count == 1
	switch {
	case !ok || o.fault == Gone:
		http.Error(w, `{"message":"gone"}`, http.StatusNotFound)
	case r.Header.Get("X-Lfs-Secret") != LFSSecret || o.fault == Hidden:
		w.Header().Set("WWW-Authenticate", `Basic realm="lfs"`)
		http.Error(w, "no secret", http.StatusUnauthorized)
	case o.fault == ErrorOnce && first:
		http.Error(w, "a bad moment", http.StatusInternalServerError)
	case o.fault == BusyOnce && first:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too busy", http.StatusTooManyRequests)
	case (o.fault == Expired || o.fault == ExpiredEarly) && r.URL.Query().Get("fresh") == "1":
		http.Error(w, "request has expired", http.StatusForbidden)
	case o.fault == Elsewhere:
		http.Redirect(w, r, l.Other.URL+r.URL.Path+"?signed=1", http.StatusFound)
	case o.fault == Short:
		write(w, o.open(), o.size-1, o.size-1)
	case o.fault == ShortChunked:
		write(w, o.open(), -1, o.size-1)
	case o.fault == Long:
		write(w, io.MultiReader(o.open(), strings.NewReader("more")), o.size+4, o.size+4)
	case o.fault == LongChunked:
		write(w, io.MultiReader(o.open(), strings.NewReader("more")), -1, o.size+4)
	case o.fault == Stalled:
		_, _ = io.CopyN(w, o.open(), o.size/2)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	case o.fault == WrongHash || o.fault == WrongHashOnce && first:
		write(w, io.MultiReader(strings.NewReader("?"), o.open()), o.size, o.size)
	case o.fault == Cut || o.fault == CutOnce && first:
		write(w, o.open(), o.size, o.size/2)
	default:
		write(w, o.open(), o.size, o.size)
	}
}

func (l *LFS) serveOther(w http.ResponseWriter, r *http.Request) {
	o, ok := l.object(strings.TrimPrefix(r.URL.Path, "/content/"), false)
	if !ok {
		http.NotFound(w, r)
		return
	}
	write(w, o.open(), o.size, o.size)
}

// write promises so many bytes, -1 being nothing, and sends so many.
func write(w http.ResponseWriter, r io.Reader, promised, sent int64) {
	if promised >= 0 {
		w.Header().Set("Content-Length", fmt.Sprint(promised))
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if _, err := io.CopyN(w, r, sent); err != nil || sent < promised {
		panic(http.ErrAbortHandler)
	}
	_ = http.NewResponseController(w).Flush() // or short ones get a length
}

// expiry is what an action of the object says.
func (o lfsObject) expiry() string {
	if o.fault == Expired && o.fresh == 1 {
		return time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)
	}
	return time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
}
