package s3store_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/s3store"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// environment replaces the AWS environment of this machine.
func environment(t *testing.T, variables map[string]string) {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for name, value := range variables {
		t.Setenv(name, value)
	}
}

func TestNewClient(t *testing.T) {
	for name, test := range map[string]struct {
		environment map[string]string
		config      s3store.ClientConfig
		endpoint    string
		region      string
		pathStyle   bool
		checksums   bool
		attempts    int
	}{
		"AWS": {
			environment: map[string]string{"AWS_REGION": "eu-west-2"},
			region:      "eu-west-2", checksums: true, attempts: 6,
		},
		"AWS, path style and attempts": {
			environment: map[string]string{"AWS_REGION": "eu-west-2", "AWS_MAX_ATTEMPTS": "9"},
			config:      s3store.ClientConfig{Region: "us-west-1", ForcePathStyle: true},
			region:      "us-west-1", pathStyle: true, checksums: true, attempts: 9,
		},
		"endpoint option": {
			config:   s3store.ClientConfig{EndpointURL: "http://localhost:9000", MaxAttempts: 2},
			endpoint: "http://localhost:9000", region: "us-east-1", pathStyle: true, attempts: 2,
		},
		"endpoint variable": {
			environment: map[string]string{"AWS_ENDPOINT_URL": "https://s3.example.com", "AWS_REGION": "auto"},
			endpoint:    "https://s3.example.com", region: "auto", pathStyle: true, attempts: 6,
		},
		"endpoint variable of S3": {
			environment: map[string]string{"AWS_ENDPOINT_URL": "https://aws.example.com", "AWS_ENDPOINT_URL_S3": "https://s3.example.com"},
			endpoint:    "https://s3.example.com", region: "us-east-1", pathStyle: true, attempts: 6,
		},
		"endpoint of AWS": {
			config:   s3store.ClientConfig{EndpointURL: "https://bucket.vpce-1.s3.eu-west-2.vpce.amazonaws.com", Region: "eu-west-2"},
			endpoint: "https://bucket.vpce-1.s3.eu-west-2.vpce.amazonaws.com", region: "eu-west-2", checksums: true, attempts: 6,
		},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, test.environment)
			client, err := s3store.NewClient(t.Context(), test.config)
			if err != nil {
				t.Fatal(err)
			}
			o := client.Options()
			if got := aws.ToString(o.BaseEndpoint); got != test.endpoint {
				t.Errorf("endpoint is %q, want %q", got, test.endpoint)
			}
			if o.Region != test.region || o.UsePathStyle != test.pathStyle || o.Retryer.MaxAttempts() != test.attempts {
				t.Errorf("region %q, path style %v, %d attempts", o.Region, o.UsePathStyle, o.Retryer.MaxAttempts())
			}
			if got := o.RequestChecksumCalculation == aws.RequestChecksumCalculationWhenSupported; got != test.checksums {
				t.Errorf("checksums when supported: %v, want %v", got, test.checksums)
			}
		})
	}
}

func TestNewClientRefusesEndpoints(t *testing.T) {
	for _, endpoint := range []string{"localhost:9000", "ftp://host", "https://", "%"} {
		if _, err := s3store.NewClient(t.Context(), s3store.ClientConfig{EndpointURL: endpoint}); err == nil {
			t.Errorf("%q was allowed", endpoint)
		}
	}
}

// TestNewClientTrustsCABundle puts with TLS to a server whose certificate only
// AWS_CA_BUNDLE vouches for.
func TestNewClientTrustsCABundle(t *testing.T) {
	var hash string
	tls := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hash = r.Header.Get("X-Amz-Content-Sha256")
		w.Header().Set("ETag", `"x"`)
	}))
	defer tls.Close()
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tls.Certificate().Raw})
	if err := os.WriteFile(bundle, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	environment(t, map[string]string{
		"AWS_CA_BUNDLE": bundle, "AWS_ENDPOINT_URL": tls.URL, "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s",
	})
	client, err := s3store.NewClient(t.Context(), s3store.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	s := s3store.New(s3store.Config{Client: client, Bucket: "bucket"})
	if _, err := s.Put(t.Context(), "key", strings.NewReader("hello"), 5, store.Options{}); err != nil {
		t.Fatal(err)
	}
	if want := "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"; hash != want {
		t.Errorf("the signed hash is %q, want %q", hash, want)
	}
}

func TestNoCredentials(t *testing.T) {
	environment(t, map[string]string{"AWS_REGION": "eu-west-2"})
	client, err := s3store.NewClient(t.Context(), s3store.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	s := s3store.New(s3store.Config{Client: client, Bucket: "bucket"})
	err = calls["put"](t.Context(), s)
	if err == nil || !strings.Contains(err.Error(), "no AWS credentials: set AWS_ACCESS_KEY_ID") {
		t.Errorf("error is %v", err)
	}
	if n := s.Requests().Put; n != 0 {
		t.Errorf("%d requests were counted, none was made", n)
	}
}

func TestCloneURL(t *testing.T) {
	for _, test := range []struct{ endpoint, region, bucket, prefix, want string }{
		{"", "eu-west-2", "my-bucket", "repo", "https://my-bucket.s3.eu-west-2.amazonaws.com/repo"},
		{"", "us-east-1", "my-bucket", "", "https://my-bucket.s3.us-east-1.amazonaws.com"},
		{"", "eu-west-2", "my.bucket", "/a/b/", "https://s3.eu-west-2.amazonaws.com/my.bucket/a/b"},
		{"", "cn-north-1", "my-bucket", "r", "https://my-bucket.s3.cn-north-1.amazonaws.com.cn/r"},
		{"", "eu-west-2", "b-1", "a b/c+d/ü%", "https://b-1.s3.eu-west-2.amazonaws.com/a%20b/c%2Bd/%C3%BC%25"},
		{"http://127.0.0.1:9000", "", "my-bucket", "repo.git", "http://127.0.0.1:9000/my-bucket/repo.git"},
		{"https://s3.example.com/base/", "", "my-bucket", "repo", "https://s3.example.com/base/my-bucket/repo"},
	} {
		environment(t, nil)
		client, err := s3store.NewClient(t.Context(), s3store.ClientConfig{EndpointURL: test.endpoint, Region: test.region})
		if err != nil {
			t.Fatal(err)
		}
		got := s3store.New(s3store.Config{Client: client, Bucket: test.bucket, Prefix: test.prefix}).CloneURL()
		if got != test.want {
			t.Errorf("clone URL is %s, want %s", got, test.want)
		}
	}
}
