package sigma

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func load(t *testing.T, docs ...string) Set {
	t.Helper()
	var files []File
	for i, d := range docs {
		files = append(files, File{Path: fmt.Sprintf("f%d.yml", i), Origin: "test", Data: []byte(d)})
	}
	return Load(files, nil)
}

func TestMetadata(t *testing.T) {
	r := one(t, `
title: ' A title '
id: 545A5DA6-f103-4919-a519-e9aec1026ee4
name: a_name
related:
    - {id: 6c82cf5c-090d-4d57-9188-533577631108, type: similar}
taxonomy: sigma
status: Test
description: |
    Two
    lines
license: DRL-1.1
author: EX Author, EX Other
references: [https://example.org/a, https://example.org/b]
date: 2022-11-23
modified: '2022-11-24'
tags: [attack.t1486, attack.impact]
logsource: {product: Windows, category: process_creation, service: sysmon, definition: 'Needs: 4688'}
detection: {sel: {A: 1}, condition: sel}
fields: [Image, CommandLine]
falsepositives: Backup
level: high
scope: [server]
wardround: {class: B, lines: [1, 2.5, null, true, x]}
`)
	want := Rule{
		ID: "545A5DA6-f103-4919-a519-e9aec1026ee4", Name: "a_name", Title: "A title", Status: "test", Level: "high",
		Description: "Two\nlines", Author: "EX Author, EX Other", License: "DRL-1.1", Date: "2022-11-23", Modified: "2022-11-24",
		Tags: []string{"attack.t1486", "attack.impact"}, References: []string{"https://example.org/a", "https://example.org/b"},
		Related: []Related{{"6c82cf5c-090d-4d57-9188-533577631108", "similar"}}, Scope: []string{"server"}, FalsePos: []string{"Backup"},
		Fields:    []string{"Image", "CommandLine"},
		LogSource: LogSource{"windows", "process_creation", "sysmon", "Needs: 4688"},
		Detection: &Detection{&Leaf{Field: "A", Pattern: literal("1")}},
		Custom:    map[string]any{"wardround": map[string]any{"class": "B", "lines": []any{1, 2.5, nil, true, "x"}}},
		Path:      "a.yml", Origin: "test",
	}
	if !reflect.DeepEqual(r, want) {
		t.Errorf("got  %+v\nwant %+v", r, want)
	}
}

func TestCollections(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string // path, title, tree of each rule
	}{
		{"two documents", cond("a") + "---\n" + cond("b"), []string{`a.yml#1 Case A="1"`, `a.yml#2 Case B="2"`}},
		{"marker first", "---\n" + cond("a"), []string{`a.yml Case A="1"`}},
		{"comment and directive first", "# a file\n%YAML 1.1\n---\n" + cond("a") + "---\n# nothing\n", []string{`a.yml Case A="1"`}},
		{"document end", cond("a") + "...\n" + cond("b"), []string{`a.yml#1 Case A="1"`, `a.yml#2 Case B="2"`}},
		{"byte order mark", "\ufeff" + cond("a"), []string{`a.yml Case A="1"`}},
		{"carriage returns", strings.ReplaceAll(cond("a")+"---\n"+cond("b"), "\n", "\r\n"), []string{`a.yml#1 Case A="1"`, `a.yml#2 Case B="2"`}},
		{"broken in the middle", cond("a") + "---\ntitle: [\n---\n" + cond("b"), []string{`a.yml#1 Case A="1"`, `a.yml#3 Case B="2"`}},
		{"global", "action: global\ntitle: G\nlogsource: {product: windows}\ndetection: {condition: s}\n---\ndetection: {s: {A: 1}}\n---\ntitle: own\ndetection: {s: {A: 2}}\n",
			[]string{`a.yml#2 G A="1"`, `a.yml#3 G A="2"`}},
		{"global twice", "action: global\ntitle: G\n---\naction: global\nlogsource: {product: windows}\n---\ntitle: own\ndetection: {s: {A: 2}, condition: s}\n", []string{`a.yml#3 own A="2"`}},
		{"global and correlation", "action: global\ntitle: G\nlogsource: {product: windows}\n---\ndetection: {s: {A: 1}, condition: s}\n---\ntitle: C\ncorrelation: {type: temporal, rules: [x, y], timespan: 1m}\n",
			[]string{`a.yml#2 G A="1"`, `a.yml#3 C temporal of x, y within 1m0s: >= 2`}},
		{"reset", "action: global\ntitle: G\n---\naction: reset\n---\n" + cond("a"), []string{`a.yml#3 Case A="1"`}},
		{"repeat", cond("a") + "---\naction: repeat\ndetection: {a: {A: 5}}\n---\naction: repeat\ntitle: third\ndetection: {condition: a and b}\n",
			[]string{`a.yml#1 Case A="1"`, `a.yml#2 Case A="5"`, `a.yml#3 third (A="5" & B="2")`}},
		{"no rule", "a: 1\n---\n- b\n---\nc\n---\n", nil},
	} {
		rules, _ := Parse([]byte(c.text), "a.yml", "")
		var got []string
		for _, r := range rules {
			s := r.Path + " " + r.Title + " "
			if r.Correlation != nil {
				s += r.Correlation.String()
			} else {
				s += show(r.Detection.Condition)
			}
			got = append(got, s)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", c.name, got, c.want)
		}
	}
}

func TestCorrelations(t *testing.T) {
	x := func(n float64) *float64 { return &n }
	for _, c := range []struct {
		text string
		want Correlation
	}{
		{"type: event_count\nrules: base\ngroup-by: Host\ntimespan: 90m\ncondition: {gte: 10}",
			Correlation{Type: "event_count", Rules: []string{"base"}, GroupBy: []string{"Host"}, Timespan: 90 * time.Minute, Condition: CorrelationCondition{GTE: x(10)}}},
		{"type: value_count\nrules: [base, other]\ngroup-by: [A, B]\ntimespan: 2d\ngenerate: yes\ncondition: {field: [C, D], gt: 1, lte: 5, neq: 3}",
			Correlation{Type: "value_count", Rules: []string{"base", "other"}, GroupBy: []string{"A", "B"}, Timespan: 48 * time.Hour, Generate: true,
				Condition: CorrelationCondition{Fields: []string{"C", "D"}, GT: x(1), LTE: x(5), NEQ: x(3)}}},
		{"type: value_percentile\nrules: base\ntimespan: 1w\ncondition: {field: F, lt: 1.5, percentile: 99.9}",
			Correlation{Type: "value_percentile", Rules: []string{"base"}, Timespan: 168 * time.Hour, Condition: CorrelationCondition{Fields: []string{"F"}, LT: x(1.5), Percentile: 99.9}}},
		{"type: value_percentile\nrules: base\ntimespan: 1M\ncondition: {field: F, lte: 1}",
			Correlation{Type: "value_percentile", Rules: []string{"base"}, Timespan: 2629746 * time.Second, Condition: CorrelationCondition{Fields: []string{"F"}, LTE: x(1)}}},
		{"type: temporal_ordered\nrules: [other, BASEID]\ntimespan: 1y\naliases: {ip: {base: S, other: D}}\ngroup-by: ip",
			Correlation{Type: "temporal_ordered", Rules: []string{"other", "11111111-1111-4111-8111-111111111111"}, GroupBy: []string{"ip"}, Timespan: 31556952 * time.Second,
				Aliases:   map[string]map[string]string{"ip": {"11111111-1111-4111-8111-111111111111": "S", "other": "D"}},
				Condition: CorrelationCondition{GTE: x(2)}}},
		{"type: temporal\nrules: [base, other]\ntimespan: 30s\ncondition: {eq: 1}",
			Correlation{Type: "temporal", Rules: []string{"base", "other"}, Timespan: 30 * time.Second, Condition: CorrelationCondition{EQ: x(1)}}},
		{"type: temporal\ntimespan: 1h\ncondition: other or (base and not other)",
			Correlation{Type: "temporal", Rules: []string{"other", "base"}, Timespan: time.Hour, Condition: CorrelationCondition{Expr: &RuleExpr{Op: "or", Of: []*RuleExpr{
				{Op: "ref", Rule: "other"}, {Op: "and", Of: []*RuleExpr{{Op: "ref", Rule: "base"}, {Op: "not", Of: []*RuleExpr{{Op: "ref", Rule: "other"}}}}}}}}}},
	} {
		s := load(t, corr(strings.Replace(c.text, "BASEID", "11111111-1111-4111-8111-111111111111", 1)))
		if len(s.Problems) > 0 || len(s.Rules) != 3 {
			t.Errorf("%s: %v", c.text, s.Problems)
			continue
		}
		if got := *s.Rules[0].Correlation; !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.text, got, c.want)
		}
	}
}

// TestReferences follows correlations across files: what leads nowhere or round is lost, the rest stays.
func TestReferences(t *testing.T) {
	correlation := func(name string, rules ...string) string {
		return meta("name: "+name, "correlation: {type: temporal, timespan: 1m, rules: ["+strings.Join(rules, ", ")+"]}")
	}
	s := load(t,
		correlation("top", "mid", "base"), correlation("mid", "base", "other"), correlation("stray", "nobody"), correlation("overStray", "stray"),
		correlation("c1", "c2"), correlation("c2", "c3"), correlation("c3", "c1"), correlation("self", "self"), correlation("intoCircle", "c1", "base"), base)
	var names []string
	for _, r := range s.Rules {
		names = append(names, r.Name)
	}
	if want := []string{"top", "mid", "base", "other"}; !reflect.DeepEqual(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
	if len(s.Problems) != 7 {
		t.Errorf("%d problems: %v", len(s.Problems), s.Problems)
	}
}

// TestAliases binds fields to rules in one way, however the rules are named.
func TestAliases(t *testing.T) {
	id := "11111111-1111-4111-8111-111111111111"
	s := load(t, corr("type: temporal\nrules: [other, base]\ntimespan: 1m\ngroup-by: [ip, user]\naliases:\n    ip: {other: A, "+id+": B, nobody: C}\n    user: {base: U}"))
	if len(s.Rules) != 3 || len(s.Problems) != 2 || !s.Problems[0].Kept || !s.Problems[1].Kept {
		t.Fatalf("%d rules, %v", len(s.Rules), s.Problems)
	}
	want := map[string]map[string]string{"ip": {"other": "A", "base": "B"}, "user": {"base": "U"}}
	if got := s.Rules[0].Correlation.Aliases; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSameRules(t *testing.T) {
	a := "id: 11111111-1111-4111-8111-111111111111\nname: n\n" + cond("a")
	s := load(t, a, a, strings.ReplaceAll(a, "A: 1", "A: 9"), "name: n\n"+cond("b"))
	if len(s.Rules) != 2 || len(s.Problems) != 2 || s.Problems[0].Kept || !s.Problems[1].Kept {
		t.Errorf("%d rules, %v", len(s.Rules), s.Problems)
	}
}

func TestFilters(t *testing.T) {
	rules := base + "---\n" + meta("name: win", "logsource: {product: windows, service: system}", "detection: {s: {A: 3}, condition: s}")
	for _, c := range []struct{ filter, want string }{
		{filt("rules: any\nadm: {U: x}\ncondition: not adm"), `(A="1" & !U="x") A="2" (A="3" & !U="x")`},
		{filt("rules: []\nadm: {U: x}\ncondition: not adm"), `(A="1" & !U="x") A="2" (A="3" & !U="x")`},
		{filt("rules: [win, base]\nadm: {U: x}\ncondition: not adm"), `(A="1" & !U="x") A="2" (A="3" & !U="x")`},
		{filt("rules: win\na1: {U: x}\na2: {V: y}\ncondition: not 1 of a*"), `A="1" A="2" (A="3" & !(U="x" | V="y"))`},
		{filt("rules: any\ns: {U: x}\ncondition: not s") + "---\n" + filt("rules: win\ns: {U: y}\ncondition: not s or s"), `(A="1" & !U="x") A="2" (A="3" & !U="x" & (!U="y" | U="y"))`},
	} {
		s := load(t, strings.ReplaceAll(c.filter, base, "\n"), rules)
		var got []string
		for _, r := range s.Rules {
			got = append(got, show(r.Detection.Condition))
		}
		if strings.Join(got, " ") != c.want || len(s.Problems) > 0 {
			t.Errorf("%s\ngot  %s %v\nwant %s", c.filter, strings.Join(got, " "), s.Problems, c.want)
		}
	}
	rule := one(t, strings.ReplaceAll(filt("rules: [b, c]\nadm: {U: x}\ncondition: not adm"), base, ""))
	if !reflect.DeepEqual(rule.Filter, &Filter{[]string{"b", "c"}}) || rule.Detection == nil {
		t.Errorf("got %+v", rule)
	}
}

// TestAggregations has the conditions of specification 1.0 that count.
func TestAggregations(t *testing.T) {
	for _, c := range []struct{ aggregation, want string }{
		{"count() > 10", "event_count of R events within 5m0s: > 10"},
		{"count() by Host >= 3", "event_count of R events within 5m0s by Host: >= 3"},
		{"count(User) by Host, Src < 2", "value_count of R events within 5m0s by Host, Src: User < 2"},
		{"COUNT( User ) <= 2", "value_count of R events within 5m0s: User <= 2"},
		{"sum(Bytes) by Host = 1.5", "value_sum of R events within 5m0s by Host: Bytes = 1.5"},
		{"avg(Bytes) == 7", "value_avg of R events within 5m0s: Bytes = 7"},
		{"sum() > 1", ""}, {"min(A) > 1", ""}, {"max(A) > 1", ""}, {"near a and b", ""}, {"count() by > 1", ""}, {"count()", ""}, {"count > 1", ""}, {"", ""},
	} {
		text := "id: R\n" + rule("s: {A: 1}\ntimeframe: 5m\ncondition: s | "+c.aggregation)
		s := load(t, text)
		got := ""
		if len(s.Rules) == 2 {
			got = s.Rules[1].Correlation.String()
			if s.Rules[0].Name != s.Rules[1].Correlation.Rules[0] || s.Rules[1].ID != "R" || show(s.Rules[0].Detection.Condition) != `A="1"` {
				t.Errorf("%s: rules %+v", c.aggregation, s.Rules)
			}
		}
		if got != c.want {
			t.Errorf("%s: got %q %v", c.aggregation, got, s.Problems)
		}
	}
}

// TestProblemLines checks that a problem names the line, the document and the rule.
func TestProblemLines(t *testing.T) {
	text := cond("a") + "---\ntitle: Second\nid: 11111111-1111-4111-8111-111111111111\nlogsource:\n    product: windows\ndetection:\n    sel:\n        A|contains:\n            - x\n            - null\n    condition: sel\n---\ntitle: 'open\n"
	_, problems := Parse([]byte(text), "dir/a.yml", "")
	if len(problems) != 2 {
		t.Fatalf("got %v", problems)
	}
	if got, want := problems[0].String(), "dir/a.yml#2:17: 11111111-1111-4111-8111-111111111111: sel: the modifier contains is for a text or a number or a regular expression or a field reference, not for null"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if p := problems[1]; p.Path != "dir/a.yml#3" || p.Line < 20 || p.Line > 21 {
		t.Errorf("got %+v", p)
	}
}

func TestRead(t *testing.T) {
	files, problems := Read(fstest.MapFS{
		"b/x.yml": {Data: []byte(cond("a"))}, "a.YAML": {Data: []byte("z: 1")}, "readme.md": {}, "b/a.yml": {Data: []byte("title: [")},
	}, "EX rules")
	if len(problems) > 0 || len(files) != 3 || files[0].Path != "a.YAML" || files[1].Path != "b/a.yml" || files[2].Origin != "EX rules" {
		t.Fatalf("got %v %v", files, problems)
	}
	s := Load(files, nil)
	if s.Files != 3 || s.Others != 1 || len(s.Rules) != 1 || len(s.Problems) != 1 {
		t.Errorf("got %+v", s)
	}
}

// TestReadWhole: files of all sizes are read whole, and do not touch each other in the room that they share.
func TestReadWhole(t *testing.T) {
	disk := fstest.MapFS{}
	for i, size := range []int{0, 1, leastRoom - 1, leastRoom, leastRoom + 1, roomBytes - 1, roomBytes, roomBytes + 1, 3*roomBytes + 7} {
		for k := range 4 {
			disk[fmt.Sprintf("%d%d.yml", k, i)] = &fstest.MapFile{Data: bytes.Repeat([]byte{byte('a' + 4*i + k)}, size)}
		}
	}
	files, problems := Read(disk, "x")
	if len(problems) > 0 || len(files) != len(disk) {
		t.Fatalf("%d files, %v", len(files), problems)
	}
	for i := range files {
		files[i].Data = append(files[i].Data, "end of the file"...)
	}
	for _, f := range files {
		if want := string(disk[f.Path].Data) + "end of the file"; string(f.Data) != want {
			t.Errorf("%s has %d bytes, not %d, or others", f.Path, len(f.Data), len(want))
		}
	}
}

func keys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d: 1\n", i)
	}
	return b.String()
}

// TestLimits feeds rules that unfold without end; each must be refused, and soon.
func TestLimits(t *testing.T) {
	list := func(n int, s string) string { return "[" + strings.Repeat("'"+s+"', ", n) + "]" }
	for name, text := range map[string]string{
		"leaves":       sel("A|windash: " + list(200, "-a -b -c")),
		"offsets":      sel("A|windash|base64offset|contains: " + list(70, "-a -b -c")),
		"long values":  sel("A|windash: [" + strings.Repeat("'-a -b -c"+strings.Repeat("x", 10_000)+"', ", 5) + "]"),
		"condition":    rule("s: {A: " + list(5000, "x") + "}\ncondition: " + strings.Repeat("s or ", 5) + "s"),
		"conditions":   rule("s: {A: " + list(5000, "x") + "}\ncondition: [s, s, s, s, s]"),
		"not":          cond(strings.Repeat("not ", 5000) + "a"),
		"parentheses":  cond(strings.Repeat("(", 5000)),
		"flow depth":   sel("A: " + strings.Repeat("[", 9000)),
		"flow depth 2": sel("A: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000)),
		"block depth": sel("A:\n" + func() (s string) {
			for i := range 1000 {
				s += strings.Repeat(" ", i+6) + "a:\n"
			}
			return s
		}()),
		"bomb": bomb(),
		"selectors": rule(func() (s string) {
			for i := range 2000 {
				s += fmt.Sprintf("s%d: {A: 1}\n", i)
			}
			return s
		}() + "condition: " + strings.Repeat("not 1 of s1 or ", 2000) + "s1"),
		"references": corr("type: temporal\ntimespan: 1m\nrules: [" + strings.Repeat("x,", maxReferences+1) + "]"),
		"rule expression": corr("type: temporal\ntimespan: 1m\ncondition: " + func() (s string) {
			for i := range maxReferences + 1 {
				s += fmt.Sprintf("r%d or ", i)
			}
			return s
		}() + "r"),
		"documents":          strings.Repeat("---\n{\n", maxDocuments+10),
		"keys":               "action: global\n" + keys(100_000) + "---\n" + keys(100_000) + "detection: {s: {A: 1}, condition: s}\n",
		"regular expression": sel("A|re: '" + strings.Repeat("(a{9}", 200) + strings.Repeat("){9}", 200) + "'"),
		"document":           sel("A: '" + strings.Repeat("x", maxDocument) + "'"),
		"file":               strings.Repeat("# x\n", maxFile/4+1),
		"nodes":              sel("A: [" + strings.Repeat("a,", maxNodes) + "]"),
		"merged":             "action: global\ntitle: x\nl: [" + strings.Repeat("a,", 20_000) + "]\n" + strings.Repeat("---\ndetection: {s: {A: 1}, condition: s}\nlogsource: {product: x}\n", 200),
	} {
		start := time.Now()
		_, problems := Parse([]byte(text), "a.yml", "")
		if len(problems) == 0 {
			t.Errorf("%s: no problem", name)
		}
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("%s: took %s", name, d)
		}
	}
}

// TestTotal reads more than all files together may be: what lies behind is refused by name, whichever core came first.
func TestTotal(t *testing.T) {
	var files []File
	for i := range 200 {
		files = append(files, File{Path: fmt.Sprintf("%03d.yml", i), Data: []byte(sel(fmt.Sprintf("A: [a%d, b, c, d]", i)))})
	}
	for range 20 {
		s := loadWithin(402, files, nil)
		if len(s.Rules) != 100 || len(s.Problems) != 100 {
			t.Fatalf("%d rules, %d problems", len(s.Rules), len(s.Problems))
		}
		if p := s.Problems[0]; p.Path != "100.yml" || !strings.Contains(p.Why, "402") {
			t.Error(p)
		}
	}
}
