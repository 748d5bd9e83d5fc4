# The image of the action, which also runs by itself:
#   docker run IMAGE --source URL --target URL

# A release pins the compiler: --build-arg GO_IMAGE=golang:1.26-bookworm@sha256:…
ARG GO_IMAGE=golang:1.26-bookworm

# The compiler runs on the machine's own architecture and crosses to the
# image's. Builders that don't know BUILDPLATFORM build for themselves.
FROM --platform=${BUILDPLATFORM:-linux} ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION
ARG TARGETARCH
RUN CGO_ENABLED=0 GOOS=linux GOARCH=${TARGETARCH} \
    go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/mirror-git-to-s3 .

# The program is static and writes no files, so it needs nothing around it but
# the certificates of the servers it talks to.
FROM scratch
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="mirror-git-to-s3" \
      org.opencontainers.image.description="Mirrors git repositories into S3 so that plain git clones them from there" \
      org.opencontainers.image.url="https://github.com/mirror-git-to-s3/mirror-git-to-s3" \
      org.opencontainers.image.source="https://github.com/mirror-git-to-s3/mirror-git-to-s3" \
      org.opencontainers.image.documentation="https://github.com/mirror-git-to-s3/mirror-git-to-s3#readme" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/mirror-git-to-s3 /mirror-git-to-s3

# It runs as root because the runner's files, such as GITHUB_OUTPUT and
# GITHUB_STEP_SUMMARY, belong to a user whose number differs between runners.
# Nothing else needs root: --user 65534 --cap-drop ALL --read-only works too.
ENTRYPOINT ["/mirror-git-to-s3"]
