package s3store

import "testing"

// TestPartSizes does the arithmetic that growAfter's comment claims.
func TestPartSizes(t *testing.T) {
	for part, want := range map[int64]int64{8 << 20: 484 << 30, 5 << 20: 302 << 30} {
		s := New(Config{PartSize: part})
		var total int64
		for n := range int32(maxParts) {
			total += s.partSize(n)
		}
		if total < want || total > want+1<<30 {
			t.Errorf("parts of %d bytes hold %d GiB, want %d", part, total>>30, want>>30)
		}
	}
}
