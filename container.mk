# The image and the action, tested as users run them (e2e/container), and the
# workflows.

ACT_VERSION := v0.2.89
ACTIONLINT_VERSION := v1.7.12
# MinIO verifies OIDC tokens, which versitygw doesn't. AGPL: tests only run it.
MINIO_VERSION := v0.0.0-20260212201848-7aac2a2c5b7c

# The engine needs root; what isn't root borrows it for the tests alone.
AS_ROOT := $(if $(filter-out 0,$(shell id -u)),sudo -n env "PATH=$$PATH" "HOME=$$HOME")

.PHONY: container-tools test-container lint-workflows

# docker.io has the engine; busybox-static is in the images that are made here.
container-tools: tools
	@for p in docker.io:dockerd busybox-static:busybox; do \
		command -v $${p#*:} >/dev/null || missing="$$missing $${p%:*}"; done; \
		[ -z "$$missing" ] || { [ "$$(id -u)" = 0 ] || sudo="sudo -n"; echo "installing$$missing"; \
		{ $$sudo apt-get update -qq && $$sudo apt-get install -y -qq --no-install-recommends $$missing; } >/dev/null; }
	$(call install,act,github.com/nektos/act,$(ACT_VERSION),github.com/nektos/act)
	$(call install,minio,github.com/minio/minio,$(MINIO_VERSION),github.com/minio/minio)

test-container: container-tools
	go test -c -tags container -o .tools/container.test ./e2e/container
	cd e2e/container && $(AS_ROOT) ../../.tools/container.test -test.timeout 30m </dev/null

lint: lint-workflows

# The project's workflows, and those that the documentation shows.
lint-workflows: lint-tools
	$(call install,actionlint,github.com/rhysd/actionlint,$(ACTIONLINT_VERSION),github.com/rhysd/actionlint/cmd/actionlint)
	@rm -rf .tools/workflows && mkdir -p .tools/workflows
	@for f in README.md docs/*.md; do \
		awk -v to=".tools/workflows/$$(basename $$f .md)" \
			'/^```ya?ml$$/ { n++; inside = 1; next } /^```$$/ { inside = 0 } inside { print > (to "-" n ".yml") }' $$f; done
	$(TOOLS)/actionlint .github/workflows/*.yml $$(grep -l '^on:' .tools/workflows/*.yml)
	go vet -tags container ./e2e/container
	$(TOOLS)/staticcheck -tags container ./e2e/container
