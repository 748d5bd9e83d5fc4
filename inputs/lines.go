package inputs

import (
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
)

// contentLines gives the lines of a text that say something, with their
// numbers: without comments, which begin with a # at the start of a line or
// after a space.
func contentLines(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		n := 0
		for line := range strings.Lines(text) {
			n++
			line = strings.ReplaceAll(line, "\t", " ")
			if i := strings.Index(" "+line, " #"); i >= 0 {
				line = line[:i]
			}
			if line = strings.TrimSpace(line); line != "" && !yield(n, line) {
				return
			}
		}
	}
}

// setLines calls set for each line; its errors name the line.
func setLines(text string, set func(line string) error) error {
	var mistakes []error
	for n, line := range contentLines(text) {
		if err := set(line); err != nil {
			mistakes = append(mistakes, fmt.Errorf("line %d: %w", n, err))
		}
	}
	return errors.Join(mistakes...)
}

// setMirrors adds the pairs of lines such as
//
//	https://example.com/a.git  s3://bucket/a  # the first
func setMirrors(c *Config, v string) error {
	incomplete := checkComplete(c)
	return errors.Join(incomplete, setLines(v, func(line string) error {
		words := strings.Fields(line)
		if len(words) != 2 {
			return fmt.Errorf(`a pair has two parts, here are %d; write "SOURCE TARGET", such as https://github.com/git/git s3://my-bucket/git`, len(words))
		}
		c.Pairs = append(c.Pairs, engine.Pair{Source: words[0], Target: words[1]})
		return checkLast(c.Pairs)
	}))
}

// checkLast checks the last pair, and how it goes with those before it.
func checkLast(pairs []engine.Pair) error {
	last := pairs[len(pairs)-1]
	if err := engine.CheckPairs([]engine.Pair{last}); err != nil {
		return err
	}
	for _, p := range pairs[:len(pairs)-1] {
		if err := engine.CheckPairs([]engine.Pair{p, last}); err != nil && engine.CheckPairs([]engine.Pair{p}) == nil {
			return err
		}
	}
	return nil
}

// setTokens adds the credentials of lines such as gitlab.com=token. Errors
// must not show them.
func setTokens(c *Config, v string) error {
	return setLines(v, func(line string) error {
		host, token, ok := strings.Cut(line, "=")
		host = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(host)), "/")
		if token = strings.TrimSpace(token); !ok || token == "" || !isHost(host) {
			return errors.New("it is not a host and a token; write for example gitlab.com=TOKEN")
		}
		if c.Tokens[host] != "" {
			return fmt.Errorf("%s is given twice; a host has one token", host)
		}
		if c.Tokens == nil {
			c.Tokens = map[string]string{}
		}
		c.Tokens[host] = token
		return checkToken(token)
	})
}

// isHost takes host, host:port, and both with http:// or https:// before them.
func isHost(s string) bool {
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.Scheme+"://"+u.Host == s
}
