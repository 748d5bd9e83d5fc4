package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/refs"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// stateFormat is the version of mirror.json. A mirror with a newer one is
// left alone.
const stateFormat = 1

// state is mirror.json: what a run tells the next one. That the refs are what
// it says is the promise that everything reachable from them is there.
type state struct {
	Format       int           `json:"format"`
	Source       string        `json:"source"` // without credentials
	ObjectFormat string        `json:"object_format"`
	RefsSHA256   string        `json:"refs_sha256"` // of info/refs
	Packs        []packState   `json:"packs"`       // in the order of objects/info/packs
	LooseObjects int64         `json:"loose_objects"`
	Retired      []retiredPack `json:"retired,omitempty"`
	LFS          lfsState      `json:"lfs"`
	LastRun      lastRun       `json:"last_run"`
}

type packState struct {
	Name    string `json:"name"` // "pack-<trailer>"
	Objects int64  `json:"objects"`
	Bytes   int64  `json:"bytes"`
}

// retiredPack is a pack that is not needed any more but may still be read.
type retiredPack struct {
	packState
	At     time.Time `json:"at"`
	Listed bool      `json:"listed,omitempty"` // still in objects/info/packs
}

type lastRun struct {
	Time     time.Time `json:"time"`
	Received int64     `json:"received_objects"`
	Full     bool      `json:"full,omitempty"`
}

func (s *state) objects() int64 {
	n := s.LooseObjects
	for _, p := range s.Packs {
		n += p.Objects
	}
	return n
}

// current is a mirror as a run finds it.
type current struct {
	state    *state // nil when the mirror is not ours, or not there
	refs     []refs.Ref
	head     string // content of HEAD
	refsETag string // of info/refs; "" when it is missing
	exists   bool
}

// maxMeta bounds the files that are read whole, so that a target full of
// something else does not fill the memory: info/refs with millions of refs.
const maxMeta = 1 << 30

// rereads is how often a mirror is read again when its files disagree, as
// they do for a moment while another run publishes.
const rereads = 3

// readCurrent reads what the run before left.
func readCurrent(ctx context.Context, s store.Reader, wait time.Duration) (*current, error) {
	for try := 1; ; try++ {
		c, same, err := readOnce(ctx, s)
		if err != nil || same {
			return c, err
		}
		if try == rereads {
			c.state = nil
			return c, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(wait):
		}
	}
}

// readOnce reads info/refs before mirror.json, because a run writes them in
// this order. It reports whether they agree.
func readOnce(ctx context.Context, s store.Reader) (*current, bool, error) {
	c := &current{}
	info, etag, err := readAll(ctx, s, keyInfoRefs)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, false, err
	}
	c.exists, c.refsETag = err == nil, etag
	st, err := readState(ctx, s)
	if err != nil || st == nil {
		return c, err == nil, err
	}
	if !c.exists || st.RefsSHA256 != sumHex(info) {
		return c, false, nil
	}
	f, err := object.ParseFormat(st.ObjectFormat)
	if err != nil {
		return nil, false, fmt.Errorf("%s of the mirror: %w", keyState, err)
	}
	if c.refs, err = refs.ParseInfoRefs(strings.NewReader(info), f); err != nil {
		return nil, false, fmt.Errorf("%s of the mirror: %w", keyInfoRefs, err)
	}
	c.state = st
	c.head, _, err = readAll(ctx, s, keyHead)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, false, err
	}
	return c, true, nil
}

func readState(ctx context.Context, s store.Reader) (*state, error) {
	b, _, err := readAll(ctx, s, keyState)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	st := new(state)
	if err := json.Unmarshal([]byte(b), st); err != nil {
		return nil, fmt.Errorf("%s of the mirror is damaged: %w; delete it to have everything mirrored again", keyState, err)
	}
	if st.Format > stateFormat {
		return nil, fmt.Errorf("the mirror was written by a newer version (%s has format %d, this version knows %d): update mirror-git-to-s3", keyState, st.Format, stateFormat)
	}
	if st.Format < 1 {
		return nil, nil
	}
	return st, nil
}

func readAll(ctx context.Context, s store.Reader, key string) (content, etag string, err error) {
	r, info, err := s.Get(ctx, key, 0, -1)
	if err != nil {
		return "", "", err
	}
	defer r.Close()
	var b strings.Builder
	n, err := io.Copy(&b, io.LimitReader(r, maxMeta+1))
	if err != nil {
		return "", "", fmt.Errorf("reading %s of the mirror: %w", key, err)
	}
	if n > maxMeta {
		return "", "", fmt.Errorf("%s of the mirror is larger than %d bytes: this is no mirror", key, maxMeta)
	}
	return b.String(), info.ETag, nil
}

func sumHex(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
