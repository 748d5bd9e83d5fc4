package s3store

import (
	"context"
	"sync/atomic"

	"github.com/aws/smithy-go/middleware"
)

// count adds counting to a call. The deserialize step is within the retries,
// so it sees each attempt; behind the signing, so only what is sent.
func (s *Store) count(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("CountRequests",
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
			middleware.DeserializeOutput, middleware.Metadata, error,
		) {
			s.countOf(middleware.GetOperationName(ctx)).Add(1)
			return next.HandleDeserialize(ctx, in)
		}), middleware.After)
}

func (s *Store) countOf(operation string) *atomic.Int64 {
	switch operation {
	case "PutObject":
		return &s.counter.Put
	case "GetObject":
		return &s.counter.Get
	case "HeadObject":
		return &s.counter.Head
	case "ListObjectsV2", "ListMultipartUploads":
		return &s.counter.List
	case "CopyObject":
		return &s.counter.Copy
	case "DeleteObject", "DeleteObjects":
		return &s.counter.Delete
	}
	return &s.counter.Multipart
}
