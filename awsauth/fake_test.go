package awsauth

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/s3store"
)

// world is a GitHub that gives out tokens, an STS and an S3, and a clock.
type world struct {
	t      *testing.T
	server *httptest.Server
	env    map[string]string
	log    bytes.Buffer

	mu       sync.Mutex
	clock    time.Time
	tokens   int                 // given out
	calls    []url.Values        // of STS
	signed   []string            // access keys that calls of S3 were signed with
	secrets  map[string]bool     // told to Surroundings.Secret
	github   []func() (int, any) // answers to requests for tokens; then tokens
	sts      []stsAnswer         // answers of STS; then credentials
	lifetime time.Duration
}

// stsAnswer is an error of STS.
type stsAnswer struct {
	status        int
	code, message string
}

const (
	role       = "arn:aws:iam::123456789012:role/mirror"
	requestKey = "planted-request-key"
	planted    = "planted"
)

func newWorld(t *testing.T) *world {
	w := &world{t: t, clock: time.Now(), secrets: map[string]bool{}, lifetime: time.Hour}
	w.server = httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(w.server.Close)
	w.env = map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "me/repo", "GITHUB_ACTOR": "renovate[bot]",
		tokenURL: w.server.URL + "/token?api-version=2", tokenKey: requestKey,
	}
	// What the machine has must not matter.
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ROLE_ARN"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", "/nonexistent/config")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials")
	return w
}

// ambient gives the environment credentials.
func (w *world) ambient() {
	w.t.Setenv("AWS_ACCESS_KEY_ID", "AMBIENT")
	w.t.Setenv("AWS_SECRET_ACCESS_KEY", "planted-ambient-secret")
}

func (w *world) client(c Config, places ...Place) (*s3store.Client, error) {
	c.STSEndpoint = w.server.URL + "/sts"
	return NewClient(w.t.Context(), s3store.ClientConfig{EndpointURL: w.server.URL + "/s3", Region: "eu-west-2"}, c, places, Surroundings{
		Getenv: func(name string) string { return w.env[name] },
		Log:    slog.New(slog.NewTextHandler(&w.log, nil)),
		Secret: func(s string) { w.mu.Lock(); defer w.mu.Unlock(); w.secrets[s] = true },
		now:    w.now, wait: time.Millisecond,
	})
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clock
}

func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case r.URL.Path == "/token":
		w.serveToken(rw, r)
	case r.URL.Path == "/sts" || r.URL.Path == "/sts/":
		w.serveSTS(rw, r)
	default:
		credential := strings.TrimPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=")
		key, _, _ := strings.Cut(credential, "/")
		w.signed = append(w.signed, key)
	}
}

func (w *world) serveToken(rw http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+requestKey {
		w.t.Errorf("a token was asked for with %q", r.Header.Get("Authorization"))
	}
	status, answer := 200, any(map[string]string{"value": w.token(r.URL.Query().Get("audience"))})
	if len(w.github) > 0 {
		status, answer = w.github[0]()
		w.github = w.github[1:]
	}
	rw.WriteHeader(status)
	json.NewEncoder(rw).Encode(answer)
}

// token is a JSON Web Token, each another one.
func (w *world) token(audience string) string {
	w.tokens++
	payload := fmt.Sprintf(`{"iss":"https://token.example","sub":"repo:me/repo:ref:refs/heads/main","aud":%q}`, audience)
	return "header." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + fmt.Sprintf(".planted-signature-%d", w.tokens)
}

func (w *world) serveSTS(rw http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	r.Form.Set("Authorization", r.Header.Get("Authorization"))
	w.calls = append(w.calls, r.Form)
	if len(w.sts) > 0 {
		a := w.sts[0]
		w.sts = w.sts[1:]
		if a.status != 0 {
			rw.WriteHeader(a.status)
			fmt.Fprintf(rw, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>`, a.code, a.message)
			return
		}
	}
	action := r.Form.Get("Action")
	if action == "GetCallerIdentity" {
		fmt.Fprint(rw, `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
		return
	}
	fmt.Fprintf(rw, `<%[1]sResponse><%[1]sResult><AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/mirror/x</Arn></AssumedRoleUser><Credentials>
<AccessKeyId>KEY%[2]d</AccessKeyId><SecretAccessKey>planted-secret-%[2]d</SecretAccessKey><SessionToken>planted-session-%[2]d</SessionToken><Expiration>%[3]s</Expiration>
</Credentials></%[1]sResult></%[1]sResponse>`, action, len(w.calls), w.clock.Add(w.lifetime).UTC().Format(time.RFC3339))
}

// shows fails when a secret is in a text that people read.
func (w *world) shows(texts ...string) {
	w.t.Helper()
	for _, text := range append(texts, w.log.String()) {
		if strings.Contains(text, planted) {
			w.t.Errorf("a secret is shown: %s", text)
		}
	}
}
