VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unversioned)
LDFLAGS  := -s -w -X main.version=$(VERSION)
PLATFORMS = linux/amd64 linux/arm64 windows/amd64
MAX_MB    = 60
FUZZTIME ?= 5m
DEMO      = bin/demo
ADDRESSES = @ip-location-db/geo-whois-asn-country-mmdb@2.3.2026061719

export CGO_ENABLED = 0

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## the static binary, bin/wardround; needs Go alone
	go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o bin/wardround ./cmd/wardround
	@size=$$(wc -c < bin/wardround); [ $$size -lt $$(($(MAX_MB) * 1000000)) ] || { echo "bin/wardround has $$size bytes; the limit is $(MAX_MB) MB" >&2; exit 1; }

run: build ## make a hospital of 100 servers under attack, examine it, print the answer
	@rm -rf $(DEMO) && mkdir -p $(DEMO)
	./bin/wardround exercise --out $(DEMO)/estate --seed 1 --noise small
	./bin/wardround examine $(DEMO)/estate/collections --inventory $(DEMO)/estate/inventory.csv --changes $(DEMO)/estate/changes.csv --addresses $(DEMO)/estate/addresses.csv --name "Sample hospital" --case $(DEMO)/case

addresses: ## bin/addresses.mmdb, a free database of networks and countries; needs npm
	@command -v npm > /dev/null || { echo "npm is not here: without it bring any mmdb or CSV of addresses and countries, for --addresses" >&2; exit 1; }
	@mkdir -p bin && cd bin && rm -rf addresses.tmp && mkdir addresses.tmp && cd addresses.tmp && \
	npm pack --silent $(ADDRESSES) > /dev/null && tar -xzf *.tgz && mv package/geo-whois-asn-country.mmdb ../addresses.mmdb && cp package/NRO_LICENSE ../addresses.licence && cd .. && rm -rf addresses.tmp
	@echo "bin/addresses.mmdb: $(ADDRESSES), country in which each network is registered"
	@echo "Licence: CC0-1.0; the registries' statistics in it CC BY 4.0, by NRO (nro.net): bin/addresses.licence"
	@echo "Its maker says that this edition holds mistakes and that new ones do not come by npm: it is a hint, and never proof."

test: judges lint cross ## all tests, with the judges of scripts/judges.sh
	WARDROUND_PYTHON=$(CURDIR)/.judges/bin/python go test -count=1 -timeout 18m ./...

check: ## every bar with its figure and its limit; BAR=part of a name for some
	@cd check && go test -tags check -count=1 -timeout 6h -run '^TestBars$$'

bench: ## what examining costs beside hashing, then all benchmarks
	@cd check && go test -tags check -count=1 -timeout 6h -run '^TestSpeed$$'
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

.PHONY: help build run addresses test check bench fuzz clean judges lint cross
