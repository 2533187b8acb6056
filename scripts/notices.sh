#!/usr/bin/env bash
# Writes THIRD-PARTY.md: what of others' work the binary holds, with their licences as they wrote them.
set -eu
cd "$(dirname "$0")/.."
{
	cat <<'T'
# Third parties

What of others' work is in the binary, with its licence. `scripts/notices.sh` writes this page.

## MITRE ATT&CK
`internal/report/attack.txt`: numbers, names and tactics of techniques, version 17. © 2025 The MITRE Corporation. This work is reproduced and distributed with the permission of The MITRE Corporation.

## Time zones
The IANA time zone database, by way of Go's `time/tzdata`: public domain.
T
	printf '\n## Go, runtime and standard library\n```\n'
	cat "$(go env GOROOT)/LICENSE"
	printf '```\n'
	CGO_ENABLED=0 go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/wardround | sort -u |
		while read -r path version dir; do
			printf '\n## %s %s\n```\n' "$path" "$version"
			for f in "$dir"/LICENSE* "$dir"/LICENCE* "$dir"/COPYING* "$dir"/NOTICE*; do [ -f "$f" ] && cat "$f"; done
			printf '```\n'
		done
} >THIRD-PARTY.md
