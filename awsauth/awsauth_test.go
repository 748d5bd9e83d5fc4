package awsauth

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/s3store"
)

func get(t *testing.T, c *s3store.Client) error {
	t.Helper()
	bucket, key := "b", "k"
	_, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
	return err
}

func TestOIDC(t *testing.T) {
	w := newWorld(t)
	c, err := w.client(Config{Role: role, SessionName: "me", Duration: 15 * time.Minute, InlinePolicy: `{"a":1}`,
		ManagedPolicies: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}, Audience: "other.example"})
	if err != nil {
		t.Fatal(err)
	}
	if err := get(t, c); err != nil {
		t.Fatal(err)
	}
	if len(w.calls) != 1 || len(w.signed) != 1 || w.signed[0] != "KEY1" {
		t.Fatalf("%d calls of STS, S3 signed with %q", len(w.calls), w.signed)
	}
	for name, want := range map[string]string{
		"Action": "AssumeRoleWithWebIdentity", "RoleArn": role, "RoleSessionName": "me", "DurationSeconds": "900",
		"Policy": `{"a":1}`, "PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/ReadOnlyAccess", "Authorization": "",
	} {
		if got := w.calls[0].Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if aud := claimsOf(w.calls[0].Get("WebIdentityToken")).Audience; aud != "other.example" {
		t.Errorf("audience %q", aud)
	}
	for _, s := range []string{requestKey, "planted-secret-1", "planted-session-1", w.calls[0].Get("WebIdentityToken")} {
		if !w.secrets[s] {
			t.Errorf("%q is no secret", s)
		}
	}
	w.shows()
}

// Six hours with credentials of one, and a token that would be too old by then.
func TestRefresh(t *testing.T) {
	w := newWorld(t)
	w.lifetime = 2 * time.Second // the SDK looks at the real clock
	c, err := w.client(Config{Role: role})
	if err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(5 * time.Second)
	for time.Now().Before(end) {
		if err := get(t, c); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
		w.mu.Lock()
		w.clock = time.Now()
		w.mu.Unlock()
	}
	if len(w.calls) < 3 || w.tokens != len(w.calls) || w.signed[len(w.signed)-1] == "KEY1" {
		t.Errorf("%d calls of STS with %d tokens, the last request signed with %s", len(w.calls), w.tokens, w.signed[len(w.signed)-1])
	}
}

func TestReplacedInTime(t *testing.T) {
	now := time.Now()
	for lifetime, want := range map[time.Duration]time.Duration{
		time.Hour: 55 * time.Minute, 15 * time.Minute: 10 * time.Minute, 6 * time.Minute: 4 * time.Minute, 3 * time.Second: 2 * time.Second,
	} {
		if got := replaceAt(now.Add(lifetime), now).Sub(now); got != want {
			t.Errorf("%v: after %v, want %v", lifetime, got, want)
		}
	}
}

func TestTokenFile(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("planted-file-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.client(Config{Role: role, TokenFile: file}); err != nil {
		t.Fatal(err)
	}
	if got := w.calls[0].Get("WebIdentityToken"); got != "planted-file-token" || w.tokens != 0 {
		t.Errorf("%q, and GitHub was asked %d times", got, w.tokens)
	}
	if _, err := w.client(Config{Role: role, TokenFile: file + "x"}); err == nil || !strings.Contains(err.Error(), "web-identity-token-file") {
		t.Error(err)
	}
}

func TestKeys(t *testing.T) {
	w := newWorld(t)
	c, err := w.client(Config{AccessKeyID: "STATIC", SecretAccessKey: "planted-static"})
	if err != nil || get(t, c) != nil || w.signed[0] != "STATIC" || len(w.calls) != 0 {
		t.Fatalf("%v, signed with %q, %d calls of STS", err, w.signed, len(w.calls))
	}
}

// Keys and the environment's credentials assume roles in the same way.
func TestAssumeRole(t *testing.T) {
	for name, test := range map[string]struct {
		config  Config
		ambient bool
		signer  string
	}{
		"keys":    {Config{AccessKeyID: "STATIC", SecretAccessKey: "planted-static", SessionToken: "planted-session"}, false, "STATIC"},
		"chain":   {Config{Chain: true}, true, "AMBIENT"},
		"no OIDC": {Config{}, true, "AMBIENT"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if test.ambient {
				w.ambient()
			}
			if !test.config.Chain {
				delete(w.env, tokenURL)
			}
			test.config.Role, test.config.ExternalID = role, "external"
			c, err := w.client(test.config)
			if err != nil || get(t, c) != nil {
				t.Fatal(err)
			}
			call := w.calls[0]
			if !strings.Contains(call.Get("Authorization"), "Credential="+test.signer+"/") || call.Get("Action") != "AssumeRole" || call.Get("ExternalId") != "external" ||
				call.Get("Tags.member.1.Key") != "GitHub" || call.Get("Tags.member.2.Value") != "me/repo" || call.Get("Tags.member.3.Value") != "renovate_bot_" {
				t.Errorf("%v", call)
			}
			test.config.SkipTagging = true
			if _, err := w.client(test.config); err != nil || w.calls[1].Has("Tags.member.1.Key") {
				t.Errorf("%v, %v", err, w.calls[1])
			}
		})
	}
}

func TestAmbient(t *testing.T) {
	w := newWorld(t)
	w.ambient()
	c, err := w.client(Config{})
	if err != nil || get(t, c) != nil || w.signed[0] != "AMBIENT" || len(w.calls)+w.tokens != 0 {
		t.Fatalf("%v, signed with %q", err, w.signed)
	}
}

func TestHints(t *testing.T) {
	for name, test := range map[string]struct {
		config Config
		env    func(map[string]string)
		want   string
	}{
		"no permission":          {Config{Role: role}, func(e map[string]string) { delete(e, tokenURL) }, `"permissions: id-token: write"`},
		"half a permission":      {Config{Role: role}, func(e map[string]string) { e[tokenKey] = "" }, `"permissions: id-token: write"`},
		"nothing":                {Config{}, nil, `"role-to-assume: arn:`},
		"chain without a start":  {Config{Role: role, Chain: true}, nil, "a step before this one"},
		"role outside a job":     {Config{Role: role}, func(e map[string]string) { clear(e) }, "no AWS credentials that could assume role"},
		"account is not allowed": {Config{Role: role, AllowedAccounts: []string{"210987654321"}}, nil, "not among allowed-account-ids"},
	} {
		w := newWorld(t)
		if test.env != nil {
			test.env(w.env)
		}
		_, err := w.client(test.config)
		var known *Error
		if !errors.As(err, &known) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		w.shows(err.Error())
	}
}

func TestAccount(t *testing.T) {
	w := newWorld(t)
	if _, err := w.client(Config{Role: role, AllowedAccounts: []string{"210987654321", "123456789012"}, MaskAccount: true}); err != nil {
		t.Fatal(err)
	}
	if !w.secrets["123456789012"] {
		t.Error("the account's id is no secret")
	}
	if len(w.calls) != 2 {
		t.Errorf("%d calls", len(w.calls))
	}
	w = newWorld(t) // the role's name tells it
	if _, err := w.client(Config{Role: role, MaskAccount: true}); err != nil || !w.secrets["123456789012"] || len(w.calls) != 1 {
		t.Errorf("%d calls, %v", len(w.calls), err)
	}
	w = newWorld(t) // nothing does, but the caller's identity, and that nobody knows
	w.ambient()
	w.sts = []stsAnswer{{}, {400, "InvalidAction", "no such thing"}}
	for range 2 {
		if _, err := w.client(Config{MaskAccount: true}); err != nil || !w.secrets["123456789012"] {
			t.Error(err)
		}
	}
	if len(w.calls) != 2 || !strings.Contains(w.log.String(), "not masked") {
		t.Errorf("%d calls, %s", len(w.calls), w.log.String())
	}
	for arn, want := range map[string]string{role: "123456789012", "arn:minio:iam:::role/x": "", "x": ""} {
		if got := AccountOf(arn); got != want {
			t.Errorf("%s: %q", arn, got)
		}
	}
}

func TestScope(t *testing.T) {
	w := newWorld(t)
	if _, err := w.client(Config{Role: role, ScopeSession: true}, Place{"one", "a/b"}, Place{"one", "c*"}, Place{"two", ""}); err != nil {
		t.Fatal(err)
	}
	const want = `{"Statement":[` +
		`{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:PutObjectTagging","s3:DeleteObject","s3:AbortMultipartUpload"],"Resource":["arn:aws:s3:::one/a/b/*","arn:aws:s3:::one/c${*}/*","arn:aws:s3:::two/*"]},` +
		`{"Effect":"Allow","Action":["s3:ListBucketMultipartUploads"],"Resource":["arn:aws:s3:::one","arn:aws:s3:::two"]},` +
		`{"Effect":"Allow","Action":["s3:ListBucket"],"Resource":["arn:aws:s3:::one"],"Condition":{"StringLikeIfExists":{"s3:prefix":["a/b/*","c${*}/*"]}}},` +
		`{"Effect":"Allow","Action":["s3:ListBucket"],"Resource":["arn:aws:s3:::two"],"Condition":{"StringLikeIfExists":{"s3:prefix":["*"]}}},` +
		`{"Effect":"Allow","Action":["kms:GenerateDataKey","kms:Decrypt"],"Resource":["*"],"Condition":{"StringLike":{"kms:ViaService":["s3.*"]}}}],"Version":"2012-10-17"}`
	if got := w.calls[0].Get("Policy"); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	minio, err := scopePolicy("arn:minio:iam:::role/x", []Place{{"one", "a"}})
	if err != nil || strings.Contains(minio, "kms") || !strings.Contains(minio, `"arn:aws:s3:::one/a/*"`) || !json.Valid([]byte(minio)) {
		t.Errorf("%s, %v", minio, err)
	}
	if p, err := scopePolicy("arn:aws-cn:iam::1:role/x", []Place{{"one", "a"}}); err != nil || !strings.Contains(p, "arn:aws-cn:s3:::one") {
		t.Errorf("%s, %v", p, err)
	}
	if _, err := scopePolicy(role, make([]Place, 200)); err == nil || !strings.Contains(err.Error(), "2048") {
		t.Error(err)
	}
}
