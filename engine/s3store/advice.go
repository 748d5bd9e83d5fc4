package s3store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// permissions are the actions that IAM policies name for requests.
var permissions = map[string]string{
	"PutObject":               "s3:PutObject",
	"CreateMultipartUpload":   "s3:PutObject",
	"UploadPart":              "s3:PutObject",
	"CompleteMultipartUpload": "s3:PutObject",
	"UploadPartCopy":          "s3:PutObject and s3:GetObject",
	"CopyObject":              "s3:PutObject and s3:GetObject",
	"GetObject":               "s3:GetObject",
	"HeadObject":              "s3:GetObject",
	"DeleteObject":            "s3:DeleteObject",
	"DeleteObjects":           "s3:DeleteObject",
	"AbortMultipartUpload":    "s3:AbortMultipartUpload",
	"ListObjectsV2":           "s3:ListBucket",
	"ListMultipartUploads":    "s3:ListBucketMultipartUploads",
}

// credentialsAdvice returns what to do when a request wasn't made for lack of
// credentials, "" otherwise. The error may hold that of another service, such
// as a 404 of the instance's metadata, which says nothing about the object.
func credentialsAdvice(err error) string {
	var known interface {
		error
		CredentialsAdvice() string
	}
	if errors.As(err, &known) { // of who gets the credentials
		return known.CredentialsAdvice()
	}
	text := err.Error()
	if !strings.Contains(text, "get identity: ") {
		return ""
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		return fmt.Sprintf("no AWS credentials, they were refused: %s: %s", api.ErrorCode(), OneLine(api.ErrorMessage()))
	}
	return "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role (" + LastMessage(text) + ")"
}

// advice says in a few words what went wrong and what to do.
func (s *Store) advice(operation string, err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return s.apiAdvice(operation, err, api)
	}
	endpoint := "S3"
	if base := s.Client.Options().BaseEndpoint; base != nil {
		endpoint = *base
	}
	var dns *net.DNSError
	var request *url.Error
	text := OneLine(err.Error())
	switch {
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("connection refused: nothing listens at %s; check the endpoint URL", endpoint)
	case errors.As(err, &dns):
		return fmt.Sprintf("host %s is not known; check the endpoint URL, the region and the bucket's name", dns.Name)
	case strings.Contains(text, "Missing Region"), strings.Contains(text, "Invalid region"):
		return "no AWS region: set --region or AWS_REGION"
	case errors.As(err, &request):
		return fmt.Sprintf("the connection to %s failed: %s", endpoint, OneLine(request.Err.Error()))
	}
	return text
}

func (s *Store) apiAdvice(operation string, err error, api smithy.APIError) string {
	code, message := api.ErrorCode(), OneLine(api.ErrorMessage())
	switch code {
	case "AccessDenied", "Forbidden", "AllAccessDisabled", "AccountProblem":
		return s.denied(operation, message)
	case "NoSuchBucket":
		return fmt.Sprintf("bucket %q does not exist: create it, or check its name, the region and the endpoint URL", s.Bucket)
	case "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "MovedPermanently":
		return s.wrongRegion(err, message)
	case "ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired":
		return "the AWS credentials have expired: sign in again, or use credentials that last as long as the run"
	case "InvalidAccessKeyId", "InvalidToken", "InvalidClientTokenId", "SignatureDoesNotMatch":
		return fmt.Sprintf("the AWS credentials are not valid (%s): check the access key, the secret key and the session token", code)
	case "RequestTimeTooSkewed":
		return "the clock of this machine is wrong: set it"
	case "SlowDown", "ServiceUnavailable", "TooManyRequests", "RequestLimitExceeded":
		return fmt.Sprintf("the server asks to slow down, also after retries (%s): run fewer mirrors at once", code)
	case "InvalidStorageClass":
		return fmt.Sprintf("the server has no storage class %q: choose another, or none", s.StorageClass)
	}
	if status(err) == http.StatusForbidden {
		return s.denied(operation, message)
	}
	return strings.TrimSuffix(fmt.Sprintf("%s: %s", code, message), ": ") + statusText(err)
}

func (s *Store) denied(operation, message string) string {
	action, ok := permissions[operation]
	if !ok {
		return "access denied: " + message
	}
	resource := "arn:aws:s3:::" + s.Bucket
	if !strings.HasPrefix(action, "s3:List") {
		resource += "/" + *s.path("*")
	}
	if s.Tagging != "" && strings.Contains(action, "s3:PutObject") {
		action += " and s3:PutObjectTagging"
	}
	if action == "s3:GetObject" {
		action += " (and s3:ListBucket on the bucket, without which a missing object is answered in the same way)"
	}
	text := fmt.Sprintf("access denied: allow the credentials %s on %s", action, resource)
	if message != "" {
		text += "; the server says: " + message
	}
	return text
}

func (s *Store) wrongRegion(err error, message string) string {
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) && answer.Response != nil && answer.Response.Response != nil {
		if region := answer.Response.Header.Get("X-Amz-Bucket-Region"); region != "" {
			return fmt.Sprintf("bucket %q is in region %s: set --region %s or AWS_REGION", s.Bucket, region, region)
		}
	}
	return fmt.Sprintf("bucket %q is in another region than %s: set --region or AWS_REGION; the server says: %s",
		s.Bucket, s.Client.Options().Region, message)
}

func statusText(err error) string {
	if n := status(err); n != 0 {
		return fmt.Sprintf(" (HTTP %d)", n)
	}
	return ""
}

// OneLine keeps what servers say from breaking lines or filling screens.
func OneLine(text string) string {
	const most = 300
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// LastMessage returns the innermost of the messages that an error's text is made of.
func LastMessage(text string) string {
	parts := strings.Split(text, ", ")
	return OneLine(parts[len(parts)-1])
}
