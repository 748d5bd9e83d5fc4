package inputs

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
)

// Shard is the Index-th of Count shares of the pairs, from 1. The zero value
// is all of them.
type Shard struct{ Index, Count int }

// String returns it as it is written, "2/8".
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Count) }

// mostShards is more than a workflow's matrix has jobs (256).
const mostShards = 10_000

func setShard(c *Config, v string) error {
	index, count, ok := strings.Cut(v, "/")
	i, err1 := strconv.Atoi(index)
	n, err2 := strconv.Atoi(count)
	if !ok || err1 != nil || err2 != nil || i < 1 || n < i || n > mostShards {
		return fmt.Errorf("%q is no share; write for example 2/8, the second of eight", v)
	}
	c.Shard = Shard{i, n}
	return nil
}

// of returns the share's pairs. Where a pair belongs depends on its target
// alone, so it stays when others come or go.
func (s Shard) of(pairs []engine.Pair) []engine.Pair {
	if s.Count == 0 {
		return pairs
	}
	var mine []engine.Pair
	for _, p := range pairs {
		sum := sha256.Sum256([]byte(p.Target))
		if binary.BigEndian.Uint64(sum[:])%uint64(s.Count) == uint64(s.Index-1) {
			mine = append(mine, p)
		}
	}
	return mine
}
