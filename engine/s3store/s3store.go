// Package s3store keeps mirrors in S3 and in what speaks its protocol.
//
// A [Store] is a prefix of a bucket, used through an SDK client: a caller's
// own or one made by [NewClient] from the usual AWS environment. The client
// retries what is temporary; errors that come out are final, and one line
// that says what to do.
package s3store

import (
	"cmp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// Client is the SDK's client, so that callers can bring their own.
type Client = s3.Client

// Config is what a Store is made of.
type Config struct {
	Client *Client
	Bucket string
	Prefix string // what all keys begin with; "" is the whole bucket

	// StorageClass of packs, loose objects and LFS objects; "" leaves it to
	// the bucket. Refs and lists are small and read often, so they never
	// have one.
	StorageClass string
	// SSE is the server-side encryption asked for with each object: AES256,
	// aws:kms or aws:kms:dsse; "" leaves it to the bucket.
	SSE         string
	SSEKMSKeyID string // the key for the latter two; "" is the account's own
	Tagging     string // tags of each object as a URL query, "a=1&b=2"

	// PartSize is how many bytes of an upload are sent by a request; 0 is
	// 8 MiB, 5 MiB the least that S3 takes. An upload holds PartsInFlight+1
	// parts in memory; see [Store.Upload] for those of more than 2,000.
	PartSize      int64
	PartsInFlight int // parts of an upload sent at once; 0 is 2
	// MaxRequest is how many bytes one request may put or copy; 0 is 5 GiB,
	// the most that S3 takes.
	MaxRequest int64
}

// The defaults of Config, and S3's own limit
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
const (
	defaultPartSize      = 8 << 20
	defaultPartsInFlight = 2
	defaultMaxRequest    = 5 << 30
)

// Store is a prefix of a bucket.
type Store struct {
	Config
	counter store.Counter
}

var _ store.Store = (*Store)(nil)

// New returns the store. It asks nothing of S3 yet.
func New(c Config) *Store {
	c.Prefix = strings.Trim(c.Prefix, "/")
	c.PartSize = cmp.Or(c.PartSize, defaultPartSize)
	c.PartsInFlight = cmp.Or(c.PartsInFlight, defaultPartsInFlight)
	c.MaxRequest = cmp.Or(c.MaxRequest, defaultMaxRequest)
	return &Store{Config: c}
}

// Requests implements store.Store: every HTTP request, repeated ones too.
func (s *Store) Requests() store.Requests { return s.counter.Requests() }

// path returns the key in the bucket.
func (s *Store) path(key string) *string {
	if s.Prefix != "" {
		key = s.Prefix + "/" + key
	}
	return &key
}

// key is the reverse of path.
func (s *Store) key(path string) string {
	if s.Prefix == "" {
		return path
	}
	return strings.TrimPrefix(path, s.Prefix+"/")
}

// options returns the options of a request.
func (s *Store) options(more ...func(*s3.Options)) []func(*s3.Options) {
	return append(more, func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, s.count)
		// Requests with content carry its SHA-256, which every S3 checks.
		// The SDK's own checksums are trailers that not every one knows.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.DisableLogOutputChecksumValidationSkipped = true
	})
}

// withAPI returns an option that adds to the SDK's middleware.
func withAPI(add func(*middleware.Stack) error) func(*s3.Options) {
	return func(o *s3.Options) { o.APIOptions = append(o.APIOptions, add) }
}

// storageClass returns the class for a key, "" for the bucket's own.
func (s *Store) storageClass(key string) string {
	if isObject(key) {
		return s.StorageClass
	}
	return ""
}

// isObject tells whether key is a pack or its index, a loose object or an LFS
// object: what is written once and makes up nearly all of a mirror.
func isObject(key string) bool {
	name, ok := strings.CutPrefix(key, "objects/")
	return ok && (strings.HasPrefix(name, "pack/") || strings.Index(name, "/") == 2) ||
		strings.HasPrefix(key, "lfs/objects/")
}

// isOurs tells whether uploads to key can only be those of a mirror.
func isOurs(key string) bool {
	return strings.HasPrefix(key, "mirror_tmp/") || isObject(key)
}

// optional returns a pointer to v, nil for the zero value.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
