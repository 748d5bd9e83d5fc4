package awsauth

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// tokenTimeout is how long GitHub may take to answer with a token.
const tokenTimeout = 30 * time.Second

// auth is a Config with its defaults and all that it takes to follow it.
type auth struct {
	Config
	Surroundings
	ambient aws.CredentialsProvider // of the AWS environment
	config  aws.Config              // for clients of STS
	policy  string                  // session policy, in JSON; "" is none
}

func newAuth(loaded aws.Config, c Config, places []Place, s Surroundings) (*auth, error) {
	c.SessionName = cmp.Or(c.SessionName, DefaultSessionName)
	c.Duration = cmp.Or(c.Duration, DefaultDuration)
	c.Audience = cmp.Or(c.Audience, DefaultAudience)
	c.MaxAttempts = cmp.Or(c.MaxAttempts, DefaultAttempts)
	if c.DisableRetry {
		c.MaxAttempts = 1
	}
	s.wait = cmp.Or(s.wait, firstWait)
	if s.now == nil {
		s.now = time.Now
	}
	if s.http == nil {
		s.http = &http.Client{Timeout: tokenTimeout}
	}
	a := &auth{Config: c, Surroundings: s, ambient: loaded.Credentials, config: loaded, policy: c.InlinePolicy}
	if c.ScopeSession {
		var err error
		if a.policy, err = scopePolicy(c.Role, places); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// provider returns what makes the credentials. It is asked again whenever they
// are about to expire.
func (a *auth) provider(ctx context.Context) (aws.CredentialsProvider, error) {
	keys := credentials.NewStaticCredentialsProvider(a.AccessKeyID, a.SecretAccessKey, a.SessionToken)
	given := a.AccessKeyID != ""
	switch {
	case a.Role == "" && given:
		return keys, nil
	case a.Role == "":
		return a.ambient, nil
	case given:
		return a.assume(keys), nil
	case a.TokenFile != "":
		return a.assumeWithToken(a.fileToken), nil
	case a.Chain:
		return a.assume(a.ambient), nil
	case a.mayAskGitHub():
		return a.assumeWithToken(a.githubToken), nil
	}
	// Machines of one's own have roles by themselves.
	if err := a.tryAmbient(ctx); err != nil {
		return nil, a.noToken(err)
	}
	return a.assume(a.ambient), nil
}

// ambientTimeout is how long the instance's metadata may take to answer.
const ambientTimeout = 20 * time.Second

func (a *auth) tryAmbient(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ambientTimeout)
	defer cancel()
	_, err := a.ambient.Retrieve(ctx)
	return err
}

// stsClient returns a client of STS that doesn't retry: [auth.persist] does.
func (a *auth) stsClient(p aws.CredentialsProvider) *sts.Client {
	return sts.NewFromConfig(a.config, func(o *sts.Options) {
		o.Credentials = p
		o.Retryer = aws.NopRetryer{}
		if a.STSEndpoint != "" {
			o.BaseEndpoint = &a.STSEndpoint
		}
		if o.BaseEndpoint != nil {
			o.Region = cmp.Or(o.Region, "us-east-1") // what servers without regions take
		}
	})
}
