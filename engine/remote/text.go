package remote

import (
	"fmt"
	"strings"
	"unicode"
)

const hintToken = "give a token (--token or MIRROR_TOKEN) or put user:password@ into the URL"

// maxQuote is how much of a remote text is shown, in characters: enough for a
// sentence or two, and still a line.
const maxQuote = 300

// clean makes remote text fit for a line of a log: what does not print becomes
// a space, so that it can neither move the cursor nor start a line, and the
// length is bounded.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	n := 0
	for i := range s {
		if n == maxQuote {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

// quoteRemote quotes remote text in a message.
func quoteRemote(s string) string { return fmt.Sprintf(`"%s"`, clean(s)) }

// lines cuts progress into lines, which end with LF or CR.
type lines struct {
	emit func(string)
	part []byte
}

// maxProgress bounds a line of progress in bytes, before clean shortens it.
const maxProgress = 4096

func (l *lines) write(p []byte) {
	for _, c := range p {
		switch {
		case c == '\n' || c == '\r':
			l.flush()
		case len(l.part) < maxProgress:
			l.part = append(l.part, c)
		}
	}
}

// flush emits what there is of a line.
func (l *lines) flush() {
	if s := clean(string(l.part)); s != "" {
		l.emit(s)
	}
	l.part = l.part[:0]
}
