package pktline_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/pktline"
)

func TestReader(t *testing.T) {
	long := strings.Repeat("x", pktline.MaxPayload)
	const in = "0006a\n00000001000200040009hello000Ab\x00cdef"
	want := []struct {
		kind    pktline.Kind
		payload string
	}{
		{pktline.Data, "a\n"}, {pktline.Flush, ""}, {pktline.Delim, ""}, {pktline.ResponseEnd, ""},
		{pktline.Data, ""}, {pktline.Data, "hello"}, {pktline.Data, "b\x00cdef"}, {pktline.Data, long},
	}
	readers := map[string]func(io.Reader) io.Reader{
		"whole":          func(r io.Reader) io.Reader { return r },
		"byte by byte":   iotest.OneByteReader,
		"data with EOF":  iotest.DataErrReader,
		"half at a time": iotest.HalfReader,
	}
	for name, wrap := range readers {
		t.Run(name, func(t *testing.T) {
			r := pktline.NewReader(wrap(strings.NewReader(in + "fff0" + long)))
			for i, w := range want {
				kind, p, err := r.Next()
				if err != nil || kind != w.kind || string(p) != w.payload {
					t.Fatalf("line %d: got %v %.20q, %v; want %v %.20q", i, kind, p, err, w.kind, w.payload)
				}
			}
			if _, _, err := r.Next(); err != io.EOF {
				t.Fatalf("at the end: got %v, want io.EOF", err)
			}
		})
	}
}

func TestReaderErrors(t *testing.T) {
	broken := errors.New("network is gone")
	for _, test := range []struct {
		name string
		in   io.Reader
		want error
	}{
		{"cut in the length", strings.NewReader("00"), io.ErrUnexpectedEOF},
		{"cut after the length", strings.NewReader("0009"), io.ErrUnexpectedEOF},
		{"cut in the payload", strings.NewReader("0009hell"), io.ErrUnexpectedEOF},
		{"not hex", strings.NewReader("<html>"), pktline.ErrMalformed},
		{"a sign", strings.NewReader("+009hello"), pktline.ErrMalformed},
		{"length 3", strings.NewReader("0003"), pktline.ErrMalformed},
		{"too long", strings.NewReader("fff1" + strings.Repeat("x", 1<<16)), pktline.ErrMalformed},
		{"the reader's error", io.MultiReader(strings.NewReader("0009he"), iotest.ErrReader(broken)), broken},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, _, err := pktline.NewReader(test.in).Next(); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestReaderERR(t *testing.T) {
	_, _, err := pktline.NewReader(strings.NewReader("000fERR denied\n")).Next()
	var remote *pktline.RemoteError
	if !errors.As(err, &remote) || remote.Message != "denied" {
		t.Errorf("got %v, want a RemoteError that says denied", err)
	}
}

func TestDemux(t *testing.T) {
	in := "0007\x01PA0005\x01000a\x02hello0008\x01CK!0007\x02\r\n0000after"
	for _, wrap := range []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.DataErrReader} {
		var progress bytes.Buffer
		r := pktline.NewReader(wrap(strings.NewReader(in)))
		d := pktline.NewDemux(r, func(p []byte) { progress.Write(p) })
		got, err := io.ReadAll(d)
		if err != nil || string(got) != "PACK!" || progress.String() != "hello\r\n" {
			t.Errorf("got %q and progress %q, %v", got, progress.String(), err)
		}
		if n, err := d.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("after the end: got %d, %v", n, err)
		}
	}
}

func TestDemuxReader(t *testing.T) {
	var in, want bytes.Buffer
	w := pktline.NewWriter(&in)
	for i := range 300 {
		part := bytes.Repeat([]byte{byte(i)}, i*i%(pktline.MaxPayload-1))
		want.Write(part)
		w.Band(pktline.BandData, part)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := iotest.TestReader(pktline.NewDemux(pktline.NewReader(&in), nil), want.Bytes()); err != nil {
		t.Error(err)
	}
}

func TestDemuxErrors(t *testing.T) {
	for _, test := range []struct {
		name, in, data string
		want           error
	}{
		{"cut between lines", "0007\x01ab", "ab", io.ErrUnexpectedEOF},
		{"cut in the data", "0009\x01ab", "ab", io.ErrUnexpectedEOF},
		{"cut in the progress", "0009\x02ab", "", io.ErrUnexpectedEOF},
		{"cut before the band", "0009", "", io.ErrUnexpectedEOF},
		{"nothing at all", "", "", io.ErrUnexpectedEOF},
		{"unknown band", "0007\x01ab0006\x04x0000", "ab", pktline.ErrMalformed},
		{"empty line", "0007\x01ab00040000", "ab", pktline.ErrMalformed},
		{"delimiter", "0007\x01ab00010000", "ab", pktline.ErrMalformed},
		{"not hex", "0007\x01abPACK", "ab", pktline.ErrMalformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := pktline.NewDemux(pktline.NewReader(strings.NewReader(test.in)), nil)
			got, err := io.ReadAll(d)
			if string(got) != test.data || !errors.Is(err, test.want) {
				t.Errorf("got %q, %v; want %q, %v", got, err, test.data, test.want)
			}
		})
	}
}

func TestDemuxRemoteError(t *testing.T) {
	for _, in := range []string{"0006\x01a000b\x03failed0000", "0006\x01a000eERR failed0000"} {
		got, err := io.ReadAll(pktline.NewDemux(pktline.NewReader(strings.NewReader(in)), nil))
		var remote *pktline.RemoteError
		if string(got) != "a" || !errors.As(err, &remote) || remote.Message != "failed" {
			t.Errorf("%q: got %q, %v", in, got, err)
		}
	}
}

func TestDemuxDoesNotAllocate(t *testing.T) {
	var in bytes.Buffer
	w := pktline.NewWriter(&in)
	part := make([]byte, 1000)
	for range 5000 {
		w.Band(pktline.BandData, part)
	}
	d := pktline.NewDemux(pktline.NewReader(&in), nil)
	buf := make([]byte, 4096)
	if n := testing.AllocsPerRun(4000, func() { d.Read(buf) }); n != 0 {
		t.Errorf("%v allocations a read", n)
	}
}

func TestWriter(t *testing.T) {
	var out bytes.Buffer
	w := pktline.NewWriter(&out)
	w.Linef("want %s", "x")
	w.Data([]byte("ab"))
	w.Delim()
	w.Band(2, []byte("hi"))
	w.ResponseEnd()
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if want := "000bwant x\n0006ab00010007\x02hi00020000"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestWriterRefuses(t *testing.T) {
	for _, n := range []int{0, pktline.MaxPayload + 1} {
		var out bytes.Buffer
		w := pktline.NewWriter(&out)
		if err := w.Data(make([]byte, n)); err == nil {
			t.Errorf("%d bytes were written as a line", n)
		}
		if err := w.Flush(); err == nil || out.Len() > 0 {
			t.Errorf("after an error: got %v and %d bytes", err, out.Len())
		}
	}
}
