package remote

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/pktline"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/refs"
)

// lsRefs asks for the refs in protocol version 2.
func (r *Remote) lsRefs(ctx context.Context) (refs.Snapshot, error) {
	args := []string{"peel", "symrefs"}
	if r.caps.feature("ls-refs", "unborn") {
		args = append(args, "unborn")
	}
	req, err := r.upload(r.command("ls-refs", args))
	if err != nil {
		return refs.Snapshot{}, err
	}
	var s refs.Snapshot
	err = r.exchange(ctx, req, func(resp *http.Response) error {
		defer resp.Body.Close()
		if err := notHTML(resp); err != nil {
			return err
		}
		if s, err = parseLsRefs(resp.Body, r.format); err == nil {
			drain(resp.Body)
		}
		return err
	})
	return s, err
}

// command is a request of protocol version 2.
func (r *Remote) command(name string, args []string) []byte {
	var b bytes.Buffer
	w := pktline.NewWriter(&b)
	w.Linef("command=%s", name)
	if r.caps.has("agent") {
		w.Linef("agent=%s", agent)
	}
	if r.caps.has("object-format") {
		w.Linef("object-format=%s", r.format)
	}
	w.Delim()
	for _, arg := range args {
		w.Linef("%s", arg)
	}
	w.Flush()
	return b.Bytes()
}

// parseLsRefs reads lines of the form
//
//	<id>|unborn SP <name> [SP symref-target:<name>] [SP peeled:<id>] LF
//
// up to a flush.
func parseLsRefs(r io.Reader, f object.Format) (refs.Snapshot, error) {
	lines := pktline.NewReader(r)
	g := gatherer{format: f}
	for {
		kind, line, err := lines.Next()
		switch {
		case err != nil:
			return refs.Snapshot{}, err
		case kind == pktline.Flush:
			return g.snapshot()
		case kind != pktline.Data:
			return refs.Snapshot{}, fmt.Errorf("%w: %s in a list of refs", pktline.ErrMalformed, kind)
		}
		if err := g.lsRef(strings.TrimSuffix(string(line), "\n")); err != nil {
			return refs.Snapshot{}, err
		}
	}
}

// lsRef takes a line.
func (g *gatherer) lsRef(line string) error {
	id, rest, ok := strings.Cut(line, " ")
	if !ok {
		return fmt.Errorf("the server sent the line %.200q in place of a ref", line)
	}
	name, attributes, _ := strings.Cut(rest, " ")
	var target, peeled string
	for a := range strings.SplitSeq(attributes, " ") {
		if v, ok := strings.CutPrefix(a, "symref-target:"); ok {
			target = v
		} else if v, ok := strings.CutPrefix(a, "peeled:"); ok {
			peeled = v
		}
	}
	if name == "HEAD" {
		return g.lsHead(id, target)
	}
	return g.add(name, id, peeled)
}

// lsHead takes HEAD, whose id is "unborn" when its target does not exist.
func (g *gatherer) lsHead(id, target string) error {
	if target != "" {
		g.head = refs.Head{Target: target}
		return checkName(target)
	}
	detached, err := g.id(id, "HEAD")
	g.head = refs.Head{ID: detached}
	return err
}
