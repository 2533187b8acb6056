package sigma

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
)

// value is one value of a rule on its way through the modifiers of its field.
type value struct {
	kind   valueKind
	text   Pattern // of a text or a number
	raw    string  // as written
	number float64 // of a number
	leaf   Leaf    // what the modifiers made of it so far

	flags          string // of a regular expression
	atStart, atEnd bool   // of a regular expression
	placed         bool   // contains, startswith or endswith said where in the record's value it stands
}

type valueKind uint16

const (
	aText valueKind = 1 << iota
	aNumber
	aBool
	aNull
	anExpression
	aNetwork
	aComparison
	aReference
	aPresence
	aTimePart
	aHolder
)

// String names the kinds for problems.
func (k valueKind) String() string {
	var names []string
	for i, name := range []string{"a text", "a number", "true or false", "null", "a regular expression", "a network",
		"a comparison", "a field reference", "a question of existence", "a part of a time", "a placeholder"} {
		if k&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, " or ")
}

// modifier is one of the specification's appendix.
type modifier struct {
	takes valueKind // what it applies to
	first bool      // only to values that no other modifier touched
	// do changes the value; it may make several of it, of which one suffices.
	do func(value) ([]value, error)
}

// modifiers are all but all and neq, which say how values are joined and do not touch them.
var modifiers = map[string]modifier{
	"contains":   {takes: placeable, do: place(true, true)},
	"startswith": {takes: placeable, do: place(false, true)},
	"endswith":   {takes: placeable, do: place(true, false)},
	"cased":      {takes: aText | aNumber | aReference, do: cased},
	"exists":     {takes: aBool, first: true, do: exists},
	"fieldref":   {takes: aText, do: fieldRef},

	"re":         {takes: aText | aNumber, first: true, do: expression},
	"i":          {takes: anExpression, do: flag("i")},
	"ignorecase": {takes: anExpression, do: flag("i")},
	"m":          {takes: anExpression, do: flag("m")},
	"multiline":  {takes: anExpression, do: flag("m")},
	"s":          {takes: anExpression, do: flag("s")},
	"dotall":     {takes: anExpression, do: flag("s")},

	"windash":      {takes: aText, do: winDash},
	"wide":         {takes: aText, do: encode(false, "")},
	"utf16le":      {takes: aText, do: encode(false, "")},
	"utf16be":      {takes: aText, do: encode(true, "")},
	"utf16":        {takes: aText, do: encode(false, markUTF16)},
	"base64":       {takes: aText, do: toBase64},
	"base64offset": {takes: aText, do: toOffsets},
	"expand":       {takes: aText | anExpression, do: keep}, // done beforehand, see expand

	"cidr": {takes: aText, first: true, do: network},
	"lt":   {takes: aNumber | aTimePart, do: compare(Less)},
	"lte":  {takes: aNumber | aTimePart, do: compare(LessEqual)},
	"gt":   {takes: aNumber | aTimePart, do: compare(Greater)},
	"gte":  {takes: aNumber | aTimePart, do: compare(GreaterEqual)},

	"minute": {takes: aNumber, do: timePart(Minute)},
	"hour":   {takes: aNumber, do: timePart(Hour)},
	"day":    {takes: aNumber, do: timePart(Day)},
	"week":   {takes: aNumber, do: timePart(Week)},
	"month":  {takes: aNumber, do: timePart(Month)},
	"year":   {takes: aNumber, do: timePart(Year)},
}

const placeable = aText | aNumber | anExpression | aReference

// fieldOps are the questions that only make sense of a field, not of any value of a record.
const fieldOps = aNull | aReference | aPresence | aComparison | aTimePart

// modify sends a value through the modifiers. The values that come out are alternatives, whatever all says.
func modify(v value, names []string) ([]value, error) {
	var values []value
	touched := false
	for i, name := range names {
		if name == "all" || name == "neq" {
			continue
		}
		m := modifiers[name]
		if m.first && i > 0 {
			return nil, fmt.Errorf("the modifier %s must be the first", name)
		}
		if !touched {
			made, err := m.apply(v, name)
			if err != nil {
				return nil, err
			}
			values, touched = made, true
			continue
		}
		var out []value
		for _, v := range values {
			made, err := m.apply(v, name)
			if err != nil {
				return nil, err
			}
			out = append(out, made...)
		}
		values = out
	}
	if !touched {
		return []value{v}, nil
	}
	return values, nil
}

func (m *modifier) apply(v value, name string) ([]value, error) {
	switch {
	case v.kind == aHolder:
		return keep(v)
	case v.kind&m.takes == 0:
		return nil, fmt.Errorf("the modifier %s is for %s, not for %s", name, m.takes, v.kind)
	}
	return m.do(v)
}

func keep(v value) ([]value, error) { return []value{v}, nil }

func place(before, after bool) func(value) ([]value, error) {
	return func(v value) ([]value, error) {
		v.placed = true
		switch v.kind {
		case anExpression: // which is sought anywhere, unless told otherwise
			v.atStart = v.atStart || !before
			v.atEnd = v.atEnd || !after
		case aReference:
			shape := Infix
			if !before {
				shape = Prefix
			} else if !after {
				shape = Suffix
			}
			if v.leaf.Shape != Whole && v.leaf.Shape != shape {
				shape = Infix
			}
			v.leaf.Shape = shape
		default:
			v.kind = aText
			v.text = v.text.around(before, after)
		}
		return []value{v}, nil
	}
}

func cased(v value) ([]value, error) {
	v.leaf.Cased = true
	return []value{v}, nil
}

func exists(v value) ([]value, error) {
	v.kind = aPresence
	v.leaf.Op, v.leaf.Want = Exists, v.raw == "true"
	return []value{v}, nil
}

func fieldRef(v value) ([]value, error) {
	name, ok := v.text.plain()
	if !ok || name == "" {
		return nil, errors.New("a field reference is the name of a field, without wildcards")
	}
	v.kind = aReference
	v.leaf.Op, v.leaf.Ref = SameAs, name
	return []value{v}, nil
}

func expression(v value) ([]value, error) {
	v.kind = anExpression
	v.leaf.Op = Matches
	return []value{v}, nil
}

func flag(f string) func(value) ([]value, error) {
	return func(v value) ([]value, error) {
		if !strings.Contains(v.flags, f) {
			v.flags += f
		}
		return []value{v}, nil
	}
}

func winDash(v value) ([]value, error) {
	patterns, ok := v.text.exchange()
	if !ok {
		return nil, fmt.Errorf("windash exchanges at most %d dashes of a value: give the value several times, each with a part of them", maxDashes)
	}
	out := make([]value, len(patterns))
	for i, p := range patterns {
		out[i] = v
		out[i].text = p
	}
	return out, nil
}

func encode(bigEndian bool, mark string) func(value) ([]value, error) {
	return func(v value) ([]value, error) {
		v.text = join(literal(mark), v.text.encode(bigEndian))
		return []value{v}, nil
	}
}

var errWildcards = errors.New("a value with wildcards (contains, startswith and endswith make some) has no Base64 form")

func toBase64(v value) ([]value, error) {
	s, ok := v.text.plain()
	if !ok {
		return nil, errWildcards
	}
	v.text = literal(base64.StdEncoding.EncodeToString([]byte(s)))
	return []value{v}, nil
}

func toOffsets(v value) ([]value, error) {
	s, ok := v.text.plain()
	if !ok {
		return nil, errWildcards
	}
	var out []value
	for _, text := range offsets(s) {
		if text == "" {
			return nil, errors.New("base64offset needs two bytes or more: of fewer nothing is left that could be found")
		}
		v.text = literal(text)
		out = append(out, v)
	}
	return out, nil
}

func network(v value) ([]value, error) {
	v.kind = aNetwork
	v.leaf.Op = InNetwork
	if a, err := netip.ParseAddr(v.raw); err == nil && a.Zone() == "" {
		a = a.Unmap()
		v.leaf.Network = netip.PrefixFrom(a, a.BitLen())
		return []value{v}, nil
	}
	n, err := netip.ParsePrefix(v.raw)
	if err != nil {
		return nil, fmt.Errorf("%q is not a network in CIDR notation", v.raw)
	}
	if n.Masked() != n {
		return nil, fmt.Errorf("%q is an address inside a network; the network is %s", v.raw, n.Masked())
	}
	if n.Addr().Is4In6() && n.Bits() >= 96 {
		n = netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-96)
	}
	v.leaf.Network = n
	return []value{v}, nil
}

func compare(op Op) func(value) ([]value, error) {
	return func(v value) ([]value, error) {
		if math.IsNaN(v.number) {
			return nil, fmt.Errorf("%s is not a number that can be compared", v.raw)
		}
		if v.kind == aTimePart {
			return v.enumerate(op), nil
		}
		v.kind = aComparison
		v.leaf.Op, v.leaf.Number = op, v.number
		return []value{v}, nil
	}
}

// timeRange is what the parts of a time can be. Years are those that event.Time can hold.
var timeRange = [...]struct {
	name        string
	first, last float64
}{
	Minute: {"minute", 0, 59}, Hour: {"hour", 0, 23}, Day: {"day", 1, 31}, Week: {"week", 1, 53}, Month: {"month", 1, 12},
	Year: {"year", 1678, 2261},
}

func timePart(part TimePart) func(value) ([]value, error) {
	return func(v value) ([]value, error) {
		r := timeRange[part]
		if !(v.number >= r.first && v.number <= r.last && v.number == math.Trunc(v.number)) {
			return nil, fmt.Errorf("%s is a whole number from %.0f to %.0f", r.name, r.first, r.last)
		}
		v.kind = aTimePart
		v.leaf.Op, v.leaf.Part, v.leaf.Number = TimeIs, part, v.number
		return []value{v}, nil
	}
}

// enumerate spells out a comparison with a part of a time: hour|gte: 22 is hour 22 or hour 23.
func (v value) enumerate(op Op) []value {
	var out []value
	v.kind = aComparison
	for n := timeRange[v.leaf.Part].first; n <= timeRange[v.leaf.Part].last; n++ {
		if op == Less && n < v.number || op == LessEqual && n <= v.number ||
			op == Greater && n > v.number || op == GreaterEqual && n >= v.number {
			v.leaf.Number = n
			out = append(out, v)
		}
	}
	return out
}

// finish makes the leaf of a value that all modifiers are done with.
func (v value) finish(field string) (*Leaf, error) {
	l := v.leaf
	l.Field = field
	if field == "" && v.kind&fieldOps != 0 {
		return nil, fmt.Errorf("%s needs the name of a field", v.kind)
	}
	switch v.kind {
	case aNull:
		l.Op = IsNull
	case aText, aNumber, aBool:
		text, ok := v.text.text()
		if !ok {
			return nil, errors.New("the value has a character that is not ASCII: its UTF-16 form can only be sought in Base64")
		}
		if field == "" && !v.placed {
			text = text.around(true, true)
		}
		l.Op, l.Pattern = Like, text
	case anExpression:
		expr, err := compilable(v.raw, v.flags, v.atStart, v.atEnd)
		if err != nil {
			return nil, err
		}
		l.Regexp = expr
	}
	return &l, nil
}

// valuesOf reads a value of a rule. Usually it is one; a number in hexadecimal is two, since logs write either form.
func (p *Parser) valuesOf(n *node, names []string) ([]value, error) {
	v := value{raw: n.text}
	switch n.kind {
	case nullNode:
		v.kind = aNull
	case boolNode:
		v.kind, v.text = aBool, literal(n.text)
	case numberNode:
		v.kind, v.text = aNumber, literal(n.text)
		v.number = n.number()
		if plain := n.decimal(); plain != n.text && !slices.ContainsFunc(names, reckons) {
			other := v
			other.text = literal(plain)
			return []value{v, other}, nil
		}
	case textNode:
		v.kind, v.text = aText, parsePattern(n.text)
		if slices.Contains(names, "exists") {
			if b, ok := yamlBool(n.text); ok {
				v.kind, v.raw = aBool, b
			}
		}
		if slices.Contains(names, "expand") {
			return p.expand(v, slices.Contains(names, "re"))
		}
	default:
		return nil, fmt.Errorf("the value is %s", n.kind)
	}
	return []value{v}, nil
}

// reckons reports whether a modifier takes a number for its worth, not for its digits.
func reckons(name string) bool {
	m := modifiers[name]
	return m.takes&aNumber != 0 && m.takes&aText == 0
}

// yamlBool reads the words that YAML 1.1 takes for true and false and YAML 1.2 no longer does.
func yamlBool(s string) (string, bool) {
	switch strings.ToLower(s) {
	case "yes", "on":
		return "true", true
	case "no", "off":
		return "false", true
	}
	return "", false
}
