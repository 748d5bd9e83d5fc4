package lfs

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/batch"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/endpoint"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/pointer"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/transfer"
)

// Options say where a repository's LFS objects come from and where they go.
// Source and Store are needed.
type Options struct {
	// Source is the repository's http(s) URL. Its user info, else Token, are
	// the credentials, for its own host only.
	Source string
	Token  string
	// LFSConfig is the content of .lfsconfig at the tip of the default
	// branch, nil when there is none.
	LFSConfig []byte
	// Ref is the default branch's full name; "" when there is none.
	Ref string

	Store transfer.Store

	HTTP     *http.Client       // nil is one that honours HTTPS_PROXY and SSL_CERT_FILE
	Log      *slog.Logger       // nil discards
	Progress *transfer.Progress // nil is nobody
}

// Mirror makes the store hold the objects that the pointers name. It has
// to have returned before refs to those pointers are published. See
// [transfer.Run] for its errors.
func Mirror(ctx context.Context, o Options, pointers *pointer.Set) (transfer.Counts, error) {
	if pointers.Len() == 0 {
		return transfer.Counts{}, nil
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	where, err := endpoint.Find(o.Source, o.LFSConfig)
	if err != nil {
		return transfer.Counts{}, err
	}
	if where.Note != "" {
		o.Log.Warn(where.Note, "instead", where.URL.String())
	}
	server := batch.New(batch.Config{
		Endpoint: where, HTTP: o.client(), Credentials: o.credentials(), Ref: o.Ref,
	})
	return transfer.Run(ctx, transfer.Config{
		Store: o.Store, Server: server, Log: o.Log, Progress: o.Progress,
	}, pointers)
}

func (o Options) credentials() batch.Credentials {
	u, err := url.Parse(o.Source)
	if err != nil || u.User == nil {
		return batch.Credentials{Token: o.Token}
	}
	password, _ := u.User.Password()
	return batch.Credentials{User: u.User.Username(), Password: password}
}

// headerTimeout is how long a server may take to begin an answer: it signs a
// hundred URLs, or fetches an object from slow storage.
const headerTimeout = 2 * time.Minute

func (o Options) client() *http.Client {
	if o.HTTP != nil {
		return o.HTTP
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = headerTimeout
	t.MaxIdleConnsPerHost = transfer.DefaultParallel
	return &http.Client{Transport: t}
}
