// Package agent is a standalone transfer agent for git-lfs: git-lfs hands it
// the oids that it needs, and it fetches them from a mirror without a batch
// API (git-lfs's docs/custom-transfers.md).
//
//	git-lfs                                    agent
//	{"event":"init","operation":"download"} →
//	                                         ← {}
//	{"event":"download","oid":…,"size":…}   →
//	                                         ← {"event":"progress",…}
//	                                         ← {"event":"complete","path":…}
//	{"event":"terminate"}                   →
//
// A message is a line of JSON. git-lfs runs several agents at once, each gets
// one download after another.
//
// Start with [Run]; [Install] makes a clone use it.
package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/lfs/upstream"
)

// Config is what an agent works with.
type Config struct {
	// Open opens the mirror; remote is the name or URL of the git remote that
	// git-lfs works for. It is called once.
	Open func(ctx context.Context, remote string) (upstream.Upstream, error)
	// TempDir is where downloads go; git-lfs renames them from there into its
	// own storage, so both have to be in one file system. It is made if it
	// is missing.
	TempDir string

	Stdin  io.Reader
	Stdout io.Writer
}

type message struct {
	Event     string `json:"event"`
	Operation string `json:"operation"` // of init
	Remote    string `json:"remote"`    // of init
	OID       string `json:"oid"`
	Size      int64  `json:"size"`
}

type reply struct {
	Event          string      `json:"event,omitempty"`
	OID            string      `json:"oid,omitempty"`
	Path           string      `json:"path,omitempty"`
	BytesSoFar     int64       `json:"bytesSoFar,omitempty"`
	BytesSinceLast int64       `json:"bytesSinceLast,omitempty"`
	Error          *replyError `json:"error,omitempty"`
}

type replyError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

var errUpload = errors.New("the mirror can only be read; push to the repository that it is made of")

// Run answers git-lfs until it says terminate, closes the pipe, or ctx ends.
// What goes wrong with a download is told to git-lfs; an error means that it
// could not be told.
func Run(ctx context.Context, c Config) error {
	a := &agent{Config: c, out: json.NewEncoder(c.Stdout)}
	messages, broken := read(ctx, c.Stdin)
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-broken:
			if err == io.EOF {
				return nil
			}
			return fmt.Errorf("reading from git-lfs: %w", err)
		case m := <-messages:
			if m.Event == "terminate" {
				return nil
			}
			if err := a.answer(ctx, m); err != nil {
				return fmt.Errorf("answering git-lfs: %w", err)
			}
		}
	}
}

// read reads messages beside the rest, since a read of a pipe cannot be
// interrupted.
func read(ctx context.Context, r io.Reader) (<-chan message, <-chan error) {
	messages, broken := make(chan message), make(chan error, 1)
	go func() {
		in := json.NewDecoder(r)
		for {
			var m message
			if err := in.Decode(&m); err != nil {
				broken <- err
				return
			}
			select {
			case messages <- m:
			case <-ctx.Done():
				return
			}
		}
	}()
	return messages, broken
}

type agent struct {
	Config
	out *json.Encoder
	up  upstream.Upstream
}

func (a *agent) answer(ctx context.Context, m message) error {
	switch m.Event {
	case "init":
		return a.out.Encode(reply{Error: failure(a.init(ctx, m))})
	case "download":
		path, err := a.download(ctx, m)
		return a.out.Encode(reply{Event: "complete", OID: m.OID, Path: path, Error: failure(err)})
	case "upload":
		return a.out.Encode(reply{Event: "complete", OID: m.OID, Error: failure(errUpload)})
	}
	return fmt.Errorf("unknown event %q", m.Event)
}

func (a *agent) init(ctx context.Context, m message) (err error) {
	if m.Operation != "download" {
		return errUpload
	}
	a.up, err = a.Open(ctx, m.Remote)
	return err
}

func failure(err error) *replyError {
	if err == nil {
		return nil
	}
	return &replyError{Code: 1, Message: err.Error()}
}
