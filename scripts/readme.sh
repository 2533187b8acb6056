#!/usr/bin/env bash
# Puts real output into README.md: what `make run` prints last, and a finding of that case. Run it after `make run`.
set -eu
cd "$(dirname "$0")/.."
part() { # part NAME: replaces what stands between <!-- NAME --> and <!-- end --> by standard input
	new="$(cat)" awk -v name="<!-- $1 -->" '
		$0 == name { print; print "```"; print ENVIRON["new"]; print "```"; skip = 1; next }
		$0 == "<!-- end -->" { skip = 0 }
		!skip' README.md >README.new && mv README.new README.md
}
./bin/wardround report --case bin/demo/case --form text | part run
python3 - bin/demo/case/findings.jsonl <<'P' | part finding
import json, sys
shown = ("Image", "ParentImage", "CommandLine", "User", "ServiceName", "ImagePath", "TargetUserName", "IpAddress")
findings = [json.loads(line) for line in open(sys.argv[1])]
f = max(findings, key=lambda f: (len(f["at"]) == 1, sum(n in f["fields"] for n in shown), f["class"] == "A"))  # of equals the first
print(json.dumps({k: f[k] for k in ("id", "time", "server", "class")}))
print(json.dumps({"rule": f["rule"]["title"], "author": f["rule"]["author"]}))
print(json.dumps(f["at"][0]))
print(json.dumps({k: v[:120] for k, v in f["fields"].items() if k in shown}))
P
