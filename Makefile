# make test and make demo need Go, git and the Go module proxy; what else they
# need they install into .tools/.

TOOLS := $(CURDIR)/.tools/bin
FUZZTIME ?= 10m
SOURCE ?=
REPO ?=
ROUNDS ?= 5

# Everything is pure Go, but for the race detector.
export CGO_ENABLED := 0

.PHONY: all build tools lint-tools strace test test-slow test-race fuzz lint bench demo clean

all: build

build:
	go build -trimpath -o mirror-git-to-s3 .

# install PROGRAM, MODULE, VERSION, PACKAGE: unless that version is there.
define install
	@go version -m $(TOOLS)/$(1) 2>/dev/null | grep -q "mod[[:space:]]*$(2)[[:space:]]*$(3)" || \
		{ echo "installing $(1) $(3)"; GOBIN=$(TOOLS) GOFLAGS= go install $(4)@$(3); }
endef

# Servers and clients that tests run.
tools:
	$(call install,versitygw,github.com/versity/versitygw,v1.8.0,github.com/versity/versitygw/cmd/versitygw)
	$(call install,git-lfs,github.com/git-lfs/git-lfs/v3,v3.8.1,github.com/git-lfs/git-lfs/v3)

lint-tools:
	$(call install,staticcheck,honnef.co/go/tools,v0.8.2,honnef.co/go/tools/cmd/staticcheck)
	$(call install,govulncheck,golang.org/x/vuln,v1.9.0,golang.org/x/vuln/cmd/govulncheck)

# strace shows the memory test which files are opened; without it the test
# looks at those that stay open.
strace:
	@command -v strace >/dev/null || { \
		[ "$$(id -u)" = 0 ] || sudo="sudo -n"; \
		echo "installing strace"; \
		{ $$sudo apt-get update -qq && $$sudo apt-get install -y -qq --no-install-recommends strace; } >/dev/null 2>&1 || \
		echo "strace cannot be installed"; }

test: tools strace
	go test -timeout 30m ./... </dev/null

# The slow tests too, among them LFS objects of several GiB. REPO=PATH takes a
# real repository for the memory test.
test-slow: tools strace
	MIRROR_REPO="$(REPO)" go test -tags slow -timeout 120m -count 1 ./... </dev/null

# With the race detector, the built program of the end-to-end tests too. It
# needs a C compiler and more memory than the memory test allows.
test-race: tools
	CGO_ENABLED=1 go test -race -timeout 60m -skip '^TestMemory$$' ./... </dev/null

# Each fuzz target for FUZZTIME.
fuzz: tools
	@set -e; for file in $$(grep -rl --include='*_test.go' '^func Fuzz' .); do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$file); do \
			echo "$$(dirname $$file) $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$(dirname $$file); \
		done; done

lint: lint-tools
	@unformatted=$$(find . -name '*.go' -not -path './.tools/*' -exec gofmt -l {} +); \
		[ -z "$$unformatted" ] || { echo "gofmt would change: $$unformatted"; exit 1; }
	go vet ./...
	go vet -tags slow,container ./...
	$(TOOLS)/staticcheck -tags slow,container ./...
	@echo govulncheck ./...; out=$$($(TOOLS)/govulncheck ./... 2>&1) && echo "$$out" || { \
		code=$$?; echo "$$out"; \
		case "$$out" in *"fetching vulnerabilities"*) \
			echo "the vulnerability database cannot be reached: govulncheck is left out";; \
		*) exit $$code;; esac; }

bench: build tools
	go run ./bench -program ./mirror-git-to-s3 -rounds $(ROUNDS) -repo "$(REPO)"

demo: build tools
	go run ./e2e/demo -program ./mirror-git-to-s3 -source "$(SOURCE)"

clean:
	rm -rf mirror-git-to-s3 dist .tools

-include container.mk
