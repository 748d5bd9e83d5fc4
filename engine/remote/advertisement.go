package remote

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/pktline"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/refs"
)

// advertisement is the answer to the first request. In version 2 it holds only
// capabilities:
//
//	[# service=git-upload-pack LF, flush]
//	version 2 LF
//	<capability> LF …
//	flush
//
// In versions 0 and 1 it holds the refs as well:
//
//	# service=git-upload-pack LF, flush
//	[version 1 LF]
//	<id> SP <name> NUL <capability> SP <capability>… LF
//	<id> SP <name> LF …
//	flush
type advertisement struct {
	version  int
	caps     capabilities
	format   object.Format
	snapshot *refs.Snapshot // nil in version 2
}

// maxCapabilities bounds the capabilities of version 2 in bytes: as many as
// one line, that of version 0, can hold.
const maxCapabilities = pktline.MaxPayload

func parseAdvertisement(r io.Reader) (advertisement, error) {
	lines := pktline.NewReader(r)
	kind, line, err := afterBanner(lines)
	if err != nil {
		return advertisement{}, err
	}
	text, isVersion := bytes.CutPrefix(bytes.TrimSuffix(line, []byte("\n")), []byte("version "))
	switch {
	case !isVersion:
		return parseRefs(lines, 0, kind, line)
	case string(text) == "2":
		return parseCapabilities(lines)
	case string(text) == "1":
		if kind, line, err = lines.Next(); err != nil {
			return advertisement{}, err
		}
		return parseRefs(lines, 1, kind, line)
	}
	return advertisement{}, fmt.Errorf("the server speaks protocol version %s: 0, 1 and 2 are supported", quoteRemote(string(text)))
}

// afterBanner returns the first line after the "# service" banner, which may
// hold more lines up to a flush (git's remote-curl.c, check_smart_http) and
// which some servers leave out.
func afterBanner(lines *pktline.Reader) (pktline.Kind, []byte, error) {
	kind, line, err := lines.Next()
	if err == io.EOF {
		return 0, nil, fmt.Errorf("the answer is empty: %w", io.ErrUnexpectedEOF)
	}
	if err != nil || !bytes.HasPrefix(line, []byte("# service=")) {
		return kind, line, err
	}
	for kind == pktline.Data {
		if kind, _, err = lines.Next(); err != nil {
			return kind, nil, err
		}
	}
	return lines.Next()
}

func parseCapabilities(lines *pktline.Reader) (advertisement, error) {
	a := advertisement{version: 2}
	size := 0
	for {
		kind, line, err := lines.Next()
		switch {
		case err != nil:
			return a, err
		case kind == pktline.Flush:
			a.format, err = a.caps.format()
			return a, err
		case kind != pktline.Data:
			return a, fmt.Errorf("%w: %s among capabilities", pktline.ErrMalformed, kind)
		}
		if size += len(line); size > maxCapabilities {
			return a, errors.New("the server sent more than 64 KiB of capabilities")
		}
		a.caps = append(a.caps, strings.TrimSuffix(string(line), "\n"))
	}
}

// parseRefs reads versions 0 and 1, from a line that was read already.
func parseRefs(lines *pktline.Reader, version int, kind pktline.Kind, line []byte) (advertisement, error) {
	a := advertisement{version: version}
	first, list, _ := bytes.Cut(line, []byte{0})
	a.caps = strings.Fields(string(list))
	var err error
	if a.format, err = a.caps.format(); err != nil {
		return a, err
	}
	g := gatherer{format: a.format}
	var head object.ID
	for line = bytes.Clone(first); kind == pktline.Data; {
		if err := g.advertised(strings.TrimSuffix(string(line), "\n"), &head); err != nil {
			return a, err
		}
		if kind, line, err = lines.Next(); err != nil {
			return a, err
		}
	}
	if kind != pktline.Flush {
		return a, fmt.Errorf("%w: %s in a list of refs", pktline.ErrMalformed, kind)
	}
	s, err := g.snapshot()
	if err != nil {
		return a, err
	}
	s.Head, err = headOf(a.caps, head, s.Refs)
	a.snapshot = &s
	return a, err
}

// advertised takes a line of the versions 0 and 1.
func (g *gatherer) advertised(line string, head *object.ID) error {
	id, name, ok := strings.Cut(line, " ")
	switch {
	case !ok:
		return fmt.Errorf("the server sent the line %.200q in place of a ref", line)
	case id == "shallow":
		return errShallow
	case name == "capabilities^{}" || name == ".have" || name == "HEAD^{}":
		// No ref: a place for the capabilities of an empty repository, what
		// else the server has, and a HEAD at a tag.
		return nil
	case name == "HEAD":
		var err error
		*head, err = g.id(id, name)
		return err
	}
	if tag, ok := strings.CutSuffix(name, "^{}"); ok {
		return g.peel(tag, id)
	}
	return g.add(name, id, "")
}

// errShallow: neither the mirror nor a clone of it could hold the marks that
// say where the history was cut off.
var errShallow = errors.New("the source is a shallow clone, whose history is cut off: a copy of it could not be cloned; fetch it with --unshallow first")

// headOf finds what HEAD is in the versions 0 and 1. Servers tell a symbolic
// HEAD as a capability; older ones, and CodeCommit, do not, and there git
// guesses (remote.c, guess_remote_head), as is done here. A server that knows
// the object-format capability is newer than symref, so its HEAD is detached.
func headOf(caps capabilities, id object.ID, list []refs.Ref) (refs.Head, error) {
	for _, c := range caps {
		if target, ok := strings.CutPrefix(c, "symref=HEAD:"); ok {
			return refs.Head{Target: target}, checkName(target)
		}
	}
	if id == "" || caps.has("symref") || caps.has("object-format") {
		return refs.Head{ID: id}, nil
	}
	guess := ""
	for _, r := range list {
		switch {
		case r.ID != id || !strings.HasPrefix(r.Name, "refs/heads/"):
		case r.Name == "refs/heads/main", r.Name == "refs/heads/master":
			return refs.Head{Target: r.Name}, nil
		case guess == "":
			guess = r.Name
		}
	}
	if guess == "" {
		return refs.Head{ID: id}, nil
	}
	return refs.Head{Target: guess}, nil
}
