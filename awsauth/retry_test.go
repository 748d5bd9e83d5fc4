package awsauth

import (
	"errors"
	"strings"
	"testing"
)

// What is temporary is asked for again, with another token; what isn't is not.
func TestRetries(t *testing.T) {
	ok := stsAnswer{}
	for name, test := range map[string]struct {
		config Config
		sts    []stsAnswer
		calls  int
		says   string // "" is success
	}{
		"identity provider":      {Config{}, []stsAnswer{{400, "IDPCommunicationError", "try again"}, ok}, 2, ""},
		"verification key":       {Config{}, []stsAnswer{{400, "InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider"}, ok}, 2, ""},
		"throttled":              {Config{}, []stsAnswer{{400, "Throttling", "Rate exceeded"}, {429, "x", "y"}, ok}, 3, ""},
		"server":                 {Config{}, []stsAnswer{{500, "InternalFailure", ""}, {503, "", ""}, ok}, 3, ""},
		"a moment ago":           {Config{AccessKeyID: "k", SecretAccessKey: "planted"}, []stsAnswer{{403, "InvalidClientTokenId", "not valid"}, ok}, 2, ""},
		"wrong keys":             {Config{AccessKeyID: "k", SecretAccessKey: "planted"}, repeat(stsAnswer{403, "InvalidClientTokenId", "not valid"}, 9), settlingAttempts, "are not valid"},
		"for ever":               {Config{MaxAttempts: 5}, repeat(stsAnswer{400, "Throttling", "Rate exceeded"}, 99), 5, "Throttling"},
		"not at all":             {Config{MaxAttempts: 1}, repeat(stsAnswer{400, "Throttling", "Rate exceeded"}, 99), 1, "Throttling"},
		"trust policy":           {Config{}, repeat(stsAnswer{403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"}, 9), 1, `sub "repo:me/repo:ref:refs/heads/main"`},
		"no provider":            {Config{}, repeat(stsAnswer{400, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://token.example"}, 9), 1, "no identity provider for https://token.example"},
		"audience":               {Config{}, repeat(stsAnswer{400, "InvalidIdentityToken", "Incorrect token audience"}, 9), 1, `does not take audience "sts.amazonaws.com"`},
		"token":                  {Config{}, repeat(stsAnswer{400, "InvalidIdentityToken", "bad key"}, 9), 1, "the OIDC token was refused: bad key"},
		"expired token":          {Config{}, repeat(stsAnswer{400, "ExpiredTokenException", "old"}, 9), 1, "clock"},
		"expired credentials":    {Config{AccessKeyID: "k", SecretAccessKey: "planted"}, repeat(stsAnswer{403, "ExpiredToken", "old"}, 9), 1, "have expired"},
		"may not assume":         {Config{AccessKeyID: "k", SecretAccessKey: "planted"}, repeat(stsAnswer{403, "AccessDenied", "no"}, 9), 1, "role-skip-session-tagging"},
		"too long":               {Config{}, repeat(stsAnswer{400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."}, 9), 1, "role-duration-seconds: 3600"},
		"region":                 {Config{}, repeat(stsAnswer{403, "RegionDisabledException", "x"}, 9), 1, "region eu-west-2"},
		"large policy":           {Config{InlinePolicy: "{}"}, repeat(stsAnswer{400, "PackedPolicyTooLarge", "120%"}, 9), 1, "too large"},
		"bad policy":             {Config{InlinePolicy: "{"}, repeat(stsAnswer{400, "MalformedPolicyDocument", "syntax"}, 9), 1, "not accepted: syntax"},
		"another server's words": {Config{}, repeat(stsAnswer{400, "InvalidParameterValue", "role unknown"}, 9), 1, `InvalidParameterValue: role unknown; the token says iss "https://token.example"`},
	} {
		w := newWorld(t)
		w.sts = test.sts
		test.config.Role = role
		_, err := w.client(test.config)
		if len(w.calls) != test.calls || (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %d calls, %v", name, len(w.calls), err)
		}
		if err != nil {
			w.shows(err.Error())
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: more than a line: %v", name, err)
			}
		}
		if test.config.AccessKeyID == "" && w.tokens != len(w.calls) {
			t.Errorf("%s: %d calls with %d tokens", name, len(w.calls), w.tokens)
		}
	}
}

func repeat(a stsAnswer, n int) []stsAnswer {
	list := make([]stsAnswer, n)
	for i := range list {
		list[i] = a
	}
	return list
}

func TestGitHubAnswers(t *testing.T) {
	answer := func(status int, body any) func() (int, any) { return func() (int, any) { return status, body } }
	w := newWorld(t)
	w.github = []func() (int, any){answer(503, "busy"), answer(200, map[string]string{}), answer(200, "no JSON object")}
	if _, err := w.client(Config{Role: role}); err != nil {
		t.Error(err)
	}
	w = newWorld(t)
	w.github = []func() (int, any){answer(403, "you\nmay not")}
	_, err := w.client(Config{Role: role})
	var known *Error
	if !errors.As(err, &known) || len(w.calls) != 0 || !strings.Contains(err.Error(), "(HTTP 403)") || strings.Contains(err.Error(), "\n") {
		t.Error(err)
	}
	w.shows(err.Error())
}

func TestNobodyThere(t *testing.T) {
	w := newWorld(t)
	w.server.Close()
	_, err := w.client(Config{Role: role, MaxAttempts: 2})
	if err == nil || !strings.Contains(err.Error(), "can't be asked for an OIDC token") || !strings.Contains(w.log.String(), "again") {
		t.Errorf("%v\n%s", err, w.log.String())
	}
	w.shows(err.Error())
}

// The SDK of S3 must not try again what was tried here, and what a request
// says of it is this package's line.
func TestOneLayerRetries(t *testing.T) {
	w := newWorld(t)
	w.lifetime = 0 // each request asks for new ones
	c, err := w.client(Config{Role: role, MaxAttempts: 2})
	if err != nil {
		t.Fatal(err)
	}
	w.sts = repeat(stsAnswer{503, "ServiceUnavailable", "later"}, 99)
	w.calls = nil
	err = get(t, c)
	var known *Error
	if !errors.As(err, &known) || len(w.calls) != 2 || !strings.Contains(known.CredentialsAdvice(), "later") {
		t.Errorf("%d calls, %v", len(w.calls), err)
	}
}
