#!/usr/bin/env python3
"""engine.py runs Sigma rules over Windows event logs by tools of others, and tells what hits.

    engine.py RULES FILE...

prints a line for each hit, `file TAB EventRecordID TAB rule id`, and for each rule that could not be converted
`! TAB rule id TAB why`. The parts are PyPI's: `evtx` (Rust) reads the logs, pySigma with its sqlite backend and its
Windows pipelines (sysmon, logsource, audit) turns rules into SQL, sqlite answers. Zircolite is built of the same parts.
Of our own is only what joins them, here: each value of System, EventData and UserData is a column under its name.
"""
import functools
import glob
import json
import os
import re
import sqlite3
import sys

import yaml
from evtx import PyEvtxParser
from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection
from sigma.pipelines.sysmon import sysmon_pipeline
from sigma.pipelines.windows import windows_audit_pipeline, windows_logsource_pipeline

ALL = "EverythingThatIsSaid"  # column that rules of keywords look into


def main():
    rules, files = sys.argv[1], sys.argv[2:]
    sys.stdout.reconfigure(encoding="utf-8", errors="replace", newline="\n")
    logs = Logs()
    for path in files:
        for r in PyEvtxParser(path).records_json():
            logs.add(path, r["event_record_id"], json.loads(r["data"])["Event"])
    logs.load()
    for path in sorted(glob.glob(os.path.join(rules, "**", "*.yml"), recursive=True)):
        with open(path, encoding="utf-8") as f:
            docs = [d for d in yaml.safe_load_all(f) if d]
        for doc in docs:
            if "detection" not in doc or doc["logsource"].get("product") != "windows":
                continue
            seen = set()
            try:
                for pipeline in pipelines(doc["logsource"]):
                    for query in sqliteBackend(pipeline(), fulltext_field=ALL).convert(SigmaCollection.from_dicts([doc])):
                        seen.update(logs.ask(query))
            except Exception as e:
                print("!", doc["id"], " ".join(("%s: %s" % (type(e).__name__, e)).split())[:300], sep="\t")
            for file, number in sorted(seen):
                print(file, number, doc["id"], sep="\t")


def pipelines(source):
    """A process start is asked of Sysmon and of the Security log."""
    yield lambda: sysmon_pipeline() + windows_logsource_pipeline()
    if source.get("category") == "process_creation":
        yield windows_audit_pipeline


class Logs:
    """One table of all events. Sigma's equality knows no capitals and SQL's does, so columns fold them."""

    def __init__(self):
        self.rows, self.columns = [], {"@file", "@number"}

    def add(self, file, number, e):
        row = {"@file": file, "@number": number}

        def put(name, v):
            if isinstance(v, dict):
                for k, x in v.items():
                    if k == "#attributes":
                        for a, y in x.items():
                            put(name + "_" + a, y)
                    else:
                        put(name if k == "#text" else k, x)
            elif v is not None and ":" not in name and not name.endswith("_xmlns"):
                if isinstance(v, list):
                    v = "\n".join(str(x) for x in v)
                row.setdefault(name.lower(), str(v).lower() if isinstance(v, bool) else v)

        for name, v in (e.get("System") or {}).items():
            put(name, v)
        body = dict(e.get("EventData") or {})
        for inner in (e.get("UserData") or {}).values():
            body.update(inner if isinstance(inner, dict) else {})
        for name, v in body.items():
            if not name.startswith("#"):
                put("UserData_" + name if name.lower() in row else name, v)
        row[ALL.lower()] = "\n".join(str(v) for k, v in row.items() if not k.startswith("@"))
        self.columns.update(row)
        self.rows.append(row)

    def load(self):
        self.db = sqlite3.connect(":memory:")
        self.db.create_function("regexp", 2, matches, deterministic=True)
        names = sorted(self.columns)
        self.db.execute("CREATE TABLE logs (%s)" % ", ".join('"%s" COLLATE NOCASE' % n for n in names))
        insert = "INSERT INTO logs VALUES (%s)" % ",".join("?" * len(names))
        self.db.executemany(insert, ([r.get(n) for n in names] for r in self.rows))
        self.db.execute('CREATE INDEX source ON logs ("channel", "eventid")')
        self.db.execute("ANALYZE")

    def ask(self, query):
        query = query.replace("SELECT * FROM", 'SELECT "@file", "@number" FROM', 1)
        while True:
            try:
                return self.db.execute(query).fetchall()
            except sqlite3.OperationalError as e:
                missing = re.search(r'no such column: "?([^"]+)"?$', str(e))
                if not missing or missing[1].lower() in self.columns:
                    raise
                self.columns.add(missing[1].lower())
                self.db.execute('ALTER TABLE logs ADD COLUMN "%s" COLLATE NOCASE' % missing[1])


@functools.lru_cache(maxsize=None)
def compiled(pattern):
    return re.compile(pattern)


def matches(pattern, value):
    return value is not None and compiled(pattern).search(str(value)) is not None


if __name__ == "__main__":
    main()
