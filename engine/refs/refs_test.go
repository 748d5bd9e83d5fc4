package refs

import (
	"bytes"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
)

const (
	id1 = object.ID("1111111111111111111111111111111111111111")
	id2 = object.ID("2222222222222222222222222222222222222222")
	id3 = object.ID("3333333333333333333333333333333333333333")
)

// gitAccepts asks git itself.
func gitAccepts(name string) bool {
	return exec.Command("git", "check-ref-format", name).Run() == nil
}

var names = []string{
	"refs/heads/main", "refs/heads/a/b/c", "refs/tags/v1.0", "refs/pull/12/head",
	"refs/heads/100%", "refs/heads/grün", "refs/heads/\xff\xfe", "refs/heads/@",
	"refs/heads/-x", "refs/heads/a@b", "refs/heads/a{", "refs/heads/lock",
	"refs/heads/a.lockx", "refs/stash", "refs/heads/'\"$", "refs/heads/a.b",
	"", "refs", "refs/", "refs//heads", "refs/heads/", "/refs/heads/a",
	"refs/heads/.a", "refs/.heads/a", "refs/heads/a.", "refs/heads/a..b",
	"refs/heads/a.lock", "refs/heads/a.lock/b", "refs/heads/a b", "refs/heads/a\tb",
	"refs/heads/a\nb", "refs/heads/a\x7f", "refs/heads/a~1", "refs/heads/a^{}",
	"refs/heads/a:b", "refs/heads/a?", "refs/heads/*", "refs/heads/[a", `refs/heads/a\b`,
	"refs/heads/a@{1}", "refs/../x", "refs/heads/..",
}

func TestCheckNameAgreesWithGit(t *testing.T) {
	for _, name := range names {
		if got, want := CheckName(name) == nil, gitAccepts(name); got != want {
			t.Errorf("%q: CheckName accepts: %v, git: %v (%v)", name, got, want, CheckName(name))
		}
	}
	for _, name := range []string{"HEAD", "objects/pack", "heads/main", "@"} {
		if CheckName(name) == nil {
			t.Errorf("%q is not below refs/ and was accepted", name)
		}
	}
	if CheckName("refs/heads/\x00") == nil {
		t.Error("NUL was accepted")
	}
}

func FuzzCheckName(f *testing.F) {
	for _, name := range names {
		f.Add(strings.TrimPrefix(name, "refs/"))
	}
	f.Fuzz(func(t *testing.T, rest string) {
		name := "refs/" + rest
		if strings.Contains(name, "\x00") || len(name) > 4096 {
			return // can't be an argument of a command
		}
		if got, want := CheckName(name) == nil, gitAccepts(name); got != want {
			t.Errorf("%q: CheckName accepts: %v, git: %v", name, got, want)
		}
	})
}

var list = []Ref{
	{Name: "refs/heads/main", ID: id1},
	{Name: "refs/tags/light", ID: id1},
	{Name: "refs/tags/v1", ID: id2, Peeled: id1},
}

const listText = string(id1) + "\trefs/heads/main\n" +
	string(id1) + "\trefs/tags/light\n" +
	string(id2) + "\trefs/tags/v1\n" +
	string(id1) + "\trefs/tags/v1^{}\n"

func TestInfoRefs(t *testing.T) {
	backwards := slices.Clone(list)
	slices.Reverse(backwards)
	for _, l := range [][]Ref{list, backwards} {
		var b strings.Builder
		if err := WriteInfoRefs(&b, l); err != nil || b.String() != listText {
			t.Errorf("wrote %q, %v; want %q", b.String(), err, listText)
		}
	}
	if backwards[0].Name != "refs/tags/v1" {
		t.Error("writing sorted the caller's slice")
	}
	got, err := ParseInfoRefs(iotest.OneByteReader(strings.NewReader(listText)), object.SHA1)
	if err != nil || !slices.Equal(got, list) {
		t.Errorf("read %v, %v", got, err)
	}
	if got, err := ParseInfoRefs(strings.NewReader(""), object.SHA1); err != nil || len(got) != 0 {
		t.Errorf("empty file: %v, %v", got, err)
	}
}

func TestInfoRefsErrors(t *testing.T) {
	main := string(id1) + "\trefs/heads/main\n"
	for name, c := range map[string]struct{ text, want string }{
		"no LF at the end":      {strings.TrimSuffix(listText, "\n"), "line 4: unexpected EOF"},
		"space for tab":         {string(id1) + " refs/heads/main\n", "no tab"},
		"short id":              {"1234\trefs/heads/main\n", "want 40 hex digits"},
		"upper case id":         {strings.Repeat("A", 40) + "\trefs/heads/main\n", "not lowercase"},
		"bad name":              {main + string(id1) + "\trefs/heads/../x\n", "line 2: ref name"},
		"HEAD":                  {string(id1) + "\tHEAD\n", `does not start with "refs/"`},
		"CRLF":                  {string(id1) + "\trefs/heads/main\r\n", "forbidden character"},
		"empty line":            {main + "\n", "line 2: no tab"},
		"twice":                 {main + main, "comes twice"},
		"peeled first":          {string(id1) + "\trefs/tags/v1^{}\n", "does not follow its tag"},
		"peeled of another":     {main + string(id1) + "\trefs/tags/v1^{}\n", "does not follow its tag"},
		"peeled twice":          {listText + string(id1) + "\trefs/tags/v1^{}\n", "does not follow its tag"},
		"peeled, bad id":        {main + "x\trefs/heads/main^{}\n", "want 40 hex digits"},
		"a line without an end": {strings.Repeat("x", maxLine+1), "line too long"},
	} {
		if _, err := ParseInfoRefs(strings.NewReader(c.text), object.SHA1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
	}
	if _, err := ParseInfoRefs(iotest.ErrReader(exec.ErrNotFound), object.SHA1); err == nil {
		t.Error("a failing reader gave no error")
	}
}

func FuzzInfoRefs(f *testing.F) {
	f.Add(listText, false)
	f.Add(strings.Repeat("ab", 32)+"\trefs/heads/a\n", true)
	f.Add(string(id1)+"\trefs/heads/b\n"+string(id2)+"\trefs/heads/a\n", false)
	f.Fuzz(func(t *testing.T, text string, sha256 bool) {
		format := object.SHA1
		if sha256 {
			format = object.SHA256
		}
		got, err := ParseInfoRefs(strings.NewReader(text), format)
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := WriteInfoRefs(&b, got); err != nil {
			t.Fatal(err)
		}
		// Lines may have come in another order; none may be lost or made.
		in, out := strings.SplitAfter(text, "\n"), strings.SplitAfter(b.String(), "\n")
		slices.Sort(in)
		slices.Sort(out)
		if !slices.Equal(in, out) {
			t.Errorf("read %q, wrote %q", text, b.String())
		}
		again, err := ParseInfoRefs(&b, format)
		if err != nil || !slices.Equal(again, got) {
			t.Errorf("read back %v, %v; want %v", again, err, got)
		}
	})
}

func TestPackedRefs(t *testing.T) {
	const want = "# pack-refs with: peeled fully-peeled sorted \n" +
		string(id1) + " refs/heads/main\n" + string(id1) + " refs/tags/light\n" +
		string(id2) + " refs/tags/v1\n^" + string(id1) + "\n"
	var b strings.Builder
	if err := WritePackedRefs(&b, list); err != nil || b.String() != want {
		t.Errorf("wrote %q, %v; want %q", b.String(), err, want)
	}
}

func TestHead(t *testing.T) {
	for text, want := range map[string]Head{
		"ref: refs/heads/main\n":   {Target: "refs/heads/main"},
		"ref:\trefs/heads/main":    {Target: "refs/heads/main"},
		"ref: refs/heads/a/b \r\n": {Target: "refs/heads/a/b"},
		string(id1) + "\n":         {ID: id1},
	} {
		if got, err := ParseHead(text, object.SHA1); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "\n", "ref:", "ref: main", "ref: refs/heads/../x", "1234", "refs/heads/main", string(id1) + "00"} {
		if got, err := ParseHead(text, object.SHA1); err == nil {
			t.Errorf("%q was accepted as %v", text, got)
		}
	}
	for want, head := range map[string]Head{
		"ref: refs/heads/main\n":   {Target: "refs/heads/main"},
		string(id2) + "\n":         {ID: id2},
		"ref: refs/heads/master\n": {},
	} {
		if got := head.String(); got != want {
			t.Errorf("%+v: %q, want %q", head, got, want)
		}
	}
}

func FuzzHead(f *testing.F) {
	f.Add("ref: refs/heads/main\n")
	f.Add(string(id1))
	f.Fuzz(func(t *testing.T, text string) {
		h, err := ParseHead(text, object.SHA1)
		if err != nil {
			return
		}
		if (h.Target == "") == (h.ID == "") {
			t.Errorf("%q: %+v is neither symbolic nor detached", text, h)
		}
		if again, err := ParseHead(h.String(), object.SHA1); err != nil || again != h {
			t.Errorf("%q: %+v, read back %+v, %v", text, h, again, err)
		}
	})
}

func TestDiff(t *testing.T) {
	old := []Ref{{Name: "refs/heads/a", ID: id1}, {Name: "refs/heads/b", ID: id1}, {Name: "refs/heads/c", ID: id1}}
	new := []Ref{{Name: "refs/heads/d", ID: id3}, {Name: "refs/heads/c", ID: id2}, {Name: "refs/heads/b", ID: id1}, {Name: "refs/heads/e", ID: id1}}
	if a, u, d := Diff(old, new); a != 2 || u != 1 || d != 1 {
		t.Errorf("added %d, updated %d, deleted %d", a, u, d)
	}
	if a, u, d := Diff(nil, old); a != 3 || u != 0 || d != 0 {
		t.Errorf("from nothing: added %d, updated %d, deleted %d", a, u, d)
	}
	if a, u, d := Diff(old, old); a+u+d != 0 {
		t.Errorf("same: added %d, updated %d, deleted %d", a, u, d)
	}
}
