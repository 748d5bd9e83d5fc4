package s3store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// maxParts is how many parts an object can be made of
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
const maxParts = 10_000

// lastWord is how long requests may take that are made although the caller's
// context has ended, so that nothing is left behind.
const lastWord = 30 * time.Second

// An upload whose parts were cut short is aborted again after 50 ms, 100 ms
// and so on: 0.75 s with servers that never say that they don't know it.
const (
	abortWait    = 50 * time.Millisecond
	abortRepeats = 3
)

// multipart is a multipart upload under way.
type multipart struct {
	s   *Store
	key string
	o   store.Options
	id  string

	mu    sync.Mutex
	parts []types.CompletedPart
}

// begin starts a multipart upload. It is not cut short: an answer that nobody
// waited for would leave an upload that nobody knows of.
func (s *Store) begin(ctx context.Context, key string, o store.Options) (*multipart, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWord)
	defer cancel()
	out, err := s.Client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &s.Bucket, Key: s.path(key),
		ContentType:          optional(o.ContentType),
		CacheControl:         optional(o.CacheControl),
		StorageClass:         types.StorageClass(s.storageClass(key)),
		ServerSideEncryption: types.ServerSideEncryption(s.SSE),
		SSEKMSKeyId:          optional(s.SSEKMSKeyID),
		Tagging:              optional(s.Tagging),
	}, s.options()...)
	if err != nil {
		return nil, s.explain("CreateMultipartUpload", key, err)
	}
	return &multipart{s: s, key: key, o: o, id: aws.ToString(out.UploadId)}, nil
}

// arrived counts the parts that have.
func (m *multipart) arrived() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.parts)
}

// done notes a part that has arrived; it may be called concurrently.
func (m *multipart) done(number int32, etag *string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.parts = append(m.parts, types.CompletedPart{PartNumber: &number, ETag: etag})
}

// complete makes the parts an object.
func (m *multipart) complete(ctx context.Context, size int64) (store.Info, error) {
	slices.SortFunc(m.parts, func(a, b types.CompletedPart) int { return cmp.Compare(*a.PartNumber, *b.PartNumber) })
	out, err := m.s.Client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &m.s.Bucket, Key: m.s.path(m.key), UploadId: &m.id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: m.parts},
		IfMatch:         optional(m.o.IfMatch),
		IfNoneMatch:     optional(m.o.IfNoneMatch),
	}, m.s.options()...)
	if err != nil {
		return store.Info{}, m.s.explainWrite("CompleteMultipartUpload", m.key, m.o, err)
	}
	return infoOf(m.key, size, out.ETag, nil), nil
}

// abort removes the parts. Those whose sending was cut short may arrive at the
// server after that and bring the upload back, so it is asked until it knows
// nothing of the upload, as S3's documentation of AbortMultipartUpload wants.
func (m *multipart) abort(ctx context.Context, cutShort bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWord)
	defer cancel()
	for wait := abortWait; ; wait *= 2 {
		known, err := m.s.abort(ctx, m.key, m.id)
		if err != nil || !known || !cutShort || wait > abortWait<<abortRepeats {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// abort returns whether the server knew the upload.
func (s *Store) abort(ctx context.Context, key, id string) (bool, error) {
	_, err := s.Client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: &s.Bucket, Key: s.path(key), UploadId: &id,
	}, s.options()...)
	if errorCode(err) == "NoSuchUpload" {
		return false, nil
	}
	return true, s.explain("AbortMultipartUpload", key, err)
}

// AbortStaleUploads removes what runs that ended in the middle left behind:
// multipart uploads of staged packs, objects and LFS objects begun before
// olderThan. It returns how many they were.
func (s *Store) AbortStaleUploads(ctx context.Context, olderThan time.Time) (int, error) {
	n := 0
	var failed []error
	pages := s3.NewListMultipartUploadsPaginator(s.Client, &s3.ListMultipartUploadsInput{Bucket: &s.Bucket, Prefix: s.path("")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx, s.options()...)
		if err != nil {
			return n, s.explain("ListMultipartUploads", "", err)
		}
		for _, u := range page.Uploads {
			key := s.key(aws.ToString(u.Key))
			if !isOurs(key) || !aws.ToTime(u.Initiated).Before(olderThan) {
				continue
			}
			if _, err := s.abort(ctx, key, aws.ToString(u.UploadId)); err != nil {
				failed = append(failed, err)
				continue
			}
			n++
		}
	}
	if len(failed) > 0 {
		return n, fmt.Errorf("aborting stale uploads: %w", errors.Join(failed...))
	}
	return n, nil
}
