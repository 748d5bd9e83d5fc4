package remote

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/pktline"
)

// statusError is an answer other than 200.
type statusError struct {
	status int
	text   string
	wait   time.Duration // as the server asked for
}

func (e *statusError) Error() string { return e.text }

// maxErrorBody is how much of an error's body is looked at.
const maxErrorBody = 4096

// refused makes an error of an answer and closes its body.
func (r *Remote) refused(resp *http.Response) error {
	defer resp.Body.Close()
	e := &statusError{status: resp.StatusCode, wait: retryAfter(resp.Header, time.Now())}
	e.text = fmt.Sprintf("the server answered %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	if said := r.plainText(resp); said != "" {
		e.text += " (" + said + ")"
	}
	if hint := r.statusHint(resp); hint != "" {
		e.text += ": " + hint
	}
	return e
}

// plainText quotes what a server says to people, if it is not a page.
func (r *Remote) plainText(resp *http.Response) string {
	if mediaType(resp) != "text/plain" {
		return ""
	}
	b, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if said := strings.TrimSpace(string(b)); said != "" {
		return quoteRemote(r.login.redact(said))
	}
	return ""
}

func (r *Remote) statusHint(resp *http.Response) string {
	u := resp.Request.URL
	switch s := resp.StatusCode; {
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		return r.login.refusal(s, u)
	case s == http.StatusNotFound, s == http.StatusGone:
		return r.login.missing(u)
	case s == http.StatusProxyAuthRequired:
		return "check the user and password in HTTPS_PROXY or HTTP_PROXY"
	case s == http.StatusRequestEntityTooLarge:
		return "the server, or a proxy before it, limits requests to less than this repository's refs need"
	case s == http.StatusTooManyRequests:
		return "the server limits how often it is asked: wait, or use credentials"
	case s >= 200 && s < 300:
		return "that is no answer of a git server; if it is a login page, " + hintToken
	case s >= 500:
		return "the server or a proxy before it has a problem: try again later"
	}
	return ""
}

// mediaType is an answer's content type without parameters, in lowercase.
func mediaType(resp *http.Response) string {
	t, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return t
}

// retryAfter reads a Retry-After header, in seconds or as a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	s := h.Get("Retry-After")
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// temporary says whether the same request may fare better later.
func temporary(err error) bool {
	if e, ok := errors.AsType[*statusError](err); ok {
		switch e.status {
		case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
			http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	}
	if _, ok := errors.AsType[permanentProblem](err); ok {
		return false
	}
	_, ok := errors.AsType[connectionProblem](err)
	return ok || errors.Is(err, io.ErrUnexpectedEOF)
}

// explain words an error about an answer's content for people.
func (r *Remote) explain(err error) error {
	if said, ok := errors.AsType[*pktline.RemoteError](err); ok {
		text := "the server says " + quoteRemote(r.login.redact(said.Message))
		if strings.Contains(said.Message, "not our ref") {
			text += ": the repository changed while it was read: run again"
		}
		return saidError{text, err}
	}
	if _, ok := errors.AsType[connectionProblem](err); ok {
		return fmt.Errorf("the connection was lost: %w", err)
	}
	switch {
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return fmt.Errorf("the answer ended too early: %w", io.ErrUnexpectedEOF)
	case errors.Is(err, pktline.ErrMalformed):
		return fmt.Errorf("the answer is not git's protocol (%w): check the URL, and for a proxy that changes it", err)
	}
	return err
}

// saidError has a text of its own in place of the error's, which is untrusted.
type saidError struct {
	text string
	err  error
}

func (e saidError) Error() string { return e.text }
func (e saidError) Unwrap() error { return e.err }
