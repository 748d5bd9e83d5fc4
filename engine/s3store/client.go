package s3store

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// ClientConfig is what differs from the AWS environment. The zero value is
// that environment.
type ClientConfig struct {
	EndpointURL    string // an S3-compatible server; "" is AWS_ENDPOINT_URL_S3 or AWS
	Region         string // "" is AWS_REGION or the profile's
	ForcePathStyle bool   // endpoint/bucket/key also for AWS; other servers always
	MaxAttempts    int    // of a request; 0 is AWS_MAX_ATTEMPTS or 6
}

const (
	// defaultAttempts is twice the SDK's. S3 slows down who writes thousands
	// of objects to a new prefix, for seconds; six attempts last about 30 s.
	defaultAttempts = 6
	// idleConnections are kept for each server: as many as there are
	// requests at once, so that none dials again.
	idleConnections = 128
	// headerTimeout ends requests whose answer never begins. It is long
	// because S3 answers large copies when it is done.
	headerTimeout = 10 * time.Minute
	// socketBuffer is the size of the transport's buffers in bytes, eight
	// times the default: parts are large.
	socketBuffer = 32 << 10
	// anyRegion is said to servers that have none.
	anyRegion = "us-east-1"
)

// NewClient returns a client made from the standard AWS environment:
// variables, profiles, web identity, container and instance roles,
// AWS_ENDPOINT_URL, AWS_CA_BUNDLE, HTTPS_PROXY.
func NewClient(ctx context.Context, c ClientConfig) (*Client, error) {
	loaded, err := LoadConfig(ctx, c)
	if err != nil {
		return nil, err
	}
	return FromConfig(loaded, c), nil
}

// LoadConfig returns the standard AWS environment with the region of c, for
// callers that get credentials in their own way.
func LoadConfig(ctx context.Context, c ClientConfig) (aws.Config, error) {
	if err := checkEndpoint(c.EndpointURL); err != nil {
		return aws.Config{}, err
	}
	options := []func(*config.LoadOptions) error{
		// AWS_CA_BUNDLE is honoured for this type of client only.
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(tune)),
	}
	if c.Region != "" {
		options = append(options, config.WithRegion(c.Region))
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	return loaded, nil
}

// FromConfig returns a client made from what LoadConfig returned.
func FromConfig(loaded aws.Config, c ClientConfig) *Client {
	return s3.NewFromConfig(loaded, c.apply)
}

// apply sets what differs from the SDK's defaults.
func (c ClientConfig) apply(o *s3.Options) {
	if c.EndpointURL != "" {
		o.BaseEndpoint = &c.EndpointURL
	}
	o.UsePathStyle = o.UsePathStyle || c.ForcePathStyle
	if o.BaseEndpoint != nil && !isAWS(*o.BaseEndpoint) {
		o.UsePathStyle = true
		o.Region = cmp.Or(o.Region, anyRegion)
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	}
	attempts := cmp.Or(c.MaxAttempts, o.RetryMaxAttempts, defaultAttempts)
	o.RetryMaxAttempts = attempts
	if o.RetryMode != aws.RetryModeAdaptive {
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
			r.MaxAttempts = attempts
			// The SDK gives up early when many requests fail at once. With
			// 64 under way that happens whenever S3 slows them down.
			r.RateLimiter = ratelimit.None
		})
	}
}

func tune(t *http.Transport) {
	t.MaxIdleConns = 0 // no limit but the one for each server
	t.MaxIdleConnsPerHost = idleConnections
	t.ResponseHeaderTimeout = headerTimeout
	t.ReadBufferSize = socketBuffer
	t.WriteBufferSize = socketBuffer
}

func checkEndpoint(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("endpoint %q is no http(s) URL", endpoint)
	}
	return nil
}

// isAWS tells endpoints of AWS itself (regional, VPC, FIPS) from others.
func isAWS(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	host := u.Hostname()
	return strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn")
}
