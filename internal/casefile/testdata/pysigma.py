"""Reads all rules below a folder with pySigma, follows references, parses conditions, and prints what it finds wrong."""
import sys

try:
    from sigma.collection import SigmaCollection
    from sigma.correlations import SigmaCorrelationRule
except ImportError:
    sys.exit("no pySigma")

rules = SigmaCollection.load_ruleset([sys.argv[1]], collect_errors=True)
for rule in rules.rules:
    for error in rule.errors:
        print(f"{rule.source}: {error}")
    if not isinstance(rule, SigmaCorrelationRule):
        for condition in rule.detection.parsed_condition:
            try:
                condition.parsed
            except Exception as error:
                print(f"{rule.source}: {rule.title}: {error}")
for error in rules.errors:
    print(error)
try:
    rules.resolve_rule_references()
except Exception as error:
    print(error)
print(len(rules.rules), file=sys.stderr)
