package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/mirror-git-to-s3/mirror-git-to-s3"

// layers are the packages that a package may import besides those below it
// in this list; the longest prefix counts.
var layers = []struct {
	prefix string
	allow  []string
}{
	{"", []string{"inputs", "report", "engine", "awsauth", "lfs", "internal/build"}},
	{"inputs", []string{"engine", "lfs", "awsauth"}},
	{"report", []string{"engine"}},
	{"lfs", []string{"lfs", "engine/object", "engine/store", "engine/s3store"}},
	{"engine", []string{"engine/", "lfs"}},
	{"engine/object", nil},
	{"engine/pktline", nil},
	{"engine/store", []string{"engine/store"}},
	{"engine/refs", []string{"engine/object"}},
	{"engine/pack/inflate", nil},
	{"engine/pack", []string{"engine/object", "engine/pack/inflate"}},
	{"engine/remote", []string{"engine/object", "engine/refs", "engine/pktline"}},
	{"engine/s3store", []string{"engine/store"}},
	{"awsauth", []string{"engine/s3store"}},
}

// TestImports keeps the direction of imports, and the AWS SDK in its place.
func TestImports(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	seen := 0
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		if isTestOnly(name) {
			continue
		}
		seen++
		for _, i := range p.Imports {
			if strings.HasPrefix(i, "github.com/aws/") && name != "engine/s3store" && name != "awsauth" {
				t.Errorf("%s imports %s: only engine/s3store and awsauth may", name, i)
			}
			if rest, ok := strings.CutPrefix(i, module); ok && !allowed(name, strings.TrimPrefix(rest, "/")) {
				t.Errorf("%s imports %s", name, rest)
			}
		}
	}
	if seen < 15 {
		t.Errorf("only %d packages were looked at", seen)
	}
}

// isTestOnly says that a package is not part of the program.
func isTestOnly(name string) bool {
	for _, p := range []string{"internal/", "lfs/internal/", "e2e", "bench", "engine/store/storetest", "engine/store/memstore", "engine/pack/packtest"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

func allowed(from, to string) bool {
	best := layers[0]
	for _, l := range layers[1:] {
		if (from == l.prefix || strings.HasPrefix(from, l.prefix+"/")) && len(l.prefix) > len(best.prefix) {
			best = l
		}
	}
	if from == "" {
		best = layers[0]
	}
	for _, a := range best.allow {
		if to == a || strings.HasPrefix(to, strings.TrimSuffix(a, "/")+"/") {
			return true
		}
	}
	return false
}
