package remote_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/remote"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
)

// ids returns n ids that start at number from.
func ids(from, n int) []object.ID {
	list := make([]object.ID, n)
	for i := range list {
		list[i] = object.ID(fmt.Sprintf("%040x", from+i))
	}
	return list
}

func TestRounds(t *testing.T) {
	const limit = 40_000
	for _, test := range []struct {
		name         string
		wants, haves []object.ID
		want         [][2]int // wants and haves of each round
	}{
		{"nothing", nil, ids(1, 5), nil},
		{"all there", ids(1, 5), ids(1, 9), nil},
		{"one", ids(1, 5), ids(100, 3), [][2]int{{5, 3}}},
		{"twice", append(ids(1, 5), ids(1, 6)...), append(ids(100, 3), ids(101, 2)...), [][2]int{{6, 3}}},
		{"just one", ids(1, limit), nil, [][2]int{{limit, 0}}},
		{"two", ids(1, limit+1), ids(900_000, 2), [][2]int{{limit, 2}, {1, limit}}},
		{"three", ids(1, 2*limit+7), nil, [][2]int{{limit, 0}, {limit, limit}, {7, limit}}},
		{"many haves", ids(1, limit+1), ids(900_000, limit+5), [][2]int{{limit, limit}, {1, limit}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			rounds := remote.Rounds(test.wants, test.haves)
			var got [][2]int
			there := map[object.ID]bool{}
			for _, id := range test.haves {
				there[id] = true
			}
			for _, r := range rounds {
				got = append(got, [2]int{len(r.Wants), len(r.Haves)})
				if i := slices.IndexFunc(r.Haves, func(id object.ID) bool { return !there[id] }); i >= 0 {
					t.Errorf("have %s is neither given nor fetched before", r.Haves[i])
				}
				for _, id := range r.Wants {
					there[id] = true
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// TestRoundsShareHaves: a later round keeps half of the first haves and has
// the first wants.
func TestRoundsShareHaves(t *testing.T) {
	rounds := remote.Rounds(ids(1, 60_000), ids(900_000, 50_000))
	if len(rounds) != 2 {
		t.Fatalf("got %d rounds", len(rounds))
	}
	want := append(ids(900_000, 20_000), ids(1, 20_000)...)
	if !slices.Equal(rounds[1].Haves, want) {
		t.Errorf("got %d haves from %s to %s", len(rounds[1].Haves), rounds[1].Haves[0], rounds[1].Haves[len(rounds[1].Haves)-1])
	}
}

// TestFullRoundIsAccepted: git http-backend takes the largest request that
// there can be.
func TestFullRoundIsAccepted(t *testing.T) {
	b := newRepos(t)
	repo := b.repo("r", "", func(r *gitfixture.Repo) { r.Line("refs/heads/main", "", 0, 1) })
	tip := object.ID(repo.Git("rev-parse", "HEAD"))
	for protocol, handler := range protocols {
		t.Run(protocol, func(t *testing.T) {
			r := open(t, b.serve(testserver.GitOptions{Handler: handler}).URL("r"))
			wants := slices.Repeat([]object.ID{tip}, 40_000)
			if got := fetch(t, r, remote.Request{Wants: wants, Haves: ids(1, 40_000)}); len(b.objects(t, got, object.SHA1)) == 0 {
				t.Error("got an empty pack")
			}
		})
	}
}
