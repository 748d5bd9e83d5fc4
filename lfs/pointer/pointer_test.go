package pointer_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/pointer"
)

const (
	oid     = "22ab5f63670800cc7be06dbed816012b0dc411e774754c7579467d2536a9cf3e"
	other   = "bf3e3e2af9366a3b704ae0c31de5afa64193ebabffde2091936ad2e7510bc03a"
	version = "version https://git-lfs.github.com/spec/v1\n"
	good    = version + "oid sha256:" + oid + "\nsize 21245\n"
)

// table holds contents and the size that they are a pointer for, -1 for none.
// TestGitLFS asks the real git-lfs about the same.
var table = []struct {
	name    string
	content string
	size    int64
}{
	{"canonical", good, 21245},
	{"empty", "", -1},
	{"only spaces", " \n\t\n", -1},
	{"without final newline", strings.TrimSuffix(good, "\n"), 21245},
	{"spaces around", "\n\n  " + good + " \n\n", 21245},
	{"NBSP around", "\u00a0" + good + "\u2003", 21245},
	{"CRLF", strings.ReplaceAll(good, "\n", "\r\n"), 21245},
	{"CR only", strings.ReplaceAll(good, "\n", "\r"), -1},
	{"two CRs", strings.ReplaceAll(good, "\n", "\r\r\n"), -1},
	{"blank lines between", strings.ReplaceAll(good, "\n", "\n\n"), 21245},
	{"a line of a space between", strings.ReplaceAll(good, "\n", "\n \n"), -1},
	{"trailing space in a line", strings.Replace(good, "\nsize", " \nsize", 1), -1},
	{"hawser", strings.Replace(good, "git-lfs.github.com", "hawser.github.com", 1), 21245},
	{"alpha", strings.Replace(good, "https://git-lfs.github.com/spec/v1", "http://git-media.io/v/2", 1), 21245},
	{"version 2", strings.Replace(good, "spec/v1", "spec/v2", 1), -1},
	{"http version", strings.Replace(good, "https:", "http:", 1), -1},
	{"no version", strings.TrimPrefix(good, version), -1},
	{"no oid", version + "size 5\n", -1},
	{"no size", version + "oid sha256:" + oid + "\n", -1},
	{"size before oid", version + "size 5\noid sha256:" + oid + "\n", -1},
	{"oid before version", "oid sha256:" + oid + "\n" + version + "size 5\n", -1},
	{"version twice", version + good, -1},
	{"extra line", good + "x y\n", -1},
	{"extra word", good + "x\n", -1},
	{"extension after size", good + "ext-0-foo sha256:" + other + "\n", -1},
	{"extension", version + "ext-0-foo sha256:" + other + "\noid sha256:" + oid + "\nsize 7\n", 7},
	{"extension first", "ext-0-foo sha256:" + other + "\n" + good, 21245},
	{"extension after oid", version + "oid sha256:" + oid + "\next-0-foo sha256:" + other + "\nsize 7\n", 7},
	{"two extensions", "ext-0-foo sha256:" + other + "\next-1-bar sha256:" + other + "\n" + good, 21245},
	{"two of a priority", "ext-1-foo sha256:" + other + "\next-1-bar sha256:" + other + "\n" + good, -1},
	{"an extension twice", "ext-1-foo md5:x\next-1-foo sha256:" + other + "\n" + good, 21245},
	{"extension of ten", "ext-10-foo sha256:" + other + "\n" + good, -1},
	{"extension without name", "ext-1- sha256:" + other + "\n" + good, -1},
	{"odd extension name", "ext-1-a!b sha256:" + other + "\n" + good, 21245},
	{"odd first letter of it", "ext-1-!b sha256:" + other + "\n" + good, -1},
	{"extension of another hash", "ext-1-foo md5:" + other + "\n" + good, -1},
	{"size 0", version + "oid sha256:" + oid + "\nsize 0\n", 0},
	{"signed size", version + "oid sha256:" + oid + "\nsize +5\n", 5},
	{"padded size", version + "oid sha256:" + oid + "\nsize 0005\n", 5},
	{"negative size", version + "oid sha256:" + oid + "\nsize -5\n", -1},
	{"negative zero", version + "oid sha256:" + oid + "\nsize -0\n", 0},
	{"largest size", version + "oid sha256:" + oid + "\nsize 9223372036854775807\n", 1<<63 - 1},
	{"overflowing size", version + "oid sha256:" + oid + "\nsize 9223372036854775808\n", -1},
	{"absurd size", version + "oid sha256:" + oid + "\nsize " + strings.Repeat("9", 400) + "\n", -1},
	{"hexadecimal size", version + "oid sha256:" + oid + "\nsize 0x10\n", -1},
	{"size with underscore", version + "oid sha256:" + oid + "\nsize 1_0\n", -1},
	{"size of a fraction", version + "oid sha256:" + oid + "\nsize 1.5\n", -1},
	{"size with unit", version + "oid sha256:" + oid + "\nsize 5 MB\n", -1},
	{"two spaces before size", version + "oid sha256:" + oid + "\nsize  5\n", -1},
	{"tab before size", version + "oid sha256:" + oid + "\nsize\t5\n", -1},
	{"size of nothing", version + "oid sha256:" + oid + "\nsize \n", -1},
	{"upper-case oid", strings.Replace(good, oid, strings.ToUpper(oid), 1), -1},
	{"short oid", strings.Replace(good, oid, oid[1:], 1), -1},
	{"long oid", strings.Replace(good, oid, oid+"0", 1), -1},
	{"oid with a path", strings.Replace(good, oid, "../"+oid[3:], 1), -1},
	{"oid of sha1", strings.Replace(good, "sha256", "sha1", 1), -1},
	{"oid without type", strings.Replace(good, "sha256:", "", 1), -1},
	{"oid with NUL", strings.Replace(good, oid, oid[:63]+"\x00", 1), -1},
	{"upper-case key", strings.Replace(good, "size", "Size", 1), -1},
	{"byte order mark", "\ufeff" + good, -1},
	{"text about pointers", "A pointer starts with\n" + good, -1},
	{"conflict", "<<<<<<< HEAD\n" + good, -1},
	{"one byte below the limit", good + strings.Repeat("\n", pointer.MaxSize-1-len(good)), 21245},
}

func TestParse(t *testing.T) {
	for _, test := range table {
		t.Run(test.name, func(t *testing.T) {
			p, ok := pointer.Parse([]byte(test.content))
			switch {
			case ok != (test.size >= 0):
				t.Errorf("a pointer: %v", ok)
			case ok && (p.OID != oid || p.Size != test.size):
				t.Errorf("parsed as %v", p)
			}
		})
	}
	if _, ok := pointer.Parse([]byte(good + strings.Repeat("\n", pointer.MaxSize-len(good)))); ok {
		t.Error("a blob of MaxSize bytes is a pointer")
	}
}

func TestKey(t *testing.T) {
	want := "lfs/objects/22/ab/" + oid
	if got := (pointer.Pointer{OID: oid}).Key(); got != want {
		t.Errorf("key %q, want %q", got, want)
	}
}

func FuzzParse(f *testing.F) {
	for _, test := range table {
		f.Add([]byte(test.content))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		p, ok := pointer.Parse(content)
		if !ok {
			if p != (pointer.Pointer{}) {
				t.Fatalf("no pointer, yet %v", p)
			}
			return
		}
		if !pointer.ValidOID(p.OID) || p.Size < 0 {
			t.Fatalf("accepted %v", p)
		}
		canonical := fmt.Sprintf("%soid sha256:%s\nsize %d\n", version, p.OID, p.Size)
		if again, ok := pointer.Parse([]byte(canonical)); !ok || again != p {
			t.Fatalf("%v written and read again is %v, %v", p, again, ok)
		}
		if !strings.Contains(string(content), "sha256:"+p.OID) {
			t.Fatalf("%v isn't in %q", p, content)
		}
	})
}

func TestSet(t *testing.T) {
	var s pointer.Set
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, test := range table {
				s.Collect("", []byte(test.content))
			}
			s.Add(pointer.Pointer{OID: other, Size: 3})
			s.Add(pointer.Pointer{OID: strings.Repeat(other, 2), Size: 3})
		})
	}
	wg.Wait()
	if s.Len() != 2 {
		t.Errorf("%d pointers, want 2", s.Len())
	}
	if got := s.Sizes(oid); len(got) != 5 { // 21245, 7, 0, 5 and the largest
		t.Errorf("sizes of the first are %d", got)
	}
	if got := s.Sizes(other); len(got) != 1 || got[0] != 3 {
		t.Errorf("sizes of the second are %d", got)
	}
	if got := s.Sizes("nothing"); got != nil {
		t.Errorf("sizes of nothing are %d", got)
	}
	seen := map[string]int{}
	for p := range s.All() {
		seen[p.OID]++
	}
	if len(seen) != 2 || seen[oid] != 1 || seen[other] != 1 {
		t.Errorf("yielded %v", seen)
	}
}
