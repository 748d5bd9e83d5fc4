//go:build container

package container

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

const (
	// audience is what configure-aws-credentials asks for, too.
	audience = "sts.amazonaws.com"
	// subject is a job on a branch of a repository.
	subject = "repo:example/project:ref:refs/heads/main"
	// runnerToken is what the runner lets a job ask for tokens with.
	runnerToken = "runner-token-secret"
)

// issuer signs tokens as GitHub does for its jobs: OpenID discovery, keys and
// the runner's own endpoint.
type issuer struct {
	url      string
	lifetime time.Duration // of a token
	issued   atomic.Int64
	key      *rsa.PrivateKey // what it signs with
	public   *rsa.PublicKey  // what it says that it signs with
}

func startIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key, public: &key.PublicKey, lifetime: 5 * time.Minute}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /jwks", i.keys)
	mux.HandleFunc("GET /token", i.token)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	i.url = server.URL
	return i
}

// environ is what a job with `id-token: write` has.
func (i *issuer) environ() []string {
	return []string{
		"ACTIONS_ID_TOKEN_REQUEST_URL=" + i.url + "/token?api-version=2.0",
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN=" + runnerToken,
	}
}

// forge makes it sign with another key than it publishes.
func (i *issuer) forge(t *testing.T) {
	t.Helper()
	var err error
	if i.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
}

func (i *issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string]any{
		"issuer": i.url, "jwks_uri": i.url + "/jwks",
		"authorization_endpoint": i.url + "/none", "token_endpoint": i.url + "/none",
		"response_types_supported": []string{"id_token"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
	})
}

func (i *issuer) keys(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string]any{"keys": []any{map[string]string{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "test",
		"n": encode(i.public.N.Bytes()), "e": encode(big.NewInt(int64(i.public.E)).Bytes()),
	}}})
}

func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+runnerToken && r.Header.Get("Authorization") != "bearer "+runnerToken {
		http.Error(w, `{"message":"not authorized"}`, http.StatusUnauthorized)
		return
	}
	i.issued.Add(1)
	writeJSON(w, map[string]string{"value": i.sign(r.URL.Query().Get("audience"))})
}

// sign returns a token with GitHub's claims, as far as anybody looks at them
// (https://docs.github.com/actions/concepts/security/openid-connect).
func (i *issuer) sign(audience string) string {
	now := time.Now()
	header := map[string]string{"alg": "RS256", "typ": "JWT", "kid": "test"}
	claims := map[string]any{
		"iss": i.url, "sub": subject, "aud": audience, "jti": rand.Text(),
		"iat": now.Unix(), "nbf": now.Add(-time.Minute).Unix(), "exp": now.Add(i.lifetime).Unix(),
		"repository": "example/project", "repository_owner": "example", "ref": "refs/heads/main",
		"event_name": "push", "workflow": "mirror", "runner_environment": "github-hosted",
	}
	text := encodeJSON(header) + "." + encodeJSON(claims)
	hash := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA256, hash[:])
	if err != nil {
		panic(err) // the key is one made here
	}
	return text + "." + encode(signature)
}

func encodeJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of strings and numbers
	}
	return encode(b)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}
