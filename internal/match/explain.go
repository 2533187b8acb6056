package match

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"wardround/internal/sigma"
)

// Explanation is how a rule was compiled.
type Explanation struct {
	Sees  []string // events that it can hold for, one selection each
	Wakes []string // one of these must be found in a record before the rule is evaluated; none: every such event is
	Asks  []string // the condition as it is evaluated, cheapest parts first; an indent of two blanks is a level down
}

// Explain tells how a rule of the program, by its index, was compiled, for events that have all fields it asks about.
func (p *Program) Explain(rule int) Explanation {
	c := &p.compiled[rule]
	var e Explanation
	for i := range c.targets {
		e.Sees = append(e.Sees, c.targets[i].String())
	}
	wakes, weight := anchors(nil, c.cond, func(c *cond, tiny bool) (*cond, float64) { return c, c.atom.anchorWeight(c.not, tiny) })
	if !math.IsInf(weight, 1) {
		for _, c := range wakes {
			e.Wakes = append(e.Wakes, c.String())
		}
		slices.Sort(e.Wakes)
		e.Wakes = slices.Compact(e.Wakes)
	}
	c.cond.lines(0, func(line string) { e.Asks = append(e.Asks, line) })
	return e
}

// String tells which events a target selects.
func (t *target) String() string {
	var parts []string
	for _, p := range []struct{ name, value string }{{"", t.product}, {"channel ", t.channel}, {"provider ", t.provider}} {
		if p.value != "" {
			parts = append(parts, p.name+p.value)
		}
	}
	if len(t.ids) > 0 {
		parts = append(parts, "event "+strings.Trim(strings.ReplaceAll(fmt.Sprint(t.ids), " ", " or "), "[]"))
	}
	if len(parts) == 0 {
		return "every record"
	}
	return strings.Join(parts, ", ")
}

// lines spells a condition out, a question a line.
func (c *cond) lines(depth int, put func(string)) {
	indent := strings.Repeat("  ", depth)
	if c.op == ask {
		put(indent + c.String())
		return
	}
	put(indent + map[condOp]string{all: "all of", any: "one of"}[c.op])
	kids := slices.Clone(c.kids)
	slices.SortStableFunc(kids, func(a, b *cond) int { return cmp.Compare(a.cost(), b.cost()) })
	for _, k := range kids {
		k.lines(depth+1, put)
	}
}

func (c *cond) cost() int8 {
	if c.op != ask {
		return costOfParts
	}
	return c.atom.cost
}

// String is one question: its field, what is asked, and by which texts the scan answers or narrows it.
func (c *cond) String() string {
	l := c.atom.leaf
	field := cmp.Or(c.field, "any value")
	not := ""
	if c.not {
		not = "not "
	}
	text := func(verb string) string { return fmt.Sprintf("%s %s%s %q", field, not, verb, c.atom.lit) }
	switch c.atom.form {
	case exact:
		return text("is")
	case prefix:
		return text("begins with")
	case suffix:
		return text("ends with")
	case infix:
		return text("holds")
	}
	s := fmt.Sprintf("%s %s%s", field, not, asked(l))
	switch g := c.atom.guard; {
	case len(g.texts) == 0 && (l.Op == sigma.Matches || l.Op == sigma.Like):
		s += ", of which no text is known: asked of every value"
	case len(g.texts) > 0 && !c.atom.scannable(false):
		s += ", only where the value holds " + quoted(g.texts) + ", which is too short to be looked for with the others"
	case len(g.texts) > 0:
		s += ", only where the value holds " + quoted(g.texts)
	}
	if c.atom.guard.foreign {
		s += " or is not ASCII"
	}
	return s
}

func asked(l *sigma.Leaf) string {
	switch l.Op {
	case sigma.Matches:
		return "matches /" + l.Regexp + "/"
	case sigma.Like:
		return fmt.Sprintf("is like %q", spelled(l.Pattern))
	case sigma.InNetwork:
		return "lies in " + l.Network.String()
	case sigma.Less:
		return fmt.Sprint("< ", l.Number)
	case sigma.LessEqual:
		return fmt.Sprint("≤ ", l.Number)
	case sigma.Greater:
		return fmt.Sprint("> ", l.Number)
	case sigma.GreaterEqual:
		return fmt.Sprint("≥ ", l.Number)
	case sigma.IsNull:
		return "is empty"
	case sigma.Exists:
		if l.Want {
			return "is there"
		}
		return "is missing"
	case sigma.SameAs:
		return [...]string{"is", "begins with", "ends with", "holds"}[l.Shape] + " the field " + l.Ref
	}
	return l.String()
}

// spelled writes a pattern with its wildcards.
func spelled(p sigma.Pattern) string {
	var b strings.Builder
	for _, part := range p {
		b.WriteString([...]string{part.Text, "*", "?"}[part.Wild])
	}
	return b.String()
}

func quoted(texts []string) string {
	out := make([]string, 0, len(texts))
	for _, t := range texts[:min(len(texts), 8)] {
		out = append(out, fmt.Sprintf("%q", t))
	}
	s := strings.Join(out, " or ")
	if n := len(texts) - len(out); n > 0 {
		s += fmt.Sprintf(" or one of %d more", n)
	}
	return s
}
