package endpoint_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/endpoint"
)

func TestFind(t *testing.T) {
	tests := []struct {
		name, source, config string
		url                  string
		own, note            bool
	}{
		{"plain", "https://host/a/b", "", "https://host/a/b.git/info/lfs", true, false},
		{".git", "https://host/a/b.git", "", "https://host/a/b.git/info/lfs", true, false},
		{"slash", "https://host/a/b/", "", "https://host/a/b.git/info/lfs", true, false},
		{"user info", "https://u:p@host/a.git", "", "https://host/a.git/info/lfs", true, false},
		{"escaped", "https://host/a%20b%2fc", "", "https://host/a%20b%2fc.git/info/lfs", true, false},
		{"query", "https://host/a?x=1#y", "", "https://host/a.git/info/lfs", true, false},
		{"lfs.url", "https://host/a", "[lfs]\n\turl = https://lfs.host/x/\n", "https://lfs.host/x", false, false},
		{"own lfs.url", "https://host/a", "[LFS]\nURL=\"https://HOST:443/x\" # there\n", "https://HOST:443/x", true, false},
		{"other port", "https://host/a", "[lfs]\nurl=https://host:444/x", "https://host:444/x", false, false},
		{"other scheme", "https://host/a", "[lfs]\nurl=http://host/x", "http://host/x", false, false},
		{"lfs.url with user info", "https://host/a", "[lfs]\nurl=https://u:p@host/x", "https://host/x", true, false},
		{"remote", "https://host/a", "[remote \"origin\"]\nlfsurl = https://h/y", "https://h/y", false, false},
		{"lfs.url and remote", "https://host/a", "[remote \"origin\"]\nlfsurl = https://h/y\n[lfs]\nurl = https://h/z", "https://h/z", false, false},
		{"remote of old form", "https://host/a", "[remote.Origin] lfsurl = https://h/y", "https://h/y", false, false},
		{"other settings", "https://host/a", "[lfs]\n\tfetchexclude = x\n[lfs \"https://x\"]\nurl = https://y/\n", "https://host/a.git/info/lfs", true, false},
		{"ssh", "https://host/a", "[lfs]\nurl=ssh://git@host/a", "https://host/a.git/info/lfs", true, true},
		{"file", "https://host/a", "[lfs]\nurl=file:///etc", "https://host/a.git/info/lfs", true, true},
		{"broken", "https://host/a", "[lfs\nurl=https://h/y", "https://host/a.git/info/lfs", true, true},
		{"no name", "https://host/a", "[lfs]\n= https://h/y", "https://host/a.git/info/lfs", true, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e, err := endpoint.Find(test.source, []byte(test.config))
			if err != nil {
				t.Fatal(err)
			}
			if e.URL.String() != test.url || e.Own != test.own || (e.Note != "") != test.note {
				t.Errorf("found %v, own %v, note %q", e.URL, e.Own, e.Note)
			}
			if strings.Contains(e.Note, "git@") {
				t.Errorf("the note repeats the URL: %s", e.Note)
			}
		})
	}
	if _, err := endpoint.Find("ssh://host/a", nil); err == nil {
		t.Error("an ssh source has an endpoint")
	}
}

// TestConfigSyntax compares with what git itself reads.
func TestConfigSyntax(t *testing.T) {
	for _, config := range []string{
		"[lfs]\nurl = https://h/a",
		"[lfs]\r\n\turl = https://h/a \t\r\n",
		"; c\n[lfs] # c\nurl = https://h/a ; c\n",
		"[lfs]\nurl = \"https://h/a;b c\"\n",
		"[lfs]\nurl = https://h/\"a b\"c\n",
		"[lfs]\nurl = https://h/\\\na\n",
		"[lfs]\nurl = https://h/a\\\\b\\\"c\n",
		"[lfs]\nurl = https://h/a\nurl = https://h/b\n",
		"[lfs]\nurl\n[core]\nx\n[lfs]\nurl = https://h/c",
		"[remote \"or\\igin\"]\nlfsurl = https://h/d",
		"[remote \"a\\\"]\\\\\"]\nx = 1\n[lfs]url=https://h/e",
		"[lfs]\n  x-1 = \n  url=   https://h/f  \n",
		"\ufeff[lfs]\nurl=https://h/g",
		"[lfs]\nurl=https://h/a\\x\n",
		"[lfs]\nurl=\"https://h/a\n",
		"[lfs]\nurl https://h/a\n",
		"[lfs \"x]\nurl = https://h/a\n",
		"[l_fs]\nurl = https://h/a\n",
	} {
		e, err := endpoint.Find("https://host/r", []byte(config))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		want, bad := "", exec.Command("git", "config", "-f", file, "-l").Run() != nil
		for _, key := range []string{"lfs.url", "remote.origin.lfsurl"} {
			out, _ := exec.Command("git", "config", "-f", file, key).Output()
			if want == "" {
				want = strings.TrimSuffix(string(out), "\n")
			}
		}
		if bad {
			if e.Note == "" {
				t.Errorf("%q: git can't read it, we found %v", config, e.URL)
			}
			continue
		}
		if got := e.URL.Path; e.Note != "" || !strings.HasSuffix(want, got) {
			t.Errorf("%q: git reads %q, we found %v (%s)", config, want, e.URL, e.Note)
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add("[lfs]\nurl = \"https://u:secret@h/\\\na\" ; x\n[remote \"origin\"]\nlfsurl = http://y")
	f.Fuzz(func(t *testing.T, config string) {
		e, err := endpoint.Find("https://host/r", []byte(config))
		if err != nil {
			t.Fatal(err)
		}
		if e.URL.User != nil || e.URL.Scheme != "http" && e.URL.Scheme != "https" || e.URL.Host == "" {
			t.Fatalf("%q leads to %v", config, e.URL)
		}
		own := e.URL.Scheme == "https" && strings.EqualFold(e.URL.Hostname(), "host") && (e.URL.Port() == "" || e.URL.Port() == "443")
		if e.Own != own {
			t.Fatalf("%q: own is %v for %v", config, e.Own, e.URL)
		}
	})
}
