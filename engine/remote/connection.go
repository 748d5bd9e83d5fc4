package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
)

// connectionProblem is an error on the way to or from a server that may not
// come again.
type connectionProblem struct{ err error }

// userInfo is what a proxy's URL in an error of Go's may hold.
var userInfo = regexp.MustCompile(`://[^/\s"]*@`)

func (e connectionProblem) Error() string {
	return userInfo.ReplaceAllString(clean(e.err.Error()), "://")
}

func (e connectionProblem) Unwrap() error { return e.err }

// connectionError classifies an error of net/http.
func connectionError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	// "Get <URL>:" is said by our own messages.
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	problem := connectionProblem{err}
	if hint := permanentHint(err); hint != "" {
		return permanentProblem{fmt.Errorf("%w: %s", problem, hint)}
	}
	return problem
}

// permanentProblem is a connection error that trying again does not mend.
type permanentProblem struct{ error }

func (e permanentProblem) Unwrap() error { return e.error }

// permanentHint says what to do about what will not go away by itself.
func permanentHint(err error) string {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "a private certificate authority can be given in SSL_CERT_FILE"
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsNotFound {
		return "check the host name in the URL"
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return "the server refused the TLS connection"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || errors.Is(err, http.ErrSchemeMismatch) {
		return "is the URL to start with http://?"
	}
	return ""
}
