package s3store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// deleteBatch is how many keys one DeleteObjects takes.
const deleteBatch = 1000

// Delete implements store.Writer, with a request for each 1,000 keys.
func (s *Store) Delete(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		if err := store.CheckKey(key); err != nil {
			return err
		}
	}
	for batch := range slices.Chunk(keys, deleteBatch) {
		if err := s.delete(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) delete(ctx context.Context, keys []string) error {
	if len(keys) == 1 {
		return s.deleteOne(ctx, keys[0])
	}
	err := s.deleteMany(ctx, keys)
	if code := errorCode(err); code != "NotImplemented" && code != "MissingContentMD5" {
		return err
	}
	for _, key := range keys { // servers without DeleteObjects, or with an old one
		if err := s.deleteOne(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) deleteOne(ctx context.Context, key string) error {
	_, err := s.Client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.Bucket, Key: s.path(key)}, s.options()...)
	if err != nil {
		err = s.explain("DeleteObject", key, err)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (s *Store) deleteMany(ctx context.Context, keys []string) error {
	ids := make([]types.ObjectIdentifier, len(keys))
	for i, key := range keys {
		ids[i].Key = s.path(key)
	}
	out, err := s.Client.DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: &s.Bucket,
		Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(true)}, // answer with errors only
	}, s.options()...)
	if err != nil {
		return s.explain("DeleteObjects", keys[0], err)
	}
	errs := slices.DeleteFunc(out.Errors, func(e types.Error) bool { return aws.ToString(e.Code) == "NoSuchKey" })
	if len(errs) == 0 {
		return nil
	}
	first := errs[0]
	return fmt.Errorf("%d of %d objects could not be deleted: %w", len(errs), len(keys),
		s.explain("DeleteObjects", s.key(aws.ToString(first.Key)), asAPIError(first)))
}
