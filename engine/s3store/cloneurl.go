package s3store

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/encoding/httpbinding"
)

// CloneURL returns the URL that `git clone` takes once the bucket can be read
// without credentials: of the bucket's own host, or with the bucket in its
// path where its name or the client wants that.
func (s *Store) CloneURL() string {
	o := s.Client.Options()
	endpoint, err := s3.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), s3.EndpointParameters{
		Bucket:         &s.Bucket,
		Region:         optional(o.Region),
		Endpoint:       o.BaseEndpoint,
		ForcePathStyle: &o.UsePathStyle,
		UseDualStack:   aws.Bool(o.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
	})
	base := fmt.Sprintf("https://s3.amazonaws.com/%s", httpbinding.EscapePath(s.Bucket, false))
	if err == nil {
		base = endpoint.URI.String()
	}
	base = strings.TrimSuffix(base, "/")
	if s.Prefix == "" {
		return base
	}
	// S3 takes a "+" in a path for a space, so that is escaped too.
	return base + "/" + httpbinding.EscapePath(s.Prefix, false)
}
