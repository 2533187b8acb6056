package sigma

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// lineWidth is how long a part of a condition may be to stay on one line.
const lineWidth = 100

// String prints the condition for people: short parts on one line, long ones a line per part, indented.
func (d *Detection) String() string { return d.Condition.String() }

func (a And) String() string   { return render(a) }
func (o Or) String() string    { return render(o) }
func (n Not) String() string   { return render(n) }
func (l *Leaf) String() string { return l.line() }

func render(e Expr) string {
	var b strings.Builder
	block(&b, e, 0)
	return strings.TrimSuffix(b.String(), "\n")
}

// block prints an expression as whole lines.
func block(b *strings.Builder, e Expr, indent int) {
	margin := strings.Repeat("    ", indent)
	if s, ok := short(e, lineWidth-len(margin)); ok {
		b.WriteString(margin + s + "\n")
		return
	}
	var parts []Expr
	switch e := e.(type) {
	case And:
		parts = e
		b.WriteString(margin + "all of\n")
	case Or:
		parts = e
		b.WriteString(margin + "one of\n")
	case Not:
		parts = []Expr{e.Of}
		b.WriteString(margin + "not\n")
	case *Leaf:
		b.WriteString(margin + e.line() + "\n")
	}
	for _, p := range parts {
		block(b, p, indent+1)
	}
}

// short prints an expression on one line if it has room there.
func short(e Expr, room int) (string, bool) {
	switch e := e.(type) {
	case And:
		return series(e, " and ", "always", room)
	case Or:
		return series(e, " or ", "never", room)
	case Not:
		s, ok := short(e.Of, room-4)
		return "not " + s, ok
	case *Leaf:
		s := e.line()
		return s, len(s) <= room
	}
	return "", false
}

func series(parts []Expr, word, empty string, room int) (string, bool) {
	if len(parts) == 0 {
		return empty, true
	}
	var out []string
	for _, p := range parts {
		s, ok := short(p, room)
		if room -= len(s) + len(word); !ok || room < 0 {
			return "", false
		}
		out = append(out, s)
	}
	return "(" + strings.Join(out, word) + ")", true
}

var opWords = map[Op]string{InNetwork: "in", Less: "<", LessEqual: "<=", Greater: ">", GreaterEqual: ">="}

func (l *Leaf) line() string {
	field := printable(l.Field)
	if l.Field == "" {
		field = "any value"
	}
	if l.Cased {
		field += " (case counts)"
	}
	switch l.Op {
	case Like:
		return field + " " + l.Pattern.words()
	case Matches:
		return field + " matches /" + printable(l.Regexp) + "/"
	case InNetwork:
		return field + " in " + l.Network.String()
	case Less, LessEqual, Greater, GreaterEqual:
		return field + " " + opWords[l.Op] + " " + strconv.FormatFloat(l.Number, 'f', -1, 64)
	case IsNull:
		return field + " is null"
	case Exists:
		if l.Want {
			return field + " exists"
		}
		return field + " does not exist"
	case SameAs:
		return field + " " + [...]string{"=", "begins with", "ends with", "contains"}[l.Shape] + " field " + printable(l.Ref)
	case TimeIs:
		return fmt.Sprintf("%s of %s = %.0f", timeRange[l.Part].name, field, l.Number)
	case Expand:
		return field + " = placeholder " + printable(l.Holder) + ", which has no values"
	}
	return field + " ?"
}

// words say what a pattern asks, with the wildcards at its ends put into words.
func (p Pattern) words() string {
	word := "="
	if last := len(p) - 1; last > 0 {
		before, after := p[0].Wild == Many, p[last].Wild == Many
		switch {
		case before && after && last > 1:
			word, p = "contains", p[1:last]
		case before:
			word, p = "ends with", p[1:]
		case after:
			word, p = "begins with", p[:last]
		}
	}
	var b strings.Builder
	for _, part := range p {
		switch part.Wild {
		case Many:
			b.WriteByte('*')
		case One:
			b.WriteByte('?')
		default:
			b.WriteString(strings.NewReplacer(`*`, `\*`, `?`, `\?`).Replace(printable(part.Text)))
		}
	}
	return word + " '" + b.String() + "'"
}

// printable replaces what a terminal could take for a command.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\u{%x}`, r)
		}
	}
	return b.String()
}

// String prints the correlation for people, on one line.
func (c *Correlation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %s within %s", c.Type, printable(strings.Join(c.Rules, ", ")), c.Timespan)
	if len(c.GroupBy) > 0 {
		fmt.Fprintf(&b, " by %s", printable(strings.Join(c.GroupBy, ", ")))
	}
	b.WriteString(": " + c.Condition.String())
	for _, alias := range slices.Sorted(maps.Keys(c.Aliases)) {
		fmt.Fprintf(&b, "; %s is", printable(alias))
		for _, rule := range c.Rules {
			if field, ok := c.Aliases[alias][rule]; ok {
				fmt.Fprintf(&b, " %s in %s", printable(field), printable(rule))
			}
		}
	}
	return b.String()
}

// String prints the condition for people.
func (c CorrelationCondition) String() string {
	if c.Expr != nil {
		return c.Expr.String()
	}
	var parts []string
	for _, b := range []struct {
		word  string
		bound *float64
	}{{">", c.GT}, {">=", c.GTE}, {"<", c.LT}, {"<=", c.LTE}, {"=", c.EQ}, {"!=", c.NEQ}} {
		if b.bound != nil {
			parts = append(parts, b.word+" "+strconv.FormatFloat(*b.bound, 'f', -1, 64))
		}
	}
	s := strings.Join(parts, " and ")
	if len(c.Fields) > 0 {
		s = printable(strings.Join(c.Fields, ", ")) + " " + s
	}
	if c.Percentile > 0 {
		s = fmt.Sprintf("percentile %g of %s", c.Percentile, s)
	}
	return s
}

// String prints the expression with parentheses around every series.
func (e *RuleExpr) String() string {
	switch e.Op {
	case "ref":
		return printable(e.Rule)
	case "not":
		return "not " + e.Of[0].String()
	}
	var parts []string
	for _, of := range e.Of {
		parts = append(parts, of.String())
	}
	return "(" + strings.Join(parts, " "+e.Op+" ") + ")"
}
