package remote_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/pktline"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/refs"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/remote"
)

const (
	banner = "# service=git-upload-pack\n"
	flush  = "0000"
	delim  = "0001"
)

var (
	idA = strings.Repeat("a1", 20)
	idB = strings.Repeat("b2", 20)
)

// pkt frames each text as a line; flush and delim stay as they are.
func pkt(lines ...string) string {
	var b bytes.Buffer
	w := pktline.NewWriter(&b)
	for _, l := range lines {
		switch l {
		case flush:
			w.Flush()
		case delim:
			w.Delim()
		default:
			w.Data([]byte(l))
		}
	}
	return b.String()
}

// canned answers the first request, and those to git-upload-pack, from texts.
type canned struct {
	advertisement string
	result        string // to git-upload-pack
	contentType   string // of the advertisement; "" is the right one
	status        int
}

func (c canned) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, text := "advertisement", c.advertisement
	if r.Method == http.MethodPost {
		io.Copy(io.Discard, r.Body)
		kind, text = "result", c.result
	}
	w.Header().Set("Content-Type", "application/x-git-upload-pack-"+kind)
	if c.contentType != "" {
		w.Header().Set("Content-Type", c.contentType)
	}
	if c.status != 0 {
		w.WriteHeader(c.status)
	}
	io.WriteString(w, text)
}

func start(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

var v2 = pkt("version 2\n", "agent=test\n", "ls-refs=unborn\n", "fetch=shallow\n", flush)

func v0(lines ...string) string {
	return pkt(append(append([]string{banner, flush}, lines...), flush)...)
}

func TestAdvertisements(t *testing.T) {
	main := refs.Ref{Name: "refs/heads/main", ID: object.ID(idA)}
	dev := refs.Ref{Name: "refs/heads/dev", ID: object.ID(idB)}
	for _, test := range []struct {
		name string
		text string
		want refs.Snapshot
	}{
		{"version 2 with a banner", pkt(banner, flush) + v2, refs.Snapshot{}},
		{"more in the banner", pkt(banner, "more=x\n", flush, idA+" refs/heads/main\x00\n", flush), refs.Snapshot{Refs: []refs.Ref{main}}},
		{"no banner", pkt(idA+" refs/heads/main\x00\n", flush), refs.Snapshot{Refs: []refs.Ref{main}}},
		{"version 1", v0("version 1\n", idA+" refs/heads/main\x00\n"), refs.Snapshot{Refs: []refs.Ref{main}}},
		{"nothing at all", v0(), refs.Snapshot{}},
		{"version 1 of nothing", v0("version 1\n"), refs.Snapshot{}},
		{"capabilities only", v0(strings.Repeat("0", 40) + " capabilities^{}\x00 ofs-delta object-format=sha1\n"), refs.Snapshot{}},
		{"SHA-256 of nothing", v0(strings.Repeat("0", 64) + " capabilities^{}\x00 object-format=sha256\n"), refs.Snapshot{Format: object.SHA256}},
		{"no capabilities, no LF", v0(idA + " refs/heads/main"), refs.Snapshot{Refs: []refs.Ref{main}}},
		{"out of order, twice, and .have", v0(idA+" refs/heads/main\x00 x", idB+" refs/heads/dev\n", idB+" .have\n", idA+" refs/heads/main\n"),
			refs.Snapshot{Refs: []refs.Ref{dev, main}}},
		{"symbolic HEAD", v0(idA+" HEAD\x00symref=HEAD:refs/heads/other object-format=sha1\n", idA+" refs/heads/main\n"),
			refs.Snapshot{Head: refs.Head{Target: "refs/heads/other"}, Refs: []refs.Ref{main}}},
		{"detached HEAD at a branch", v0(idA+" HEAD\x00object-format=sha1\n", idA+" refs/heads/main\n"),
			refs.Snapshot{Head: refs.Head{ID: object.ID(idA)}, Refs: []refs.Ref{main}}},
		{"guessed HEAD", v0(idB+" HEAD\x00 side-band\n", idB+" refs/heads/dev\n", idA+" refs/heads/main\n"),
			refs.Snapshot{Head: refs.Head{Target: "refs/heads/dev"}, Refs: []refs.Ref{dev, main}}},
		{"guessed HEAD, several", v0(idA+" HEAD\x00 side-band\n", idA+" refs/heads/main\n", idA+" refs/heads/a\n"),
			refs.Snapshot{Head: refs.Head{Target: "refs/heads/main"}, Refs: []refs.Ref{{Name: "refs/heads/a", ID: object.ID(idA)}, main}}},
		{"HEAD at none", v0(idB+" HEAD\x00 side-band\n", idA+" refs/heads/main\n"),
			refs.Snapshot{Head: refs.Head{ID: object.ID(idB)}, Refs: []refs.Ref{main}}},
		{"tags, one peeled late", v0(idA+" refs/tags/a\x00\n", idB+" refs/tags/a^{}\n", idA+" refs/tags/b\n", idA+" refs/tags/c\n", idB+" refs/tags/b^{}\n"),
			refs.Snapshot{Refs: []refs.Ref{
				{Name: "refs/tags/a", ID: object.ID(idA), Peeled: object.ID(idB)},
				{Name: "refs/tags/b", ID: object.ID(idA), Peeled: object.ID(idB)},
				{Name: "refs/tags/c", ID: object.ID(idA)},
			}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := open(t, start(t, canned{advertisement: test.text, result: flush})).Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			sameSnapshot(t, got, test.want)
		})
	}
}

// TestHostileAnswers has an answer each that no server should give to the
// first request.
func TestHostileAnswers(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for _, test := range []struct {
		name   string
		server canned
		want   string
	}{
		{"empty", canned{}, "the answer is empty"},
		{"banner only", canned{advertisement: pkt(banner)}, "ended too early"},
		{"banner and flush only", canned{advertisement: pkt(banner, flush)}, "ended too early"},
		{"no flush at the end", canned{advertisement: pkt(banner, flush, idA+" refs/heads/main\x00\n")}, "ended too early"},
		{"cut in a line", canned{advertisement: v2[:len(v2)-10]}, "ended too early"},
		{"no pkt-line", canned{advertisement: "hello, world"}, "not git's protocol"},
		{"a page", canned{advertisement: "<html>", contentType: "text/html; charset=utf-8"}, "HTML page"},
		{"another type", canned{advertisement: "{}", contentType: "application/json"}, `content type "application/json", so it is no git server`},
		{"no type", canned{advertisement: v2, contentType: "x"}, "no git server"},
		{"dumb", canned{advertisement: idA + "\trefs/heads/main\n", contentType: "text/plain"}, "dumb protocol"},
		{"ERR", canned{advertisement: pkt("ERR \x1b[31mno such\r\n::error::repository\n")}, `the server says "[31mno such ::error::repository"`},
		{"ERR after the banner", canned{advertisement: pkt(banner, flush, "ERR denied")}, `the server says "denied"`},
		{"long ERR", canned{advertisement: pkt("ERR " + long)}, "xxx…\""},
		{"version 3", canned{advertisement: pkt("version 3\n", flush)}, `protocol version "3"`},
		{"version 2 without fetch", canned{advertisement: pkt("version 2\n", "ls-refs\n", flush)}, "without ls-refs and fetch"},
		{"version 2 without end", canned{advertisement: pkt("version 2\n", strings.Repeat(long, 10), strings.Repeat(long, 10), flush)}, "64 KiB of capabilities"},
		{"version 2, delimiter", canned{advertisement: pkt("version 2\n", delim)}, "delimiter among capabilities"},
		{"unknown format", canned{advertisement: pkt("version 2\n", "object-format=md5\n", flush)}, `object format "md5"`},
		{"unknown format in version 0", canned{advertisement: v0(idA + " refs/heads/main\x00object-format=md5\n")}, `object format "md5"`},
		{"id too short", canned{advertisement: v0("abc refs/heads/main\n")}, `ref "refs/heads/main" with an unusable object id "abc"`},
		{"id of another format", canned{advertisement: v0(strings.Repeat("a", 64) + " refs/heads/main\n")}, "want 40 hex digits"},
		{"id in uppercase", canned{advertisement: v0(strings.ToUpper(idA) + " refs/heads/main\n")}, "not lowercase hex"},
		{"zero id", canned{advertisement: v0(strings.Repeat("0", 40) + " refs/heads/main\n")}, "without an object"},
		{"HEAD without id", canned{advertisement: v0("x HEAD\n")}, `ref "HEAD" with an unusable`},
		{"no ref", canned{advertisement: v0("hello\n")}, `the line "hello" in place of a ref`},
		{"name with dots", canned{advertisement: v0(idA + " refs/heads/../../HEAD\n")}, `"refs/heads/../../HEAD"`},
		{"name outside", canned{advertisement: v0(idA + " ../config\n")}, `"../config"`},
		{"name with a control character", canned{advertisement: v0(idA + " refs/heads/a\x1b[2J\n")}, `"refs/heads/a\x1b[2J"`},
		{"name with LF", canned{advertisement: v0(idA + " refs/heads/a\n" + idA + "\trefs/heads/b\n")}, "forbidden character"},
		{"name with a space", canned{advertisement: v0(idA + " refs/heads/a b\n")}, `"refs/heads/a b"`},
		{"endless name", canned{advertisement: v0(idA + " refs/heads/" + long + "\n")}, "ref name of 5011 bytes"},
		{"symref outside", canned{advertisement: v0(idA + " HEAD\x00symref=HEAD:../../x\n")}, `"../../x"`},
		{"twice, different", canned{advertisement: v0(idA+" refs/heads/a\n", idB+" refs/heads/a\n")}, `"refs/heads/a" twice`},
		{"peeled without tag", canned{advertisement: v0(idA + " refs/tags/a^{}\n")}, `tag "refs/tags/a" without the tag`},
		{"peeled without id", canned{advertisement: v0(idA+" refs/tags/a\n", "x refs/tags/a^{}\n")}, "unusable"},
		{"delimiter", canned{advertisement: pkt(banner, flush, idA+" refs/heads/a\n", delim)}, "delimiter in a list of refs"},
		{"shallow", canned{advertisement: v0(idA+" refs/heads/a\n", "shallow "+idA)}, "shallow clone"},
	} {
		t.Run(test.name, func(t *testing.T) {
			url := start(t, test.server)
			_, err := remote.Open(t.Context(), url, quick())
			wantError(t, err, "opening "+url+": ", test.want)
			if n := len(err.Error()); n > 600 {
				t.Errorf("a message of %d bytes", n)
			}
		})
	}
}

func TestHostileLsRefs(t *testing.T) {
	for _, test := range []struct{ name, result, want string }{
		{"empty", "", "ended too early"},
		{"no flush", pkt(idA + " refs/heads/main\n"), "ended too early"},
		{"no pkt-line", "<html>", "not git's protocol"},
		{"ERR", pkt("ERR gone"), `"gone"`},
		{"bad name", pkt(idA+" refs/heads/.x\n", flush), `"refs/heads/.x"`},
		{"bad id", pkt("zz refs/heads/x\n", flush), `"refs/heads/x" with an unusable`},
		{"bad peeled id", pkt(idA+" refs/tags/x peeled:zz\n", flush), `"refs/tags/x" with an unusable`},
		{"unborn branch", pkt("unborn refs/heads/x\n", flush), `"refs/heads/x" with an unusable`},
		{"unborn HEAD to nowhere", pkt("unborn HEAD\n", flush), `"HEAD" with an unusable`},
		{"HEAD to outside", pkt("unborn HEAD symref-target:../x\n", flush), `"../x"`},
		{"twice", pkt(idA+" refs/heads/x\n", idB+" refs/heads/x\n", flush), "twice"},
		{"no ref", pkt("hello\n", flush), `"hello" in place of a ref`},
		{"delimiter", pkt(idA+" refs/heads/x\n", delim), "delimiter"},
	} {
		t.Run(test.name, func(t *testing.T) {
			url := start(t, canned{advertisement: v2, result: test.result})
			_, err := open(t, url).Snapshot(t.Context())
			wantError(t, err, "reading the refs of "+url+": ", test.want)
		})
	}
}

func band(n byte, text string) string { return string(n) + text }

func TestFetchAnswers(t *testing.T) {
	ack := "ACK " + idA
	plain := v0(idA + " refs/heads/main\x00\n")
	banded := v0(idA + " refs/heads/main\x00 side-band-64k\n")
	for _, test := range []struct {
		name   string
		server canned
		want   string
	}{
		{"version 2", canned{advertisement: v2, result: pkt("packfile\n", "\x01PA", "\x02hi\n", "\x01CKx", flush)}, "PACKx"},
		{"version 2 with sections", canned{advertisement: v2, result: pkt("acknowledgments\n", ack+"\n", "ready\n", delim, "packfile\n", "\x01PACKx", flush)}, "PACKx"},
		{"version 2, more after the end", canned{advertisement: v2, result: pkt("packfile\n", "\x01PACKx", flush) + "x"}, "PACKx"},
		{"raw", canned{advertisement: plain, result: pkt("NAK\n") + "PACKx"}, "PACKx"},
		{"raw, acknowledged", canned{advertisement: plain, result: pkt(ack+"\n", ack) + "PACKx"}, "PACKx"},
		{"raw, neither", canned{advertisement: plain, result: "PACKx"}, "PACKx"},
		{"raw, nothing but the name", canned{advertisement: plain, result: pkt("NAK\n") + "PACK"}, "PACK"},
		{"banded", canned{advertisement: banded, result: pkt("NAK\n", "\x02hi\n", "\x01PACKx", flush)}, "PACKx"},
		{"banded, acknowledged", canned{advertisement: banded, result: pkt(ack+" common\n", ack+" ready\n", "NAK\n", ack+"\n", "\x01PACKx", flush)}, "PACKx"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := open(t, start(t, test.server))
			if got := fetch(t, r, remote.Request{Wants: []object.ID{object.ID(idA)}}); string(got) != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestHostilePacks(t *testing.T) {
	plain := v0(idA + " refs/heads/main\x00\n")
	banded := v0(idA + " refs/heads/main\x00 side-band-64k\n")
	for _, test := range []struct {
		name   string
		server canned
		want   string
	}{
		{"empty", canned{advertisement: v2}, "ended too early"},
		{"flush", canned{advertisement: v2, result: flush}, "sent no pack"},
		{"delimiter", canned{advertisement: v2, result: delim}, "delimiter in place of a section"},
		{"acknowledgments only", canned{advertisement: v2, result: pkt("acknowledgments\n", "NAK\n", flush)}, "sent no pack"},
		{"unknown section", canned{advertisement: v2, result: pkt("packfile-uris\n", "x\n", delim)}, `section "packfile-uris"`},
		{"empty pack", canned{advertisement: v2, result: pkt("packfile\n", flush)}, "sent no pack"},
		{"no pack", canned{advertisement: v2, result: pkt("packfile\n", "\x01hello", flush)}, `"hell" in place of a pack`},
		{"cut at once", canned{advertisement: v2, result: pkt("packfile\n")}, "ended too early"},
		{"cut in the first bytes", canned{advertisement: v2, result: pkt("packfile\n", "\x01PA")}, "ended too early"},
		{"cut later", canned{advertisement: v2, result: pkt("packfile\n", "\x01PACKxyz")}, "after 7 bytes of the pack"},
		{"error first", canned{advertisement: v2, result: pkt("packfile\n", "\x03out\nof memory")}, `the server says "out of memory"`},
		{"error later", canned{advertisement: v2, result: pkt("packfile\n", "\x01PACKxyz", "\x03out of memory")}, `after 7 bytes of the pack: the server says "out of memory"`},
		{"ERR", canned{advertisement: v2, result: pkt("ERR no")}, `the server says "no"`},
		{"band 4", canned{advertisement: v2, result: pkt("packfile\n", "\x01PACK", "\x04x")}, "side band 4"},
		{"malformed later", canned{advertisement: v2, result: pkt("packfile\n", "\x01PACK") + "zzzz"}, "not git's protocol"},
		{"page", canned{advertisement: plain, result: "<html>"}, "not git's protocol"},
		{"no NAK", canned{advertisement: plain, result: pkt("hello\n")}, `"hello" in place of ACK or NAK`},
		{"version 0, flush", canned{advertisement: banded, result: pkt("NAK\n", flush)}, "sent no pack"},
		{"version 0, cut", canned{advertisement: banded, result: pkt("NAK\n")}, "ended too early"},
		{"raw where bands were asked for", canned{advertisement: banded, result: pkt("NAK\n") + "PACKx"}, "not git's protocol"},
	} {
		t.Run(test.name, func(t *testing.T) {
			url := start(t, test.server)
			p, err := open(t, url).Fetch(t.Context(), remote.Request{Wants: []object.ID{object.ID(idA)}})
			if err == nil {
				defer p.Close()
				_, err = io.ReadAll(p)
				if _, again := p.Read(make([]byte, 1)); again != err {
					t.Errorf("then read %v", again)
				}
			}
			wantError(t, err, "fetching from "+url+": ", test.want)
			if strings.Contains(test.name, "cut") && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%v is not io.ErrUnexpectedEOF", err)
			}
			if errors.Is(err, io.EOF) {
				t.Errorf("%v looks like a good end", err)
			}
		})
	}
}

func TestFetchRefuses(t *testing.T) {
	r := open(t, start(t, canned{advertisement: v2}))
	for _, req := range []remote.Request{
		{},
		{Wants: []object.ID{"x\n0000"}},
		{Wants: []object.ID{object.ID(idA)}, Haves: []object.ID{object.ID(idA + idA)}},
	} {
		if _, err := r.Fetch(t.Context(), req); err == nil {
			t.Errorf("%d wants and %d haves were sent", len(req.Wants), len(req.Haves))
		}
	}
}

// TestProgressIsBounded has lines without end and with control characters.
func TestProgressIsBounded(t *testing.T) {
	var parts []string
	for range 100 {
		parts = append(parts, band(2, strings.Repeat("y", 60000)))
	}
	parts = append(append([]string{"packfile\n", band(2, "a\rb\x1b[0m\n\n\x00c")}, parts...), band(1, "PACK"), flush)
	r := open(t, start(t, canned{advertisement: v2, result: pkt(parts...)}))
	var lines []string
	fetch(t, r, remote.Request{Wants: []object.ID{object.ID(idA)}, Progress: func(l string) { lines = append(lines, l) }})
	if len(lines) != 3 || lines[0] != "a" || lines[1] != "b [0m" || len(lines[2]) > 310 {
		t.Errorf("got %d lines: %.500q", len(lines), lines)
	}
}

// TestSilence has a server that stops in the middle, but keeps the connection.
func TestSilence(t *testing.T) {
	url := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			canned{advertisement: v2}.ServeHTTP(w, r)
			return
		}
		canned{result: pkt("packfile\n", "\x01PACKxyz")}.ServeHTTP(w, r)
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	o := quick()
	o.Stall = 50 * time.Millisecond
	r, err := remote.Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Fetch(t.Context(), remote.Request{Wants: []object.ID{object.ID(idA)}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	_, err = io.ReadAll(p)
	wantError(t, err, "after 7 bytes of the pack", "sent nothing for 50ms")
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v is not io.ErrUnexpectedEOF", err)
	}
}

// TestManyRefs checks that an advertisement may be as long as it likes.
func TestManyRefs(t *testing.T) {
	const n = 50_000
	url := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		canned{advertisement: pkt(banner, flush)}.ServeHTTP(w, r)
		lines := pktline.NewWriter(w)
		for i := range n {
			lines.Linef("%040x refs/pull/%d/head", n-i, n-i)
		}
		fmt.Fprint(w, flush)
	}))
	s, err := open(t, url).Snapshot(t.Context())
	if err != nil || len(s.Refs) != n {
		t.Errorf("got %d refs, %v", len(s.Refs), err)
	}
}
