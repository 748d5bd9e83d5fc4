package s3store_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/s3store"
)

// clientOf returns a client for an endpoint that retries without waiting.
func clientOf(endpoint string) *s3store.Client {
	return s3.New(s3.Options{
		BaseEndpoint: &endpoint,
		Region:       "eu-west-2",
		UsePathStyle: true,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: server.AccessKey, SecretAccessKey: server.SecretKey}, nil
		}),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = 3
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	})
}

// fake returns a client for a server that is just a handler.
func fake(t *testing.T, h http.HandlerFunc) *s3store.Client {
	t.Helper()
	f := httptest.NewServer(h)
	t.Cleanup(f.Close)
	return clientOf(f.URL)
}

// proxy returns a client for the real server through h, which calls the next
// handler or does something else.
func proxy(t *testing.T, h func(w http.ResponseWriter, r *http.Request, next http.Handler)) *s3store.Client {
	t.Helper()
	target, err := url.Parse(server.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	next := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // it is signed
	}}
	f := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h(w, r, next) }))
	t.Cleanup(f.Close)
	o := clientOf(f.URL).Options()
	o.Region = server.Region
	return s3.New(o)
}

// refuse answers as S3 does.
func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	w.Write([]byte("<Error><Code>" + code + "</Code><Message>the\nmessage</Message></Error>"))
}
