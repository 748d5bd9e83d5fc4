package awsauth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	githubactions "github.com/sethvargo/go-githubactions"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/s3store"
)

// The variables through which GitHub gives out tokens to jobs that may have
// them.
const (
	tokenURL = "ACTIONS_ID_TOKEN_REQUEST_URL"
	tokenKey = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
)

func (a *auth) mayAskGitHub() bool { return a.Getenv(tokenURL) != "" && a.Getenv(tokenKey) != "" }

// githubToken asks GitHub for a token of the job. What permits it stays valid
// for as long as the job lasts; the token only lasts for minutes.
func (a *auth) githubToken(ctx context.Context) (string, error) {
	a.secret(a.Getenv(tokenKey))
	github := githubactions.New(githubactions.WithGetenv(a.Getenv), githubactions.WithHTTPClient(a.http))
	token, err := github.GetIDToken(ctx, a.Audience)
	var refused *githubactions.RequestFailedError
	switch {
	case errors.As(err, &refused):
		return "", &Error{
			text:  fmt.Sprintf("GitHub gives out no OIDC token for audience %q (HTTP %d): %s", a.Audience, refused.StatusCode, s3store.OneLine(refused.Body)),
			class: classOfStatus(refused.StatusCode), err: err,
		}
	case err != nil:
		return "", &Error{text: "GitHub can't be asked for an OIDC token: " + s3store.OneLine(err.Error()), class: temporary, err: err}
	case token == "":
		return "", &Error{text: "GitHub's answer holds no OIDC token", class: temporary}
	}
	return token, nil
}

// fileToken reads the token anew, since whoever writes the file replaces it.
func (a *auth) fileToken(context.Context) (string, error) {
	b, err := os.ReadFile(a.TokenFile)
	if err != nil {
		return "", &Error{text: fmt.Sprintf("web-identity-token-file can't be read: %v", err), err: err}
	}
	token := strings.TrimSpace(string(b))
	if token == "" {
		return "", &Error{text: fmt.Sprintf("web-identity-token-file %s is empty", a.TokenFile), class: temporary}
	}
	return token, nil
}

// claims are what a token says, unverified: for messages only.
type claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience audience `json:"aud"`
}

// audience is a string or a list of them (RFC 7519, section 4.1.3).
type audience string

func (a *audience) UnmarshalJSON(b []byte) error {
	var list []string
	if json.Unmarshal(b, &list) == nil {
		*a = audience(strings.Join(list, " "))
		return nil
	}
	return json.Unmarshal(b, (*string)(a))
}

// claimsOf reads a JSON Web Token; what is none gives none.
func claimsOf(token string) claims {
	var c claims
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(b, &c) != nil {
		return claims{}
	}
	return c
}
