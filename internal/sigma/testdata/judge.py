"""Asks pySigma what it makes of Sigma rules.

Reads JSON lines {"name", "path" or "text"} and answers each with {"name", "error"} or {"name", "trees"}: the conditions
of every detection of the file in a form that judge_test.go can compare with its own.
"""

import json
import sys

try:
    import re2  # noqa: F401  pySigma's engine; it must not be loaded late
    from sigma import conditions as c
    from sigma import types as t
    from sigma.collection import SigmaCollection
    from sigma.rule import SigmaRule
except ImportError as e:
    sys.exit(f"no pySigma 2: {e}")


def text(s):
    """Parts of a string: a text as ["…"], wildcards as "*" and "?"."""
    out = []
    for part in s.s:
        if part is t.SpecialChars.WILDCARD_MULTI:
            out.append("*")
        elif part is t.SpecialChars.WILDCARD_SINGLE:
            out.append("?")
        elif isinstance(part, t.Placeholder):
            out.append({"placeholder": part.name})
        else:
            out.append([part])
    return out


def value(field, v):
    leaf = {"field": field or ""}
    if isinstance(v, t.SigmaExpansion):
        return ["or"] + [value(field, e) for e in v.values]
    if isinstance(v, t.SigmaString):
        leaf["like"] = text(v)
        leaf["cased"] = isinstance(v, t.SigmaCasedString)
    elif isinstance(v, t.SigmaTimestampPart):
        leaf["time"] = [v.timestamp_part.name.lower(), v.number]
    elif isinstance(v, t.SigmaNumber):
        leaf["like"] = [[str(v.number)]]
        leaf["cased"] = False
    elif isinstance(v, t.SigmaBool):
        leaf["like"] = [[str(v.boolean).lower()]]
        leaf["cased"] = False
    elif isinstance(v, t.SigmaNull):
        leaf["null"] = True
    elif isinstance(v, t.SigmaExists):
        leaf["exists"] = bool(v)
    elif isinstance(v, t.SigmaRegularExpression):
        leaf["re"] = v.regexp.to_plain_regex() if isinstance(v.regexp, t.SigmaString) else str(v.regexp)
        leaf["flags"] = sorted(v.sigma_to_re_flag[f] for f in v.flags)
    elif isinstance(v, t.SigmaCIDRExpression):
        leaf["net"] = str(v.network)
    elif isinstance(v, t.SigmaCompareExpression):
        leaf["compare"] = [v.op.name.lower(), float(v.number.number)]
    elif isinstance(v, t.SigmaFieldReference):
        leaf["ref"] = [v.field, v.starts_with, v.ends_with]
    else:
        leaf["unknown"] = type(v).__name__
    return leaf


def tree(e):
    if isinstance(e, c.ConditionFieldEqualsValueExpression):
        return value(e.field, e.value)
    if isinstance(e, c.ConditionValueExpression):
        return value(None, e.value)
    word = {c.ConditionAND: "and", c.ConditionOR: "or", c.ConditionNOT: "not"}[type(e)]
    return [word] + [tree(a) for a in e.args]


def judge(source):
    trees = []
    for rule in SigmaCollection.from_yaml(source).rules:
        if isinstance(rule, SigmaRule):
            trees.append(["or"] + [tree(k.parse()) for k in rule.detection.parsed_condition])
    return trees


def main():
    sys.setrecursionlimit(20000)
    for line in sys.stdin:
        q = json.loads(line)
        answer = {"name": q["name"]}
        try:
            if "path" in q:
                with open(q["path"], encoding="utf-8") as f:
                    answer["trees"] = judge(f.read())
            else:
                answer["trees"] = judge(q["text"])
        except Exception as e:  # whatever pySigma raises is its verdict
            answer["error"] = f"{type(e).__name__}: {e}"
        print(json.dumps(answer))


main()
