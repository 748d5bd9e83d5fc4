package gitfixture_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
)

// tips are the ids of a ref of each fixture: a change of them means that the
// fixtures aren't the same everywhere.
var tips = map[string]string{
	"one-commit":  "refs/heads/main 24f1256f45899eb014a939d0fc2c85933a503041",
	"tags":        "refs/tags/blob 18ce492aa9b3b9850106192d7116e7640c558b95",
	"odd-objects": "refs/heads/main 7701eef9e17bf6d80a122cfb43e481da893182dd",
	"sha256":      "refs/tags/v1-again 8d231a617b527eada05ef1652d504c22defd77b5df8536c029fb8a8f9386251b",
	"merges":      "refs/heads/main 6a0cffebfa6b026858f0fe019072f3491cf3d40a",
	"many-refs":   "refs/tags/v7 fb62dc77fde304bc900edb9c05c0c5873bc6852a",
}

func TestFixturesAreTheSameEverywhere(t *testing.T) {
	git, err := gitfixture.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(slices.Clone(gitfixture.Small), gitfixture.ManyRefs, gitfixture.Real) {
		t.Run(f.Name, func(t *testing.T) {
			r := gitfixture.Init(t.Context(), git, filepath.Join(t.TempDir(), "repo.git"), f.Format)
			f.Make(r)
			ref, want, ok := strings.Cut(tips[f.Name], " ")
			if ok {
				if got := r.Git("rev-parse", ref); got != want {
					t.Errorf("%s is %s, want %s", ref, got, want)
				}
			}
			if r.Err() != nil {
				t.Fatal(r.Err())
			}
		})
	}
}
