package s3store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// growAfter is the number of parts after which their size doubles. With parts
// of 8 MiB, the 10,000 that S3 allows hold
//
//	2,000 × 8 MiB × (1 + 2 + 4 + 8 + 16) = 484 GiB,
//
// with 5 MiB 303 GiB. The memory grows with them, but only for what is large:
// the size doubles first after 16 GiB, and again after 47, 109 and 234.
const growAfter = 2000

// partSize returns the size of the part numbered n, from 0.
func (s *Store) partSize(n int32) int64 { return s.PartSize << (n / growAfter) }

var errEnded = errors.New("the upload has ended")

// upload collects a part in memory while others are on their way.
type upload struct {
	s      *Store
	ctx    context.Context
	cancel context.CancelFunc
	key    string
	o      store.Options
	most   int64 // bytes that will be written, at most

	buf     []byte      // the part being filled; nil when none is
	free    chan []byte // parts that were sent
	parts   *multipart  // nil while all fits a part
	n       int32       // parts begun
	size    int64       // bytes written
	sending *errgroup.Group
	going   context.Context // of the parts being sent
	err     error           // what ended the upload
}

// Upload implements store.Writer. What fits a part is put by one request.
// Otherwise PartsInFlight parts are sent at once and another is filled; Write
// waits for one of them. That is all it holds, of PartSize each; from 2,000
// parts on, they are larger.
func (s *Store) Upload(ctx context.Context, key string, o store.Options) (store.Upload, error) {
	if err := errors.Join(store.CheckKey(key), ctx.Err()); err != nil {
		return nil, err
	}
	return s.newUpload(ctx, key, o), nil
}

func (s *Store) newUpload(ctx context.Context, key string, o store.Options) *upload {
	u := &upload{s: s, key: key, o: o, most: math.MaxInt64, free: make(chan []byte, s.PartsInFlight+1)}
	u.ctx, u.cancel = context.WithCancel(ctx)
	u.sending, u.going = errgroup.WithContext(u.ctx)
	u.sending.SetLimit(s.PartsInFlight)
	return u
}

func (u *upload) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		if err := u.room(); err != nil {
			return written, err
		}
		n := copy(u.buf[len(u.buf):cap(u.buf)], p)
		u.buf = u.buf[:len(u.buf)+n]
		p = p[n:]
		written += n
		u.size += int64(n)
	}
	return written, nil
}

// room returns when there is room in the part being filled.
func (u *upload) room() error {
	if err := u.failed(); err != nil {
		return err
	}
	if u.buf != nil && len(u.buf) == cap(u.buf) {
		if err := u.send(); err != nil {
			return err
		}
	}
	if u.buf == nil {
		u.buf = u.buffer(min(u.s.partSize(u.n), u.most))
	}
	return nil
}

// failed returns what has ended the upload, if anything has.
func (u *upload) failed() error {
	if u.err == nil && u.going.Err() != nil {
		u.err = u.sending.Wait()
		if u.err == nil {
			u.err = u.ctx.Err()
		}
	}
	return u.err
}

// buffer returns one that was sent, or a new one. When it is called at most
// PartsInFlight others are in use.
func (u *upload) buffer(size int64) []byte {
	for {
		select {
		case b := <-u.free:
			if int64(cap(b)) == size {
				return b[:0]
			}
		default:
			return make([]byte, 0, size)
		}
	}
}

// send hands the buffer to a goroutine, waiting until one may start.
func (u *upload) send() error {
	if u.parts == nil {
		if u.parts, u.err = u.s.begin(u.ctx, u.key, u.o); u.err != nil {
			return u.err
		}
	}
	if u.n == maxParts {
		u.err = fmt.Errorf("uploading %q: more than %d bytes, which is what fits %d parts; choose larger ones", u.key, u.size, maxParts)
		return u.err
	}
	u.n++
	number, buf := u.n, u.buf
	u.buf = nil
	u.sending.Go(func() error {
		err := u.sendPart(number, buf)
		u.free <- buf
		return err
	})
	return nil
}

func (u *upload) sendPart(number int32, data []byte) error {
	hash := sha256.Sum256(data)
	size := int64(len(data))
	out, err := u.s.Client.UploadPart(u.going, &s3.UploadPartInput{
		Bucket: &u.s.Bucket, Key: u.s.path(u.key), UploadId: &u.parts.id, PartNumber: &number,
		Body: bytes.NewReader(data), ContentLength: &size,
	}, u.s.options(withPayloadHash(hex.EncodeToString(hash[:])))...)
	if err != nil {
		return u.s.explain("UploadPart", u.key, err)
	}
	u.parts.done(number, out.ETag)
	return nil
}

func (u *upload) Commit() (store.Info, error) {
	if err := u.failed(); err != nil {
		return store.Info{}, err
	}
	info, err := u.finish()
	if err != nil {
		u.err = err
		return store.Info{}, err
	}
	u.parts = nil // nothing to abort
	u.end()
	return info, nil
}

func (u *upload) finish() (store.Info, error) {
	if u.parts == nil {
		o := u.o
		o.SHA256 = "" // of Put only
		return u.s.Put(u.ctx, u.key, bytes.NewReader(u.buf), int64(len(u.buf)), o)
	}
	if err := u.send(); err != nil { // the last part, which has at least a byte
		return store.Info{}, err
	}
	if err := u.sending.Wait(); err != nil {
		return store.Info{}, err
	}
	return u.parts.complete(u.ctx, u.size)
}

func (u *upload) Abort() error {
	u.end()
	if u.parts == nil {
		return nil
	}
	if err := u.parts.abort(u.ctx, u.parts.arrived() < int(u.n)); err != nil {
		return err
	}
	u.parts = nil
	return nil
}

// end waits for what is being sent and lets go of the memory.
func (u *upload) end() {
	u.cancel()
	u.sending.Wait()
	u.buf, u.free = nil, nil
	if u.err == nil {
		u.err = errEnded
	}
}
