package inputs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/remote"
)

// ReadConfig is what a command that reads a mirror was asked for.
type ReadConfig struct {
	// Upstream is where the mirror is: s3://bucket/prefix, an http(s) URL or
	// file:///absolute/dir. Only lfs-agent may leave it "": it is the URL of
	// the clone's remote then.
	Upstream string

	EndpointURL    string
	Region         string
	ForcePathStyle bool
	Verbose        bool

	Bind    string   // of serve: host:port
	Command []string // of serve; none serves until it is stopped
	Install bool     // of lfs-agent: write the clone's configuration
}

const serveHelp = `mirror-git-to-s3 serve makes a mirror readable for git and git-lfs at a local
address, public or private, with its LFS objects.

Usage:
  mirror-git-to-s3 serve --upstream URL [options] [-- COMMAND...]

Examples:
  # For the time of a command; {url} and $MIRROR_URL are the address
  mirror-git-to-s3 serve --upstream s3://my-bucket/repo -- git clone {url}

  # Until it is stopped; the address is printed
  mirror-git-to-s3 serve --upstream https://my-bucket.s3.eu-west-2.amazonaws.com/repo

The exit code is the command's.
`

const agentHelp = `mirror-git-to-s3 lfs-agent fetches LFS objects from a mirror, for git-lfs, which
calls it (a standalone transfer agent). Uploads are not touched.

Usage:
  mirror-git-to-s3 lfs-agent --install [--upstream URL] [options]

Examples:
  # A clone of a public mirror
  GIT_LFS_SKIP_SMUDGE=1 git clone https://my-bucket.s3.eu-west-2.amazonaws.com/repo
  cd repo
  mirror-git-to-s3 lfs-agent --install
  git lfs pull

  # LFS objects of a private bucket, by the usual AWS credentials
  mirror-git-to-s3 lfs-agent --install --upstream s3://my-bucket/repo
`

// serveCommand makes the command serve.
func serveCommand(app App) *cobra.Command {
	var c ReadConfig
	cmd := readCommand(&c, Serve, "serve", serveHelp, app.Serve)
	cmd.Flags().StringVar(&c.Bind, "bind", "127.0.0.1:0",
		"`HOST:PORT` to listen at; port 0 is a free one. Who can reach it can read the mirror")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if n := cmd.ArgsLenAtDash(); len(args) > 0 && n != 0 {
			return &UsageError{fmt.Errorf("%q belongs to no option; write -- before a command", remote.Redact(args[0]))}
		}
		c.Command = args
		return nil
	}
	return cmd
}

// agentCommand makes the command lfs-agent.
func agentCommand(app App) *cobra.Command {
	var c ReadConfig
	cmd := readCommand(&c, Agent, "lfs-agent", agentHelp, app.Agent)
	cmd.Flags().BoolVar(&c.Install, "install", false, "make git-lfs use it in the clone in the current directory")
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return &UsageError{fmt.Errorf("%q belongs to no option%s", remote.Redact(args[0]), seeHelp)}
		}
		return nil
	}
	return cmd
}

// readCommand makes what both have in common.
func readCommand(c *ReadConfig, on Commands, name, help string, run func(context.Context, ReadConfig) error) *cobra.Command {
	var all []said
	cmd := &cobra.Command{
		Use:           name,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.fill(all, on); err != nil {
				return &UsageError{err}
			}
			return run(cmd.Context(), *c)
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&c.Upstream, "upstream", "", upstreamHelp(on))
	for _, g := range groups {
		addFlags(cmd.Flags(), on, g, &all)
	}
	cmd.Flags().BoolP("help", "h", false, "show this help")
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) { writeReadHelp(cmd.OutOrStdout(), help, cmd.Flags()) })
	return cmd
}

func upstreamHelp(on Commands) string {
	text := "where the mirror is: s3://bucket/prefix, `URL` of a public one, or file:///absolute/dir"
	if on == Agent {
		text += " (default the URL of the clone's remote)"
	}
	return text
}

// fill takes over what was said in the table's options, and checks it all.
func (c *ReadConfig) fill(all []said, on Commands) error {
	var shared Config
	var mistakes []error
	for _, s := range all {
		if err := s.option.set(&shared, s.value); err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s: %w", s.origin, err))
		}
	}
	c.EndpointURL, c.Region, c.ForcePathStyle = shared.EndpointURL, shared.Region, shared.ForcePathStyle
	c.Verbose = shared.Verbose
	if err := checkUpstream(c.Upstream); err != nil && (c.Upstream != "" || on == Serve) {
		mistakes = append(mistakes, fmt.Errorf("--upstream: %w", err))
	}
	return errors.Join(mistakes...)
}

func checkUpstream(v string) error {
	if v == "" {
		return errors.New("it is missing; write s3://bucket/prefix, https://host/prefix or file:///absolute/dir")
	}
	for _, scheme := range []string{"s3://", "https://", "http://", "file:///"} {
		if rest, ok := strings.CutPrefix(v, scheme); ok && rest != "" {
			return nil
		}
	}
	return fmt.Errorf("%q is not a mirror; write s3://bucket/prefix, https://host/prefix or file:///absolute/dir", remote.Redact(v))
}

func writeReadHelp(w io.Writer, help string, flags *pflag.FlagSet) {
	fmt.Fprintf(w, "%s\nOptions:\n%s", help, flags.FlagUsagesWrapped(helpWidth))
}
