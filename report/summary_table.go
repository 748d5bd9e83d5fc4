package report

import (
	"fmt"
	"html"
	"strings"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
)

// A summaryColumn is one of the table in the step's summary.
type summaryColumn struct {
	title string
	rule  string // of Markdown: which side its cells are at
	value func(engine.Result) string
}

const left, right = " --- ", " ---: "

// summaryColumns follow the mirror's name.
var summaryColumns = []summaryColumn{
	{"Mirror", left, nil},
	{"Status", left, func(r engine.Result) string {
		if r.Status == engine.StatusFailed {
			return "**failed**"
		}
		return r.Status
	}},
	{"Refs", left, refsOf},
	{"Objects", right, func(r engine.Result) string { return unlessZero(r.Objects.InMirror, count) }},
	{"New", left, func(r engine.Result) string {
		if r.Objects.Total == 0 {
			return ""
		}
		return fmt.Sprintf("%s (%s)", count(r.Objects.Total), typesOf(r.Objects))
	}},
	{"Kept as", left, keptAs},
	{"LFS", left, func(r engine.Result) string {
		if r.LFS.Total == 0 {
			return ""
		}
		return fmt.Sprintf("%s (%s new, %s)", count(r.LFS.Total), count(r.LFS.Uploaded), bytesOf(r.LFS.Bytes))
	}},
	{"Fetched", right, func(r engine.Result) string { return unlessZero(r.Bytes.Fetched, bytesOf) }},
	{"Uploaded", right, func(r engine.Result) string { return unlessZero(r.Bytes.Uploaded, bytesOf) }},
	{"Time", right, func(r engine.Result) string { return seconds(r.Seconds) }},
}

// keptAs says how many packs there are; results of other jobs only tell the
// layout.
func keptAs(r engine.Result) string {
	if r.Packs > 0 {
		return plural(int64(r.Packs), "pack")
	}
	return string(r.Layout)
}

func (s summary) row(r engine.Result) string {
	source := strings.ReplaceAll(html.EscapeString(r.Source), "|", "%7C")
	return cells(fmt.Sprintf(`<a href="%s">%s</a>`, source, markdown(s.name(r))), r)
}

// total is the row below several.
func (s summary) total() string {
	if len(s.Mirrors) < 2 {
		return ""
	}
	t := engine.Result{Status: "total"}
	for _, m := range s.Mirrors {
		t.Refs.Total += m.Refs.Total
		t.Refs.Added += m.Refs.Added
		t.Refs.Updated += m.Refs.Updated
		t.Refs.Deleted += m.Refs.Deleted
		t.Objects.Commit += m.Objects.Commit
		t.Objects.Tree += m.Objects.Tree
		t.Objects.Blob += m.Objects.Blob
		t.Objects.Tag += m.Objects.Tag
		t.Objects.Total += m.Objects.Total
		t.Objects.InMirror += m.Objects.InMirror
		t.Packs += m.Packs
		t.LFS.Total += m.LFS.Total
		t.LFS.Uploaded += m.LFS.Uploaded
		t.LFS.Bytes += m.LFS.Bytes
		t.Bytes.Fetched += m.Bytes.Fetched
		t.Bytes.Uploaded += m.Bytes.Uploaded
		t.Seconds += m.Seconds
	}
	return cells(fmt.Sprintf("**%s mirrors**", count(int64(len(s.Mirrors)))), t)
}

func cells(first string, r engine.Result) string {
	row := "| " + first + " |"
	for _, c := range summaryColumns[1:] {
		row += " " + c.value(r) + " |"
	}
	return row + "\n"
}
