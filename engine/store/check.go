package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
)

// Checked is a reader that gives the bytes of another only when they are what
// was promised: the last ones are held back until the length and the SHA-256
// agree. What sends it under a known length therefore never sends all of a
// wrong content, also to servers that check nothing themselves.
type Checked struct {
	r     io.Reader
	size  int64
	left  int64
	want  string // "" for any content
	hash  hash.Hash
	begun bool
	err   error
}

// NewChecked returns a reader of the size bytes of r, whose SHA-256 in
// lowercase hex is sha256Hex, or "" where it isn't known. Reading ends in
// [ErrChecksum] for other content, in io.ErrUnexpectedEOF when r ends early
// and in another error when it goes on.
func NewChecked(r io.Reader, size int64, sha256Hex string) *Checked {
	c := &Checked{r: r, size: size, left: size, want: sha256Hex}
	if sha256Hex != "" {
		c.hash = sha256.New()
	}
	return c
}

// Read implements io.Reader.
func (c *Checked) Read(p []byte) (int, error) {
	if c.err != nil || len(p) == 0 {
		return 0, c.err
	}
	c.begun = true
	if c.left == 0 { // only an empty content gets here
		c.err = c.finish(nil)
		return 0, c.err
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if c.hash != nil {
		c.hash.Write(p[:n])
	}
	switch {
	case c.left == 0:
		if c.err = c.finish(err); c.err != io.EOF {
			return 0, c.err
		}
	case err == io.EOF:
		c.err = fmt.Errorf("content ended after %d of %d bytes: %w",
			c.size-c.left, c.size, io.ErrUnexpectedEOF)
	default:
		c.err = err
	}
	return n, c.err
}

// finish decides about the whole content after its last byte; err is what
// came with that. It returns io.EOF when all is well.
func (c *Checked) finish(err error) error {
	if err == nil {
		var more [1]byte
		_, err = io.ReadFull(c.r, more[:])
	}
	if err == nil {
		return fmt.Errorf("content is longer than the promised %d bytes", c.size)
	}
	if err != io.EOF {
		return err
	}
	if c.hash != nil {
		if got := hex.EncodeToString(c.hash.Sum(nil)); got != c.want {
			return fmt.Errorf("%w: sha256 %s, want %s", ErrChecksum, got, c.want)
		}
	}
	return io.EOF
}

// Begun tells whether anything was read.
func (c *Checked) Begun() bool { return c.begun }

// Err is the error that reading ended in; nil while it goes on and after the
// whole content.
func (c *Checked) Err() error {
	if c.err == io.EOF {
		return nil
	}
	return c.err
}
