package batch

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/cenkalti/backoff/v5"
)

// ObjectError is what the server says about one object.
type ObjectError struct {
	Code    int // as of HTTP; 0 when there was no sensible answer
	Message string
}

// Error implements error.
func (e *ObjectError) Error() string {
	if e.Code == 0 {
		return e.Message
	}
	return fmt.Sprintf("the LFS server says %d: %s", e.Code, e.Message)
}

// StatusError is an answer other than 200.
type StatusError struct {
	Code    int
	Message string
	// Wait is how long the server asks to wait (Retry-After); 0 is unsaid.
	Wait time.Duration
}

// Error implements error.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("HTTP %d", e.Code)
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// hint adds to an error of the batch API what to do.
func hint(err error) error {
	var status *StatusError
	if errors.As(err, &status) && hints[status.Code] != "" {
		return fmt.Errorf("%w; %s", err, hints[status.Code])
	}
	return err
}

var hints = map[int]string{
	http.StatusUnauthorized: "it wants credentials: give a token that may read the repository's LFS objects",
	http.StatusForbidden:    "the token may not read the repository's LFS objects",
	http.StatusNotFound:     "there is no LFS server, or it does not show the repository without credentials",
	501:                     "the server has no Git LFS",
	507:                     "the server's storage is exhausted",
	509:                     "the server's bandwidth limit is exceeded",
}

// As lets backoff see how long to wait.
func (e *StatusError) As(target any) bool {
	after, ok := target.(**backoff.RetryAfterError)
	if ok && e.Wait > 0 {
		*after = &backoff.RetryAfterError{Duration: e.Wait}
		return true
	}
	return false
}

func statusError(resp *http.Response, now time.Time) error {
	defer discard(resp)
	// The message comes from a stranger: little of it is read.
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	var body struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(raw, &body) // HTML and XML have no message
	return &StatusError{
		Code:    resp.StatusCode,
		Message: clean(body.Message),
		Wait:    retryAfter(resp.Header.Get("Retry-After"), now),
	}
}

// retryAfter reads seconds or a date (RFC 9110, 10.2.3).
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		return time.Duration(max(seconds, 0)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// clean makes a server's text fit for one line of a log.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, s)
	const limit = 300
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return strings.TrimSpace(s)
}

// maxWait is the longest Retry-After that is waited for. GitHub's limits are
// counted by the minute and the hour; a run should not hang for hours.
const maxWait = 15 * time.Minute

func permanent(err error) error { return backoff.Permanent(err) }

// Temporary says whether an attempt that ended in err is worth repeating.
func Temporary(err error) bool {
	var fixed *backoff.PermanentError
	var object *ObjectError
	var status *StatusError
	var certificate *tls.CertificateVerificationError
	switch {
	case err == nil, errors.As(err, &fixed), errors.As(err, &certificate), errors.Is(err, context.Canceled):
		return false
	case errors.As(err, &object):
		return temporaryCode(object.Code)
	case errors.As(err, &status):
		return temporaryCode(status.Code) && status.Wait <= maxWait
	}
	return true // the network
}

func temporaryCode(code int) bool {
	switch code {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// Retry calls op until it succeeds, fails for good or has failed tries times.
// pace is nil for waits that grow from half a second to a minute; a server's
// Retry-After goes before it.
func Retry[T any](ctx context.Context, tries uint, pace backoff.BackOff, op func() (T, error)) (T, error) {
	if pace == nil {
		pace = backoff.NewExponentialBackOff()
	}
	result, err := backoff.Retry(ctx, func() (T, error) {
		result, err := op()
		if err != nil && !Temporary(err) {
			err = backoff.Permanent(err)
		}
		return result, err
	}, backoff.WithBackOff(pace), backoff.WithMaxTries(tries), backoff.WithMaxElapsedTime(0))
	var fixed *backoff.PermanentError
	if errors.As(err, &fixed) && err == error(fixed) {
		err = fixed.Err
	}
	return result, err
}
