package refs

import (
	"slices"
	"strings"
)

// Sort sorts by name, in byte order as git does.
func Sort(list []Ref) { slices.SortFunc(list, byName) }

func byName(a, b Ref) int { return strings.Compare(a.Name, b.Name) }

// sorted returns list in order, copied if need be.
func sorted(list []Ref) []Ref {
	if slices.IsSortedFunc(list, byName) {
		return list
	}
	list = slices.Clone(list)
	Sort(list)
	return list
}

// Diff counts the refs that new has and old lacks, those that point at another
// object, and those that old has and new lacks.
func Diff(old, new []Ref) (added, updated, deleted int) {
	before := make(map[string]Ref, len(old))
	for _, r := range old {
		before[r.Name] = r
	}
	for _, r := range new {
		was, ok := before[r.Name]
		switch {
		case !ok:
			added++
		case was.ID != r.ID:
			updated++
		}
		delete(before, r.Name)
	}
	return added, updated, len(before)
}
