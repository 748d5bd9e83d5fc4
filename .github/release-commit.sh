#!/usr/bin/env bash
# release-commit.sh VERSION IMAGE commits what is checked out with an
# action.yml that runs IMAGE, and tags that VERSION and, like all releases of
# the same major version before it, v1.
set -euo pipefail
version=$1 image=$2

sed -i "s|^  image: Dockerfile\$|  image: docker://$image|" action.yml
grep -q "^  image: docker://$image\$" action.yml
export GIT_AUTHOR_NAME=release GIT_AUTHOR_EMAIL=release@users.noreply.github.com
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
git checkout --quiet --detach
git commit --quiet --message "$version" action.yml
git tag "$version"
git tag --force "${version%%.*}" >/dev/null
