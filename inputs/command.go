package inputs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// App is what the commands call, and what they need to know of the program.
type App struct {
	Version string // printed by --version
	Getenv  func(string) string
	// Secret is told what was said that nobody may see, before anything else
	// happens; nil is nobody.
	Secret func(string)
	// Mirror does what the command without a subcommand asks for.
	Mirror func(context.Context, Config) error
	// Serve and Agent do what the commands serve and lfs-agent ask for.
	Serve, Agent func(context.Context, ReadConfig) error
	// Summary does what the command summary asks for: to make one summary of
	// the results in files.
	Summary func(ctx context.Context, files []string) error
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
			c, err := mirrorConfig(all, args, app)
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
	cmd.AddCommand(serveCommand(app), agentCommand(app), summaryCommand(app))
	cmd.CompletionOptions.DisableDefaultCmd = true
	cmd.SetHelpCommand(&cobra.Command{Use: "no-help", Hidden: true})
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &UsageError{flagError(err)} })
	return cmd
}

func mirrorConfig(flags []said, args []string, app App) (Config, error) {
	env := environment(app.Getenv)
	all, missing := env.add(flags)
	tellSecrets(all, app.Secret)
	if len(flags) == 0 && len(args) == 0 && !env.inActions() && missing == nil && !saysPairs(all) {
		return Config{}, ErrNothingSaid
	}
	return resolve(all, args, missing)
}

func saysPairs(all []said) bool {
	return slices.ContainsFunc(all, func(s said) bool { return makesPairs(s.option.Name) })
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

// WriteShortHelp prints what to begin with.
func WriteShortHelp(w io.Writer) { io.WriteString(w, shortHelp) }
