package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// Name is the agent's in git's configuration.
const Name = "mirror-git-to-s3"

// Installation is what Install writes into a clone's configuration.
type Installation struct {
	Dir        string   // a directory of the clone; "" is the current one
	Executable string   // path of this program
	Args       []string // what it is to be called with, such as "lfs-agent", "--upstream", URL
}

// Install makes the clone's git-lfs download with this agent. It can be
// repeated. Uploads stay what they were: they go to the LFS server of the
// remote that is pushed to.
func Install(ctx context.Context, i Installation) error {
	args := make([]string, len(i.Args))
	for n, arg := range i.Args {
		args[n] = quote(arg)
	}
	for _, setting := range [][2]string{
		{"lfs.customtransfer." + Name + ".path", i.Executable},
		{"lfs.customtransfer." + Name + ".args", strings.Join(args, " ")},
		{"lfs.customtransfer." + Name + ".direction", "download"},
		{"lfs.standalonetransferagent", Name},
	} {
		if _, err := git(ctx, i.Dir, "config", "--local", setting[0], setting[1]); err != nil {
			return err
		}
	}
	return nil
}

var plain = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// quote makes one word of s for the shell that git-lfs calls agents with.
func quote(s string) string {
	if plain.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// RemoteURL returns the URL of the clone's remote, whose name may be a URL
// itself.
func RemoteURL(ctx context.Context, dir, remote string) (string, error) {
	if strings.Contains(remote, "://") {
		return remote, nil
	}
	if remote == "" {
		remote = "origin"
	}
	url, err := git(ctx, dir, "remote", "get-url", remote)
	if err != nil || url == "" {
		return "", fmt.Errorf("the remote %q has no URL here; say which mirror to read with --upstream", remote)
	}
	return url, nil
}

// TempDir is git-lfs's own directory for temporary files, in the repository
// that dir is in.
func TempDir(ctx context.Context, dir string) (string, error) {
	common, err := git(ctx, dir, "rev-parse", "--git-common-dir")
	if err != nil {
		return "", err
	}
	if !filepath.IsAbs(common) {
		if common, err = filepath.Abs(filepath.Join(dir, common)); err != nil {
			return "", err
		}
	}
	storage := "lfs"
	if set, err := git(ctx, dir, "config", "--type=path", "--get", "lfs.storage"); err == nil && set != "" {
		storage = set
	}
	if !filepath.IsAbs(storage) {
		storage = filepath.Join(common, storage)
	}
	return filepath.Join(storage, "tmp"), nil
}

// git runs git in dir and returns what it prints.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	cmd.Env = os.Environ()
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) && len(exit.Stderr) > 0 {
			err = errors.New(strings.TrimSpace(string(exit.Stderr)))
		}
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}
