# The image and the action, tested as users run them (e2e/container).

ACT_VERSION := v0.2.89
# The last version of MinIO that its module has; it verifies OIDC tokens, which
# versitygw doesn't. AGPL: only ever run by tests.
MINIO_VERSION := v0.0.0-20260212201848-7aac2a2c5b7c

.PHONY: container-tools test-container

# docker.io has the engine; busybox-static fills the images made here.
container-tools: tools
	@for p in docker.io:dockerd busybox-static:busybox; do \
		command -v $${p#*:} >/dev/null || missing="$$missing $${p%:*}"; done; \
		[ -z "$$missing" ] || { echo "installing$$missing"; \
		{ apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing; } >/dev/null; }
	$(call install,act,github.com/nektos/act,$(ACT_VERSION),github.com/nektos/act)
	$(call install,minio,github.com/minio/minio,$(MINIO_VERSION),github.com/minio/minio)

test-container: container-tools
	go test -tags container -timeout 30m -count 1 ./e2e/container </dev/null
