package gitfixture

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// History is a made-up project: text files in nested folders, edited by the
// line, commit by commit. The same figures give the same objects.
type History struct {
	Seed    uint64
	Commits int
	Files   int
	Edits   int // edited files a commit
	Lines   int // of a file, on the average; one has about 50 bytes
	// Words of the vocabulary: 2,000 compress as English does; with 0 each
	// word is new, and little is gained.
	Words int
	// Window of the final repack, which looks for deltas as git gc does; 0
	// keeps those that git fast-import finds: each version of a file against
	// the one before.
	Window int
}

// Benchmark has 100,000 objects and more, delta chains as git makes them and
// a pack in which text compresses well.
var Benchmark = History{Seed: 1, Commits: 13_000, Files: 4_000, Edits: 2, Lines: 160, Words: 2_000, Window: 20}

// Heavy has a pack of 300 MB and more.
var Heavy = History{Seed: 2, Commits: 2_000, Files: 12_000, Edits: 6, Lines: 540}

// At returns the repository that h describes, in a folder below dir, made
// unless it is there.
func (h History) At(ctx context.Context, git *Git, dir string) (string, error) {
	path := filepath.Join(dir, fmt.Sprintf("history-%d-%d-%d-%d-%d-%d-%d.git",
		h.Seed, h.Commits, h.Files, h.Edits, h.Lines, h.Words, h.Window))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	making := fmt.Sprintf("%s.%d.tmp", path, os.Getpid())
	if err := h.Make(Init(ctx, git, making, "")); err != nil {
		os.RemoveAll(making)
		return "", fmt.Errorf("making a repository: %w", err)
	}
	return path, os.Rename(making, path)
}

// Make writes the history into an empty repository.
func (h History) Make(r *Repo) error {
	read, write := io.Pipe()
	go func() {
		b := bufio.NewWriterSize(write, 1<<20)
		newTeller(h, b).tell()
		write.CloseWithError(b.Flush())
	}()
	defer read.Close()
	r.Git("config", "core.compression", "1")
	r.input(read, "fast-import", "--quiet", "--done", "--depth=50")
	r.Git("config", "--unset", "core.compression")
	if h.Window > 0 {
		r.Git("repack", "-adfq", "--depth=50", fmt.Sprint("--window=", h.Window))
	}
	r.Git("pack-refs", "--all")
	return r.Err()
}

// teller writes a history as a git fast-import stream.
type teller struct {
	History
	*rand.Rand
	w     *bufio.Writer
	words []string
	edits [][]int // files that a commit edits
	marks [][]int // of a file: its versions' marks, the first by its creation
	next  int     // mark
}

func newTeller(h History, w *bufio.Writer) *teller {
	t := &teller{History: h, Rand: rand.New(rand.NewPCG(h.Seed, 0)), w: w, next: 1}
	for range h.Words {
		word := make([]byte, 2+t.IntN(9))
		for i := range word {
			word[i] = "etaoinshrdlucmfwypvbgkjqxz"[min(t.IntN(26), t.IntN(26))]
		}
		t.words = append(t.words, string(word))
	}
	t.plan()
	return t
}

// plan decides which commit creates or edits which files: a third is there
// from the start, the rest comes as the project grows; few files are edited
// often and most seldom.
func (t *teller) plan() {
	t.edits, t.marks = make([][]int, t.Commits), make([][]int, t.Files)
	there := t.Files / 3
	for c := range t.edits {
		if c == 0 {
			for f := range there {
				t.edits[c] = append(t.edits[c], f)
			}
			continue
		}
		for grown := t.Files/3 + (t.Files-t.Files/3)*c/(t.Commits-1); there < grown; there++ {
			t.edits[c] = append(t.edits[c], there)
		}
		for range t.Edits {
			x := t.Float64()
			t.edits[c] = append(t.edits[c], int(x*x*float64(there)))
		}
	}
}

// tell writes all versions of each file, one after another as fast-import
// makes deltas best, then the commits, then tags.
func (t *teller) tell() {
	versions := make([]int, t.Files)
	for _, files := range t.edits {
		for _, f := range files {
			versions[f]++
		}
	}
	for f, n := range versions {
		t.file(f, n)
	}
	clear(versions)
	for c, files := range t.edits {
		t.commit(c, files, versions)
	}
	for i := 1; i <= t.Commits/500; i++ {
		fmt.Fprintf(t.w, "tag v%d\nfrom :%d\ntagger C O Mitter <committer@example.test> 1112911993 +0200\ndata 6\na tag\n\n",
			i, t.next-t.Commits+500*(i-1))
	}
	fmt.Fprintln(t.w, "done")
}

// file writes n versions of a file as blobs.
func (t *teller) file(f, n int) {
	lines := make([]string, 1+t.IntN(2*t.Lines))
	for i := range lines {
		lines[i] = t.line()
	}
	for range n {
		t.marks[f] = append(t.marks[f], t.next)
		content := strings.Join(lines, "")
		fmt.Fprintf(t.w, "blob\nmark :%d\ndata %d\n%s\n", t.next, len(content), content)
		t.next++
		for range 1 + t.IntN(3) {
			lines = t.edit(lines)
		}
	}
}

// edit replaces, adds or removes a few lines that stand together.
func (t *teller) edit(lines []string) []string {
	at, n := t.IntN(len(lines)), 1+t.IntN(6)
	end := min(at+n, len(lines))
	switch t.IntN(4) {
	case 0: // remove, but leave some
		if end-at < len(lines) {
			return append(lines[:at:at], lines[end:]...)
		}
		return lines
	case 1: // add
		end = at
	}
	fresh := make([]string, n)
	for i := range fresh {
		fresh[i] = t.line()
	}
	return append(append(lines[:at:at], fresh...), lines[end:]...)
}

// line is some words; those with low numbers are the most frequent.
func (t *teller) line() string {
	b := append(make([]byte, 0, 100), "\t\t\t\t"[:t.IntN(4)]...)
	for range 2 + t.IntN(10) {
		b = append(t.word(b), " ();.=,"[t.IntN(7)])
	}
	return string(append(b, '\n'))
}

// word appends one of the vocabulary, or eight letters of six bits each.
func (t *teller) word(b []byte) []byte {
	if len(t.words) > 0 {
		return append(b, t.words[min(t.IntN(len(t.words)), t.IntN(len(t.words)))]...)
	}
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for bits, i := t.Uint64(), 0; i < 8; i++ {
		b = append(b, letters[bits>>(6*i)&63])
	}
	return b
}

// commit writes a commit; versions counts what it took of each file.
func (t *teller) commit(c int, files []int, versions []int) {
	fmt.Fprintf(t.w, "commit refs/heads/main\nmark :%d\n%s", t.next, people(c))
	message := t.line() + "\n" + t.line() + t.line()
	fmt.Fprintf(t.w, "data %d\n%s\n", len(message), message)
	for _, f := range files {
		fmt.Fprintf(t.w, "M 100644 :%d %s\n", t.marks[f][versions[f]], t.path(f))
		versions[f]++
	}
	t.next++
}

// path puts a file four folders deep, eight entries and more each.
func (t *teller) path(f int) string {
	return fmt.Sprintf("area%d/part%d/unit%d/file-%d.txt", f%8, f/8%8, f/64%8, f)
}
