package sigma

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// correlationTypes says of each type whether it needs a field in its condition.
var correlationTypes = map[string]bool{
	"event_count": false, "temporal": false, "temporal_ordered": false,
	"value_count": true, "value_sum": true, "value_avg": true, "value_percentile": true, "value_median": true,
}

// correlation reads the correlation: section n of a document. The specification's text has generate in the section, its
// schema beside it.
func (f *file) correlation(n, doc *node) (*Correlation, error) {
	c := &Correlation{}
	var err error
	if c.Type, err = typeOf(n); err != nil {
		return nil, err
	}
	if c.Rules, err = distinct(n, "rules"); err != nil {
		return nil, err
	}
	if c.GroupBy, err = distinct(n, "group-by"); err != nil {
		return nil, err
	}
	span := n.get("timespan")
	if span == nil {
		return nil, n.errorf("the correlation has no timespan")
	}
	if c.Timespan, err = timespan(span.text); err != nil {
		return nil, span.errorf("%s", err)
	}
	if c.Aliases, err = aliases(n.get("aliases")); err != nil {
		return nil, err
	}
	for _, at := range []*node{doc, n} {
		if generate := at.get("generate"); generate != nil {
			if c.Generate, err = boolean(generate); err != nil {
				return nil, err
			}
		}
	}
	if err := c.setCondition(n); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Correlation) temporal() bool { return strings.HasPrefix(c.Type, "temporal") }

func typeOf(n *node) (string, error) {
	t := n.get("type")
	if t == nil {
		return "", n.errorf("the correlation has no type")
	}
	name := strings.ToLower(t.text)
	if _, ok := correlationTypes[name]; !ok {
		return "", t.errorf("unknown correlation type %q", t.text)
	}
	return name, nil
}

// distinct reads a text or a list of texts, none of them twice.
func distinct(n *node, key string) ([]string, error) {
	list, ok := n.get(key).texts()
	if !ok {
		return nil, n.get(key).errorf("%s is not a text or a list of texts", key)
	}
	if len(list) > maxReferences {
		return nil, n.get(key).errorf("%s has more than %d entries", key, maxReferences)
	}
	seen := make(map[string]bool, len(list))
	for _, s := range list {
		if seen[s] {
			return nil, n.get(key).errorf("%s has %q twice", key, s)
		}
		seen[s] = true
	}
	return list, nil
}

// Months and years are a twelfth of, and the whole of, the mean Gregorian year: 365.2425 days.
var units = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour,
	"w": 7 * 24 * time.Hour, "M": 2629746 * time.Second, "y": 31556952 * time.Second}

var spanForm = regexp.MustCompile(`^([0-9]{1,12})([smhdwMy])$`)

func timespan(s string) (time.Duration, error) {
	m := spanForm.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("the timespan %q is not a whole number with s, m, h, d, w, M or y behind it", s)
	}
	count, _ := strconv.ParseInt(m[1], 10, 64)
	unit := units[m[2]]
	if count == 0 || count > math.MaxInt64/int64(unit) {
		return 0, fmt.Errorf("the timespan %q is zero or too long", s)
	}
	return time.Duration(count) * unit, nil
}

func aliases(n *node) (map[string]map[string]string, error) {
	if n == nil || n.kind == nullNode {
		return nil, nil
	}
	if n.kind != mapNode {
		return nil, n.errorf("aliases is %s, not a map", n.kind)
	}
	out := make(map[string]map[string]string, len(n.pairs))
	for _, alias := range n.pairs {
		if alias.value.kind != mapNode {
			return nil, alias.value.errorf("the alias %q is %s, not a map from rule to field", alias.key, alias.value.kind)
		}
		fields := make(map[string]string, len(alias.value.pairs))
		for _, p := range alias.value.pairs {
			field, ok := p.value.scalarText()
			if !ok || field == "" {
				return nil, p.value.errorf("the alias %q has no field for the rule %q", alias.key, p.key)
			}
			fields[p.key] = field
		}
		out[alias.key] = fields
	}
	return out, nil
}

// setCondition reads the condition: a map of bounds, or, for temporal types, an expression over rules.
func (c *Correlation) setCondition(n *node) error {
	condition := n.get("condition")
	if condition != nil && condition.kind == textNode {
		if err := c.setExpression(condition); err != nil {
			return err
		}
	}
	if len(c.Rules) == 0 {
		return n.errorf("the correlation names no rules")
	}
	switch {
	case condition == nil && c.temporal():
		all := float64(len(c.Rules))
		c.Condition.GTE = &all
		return nil
	case condition == nil:
		return n.errorf("a correlation of type %s needs a condition", c.Type)
	case condition.kind == textNode:
		return nil
	case condition.kind != mapNode:
		return condition.errorf("the condition is %s, not a map", condition.kind)
	}
	return c.setBounds(condition)
}

func (c *Correlation) setBounds(n *node) error {
	b := &c.Condition
	bounds := map[string]**float64{"gt": &b.GT, "gte": &b.GTE, "lt": &b.LT, "lte": &b.LTE, "eq": &b.EQ, "neq": &b.NEQ}
	bounded := false
	for _, p := range n.pairs {
		x := p.value.number()
		switch bound := bounds[p.key]; {
		case bound != nil:
			if math.IsNaN(x) || !p.value.scalar() {
				return p.value.errorf("the bound %s is not a number", p.key)
			}
			*bound, bounded = &x, true
		case p.key == "field":
			fields, err := distinct(n, "field")
			if err != nil {
				return err
			}
			b.Fields = fields
		case p.key == "percentile":
			if !(x > 0 && x <= 100) {
				return p.value.errorf("percentile is not a number above 0 and up to 100")
			}
			b.Percentile = x
		default:
			return &fault{p.line, fmt.Sprintf("the condition has the unknown key %q", p.key)}
		}
	}
	switch needs := correlationTypes[c.Type]; {
	case !bounded:
		return n.errorf("the condition has no bound: gt, gte, lt, lte, eq or neq")
	case needs && len(b.Fields) == 0:
		return n.errorf("a correlation of type %s needs a field in its condition", c.Type)
	case needs && c.Type != "value_count" && len(b.Fields) > 1:
		return n.errorf("a correlation of type %s reckons with one field", c.Type)
	}
	return nil
}

// setExpression reads a condition like "scan and (logon or not backup)" over ids or names of rules.
func (c *Correlation) setExpression(n *node) error {
	if !c.temporal() {
		return n.errorf("only temporal correlations have an expression as condition")
	}
	var named []string
	seen := map[string]bool{}
	g := grammar[*RuleExpr]{
		words: tokens(n.text),
		operand: func(g *grammar[*RuleExpr]) (*RuleExpr, error) {
			name := g.words[g.at]
			g.at++
			if !seen[name] {
				seen[name] = true
				named = append(named, name)
			}
			if len(named) > maxReferences {
				return nil, fmt.Errorf("the condition names more than %d rules", maxReferences)
			}
			return &RuleExpr{Op: "ref", Rule: name}, nil
		},
		and: func(of []*RuleExpr) *RuleExpr { return &RuleExpr{Op: "and", Of: of} },
		or:  func(of []*RuleExpr) *RuleExpr { return &RuleExpr{Op: "or", Of: of} },
		not: func(of *RuleExpr) *RuleExpr { return &RuleExpr{Op: "not", Of: []*RuleExpr{of}} },
	}
	e, err := g.parse()
	if err != nil {
		return n.errorf("%s", err)
	}
	if e.holds(nil) {
		return n.errorf("the condition holds when nothing happened, so no event can set it off")
	}
	for _, name := range named {
		if len(c.Rules) > 0 && !slices.Contains(c.Rules, name) {
			return n.errorf("the condition names %q, which rules does not list", name)
		}
	}
	for _, name := range c.Rules {
		if !seen[name] {
			return n.errorf("rules lists %q, which the condition does not name", name)
		}
	}
	c.Rules, c.Condition.Expr = named, e
	return nil
}

// holds evaluates the expression; hit are the rules that matched.
func (e *RuleExpr) holds(hit []string) bool {
	switch e.Op {
	case "ref":
		return slices.Contains(hit, e.Rule)
	case "not":
		return !e.Of[0].holds(hit)
	}
	for _, of := range e.Of {
		if of.holds(hit) == (e.Op == "or") {
			return e.Op == "or"
		}
	}
	return e.Op == "and"
}

// aggregation is the form that rules of specification 1.0 had behind a pipe: count(field) by group, group > 10.
var aggregation = regexp.MustCompile(
	`^(?i:(count|sum|avg|min|max))\s*\(\s*([^()]*?)\s*\)(?:\s+(?i:by)\s+([^<>=\s][^<>=]*?))?\s*(<=|>=|==|=|<|>)\s*(-?[0-9]+(?:\.[0-9]+)?)$`)

// aggregated turns a rule with an aggregation of old into its detection and a correlation that counts it.
func aggregated(r Rule, d *Detection, text string, timeframe, at *node) ([]Rule, error) {
	m := aggregation.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return nil, at.errorf("the condition has %q behind |, of which only count, sum and avg compared with a number are understood; write a correlation",
			strings.TrimSpace(text))
	}
	if timeframe == nil {
		return nil, at.errorf("the condition counts, and the detection has no timeframe to count in")
	}
	function, field := strings.ToLower(m[1]), m[2]
	c := &Correlation{Type: map[string]string{"count": "value_count", "sum": "value_sum", "avg": "value_avg"}[function]}
	switch {
	case c.Type == "":
		return nil, at.errorf("the condition asks for %s(), which no correlation can express", function)
	case field == "" && function != "count":
		return nil, at.errorf("the condition asks for %s() of no field", function)
	case field == "":
		c.Type = "event_count"
	default:
		c.Condition.Fields = []string{field}
	}
	var err error
	if c.Timespan, err = timespan(timeframe.text); err != nil {
		return nil, timeframe.errorf("%s", err)
	}
	if m[3] != "" {
		for field := range strings.SplitSeq(m[3], ",") {
			c.GroupBy = append(c.GroupBy, strings.TrimSpace(field))
		}
	}
	x, _ := strconv.ParseFloat(m[5], 64)
	b := &c.Condition
	*map[string]**float64{"<": &b.LT, "<=": &b.LTE, ">": &b.GT, ">=": &b.GTE, "=": &b.EQ, "==": &b.EQ}[m[4]] = &x

	events := r
	events.Detection = d
	events.ID, events.Name = "", r.ID
	if r.ID == "" {
		events.Name = r.Path
	}
	events.Name += " events"
	r.Correlation = c
	c.Rules = []string{events.Name}
	r.LogSource = LogSource{}
	return []Rule{events, r}, nil
}
