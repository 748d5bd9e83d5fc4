package batch_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/batch"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/endpoint"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/pointer"
)

var (
	oid   = strings.Repeat("ab", 32)
	asked = time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
)

// client talks to a handler, with a clock that stands.
func client(t *testing.T, c batch.Credentials, handler http.HandlerFunc) *batch.Client {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	e, err := endpoint.Find(server.URL+"/repo", nil)
	if err != nil {
		t.Fatal(err)
	}
	return batch.New(batch.Config{
		Endpoint: e, HTTP: server.Client(), Credentials: c, Ref: "refs/heads/main",
		Now: func() time.Time { return asked },
	})
}

func TestRequest(t *testing.T) {
	var got, path string
	c := client(t, batch.Credentials{}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got, path = string(body), r.URL.Path
		fmt.Fprint(w, "{}")
	})
	if _, err := c.Ask(t.Context(), []pointer.Pointer{{OID: oid, Size: 7}}); err != nil {
		t.Fatal(err)
	}
	want := `{"operation":"download","transfers":["basic"],"ref":{"name":"refs/heads/main"},` +
		`"objects":[{"oid":"` + oid + `","size":7}],"hash_algo":"sha256"}`
	if got != want || path != "/repo.git/info/lfs/objects/batch" {
		t.Errorf("%s was sent %s", path, got)
	}
}

func TestExpiry(t *testing.T) {
	for _, test := range []struct {
		action  string
		expires time.Time
	}{
		{`"expires_in":60`, asked.Add(time.Minute)},
		{`"expires_in":60,"expires_at":"2019-01-01T00:00:00Z"`, asked.Add(time.Minute)},
		{`"expires_in":-60`, asked},
		{`"expires_in":9223372036854775807`, asked.Add(365 * 24 * time.Hour)},
		{`"expires_at":"2020-01-02T03:04:08Z"`, asked.Add(3 * time.Second)},
		{`"expires_at":"0001-01-01T00:00:00Z"`, time.Time{}},
		{`"expires_at":"tomorrow"`, time.Time{}},
		{`"id":1`, time.Time{}},
	} {
		c := client(t, batch.Credentials{}, func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"objects":[{"oid":%q,"actions":{"download":{"href":"http://h/x",%s}}}]}`, oid, test.action)
		})
		objects, err := c.Ask(t.Context(), []pointer.Pointer{{OID: oid}})
		if err != nil || objects[0].Err != nil {
			t.Fatal(err, objects[0].Err)
		}
		a := objects[0].Action
		if !a.Expires.Equal(test.expires) {
			t.Errorf("%s expires at %v", test.action, a.Expires)
		}
		// Five seconds before its end an action is over.
		if want := !test.expires.IsZero() && !test.expires.After(asked.Add(4*time.Second)); a.Expired(asked) != want {
			t.Errorf("%s has expired: %v", test.action, !want)
		}
	}
}

// TestAnswers has odd ones, in the order in which they were not asked for.
func TestAnswers(t *testing.T) {
	other, third := strings.Repeat("cd", 32), strings.Repeat("ef", 32)
	c := client(t, batch.Credentials{}, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"objects":[{"oid":"unknown"},{"oid":%q,"error":{"code":410,"message":"a\u0000b\n%s"}},
			{"oid":%q,"_links":{"download":{"href":"https://h/x?secret","header":
			{"X-A":"1","Authorization":"a","host":"evil","Content-length":"5","Transfer-Encoding":"chunked","Range":"bytes=0-1"}}}}]}`,
			other, strings.Repeat("x", 1000), oid)
	})
	objects, err := c.Ask(t.Context(), []pointer.Pointer{{OID: oid}, {OID: other}, {OID: third}})
	if err != nil {
		t.Fatal(err)
	}
	if a := objects[0].Action; a == nil || a.Href.String() != "https://h/x?secret" || len(a.Header) != 2 || a.Header.Get("X-A") != "1" {
		t.Errorf("%+v, %v", a, objects[0].Err)
	}
	if err := objects[1].Err; err == nil || !strings.HasPrefix(err.Error(), "the LFS server says 410: a b xxx") || len(err.Error()) > 400 {
		t.Errorf("error %v", err)
	}
	if err := objects[2].Err; err == nil || !strings.Contains(err.Error(), "does not mention") {
		t.Errorf("error %v", err)
	}
}

func TestLogins(t *testing.T) {
	for _, test := range []struct {
		name, header, challenge string
		credentials             batch.Credentials
		want                    string // "" for none
	}{
		{"basic", "WWW-Authenticate", `Basic realm="x"`, batch.Credentials{Token: "t"}, "Basic eC1hY2Nlc3MtdG9rZW46dA=="},
		{"git-lfs's header", "LFS-Authenticate", `Basic realm="x"`, batch.Credentials{Token: "t"}, "Basic eC1hY2Nlc3MtdG9rZW46dA=="},
		{"no challenge", "X", "", batch.Credentials{Token: "t"}, "Basic eC1hY2Nlc3MtdG9rZW46dA=="},
		{"bearer", "WWW-Authenticate", "Bearer", batch.Credentials{Token: "t"}, "Bearer t"},
		{"both", "WWW-Authenticate", "Bearer, Basic", batch.Credentials{Token: "t"}, "Basic eC1hY2Nlc3MtdG9rZW46dA=="},
		{"user", "WWW-Authenticate", "Basic", batch.Credentials{User: "u", Password: "p", Token: "t"}, "Basic dTpw"},
		{"none", "WWW-Authenticate", "Basic", batch.Credentials{}, ""},
	} {
		var sent []string
		c := client(t, test.credentials, func(w http.ResponseWriter, r *http.Request) {
			sent = append(sent, r.Header.Get("Authorization"))
			if test.want == "" || r.Header.Get("Authorization") != test.want {
				w.Header().Set(test.header, test.challenge)
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			fmt.Fprint(w, "{}")
		})
		for range 2 {
			if _, err := c.Ask(t.Context(), nil); (err == nil) != (test.want != "") {
				t.Errorf("%s: %v", test.name, err)
			}
		}
		want := []string{"", test.want, test.want} // the second call begins with it
		if test.want == "" {
			want = []string{"", ""}
		}
		if fmt.Sprint(sent) != fmt.Sprint(want) {
			t.Errorf("%s: sent %q, want %q", test.name, sent, want)
		}
	}
}

// TestRedirects follows an action's href on its host, to another and back:
// headers that were dropped stay so.
func TestRedirects(t *testing.T) {
	var first, second *httptest.Server
	var seen []string
	note := func(r *http.Request) {
		seen = append(seen, r.URL.Path+" "+r.Header.Get("Authorization")+r.Header.Get("X-Secret")+r.Header.Get("Referer"))
	}
	first = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		note(r)
		switch r.URL.Path {
		case "/a":
			http.Redirect(w, r, "/b", http.StatusFound)
		case "/b":
			http.Redirect(w, r, second.URL+"/c", http.StatusTemporaryRedirect)
		default:
			fmt.Fprint(w, "content")
		}
	}))
	defer first.Close()
	second = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		note(r)
		http.Redirect(w, r, first.URL+"/d", http.StatusMovedPermanently)
	}))
	defer second.Close()
	c := client(t, batch.Credentials{}, nil)
	href, err := url.Parse(first.URL + "/a?signed")
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{"Authorization": {"A"}, "X-Secret": {"S"}}
	resp, err := c.Open(t.Context(), &batch.Action{Href: href, Header: header})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); string(body) != "content" || err != nil {
		t.Errorf("read %q, %v", body, err)
	}
	if got, want := strings.Join(seen, ", "), "/a AS, /b AS, /c , /d "; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
	if len(header) != 2 {
		t.Errorf("the action's header is now %v", header)
	}
}

// TestErrorsTellNoSignature has URLs that are signed.
func TestErrorsTellNoSignature(t *testing.T) {
	c := client(t, batch.Credentials{}, nil)
	href, _ := url.Parse("http://user:secret@127.0.0.1:1/x?signature=secret")
	_, err := c.Open(t.Context(), &batch.Action{Href: href})
	if err == nil || strings.Contains(err.Error(), "secret") || !batch.Temporary(err) {
		t.Errorf("error %v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"":                              0,
		"7":                             7 * time.Second,
		"-7":                            0,
		"soon":                          0,
		"99999999999999999999":          0,
		"Thu, 02 Jan 2020 03:05:05 GMT": time.Minute,
		"Thu, 02 Jan 2010 03:05:05 GMT": 0,
	} {
		c := client(t, batch.Credentials{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", value)
			w.WriteHeader(http.StatusTooManyRequests)
			_ = json.NewEncoder(w).Encode(map[string]string{"message": "slow down"})
		})
		_, err := c.Ask(t.Context(), nil)
		var status *batch.StatusError
		if !errors.As(err, &status) || status.Wait != want || status.Message != "slow down" {
			t.Errorf("%q: %v, waits %v", value, err, status.Wait)
		}
	}
}
