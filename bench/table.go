package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// row compares two commands by one figure.
type row struct {
	what      string
	git, ours []time.Duration
	aim       float64
}

func (r row) ratio() float64 { return float64(median(r.ours)) / float64(median(r.git)) }

func median(d []time.Duration) time.Duration {
	s := slices.Sorted(slices.Values(d))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// compare measures in rounds, each pair in turn first. A first round, which
// fills the caches, is not counted.
func (w *workshop) compare(ctx context.Context, rounds int) ([]row, error) {
	mirrorWall := row{what: "git clone --mirror : mirror-git-to-s3, wall", aim: aimMirror}
	mirrorCPU := row{what: "git clone --mirror : mirror-git-to-s3, CPU"}
	indexCPU := row{what: "git index-pack : scan + resolve + idx, CPU", aim: aimIndex}
	indexWall := row{what: "git index-pack : scan + resolve + idx, wall"}
	for i := range rounds + 1 {
		fmt.Fprintf(os.Stderr, "round %d of %d\n", i, rounds)
		git, ours, err := inTurn(ctx, i, w.clone, w.mirror)
		if err != nil {
			return nil, err
		}
		gitIndex, ownIndex, err := inTurn(ctx, i-i%2, w.gitIndex, w.ownIndex)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			continue
		}
		mirrorWall.add(git.wall, ours.wall)
		mirrorCPU.add(git.cpu, ours.cpu)
		indexCPU.add(gitIndex.cpu, ownIndex.cpu)
		indexWall.add(gitIndex.wall, ownIndex.wall)
	}
	return []row{mirrorWall, mirrorCPU, indexCPU, indexWall}, nil
}

func (r *row) add(git, ours time.Duration) {
	r.git, r.ours = append(r.git, git), append(r.ours, ours)
}

// inTurn measures git first in even rounds, the other first in odd ones.
func inTurn(ctx context.Context, round int, git, ours func(context.Context) (cost, error)) (g, o cost, err error) {
	if round%2 == 1 {
		if o, err = ours(ctx); err != nil {
			return
		}
	}
	if g, err = git(ctx); err != nil {
		return
	}
	if round%2 == 0 {
		o, err = ours(ctx)
	}
	return
}

// print prints the table, the machine and what was measured.
func (w *workshop) print(ctx context.Context, to io.Writer, rows []row) error {
	objects, err := w.git.Run(ctx, w.repo, "count-objects", "-v")
	if err != nil {
		return err
	}
	version, err := w.git.Run(ctx, w.repo, "version")
	if err != nil {
		return err
	}
	info, err := os.Stat(w.pack)
	if err != nil {
		return err
	}
	fmt.Fprintf(to, "\nRepository: %s, pack of %.1f MB as the server sends it\n  %s\n",
		w.repo, float64(info.Size())/1e6, strings.ReplaceAll(objects, "\n", ", "))
	fmt.Fprintf(to, "Machine: %s, %d cores, %s; %s; %s/%s\n", cpuModel(), runtime.NumCPU(), runtime.Version(), version, runtime.GOOS, runtime.GOARCH)
	fmt.Fprintf(to, "Medians of %d rounds in turn; CPU is user and system time, without the servers'\n\n", len(rows[0].git))
	t := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "git : this\tgit\tthis\tratio\taim\t")
	for _, r := range rows {
		aim := ""
		if r.aim > 0 {
			aim = fmt.Sprintf("<= %.2f", r.aim)
			if r.ratio() > r.aim {
				aim += " MISSED"
			}
		}
		fmt.Fprintf(t, "%s\t%.2f s\t%.2f s\t%.2f\t%s\t\n", r.what, median(r.git).Seconds(), median(r.ours).Seconds(), r.ratio(), aim)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(to, "\ngit clone --mirror URL; git index-pack -o IDX PACK\nmirror-git-to-s3 --layout pack --source URL --target s3://bucket/repo (versitygw on loopback)\n")
	return nil
}

// cpuModel is the processor's name, where the system tells it.
func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if key, value, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}
