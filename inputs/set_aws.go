package inputs

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The options that are looked at together.
const (
	roleToAssume    = "role-to-assume"
	inlinePolicy    = "inline-session-policy"
	scopeSession    = "scope-session"
	accessKey       = "aws-access-key-id"
	secretKey       = "aws-secret-access-key"
	sessionToken    = "aws-session-token"
	tokenFile       = "web-identity-token-file"
	maskAccount     = "mask-aws-account-id"
	allowedAccounts = "allowed-account-ids"
)

// roleARN is that of AWS, and of stores with a partition and account of their
// own, such as arn:minio:iam:::role/dXNlcg.
var roleARN = regexp.MustCompile(`^arn:[^:\s]+:iam:[^:\s]*:[^:\s]*:role/\S+$`)

func setRole(c *Config, v string) error {
	c.AWS.Role = v
	if !roleARN.MatchString(v) {
		return fmt.Errorf("%q is not the ARN of a role; write for example arn:aws:iam::123456789012:role/mirror", v)
	}
	return nil
}

// sessionName is what AWS allows
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html).
var sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

func setSessionName(c *Config, v string) error {
	c.AWS.SessionName = v
	if !sessionName.MatchString(v) {
		return fmt.Errorf("%q can't be a session's name; write 2 to 64 letters, digits or any of +=,.@_-", v)
	}
	return nil
}

// What a session can last, in seconds.
const shortestSession, longestSession = 900, 43200

func setDuration(c *Config, v string) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < shortestSession || n > longestSession {
		return fmt.Errorf("%q is no duration of a session; write %d to %d", v, shortestSession, longestSession)
	}
	c.AWS.Duration = time.Duration(n) * time.Second
	return nil
}

func setInlinePolicy(c *Config, v string) error {
	c.AWS.InlinePolicy = v
	if !json.Valid([]byte(v)) {
		return errors.New("it is not JSON; write an IAM policy")
	}
	return nil
}

func setManagedPolicies(c *Config, v string) error {
	for _, arn := range list(v) {
		if !strings.HasPrefix(arn, "arn:") {
			return fmt.Errorf("%q is not the ARN of a policy; write for example arn:aws:iam::123456789012:policy/mirror", arn)
		}
		c.AWS.ManagedPolicies = append(c.AWS.ManagedPolicies, arn)
	}
	return nil
}

var accountID = regexp.MustCompile(`^\d{12}$`)

func setAllowedAccounts(c *Config, v string) error {
	for _, id := range list(v) {
		if !accountID.MatchString(id) {
			return fmt.Errorf("%q is not the id of an AWS account; write 12 digits", id)
		}
		c.AWS.AllowedAccounts = append(c.AWS.AllowedAccounts, id)
	}
	return nil
}

func setAttempts(c *Config, v string) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		return fmt.Errorf("%q is not a number of attempts; write 1 or more", v)
	}
	c.AWS.MaxAttempts = n
	return nil
}

// list takes apart what is parted by commas, spaces or line breaks.
func list(v string) []string {
	return strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
}

// checkAWS finds credentials that don't go with each other.
func checkAWS(c *Config) error {
	a := c.AWS
	switch {
	case (a.AccessKeyID == "") != (a.SecretAccessKey == ""):
		return fmt.Errorf("%s and %s go together; give both or none", accessKey, secretKey)
	case a.SessionToken != "" && a.AccessKeyID == "":
		return fmt.Errorf("%s goes with %s and %s; give all three", sessionToken, accessKey, secretKey)
	case a.TokenFile != "" && a.AccessKeyID != "":
		return fmt.Errorf("%s and %s are two ways to get in; give one", tokenFile, accessKey)
	case a.ScopeSession && a.InlinePolicy != "":
		return fmt.Errorf("%s and %s are two inline policies, a session has one", scopeSession, inlinePolicy)
	case a.Role != "":
		return nil
	}
	for _, o := range []struct {
		name  string
		given bool
	}{
		{"role-external-id", a.ExternalID != ""}, {"role-chaining", a.Chain}, {inlinePolicy, a.InlinePolicy != ""},
		{"managed-session-policies", len(a.ManagedPolicies) > 0}, {scopeSession, a.ScopeSession}, {tokenFile, a.TokenFile != ""},
	} {
		if o.given {
			return fmt.Errorf("%s is for a role; give %s too", o.name, roleToAssume)
		}
	}
	return nil
}
