package remote

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
)

// discover asks the server what it is, and takes its answer over.
func (r *Remote) discover(ctx context.Context) error {
	req := r.discovery()
	return r.exchange(ctx, req, func(resp *http.Response) error {
		defer resp.Body.Close()
		base, err := baseOf(resp.Request.URL)
		if err != nil {
			return err
		}
		if err := smart(resp); err != nil {
			return err
		}
		a, err := parseAdvertisement(resp.Body)
		if err != nil {
			return err
		}
		if a.version == 2 && (!a.caps.has("ls-refs") || !a.caps.has("fetch")) {
			return errors.New("the server offers protocol version 2 without ls-refs and fetch, so nothing can be read from it")
		}
		drain(resp.Body)
		r.base, r.version, r.caps, r.format, r.advertised = base, a.version, a.caps, a.format, a.snapshot
		return nil
	})
}

// smart makes an error of an answer that is no smart server's. Like git, it
// goes by the content type.
func smart(resp *http.Response) error {
	if err := notHTML(resp); err != nil {
		return err
	}
	t := mediaType(resp)
	if t == "application/x-"+service+"-advertisement" {
		return nil
	}
	if isDumb(resp) {
		return errors.New("the server offers this repository only over git's dumb protocol, as a static copy does, which cannot be mirrored: use the URL of the original")
	}
	return fmt.Errorf("the server answered with content type %s, so it is no git server: check the URL", quoteRemote(t))
}

// notHTML makes an error of a page.
func notHTML(resp *http.Response) error {
	if t := mediaType(resp); t == "text/html" || t == "application/xhtml+xml" {
		return errors.New("the server answered with an HTML page, so this is no address of a git repository: check the URL; if the page is a login form, " + hintToken)
	}
	return nil
}

// isDumb looks for the first line of a static info/refs: "<id> TAB <name>".
func isDumb(resp *http.Response) bool {
	line, _ := bufio.NewReaderSize(resp.Body, maxErrorBody).ReadSlice('\n')
	id, name, ok := bytes.Cut(line, []byte("\t"))
	return ok && (len(id) == 40 || len(id) == 64) && bytes.HasPrefix(name, []byte("refs/"))
}
