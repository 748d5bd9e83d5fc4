package awsauth

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// checkAccount finds out whose credentials they are, if that was asked for.
func (a *auth) checkAccount(ctx context.Context, p aws.CredentialsProvider, known string) error {
	if len(a.AllowedAccounts) == 0 {
		a.learnAccount(ctx, p, cmp.Or(known, AccountOf(a.Role)))
		return nil
	}
	account, err := a.caller(ctx, p)
	if err != nil {
		return err
	}
	a.maskAccount(account)
	if !slices.Contains(a.AllowedAccounts, account) {
		return &Error{text: "the credentials are of account " + account + ", which is not among allowed-account-ids"}
	}
	return nil
}

// learnAccount makes the account's id a secret if it is to be one. Not every
// store has accounts, so not to learn of one is no error.
func (a *auth) learnAccount(ctx context.Context, p aws.CredentialsProvider, known string) {
	if known == "" && a.MaskAccount {
		var err error
		if known, err = a.caller(ctx, p); err != nil {
			a.Log.Warn("the AWS account's id is not known, and so not masked", "why", err)
		}
	}
	a.maskAccount(known)
}

// caller asks for the account of credentials.
func (a *auth) caller(ctx context.Context, p aws.CredentialsProvider) (string, error) {
	client := a.stsClient(p)
	return persist(ctx, a, func() (string, error) {
		ctx, cancel := context.WithTimeout(ctx, stsTimeout)
		defer cancel()
		out, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err != nil {
			return "", a.explain(err, func(code, message string) string { return code + ": " + message })
		}
		return aws.ToString(out.Account), nil
	})
}

func (a *auth) maskAccount(id string) {
	if a.MaskAccount {
		a.secret(id)
	}
}

// AccountOf returns the id of the account that an ARN names, "" if it names
// none, as those of other stores than AWS.
func AccountOf(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	return parts[4]
}
