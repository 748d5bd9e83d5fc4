//go:build slow

package e2e

import (
	"path/filepath"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
)

// lfsMemorySize is the length of each of TestLFSMemory's objects in bytes.
const lfsMemorySize = 1 << 30

// TestLFSHuge has an object of 6 GiB, which S3 takes in parts only.
func TestLFSHuge(t *testing.T) {
	s, dir := newLFSSource(t), t.TempDir()
	s.addSparse(t, 6<<30)
	s.commit(t)
	server, err := testserver.StartS3ForManyParts(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	if err := server.CreateBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	s.private = server
	to := target{url: "s3://" + bucket + "/huge", folder: filepath.Join(dir, "buckets", bucket, "huge")}
	cmd := command(t.Context(), "--source", s.url, "--target", to.url, "--max-memory", "64MiB")
	cmd.Env = append(cmd.Env, server.Environ()...)
	e := run(t, cmd, exitOK)
	if l := e.Mirrors[0].LFS; l.Uploaded != 1 || l.Bytes != 6<<30 || e.PeakMemory > 64<<20+slack {
		t.Errorf("%+v, peak of %d bytes", l, e.PeakMemory)
	}
	s.checkStored(t, to.folder)
	t.Run("serve", func(t *testing.T) { s.readByServer(t, to, true) })
	t.Run("agent", func(t *testing.T) { s.readByAgent(t, to, true) })
}
