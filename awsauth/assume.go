package awsauth

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// stsTimeout is how long one attempt may take.
const stsTimeout = 30 * time.Second

// earlier is how long before they expire credentials are replaced, if they
// last long enough: longer than any request takes. Shorter-lived ones are
// replaced when two thirds of their time are over.
const earlier = 5 * time.Minute

// assume returns a provider for which the credentials of base assume the role.
func (a *auth) assume(base aws.CredentialsProvider) aws.CredentialsProvider {
	client := a.stsClient(aws.NewCredentialsCache(base))
	role := stscreds.NewAssumeRoleProvider(client, a.Role, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = a.SessionName
		o.Duration = a.Duration
		o.ExternalID = optional(a.ExternalID)
		o.Policy = optional(a.policy)
		o.PolicyARNs = policyARNs(a.ManagedPolicies)
		if !a.SkipTagging {
			o.Tags = sessionTags(a.Getenv)
		}
	})
	return a.persistent(func(ctx context.Context) (aws.Credentials, error) {
		got, err := role.Retrieve(ctx)
		return got, a.explainAssume(err)
	})
}

// assumeWithToken returns a provider that assumes the role with a token, which
// it asks for each time.
func (a *auth) assumeWithToken(token func(context.Context) (string, error)) aws.CredentialsProvider {
	client := a.stsClient(aws.AnonymousCredentials{})
	return a.persistent(func(ctx context.Context) (aws.Credentials, error) {
		t, err := token(ctx)
		if err != nil {
			return aws.Credentials{}, err
		}
		a.secret(t)
		role := stscreds.NewWebIdentityRoleProvider(client, a.Role, identityToken(t), func(o *stscreds.WebIdentityRoleOptions) {
			o.RoleSessionName = a.SessionName
			o.Duration = a.Duration
			o.Policy = optional(a.policy)
			o.PolicyARNs = policyARNs(a.ManagedPolicies)
		})
		got, err := role.Retrieve(ctx)
		return got, a.explainToken(t, err)
	})
}

// persistent makes a provider of one attempt.
func (a *auth) persistent(attempt func(context.Context) (aws.Credentials, error)) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		got, err := persist(ctx, a, func() (aws.Credentials, error) {
			ctx, cancel := context.WithTimeout(ctx, stsTimeout)
			defer cancel()
			return attempt(ctx)
		})
		if err != nil {
			return aws.Credentials{}, err
		}
		a.secret(got.SecretAccessKey)
		a.secret(got.SessionToken)
		a.maskAccount(got.AccountID)
		a.Log.Debug("got AWS credentials", "role", a.Role, "until", got.Expires)
		got.Expires = replaceAt(got.Expires, a.now())
		return got, nil
	})
}

func replaceAt(expires, now time.Time) time.Time {
	return expires.Add(-min(earlier, expires.Sub(now)/3))
}

// identityToken hands a token to the SDK.
type identityToken string

func (t identityToken) GetIdentityToken() ([]byte, error) { return []byte(t), nil }

func policyARNs(arns []string) []types.PolicyDescriptorType {
	var list []types.PolicyDescriptorType
	for _, arn := range arns {
		list = append(list, types.PolicyDescriptorType{Arn: &arn})
	}
	return list
}

// optional returns a pointer to s, nil for "".
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (a *auth) secret(s string) {
	if s != "" && a.Secret != nil {
		a.Secret(s)
	}
}

// check asks for credentials that may be wrong, and for their account if that
// matters.
func (a *auth) check(ctx context.Context, p aws.CredentialsProvider) error {
	ambient := a.Role == "" && a.AccessKeyID == ""
	if ambient && !a.inActions() && len(a.AllowedAccounts) == 0 && !a.MaskAccount {
		return nil // S3 itself will say what is wrong
	}
	got, err := p.Retrieve(ctx)
	if err != nil {
		if ambient {
			return a.noCredentials(err)
		}
		return unwrap(err)
	}
	if err := a.checkAccount(ctx, p, got.AccountID); err != nil {
		return fmt.Errorf("checking the AWS account: %w", err)
	}
	return nil
}
