package inputs

import (
	"fmt"
	"io"

	"github.com/spf13/pflag"
)

const intro = `mirror-git-to-s3 copies git repositories into S3 so that plain git clones them
from there: git clone https://bucket.s3.region.amazonaws.com/prefix
`

const shortHelp = intro + `
  mirror-git-to-s3 \
      --source https://github.com/git/git --target s3://my-bucket/git

More examples and all options: mirror-git-to-s3 --help
`

const examples = `
Usage:
  mirror-git-to-s3 (--source URL --target URL)... [options]

Examples:
  # One repository; run it again to bring the mirror up to date
  mirror-git-to-s3 \
      --source https://github.com/git/git --target s3://my-bucket/git

  # Several, the branches and tags only
  mirror-git-to-s3 --refs 'refs/heads/*' --refs 'refs/tags/*' \
      --source https://example.com/a.git --target s3://my-bucket/a \
      --source https://example.com/b.git --target s3://my-bucket/b

  # A private repository
  MIRROR_TOKEN=... mirror-git-to-s3 \
      --source https://github.com/me/private --target s3://my-bucket/private

  # An S3-compatible store, or a directory
  mirror-git-to-s3 --endpoint-url https://s3.example.com --force-path-style \
      --source https://example.com/a.git --target s3://my-bucket/a
  mirror-git-to-s3 \
      --source https://example.com/a.git --target file:///srv/mirrors/a

  # What would be done, for a script
  mirror-git-to-s3 --dry-run --json \
      --source https://example.com/a.git --target s3://my-bucket/a

To read a mirror that has Git LFS objects:
  mirror-git-to-s3 serve --help
  mirror-git-to-s3 lfs-agent --help

To make one summary of the runs of several jobs:
  mirror-git-to-s3 summary --help
`

// helpWidth is the columns of the narrowest terminal that people use.
const helpWidth = 80

// writeHelp prints the whole help, made from the table.
func writeHelp(w io.Writer) {
	io.WriteString(w, intro+examples)
	for _, g := range groups {
		flags := newGroup()
		addFlags(flags, Mirror, g, new([]said))
		if g == groupOutput {
			flags.BoolP("help", "h", false, "show this help")
			flags.Bool("version", false, "show the version")
		}
		fmt.Fprintf(w, "\n%s:\n%s", g, flags.FlagUsagesWrapped(helpWidth))
	}
	fmt.Fprintf(w, `
Environment:
  S3 credentials, region and endpoint come from where every AWS tool takes them:
  AWS_ACCESS_KEY_ID, AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL, ~/.aws, web
  identity, container and instance roles. HTTPS_PROXY, NO_PROXY and
  SSL_CERT_FILE are honoured. Each option can also be set as INPUT_ and its
  name in capitals, such as INPUT_MAX-MEMORY; the command line goes first.

Exit codes:
  %d  every mirror is as its source
  %d  at least one mirror failed; the others are done
  %d  what was asked for can't be done; nothing was written
`, ExitOK, ExitFailed, ExitUsage)
}

func newGroup() *pflag.FlagSet {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.SortFlags = false
	return flags
}
