package sigma

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// selections are the search identifiers of a detection, in the order of the file.
type selections struct {
	names  []string
	exprs  map[string]Expr
	weight map[string]int
	used   int // weight of what conditions named so far
}

// detection reads a detection: or filter: section; reserved are its keys that name no search identifier.
func (f *file) detection(section *node, reserved ...string) (*selections, error) {
	if section.kind != mapNode {
		return nil, section.errorf("the section is %s, not a map", section.kind)
	}
	s := &selections{exprs: map[string]Expr{}, weight: map[string]int{}}
	for _, p := range section.pairs {
		if slices.Contains(reserved, p.key) {
			continue
		}
		f.weight = 0
		e, err := f.definition(p.value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.key, err)
		}
		s.names = append(s.names, p.key)
		s.exprs[p.key] = e
		s.weight[p.key] = f.weight
	}
	if len(s.names) == 0 {
		return nil, section.errorf("the section has a condition and nothing that it could speak of")
	}
	return s, nil
}

// definition reads what a search identifier stands for: a map of fields, all of which must hold, a keyword, or a list
// of any of these, one of which must hold.
func (f *file) definition(n *node) (Expr, error) {
	switch {
	case n.kind == mapNode:
		if len(n.pairs) == 0 {
			return nil, n.errorf("the map is empty")
		}
		var all And
		for _, p := range n.pairs {
			e, err := f.item(p)
			if err != nil {
				return nil, err
			}
			all = append(all, e)
		}
		return all.simplify(), nil
	case n.kind == listNode && slices.ContainsFunc(n.list, func(e *node) bool { return !e.scalar() }):
		var one Or
		for _, e := range n.list {
			d, err := f.definition(e)
			if err != nil {
				return nil, err
			}
			one = append(one, d)
		}
		return one.simplify(), nil
	}
	return f.item(pair{"", n.line, n})
}

// item reads "field|modifier…: value or values". Without a field the values are keywords.
func (f *file) item(p pair) (Expr, error) {
	names := strings.Split(p.key, "|")
	field, names := names[0], names[1:]
	for _, name := range names {
		if _, known := modifiers[name]; !known && name != "all" && name != "neq" {
			return nil, &fault{p.line, fmt.Sprintf("unknown modifier %q", name)}
		}
	}
	values := []*node{p.value}
	if p.value.kind == listNode {
		values = p.value.list
	}
	if len(values) == 0 && field != "" && len(names) == 0 {
		values = []*node{{kind: nullNode, line: p.value.line}}
	}
	if len(values) == 0 {
		return nil, p.value.errorf("%q has an empty list", p.key)
	}
	parts := make([]Expr, 0, len(values))
	for _, n := range values {
		if leaf, ok := f.plainLeaf(field, names, n); ok {
			if err := f.charge(leaf.weight()); err != nil {
				return nil, n.errorf("%s", err)
			}
			parts = append(parts, leaf)
			continue
		}
		alternatives, err := f.leaves(field, names, n)
		if err != nil {
			return nil, n.errorf("%s", err)
		}
		if slices.Contains(names, "all") {
			parts = append(parts, alternatives.simplify())
		} else {
			parts = append(parts, alternatives...)
		}
	}
	var e Expr = Or(parts).simplify()
	if slices.Contains(names, "all") {
		e = And(parts).simplify()
	}
	if slices.Contains(names, "neq") {
		e = Not{e}
	}
	return e, nil
}

// plainLeaf is the leaf of a text that no modifier touches but those that say where it stands: nearly every value of a rule is one. It makes
// what leaves makes, in one step, and leaves others to it (false).
func (f *file) plainLeaf(field string, names []string, n *node) (*Leaf, bool) {
	if n.kind != textNode || n.text == "" || !isLiteral(n.text) || !utf8.ValidString(n.text) {
		return nil, false
	}
	before, after, placed := false, false, false
	for _, name := range names {
		switch name {
		case "contains":
			before, after, placed = true, true, true
		case "startswith":
			after, placed = true, true
		case "endswith":
			before, placed = true, true
		case "all", "neq":
		default:
			return nil, false
		}
	}
	if field == "" && !placed {
		before, after = true, true
	}
	parts := 1
	if before {
		parts++
	}
	if after {
		parts++
	}
	l, p := f.room.leaf(parts)
	if before {
		p = append(p, Part{Wild: Many})
	}
	p = append(p, Part{Text: n.text})
	if after {
		p = append(p, Part{Wild: Many})
	}
	l.Field, l.Op, l.Pattern = field, Like, p
	return l, true
}

// isLiteral reports that parsePattern finds no wildcard in s, and nothing to take a backslash from.
func isLiteral(s string) bool {
	return strings.IndexByte(s, '*') < 0 && strings.IndexByte(s, '?') < 0 && !strings.Contains(s, `\\`)
}

// leaves spells out one value; one of the leaves must hold.
func (f *file) leaves(field string, names []string, n *node) (Or, error) {
	values, err := f.parser.valuesOf(n, names)
	if err != nil {
		return nil, err
	}
	var out Or
	for _, v := range values {
		made, err := modify(v, names)
		if err != nil {
			return nil, err
		}
		for _, v := range made {
			leaf, err := v.finish(field)
			if err != nil {
				return nil, err
			}
			if err := f.charge(leaf.weight()); err != nil {
				return nil, err
			}
			out = append(out, leaf)
		}
	}
	return out, nil
}

// charge counts what the current search identifier and all rules of the file have come to.
func (f *file) charge(weight int) error {
	f.weight += weight
	f.total += weight
	if f.weight > maxWeight {
		return fmt.Errorf("the rule unfolds into more than %d questions", maxWeight)
	}
	if f.total > maxTotal {
		return fmt.Errorf("all rules of the file unfold into more than %d questions", maxTotal)
	}
	return nil
}

func (l *Leaf) weight() int {
	bytes := len(l.Regexp)
	for _, p := range l.Pattern {
		bytes += len(p.Text) + 8
	}
	return 1 + bytes/256
}

func (a And) simplify() Expr {
	if len(a) == 1 {
		return a[0]
	}
	return a
}

func (o Or) simplify() Expr {
	if len(o) == 1 {
		return o[0]
	}
	return o
}
