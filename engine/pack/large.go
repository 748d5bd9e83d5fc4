package pack

import (
	"fmt"
	"hash"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
)

// summed writes a large object to where Config.Large wants it, and hashes it.
type summed struct {
	sum  hash.Hash
	dest LargeWriter // nil when nobody wants it
}

func (rc *receiver) newSummed(typ object.Type, size int64) (*summed, error) {
	s := &summed{sum: rc.Format.New()}
	s.sum.Write(appendHeader(nil, typ, size))
	if rc.Large == nil {
		return s, nil
	}
	var err error
	if s.dest, err = rc.Large(typ, size); err != nil {
		return nil, fmt.Errorf("a %s of %d bytes: %w", typ, size, err)
	}
	return s, nil
}

func (s *summed) Write(b []byte) (int, error) {
	s.sum.Write(b)
	if s.dest == nil {
		return len(b), nil
	}
	return s.dest.Write(b)
}

func (s *summed) close() ([]byte, error) {
	id := s.sum.Sum(nil)
	if s.dest == nil {
		return id, nil
	}
	return id, s.dest.Close(id)
}

func (s *summed) abort() {
	if s.dest != nil {
		s.dest.Abort()
	}
}

// contentLimit stops bombs: packs whose objects are larger, all together, than
// any real history's.
type contentLimit struct {
	sum int64
	max int64
}

// contentMax is 256 TiB: the objects of git's own repository are 8 GB, of
// the largest public ones some TB, and what hashing more would take is days.
const contentMax = 256 << 40

func (l *contentLimit) add(n int64) error {
	l.sum += n
	if n > l.max || l.sum > l.max {
		return fmt.Errorf("the pack's objects are larger than %d bytes together: refusing what looks like a decompression bomb", l.max)
	}
	return nil
}
