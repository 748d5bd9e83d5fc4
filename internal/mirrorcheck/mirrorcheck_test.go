package mirrorcheck_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/mirrorcheck"
)

// published makes a repository and a mirror of it by git's own means.
func published(t *testing.T, git *gitfixture.Git) (source, folder string) {
	t.Helper()
	source, folder = filepath.Join(t.TempDir(), "source.git"), filepath.Join(t.TempDir(), "mirror")
	r := gitfixture.Init(t.Context(), git, source, "")
	main := r.Line("refs/heads/main", "", 0, 40)
	r.Ref("refs/tags/v1", r.Tag("v1", "commit", main))
	r.Git("clone", "--quiet", "--mirror", source, folder)
	m := gitfixture.Open(t.Context(), git, folder)
	m.Git("repack", "-adq", "--no-write-bitmap-index")
	m.Git("pack-refs", "--all")
	m.Git("update-server-info")
	for _, err := range []error{r.Err(), m.Err()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"hooks", "branches", "description", "info/exclude", "objects/info/commit-graph"} {
		if err := os.RemoveAll(filepath.Join(folder, path)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, folder, "objects/info/packs", strings.TrimSpace(read(t, folder, "objects/info/packs"))+"\n")
	write(t, folder, "objects/info/alternates", "")
	write(t, folder, "objects/info/http-alternates", "")
	write(t, folder, "refs/mirror.lock", "")
	write(t, folder, "mirror.json", "{}")
	return source, folder
}

func read(t *testing.T, folder, key string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(folder, key))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t *testing.T, folder, key, content string) {
	t.Helper()
	path := filepath.Join(folder, key)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	// Packs are read-only, and links of what is being compared.
	os.Remove(path)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// glob returns the one file of a pattern, as a key.
func glob(t *testing.T, folder, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%q: %v, %v", pattern, found, err)
	}
	return strings.TrimPrefix(found[0], folder+"/")
}

// TestCheck damages a good mirror in each way that a mirror can be wrong.
func TestCheck(t *testing.T) {
	git, err := gitfixture.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		damage func(t *testing.T, folder string)
		says   string // "" when nothing is wrong
	}{
		{"none", func(*testing.T, string) {}, ""},
		{"staging-left", func(t *testing.T, folder string) {
			write(t, folder, "mirror_tmp/run/pack", "x")
		}, "mirror_tmp/run/pack"},
		{"idx-missing", func(t *testing.T, folder string) {
			os.Remove(filepath.Join(folder, glob(t, folder, "objects/pack/*.idx")))
		}, ".idx"},
		{"idx-other", func(t *testing.T, folder string) {
			key := glob(t, folder, "objects/pack/*.idx")
			write(t, folder, key, read(t, folder, key)+"x")
		}, "the idx of"},
		{"pack-missing", func(t *testing.T, folder string) {
			os.Remove(filepath.Join(folder, glob(t, folder, "objects/pack/*.pack")))
		}, "which isn't there"},
		{"pack-name", func(t *testing.T, folder string) {
			key := glob(t, folder, "objects/pack/*.pack")
			other := "objects/pack/pack-" + strings.Repeat("0", 40)
			write(t, folder, other+".pack", read(t, folder, key))
			write(t, folder, other+".idx", read(t, folder, strings.TrimSuffix(key, ".pack")+".idx"))
		}, "has the checksum"},
		{"packs-list", func(t *testing.T, folder string) {
			write(t, folder, "objects/info/packs", strings.TrimSpace(read(t, folder, "objects/info/packs")))
		}, "objects/info/packs is"},
		{"ref-missing", func(t *testing.T, folder string) {
			lines := strings.SplitAfter(read(t, folder, "info/refs"), "\n")
			write(t, folder, "info/refs", strings.Join(lines[1:], ""))
		}, "the clone has"},
		{"peeled-missing", func(t *testing.T, folder string) {
			lines := strings.SplitAfter(read(t, folder, "info/refs"), "\n")
			write(t, folder, "info/refs", strings.Join(lines[:2], ""))
		}, "info/refs is"},
		{"packed-refs", func(t *testing.T, folder string) {
			write(t, folder, "packed-refs", "# pack-refs with: peeled fully-peeled sorted \n")
		}, "the folder has"},
		{"head", func(t *testing.T, folder string) {
			write(t, folder, "HEAD", "ref: refs/heads/other\n")
		}, "HEAD is"},
		{"alternates", func(t *testing.T, folder string) {
			write(t, folder, "objects/info/http-alternates", "http://example.test/objects\n")
		}, "want nothing"},
		{"state", func(t *testing.T, folder string) { write(t, folder, "mirror.json", "{") }, "no JSON"},
	} {
		t.Run(test.name, func(t *testing.T) {
			source, folder := published(t, git)
			test.damage(t, folder)
			server := httptest.NewServer(http.FileServer(http.Dir(folder)))
			defer server.Close()
			m := mirrorcheck.Mirror{Source: source, URL: server.URL, Folder: folder, Temp: t.TempDir()}
			report, err := m.Check(t.Context(), git)
			if test.says == "" {
				if err != nil || report.Objects < 100 || report.Refs != 2 || report.Peeled != 1 || report.Packs != 1 {
					t.Errorf("%+v, %v", report, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("want a fault that says %q: %v", test.says, err)
			}
		})
	}
}

// TestHeaders asks for headers that the server does not send.
func TestHeaders(t *testing.T) {
	git, err := gitfixture.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	source, folder := published(t, git)
	server := httptest.NewServer(http.FileServer(http.Dir(folder)))
	defer server.Close()
	m := mirrorcheck.Mirror{Source: source, URL: server.URL, Folder: folder, Temp: t.TempDir(), Headers: true}
	_, err = m.Check(t.Context(), git)
	if err == nil || !strings.Contains(err.Error(), "Cache-Control") || !strings.Contains(err.Error(), "is served as") {
		t.Errorf("the missing headers were not seen: %v", err)
	}
}

// TestUnchanged sees what was added, changed and deleted.
func TestUnchanged(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, "a", "1")
	write(t, folder, "b", "1")
	before, err := mirrorcheck.Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := mirrorcheck.Unchanged(before, folder); err != nil {
		t.Error(err)
	}
	for _, change := range []func(){
		func() { write(t, folder, "c/d", "") },
		func() { os.RemoveAll(filepath.Join(folder, "c")); write(t, folder, "a", "2") },
		func() { write(t, folder, "a", "1"); os.Remove(filepath.Join(folder, "b")) },
	} {
		change()
		if err := mirrorcheck.Unchanged(before, folder); err == nil {
			t.Error("a change was not seen")
		}
	}
}
