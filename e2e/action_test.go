package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/gitfixture"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/internal/testserver"
)

// account is the AWS account of the role, which the workflow wants masked.
const account = "123456789012"

// github gives out tokens, and exchanges them for the S3 server's keys.
func github(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer planted-request-token" {
			http.Error(w, "who is it?", http.StatusForbidden)
			return
		}
		fmt.Fprint(w, `{"value":"planted.web.identity"}`)
	})
	mux.HandleFunc("/sts/", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("WebIdentityToken") != "planted.web.identity" {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>not in account %s with planted-secret-key</Message></Error></ErrorResponse>`, account)
			return
		}
		fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><AssumedRoleUser><Arn>arn:aws:sts::%s:assumed-role/mirror/x</Arn></AssumedRoleUser>
<Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken></SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
			account, world.s3.AccessKey, world.s3.SecretKey, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// job runs the program as the action's container, with inputs NAME=value, and
// returns how it ended and what it left in the files of outputs and summary.
func job(t *testing.T, server string, tokens *httptest.Server, in ...string) (e ended, outputs, summary string) {
	t.Helper()
	dir := t.TempDir()
	cmd := command(t.Context())
	cmd.Env = append(cmd.Env, "GITHUB_ACTIONS=true", "GITHUB_SERVER_URL="+server, "GITHUB_REPOSITORY="+name(t)+".git",
		"GITHUB_OUTPUT="+filepath.Join(dir, "output"), "GITHUB_STEP_SUMMARY="+filepath.Join(dir, "summary"),
		"ACTIONS_ID_TOKEN_REQUEST_URL="+tokens.URL+"/token", "ACTIONS_ID_TOKEN_REQUEST_TOKEN=planted-request-token")
	for _, i := range in {
		cmd.Env = append(cmd.Env, "INPUT_"+i)
	}
	e = finish(t, cmd)
	for file, text := range map[string]*string{"output": &outputs, "summary": &summary} {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil && e.code != exitUsage {
			t.Error(err)
		}
		*text = string(b)
	}
	return e, outputs, summary
}

// TestActionSecrets plants a secret wherever there can be one, and looks for it
// in everything that a passing, a failing and a mistaken run leaves.
func TestActionSecrets(t *testing.T) {
	r, path := repo(t, gitfixture.Small[1])
	own := server(t, testserver.BasicAuth("x-access-token", "planted-job-token"))
	other := server(t, testserver.BasicAuth("x-access-token", "planted-other-token"))
	third := server(t, testserver.BasicAuth("me", "planted-password"))
	gh := github(t)
	withUser := strings.Replace(third.URL(path), "http://", "http://me:planted-password@", 1)
	to := s3Target(t)
	common := []string{
		"TOKEN=planted-job-token", "TOKENS=" + strings.TrimPrefix(other.URL(""), "http://") + "=planted-other-token",
		"ROLE-TO-ASSUME=arn:aws:iam::" + account + ":role/mirror", "MASK-AWS-ACCOUNT-ID=true", "STS-ENDPOINT=" + gh.URL + "/sts/",
		"ROLE-EXTERNAL-ID=planted-external-id", "DISABLE-RETRY=true", "VERBOSE=true", "AWS-REGION=us-east-1",
	}
	for _, test := range []struct {
		name string
		code int
		in   []string
		says string // in the log
	}{
		{"passing", exitOK, append([]string{
			"TARGET=" + to.url + "/" + account,
			"MIRRORS=" + other.URL(path) + " " + to.url + "/other\n" + withUser + " " + to.url + "/third",
		}, common...), "::group::"},
		{"failing", exitFailed, append([]string{
			"TARGET=s3://no-such-bucket-" + account + "/x",
			"MIRRORS=" + strings.Replace(withUser, "planted-password", "planted-wrong-password", 1) + " " + to.url + "/wrong\n" +
				strings.Replace(other.URL(path), "http://", "http://planted-user-token@", 1) + " " + to.url + "/user",
		}, common...), "::error title=Not mirrored"},
		{"keys", exitFailed, append([]string{
			"TARGET=" + to.url + "/keys", "AWS-ACCESS-KEY-ID=planted-access-key", "AWS-SECRET-ACCESS-KEY=planted-secret-key", "AWS-SESSION-TOKEN=planted-session-token",
		}, common...), "::error title=Not mirrored"},
		{"mistaken", exitUsage, append([]string{
			"TARGET=planted-job-token", "SOURCE=https://me:planted-password@h/a?b", "LAYOUT=planted-other-token",
		}, common...), "::error title=mirror-git-to-s3"},
	} {
		e, outputs, summary := job(t, own.URL(""), gh, test.in...)
		if e.code != test.code || !strings.Contains(e.stderr, test.says) {
			t.Errorf("%s: exit code %d\n%s%s", test.name, e.code, e.stderr, e.stdout)
		}
		nothingPlanted(t, test.name+" stdout", e.stdout)
		nothingPlanted(t, test.name+" stderr", e.stderr)
		nothingPlanted(t, test.name+" outputs", outputs)
		nothingPlanted(t, test.name+" summary", summary)
	}
	for _, sub := range []string{"/" + account, "/other", "/third"} {
		check(t, r, target{url: to.url + sub, cloneURL: to.cloneURL + sub, folder: to.folder + sub, inS3: true})
		b, err := os.ReadFile(to.folder + sub + "/mirror.json")
		if err != nil {
			t.Fatal(err)
		}
		nothingPlanted(t, "mirror.json", string(b))
	}
}

func nothingPlanted(t *testing.T, where, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "::add-mask::") {
			continue
		}
		if strings.Contains(line, "planted") || strings.Contains(line, account) {
			t.Errorf("%s: %s", where, line)
		}
	}
}
