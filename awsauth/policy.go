package awsauth

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// maxPolicy is how many characters a session policy can have
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html).
const maxPolicy = 2048

// statement is one of an IAM policy.
type statement struct {
	Effect    string
	Action    []string
	Resource  []string
	Condition map[string]map[string][]string `json:",omitempty"`
}

// scopePolicy returns a session policy that allows what a mirror needs at its
// places, and nothing else. It can't add to what the role allows.
func scopePolicy(role string, places []Place) (string, error) {
	partition, isAWS := partitionOf(role)
	arn := "arn:" + partition + ":s3:::"
	objects := statement{Effect: "Allow", Action: []string{
		"s3:GetObject", "s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject", "s3:AbortMultipartUpload",
	}}
	list := statement{Effect: "Allow", Action: []string{"s3:ListBucketMultipartUploads"}}
	prefixes := map[string][]string{}
	for _, p := range places {
		below := strings.TrimPrefix(literal.Replace(p.Prefix)+"/*", "/")
		objects.Resource = append(objects.Resource, arn+p.Bucket+"/"+below)
		if _, seen := prefixes[p.Bucket]; !seen {
			list.Resource = append(list.Resource, arn+p.Bucket)
		}
		prefixes[p.Bucket] = append(prefixes[p.Bucket], below)
	}
	statements := []statement{objects, list}
	for _, bucket := range list.Resource {
		statements = append(statements, statement{
			Effect: "Allow", Action: []string{"s3:ListBucket"}, Resource: []string{bucket},
			// IfExists, because S3 also looks whether s3:ListBucket is allowed,
			// and then of no prefix, to answer 404 instead of 403 for a missing
			// object.
			Condition: map[string]map[string][]string{"StringLikeIfExists": {"s3:prefix": prefixes[strings.TrimPrefix(bucket, arn)]}},
		})
	}
	if isAWS { // for buckets encrypted with keys
		statements = append(statements, statement{
			Effect: "Allow", Action: []string{"kms:GenerateDataKey", "kms:Decrypt"}, Resource: []string{"*"},
			Condition: map[string]map[string][]string{"StringLike": {"kms:ViaService": {"s3.*"}}},
		})
	}
	policy, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err == nil && len(policy) > maxPolicy {
		err = fmt.Errorf("scope-session: the policy for %d targets has %d characters, AWS takes %d; mirror fewer at once, or use shard", len(places), len(policy), maxPolicy)
	}
	return string(policy), err
}

// literal writes what policies would take for wildcards or variables
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html).
var literal = strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}")

// partitionOf returns the partition of AWS that a role is in, and whether it is
// one: other stores have role ARNs of their own, and buckets as AWS has them.
func partitionOf(role string) (string, bool) {
	parts := strings.Split(role, ":")
	partitions := []string{"aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-eusc"}
	if len(parts) > 1 && slices.Contains(partitions, parts[1]) {
		return parts[1], true
	}
	return "aws", false
}
