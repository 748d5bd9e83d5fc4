// Package storetest is the suite that every implementation of store.Store
// passes.
package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// PartSize is the length that parts of uploads and of copies are to have in
// stores under test, in bytes: the least that S3 allows.
const PartSize = 5 << 20

type test struct {
	name string
	run  func(*testing.T, fixture)
}

// large are the tests in which objects of more than PartSize are written.
var large = []test{
	{"PutAndGet", testPutAndGet},
	{"PutReaders", testPutReaders},
	{"PutWrongContent", testPutWrongContent},
	{"PutCancelled", testPutCancelled},
	{"ConditionsOfUploads", testConditionsOfUploads},
	{"ConditionsOfCopies", testConditionsOfCopies},
	{"Copy", testCopy},
	{"Upload", testUpload},
	{"UploadAbort", testUploadAbort},
	{"UploadCancelled", testUploadCancelled},
}

var small = []test{
	{"Overwrite", testOverwrite},
	{"Ranges", testRanges},
	{"Missing", testMissing},
	{"BadKeys", testBadKeys},
	{"OddKeys", testOddKeys},
	{"ListOrder", testListOrder},
	{"ListMany", testListMany},
	{"ListStops", testListStops},
	{"Conditions", testConditions},
	{"RaceToCreate", testRaceToCreate},
	{"RaceToReplace", testRaceToReplace},
	{"Delete", testDelete},
	{"Concurrently", testConcurrently},
	{"Requests", testRequests},
}

// Run tests the stores that open returns, a new and empty one for each call.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	run(t, slices.Concat(small, large), open)
}

// RunLarge is the part of Run in which objects of more than PartSize are
// written.
func RunLarge(t *testing.T, open func(t *testing.T) store.Store) {
	run(t, large, open)
}

func run(t *testing.T, tests []test, open func(t *testing.T) store.Store) {
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			test.run(t, fixture{t, ctx, open(t)})
		})
	}
}

// fixture is a store under test; its methods end the test on errors.
type fixture struct {
	t   *testing.T
	ctx context.Context
	store.Store
}

// plain hides everything of a reader but Read.
type plain struct{ io.Reader }

// content returns n bytes that are the same for the same seed only.
func content(n int, seed uint64) []byte {
	b := make([]byte, n)
	var key [32]byte
	key[0], key[1] = byte(seed), byte(n)
	rand.NewChaCha8(key).Read(b)
	return b
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

func (f fixture) put(key string, data []byte) store.Info {
	f.t.Helper()
	info, err := f.Put(f.ctx, key, bytes.NewReader(data), int64(len(data)), store.Options{})
	if err != nil {
		f.t.Fatal(err)
	}
	return info
}

// read returns n bytes from off of key.
func (f fixture) read(key string, off, n int64) ([]byte, store.Info) {
	f.t.Helper()
	r, info, err := f.Get(f.ctx, key, off, n)
	if err != nil {
		f.t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		f.t.Fatalf("reading %q: %v", key, err)
	}
	return data, info
}

// holds checks that key has this content.
func (f fixture) holds(key string, want []byte) store.Info {
	f.t.Helper()
	got, info := f.read(key, 0, -1)
	if !bytes.Equal(got, want) {
		f.t.Errorf("%q has %d bytes, not the %d that it should have", key, len(got), len(want))
	}
	if info.Key != key || info.Size != int64(len(want)) || info.ETag == "" {
		f.t.Errorf("Get's Info of %q with %d bytes is %+v", key, len(want), info)
	}
	return info
}

// lacks checks that key does not exist, for Get and for List.
func (f fixture) lacks(key string) {
	f.t.Helper()
	r, _, err := f.Get(f.ctx, key, 0, -1)
	if err == nil {
		r.Close()
	}
	if !errors.Is(err, fs.ErrNotExist) {
		f.t.Errorf("getting %q, which should not exist: %v", key, err)
	}
	for _, info := range f.list(key) {
		if info.Key == key {
			f.t.Errorf("%q is listed", key)
		}
	}
}

func (f fixture) list(prefix string) []store.Info {
	f.t.Helper()
	var infos []store.Info
	for info, err := range f.List(f.ctx, prefix) {
		if err != nil {
			f.t.Fatal(err)
		}
		infos = append(infos, info)
	}
	return infos
}

// is checks that err matches want.
func (f fixture) is(doing string, err, want error) {
	f.t.Helper()
	if !errors.Is(err, want) {
		f.t.Errorf("%s: error is %v, want %v", doing, err, want)
	}
}
