package lfs_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/store/memstore"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/internal/lfstest"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/pointer"
)

// TestMirror finds the server and logs in, by each way of saying so.
func TestMirror(t *testing.T) {
	for _, test := range []struct {
		name, user, password, token, lfsconfig string
		works                                  bool
	}{
		{"open", "", "", "", "", true},
		{"user info", "u", "p", "", "", true},
		{"token", "x-access-token", "secret", "secret", "", true},
		{"wrong token", "x-access-token", "secret", "other", "", false},
		{"lfsconfig", "", "", "", "[lfs]\nurl = {url}/elsewhere", true},
		{"lfsconfig of the same host", "x-access-token", "secret", "secret", "[lfs]\nurl = {url}/elsewhere", true},
		{"lfsconfig of another host", "x-access-token", "secret", "secret", "[lfs]\nurl = {other}/elsewhere", false},
		{"ssh in lfsconfig", "", "", "", "[lfs]\nurl = ssh://git@host/x", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := testserver.NewLFS(t)
			server.User, server.Password = test.user, test.password
			content := "content"
			var set pointer.Set
			oid := server.Add([]byte(content), testserver.NoFault)
			set.Collect("", []byte(lfstest.Pointer(oid, int64(len(content)))))
			o := lfs.Options{Source: server.URL + "/repo", Token: test.token, Store: memstore.New()}
			if test.user != "" && test.token == "" {
				o.Source = strings.Replace(o.Source, "http://", "http://u:p@", 1)
			}
			o.LFSConfig = []byte(strings.NewReplacer("{url}", server.URL, "{other}", server.Other.URL).Replace(test.lfsconfig))
			server.Other.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "" {
					t.Errorf("the other host was sent %v", r.Header)
				}
				w.Header().Set("WWW-Authenticate", "Basic")
				w.WriteHeader(http.StatusUnauthorized)
			})
			counts, err := lfs.Mirror(t.Context(), o, &set)
			if (err == nil) != test.works || test.works != (counts.Uploaded == 1) {
				t.Errorf("%+v, %v", counts, err)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells the token: %v", err)
			}
		})
	}
	counts, err := lfs.Mirror(t.Context(), lfs.Options{Source: "http://127.0.0.1:1/"}, new(pointer.Set))
	if err != nil || counts.Total != 0 {
		t.Errorf("without pointers: %+v, %v", counts, err)
	}
}
