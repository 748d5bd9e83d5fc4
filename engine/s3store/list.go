package s3store

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// List implements store.Reader, with a request for each 1,000 objects.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		pages := s3.NewListObjectsV2Paginator(s.Client, &s3.ListObjectsV2Input{Bucket: &s.Bucket, Prefix: s.path(prefix)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx, s.options()...)
			if err != nil {
				yield(store.Info{}, s.explain("ListObjectsV2", prefix, err))
				return
			}
			for _, o := range page.Contents {
				info := infoOf(s.key(aws.ToString(o.Key)), aws.ToInt64(o.Size), o.ETag, o.LastModified)
				if !yield(info, nil) {
					return
				}
			}
		}
	}
}
