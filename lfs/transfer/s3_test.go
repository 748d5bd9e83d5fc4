package transfer_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/s3store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/batch"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/endpoint"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/pointer"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/transfer"
)

// TestS3 runs all faults at once against a real S3 server, once with requests
// for whole objects and once with parts of 5 MiB.
func TestS3(t *testing.T) {
	bucket := "bucket"
	server, err := testserver.StartS3(t.Context(), filepath.Join(t.TempDir(), "s3"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	if err := server.CreateBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	for prefix, max := range map[string]int64{"whole": 0, "parts": 5 << 20} {
		t.Run(prefix, func(t *testing.T) {
			s := s3store.New(s3store.Config{
				Client: server.Client(), Bucket: bucket, Prefix: prefix, PartSize: 5 << 20, MaxRequest: max,
			})
			source := testserver.NewLFS(t)
			set, stored := new(pointer.Set), map[string]bool{}
			add := func(fault testserver.Fault, isStored bool) {
				content := strings.Repeat(string(rune('a'+fault)), 6<<20+int(fault))
				oid := source.Add([]byte(content), fault)
				set.Add(pointer.Pointer{OID: oid, Size: int64(len(content))})
				stored[oid] = isStored
			}
			for _, fault := range []testserver.Fault{testserver.NoFault, testserver.WrongHashOnce, testserver.ErrorOnce,
				testserver.BusyOnce, testserver.Expired, testserver.CutOnce, testserver.Elsewhere} {
				add(fault, true)
			}
			for _, fault := range []testserver.Fault{testserver.Missing, testserver.Gone, testserver.WrongHash, testserver.Short,
				testserver.ShortChunked, testserver.Long, testserver.LongChunked, testserver.Cut} {
				add(fault, false)
			}
			set.Add(pointer.Pointer{OID: pointer.EmptyOID})
			stored[pointer.EmptyOID] = true

			e, err := endpoint.Find(source.URL+"/repo", nil)
			if err != nil {
				t.Fatal(err)
			}
			config := transfer.Config{Store: s, Server: batch.New(batch.Config{Endpoint: e, HTTP: source.Client()}), Pace: quick}
			counts, err := transfer.Run(t.Context(), config, set)
			if err == nil || counts.Total != 16 || counts.Uploaded != 8 || counts.Failed != 8 {
				t.Errorf("%+v, %v", counts, err)
			}
			checkS3(t, s, set, stored)
			if counts, err := transfer.Run(t.Context(), config, set); err == nil || counts.Skipped != 8 || counts.Uploaded != 0 {
				t.Errorf("second run: %+v, %v", counts, err)
			}
			checkS3(t, s, set, stored)
		})
	}
}

// checkS3 reads everything back.
func checkS3(t *testing.T, s store.Store, set *pointer.Set, stored map[string]bool) {
	t.Helper()
	n := 0
	for info, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		n++
		oid := filepath.Base(info.Key)
		if info.Key != pointer.Key(oid) || !stored[oid] || set.Sizes(oid)[0] != info.Size {
			t.Errorf("%+v is stored", info)
		}
		body, _, err := s.Get(t.Context(), info.Key, 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		if got := sum(t, body); got != oid {
			t.Errorf("%s holds the content of %s", info.Key, got)
		}
	}
	if n != 8 {
		t.Errorf("%d objects are stored", n)
	}
}

func sum(t *testing.T, body io.ReadCloser) string {
	t.Helper()
	defer body.Close()
	h := sha256.New()
	if _, err := io.Copy(h, body); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}
