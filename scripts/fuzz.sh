#!/usr/bin/env bash
# Runs every fuzz test of the module for $FUZZTIME each. Ends with the first failure; its input lies in testdata/fuzz of
# the package, where it stays as a seed.
set -eu
cd "$(dirname "$0")/.."
for package in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "fuzz: $package $target, ${FUZZTIME:-5m}"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-5m}" -fuzzminimizetime 5s "$package"
	done
done
