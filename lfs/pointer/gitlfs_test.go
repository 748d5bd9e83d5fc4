package pointer_test

import (
	"bytes"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/pointer"
)

// TestGitLFS compares with what the real git-lfs says of the same contents,
// and of random mixtures of their lines.
func TestGitLFS(t *testing.T) {
	gitLFS := testserver.GitLFS(t)
	contents := []string{}
	for _, test := range table {
		contents = append(contents, test.content)
	}
	contents = append(contents, mixtures(150)...)
	for _, content := range contents {
		if strings.TrimSpace(content) == "" {
			continue // git-lfs: the empty object; here: none
		}
		cmd := exec.Command(gitLFS, "pointer", "--check", "--stdin")
		cmd.Stdin = bytes.NewReader([]byte(content))
		err := cmd.Run()
		if _, exited := err.(*exec.ExitError); err != nil && !exited {
			t.Fatal(err)
		}
		if _, ok := pointer.Parse([]byte(content)); ok != (err == nil) {
			t.Errorf("%q: a pointer is %v, git-lfs says %v", content, ok, err == nil)
		}
	}
}

func mixtures(n int) []string {
	lines := []string{
		"version https://git-lfs.github.com/spec/v1", "version http://git-media.io/v/2",
		"oid sha256:" + oid, "oid sha256:" + other[1:], "size 12", "size -1", "",
		"ext-0-foo sha256:" + other, "ext-0-bar sha256:" + other, "ext-1-foo sha256:" + other,
	}
	ends := []string{"\n", "\n", "\r\n", "\n\n", " \n"}
	r := rand.New(rand.NewPCG(1, 2))
	var all []string
	for range n {
		var b strings.Builder
		for i, pick := range []int{0, -1, 2, -1, 4, -1} {
			if pick < 0 || r.IntN(12) == 0 {
				pick = r.IntN(len(lines))
			}
			if i%2 == 1 && r.IntN(3) > 0 {
				continue
			}
			b.WriteString(lines[pick] + ends[r.IntN(len(ends))])
		}
		all = append(all, b.String())
	}
	return all
}
