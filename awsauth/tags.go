package awsauth

import (
	"regexp"

	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// The values that session tags can have
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html).
var notInTag = regexp.MustCompile(`[^\p{L}\p{Z}\p{N}_.:/=+\-@]`)

const maxTagValue = 256

// sessionTags tell of the workflow: in CloudTrail, and for policies. They are
// those of configure-aws-credentials. Outside a job there are none.
func sessionTags(getenv func(string) string) []types.Tag {
	if getenv("GITHUB_ACTIONS") != "true" {
		return nil
	}
	tags := []types.Tag{tag("GitHub", "Actions")}
	for _, t := range []struct{ key, variable string }{
		{"Repository", "GITHUB_REPOSITORY"},
		{"Workflow", "GITHUB_WORKFLOW"},
		{"Action", "GITHUB_ACTION"},
		{"Actor", "GITHUB_ACTOR"},
		{"Commit", "GITHUB_SHA"},
		{"Branch", "GITHUB_REF"},
	} {
		if v := getenv(t.variable); v != "" {
			tags = append(tags, tag(t.key, v))
		}
	}
	return tags
}

func tag(key, value string) types.Tag {
	value = notInTag.ReplaceAllString(value, "_")
	if r := []rune(value); len(r) > maxTagValue {
		value = string(r[:maxTagValue])
	}
	return types.Tag{Key: &key, Value: &value}
}
