//go:build container

package container

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The images that would come from a registry.
const (
	goImage  = "golang:1.26-bookworm" // the Dockerfile's default
	jobImage = "runner.test/job:latest"
)

// certificates are the machine's own, at the same place in the Debian image.
const certificates = "/etc/ssl/certs/ca-certificates.crt"

// makeGoImage imports an image with the machine's Go and what a build of root
// takes from the network.
func makeGoImage(ctx context.Context, e *docker, root, temp string) error {
	stage := filepath.Join(temp, "go-image")
	if err := stageBusybox(ctx, stage); err != nil {
		return err
	}
	kept := filepath.Join(root, ".tools", "container-cache")
	if err := modules(ctx, root, kept, filepath.Join(temp, "modules"), filepath.Join(stage, "goproxy")); err != nil {
		return err
	}
	if err := compile(ctx, root, kept, filepath.Join(stage, "gocache")); err != nil {
		return err
	}
	if err := copyFiles(ctx, stage, certificates); err != nil {
		return err
	}
	goroot, err := output(exec.CommandContext(ctx, "go", "env", "GOROOT"))
	if err != nil {
		return err
	}
	// The names of goroot's files don't begin with a dot, those of stage do.
	tar := exec.CommandContext(ctx, "tar", "--create",
		"--exclude=testdata", "--exclude=*_test.go",
		"--transform", `flags=r;s,^\([^.]\),usr/local/go/\1,`,
		"--directory", stage, ".",
		"--directory", goroot, "bin", "src", "pkg", "go.env", "VERSION")
	return importTar(ctx, e, tar, goImage,
		"ENV PATH=/usr/local/go/bin:/bin", "ENV HOME=/root",
		"ENV GOPROXY=file:///goproxy", "ENV GOTOOLCHAIN=local", "ENV GOSUMDB=off", "ENV GOCACHE=/gocache")
}

// makeJobImage imports an image in which the steps of a workflow can run.
func makeJobImage(ctx context.Context, e *docker, temp string) error {
	stage := filepath.Join(temp, "job-image")
	if err := stageBusybox(ctx, stage); err != nil {
		return err
	}
	gitCore, err := output(exec.CommandContext(ctx, "git", "--exec-path"))
	if err != nil {
		return err
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		return err
	}
	git, err := exec.LookPath("git")
	if err != nil {
		return err
	}
	files := []string{certificates, bash, git, "/usr/share/git-core/templates"}
	for _, name := range []string{"git", "git-remote-http", "git-remote-https", "git-sh-setup"} {
		files = append(files, filepath.Join(gitCore, name))
	}
	if err := copyFiles(ctx, stage, files...); err != nil {
		return err
	}
	tar := exec.CommandContext(ctx, "tar", "--create", "--directory", stage, ".")
	return importTar(ctx, e, tar, jobImage, "ENV PATH=/bin:/usr/bin:/usr/local/bin", "ENV HOME=/root")
}

// importTar makes an image of what the command writes.
func importTar(ctx context.Context, e *docker, tar *exec.Cmd, image string, changes ...string) error {
	r, w := io.Pipe()
	tar.Stdout = w
	tar.Stderr = os.Stderr
	go func() { w.CloseWithError(tar.Run()) }()
	args := []string{"import"}
	for _, c := range changes {
		args = append(args, "--change", c)
	}
	_, err := e.run(ctx, r, append(args, "-", image)...)
	r.Close()
	if err != nil {
		return fmt.Errorf("importing %s: %w", image, err)
	}
	return nil
}

// stageBusybox makes a root folder with a shell and the usual programs.
func stageBusybox(ctx context.Context, stage string) error {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return err
	}
	for _, dir := range []string{"bin", "tmp", "root", "etc", "usr/bin"} {
		if err := os.MkdirAll(filepath.Join(stage, dir), 0o755); err != nil {
			return err
		}
	}
	if err := copyFiles(ctx, stage, busybox); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(stage, "etc/passwd"), []byte("root:x:0:0:root:/root:/bin/sh\n"), 0o644); err != nil {
		return err
	}
	list, err := output(exec.CommandContext(ctx, busybox, "--list"))
	if err != nil {
		return err
	}
	for _, name := range strings.Fields(list) {
		if name != "busybox" {
			if err := os.Symlink(busybox, filepath.Join(stage, "bin", name)); err != nil {
				return err
			}
		}
	}
	return os.Symlink("/bin/env", filepath.Join(stage, "usr/bin/env"))
}

// copyFiles copies files, folders and the libraries that programs need to the
// same places below stage. Links are followed.
func copyFiles(ctx context.Context, stage string, files ...string) error {
	for _, f := range files {
		libs, _ := exec.CommandContext(ctx, "ldd", f).Output() // nothing for what is no program
		for _, word := range strings.Fields(string(libs)) {
			if strings.HasPrefix(word, "/") && !strings.HasSuffix(word, ":") {
				files = append(files, word)
			}
		}
	}
	for _, f := range files {
		to := filepath.Join(stage, f)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		os.Remove(to) // a link of busybox's to itself
		if _, err := output(exec.CommandContext(ctx, "cp", "--recursive", "--dereference", f, filepath.Dir(to))); err != nil {
			return err
		}
	}
	return nil
}

// modules fills proxy with the modules that a build of root needs, in the
// form of a module proxy. They come from the machine's own cache where it has
// them.
func modules(ctx context.Context, root, buildCache, cache, proxy string) error {
	have, err := output(exec.CommandContext(ctx, "go", "env", "GOMODCACHE"))
	if err != nil {
		return err
	}
	upstream, err := output(exec.CommandContext(ctx, "go", "env", "GOPROXY"))
	if err != nil {
		return err
	}
	env := append(os.Environ(), "GOCACHE="+buildCache, "GOMODCACHE="+cache, "GOFLAGS=-modcacherw",
		"GOPROXY=file://"+filepath.Join(have, "cache", "download")+","+upstream)
	for _, args := range [][]string{{"mod", "download"}, {"list", "-deps", "."}} {
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir = root
		cmd.Env = env
		if _, err := output(cmd); err != nil {
			return err
		}
	}
	return os.Rename(filepath.Join(cache, "cache", "download"), proxy)
}

// compile makes a build cache for the image, so that only what has changed
// since the last run of the tests is compiled in the container.
func compile(ctx context.Context, root, kept, cache string) error {
	for _, arch := range []string{"amd64", "arm64"} {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", os.DevNull, ".")
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOCACHE="+kept)
		if _, err := output(cmd); err != nil {
			return err
		}
	}
	_, err := output(exec.CommandContext(ctx, "cp", "--recursive", kept, cache))
	return err
}
