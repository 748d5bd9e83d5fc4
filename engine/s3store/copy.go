package s3store

import (
	"bytes"
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/encoding/httpbinding"
	"golang.org/x/sync/errgroup"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

const (
	// copyPart is the least part of a large copy in bytes. S3 copies within
	// itself, at 100 MB/s and more, so that is a few seconds.
	copyPart = 512 << 20
	// copiesInFlight are the parts copied at once; they cost no memory.
	copiesInFlight = 8
)

// Copy implements store.Writer. Up to MaxRequest bytes it is one request.
// Conditional copies are made in parts also when they are small: S3-compatible
// servers know conditions of that, but hardly any those of CopyObject.
func (s *Store) Copy(ctx context.Context, from, to string, size int64, o store.Options) error {
	if err := errors.Join(store.CheckKey(from), store.CheckKey(to)); err != nil {
		return err
	}
	conditional := o.IfMatch != "" || o.IfNoneMatch != ""
	if size <= s.MaxRequest && !conditional {
		return s.copy(ctx, from, to, o)
	}
	if size > 0 {
		return s.copyParts(ctx, from, to, size, o)
	}
	_, err := s.Put(ctx, to, bytes.NewReader(nil), 0, o) // there are no empty parts
	return err
}

func (s *Store) copySource(from string) *string {
	return aws.String(s.Bucket + "/" + httpbinding.EscapePath(*s.path(from), false))
}

func (s *Store) copy(ctx context.Context, from, to string, o store.Options) error {
	in := &s3.CopyObjectInput{
		Bucket: &s.Bucket, Key: s.path(to), CopySource: s.copySource(from),
		MetadataDirective:    types.MetadataDirectiveReplace,
		ContentType:          optional(o.ContentType),
		CacheControl:         optional(o.CacheControl),
		StorageClass:         types.StorageClass(s.storageClass(to)),
		ServerSideEncryption: types.ServerSideEncryption(s.SSE),
		SSEKMSKeyId:          optional(s.SSEKMSKeyID),
		Tagging:              optional(s.Tagging),
	}
	if s.Tagging != "" {
		in.TaggingDirective = types.TaggingDirectiveReplace
	}
	if _, err := s.Client.CopyObject(ctx, in, s.options()...); err != nil {
		return s.explain("CopyObject", from, err)
	}
	return nil
}

// copyParts copies ranges, several at once, and makes them an object.
func (s *Store) copyParts(ctx context.Context, from, to string, size int64, o store.Options) error {
	m, err := s.begin(ctx, to, o)
	if err != nil {
		return err
	}
	if err := m.copy(ctx, from, size); err != nil {
		return errors.Join(err, m.abort(ctx, true))
	}
	if _, err := m.complete(ctx, size); err != nil {
		return errors.Join(err, m.abort(ctx, false))
	}
	return nil
}

func (m *multipart) copy(ctx context.Context, from string, size int64) error {
	part := min(m.s.MaxRequest, max(copyPart, (size+maxParts-1)/maxParts))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(copiesInFlight)
	for number, off := int32(1), int64(0); off < size; number, off = number+1, off+part {
		group.Go(func() error {
			out, err := m.s.Client.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
				Bucket: &m.s.Bucket, Key: m.s.path(m.key), UploadId: &m.id, PartNumber: &number,
				CopySource: m.s.copySource(from), CopySourceRange: aws.String(rangeHeader(off, min(part, size-off))),
			}, m.s.options()...)
			if err != nil {
				return m.s.explain("UploadPartCopy", from, err)
			}
			m.done(number, out.CopyPartResult.ETag)
			return nil
		})
	}
	return group.Wait()
}
