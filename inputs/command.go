package inputs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// App is what the commands call, and what they need to know of the program.
type App struct {
	Version string // printed by --version
	Getenv  func(string) string
	// Mirror does what the command without a subcommand asks for.
	Mirror func(context.Context, Config) error
	// Serve and Agent do what the commands serve and lfs-agent ask for.
	Serve, Agent func(context.Context, ReadConfig) error
}

// A UsageError is a command line or environment that can't be followed. Its
// text is one line for each mistake, or a short help when nothing was said.
type UsageError struct{ err error }

func (e *UsageError) Error() string { return e.err.Error() }

// NewUsageError makes a UsageError of err, for what is found to be unusable only
// when it is tried.
func NewUsageError(err error) error { return &UsageError{err} }

// Unwrap returns the mistakes.
func (e *UsageError) Unwrap() error { return e.err }

// ErrNothingSaid is the error of a call without arguments or environment.
var ErrNothingSaid = errors.New("nothing said")

// seeHelp ends the messages whose remedy is too long for a line.
const seeHelp = "; see mirror-git-to-s3 --help"

// Command makes the command line. Its errors are UsageErrors, unless they come
// from the App's functions.
func Command(app App) *cobra.Command {
	var all []said
	cmd := &cobra.Command{
		Use:           "mirror-git-to-s3",
		Version:       app.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := mirrorConfig(all, args, app.Getenv)
			if err != nil {
				return &UsageError{err}
			}
			return app.Mirror(cmd.Context(), c)
		},
	}
	for _, g := range groups {
		addFlags(cmd.Flags(), Mirror, g, &all)
	}
	cmd.Flags().BoolP("help", "h", false, "show this help")
	cmd.Flags().Bool("version", false, "show the version")
	cmd.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) { writeHelp(cmd.OutOrStdout()) })
	cmd.AddCommand(serveCommand(app), agentCommand(app))
	cmd.CompletionOptions.DisableDefaultCmd = true
	cmd.SetHelpCommand(&cobra.Command{Use: "no-help", Hidden: true})
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &UsageError{flagError(err)} })
	return cmd
}

func mirrorConfig(flags []said, args []string, getenv func(string) string) (Config, error) {
	all := addEnvironment(flags, Mirror, getenv)
	if len(flags) == 0 && len(args) == 0 && !saysPairs(all) {
		return Config{}, ErrNothingSaid
	}
	return resolve(all, args)
}

func saysPairs(all []said) bool {
	for _, s := range all {
		if s.option.Name == source || s.option.Name == target {
			return true
		}
	}
	return false
}

// flagError says what pflag found in the words of the other messages.
func flagError(err error) error {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "unknown flag: "); ok {
		return fmt.Errorf("%s is not an option%s", name, seeHelp)
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: "); ok {
		return fmt.Errorf("%s needs a value%s", name, seeHelp)
	}
	return errors.New(text + seeHelp)
}

// WriteUsageError prints err as one line for each mistake.
func WriteUsageError(w io.Writer, err error) {
	if errors.Is(err, ErrNothingSaid) {
		io.WriteString(w, shortHelp)
		return
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(w, "mirror-git-to-s3: %s\n", strings.TrimSuffix(line, "\n"))
	}
}
