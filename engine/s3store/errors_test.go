package s3store_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/s3store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// The calls whose errors are looked at.
var calls = map[string]func(context.Context, *s3store.Store) error{
	"get": func(ctx context.Context, s *s3store.Store) error {
		_, _, err := s.Get(ctx, "HEAD", 0, -1)
		return err
	},
	"list": func(ctx context.Context, s *s3store.Store) error {
		for _, err := range s.List(ctx, "objects/") {
			return err
		}
		return nil
	},
	"put": func(ctx context.Context, s *s3store.Store) error {
		_, err := s.Put(ctx, "HEAD", strings.NewReader("x"), 1, store.Options{})
		return err
	},
	"create": func(ctx context.Context, s *s3store.Store) error {
		_, err := s.Put(ctx, "HEAD", strings.NewReader("x"), 1, store.Options{IfNoneMatch: "*"})
		return err
	},
	"replace": func(ctx context.Context, s *s3store.Store) error {
		_, err := s.Put(ctx, "HEAD", strings.NewReader("x"), 1, store.Options{IfMatch: `"x"`})
		return err
	},
	"copy": func(ctx context.Context, s *s3store.Store) error {
		return s.Copy(ctx, "HEAD", "to", 1, store.Options{})
	},
	"delete": func(ctx context.Context, s *s3store.Store) error { return s.Delete(ctx, "HEAD") },
	"upload": func(ctx context.Context, s *s3store.Store) error {
		u, err := s.Upload(ctx, "HEAD", store.Options{})
		if err != nil {
			return err
		}
		defer u.Abort()
		_, err = u.Write(make([]byte, 100))
		return err
	},
}

func TestErrors(t *testing.T) {
	tests := []struct {
		call   string
		status int
		code   string
		is     error // nil: none of those that callers compare with
		want   string
	}{
		{"put", 403, "AccessDenied", nil, "allow the credentials s3:PutObject on arn:aws:s3:::bucket/a/repo/*; the server says: the message"},
		{"get", 403, "AccessDenied", nil, "s3:GetObject (and s3:ListBucket on the bucket"},
		{"list", 403, "AccessDenied", nil, "s3:ListBucket on arn:aws:s3:::bucket;"},
		{"copy", 403, "AccessDenied", nil, "s3:PutObject and s3:GetObject on"},
		{"delete", 403, "AccessDenied", nil, "s3:DeleteObject on"},
		{"upload", 403, "AccessDenied", nil, "CreateMultipartUpload s3://bucket/a/repo/HEAD: access denied: allow the credentials s3:PutObject"},
		{"get", 404, "NoSuchKey", fs.ErrNotExist, "does not exist"},
		{"copy", 404, "NoSuchKey", fs.ErrNotExist, "does not exist"},
		{"get", 404, "NoSuchBucket", nil, `bucket "bucket" does not exist: create it`},
		{"put", 404, "NoSuchBucket", nil, `bucket "bucket" does not exist: create it`},
		{"replace", 404, "NoSuchBucket", nil, `bucket "bucket" does not exist: create it`},
		{"list", 404, "NoSuchBucket", nil, `bucket "bucket" does not exist: create it`},
		{"delete", 404, "NoSuchBucket", nil, `bucket "bucket" does not exist: create it`},
		{"put", 301, "PermanentRedirect", nil, `bucket "bucket" is in region ap-east-1: set --region ap-east-1 or AWS_REGION`},
		{"get", 400, "AuthorizationHeaderMalformed", nil, "is in region ap-east-1"},
		{"put", 400, "ExpiredToken", nil, "the AWS credentials have expired"},
		{"put", 403, "InvalidAccessKeyId", nil, "the AWS credentials are not valid (InvalidAccessKeyId)"},
		{"put", 403, "SignatureDoesNotMatch", nil, "the AWS credentials are not valid"},
		{"put", 403, "RequestTimeTooSkewed", nil, "clock"},
		{"put", 400, "InvalidStorageClass", nil, `no storage class "COLD"`},
		{"put", 503, "SlowDown", nil, "slow down"},
		{"put", 500, "InternalError", nil, "InternalError: the message (HTTP 500)"},
		{"put", 400, "BadDigest", store.ErrChecksum, "checksum"},
		{"put", 400, "XAmzContentSHA256Mismatch", store.ErrChecksum, "checksum"},
		{"create", 412, "PreconditionFailed", store.ErrPrecondition, "changed by somebody else"},
		{"create", 409, "ConditionalRequestConflict", store.ErrPrecondition, "changed by somebody else"},
		{"replace", 404, "NoSuchKey", store.ErrPrecondition, "changed by somebody else"},
		{"create", 501, "NotImplemented", nil, "no conditional writes"},
		{"put", 409, "OperationAborted", nil, "OperationAborted: the message (HTTP 409)"},
	}
	for _, test := range tests {
		t.Run(test.call+"/"+test.code, func(t *testing.T) {
			client := fake(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Amz-Bucket-Region", "ap-east-1")
				refuse(w, test.status, test.code)
			})
			s := s3store.New(s3store.Config{Client: client, Bucket: "bucket", Prefix: "a/repo", StorageClass: "COLD", PartSize: 10})
			err := calls[test.call](t.Context(), s)
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error is %q, want %q in it", err, test.want)
			}
			for _, kind := range []error{fs.ErrNotExist, store.ErrPrecondition, store.ErrChecksum} {
				if errors.Is(err, kind) != (kind == test.is) {
					t.Errorf("errors.Is(%v, %v) is %v", err, kind, kind != test.is)
				}
			}
			var api smithy.APIError
			if !errors.As(err, &api) || api.ErrorCode() != test.code {
				t.Errorf("the SDK's error is lost: %#v", err)
			}
		})
	}
}

// TestDeleteReportsKeys checks the error of a batch of which some failed.
func TestDeleteReportsKeys(t *testing.T) {
	client := fake(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(`<DeleteResult>
			<Error><Key>repo/gone</Key><Code>NoSuchKey</Code></Error>
			<Error><Key>repo/b</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>`))
	})
	s := s3store.New(s3store.Config{Client: client, Bucket: "bucket", Prefix: "repo"})
	err := s.Delete(t.Context(), "gone", "b", "c")
	if err == nil || !strings.Contains(err.Error(), "1 of 3") || !strings.Contains(err.Error(), "s3://bucket/repo/b: access denied") {
		t.Errorf("error is %v", err)
	}
}

// TestDeleteWithoutBatches uses a server that does not know DeleteObjects.
func TestDeleteWithoutBatches(t *testing.T) {
	var deleted []string
	client := fake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodDelete {
			refuse(w, 501, "NotImplemented")
			return
		}
		deleted = append(deleted, r.URL.Path)
		w.WriteHeader(204)
	})
	s := s3store.New(s3store.Config{Client: client, Bucket: "bucket"})
	if err := s.Delete(t.Context(), "a", "b"); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(deleted, " "); got != "/bucket/a /bucket/b" {
		t.Errorf("deleted %q", got)
	}
}

func TestErrorsWithoutAnAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	l.Close()
	for name, test := range map[string]struct {
		client *s3store.Client
		is     error
		want   string
	}{
		"refused":   {clientOf(closed), syscall.ECONNREFUSED, "nothing listens at " + closed},
		"no region": {s3.New(s3.Options{}), nil, "no AWS region: set --region or AWS_REGION"},
	} {
		t.Run(name, func(t *testing.T) {
			s := s3store.New(s3store.Config{Client: test.client, Bucket: "bucket"})
			err := calls["put"](t.Context(), s)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error is %v, want %q in it", err, test.want)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("error is %v, want %v", err, test.is)
			}
		})
	}
}

// TestCredentialsRefused checks that an error of the service that gives
// credentials is not taken for one of S3.
func TestCredentialsRefused(t *testing.T) {
	o := clientOf("http://127.0.0.1:1").Options()
	o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, &smithy.GenericAPIError{Code: "NoSuchKey", Message: "no role"}
	})
	s := s3store.New(s3store.Config{Client: s3.New(o), Bucket: "bucket"})
	for name, call := range calls {
		if name == "upload" {
			continue // asks nothing yet
		}
		err := call(t.Context(), s)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, store.ErrPrecondition) {
			t.Errorf("%s: %v is taken for a missing object", name, err)
		}
		if err == nil || !strings.Contains(err.Error(), "no AWS credentials") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}
