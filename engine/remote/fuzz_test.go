package remote

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/pktline"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/refs"
)

// checkSnapshot wants a snapshot that is sorted, holds nothing invalid, and
// nothing that was not sent.
func checkSnapshot(t *testing.T, in []byte, s refs.Snapshot) {
	t.Helper()
	if !slices.IsSortedFunc(s.Refs, func(a, b refs.Ref) int { return strings.Compare(a.Name, b.Name) }) {
		t.Errorf("not sorted: %v", s.Refs)
	}
	for i, r := range s.Refs {
		if i > 0 && s.Refs[i-1].Name == r.Name {
			t.Errorf("%q stands twice", r.Name)
		}
		if err := refs.CheckName(r.Name); err != nil {
			t.Error(err)
		}
		checkID(t, s.Format, r.ID)
		if r.Peeled != "" {
			checkID(t, s.Format, r.Peeled)
		}
		if !bytes.Contains(in, []byte(string(r.ID)+" "+r.Name)) || !bytes.Contains(in, []byte(r.Peeled)) {
			t.Errorf("%v was not sent", r)
		}
	}
	if s.Head.ID != "" {
		checkID(t, s.Format, s.Head.ID)
	}
	if s.Head.Target != "" && (s.Head.ID != "" || refs.CheckName(s.Head.Target) != nil) {
		t.Errorf("head is %+v", s.Head)
	}
}

func checkID(t *testing.T, f object.Format, id object.ID) {
	t.Helper()
	if _, err := f.ParseID(string(id)); err != nil {
		t.Error(err)
	}
}

// FuzzLsRefs reads anything as an answer to ls-refs. What was understood,
// written as a server would, must be understood the same.
func FuzzLsRefs(f *testing.F) {
	a, b := strings.Repeat("a1", 20), strings.Repeat("b2", 20)
	long := strings.Repeat("c3", 32)
	for _, lines := range [][]string{
		{},
		{a + " HEAD symref-target:refs/heads/main\n", a + " refs/heads/main\n"},
		{"unborn HEAD symref-target:refs/heads/main\n"},
		{b + " HEAD\n", a + " refs/tags/v1 peeled:" + b + "\n"},
		{a + " refs/heads/b", a + " refs/heads/a", a + " refs/heads/b"},
		{"unborn refs/heads/x\n"},
		{a + " refs/heads/../x\n"},
	} {
		f.Add(framed(lines), false)
	}
	f.Add(framed([]string{long + " refs/heads/main\n"}), true)
	f.Fuzz(func(t *testing.T, in []byte, sha256 bool) {
		format := object.SHA1
		if sha256 {
			format = object.SHA256
		}
		s, err := parseLsRefs(bytes.NewReader(in), format)
		if err != nil {
			return
		}
		checkSnapshot(t, in, s)
		again, err := parseLsRefs(bytes.NewReader(framed(lsRefsLines(s))), format)
		if err != nil || !equal(again, s) {
			t.Errorf("%q: understood as %v, then as %v, %v", in, s, again, err)
		}
	})
}

func framed(lines []string) []byte {
	var b bytes.Buffer
	w := pktline.NewWriter(&b)
	for _, line := range lines {
		w.Data([]byte(line))
	}
	w.Flush()
	return b.Bytes()
}

// lsRefsLines is what a server of version 2 says of a snapshot.
func lsRefsLines(s refs.Snapshot) []string {
	var lines []string
	switch {
	case s.Head.Target != "":
		lines = append(lines, "unborn HEAD symref-target:"+s.Head.Target)
	case s.Head.ID != "":
		lines = append(lines, string(s.Head.ID)+" HEAD")
	}
	for _, r := range s.Refs {
		line := string(r.ID) + " " + r.Name
		if r.Peeled != "" {
			line += " peeled:" + string(r.Peeled)
		}
		lines = append(lines, line+"\n")
	}
	return lines
}

func equal(a, b refs.Snapshot) bool {
	return a.Format == b.Format && a.Head == b.Head &&
		(len(a.Refs) == 0 && len(b.Refs) == 0 || reflect.DeepEqual(a.Refs, b.Refs))
}

// FuzzAdvertisement reads anything as the answer to the first request, and
// what it understood of the versions 0 and 1 once more.
func FuzzAdvertisement(f *testing.F) {
	const banner = "001e# service=git-upload-pack\n0000"
	a, b := strings.Repeat("a1", 20), strings.Repeat("b2", 20)
	zero := strings.Repeat("0", 40)
	for _, lines := range [][]string{
		{},
		{zero + " capabilities^{}\x00 ofs-delta object-format=sha1"},
		{a + " HEAD\x00side-band-64k symref=HEAD:refs/heads/main", a + " refs/heads/main\n"},
		{"version 1\n", a + " HEAD\x00side-band-64k\n", b + " refs/tags/v1\n", a + " refs/tags/v1^{}\n", a + " refs/heads/main\n"},
		{a + " refs/tags/a", a + " refs/tags/b", b + " refs/tags/a^{}", b + " .have", "shallow " + a},
		{strings.Repeat("c3", 32) + " refs/heads/main\x00 object-format=sha256"},
		{a + " refs/heads/main\x00", b + " refs/heads/main"},
		{"version 2\n", "agent=x\n", "ls-refs=unborn\n", "fetch\n", "object-format=sha256"},
	} {
		f.Add(append([]byte(banner), framed(lines)...))
		f.Add(framed(lines))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		a, err := parseAdvertisement(bytes.NewReader(in))
		if err != nil {
			return
		}
		if (a.version == 2) != (a.snapshot == nil) {
			t.Fatalf("version %d with snapshot %v", a.version, a.snapshot)
		}
		if a.version == 2 {
			return
		}
		checkSnapshot(t, in, *a.snapshot)
		again, err := parseAdvertisement(bytes.NewReader(framed(v0Lines(*a.snapshot))))
		if err != nil || !equal(*again.snapshot, *a.snapshot) {
			t.Errorf("%q: understood as %v, then as %v, %v", in, *a.snapshot, again.snapshot, err)
		}
	})
}

// v0Lines is what a server of version 0 says of a snapshot; its HEAD, where it
// is symbolic, is given some object.
func v0Lines(s refs.Snapshot) []string {
	caps := "\x00object-format=" + s.Format.String()
	if s.Head.Target != "" {
		caps += " symref=HEAD:" + s.Head.Target
	}
	lines := []string{strings.Repeat("0", 2*s.Format.Size()) + " capabilities^{}" + caps}
	if s.Head.ID != "" {
		lines = append(lines, string(s.Head.ID)+" HEAD")
	}
	for _, r := range s.Refs {
		lines = append(lines, string(r.ID)+" "+r.Name)
		if r.Peeled != "" {
			lines = append(lines, string(r.Peeled)+" "+r.Name+"^{}\n")
		}
	}
	return lines
}
