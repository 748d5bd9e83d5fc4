// Package inputs turns the command line and the environment into one
// validated [Config].
//
// Start with [Options], the one table that flags, environment variables and
// help are made from, and [Command], the command line itself.
package inputs

import (
	"net/url"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/awsauth"
	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine"
)

// The exit codes. They are part of the command's interface.
const (
	ExitOK     = 0 // every mirror is as its source
	ExitFailed = 1 // at least one mirror failed, the others are done
	ExitUsage  = 2 // what was asked for can't be done, nothing was written
)

// Config is what was asked for, validated. Strings are "" where nothing was
// said.
type Config struct {
	Pairs []engine.Pair // those of the shard; none only if it has none
	Shard Shard

	EndpointURL    string
	Region         string
	ForcePathStyle bool
	StorageClass   string
	SSE            string
	SSEKMSKeyID    string
	ObjectTags     url.Values // one value a key

	Layout      engine.Layout
	LFS         engine.LFS
	Refs        []string // globs
	ExcludeRefs []string // globs
	Token       string
	Tokens      map[string]string // as engine.Options has them
	Full        bool
	DryRun      bool

	AWS       awsauth.Config
	HTTPProxy string
	NoProxy   string

	Concurrency int
	MaxMemory   int64 // bytes; 0 is the engine's default

	JSON    bool
	Summary bool // of the step, in GitHub Actions
	Verbose bool
}
