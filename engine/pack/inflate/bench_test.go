package inflate

import (
	"bytes"
	stdzlib "compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zlib"
)

// stream is a zlib stream at an offset of the benchmark's data.
type stream struct{ offset, size int }

// packEnv names a pack to take the benchmark's streams from. Without it they
// are made from the module's own source.
const packEnv = "REPO_PACK"

// benchStreams returns streams as a pack holds them, each followed by others.
func benchStreams(tb testing.TB) (data []byte, streams []stream) {
	tb.Helper()
	if name := os.Getenv(packEnv); name != "" {
		data, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		return data, walkPack(tb, data)
	}
	return sourceStreams(tb)
}

// walkPack finds the streams of a SHA-1 pack, gitformat-pack(5).
func walkPack(tb testing.TB, data []byte) (streams []stream) {
	tb.Helper()
	const headerSize, idSize = 12, 20
	var (
		d      Decoder
		buffer []byte
		at     = headerSize
	)
	for range binary.BigEndian.Uint32(data[8:]) {
		c := data[at]
		kind, size := c>>4&7, int(c&15)
		for shift := 4; c&0x80 != 0; shift += 7 {
			at++
			c = data[at]
			size |= int(c&0x7f) << shift
		}
		at++
		switch kind {
		case 6: // ofs-delta
			for data[at]&0x80 != 0 {
				at++
			}
			at++
		case 7: // ref-delta
			at += idSize
		}
		if size > len(buffer) {
			buffer = make([]byte, size)
		}
		n, err := d.Zlib(buffer[:size], data[at:])
		if err != nil {
			tb.Fatalf("stream at %d, %d bytes: %v", at, size, err)
		}
		streams = append(streams, stream{at, size})
		at += n
	}
	if at+idSize != len(data) {
		tb.Fatalf("pack ends at %d of %d", at+idSize, len(data))
	}
	return streams
}

// sourceStreams compresses pieces of the module's own source, of the sizes
// found in packs.
func sourceStreams(tb testing.TB) (data []byte, streams []stream) {
	tb.Helper()
	files, err := filepath.Glob("../*/*.go")
	if err != nil || len(files) == 0 {
		tb.Fatalf("no source files: %v", err)
	}
	var b bytes.Buffer
	w := stdzlib.NewWriter(&b)
	sizes := []int{40, 300, 900, 2500, 9000}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		for len(text) > 0 {
			size := min(len(text), sizes[len(streams)%len(sizes)])
			streams = append(streams, stream{b.Len(), size})
			w.Reset(&b)
			if _, err := w.Write(text[:size]); err != nil {
				tb.Fatal(err)
			}
			if err := w.Close(); err != nil {
				tb.Fatal(err)
			}
			text = text[size:]
		}
	}
	return b.Bytes(), streams
}

// BenchmarkWalk inflates all streams once an iteration:
//
//	REPO_PACK=/path/to/some.pack go test -run '^$' -bench Walk -cpu 1 ./engine/pack/inflate
func BenchmarkWalk(b *testing.B) {
	data, streams := benchStreams(b)
	total, largest := 0, 0
	for _, s := range streams {
		total += s.size
		largest = max(largest, s.size)
	}
	out := make([]byte, largest)
	run := func(name string, inflate func(dst, src []byte) error) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(total))
			for b.Loop() {
				for _, s := range streams {
					if err := inflate(out[:s.size], data[s.offset:]); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(streams)), "ns/stream")
		})
	}
	var d Decoder
	run("inflate", func(dst, src []byte) error {
		_, err := d.Zlib(dst, src)
		return err
	})
	run("klauspost", resetReader(zlib.NewReader))
	run("std", resetReader(stdzlib.NewReader))
}

// resetReader inflates with a reader that is made once and reset, up to and
// including the checksum.
func resetReader(open func(io.Reader) (io.ReadCloser, error)) func(dst, src []byte) error {
	var (
		in     bytes.Reader
		reader io.ReadCloser
	)
	return func(dst, src []byte) (err error) {
		in.Reset(src)
		if reader == nil {
			reader, err = open(&in)
		} else {
			err = reader.(stdzlib.Resetter).Reset(&in, nil)
		}
		if err != nil {
			return err
		}
		if _, err := io.ReadFull(reader, dst); err != nil {
			return err
		}
		var rest [1]byte
		if n, err := reader.Read(rest[:]); n != 0 || err != io.EOF {
			return fmt.Errorf("%d bytes after the end: %v", n, err)
		}
		return nil
	}
}
