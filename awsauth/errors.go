package awsauth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/smithy-go"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/s3store"
)

// Error says in one line why there are no credentials, and what to do.
type Error struct {
	text  string
	class class
	err   error
}

func (e *Error) Error() string { return e.text }

// Unwrap returns the SDK's error, if there is one.
func (e *Error) Unwrap() error { return e.err }

// CredentialsAdvice is the whole line, for those who find the error inside that
// of a request that could not be signed.
func (e *Error) CredentialsAdvice() string { return e.text }

// RetryableError tells the SDK that asking again was tried here.
func (e *Error) RetryableError() bool { return false }

// unwrap takes an Error out of what the SDK puts around it.
func unwrap(err error) error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	return err
}

// noToken says what lacks when only GitHub's token could help.
func (a *auth) noToken(err error) error {
	if !a.inActions() {
		return &Error{text: "no AWS credentials that could assume role " + a.Role + ": " + s3store.LastMessage(err.Error()), err: err}
	}
	return &Error{err: err, text: `GitHub gives this job no OIDC token to assume the role with: add "permissions: id-token: write" to the workflow or the job` +
		` (with "contents: read", because naming one permission takes away the others); pull requests from forks never get one`}
}

// noCredentials says what lacks when nothing was given.
func (a *auth) noCredentials(err error) error {
	if !a.inActions() {
		return &Error{text: "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role (" + s3store.LastMessage(err.Error()) + ")", err: err}
	}
	return &Error{err: err, text: `no AWS credentials: write "role-to-assume: arn:aws:iam::ACCOUNT:role/NAME" below "with:" and "permissions: id-token: write" in the job,` +
		` or give aws-access-key-id and aws-secret-access-key`}
}

// explainToken explains an error of AssumeRoleWithWebIdentity.
func (a *auth) explainToken(token string, err error) error {
	if err == nil {
		return nil
	}
	t := claimsOf(token)
	says := fmt.Sprintf("the token says iss %q, aud %q, sub %q", t.Issuer, t.Audience, t.Subject)
	return a.explain(err, func(code, message string) string {
		switch {
		case code == "AccessDenied" || code == "AccessDeniedException":
			return fmt.Sprintf("role %s does not let this job in: its trust policy must allow sts:AssumeRoleWithWebIdentity for the identity provider, the aud and the sub of the token; %s", a.Role, says)
		case strings.Contains(message, "No OpenIDConnect provider"):
			return fmt.Sprintf("the role's AWS account has no identity provider for %s: add it in IAM, with audience %s", t.Issuer, a.Audience)
		case strings.Contains(strings.ToLower(message), "audience"):
			return fmt.Sprintf("the identity provider in AWS does not take audience %q: add it there, or give the one that it takes as audience; the server says: %s", a.Audience, message)
		case strings.HasPrefix(code, "ExpiredToken"):
			return "the OIDC token had expired when it reached the server: check this machine's clock; the server says: " + message
		case code == "InvalidIdentityToken" || code == "InvalidIdentityTokenException":
			return fmt.Sprintf("the OIDC token was refused: %s; %s", message, says)
		}
		if text := a.common(code, message); text != "" {
			return text
		}
		return fmt.Sprintf("role %s was refused: %s: %s; %s", a.Role, code, message, says)
	})
}

// explainAssume explains an error of AssumeRole.
func (a *auth) explainAssume(err error) error {
	if err == nil {
		return nil
	}
	if text := err.Error(); strings.Contains(text, "get identity: ") && a.AccessKeyID == "" {
		return &Error{err: err, text: "no AWS credentials that could assume role " + a.Role +
			": a step before this one must provide them, or leave out role-chaining (" + s3store.LastMessage(err.Error()) + ")"}
	}
	return a.explain(err, func(code, message string) string {
		switch {
		case code == "AccessDenied" || code == "AccessDeniedException":
			return a.assumeDenied(message)
		case strings.HasPrefix(code, "ExpiredToken") || code == "RequestExpired":
			return "the credentials that are to assume the role have expired: let this step take its own by OIDC (permissions: id-token: write, no role-chaining), which are renewed for as long as it lasts"
		case code == "InvalidClientTokenId" || code == "SignatureDoesNotMatch" || code == "UnrecognizedClientException":
			return fmt.Sprintf("the AWS credentials that are to assume the role are not valid (%s): check the access key, the secret key and the session token", code)
		}
		if text := a.common(code, message); text != "" {
			return text
		}
		return fmt.Sprintf("role %s was refused: %s: %s", a.Role, code, message)
	})
}

func (a *auth) assumeDenied(message string) string {
	text := fmt.Sprintf("the credentials may not assume role %s: allow them sts:AssumeRole on it", a.Role)
	if !a.SkipTagging && len(sessionTags(a.Getenv)) > 0 {
		text += " and sts:TagSession (or write role-skip-session-tagging: true)"
	}
	text += ", and them in its trust policy"
	if a.ExternalID == "" {
		text += "; if that asks for an external id, give role-external-id"
	}
	return text + "; the server says: " + message
}

// common explains what both ways to assume a role have in common.
func (a *auth) common(code, message string) string {
	switch {
	case strings.Contains(message, "DurationSeconds"):
		return fmt.Sprintf("role-duration-seconds: %d is not what the role allows: write less (a chained role has 3600 at most), or raise its maximum session duration; the server says: %s", a.Duration/time.Second, message)
	case code == "PackedPolicyTooLarge" || code == "PackedPolicyTooLargeException":
		return "the session policies are too large for AWS: give shorter ones, or fewer targets at once with scope-session; the server says: " + message
	case code == "MalformedPolicyDocument" || code == "MalformedPolicyDocumentException":
		return "the session policy is not accepted: " + message
	case code == "RegionDisabledException":
		return fmt.Sprintf("STS is switched off in region %s: switch it on in the account's settings, or give another region", a.config.Region)
	}
	return ""
}

// explain makes an Error of the SDK's. words are asked for what servers say.
func (a *auth) explain(err error, words func(code, message string) string) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	e := &Error{err: err, class: classOfSTS(err)}
	var api smithy.APIError
	text := err.Error()
	switch {
	case errors.As(err, &api):
		e.text = words(api.ErrorCode(), s3store.OneLine(api.ErrorMessage()))
	case strings.Contains(text, "Missing Region"), strings.Contains(text, "Invalid region"):
		e.class, e.text = permanent, "no AWS region: write it as aws-region, or set AWS_REGION"
	default:
		e.text = "the security token service (STS) can't be reached: " + s3store.LastMessage(err.Error())
	}
	return e
}
