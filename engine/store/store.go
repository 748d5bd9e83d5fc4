// Package store is where mirrors are kept: a flat space of keys as S3 has it,
// with whole-object writes. The implementations are [s3store] for S3,
// [dirstore] for a directory and [memstore] for tests; all three pass
// the suite in [storetest].
//
// [s3store]: https://pkg.go.dev/github.com/mirror-git-to-s3/mirror-git-to-s3/engine/s3store
package store

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"
)

// Store is one mirror's part of a bucket: keys are relative to the target's
// prefix, use "/" and never start or end with it. All methods may be called
// concurrently. Temporary failures are retried inside; what comes out is
// final. A missing key is reported as an error that matches fs.ErrNotExist.
type Store interface {
	Reader
	Writer
	// Requests returns what has been asked of the store so far, each HTTP
	// request counted, the repeated ones too.
	Requests() Requests
}

// Reader reads objects.
type Reader interface {
	// Get opens n bytes of key from offset off, or all that follow with
	// n < 0; fewer where the object ends earlier, none where off is at its
	// end or after it. The content is that of one version of the object;
	// Info.Size is the whole object's. The caller closes.
	Get(ctx context.Context, key string, off, n int64) (io.ReadCloser, Info, error)
	// List yields every object whose key starts with prefix, in byte order
	// of the keys; it stops at the first error. ETags may be missing.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]
}

// Writer changes objects. When a write returns nil the object is durable and
// whole; when it returns an error the key holds what it held before or, if
// the answer was lost, the new content: never a part.
type Writer interface {
	// Put stores size bytes of r as key. A reader that can seek is read
	// again for a retry; one that can't is not retried once it was read
	// from. It is an error when r holds fewer or more bytes.
	Put(ctx context.Context, key string, r io.Reader, size int64, o Options) (Info, error)
	// Upload starts a write of unknown length.
	Upload(ctx context.Context, key string, o Options) (Upload, error)
	// Copy makes to an object with the content of from, inside the store.
	// size is the content's. Options.SHA256 is not looked at.
	Copy(ctx context.Context, from, to string, size int64, o Options) error
	// Delete removes keys; one that is missing is no error.
	Delete(ctx context.Context, keys ...string) error
}

// Upload is a write under way. Write may block until earlier bytes were sent,
// so that a bounded number of them is held. Methods are called by one
// goroutine at a time. After an error only Abort is left to call.
type Upload interface {
	io.Writer
	// Commit makes the object exist with all the bytes written.
	Commit() (Info, error)
	// Abort removes what was sent and lets go of it; it works after the
	// context has ended, and does nothing after Commit returned nil.
	Abort() error
}

// Info describes a stored object.
type Info struct {
	Key      string
	Size     int64 // bytes
	ETag     string
	Modified time.Time // may be zero in the answer to a write
}

// Options say how an object is stored. The zero value is a plain object,
// whatever was there before.
type Options struct {
	ContentType  string
	CacheControl string
	// IfMatch lets the write happen only while the key has this ETag,
	// IfNoneMatch ("*") only while it does not exist. Otherwise the error
	// is ErrPrecondition and the object is as it was. What it lost to may
	// also be an earlier attempt of the same write whose answer was lost.
	IfMatch, IfNoneMatch string
	// SHA256 is the content's, in hex, where it is known beforehand (Put
	// only): the object then exists only if the content matches, otherwise
	// the error is ErrChecksum.
	SHA256 string
}

// ErrPrecondition is the error of a conditional write that lost.
var ErrPrecondition = errors.New("the object was changed by somebody else meanwhile")

// ErrChecksum is the error of a write whose content is not what was promised.
var ErrChecksum = errors.New("content does not match its checksum")

// Requests counts HTTP requests to a store by kind. Multipart counts
// CreateMultipartUpload, UploadPart, UploadPartCopy, CompleteMultipartUpload
// and AbortMultipartUpload; List counts ListMultipartUploads too.
type Requests struct {
	Put       int64 `json:"put"`
	Get       int64 `json:"get"`
	Head      int64 `json:"head"`
	List      int64 `json:"list"`
	Copy      int64 `json:"copy"`
	Delete    int64 `json:"delete"`
	Multipart int64 `json:"multipart"`
}
