// Package awsauth finds the AWS credentials of a run, and keeps them fresh for
// as long as it lasts.
//
// Start with [NewClient]. The credentials are, in this order: the access keys
// that were given, a web identity token in a file, GitHub's OIDC token for the
// job, and else what the AWS environment holds. With a role, they assume it.
// What expires is asked for again in time, with a new OIDC token each time, so
// a run may last longer than its first credentials.
//
// Its inputs are called as those of aws-actions/configure-aws-credentials
// (https://github.com/aws-actions/configure-aws-credentials#options).
package awsauth

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/mirror-git-to-s3/mirror-git-to-s3/engine/s3store"
)

// The defaults of Config, those of configure-aws-credentials.
const (
	DefaultAudience    = "sts.amazonaws.com"
	DefaultSessionName = "GitHubActions"
	DefaultDuration    = time.Hour
	DefaultAttempts    = 12
)

// Config is which credentials to take. The zero value takes those of the AWS
// environment.
type Config struct {
	Role        string        // ARN of a role to assume; "" is none
	Chain       bool          // the environment's credentials assume the role, not OIDC's
	SessionName string        // "" is DefaultSessionName
	Duration    time.Duration // of the role's credentials; 0 is DefaultDuration
	ExternalID  string        // that the role's trust policy asks for

	SkipTagging     bool     // leave out the session tags that tell of the workflow
	InlinePolicy    string   // session policy, in JSON
	ManagedPolicies []string // ARNs of session policies
	ScopeSession    bool     // session policy for just the places that NewClient is given

	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	TokenFile       string // file with a web identity token
	Audience        string // of OIDC tokens; "" is DefaultAudience

	STSEndpoint     string   // "" is AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL or AWS
	AllowedAccounts []string // ids of which the credentials' must be one; none allows all
	MaskAccount     bool     // the account's id is a secret
	MaxAttempts     int      // to get credentials; 0 is DefaultAttempts
	DisableRetry    bool     // one attempt
}

// Place is a prefix of a bucket, without slashes at its ends.
type Place struct{ Bucket, Prefix string }

// Surroundings are what NewClient has of the outside world.
type Surroundings struct {
	Getenv func(string) string
	Log    *slog.Logger
	// Secret is told each secret that is obtained, so that nobody prints it.
	Secret func(string)

	now  func() time.Time
	http *http.Client  // asks GitHub for tokens
	wait time.Duration // before the second attempt
}

// NewClient returns a client for S3. Credentials that have to be asked for are
// asked for at once, so that what is wrong with them is known before anything
// is done. It returns an [*Error] for those, and other errors for a
// configuration that can't be followed.
func NewClient(ctx context.Context, store s3store.ClientConfig, c Config, places []Place, s Surroundings) (*s3store.Client, error) {
	loaded, err := s3store.LoadConfig(ctx, store)
	if err != nil {
		return nil, err
	}
	a, err := newAuth(loaded, c, places, s)
	if err != nil {
		return nil, err
	}
	provider, err := a.provider(ctx)
	if err != nil {
		return nil, err
	}
	loaded.Credentials = aws.NewCredentialsCache(provider)
	if err := a.check(ctx, loaded.Credentials); err != nil {
		return nil, err
	}
	return s3store.FromConfig(loaded, store), nil
}

// inActions says whether this is a job of GitHub Actions.
func (s Surroundings) inActions() bool { return s.Getenv("GITHUB_ACTIONS") == "true" }
