package sigma

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wardround/internal/outside"
)

// question and answer are the lines that testdata/judge.py speaks.
type question struct {
	Name string `json:"name"`
	Path string `json:"path,omitempty"`
	Text string `json:"text,omitempty"`
}

type answer struct {
	Name  string `json:"name"`
	Error string `json:"error"`
	Trees []any  `json:"trees"`
}

// judge asks pySigma. Without a Python that has it, the test is skipped.
func judge(t *testing.T, questions []question) map[string]answer {
	t.Helper()
	python := outside.Python(t, "sigma")
	check := question{Name: "self-check", Text: rule("sel: {A: 1}\nbut: {A: 2}\ncondition: sel and not but")}
	var in, stderr bytes.Buffer
	enc := json.NewEncoder(&in)
	for _, q := range append([]question{check}, questions...) {
		if err := enc.Encode(q); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(python, "testdata/judge.py")
	cmd.Stdin, cmd.Stderr = &in, &stderr
	out, err := cmd.Output()
	if strings.Contains(stderr.String(), "no pySigma") {
		t.Skipf("no judge: %s has %s", python, strings.TrimSpace(stderr.String()))
	}
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	answers := map[string]answer{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, len(out)+1)
	for lines.Scan() {
		var a answer
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		answers[a.Name] = a
	}
	if e := answers["self-check"].Error; e != "" {
		t.Skipf("no judge: its pySigma fails on a plain rule (2.0.1 does with pyparsing 3.3): %s", e)
	}
	return answers
}

// TestJudgeSigmaHQ compares the tree of every rule of SigmaHQ with pySigma's, leaf for leaf.
func TestJudgeSigmaHQ(t *testing.T) {
	if testing.Short() {
		t.Skip("pySigma needs half a minute")
	}
	files := sigmaHQ(t)
	var questions []question
	for _, f := range files {
		questions = append(questions, question{Name: f.Path, Path: filepath.Join(shared(t, "sigma"), filepath.FromSlash(f.Path))})
	}
	answers := judge(t, questions)
	rules, alike := 0, 0
	for _, f := range files {
		got, problems := Parse(f.Data, f.Path, f.Origin)
		a := answers[f.Path]
		if len(got) == 0 && len(problems) == 0 { // info.yml of the regression tests, which pySigma takes for a rule
			if a.Error == "" {
				t.Errorf("%s: no rule here, one for pySigma", f.Path)
			}
			continue
		}
		rules += len(got)
		if len(problems) > 0 || a.Error != "" {
			t.Errorf("%s: ours %v, pySigma %q", f.Path, problems, a.Error)
			continue
		}
		ours, theirs := canonicalRules(got), canonicalAnswer(a)
		if ours == theirs {
			alike++
		} else if rules-alike < 10 {
			t.Errorf("%s:\nours    %s\npySigma %s", f.Path, ours, theirs)
		}
	}
	t.Logf("%d of %d rules have the tree that pySigma makes", alike, rules)
	if rules != 3754 || alike != rules {
		t.Errorf("%d rules, %d with the same tree as pySigma's", rules, alike)
	}
}

// TestJudgeCases compares what is refused. Where the two disagree, the case says why.
func TestJudgeCases(t *testing.T) {
	if testing.Short() {
		t.Skip("pySigma needs ten seconds")
	}
	var questions []question
	for _, c := range cases {
		questions = append(questions, question{Name: c.name, Text: c.text})
	}
	answers := judge(t, questions)
	for _, c := range cases {
		a := answers[c.name]
		set := Load([]File{{Path: "a.yml", Data: []byte(c.text)}}, nil)
		ours, theirs := "refused", "refused"
		if len(set.Problems) == 0 {
			ours = canonicalRules(set.Rules)
		}
		if a.Error == "" {
			theirs = canonicalAnswer(a)
		}
		if agree := ours == theirs; agree != (c.differs == "") {
			t.Errorf("%s: agree %v, but the table says %q\nours    %s %v\npySigma %s %s", c.name, agree, c.differs, ours, set.Problems, theirs, a.Error)
		}
	}
}

// canonicalRules and canonicalAnswer write the detections of a file so that equal meaning is equal text: series
// flattened and sorted, keywords with their wildcards, regular expressions in our dialect.
func canonicalRules(rules []Rule) string {
	var out []string
	for _, r := range rules {
		if r.Detection != nil {
			out = append(out, canonical(r.Detection.Condition))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func canonicalAnswer(a answer) string {
	var out []string
	for _, tree := range a.Trees {
		out = append(out, canonical(treeOf(tree)))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func canonical(e Expr) string {
	switch e := e.(type) {
	case Not:
		return "not(" + canonical(e.Of) + ")"
	case And:
		return canonicalSeries("and", e)
	case Or:
		return canonicalSeries("or", e)
	case *Leaf:
		return fmt.Sprintf("%+v", *e)
	}
	return "?"
}

func canonicalSeries(word string, parts []Expr) string {
	var out []string
	var add func([]Expr)
	add = func(parts []Expr) {
		for _, p := range parts {
			switch p := p.(type) {
			case And:
				if word == "and" || len(p) == 1 {
					add(p)
					continue
				}
			case Or:
				if word == "or" || len(p) == 1 {
					add(p)
					continue
				}
			}
			out = append(out, canonical(p))
		}
	}
	add(parts)
	if len(out) == 1 {
		return out[0]
	}
	slices.Sort(out)
	return word + "(" + strings.Join(out, ", ") + ")"
}

// treeOf makes our tree of pySigma's.
func treeOf(j any) Expr {
	list, ok := j.([]any)
	if !ok {
		return leafOf(j.(map[string]any))
	}
	var parts []Expr
	for _, p := range list[1:] {
		parts = append(parts, treeOf(p))
	}
	switch list[0] {
	case "and":
		return And(parts)
	case "or":
		return Or(parts)
	}
	return Not{parts[0]}
}

func leafOf(j map[string]any) Expr {
	l := &Leaf{Field: j["field"].(string)}
	array := func(key string) []any { a, _ := j[key].([]any); return a }
	switch {
	case j["like"] != nil:
		for _, part := range array("like") {
			switch part := part.(type) {
			case string:
				l.Pattern.add(Part{Wild: map[string]Wild{"*": Many, "?": One}[part]})
			case []any:
				l.Pattern.add(Part{Text: part[0].(string)})
			case map[string]any:
				return &Leaf{Field: l.Field, Op: Expand, Holder: part["placeholder"].(string)}
			}
		}
		if l.Field == "" {
			l.Pattern = l.Pattern.around(true, true)
		}
		l.Cased = j["cased"].(bool)
	case j["null"] != nil:
		l.Op = IsNull
	case j["exists"] != nil:
		l.Op, l.Want = Exists, j["exists"].(bool)
	case j["re"] != nil:
		var flags string
		for _, f := range array("flags") {
			flags += f.(string)
		}
		v := value{kind: anExpression, raw: j["re"].(string), flags: flags, leaf: Leaf{Op: Matches}}
		l, _ = v.finish(l.Field)
	case j["net"] != nil:
		made, _ := network(value{raw: j["net"].(string)})
		made[0].leaf.Field = l.Field
		return &made[0].leaf
	case j["compare"] != nil:
		c := array("compare")
		l.Op = map[string]Op{"lt": Less, "lte": LessEqual, "gt": Greater, "gte": GreaterEqual}[c[0].(string)]
		l.Number = c[1].(float64)
	case j["time"] != nil:
		c := array("time")
		l.Op, l.Number = TimeIs, c[1].(float64)
		l.Part = TimePart(slices.Index([]string{"minute", "hour", "day", "week", "month", "year"}, c[0].(string)))
	case j["ref"] != nil:
		c := array("ref")
		begins, ends := c[1].(bool), c[2].(bool)
		l.Op, l.Ref = SameAs, c[0].(string)
		l.Shape = map[[2]bool]Shape{{true, false}: Prefix, {false, true}: Suffix, {true, true}: Infix}[[2]bool{begins, ends}]
	}
	return l
}
