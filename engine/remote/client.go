package remote

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// Timeouts of the default client. The one for response headers is long: some
// servers count the objects of a large repository before they answer.
const (
	dialTimeout   = 30 * time.Second
	tlsTimeout    = 30 * time.Second
	headerTimeout = 5 * time.Minute
)

// defaultClient is shared, so that mirrors of one host share connections.
var defaultClient = sync.OnceValue(func() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext
	t.TLSHandshakeTimeout = tlsTimeout
	t.ResponseHeaderTimeout = headerTimeout
	t.MaxIdleConnsPerHost = 8
	return &http.Client{Transport: t}
})

// withoutRedirects returns c with redirects left to us, since Go's own would
// carry credentials to subdomains and turn https into http.
func withoutRedirects(c *http.Client) *http.Client {
	own := *c
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}
