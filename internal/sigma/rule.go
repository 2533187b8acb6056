package sigma

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// known are the keys of a document that the specification, or this reader, gives a meaning.
var known = []string{"title", "id", "name", "related", "taxonomy", "status", "description", "license", "author",
	"references", "date", "modified", "logsource", "detection", "correlation", "filter", "generate", "fields",
	"falsepositives", "level", "tags", "scope", "action"}

// rulesOf reads a document: one rule, two for a detection with an aggregation of old, none if it is not a rule.
func (f *file) rulesOf(doc *node) ([]Rule, error) {
	section := doc.get("detection")
	for _, key := range []string{"filter", "correlation"} {
		if s := doc.get(key); s != nil {
			section = s
		}
	}
	if section == nil {
		return nil, nil
	}
	r, err := f.metadata(doc)
	if err != nil {
		return nil, err
	}
	if section.kind != mapNode {
		return nil, section.errorf("the section is %s, not a map", section.kind)
	}
	switch section {
	case doc.get("correlation"):
		r.Correlation, err = f.correlation(section, doc)
	case doc.get("filter"):
		if err = f.logSource(doc, &r); err == nil {
			err = f.filter(section, &r)
		}
	default:
		if err = f.logSource(doc, &r); err == nil {
			return f.detectionRule(section, r)
		}
	}
	if err != nil {
		return nil, err
	}
	return []Rule{r}, nil
}

// detectionRule reads the detection of a rule.
func (f *file) detectionRule(section *node, r Rule) ([]Rule, error) {
	timeframe := section.get("timeframe")
	reserved := []string{"condition"}
	if timeframe != nil && timeframe.scalar() {
		reserved = append(reserved, "timeframe")
	}
	s, err := f.detection(section, reserved...)
	if err != nil {
		return nil, err
	}
	condition, err := conditions(section)
	if err != nil {
		return nil, err
	}
	var either Or
	for _, c := range condition {
		text, aggregation, piped := strings.Cut(c.text, "|")
		e, err := s.condition(text)
		if err != nil {
			return nil, c.errorf("%s", err)
		}
		if piped && len(condition) > 1 {
			return nil, c.errorf("an aggregation behind | must be the only condition")
		}
		if piped {
			return aggregated(r, &Detection{e}, aggregation, timeframe, c)
		}
		either = append(either, e)
	}
	r.Detection = &Detection{either.simplify()}
	return []Rule{r}, nil
}

// conditions are the texts of a section's condition.
func conditions(section *node) ([]*node, error) {
	c := section.get("condition")
	if c == nil {
		return nil, section.errorf("the section has no condition")
	}
	list := c.list
	if c.kind != listNode {
		list = []*node{c}
	}
	for _, e := range list {
		if e.kind != textNode {
			return nil, e.errorf("the condition is %s, not a text", e.kind)
		}
	}
	if len(list) == 0 {
		return nil, c.errorf("the condition is an empty list")
	}
	return list, nil
}

var (
	levels   = []string{"informational", "low", "medium", "high", "critical"}
	statuses = []string{"stable", "test", "experimental", "deprecated", "unsupported"}
	date     = regexp.MustCompile(`^[1-3]\d{3}([-/])(0?[1-9]|1[0-2])([-/])(0?[1-9]|[12]\d|3[01])$`)
)

// isDate knows the dates of nearly all rules: YYYY-MM-DD and YYYY/MM/DD.
func isDate(s string) bool {
	if len(s) != 10 || s[4] != s[7] || s[4] != '-' && s[4] != '/' || !digits(s[:4]) || s[0] == '0' || s[0] > '3' {
		return false
	}
	month, day := s[5:7], s[8:]
	return digits(month) && digits(day) && "01" <= month && month <= "12" && "01" <= day && day <= "31"
}

// isUUID: 8, 4, 4, 4 and 12 hexadecimal digits.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
				return false
			}
		}
	}
	return true
}

// metadata reads what a rule says of itself. What is wrong there is noted and does not cost the rule, except a
// taxonomy whose field names nobody here knows.
func (f *file) metadata(doc *node) (Rule, error) {
	r := Rule{Path: f.place, Origin: f.origin}
	text := func(key string) string {
		n := doc.get(key)
		s, ok := n.scalarText()
		if !ok {
			f.note(n.line, "%s is %s, not a text", key, n.kind)
			return ""
		}
		return strings.TrimSpace(s)
	}
	texts := func(key string) []string {
		n := doc.get(key)
		list, ok := n.texts()
		if !ok {
			f.note(n.line, "%s is not a list of texts", key)
		}
		return list
	}
	r.ID, r.Title, r.Name = text("id"), text("title"), text("name")
	f.rule = r.ID
	if r.ID == "" {
		f.rule = r.Title
	}
	r.Status, r.Level = strings.ToLower(text("status")), strings.ToLower(text("level"))
	r.Description, r.Author, r.License = text("description"), text("author"), text("license")
	r.Date, r.Modified = text("date"), text("modified")
	r.References, r.Tags, r.Fields = texts("references"), texts("tags"), texts("fields")
	r.FalsePos, r.Scope = texts("falsepositives"), texts("scope")
	r.Related = f.related(doc.get("related"))
	f.check(doc, &r)
	for _, p := range doc.pairs {
		if !slices.Contains(known, p.key) {
			if r.Custom == nil {
				r.Custom = map[string]any{}
			}
			r.Custom[p.key] = p.value.any()
		}
	}
	if t := text("taxonomy"); t != "" && t != "sigma" {
		return r, doc.get("taxonomy").errorf("the rule is written for the taxonomy %q; only the names of Sigma's own are known", t)
	}
	return r, nil
}

// check notes metadata that the specification does not allow.
func (f *file) check(doc *node, r *Rule) {
	at := func(key string) int {
		if n := doc.get(key); n != nil {
			return n.line
		}
		return doc.line
	}
	switch n := utf8.RuneCountInString(r.Title); {
	case n == 0:
		f.note(at("title"), "the rule has no title")
	case n > 256:
		f.note(at("title"), "the title has more than 256 characters")
	}
	if r.ID != "" && !isUUID(r.ID) {
		f.note(at("id"), "the id %q is not a UUID", r.ID)
	}
	if r.Level != "" && !slices.Contains(levels, r.Level) {
		f.note(at("level"), "the level %q is none of Sigma's: %s", r.Level, strings.Join(levels, ", "))
		r.Level = ""
	}
	if r.Status != "" && !slices.Contains(statuses, r.Status) {
		f.note(at("status"), "the status %q is none of Sigma's: %s", r.Status, strings.Join(statuses, ", "))
	}
	for _, d := range [][2]string{{"date", r.Date}, {"modified", r.Modified}} {
		if d[1] == "" || isDate(d[1]) {
			continue
		}
		if m := date.FindStringSubmatch(d[1]); m == nil || m[1] != m[3] {
			f.note(at(d[0]), "%s is %q, not YYYY-MM-DD", d[0], d[1])
		}
	}
}

func (f *file) related(n *node) []Related {
	if n == nil || n.kind == nullNode {
		return nil
	}
	var out []Related
	for _, e := range n.list {
		id, _ := e.get("id").scalarText()
		kind, _ := e.get("type").scalarText()
		if id != "" && kind != "" {
			out = append(out, Related{ID: id, Type: kind})
		}
	}
	if n.kind != listNode || len(out) < len(n.list) {
		f.note(n.line, "related is not a list of maps with id and type")
	}
	return out
}

// logSource reads what logs a rule or filter speaks of; the specification wants at least one attribute.
func (f *file) logSource(doc *node, r *Rule) error {
	n := doc.get("logsource")
	if n == nil {
		return doc.errorf("the rule has no logsource")
	}
	if n.kind != mapNode {
		return n.errorf("logsource is %s, not a map", n.kind)
	}
	var values [4]string
	for i, key := range []string{"product", "category", "service", "definition"} {
		value, ok := n.get(key).scalarText()
		if !ok {
			return n.errorf("logsource has a %s that is not a text", key)
		}
		values[i] = strings.TrimSpace(value)
	}
	l := LogSource{strings.ToLower(values[0]), strings.ToLower(values[1]), strings.ToLower(values[2]), values[3]}
	r.LogSource = l
	if l.Product == "" && l.Category == "" && l.Service == "" {
		return n.errorf("logsource has neither product nor category nor service")
	}
	return nil
}

// boolean reads true or false, also as YAML 1.1 writes them.
func boolean(n *node) (bool, error) {
	if n.kind == boolNode {
		return n.text == "true", nil
	}
	if b, ok := yamlBool(n.text); ok && n.kind == textNode {
		return b == "true", nil
	}
	return false, n.errorf("%q is not true or false", fmt.Sprint(n.any()))
}
