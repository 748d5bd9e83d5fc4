// Package pack receives a pack as it arrives from the network, finds the id
// of every object in it, and writes the index that git would write. Nothing
// of the pack is ever on a local disk, and memory is bounded whatever the
// size of the pack or of one object. Start with [Receive] and [Index].
//
// A pack (gitformat-pack(5)):
//
//	"PACK" | version 2 | entries N       12 bytes, big endian
//	entry                                N times
//	    type and size of the content     a varint, 3 bits of type in its first byte
//	    [distance | id of the base]      OFS_DELTA: a varint, REF_DELTA: an id
//	    zlib stream                      of an object, or of a delta against the base
//	trailer                              hash of all that came before
//
// # How it works
//
// The scan reads entry by entry as the bytes arrive. Objects that are whole
// get their ids at once, and so do deltas whose base is among the contents
// used last. What missed its base is remembered in its compressed form. When
// the pack has ended these are resolved, batch by batch, each batch a forest
// of delta trees walked depth first on all cores; bytes that were not kept
// are read back from where the pack was staged. A single object too large for
// the memory at hand is resolved as a stream, its base staged too.
package pack

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync/atomic"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
)

// Config is what Receive works with. Format, Spool and Staging have no
// default.
type Config struct {
	Format object.Format
	// Memory bounds what is held beside the table of objects, in bytes;
	// 0 is DefaultMemory.
	Memory int64
	// Workers resolve at the same time; 0 is a worker a processor.
	Workers int
	// Spool receives the pack's bytes, trailer included, in order. It is
	// committed after the last one, and then what was not kept in memory is
	// read back from it. Receive aborts it when it fails.
	Spool Staged
	// Staging makes room for contents too large for Memory.
	Staging func(name string) (Staged, error)
	// Object, if not nil, is told every object whose content is held in
	// memory, once its id is known: from several goroutines at once, in no
	// particular order. An error ends the reception.
	Object func(Object) error
	// Large, if not nil, is asked for a place to write each of the other
	// objects to: one at a time.
	Large func(t object.Type, size int64) (LargeWriter, error)
	// Progress, if not nil, is kept up to date.
	Progress *Progress
	Log      *slog.Logger // nil discards

	shrink uint // limits are divided by 2 to this power, in tests
}

// DefaultMemory is enough to hold a pack of git's own size whole.
const DefaultMemory = 1 << 30

// MinMemory is the least that Receive can work with: the window on the
// network, and room for a base, a delta and a result of smallMax each, in
// cache and in flight.
const MinMemory = 16 << 20

// Object is one object of a pack.
type Object struct {
	Type    object.Type
	ID      []byte // valid only during the call
	Content []byte // valid only during the call
}

// LargeWriter takes an object's content in order.
type LargeWriter interface {
	io.Writer
	Close(id []byte) error // the object is whole
	Abort()                // it will not be
}

// Staged is a sequence of bytes kept outside of memory: written, committed,
// then read by ranges.
type Staged interface {
	io.Writer
	// Commit ends the writing. The reader can be used concurrently.
	Commit() (io.ReaderAt, error)
	// Abort drops what was written; it does nothing after a Commit without
	// error.
	Abort()
}

// Progress counts objects; the numbers only grow.
type Progress struct {
	Objects  atomic.Int64 // objects expected; 0 while unknown
	Received atomic.Int64 // entries whose bytes have arrived
	Resolved atomic.Int64 // objects whose ids are known
}

// Counts are the numbers of objects in a pack.
type Counts struct {
	Commit, Tree, Blob, Tag int64
	Total                   int64
	Deltas                  int64 // how many of them came as deltas
}

// Receive reads one pack from r to its trailer and resolves every object in
// it. The pack must be complete in itself: a delta whose base is not in it,
// bytes after the trailer, a trailer that does not match and every damaged
// entry are errors, and nothing of r is to be used after one.
func Receive(ctx context.Context, r io.Reader, c Config) (*Index, error) {
	c.setDefaults()
	rc := newReceiver(ctx, c)
	defer rc.close()
	if err := rc.scan(r); err != nil {
		c.Spool.Abort()
		return nil, err
	}
	staged, err := c.Spool.Commit()
	if err != nil {
		c.Spool.Abort()
		return nil, fmt.Errorf("staging the pack: %w", err)
	}
	rc.staged = staged
	if err := rc.resolve(); err != nil {
		return nil, err
	}
	return rc.index(), nil
}

func (c *Config) setDefaults() {
	if c.Memory == 0 {
		c.Memory = DefaultMemory
	}
	c.Memory = max(c.Memory, MinMemory>>c.shrink)
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.Progress == nil {
		c.Progress = new(Progress)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}
