package remote

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/pktline"
)

// fetchV0 is the request of the protocol versions 0 and 1, and who reads its
// answer:
//
//	want <id> SP <capability> SP <capability>… LF
//	want <id> LF …
//	flush
//	have <id> LF …
//	done LF
func (r *Remote) fetchV0(req Request) ([]byte, taker) {
	caps := r.chosen(req.Progress == nil)
	var b bytes.Buffer
	w := pktline.NewWriter(&b)
	for i, id := range req.Wants {
		if i == 0 {
			w.Linef("%s", strings.Join(append([]string{"want", string(id)}, caps...), " "))
			continue
		}
		w.Linef("want %s", id)
	}
	w.Flush()
	for _, id := range req.Haves {
		w.Linef("have %s", id)
	}
	w.Linef("done")
	banded := slices.Contains(caps, "side-band-64k") || slices.Contains(caps, "side-band")
	return b.Bytes(), func(br *bufio.Reader, progress func([]byte)) (io.Reader, error) {
		return takeV0(br, banded, progress)
	}
}

// chosen are the capabilities of a request, of those that the server has.
// Azure DevOps answers only to clients that ask for multi_ack.
func (r *Remote) chosen(silent bool) []string {
	chosen := []string{
		r.caps.first("multi_ack_detailed", "multi_ack"),
		r.caps.first("side-band-64k", "side-band"),
		r.caps.first("ofs-delta"),
	}
	if silent {
		chosen = append(chosen, r.caps.first("no-progress"))
	}
	if r.caps.has("object-format") {
		chosen = append(chosen, "object-format="+r.format.String())
	}
	if r.caps.has("agent") {
		chosen = append(chosen, "agent="+agent)
	}
	return slices.DeleteFunc(chosen, func(s string) bool { return s == "" })
}

// takeV0 reads the lines before the pack, any number of
//
//	ACK <id> [continue|common|ready] LF
//	NAK LF
//
// The pack begins with a side band's byte, 1 to 3, where lines have a letter;
// without side bands it follows as it is.
func takeV0(br *bufio.Reader, banded bool, progress func([]byte)) (io.Reader, error) {
	lines := pktline.NewReader(br)
	for {
		next, err := br.Peek(5)
		switch {
		case len(next) >= 4 && !banded && string(next[:4]) == "PACK":
			return br, nil
		case err == nil && banded && next[4] <= pktline.BandError:
			return pktline.NewDemux(lines, progress), nil
		}
		kind, line, err := lines.Next()
		if err != nil {
			return nil, err
		}
		text := strings.TrimSuffix(string(line), "\n")
		switch {
		case kind == pktline.Flush:
			return nil, fmt.Errorf("the server sent no pack: %w", io.ErrUnexpectedEOF)
		case strings.HasPrefix(text, "shallow "):
			return nil, errShallow
		case kind != pktline.Data, text != "NAK" && !strings.HasPrefix(text, "ACK "):
			return nil, fmt.Errorf("the server sent %s in place of ACK or NAK", quoteRemote(text))
		}
	}
}
