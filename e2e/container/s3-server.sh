#!/usr/bin/env bash
# s3-server.sh ADDRESS BUCKET DIR starts versitygw with a bucket that everybody
# can read, and returns when it answers. The keys are AWS_ACCESS_KEY_ID and
# AWS_SECRET_ACCESS_KEY. It prints the server's process id.
set -euo pipefail
address=$1 bucket=$2 dir=$3
cd "$(dirname "$0")/../.."

make tools >&2
mkdir -p "$dir/buckets/$bucket" "$dir/metadata"
export ROOT_ACCESS_KEY=$AWS_ACCESS_KEY_ID ROOT_SECRET_KEY=$AWS_SECRET_ACCESS_KEY
.tools/bin/versitygw --port "$address" --region "$AWS_REGION" --quiet \
	posix --sidecar "$dir/metadata" "$dir/buckets" >"$dir/log" 2>&1 </dev/null &
pid=$!

policy='{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::'$bucket'/*"},
	{"Effect":"Allow","Principal":"*","Action":"s3:ListBucket","Resource":"arn:aws:s3:::'$bucket'"}]}'
hash=$(printf %s "$policy" | sha256sum | cut -d ' ' -f 1)
if ! curl --silent --show-error --fail-with-body --retry 60 --retry-delay 1 --retry-connrefused \
	--aws-sigv4 "aws:amz:$AWS_REGION:s3" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
	--header "x-amz-content-sha256: $hash" --request PUT --data-binary "$policy" "http://$address/$bucket?policy=" >&2; then
	cat "$dir/log" >&2
	kill "$pid"
	exit 1
fi
echo "$pid"
