package endpoint

import (
	"errors"
	"fmt"
	"strings"
)

// parseConfig reads a file in git-config(1)'s syntax. Keys are
// "section.name" or "section.subsection.name" with section and name in lower
// case; of repeated ones the last counts. Includes are not followed.
func parseConfig(content string) (map[string]string, error) {
	values := make(map[string]string)
	section := ""
	p := &configReader{rest: strings.TrimPrefix(content, "\ufeff"), line: 1}
	for {
		p.skipBlank()
		if p.rest == "" {
			return values, nil
		}
		line := p.line
		var err error
		if p.rest[0] == '[' {
			section, err = p.section()
		} else {
			var name, value string
			if name, value, err = p.variable(); err == nil {
				values[section+"."+name] = value
			}
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
	}
}

type configReader struct {
	rest string
	line int
}

// next takes a character; CRLF counts as LF, the end as LF too.
func (p *configReader) next() byte {
	if strings.HasPrefix(p.rest, "\r\n") {
		p.rest = p.rest[1:]
	}
	if p.rest == "" {
		return '\n'
	}
	c := p.rest[0]
	p.rest = p.rest[1:]
	if c == '\n' {
		p.line++
	}
	return c
}

// skipBlank skips white space and comments.
func (p *configReader) skipBlank() {
	for p.rest != "" {
		switch p.rest[0] {
		case ' ', '\t', '\r', '\n', '\f', '\v':
			p.next()
		case '#', ';':
			for p.rest != "" && p.next() != '\n' {
			}
		default:
			return
		}
	}
}

// section reads [name], [name "sub section"] or the old [name.subsection].
func (p *configReader) section() (string, error) {
	p.next()
	var name strings.Builder
	for {
		switch c := p.next(); {
		case c == ']':
			return strings.ToLower(name.String()), nil
		case c == ' ' || c == '\t':
			sub, err := p.subsection()
			return strings.ToLower(name.String()) + "." + sub, err
		case isNameByte(c) || c == '.':
			name.WriteByte(c)
		default:
			return "", errors.New("bad section")
		}
	}
}

func (p *configReader) subsection() (string, error) {
	p.rest = strings.TrimLeft(p.rest, " \t")
	if p.next() != '"' {
		return "", errors.New("bad section")
	}
	var sub strings.Builder
	for {
		c := p.next()
		switch c {
		case '\n':
			return "", errors.New("unfinished section")
		case '"':
			if p.next() != ']' {
				return "", errors.New("bad section")
			}
			return sub.String(), nil
		case '\\':
			c = p.next()
		}
		sub.WriteByte(c)
	}
}

// variable reads "name = value" or a lone "name", which means true.
func (p *configReader) variable() (name, value string, err error) {
	n := 0
	for n < len(p.rest) && isNameByte(p.rest[n]) {
		n++
	}
	name, p.rest = strings.ToLower(p.rest[:n]), strings.TrimLeft(p.rest[n:], " \t")
	if name == "" {
		return "", "", errors.New("bad name")
	}
	switch p.next() {
	case '\n':
		return name, "true", nil
	case '=':
		value, err = p.value()
		return name, value, err
	}
	return "", "", errors.New("no = after the name")
}

// value reads to the end of the line: quotes and backslashes are undone,
// comments and the white space around left out.
func (p *configReader) value() (string, error) {
	var value strings.Builder
	quoted, end := false, 0 // end is where trailing white space starts
	p.rest = strings.TrimLeft(p.rest, " \t")
	for {
		c := p.next()
		switch {
		case c == '\n' && quoted:
			return "", errors.New("unfinished quotes")
		case c == '\n':
			return value.String()[:end], nil
		case c == '"':
			quoted = !quoted
			end = value.Len()
			continue
		case !quoted && (c == '#' || c == ';'):
			for p.next() != '\n' {
			}
			return value.String()[:end], nil
		case c == '\\':
			e, ok := escapes[p.next()]
			if !ok {
				return "", errors.New("bad escape")
			}
			value.WriteString(e)
			end = value.Len()
			continue
		}
		value.WriteByte(c)
		if quoted || c != ' ' && c != '\t' {
			end = value.Len()
		}
	}
}

// escapes are what may follow a backslash; an end of line continues the value.
var escapes = map[byte]string{'\n': "", '\\': `\`, '"': `"`, 'n': "\n", 't': "\t", 'b': "\b"}

func isNameByte(c byte) bool {
	return c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
