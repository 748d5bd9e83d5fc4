package awsauth

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/cenkalti/backoff/v5"
)

// class says what asking again is good for.
type class int

const (
	// permanent errors come again.
	permanent class = iota
	// settling errors are what AWS says of things made or changed a moment
	// ago, but mostly of things that are wrong: a few attempts.
	settling
	// temporary errors go away.
	temporary
)

const (
	// firstWait and longestWait, doubling, make twelve attempts last about
	// two minutes.
	firstWait   = 500 * time.Millisecond
	longestWait = 20 * time.Second
	// settlingAttempts last about four seconds.
	settlingAttempts = 4
)

// persist calls attempt until it succeeds or its error says that it never
// will. It is the only layer that retries.
func persist[T any](ctx context.Context, a *auth, attempt func() (T, error)) (T, error) {
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval, waits.Multiplier, waits.MaxInterval = a.wait, 2, longestWait
	n := 0
	return backoff.Retry(ctx, func() (T, error) {
		n++
		got, err := attempt()
		c := classOf(err)
		if err != nil && (c == permanent || c == settling && n >= settlingAttempts) {
			return got, backoff.Permanent(err)
		}
		return got, err
	}, backoff.WithBackOff(waits), backoff.WithMaxTries(uint(a.MaxAttempts)), backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(err error, wait time.Duration) {
			a.Log.Info("asking for AWS credentials again", "after", wait.Round(time.Millisecond), "why", err)
		}))
}

func classOf(err error) class {
	var known *Error
	if errors.As(err, &known) {
		return known.class
	}
	return permanent
}

// The codes of errors that go away
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html#API_AssumeRoleWithWebIdentity_Errors).
var (
	temporaryCodes = []string{
		"IDPCommunicationError", "IDPCommunicationErrorException", "Throttling", "ThrottlingException", "ThrottledException",
		"RequestThrottled", "RequestThrottledException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown",
		"PriorRequestNotComplete", "RequestTimeout", "RequestTimeoutException", "InternalError", "InternalFailure",
		"ServiceUnavailable", "ServiceUnavailableException",
	}
	settlingCodes = []string{"InvalidClientTokenId", "UnrecognizedClientException", "NoSuchEntity"}
)

// classOfSTS classifies an error of the SDK.
func classOfSTS(err error) class {
	var answer *smithyhttp.ResponseError
	var api smithy.APIError
	if errors.As(err, &api) {
		code := api.ErrorCode()
		switch {
		case slices.Contains(temporaryCodes, code):
			return temporary
		case strings.Contains(api.ErrorMessage(), "retrieve verification key"):
			return temporary // STS could not reach GitHub's keys
		case slices.Contains(settlingCodes, code):
			return settling
		}
	}
	if errors.As(err, &answer) {
		return classOfStatus(answer.HTTPStatusCode())
	}
	var sent *smithyhttp.RequestSendError
	if errors.As(err, &sent) || errors.Is(err, context.DeadlineExceeded) {
		return temporary
	}
	return permanent
}

func classOfStatus(status int) class {
	if status >= http.StatusInternalServerError || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout {
		return temporary
	}
	return permanent
}
