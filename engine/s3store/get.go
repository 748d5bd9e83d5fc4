package s3store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// Get implements store.Reader. A body that breaks off is continued by another
// request for the rest, as long as the object is the same.
func (s *Store) Get(ctx context.Context, key string, off, n int64) (io.ReadCloser, store.Info, error) {
	if off < 0 {
		return nil, store.Info{}, fmt.Errorf("getting %q: negative offset %d", key, off)
	}
	if n == 0 {
		return s.empty(ctx, key)
	}
	r, info, err := s.get(ctx, key, "", off, n)
	if errorCode(err) == "InvalidRange" { // off is at the end or after it
		return s.empty(ctx, key)
	}
	if err != nil {
		return nil, store.Info{}, s.explain("GetObject", key, err)
	}
	return &body{s: s, ctx: ctx, r: r, info: info, off: off, left: store.Span(info.Size, off, n)}, info, nil
}

// empty returns no content, but the object's Info.
func (s *Store) empty(ctx context.Context, key string) (io.ReadCloser, store.Info, error) {
	out, err := s.Client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.Bucket, Key: s.path(key)}, s.options()...)
	if err != nil {
		return nil, store.Info{}, s.explain("HeadObject", key, err)
	}
	info := infoOf(key, aws.ToInt64(out.ContentLength), out.ETag, out.LastModified)
	return io.NopCloser(bytes.NewReader(nil)), info, nil
}

// get is one request. An etag that isn't "" is what the object must have.
func (s *Store) get(ctx context.Context, key, etag string, off, n int64) (io.ReadCloser, store.Info, error) {
	in := &s3.GetObjectInput{Bucket: &s.Bucket, Key: s.path(key), IfMatch: optional(etag)}
	ranged := off > 0 || n >= 0
	if ranged {
		in.Range = aws.String(rangeHeader(off, n))
	}
	out, err := s.Client.GetObject(ctx, in, s.options()...)
	if err != nil {
		return nil, store.Info{}, err
	}
	size := aws.ToInt64(out.ContentLength)
	if ranged {
		if size, err = sizeOf(aws.ToString(out.ContentRange), off); err != nil {
			out.Body.Close()
			return nil, store.Info{}, err
		}
	}
	return out.Body, infoOf(key, size, out.ETag, out.LastModified), nil
}

func rangeHeader(off, n int64) string {
	if n < 0 {
		return fmt.Sprintf("bytes=%d-", off)
	}
	return fmt.Sprintf("bytes=%d-%d", off, off+n-1)
}

// sizeOf returns the object's size from the Content-Range of a part of it,
// "bytes 10-19/200" (RFC 9110, section 14.4), that begins at off.
func sizeOf(contentRange string, off int64) (int64, error) {
	begin, ok := strings.CutPrefix(contentRange, fmt.Sprintf("bytes %d-", off))
	_, total, found := strings.Cut(begin, "/")
	size, err := strconv.ParseInt(total, 10, 64)
	if !ok || !found || err != nil {
		return 0, fmt.Errorf("asked for bytes from %d, the server answered with %q", off, contentRange)
	}
	return size, nil
}

func infoOf(key string, size int64, etag *string, modified *time.Time) store.Info {
	return store.Info{Key: key, Size: size, ETag: aws.ToString(etag), Modified: aws.ToTime(modified)}
}

// maxStalls is how often in a row a body may break off without a byte.
const maxStalls = 5

// body is the content of a Get.
type body struct {
	s      *Store
	ctx    context.Context
	r      io.ReadCloser
	info   store.Info
	off    int64 // where r stands
	left   int64 // bytes to come
	stalls int
}

func (b *body) Read(p []byte) (int, error) {
	for {
		n, err := b.r.Read(p)
		b.off += int64(n)
		b.left -= int64(n)
		if n > 0 {
			b.stalls = 0
		}
		if err == nil || b.left <= 0 {
			return n, err
		}
		if err := b.resume(err); err != nil {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
	}
}

// resume asks for the rest after the body broke off.
func (b *body) resume(cause error) error {
	if cause == io.EOF {
		cause = io.ErrUnexpectedEOF
	}
	if b.stalls++; b.stalls > maxStalls || b.ctx.Err() != nil {
		return b.s.explain("GetObject", b.info.Key, errors.Join(b.ctx.Err(), cause))
	}
	b.r.Close()
	b.r = io.NopCloser(bytes.NewReader(nil)) // should the next request fail
	r, _, err := b.s.get(b.ctx, b.info.Key, b.info.ETag, b.off, b.left)
	if err != nil {
		return b.s.explain("GetObject", b.info.Key, err)
	}
	b.r = r
	return nil
}

func (b *body) Close() error { return b.r.Close() }
