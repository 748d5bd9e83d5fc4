// Package testserver runs real servers on loopback for tests and the demo: an
// S3 server, `git http-backend`, and an LFS server, with faults where asked.
package testserver

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	// s3Region is what versitygw says it is in.
	s3Region = "us-east-1"
	// s3Start is how long it may take until the server answers.
	s3Start = 20 * time.Second
	// s3Grace is how long it may take to end by itself.
	s3Grace = 5 * time.Second
)

// S3 is a running S3 server, versitygw, on a port of 127.0.0.1. Buckets are
// directories below the one that it was started with.
type S3 struct {
	Endpoint  string // http://127.0.0.1:port
	Region    string
	AccessKey string
	SecretKey string

	sidecar bool
	process *os.Process
	ended   chan struct{} // closed when the process has ended
	log     output
	stop    sync.Once
}

// StartS3 starts a server that keeps its buckets in dir, which is made if it
// isn't there. It runs until Stop, the end of ctx, or the end of this process,
// whatever comes first.
func StartS3(ctx context.Context, dir string) (*S3, error) { return startS3(ctx, dir, false) }

// StartS3ForManyParts is StartS3 with the objects' attributes in files, not in
// those of the file system: ext4's have 4 KiB, which do not hold the sizes of
// more than some 350 parts.
func StartS3ForManyParts(ctx context.Context, dir string) (*S3, error) {
	return startS3(ctx, dir, true)
}

func startS3(ctx context.Context, dir string, sidecar bool) (*S3, error) {
	program, err := Tool("versitygw")
	if err != nil {
		return nil, err
	}
	data, meta := filepath.Join(dir, "buckets"), filepath.Join(dir, "metadata")
	for _, d := range []string{data, meta} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, fmt.Errorf("starting versitygw: %w", err)
		}
	}
	// Between finding a free port and listening on it another process may
	// take it, so there is more than one try.
	for range 3 {
		s := &S3{Region: s3Region, AccessKey: "mirror", SecretKey: "mirror-git-to-s3", sidecar: sidecar, ended: make(chan struct{})}
		if err = s.start(ctx, program, data, meta); err == nil {
			context.AfterFunc(ctx, s.Stop)
			return s, nil
		}
		s.Stop()
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("starting versitygw: %w", err)
}

// Stop ends the server and waits for that.
func (s *S3) Stop() {
	s.stop.Do(func() {
		if s.process != nil {
			s.process.Signal(os.Interrupt)
		}
		select {
		case <-s.ended:
		case <-time.After(s3Grace):
			s.process.Kill()
			<-s.ended
		}
	})
}

// Log returns what the server has said.
func (s *S3) Log() string { return s.log.String() }

// Environ returns the variables that make AWS tools use the server.
func (s *S3) Environ() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + s.Endpoint,
		"AWS_REGION=" + s.Region,
		"AWS_ACCESS_KEY_ID=" + s.AccessKey,
		"AWS_SECRET_ACCESS_KEY=" + s.SecretKey,
		"AWS_EC2_METADATA_DISABLED=true",
	}
}

// Client returns a client for the server. It has its own connections.
func (s *S3) Client() *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: &s.Endpoint,
		Region:       s.Region,
		UsePathStyle: true,
		HTTPClient:   &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: s.AccessKey, SecretAccessKey: s.SecretKey}, nil
		}),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	})
}

// CreateBucket makes a private bucket.
func (s *S3) CreateBucket(ctx context.Context, bucket string) error {
	_, err := s.Client().CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket})
	if err != nil {
		return fmt.Errorf("making bucket %q: %w", bucket, err)
	}
	return nil
}

// publicPolicy lets everybody read a bucket, and list it: without the right
// to list, a missing key is answered with 403 instead of 404.
const publicPolicy = `{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::BUCKET/*"},
    {"Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::BUCKET"}
  ]
}`

// MakePublic lets everybody read and list the bucket, without credentials.
func (s *S3) MakePublic(ctx context.Context, bucket string) error {
	policy := strings.ReplaceAll(publicPolicy, "BUCKET", bucket)
	_, err := s.Client().PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &policy})
	if err != nil {
		return fmt.Errorf("making bucket %q public: %w", bucket, err)
	}
	return nil
}
