package refs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
)

// maxLine bounds a line of info/refs: git's pkt-line carries at most 65,520
// bytes, so no longer ref comes from a server.
const maxLine = 64 << 10

// peeledSuffix marks the line that says what an annotated tag points at.
const peeledSuffix = "^{}"

// ParseInfoRefs reads an info/refs file, "<hex>\t<name>\n" a line, each
// annotated tag followed by its "^{}" line (gitrepository-layout(5)), and
// returns the refs sorted. Git drops a last line without LF silently, here it
// is an error, and so are bad names, bad ids and a name that comes twice.
func ParseInfoRefs(r io.Reader, f object.Format) ([]Ref, error) {
	lines := bufio.NewReaderSize(r, maxLine)
	var list []Ref
	for n := 1; ; n++ {
		line, err := lines.ReadSlice('\n')
		if err == io.EOF && len(line) == 0 {
			break
		}
		if err == nil {
			list, err = addInfoLine(list, strings.TrimSuffix(string(line), "\n"), f)
		}
		switch {
		case err == io.EOF:
			err = io.ErrUnexpectedEOF
		case err == bufio.ErrBufferFull:
			err = errors.New("line too long")
		}
		if err != nil {
			return nil, fmt.Errorf("info/refs line %d: %w", n, err)
		}
	}
	Sort(list)
	for i := 1; i < len(list); i++ {
		if list[i].Name == list[i-1].Name {
			return nil, fmt.Errorf("info/refs: %.200q comes twice", list[i].Name)
		}
	}
	return list, nil
}

// addInfoLine adds a line's ref, or completes the last one with what the tag
// points at.
func addInfoLine(list []Ref, line string, f object.Format) ([]Ref, error) {
	hex, name, ok := strings.Cut(line, "\t")
	if !ok {
		return nil, errors.New("no tab")
	}
	id, err := f.ParseID(hex)
	if err != nil {
		return nil, err
	}
	if tag, peeled := strings.CutSuffix(name, peeledSuffix); peeled {
		if len(list) == 0 || list[len(list)-1].Name != tag || list[len(list)-1].Peeled != "" {
			return nil, fmt.Errorf("%.200q does not follow its tag", name)
		}
		list[len(list)-1].Peeled = id
		return list, nil
	}
	if err := CheckName(name); err != nil {
		return nil, err
	}
	return append(list, Ref{Name: name, ID: id}), nil
}

// WriteInfoRefs writes an info/refs file, sorted. Annotated tags get their
// "^{}" line: without it git fetch does not follow new tags by itself.
func WriteInfoRefs(w io.Writer, list []Ref) error {
	b := bufio.NewWriter(w)
	for _, r := range sorted(list) {
		fmt.Fprintf(b, "%s\t%s\n", r.ID, r.Name)
		if r.Peeled != "" {
			fmt.Fprintf(b, "%s\t%s%s\n", r.Peeled, r.Name, peeledSuffix)
		}
	}
	return b.Flush()
}

// WritePackedRefs writes a packed-refs file, sorted, as git pack-refs does.
// Its header promises the order, and that each tag which can be peeled is.
func WritePackedRefs(w io.Writer, list []Ref) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, "# pack-refs with: peeled fully-peeled sorted ")
	for _, r := range sorted(list) {
		fmt.Fprintf(b, "%s %s\n", r.ID, r.Name)
		if r.Peeled != "" {
			fmt.Fprintf(b, "^%s\n", r.Peeled)
		}
	}
	return b.Flush()
}
