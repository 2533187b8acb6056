package sigma

import (
	"fmt"
	"strings"
	"testing"
)

// rule is a rule with a detection; its lines are indented here.
func rule(detection string) string {
	return meta("logsource: {product: windows}", "detection:\n    "+strings.ReplaceAll(detection, "\n", "\n    "))
}

// meta is a rule document with a title and the lines given.
func meta(lines ...string) string {
	return "title: Case\n" + strings.Join(lines, "\n") + "\n"
}

// sel is a rule with one selection.
func sel(lines string) string {
	return rule("sel:\n    " + strings.ReplaceAll(lines, "\n", "\n    ") + "\ncondition: sel")
}

// cond is a rule with selections a, b, _c and a condition.
func cond(condition string) string {
	return rule("a: {A: 1}\nb: {B: 2}\n_c: {C: 3}\ncondition: " + condition)
}

const base = "\n---\ntitle: Base\nname: base\nid: 11111111-1111-4111-8111-111111111111\nlogsource: {product: windows}\ndetection: {s: {A: 1}, condition: s}\n" +
	"---\ntitle: Other\nname: other\nlogsource: {product: linux, service: auth}\ndetection: {s: {A: 2}, condition: s}\n"

// corr is a correlation with base rules beside it.
func corr(lines string) string {
	return meta("correlation:\n    "+strings.ReplaceAll(lines, "\n", "\n    ")) + base
}

// filt is a filter with base rules beside it.
func filt(lines string) string {
	return meta("logsource: {product: windows}", "filter:\n    "+strings.ReplaceAll(lines, "\n", "\n    ")) + base
}

// cases are valid and invalid rules. why is a part of the problem, "" if there is none; with kept the rule is used all
// the same. differs is why pySigma sees it otherwise: "" means that it agrees.
var cases = []struct {
	name    string
	text    string
	why     string
	kept    bool
	differs string
}{
	// Modifiers
	{"unknown modifier", sel("Image|has: x"), `unknown modifier "has"`, false, ""},
	{"modifier in capitals", sel("Image|Contains: x"), `unknown modifier "Contains"`, false, ""},
	{"re after contains", sel("Image|contains|re: x"), "re must be the first", false, ""},
	{"contains after re", sel("Image|re|contains: x"), "", false, "pySigma writes .* around the expression; we seek it anywhere as it is"},
	{"flag without re", sel("Image|i: x"), "i is for a regular expression, not for a text", false, ""},
	{"all flags", sel("Image|re|i|m|s: x.$"), "", false, ""},
	{"all after re", sel("Image|re|all: [x, y]"), "", false, ""},
	{"all before re", sel("Image|all|re: [x, y]"), "re must be the first", false, ""},
	{"neq after re", sel("Image|re|neq: x"), "", false, ""},
	{"broken expression", sel("Image|re: 'a('"), "missing closing )", false, ""},
	{"lookahead", sel("Image|re: '^(?!x)'"), "a lookahead", false, ""},
	{"lookbehind", sel("Image|re: '(?<=x)y'"), "a lookbehind", false, ""},
	{"backreference", sel(`Image|re: '(a)\1'`), "a backreference", false, ""},
	{"possessive quantifier", sel("Image|re: 'a++'"), "a possessive quantifier", false, ""},
	{"escape that only PCRE has", sel(`Image|re: 'a\h+b'`), "", false, `the specification names PCRE; \h is [\t\p{Zs}], which RE2 has no letter for`},
	{"expression of null", sel("Image|re: null"), "re is for a text or a number, not for null", false, "pySigma takes it for the expression None"},
	{"expression of a number", sel("Image|re: 12"), "", false, ""},
	{"cidr with host bits", sel("Ip|cidr: 10.0.0.1/8"), "the network is 10.0.0.0/8", false, ""},
	{"cidr with wildcard", sel("Ip|cidr: 10.0.*"), "not a network", false, ""},
	{"cidr version 6", sel("Ip|cidr: [fe80::/10, '::1/128', fc00::/7]"), "", false, ""},
	{"cidr of one address", sel("Ip|cidr: 10.1.2.3"), "", false, ""},
	{"cidr with netmask", sel("Ip|cidr: 10.0.0.0/255.0.0.0"), "not a network", false, "a netmask is not CIDR notation; Python reads both"},
	{"cidr after contains", sel("Ip|contains|cidr: 10.0.0.0/8"), "cidr must be the first", false, ""},
	{"cidr of a number", sel("Ip|cidr: 10"), "cidr is for a text, not for a number", false, ""},
	{"base64 with wildcard", sel("A|base64: 'foo*'"), "no Base64 form", false, ""},
	{"base64 after contains", sel("A|contains|base64: foo"), "no Base64 form", false, ""},
	{"base64 of an escaped star", sel(`A|base64: 'a\*b'`), "", false, ""},
	{"base64 of a number", sel("A|base64: 1"), "base64 is for a text", false, ""},
	{"base64 twice", sel("A|base64|base64: foo"), "", false, ""},
	{"base64offset", sel("A|base64offset|contains: /bin/bash"), "", false, ""},
	{"base64offset and all", sel("A|base64offset|contains|all: [foo, barr]"), "", false, ""},
	{"base64offset beyond ASCII", sel("A|base64offset|contains: dépôt"), "", false, ""},
	{"base64offset of one byte", sel("A|base64offset|contains: a"), "two bytes or more", false, "of one byte one offset keeps nothing, and pySigma seeks the empty text, which is everywhere"},
	{"wide and base64offset", sel("A|wide|base64offset|contains: ping"), "", false, ""},
	{"utf16 and base64", sel("A|utf16|base64: ping"), "", false, ""},
	{"utf16be", sel("A|utf16be: ping"), "", false, ""},
	{"utf16 alone", sel("A|utf16: ping"), "", false, ""},
	{"utf16le", sel("A|utf16le: ping"), "", false, "in the specification's appendix, not in pySigma"},
	{"wide with wildcard", sel("A|wide: 'pi*ng?'"), "", false, ""},
	{"wide beyond ASCII", sel("A|wide: é"), "not ASCII", false, ""},
	{"wide beyond ASCII and base64", sel("A|wide|base64offset|contains: éé"), "", false, "pySigma keeps encoded text as Unicode text, which not all UTF-16 is; Base64 needs only bytes"},
	{"windash", sel("A|windash|contains: ' -f '"), "", false, ""},
	{"windash after contains", sel("A|contains|windash: ['-f', /s]"), "", false, ""},
	{"windash and all", sel("A|windash|contains|all: [' -f ', ' /s ']"), "", false, ""},
	{"windash within words", sel("A|windash|contains: ' a-b/c --long'"), "", false, ""},
	{"windash with an en dash", sel("A|windash: –f"), "", false, "the specification exchanges all five dashes for one another; pySigma only reads - and /"},
	{"windash without dash", sel("A|windash: foo"), "", false, ""},
	{"windash of three", sel("A|windash: '-a -b -c'"), "", false, ""},
	{"windash of four", sel("A|windash: '-a -b -c -d'"), "at most 3 dashes", false, ""},
	{"windash of a number", sel("A|windash: -1"), "windash is for a text", false, ""},
	{"lt of text", sel("A|lt: ten"), "lt is for a number", false, ""},
	{"lt of a quoted number", sel("A|lt: '10'"), "lt is for a number", false, ""},
	{"comparisons", sel("A|lt: 1\nB|lte: 2.5\nC|gt: -3\nD|gte: 4"), "", false, ""},
	{"gt of infinity", sel("A|gt: .inf"), "not a number that can be compared", false, ""},
	{"contains of a number", sel("A|contains: 46"), "", false, "the specification applies contains, startswith and endswith to all types"},
	{"contains of null", sel("A|contains: null"), "not for null", false, ""},
	{"contains of true", sel("A|contains: true"), "not for true or false", false, ""},
	{"cased", sel("A|cased: Foo\nB|contains|cased: Bar\nC|cased|endswith: Baz"), "", false, ""},
	{"cased number", sel("A|cased: 4"), "", false, "the specification applies cased to all types"},
	{"cased expression", sel("A|re|cased: x"), "cased is for", false, ""},
	{"fieldref", sel("A|fieldref: B\nC|fieldref|startswith: D\nE|fieldref|endswith: F\nG|fieldref|contains: H"), "", false, ""},
	{"fieldref and neq", sel("A|fieldref|neq: B"), "", false, ""},
	{"fieldref with wildcard", sel("A|fieldref: 'B*'"), "without wildcards", false, ""},
	{"fieldref after startswith", sel("A|startswith|fieldref: B"), "without wildcards", false, ""},
	{"fieldref without field", sel("'|fieldref': B"), "needs the name of a field", false, "pySigma leaves this to what it converts for"},
	{"exists", sel("A|exists: true\nB|exists: no"), "", false, ""},
	{"exists of text", sel("A|exists: 'true'"), "exists is for true or false", false, ""},
	{"exists of a number", sel("A|exists: 1"), "exists is for true or false", false, ""},
	{"exists after all", sel("A|all|exists: true"), "exists must be the first", false, ""},
	{"exists without field", sel("'|exists': true"), "needs the name of a field", false, ""},
	{"parts of a time", sel("A|minute: 1\nB|hour: 2\nC|day: 3\nD|week: 4\nE|month: 5\nF|year: 2022"), "", false, ""},
	{"hour and gte", sel("A|hour|gte: 22"), "", false, "pySigma has one comparison; we spell out hours 22 and 23"},
	{"gte and hour", sel("A|gte|hour: 22"), "hour is for a number, not for a comparison", false, ""},
	{"hour 25", sel("A|hour: 25"), "from 0 to 23", false, "the appendix gives the range, pySigma does not check it"},
	{"hour of text", sel("A|hour: noon"), "hour is for a number", false, ""},
	{"neq", sel("A|neq: [1, 2]\nB|contains|neq: x\nC|contains|all|neq: [x, y]"), "", false, ""},
	{"all of one value", sel("A|contains|all: x"), "", false, ""},
	{"expand", sel("A|expand: '%Admins%'"), "", false, ""},
	{"expand of a number", sel("A|expand: 1"), "expand is for a text", false, ""},
	{"percent without expand", sel("A: '%Admins%'"), "", false, ""},

	// Values
	{"wildcards and backslashes", sel(`A: ['a*b', 'a?b', 'a\*b', 'a\\*b', 'a\\\*b', 'a\b', 'a\\b', 'a\\\\b', 'a\\\b', '\', '\\', '**', '']`), "", false, ""},
	{"null", sel("A: null\nB:"), "", false, ""},
	{"null in a list", sel("A: [null, '', x]"), "", false, ""},
	{"empty list", sel("A: []"), "", false, ""},
	{"empty list with modifier", sel("A|contains: []"), "empty list", false, "pySigma takes any empty list for null"},
	{"empty list of keywords", rule("sel: []\ncondition: sel"), "empty list", false, ""},
	{"empty map", rule("sel: {}\ncondition: sel"), "the map is empty", false, ""},
	{"null selection", rule("sel:\ncondition: sel"), "null needs the name of a field", false, "pySigma leaves this to what it converts for"},
	{"keyword", rule("sel: evil\ncondition: sel"), "", false, ""},
	{"keywords", rule("sel: [evil, 4711, 'a*b', true]\ncondition: sel"), "", false, ""},
	{"keywords with all", sel("'|all': [a, b]"), "", false, ""},
	{"keywords with contains and all", sel("'|contains|all': [a, b]"), "", false, ""},
	{"list of maps", rule("sel:\n- {A: 1, B: 2}\n- C: [3, 4]\ncondition: sel"), "", false, ""},
	{"list of maps and keywords", rule("sel:\n- {A: 1}\n- evil\n- [x, y]\ncondition: sel"), "", false, ""},
	{"map as value", sel("A: {B: 1}"), "the value is a map", false, ""},
	{"list in a list of values", sel("A: [[1, 2]]"), "the value is a list", false, ""},
	{"numbers", sel("A: 4624\nB: -1\nC: 1.5"), "", false, ""},
	{"number with point zero", sel("A: 10.0"), "", false, "pySigma shortens it to 10; a version or log text 10.0 would no longer match"},
	{"number with zeros before it", sel("A: 0777"), "", false, "pySigma makes it 511; logs write what the rule writes"},
	{"number in hexadecimal", sel("A: 0x10"), "", false, "pySigma makes it 16; we also take the text 0x10, as Windows writes it"},
	{"number that is none in YAML 1.1", sel("A: 00000429"), "", false, ""},
	{"number with colon", sel("A: 1:30"), "", false, "YAML 1.1 makes it 90"},
	{"true and false", sel("A: true\nB: False"), "", false, ""},
	{"yes", sel("A: yes"), "", false, "YAML 1.1 makes it true; we take the text, as YAML 1.2 does"},
	{"date as value", sel("A: 2022-11-23"), "", false, "PyYAML makes it a date, for which pySigma has no type; we take the text"},
	{"key twice", sel("A: 1\nA: 2"), `key "A" is given twice`, false, "PyYAML drops the first without a word"},
	{"field with spaces", sel("Source Name: x"), "", false, ""},

	// Conditions
	{"no condition", rule("sel: {A: 1}"), "no condition", false, ""},
	{"no selection", rule("condition: sel"), "nothing that it could speak of", false, ""},
	{"unknown identifier", cond("a and d"), `names "d"`, false, ""},
	{"identifier that begins like an operator", rule("notepad: {A: 1}\norigin: {A: 2}\ncondition: notepad or origin"), "", false, ""},
	{"identifier with a dash", rule("a-b: {A: 1}\ncondition: a-b"), "", false, ""},
	{"pattern with a dash", rule("a-b: {A: 1}\ncondition: 1 of a-*"), "", false, "pySigma's patterns have no dash, its identifiers do"},
	{"pattern of nothing", cond("1 of x*"), "fits no search identifier", false, ""},
	{"pattern without of", cond("a*"), `names "a*"`, false, ""},
	{"pattern with star inside", rule("sel_x_1: {A: 1}\nsel_y_1: {A: 2}\nsel_x_2: {A: 3}\ncondition: all of sel*1"), "", false, ""},
	{"2 of", cond("2 of them"), "Sigma has 1 of, any of and all of", false, ""},
	{"1 of them", cond("1 of them"), "", false, ""},
	{"any of them", cond("any of them"), "", false, ""},
	{"all of them", cond("all of them"), "", false, ""},
	{"of underscored", cond("1 of _*"), "", false, ""},
	{"underscored by name", cond("a and _c"), "", false, ""},
	{"precedence", cond("a or b and not _c"), "", false, ""},
	{"parentheses", cond("(a or b) and not (_c or a)"), "", false, ""},
	{"not not", cond("not not a"), "", false, ""},
	{"of binds closest", cond("not 1 of a* and b"), "", false, ""},
	{"identifier no", rule("no: {A: 1}\ncondition: no"), "", false, "YAML 1.1 makes the key false, and pySigma finds no identifier of that name"},
	{"operators in capitals", cond("a AND NOT b"), "", false, "the specification writes AND and OR both ways; pySigma reads small letters only"},
	{"ends early", cond("a and"), "ends where", false, ""},
	{"operator first", cond("or a"), `has "or" where`, false, ""},
	{"two identifiers", cond("a b"), "where it should end", false, ""},
	{"open parenthesis", cond("(a or b"), "not closed", false, ""},
	{"closed too often", cond("a or b)"), "where it should end", false, ""},
	{"empty condition", cond("''"), "ends where", false, ""},
	{"condition is a number", cond("1"), "a number, not a text", false, ""},
	{"list of conditions", cond("[a, b and _c]"), "", false, ""},
	{"empty list of conditions", cond("[]"), "empty list", false, ""},
	{"deep parentheses", cond(strings.Repeat("(", 51) + "a" + strings.Repeat(")", 51)), "nested deeper than 50", false, "our limit"},
	{"count with timeframe", rule("sel: {A: 1}\ntimeframe: 5m\ncondition: sel | count(B) by C, D > 10"), "", false, "specification 1.0; we make a correlation of it, pySigma wants it rewritten"},
	{"count without timeframe", cond("a | count() > 10"), "no timeframe", false, ""},
	{"max", rule("sel: {A: 1}\ntimeframe: 5m\ncondition: sel | max(B) > 10"), "no correlation can express", false, ""},
	{"near", rule("sel: {A: 1}\ntimeframe: 5m\ncondition: sel | near sel"), "behind |", false, ""},

	// Metadata
	{"no title", "logsource: {product: windows}\ndetection: {s: {A: 1}, condition: s}", "no title", true, ""},
	{"long title", strings.Replace(cond("a"), "Case", strings.Repeat("x", 257), 1), "more than 256", true, ""},
	{"unknown level", "level: severe\n" + cond("a"), `level "severe"`, true, ""},
	{"unknown status", "status: new\n" + cond("a"), `status "new"`, true, ""},
	{"id that is no UUID", "id: 4711\n" + cond("a"), "not a UUID", true, ""},
	{"broken date", "date: 23.11.2022\n" + cond("a"), "not YYYY-MM-DD", true, ""},
	{"date with slashes", "date: 2022/11/23\nmodified: 2022-11-24\n" + cond("a"), "", false, ""},
	{"no logsource", meta("detection: {s: {A: 1}, condition: s}"), "no logsource", false, ""},
	{"empty logsource", meta("logsource: {definition: x}", "detection: {s: {A: 1}, condition: s}"), "neither product", false, ""},
	{"logsource is a list", meta("logsource: [windows]", "detection: {s: {A: 1}, condition: s}"), "logsource is a list", false, ""},
	{"product is a list", meta("logsource: {product: [windows]}", "detection: {s: {A: 1}, condition: s}"), "not a text", false, ""},
	{"detection is a list", meta("logsource: {product: windows}", "detection: [s]"), "the section is a list", false, ""},
	{"no detection", meta("logsource: {product: windows}"), "", false, "pySigma takes every document for a rule; we only count those without detection, correlation or filter"},
	{"other taxonomy", "taxonomy: ecs\n" + cond("a"), `taxonomy "ecs"`, false, "pySigma hands it on; we know no other names than Sigma's, and the rule would never match"},
	{"tags as text", "tags: attack.t1059\n" + cond("a"), "", false, "one text is as clear as a list of one"},
	{"false positives as text", "falsepositives: none\n" + cond("a"), "", false, "the specification's schema allows it"},
	{"tag without namespace", "tags: [t1059]\n" + cond("a"), "", false, "tags are shown, not interpreted"},
	{"own keys", "wardround: {class: B, lines: [1, 2.5, null, true]}\n" + cond("a"), "", false, ""},

	// Correlations
	{"event_count", corr("type: event_count\nrules: base\ngroup-by: Host\ntimespan: 1h\ncondition: {gte: 10}"), "", false, ""},
	{"value_count", corr("type: value_count\nrules: [base, other]\ngroup-by: [Host, User]\ntimespan: 1M\ncondition: {field: [A, B], neq: 3}"), "", false, ""},
	{"value_sum", corr("type: value_sum\nrules: base\ntimespan: 1w\ncondition: {field: Bytes, gt: 1.5}"), "", false, ""},
	{"value_avg of two fields", corr("type: value_avg\nrules: base\ntimespan: 1w\ncondition: {field: [A, B], gt: 1}"), "one field", false, "an average of two fields means nothing; pySigma leaves it to what it converts for"},
	{"value_median", corr("type: value_median\nrules: base\ntimespan: 1y\ncondition: {field: Bytes, lt: 10}"), "", false, ""},
	{"value_percentile", corr("type: value_percentile\nrules: base\ntimespan: 1d\ncondition: {field: Bytes, gt: 10, percentile: 95}"), "", false, ""},
	{"percentile 0", corr("type: value_percentile\nrules: base\ntimespan: 1d\ncondition: {field: Bytes, gt: 10, percentile: 0}"), "percentile is not", false, "pySigma does not check the range"},
	{"temporal", corr("type: temporal\nrules: [base, other]\ntimespan: 5m"), "", false, ""},
	{"temporal_ordered with aliases", corr("type: temporal_ordered\nrules: [base, other]\ntimespan: 5m\ngroup-by: ip\naliases: {ip: {base: SourceIp, other: src}}"), "", false, ""},
	{"temporal with expression", corr("type: temporal\ntimespan: 5m\ncondition: base and not other"), "", false, ""},
	{"expression and rules", corr("type: temporal\nrules: [base, other]\ntimespan: 5m\ncondition: base or other"), "", false, ""},
	{"expression beside rules", corr("type: temporal\nrules: [base]\ntimespan: 5m\ncondition: base or other"), "does not list", false, ""},
	{"rules beside expression", corr("type: temporal\nrules: [base, other]\ntimespan: 5m\ncondition: base"), "does not name", false, ""},
	{"expression that nothing fulfils first", corr("type: temporal\ntimespan: 5m\ncondition: not base"), "nothing happened", false, "no event could set it off; pySigma does not look"},
	{"expression of event_count", corr("type: event_count\nrules: base\ntimespan: 5m\ncondition: base"), "only temporal", false, ""},
	{"broken expression of rules", corr("type: temporal\ntimespan: 5m\ncondition: base and"), "ends where", false, ""},
	{"no type", corr("rules: base\ntimespan: 5m\ncondition: {gte: 1}"), "no type", false, ""},
	{"unknown type", corr("type: often\nrules: base\ntimespan: 5m\ncondition: {gte: 1}"), "unknown correlation type", false, ""},
	{"no rules", corr("type: event_count\ntimespan: 5m\ncondition: {gte: 1}"), "names no rules", false, ""},
	{"unknown rule", corr("type: event_count\nrules: nobody\ntimespan: 5m\ncondition: {gte: 1}"), "no rule's id or name", false, ""},
	{"rule by id in capitals", corr("type: event_count\nrules: 11111111-1111-4111-8111-111111111111\ntimespan: 5m\ncondition: {gte: 1}"), "", false, ""},
	{"rule twice", corr("type: temporal\nrules: [base, base]\ntimespan: 5m"), "twice", false, "the schema wants them unique; pySigma would wait for two different rules of one"},
	{"no timespan", corr("type: event_count\nrules: base\ncondition: {gte: 1}"), "no timespan", false, ""},
	{"timespan of unknown unit", corr("type: event_count\nrules: base\ntimespan: 5x\ncondition: {gte: 1}"), "not a whole number", false, ""},
	{"timespan without unit", corr("type: event_count\nrules: base\ntimespan: 5\ncondition: {gte: 1}"), "not a whole number", false, ""},
	{"timespan zero", corr("type: event_count\nrules: base\ntimespan: 0m\ncondition: {gte: 1}"), "zero", false, ""},
	{"timespan too long", corr("type: event_count\nrules: base\ntimespan: 999y\ncondition: {gte: 1}"), "too long", false, "our spans end at 292 years"},
	{"no condition of a count", corr("type: event_count\nrules: base\ntimespan: 5m"), "needs a condition", false, ""},
	{"condition without bound", corr("type: value_count\nrules: base\ntimespan: 5m\ncondition: {field: A}"), "no bound", false, ""},
	{"condition without field", corr("type: value_count\nrules: base\ntimespan: 5m\ncondition: {gte: 2}"), "needs a field", false, ""},
	{"condition with range", corr("type: event_count\nrules: base\ntimespan: 5m\ncondition: {gt: 100, lte: 200}"), "", false, "in the specification, not in pySigma"},
	{"condition with unknown key", corr("type: event_count\nrules: base\ntimespan: 5m\ncondition: {gte: 1, per: host}"), `unknown key "per"`, false, ""},
	{"condition with a word", corr("type: event_count\nrules: base\ntimespan: 5m\ncondition: {gte: many}"), "not a number", false, ""},
	{"aliases as list", corr("type: temporal\nrules: [base, other]\ntimespan: 5m\naliases: [a]"), "aliases is a list", false, ""},
	{"alias as text", corr("type: temporal\nrules: [base, other]\ntimespan: 5m\naliases: {a: b}"), "the alias \"a\" is a text", false, ""},
	{"generate", corr("type: event_count\nrules: base\ntimespan: 5m\ngenerate: true\ncondition: {gte: 1}"), "", false, ""},
	{"generate of a word", corr("type: event_count\nrules: base\ntimespan: 5m\ngenerate: maybe\ncondition: {gte: 1}"), "not true or false", false, ""},
	{"correlation is a list", meta("correlation: [a]") + base, "the section is a list", false, ""},
	{"circle", meta("name: one", "correlation: {type: temporal, rules: [two], timespan: 1m}") + "---\n" + meta("name: two", "correlation: {type: temporal, rules: [one], timespan: 1m}"), "in a circle", false, "pySigma fails when it converts"},
	{"correlation of a lost one", corr("type: event_count\nrules: [mid]\ntimespan: 5m\ncondition: {gte: 1}") + "---\n" + meta("name: mid", "correlation: {type: temporal, rules: [nobody], timespan: 1m}"), "which cannot be used", false, ""},

	// Filters
	{"filter", filt("rules: [base]\nadm: {User: adm}\ncondition: not adm"), "", false, ""},
	{"filter for any", filt("rules: any\nadm: {User: adm}\ncondition: not 1 of a*"), "", false, ""},
	{"filter by id", filt("rules: 11111111-1111-4111-8111-111111111111\nadm: {User: adm}\ncondition: not adm"), "", false, ""},
	{"filter without not", filt("rules: [base]\nadm: {User: adm}\ncondition: adm"), "keeps only events", true, "worth a note: the specification's own example reads as if it suppressed"},
	{"filter of an unknown rule", filt("rules: [base, nobody]\nadm: {User: adm}\ncondition: not adm"), "no rule's id or name", true, "worth a note"},
	{"filter of another log source", filt("rules: [base, other]\nadm: {User: adm}\ncondition: not adm"), "another log source", true, "worth a note"},
	{"filter without rules", filt("adm: {User: adm}\ncondition: not adm"), "what rules it is for", false, ""},
	{"filter without condition", filt("rules: any\nadm: {User: adm}"), "no condition", false, ""},
	{"filter with two conditions", filt("rules: any\nadm: {User: adm}\ncondition: [not adm, adm]"), "one text", false, ""},
	{"filter with unknown identifier", filt("rules: any\nadm: {User: adm}\ncondition: not yes"), `names "yes"`, false, ""},
	{"filter with unresolved placeholder", filt("rules: any\nadm: {User|expand: '%Admins%'}\ncondition: not adm"), "not applied", false, "pySigma joins it and fails when it converts; we lose the filter and keep the rules"},
	{"filter without logsource", meta("filter: {rules: any, adm: {User: adm}, condition: not adm}") + base, "no logsource", false, ""},

	// YAML and collections
	{"not YAML", "title: [", "not YAML", false, ""},
	{"tab", "title: x\n\tid: y", "not YAML", false, ""},
	{"unknown tag", sel("A: !secret x"), "unknown YAML tag", false, ""},
	{"aliases", sel("A: &v [x, y]\nB: *v"), "", false, ""},
	{"merge key", rule("a: &a {A: 1, B: 2}\nb: {<<: *a, B: 3}\ncondition: b"), "", false, ""},
	{"alias in itself", sel("A: &a [*a]"), "nested deeper", false, ""},
	{"alias bomb", bomb(), "aliases unfolded", false, ""},
	{"empty last document", cond("a") + "---\n", "", false, ""},
	{"global", "action: global\ntitle: G\nlogsource: {product: windows}\ndetection: {condition: s}\n---\ndetection: {s: {A: 1}}\n---\ndetection: {s: {A: 2}}\n", "", false, ""},
	{"global wins", "action: global\ntitle: G\ndetection: {s: {A: 1}}\n---\nlogsource: {product: windows}\ndetection: {s: {A: 9}, condition: s}\n", "", false, ""},
	{"reset", "action: global\ntitle: G\n---\naction: reset\n---\n" + cond("a"), "", false, ""},
	{"repeat", cond("a") + "---\naction: repeat\ndetection: {a: {A: 5, Z: 1}}\n---\naction: repeat\ndetection: {condition: a and b}\n", "", false, ""},
	{"repeat of nothing", "action: repeat\n" + cond("a"), "no document before it", false, "pySigma takes it for a rule"},
	{"unknown action", "action: jump\n" + cond("a"), `unknown action "jump"`, false, ""},
}

// bomb is a document whose aliases unfold to 10^9 texts.
func bomb() string {
	var b strings.Builder
	b.WriteString("title: Case\nlogsource: {product: windows}\nl0: &l0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 9 {
		fmt.Fprintf(&b, "l%d: &l%d [%s*l%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*l%d, ", i), 9), i)
	}
	return b.String() + "detection: {s: {A: *l9}, condition: s}\n"
}

// TestCases checks every case without a judge.
func TestCases(t *testing.T) {
	names := map[string]bool{}
	for _, c := range cases {
		if names[c.name] {
			t.Errorf("two cases %q", c.name)
		}
		names[c.name] = true
		set := Load([]File{{Path: "a.yml", Data: []byte(c.text)}}, nil)
		found := c.why == "" && len(set.Problems) == 0
		for _, p := range set.Problems {
			found = found || c.why != "" && strings.Contains(p.Why, c.why) && p.Kept == c.kept
		}
		if !found {
			t.Errorf("%s: got %v, want %q", c.name, set.Problems, c.why)
		}
	}
}
