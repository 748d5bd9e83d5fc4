package remote

import (
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/object"
)

// git http-backend refuses request bodies of more than 10 MiB inflated
// (GIT_HTTP_MAX_REQUEST_BUFFER). A want or have line takes at most
// 4+5+64+1 = 74 bytes with SHA-256, so a full round takes
// (40,000 + 40,000) * 74 = 5.92 MB, and compressed about half of that.
const (
	maxWants = 40_000
	maxHaves = 40_000
)

// Rounds splits what is wanted into requests that servers accept, to be made
// one after the other: each has the wants of those before it among its haves.
// Ids that stand twice, and wants that are haves, are left out; so there may
// be no request at all.
//
// Where there are more haves than fit, the first ones are kept: they come in
// order of importance. What is left out only makes a pack larger.
func Rounds(wants, haves []object.ID) []Request {
	seen := make(map[object.ID]bool, len(haves))
	haves = unseen(haves, seen)
	wants = unseen(wants, seen)
	var rounds []Request
	for done := 0; done < len(wants); done += maxWants {
		rounds = append(rounds, Request{
			Wants: wants[done:min(done+maxWants, len(wants))],
			Haves: known(wants[:done], haves),
		})
	}
	return rounds
}

// known are the haves of a round after others: at least half are those of the
// first round, if there are so many.
func known(earlier, haves []object.ID) []object.ID {
	n := min(len(haves), max(maxHaves/2, maxHaves-len(earlier)))
	list := append([]object.ID(nil), haves[:n]...)
	return append(list, earlier[:min(len(earlier), maxHaves-n)]...)
}

// unseen returns the ids that are not in seen, and adds them to it.
func unseen(ids []object.ID, seen map[object.ID]bool) []object.ID {
	var list []object.ID
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			list = append(list, id)
		}
	}
	return list
}
