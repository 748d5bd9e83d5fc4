//go:build container

package container

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
)

const (
	minioStart = 60 * time.Second
	minioGrace = 10 * time.Second
	// rolePolicy is what the role may do, once it has been told to MinIO.
	rolePolicy = "mirror"
)

// role is the ARN that MinIO gives the role of an OpenID client.
func role() string {
	hash := sha1.Sum([]byte(audience))
	return "arn:minio:iam:::role/" + base64.RawURLEncoding.EncodeToString(hash[:])
}

// minio is an S3 server with an STS that verifies the issuer's tokens. The
// embedded S3 has the root user's keys.
type minio struct {
	*testserver.S3
	ended chan struct{}
}

// startMinio starts a server with a public bucket, whose role may do what
// docs/iam-policy.json lets it do below prefix.
func startMinio(ctx context.Context, t *testing.T, i *issuer, prefix string) *minio {
	t.Helper()
	m := &minio{S3: &testserver.S3{Region: "us-east-1", AccessKey: "minio-root", SecretKey: "minio-root-secret"}}
	for range 3 { // another process may take the port
		if m.start(ctx, t, i) {
			break
		}
	}
	if err := m.CreateBucket(ctx, bucket); err != nil {
		t.Fatal(err)
	}
	if err := m.MakePublic(ctx, bucket); err != nil {
		t.Fatal(err)
	}
	m.allow(ctx, t, leastPolicy(t, prefix))
	return m
}

func (m *minio) start(ctx context.Context, t *testing.T, i *issuer) bool {
	t.Helper()
	program, err := testserver.Tool("minio")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	m.Endpoint = "http://" + address
	cmd := exec.Command(program, "server", "--quiet", "--address", address, t.TempDir())
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(),
		"MINIO_ROOT_USER="+m.AccessKey, "MINIO_ROOT_PASSWORD="+m.SecretKey,
		"MINIO_BROWSER=off", "MINIO_UPDATE=off",
		"MINIO_IDENTITY_OPENID_CONFIG_URL="+i.url+"/.well-known/openid-configuration",
		"MINIO_IDENTITY_OPENID_CLIENT_ID="+audience,
		"MINIO_IDENTITY_OPENID_ROLE_POLICY="+rolePolicy)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	m.ended = make(chan struct{})
	if err := startBound(cmd, m.ended); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.stop(cmd.Process) })
	ctx, cancel := context.WithTimeout(ctx, minioStart)
	defer cancel()
	for {
		select {
		case <-m.ended:
			t.Logf("minio ended at once: %s", &log)
			return false
		case <-ctx.Done():
			t.Fatalf("minio does not answer: %v", ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
		answer, err := http.Get(m.Endpoint + "/minio/health/ready")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return true
			}
		}
	}
}

func (m *minio) stop(p *os.Process) {
	p.Signal(syscall.SIGTERM)
	select {
	case <-m.ended:
	case <-time.After(minioGrace):
		p.Kill()
		<-m.ended
	}
}

// allow gives the role its policy.
func (m *minio) allow(ctx context.Context, t *testing.T, policy string) {
	t.Helper()
	url := m.Endpoint + "/minio/admin/v3/add-canned-policy?name=" + rolePolicy
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, strings.NewReader(policy))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(policy))
	hash := hex.EncodeToString(sum[:])
	req.Header.Set("X-Amz-Content-Sha256", hash)
	keys := aws.Credentials{AccessKeyID: m.AccessKey, SecretAccessKey: m.SecretKey}
	if err := v4.NewSigner().SignHTTP(ctx, keys, req, hash, "s3", m.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusOK {
		t.Fatalf("adding the policy: %s: %s\n%s", answer.Status, text, policy)
	}
}

// leastPolicy is docs/iam-policy.json for the tests' bucket and a prefix.
// MinIO takes it as it is.
func leastPolicy(t *testing.T, prefix string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(world.root, "docs", "iam-policy.json"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("my-bucket", bucket, "my-repo", prefix).Replace(string(text))
}

// keys returns the keys in the bucket, the parts of unfinished uploads
// included as "key (upload)".
func (m *minio) keys(ctx context.Context, t *testing.T) []string {
	t.Helper()
	var keys []string
	pages := s3.NewListObjectsV2Paginator(m.Client(), &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			keys = append(keys, aws.ToString(o.Key))
		}
	}
	uploads, err := m.Client().ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: aws.String(bucket)})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range uploads.Uploads {
		keys = append(keys, uploadName(u))
	}
	return keys
}

func uploadName(u types.MultipartUpload) string {
	return fmt.Sprintf("%s (upload)", aws.ToString(u.Key))
}
