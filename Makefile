VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unversioned)
LDFLAGS  := -s -w -X main.version=$(VERSION)
PLATFORMS = linux/amd64 linux/arm64 windows/amd64
MAX_MB    = 60
FUZZTIME ?= 5m
DEMO      = bin/demo

export CGO_ENABLED = 0

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-6s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## the static binary, bin/wardround; needs Go alone
	go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o bin/wardround ./cmd/wardround
	@size=$$(wc -c < bin/wardround); [ $$size -lt $$(($(MAX_MB) * 1000000)) ] || { echo "bin/wardround has $$size bytes; the limit is $(MAX_MB) MB" >&2; exit 1; }

run: build ## make a hospital of 100 servers under attack, examine it, print the answer
	@rm -rf $(DEMO) && mkdir -p $(DEMO)
	./bin/wardround exercise --out $(DEMO)/estate --seed 1 --noise small
	./bin/wardround examine $(DEMO)/estate/collections --inventory $(DEMO)/estate/inventory.csv --changes $(DEMO)/estate/changes.csv --name "Sample hospital" --case $(DEMO)/case

test: judges lint cross ## all tests, with the judges of scripts/judges.sh
	WARDROUND_PYTHON=$(CURDIR)/.judges/bin/python go test -count=1 -timeout 18m ./...

check: ## every bar with its figure and its limit
	go test -tags check -count=1 -timeout 60m -run '^TestBars$$' ./check -v

bench: ## all benchmarks
	go test -run '^$$' -bench . -benchmem ./...

fuzz: ## every fuzz test for FUZZTIME (default 5m) each
	FUZZTIME=$(FUZZTIME) scripts/fuzz.sh

clean: ## remove what the other verbs made
	rm -rf bin .judges

judges:
	@scripts/judges.sh

lint:
	@unformatted=$$(git ls-files -co --exclude-standard '*.go' | xargs -r gofmt -l); [ -z "$$unformatted" ] || { echo "gofmt: $$unformatted" >&2; exit 1; }
	go vet ./...
	go vet -tags check ./check

cross:
	@for p in $(PLATFORMS); do echo "build for $$p"; GOOS=$${p%/*} GOARCH=$${p#*/} go build -trimpath -o /dev/null ./... || exit 1; done

.PHONY: help build run test check bench fuzz clean judges lint cross
