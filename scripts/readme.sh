#!/usr/bin/env bash
# Puts real output into README.md: what `make run` prints last, and a finding of that case. Run it after `make run`.
set -eu
cd "$(dirname "$0")/.."
part() { # part NAME: replaces what stands between <!-- NAME --> and <!-- end --> by standard input
	awk -v name="<!-- $1 -->" -v new="$(cat)" '
		$0 == name { print; print "```"; print new; print "```"; skip = 1; next }
		$0 == "<!-- end -->" { skip = 0 }
		!skip' README.md >README.new && mv README.new README.md
}
./bin/wardround report --case bin/demo/case --form text | part run
python3 - bin/demo/case/findings.jsonl <<'P' | part finding
import json, sys
for line in open(sys.argv[1]):
    f = json.loads(line)
    if f["class"] == "A" and len(f["at"]) == 1 and "CommandLine" in f["fields"]:
        break
print(json.dumps({k: f[k] for k in ("id", "time", "server", "class")}))
print(json.dumps({"rule": f["rule"]["title"], "author": f["rule"]["author"]}))
print(json.dumps(f["at"][0]))
print(json.dumps({k: v[:120] for k, v in f["fields"].items() if k in ("Image", "ParentImage", "CommandLine", "User")}))
P
