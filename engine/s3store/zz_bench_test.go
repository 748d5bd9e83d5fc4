package s3store_test
import ("testing";"bytes";"fmt";"sync";"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/s3store";"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store")
func BenchmarkPut(b *testing.B) {
	s := open(s3store.Config{})
	data := make([]byte, 600)
	var wg sync.WaitGroup
	next := make(chan int)
	for range 64 { wg.Go(func(){ for i := range next { if _, err := s.Put(b.Context(), fmt.Sprintf("objects/%02x/%d", i%256, i), bytes.NewReader(data), 600, store.Options{}); err != nil { b.Error(err) } } }) }
	b.ResetTimer()
	for i := range b.N { next <- i }
	close(next); wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
}
