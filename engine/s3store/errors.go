package s3store

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// requestError is a failed request in one line. The SDK's own error, and what
// callers compare with, stay reachable by errors.Is and errors.As.
type requestError struct {
	text string
	kind error // fs.ErrNotExist, store.ErrPrecondition, store.ErrChecksum or nil
	err  error
}

func (e *requestError) Error() string { return e.text }

func (e *requestError) Unwrap() []error {
	if e.kind == nil {
		return []error{e.err}
	}
	return []error{e.kind, e.err}
}

// explain returns err, of a request for key, as one line that says what to do.
func (s *Store) explain(operation, key string, err error) error {
	var known *requestError
	if err == nil || errors.As(err, &known) {
		return err
	}
	e := &requestError{err: err}
	what := credentialsAdvice(err)
	if what == "" {
		what, e.kind = kindOf(err)
	}
	if what == "" {
		what = s.advice(operation, err)
	}
	e.text = fmt.Sprintf("%s s3://%s/%s: %s", operation, s.Bucket, *s.path(key), what)
	return e
}

// explainWrite is explain for a write that may have had conditions.
func (s *Store) explainWrite(operation, key string, o store.Options, err error) error {
	conditional := o.IfMatch != "" || o.IfNoneMatch != ""
	if code := errorCode(err); conditional && code == "NotImplemented" {
		return &requestError{err: err, text: fmt.Sprintf(
			"%s s3://%s/%s: the server has no conditional writes, which keep two runs from mixing", operation, s.Bucket, *s.path(key))}
	}
	err = s.explain(operation, key, err)
	// A missing key is answered with 404 to If-Match.
	var e *requestError
	if o.IfMatch != "" && errors.As(err, &e) && e.kind == fs.ErrNotExist && errorCode(err) != "NoSuchUpload" {
		e.kind = store.ErrPrecondition
		e.text = fmt.Sprintf("%s s3://%s/%s: %s", operation, s.Bucket, *s.path(key), store.ErrPrecondition)
	}
	return err
}

// kindOf returns the error that callers compare with, where there is one, and
// a text for it.
func kindOf(err error) (what string, kind error) {
	switch errorCode(err) {
	case "PreconditionFailed", "ConditionalRequestConflict":
		return store.ErrPrecondition.Error(), store.ErrPrecondition
	case "BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "InvalidDigest":
		return store.ErrChecksum.Error(), store.ErrChecksum
	case "NoSuchKey", "NotFound":
		return "does not exist", fs.ErrNotExist
	case "NoSuchBucket", "NoSuchUpload":
		return "", nil
	}
	switch status(err) {
	case http.StatusPreconditionFailed:
		return store.ErrPrecondition.Error(), store.ErrPrecondition
	case http.StatusNotFound:
		return "does not exist", fs.ErrNotExist
	}
	return "", nil
}

// errorCode returns the code that S3 gave an error, "" where there is none.
func errorCode(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// status returns the HTTP status of a failed request, 0 where there was none.
func status(err error) int {
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) && answer.Response != nil && answer.Response.Response != nil {
		return answer.HTTPStatusCode()
	}
	return 0
}

// asAPIError returns the error of one key of many.
func asAPIError(e types.Error) error {
	return &smithy.GenericAPIError{Code: aws.ToString(e.Code), Message: aws.ToString(e.Message)}
}
