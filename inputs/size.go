package inputs

import (
	"fmt"
	"math"

	"github.com/dustin/go-humanize"
)

// minMemory is what the engine needs to get anywhere: a few buffers for the
// upload of parts, of at least 5 MiB each in S3, beside the work itself.
const minMemory = 32 << 20

// parseSize reads a number of bytes with or without a unit: 128MiB, 128Mi and
// 134217728 are the same, 500MB and 500M are 500,000,000.
func parseSize(s string) (int64, error) {
	n, err := humanize.ParseBytes(s)
	if err != nil || n > math.MaxInt64 {
		return 0, fmt.Errorf("%q is not a size; write for example 512MiB, 1GB or a number of bytes", s)
	}
	return int64(n), nil
}
