package s3store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// Put implements store.Writer. Each request is signed with the SHA-256 of its
// content, so that S3 stores nothing else: some servers store what they have
// when a connection ends early, unless that betrays it. A reader that cannot
// seek is sent as it is read if its hash is known, otherwise in parts.
func (s *Store) Put(ctx context.Context, key string, r io.Reader, size int64, o store.Options) (store.Info, error) {
	if err := store.CheckKey(key); err != nil {
		return store.Info{}, err
	}
	if size > s.MaxRequest {
		return s.putParts(ctx, key, r, size, o)
	}
	if seeker, ok := r.(io.ReadSeeker); ok {
		if hash, err := hashOf(seeker, size, o.SHA256); err == nil {
			return s.put(ctx, key, seeker, size, hash, o)
		} else if !errors.Is(err, errNoSeek) {
			return store.Info{}, fmt.Errorf("putting %q: %w", key, err)
		}
	}
	if o.SHA256 == "" || size == 0 { // a request without content never reads it
		return s.putParts(ctx, key, r, size, o)
	}
	return s.putStream(ctx, key, r, size, o)
}

// putParts puts a content in parts. They become an object only when it was
// what was promised.
func (s *Store) putParts(ctx context.Context, key string, r io.Reader, size int64, o store.Options) (store.Info, error) {
	u := s.newUpload(ctx, key, o)
	u.most = size
	var info store.Info
	_, err := io.Copy(u, store.NewChecked(r, size, o.SHA256))
	if err != nil {
		err = fmt.Errorf("putting %q: %w", key, err)
	} else {
		info, err = u.Commit()
	}
	if err != nil {
		return store.Info{}, errors.Join(err, u.Abort())
	}
	return info, nil
}

// putStream sends a reader that can be read only once. A wrong content of it
// never leaves in full.
func (s *Store) putStream(ctx context.Context, key string, r io.Reader, size int64, o store.Options) (store.Info, error) {
	in := &stream{Checked: store.NewChecked(r, size, o.SHA256), size: size}
	info, err := s.put(ctx, key, in, size, o.SHA256, o, in.retryUnread)
	if err != nil && in.Err() != nil {
		return store.Info{}, fmt.Errorf("putting %q: %w", key, in.Err())
	}
	return info, err
}

// put is one PutObject; hash goes into the signature.
func (s *Store) put(ctx context.Context, key string, r io.ReadSeeker, size int64, hash string, o store.Options, more ...func(*s3.Options)) (store.Info, error) {
	out, err := s.Client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.Bucket, Key: s.path(key), Body: r, ContentLength: &size,
		ContentType:          optional(o.ContentType),
		CacheControl:         optional(o.CacheControl),
		IfMatch:              optional(o.IfMatch),
		IfNoneMatch:          optional(o.IfNoneMatch),
		StorageClass:         types.StorageClass(s.storageClass(key)),
		ServerSideEncryption: types.ServerSideEncryption(s.SSE),
		SSEKMSKeyId:          optional(s.SSEKMSKeyID),
		Tagging:              optional(s.Tagging),
	}, s.options(append(more, withPayloadHash(hash))...)...)
	if err != nil {
		return store.Info{}, s.explainWrite("PutObject", key, o, err)
	}
	return infoOf(key, size, out.ETag, nil), nil
}

// withPayloadHash gives a request the SHA-256 of its content.
func withPayloadHash(hash string) func(*s3.Options) {
	return withAPI(func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("PayloadHash",
			func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
				middleware.InitializeOutput, middleware.Metadata, error,
			) {
				return next.HandleInitialize(v4.SetPayloadHash(ctx, hash), in)
			}), middleware.Before)
	})
}

var errNoSeek = errors.New("the reader cannot seek")

// hashOf returns the SHA-256 of what r has left, and leaves it where it was.
// It is an error when that isn't size bytes, or not the content wanted.
func hashOf(r io.ReadSeeker, size int64, want string) (string, error) {
	at, err := r.Seek(0, io.SeekCurrent)
	if err != nil {
		return "", errNoSeek // a pipe that is an *os.File, say
	}
	hash := sha256.New()
	n, err := io.Copy(hash, r)
	if err != nil {
		return "", err
	}
	if n != size {
		return "", fmt.Errorf("content has %d bytes, not the promised %d", n, size)
	}
	got := hex.EncodeToString(hash.Sum(nil))
	if want != "" && got != want {
		return "", fmt.Errorf("%w: sha256 %s, want %s", store.ErrChecksum, got, want)
	}
	_, err = r.Seek(at, io.SeekStart)
	return got, err
}

// stream is a content that can be sent once. The SDK asks for its length by
// seeking, and seeks back before a retry: both are possible until it is read.
type stream struct {
	*store.Checked
	size int64
}

func (s *stream) Seek(off int64, whence int) (int64, error) {
	if s.Begun() {
		return 0, errNoSeek
	}
	if whence == io.SeekEnd {
		off += s.size
	}
	return off, nil
}

// retryUnread lets the SDK retry only while nothing was read.
func (s *stream) retryUnread(o *s3.Options) {
	o.Retryer = unread{o.Retryer, s}
}

type unread struct {
	aws.Retryer
	s *stream
}

func (u unread) IsErrorRetryable(err error) bool {
	return !u.s.Begun() && u.Retryer.IsErrorRetryable(err)
}
