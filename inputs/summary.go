package inputs

import (
	"errors"
	"io"

	"github.com/spf13/cobra"
)

const summaryHelp = `mirror-git-to-s3 summary makes one summary of the results of several runs: the
jobs of a matrix, say, that each took a share of the mirrors with --shard.

Usage:
  mirror-git-to-s3 summary PATH...

Examples:
  # Of files with what --json printed, or the output results
  mirror-git-to-s3 summary results-1.json results-2.json

  # Of all .json files below a directory
  mirror-git-to-s3 summary results

It goes to the step's summary in GitHub Actions, and the outputs are set as for
one run; else it is printed, in Markdown.
`

// summaryCommand makes the command summary.
func summaryCommand(app App) *cobra.Command {
	cmd := &cobra.Command{
		Use:           "summary",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &UsageError{errors.New("summary needs files or directories with results; write summary and their paths")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return app.Summary(cmd.Context(), args) },
	}
	cmd.Flags().BoolP("help", "h", false, "show this help")
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) { io.WriteString(cmd.OutOrStdout(), summaryHelp) })
	return cmd
}
