package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store"
)

// writeOne writes all that is known of one mirror, a line a subject.
func writeOne(w io.Writer, r engine.Result, peakMemory int64, dryRun bool) {
	line := func(title, format string, args ...any) {
		if text := fmt.Sprintf(format, args...); text != "" {
			fmt.Fprintf(w, "%-9s %s\n", title, text)
		}
	}
	line("Source", "%s", r.Source)
	line("Target", "%s", r.Target)
	line("Status", "%s (%s)", r.Status, seconds(r.Seconds))
	if r.Status == engine.StatusFailed {
		line("Reason", "%s", oneLine(r.Error))
	} else {
		line("Refs", "%s (%s added, %s updated, %s deleted)", count(int64(r.Refs.Total)),
			count(int64(r.Refs.Added)), count(int64(r.Refs.Updated)), count(int64(r.Refs.Deleted)))
		line("Objects", "%s, %s in the mirror", receivedOf(r.Objects), count(r.Objects.InMirror))
		line("", "%s", typesOf(r.Objects))
		line("Layout", "%s", r.Layout)
	}
	line("LFS", "%s", lfsOf(r.LFS))
	if r.Bytes != (engine.ByteCounts{}) {
		line("Bytes", "%s fetched, %s uploaded, %s read back",
			bytesOf(r.Bytes.Fetched), bytesOf(r.Bytes.Uploaded), bytesOf(r.Bytes.ReadBack))
	}
	line("Requests", "%s", requestsOf(r.Requests))
	if peakMemory > 0 {
		line("Memory", "%s at most", bytesOf(peakMemory))
	}
	if r.Status != engine.StatusFailed && !dryRun {
		line("To clone", "%s", cloneCommand(r))
	}
}

func receivedOf(o engine.ObjectCounts) string {
	switch {
	case o.Total == 0:
		return "none received"
	case o.Deltas == 0:
		return count(o.Total) + " received"
	}
	return fmt.Sprintf("%s received (%s as deltas)", count(o.Total), count(o.Deltas))
}

func typesOf(o engine.ObjectCounts) string {
	return parts(part{o.Commit, "commit", "s"}, part{o.Tree, "tree", "s"}, part{o.Blob, "blob", "s"}, part{o.Tag, "tag", "s"})
}

func lfsOf(l engine.LFSCounts) string {
	if l.Total == 0 {
		return ""
	}
	return fmt.Sprintf("%s, %s uploaded (%s), %s already there",
		count(l.Total), count(l.Uploaded), bytesOf(l.Bytes), count(l.Skipped))
}

func requestsOf(q store.Requests) string {
	total := requests(engine.Result{Requests: q})
	if total == 0 {
		return ""
	}
	return fmt.Sprintf("%s (%s)", count(total), parts(
		part{q.Put, "put", ""}, part{q.Get, "get", ""}, part{q.Head, "head", ""}, part{q.List, "list", ""},
		part{q.Copy, "copy", ""}, part{q.Delete, "delete", ""}, part{q.Multipart, "multipart", ""}))
}

// part is a number of things of a kind, whose plural ends with many.
type part struct {
	n         int64
	one, many string
}

// parts writes 3 commits, 1 tag, and leaves out what there is none of.
func parts(list ...part) string {
	var words []string
	for _, p := range list {
		switch p.n {
		case 0:
		case 1:
			words = append(words, "1 "+p.one)
		default:
			words = append(words, count(p.n)+" "+p.one+p.many)
		}
	}
	return strings.Join(words, ", ")
}
