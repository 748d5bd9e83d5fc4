package pktline_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/pktline"
)

// FuzzReader reads anything; what was read, written again, must be the bytes
// that were consumed (but for the case of hex digits).
func FuzzReader(f *testing.F) {
	f.Add([]byte("0006a\n000000010002"))
	f.Add([]byte("000fERR denied\n"))
	f.Add([]byte("00040009hello"))
	f.Add([]byte("fff0"))
	f.Add([]byte("000A123456"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var out bytes.Buffer
		w := pktline.NewWriter(&out)
		r := pktline.NewReader(bytes.NewReader(in))
		for {
			kind, p, err := r.Next()
			if err != nil {
				checkEnd(t, in[out.Len():], err)
				break
			}
			writeLine(&out, w, kind, p)
		}
		if !bytes.EqualFold(out.Bytes(), in[:out.Len()]) {
			t.Errorf("read %q, written again %q", in, out.Bytes())
		}
	})
}

func writeLine(out *bytes.Buffer, w *pktline.Writer, kind pktline.Kind, p []byte) {
	switch {
	case kind == pktline.Flush:
		w.Flush()
	case kind == pktline.Delim:
		w.Delim()
	case kind == pktline.ResponseEnd:
		w.ResponseEnd()
	case len(p) == 0:
		out.WriteString("0004")
	default:
		w.Data(p)
	}
}

// checkEnd says whether err is what the rest of the input deserves.
func checkEnd(t *testing.T, rest []byte, err error) {
	t.Helper()
	var remote *pktline.RemoteError
	switch {
	case err == io.EOF && len(rest) == 0:
	case err == io.ErrUnexpectedEOF && len(rest) > 0:
	case errors.Is(err, pktline.ErrMalformed) && len(rest) >= 4:
	case errors.As(err, &remote) && bytes.HasPrefix(rest[4:], []byte("ERR ")):
	default:
		t.Errorf("error %v with %q left", err, rest)
	}
}

// FuzzDemux takes bands apart in reads of a given size; a plain loop over the
// lines says what must come out.
func FuzzDemux(f *testing.F) {
	f.Add([]byte("0007\x01PA0005\x01000a\x02hello0008\x01CK!0000"), uint16(1))
	f.Add([]byte("0006\x01a000b\x03failed0000"), uint16(7))
	f.Add([]byte("0009\x01ab"), uint16(100))
	f.Add([]byte("000eERR failed"), uint16(3))
	f.Fuzz(func(t *testing.T, in []byte, size uint16) {
		wantData, wantProgress, whole := apart(in)
		var data, progress bytes.Buffer
		d := pktline.NewDemux(pktline.NewReader(bytes.NewReader(in)), func(p []byte) { progress.Write(p) })
		_, err := io.CopyBuffer(&data, struct{ io.Reader }{d}, make([]byte, int(size)+1))
		if whole != (err == nil) {
			t.Errorf("%q: error %v, want one: %v", in, err, !whole)
		}
		if !bytes.HasPrefix(data.Bytes(), wantData) || progress.String() != wantProgress {
			t.Errorf("%q: got %q and %q, want %q and %q", in, data.Bytes(), progress.String(), wantData, wantProgress)
		}
		// Of a line that was cut, what arrived of it may come too.
		rest, _ := bytes.CutPrefix(data.Bytes(), wantData)
		if len(rest) > 0 && (whole || !bytes.HasSuffix(in, rest)) {
			t.Errorf("%q: got %q, which was not sent", in, rest)
		}
	})
}

// apart returns the data and progress of the lines that are whole, and whether
// a flush ended them.
func apart(in []byte) (data []byte, progress string, whole bool) {
	r := pktline.NewReader(bytes.NewReader(in))
	for {
		kind, p, err := r.Next()
		switch {
		case err == nil && kind == pktline.Flush:
			return data, progress, true
		case err != nil, kind != pktline.Data, len(p) == 0:
			return data, progress, false
		case p[0] == pktline.BandData:
			data = append(data, p[1:]...)
		case p[0] == pktline.BandProgress:
			progress += string(p[1:])
		default:
			return data, progress, false
		}
	}
}
