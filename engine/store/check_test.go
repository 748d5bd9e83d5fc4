package store_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

func TestCheckedRightContent(t *testing.T) {
	for _, content := range []string{"", "x", "hello, world", strings.Repeat("ab", 40_000)} {
		for name, wrap := range map[string]func(io.Reader) io.Reader{
			"plain":    func(r io.Reader) io.Reader { return r },
			"one byte": iotest.OneByteReader,
			"half":     iotest.HalfReader,
			"data+EOF": iotest.DataErrReader,
		} {
			c := store.NewChecked(wrap(strings.NewReader(content)), int64(len(content)), sum(content))
			got, err := io.ReadAll(c)
			if err != nil || string(got) != content || c.Err() != nil || !c.Begun() {
				t.Errorf("%s, %d bytes: got %d bytes, %v", name, len(content), len(got), err)
			}
		}
	}
}

func TestCheckedHoldsBackTheLastBytes(t *testing.T) {
	broken := errors.New("the cable was cut")
	tests := map[string]struct {
		r    io.Reader
		size int64
		sum  string
		want error // nil: any error
	}{
		"other content":           {strings.NewReader("hellO"), 5, sum("hello"), store.ErrChecksum},
		"other content, with EOF": {iotest.DataErrReader(strings.NewReader("hellO")), 5, sum("hello"), store.ErrChecksum},
		"other empty content":     {strings.NewReader(""), 0, sum("hello"), store.ErrChecksum},
		"short":                   {strings.NewReader("hell"), 5, "", io.ErrUnexpectedEOF},
		"long":                    {strings.NewReader("hello!"), 5, "", nil},
		"long, should be empty":   {strings.NewReader("hello!"), 0, "", nil},
		"failing in the middle":   {io.MultiReader(strings.NewReader("he"), iotest.ErrReader(broken)), 5, "", broken},
		"failing at the end":      {io.MultiReader(strings.NewReader("hello"), iotest.ErrReader(broken)), 5, "", broken},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := store.NewChecked(test.r, test.size, test.sum)
			var got bytes.Buffer
			_, err := got.ReadFrom(c)
			if err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
			if c.Err() != err {
				t.Errorf("Err() is %v, Read returned %v", c.Err(), err)
			}
			if test.size > 0 && int64(got.Len()) >= test.size {
				t.Errorf("all of the %d bytes came out", test.size)
			}
			if _, again := c.Read(make([]byte, 1)); again != err {
				t.Errorf("the error did not stay: %v", again)
			}
		})
	}
}

func TestCheckKey(t *testing.T) {
	for _, good := range []string{"HEAD", "a/b", "refs/heads/a b+%~ü", "x..y", "mirror_tmp/1/x"} {
		if err := store.CheckKey(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", ".", "..", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", "a\xff"} {
		if store.CheckKey(bad) == nil {
			t.Errorf("%q was allowed", bad)
		}
	}
}

func TestSpan(t *testing.T) {
	for _, x := range [][4]int64{ // size, off, n, want
		{10, 0, -1, 10}, {10, 4, -1, 6}, {10, 10, -1, 0}, {10, 11, -1, 0},
		{10, 0, 0, 0}, {10, 0, 3, 3}, {10, 8, 3, 2}, {10, 12, 3, 0}, {0, 0, -1, 0},
	} {
		if got := store.Span(x[0], x[1], x[2]); got != x[3] {
			t.Errorf("Span(%d, %d, %d) = %d, want %d", x[0], x[1], x[2], got, x[3])
		}
	}
}
