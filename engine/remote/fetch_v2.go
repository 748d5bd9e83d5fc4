package remote

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/pktline"
)

// fetchV2 is the fetch command of protocol version 2, and who reads its answer.
func (r *Remote) fetchV2(req Request) ([]byte, taker) {
	args := []string{"ofs-delta"}
	if req.Progress == nil {
		args = append(args, "no-progress")
	}
	for _, id := range req.Wants {
		args = append(args, "want "+string(id))
	}
	for _, id := range req.Haves {
		args = append(args, "have "+string(id))
	}
	return r.command("fetch", append(args, "done")), takeV2
}

// takeV2 reads the sections before the pack. After "done" there are none, but
// from servers that acknowledge all the same, or are shallow clones:
//
//	[<section> LF, lines, delimiter] …
//	packfile LF
//	side bands, flush
func takeV2(br *bufio.Reader, progress func([]byte)) (io.Reader, error) {
	lines := pktline.NewReader(br)
	for {
		kind, line, err := lines.Next()
		if err != nil {
			return nil, err
		}
		switch section := strings.TrimSuffix(string(line), "\n"); {
		case kind == pktline.Flush:
			return nil, fmt.Errorf("the server sent no pack: %w", io.ErrUnexpectedEOF)
		case kind != pktline.Data:
			return nil, fmt.Errorf("%w: %s in place of a section", pktline.ErrMalformed, kind)
		case section == "packfile":
			return pktline.NewDemux(lines, progress), nil
		case section == "shallow-info":
			return nil, errShallow
		case section != "acknowledgments":
			return nil, fmt.Errorf("the server sent a section %s that was not asked for", quoteRemote(section))
		}
		for kind == pktline.Data {
			if kind, _, err = lines.Next(); err != nil {
				return nil, err
			}
		}
		if kind != pktline.Delim {
			return nil, fmt.Errorf("the server sent no pack: %w", io.ErrUnexpectedEOF)
		}
	}
}
