package sigma

import (
	"fmt"
	"strings"
)

// Placeholders reads a placeholder file: a YAML map from name to a value or a list of values. In several documents the
// last value of a name counts.
//
//	Administrators: [adm_*, Administrator]
//	DomainControllers:
//	    - 'EX-DC?$'
func Placeholders(data []byte) (map[string][]string, error) {
	f := &file{parser: new(Parser)}
	out := map[string][]string{}
	pieces, _ := split(data)
	for _, piece := range pieces {
		doc, err := f.decode(piece)
		if err != nil {
			return nil, fmt.Errorf("read placeholders: %w", err)
		}
		if doc.kind != mapNode {
			return nil, fmt.Errorf("read placeholders: the file holds %s, not a map", doc.kind)
		}
		for _, p := range doc.pairs {
			values, ok := p.value.texts()
			if !ok {
				return nil, fmt.Errorf("read placeholders: line %d: %q has a value that is not text", p.line, p.key)
			}
			out[strings.Trim(p.key, "%")] = values
		}
	}
	return out, nil
}

// segment is a part of a value: a text as the rule writes it, or the name of a placeholder.
type segment struct {
	raw    string
	holder string
}

// segments finds the placeholders %name% of a value. A percent sign behind a backslash is plain, and so is one that
// begins no name.
func segments(s string) []segment {
	var out []segment
	var raw strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			if i++; s[i] != '%' {
				raw.WriteByte('\\')
			}
			raw.WriteByte(s[i])
			continue
		}
		end := -1
		if s[i] == '%' {
			end = strings.IndexAny(s[i+1:], `%\`)
		}
		if end < 1 || s[i+1+end] != '%' {
			raw.WriteByte(s[i])
			continue
		}
		out = append(out, segment{raw: raw.String()}, segment{holder: s[i+1 : i+1+end]})
		raw.Reset()
		i += 1 + end
	}
	return append(out, segment{raw: raw.String()})
}

// expand replaces the placeholders of a value by their values: as alternatives in a text, or inside a regular
// expression. A placeholder without values leaves a value that asks for it.
func (p *Parser) expand(v value, inExpression bool) ([]value, error) {
	out := []value{v}
	out[0].text, out[0].raw = nil, ""
	for _, s := range segments(v.raw) {
		if s.holder == "" {
			for i := range out {
				out[i].text = join(out[i].text, parsePattern(s.raw))
				out[i].raw += s.raw
			}
			continue
		}
		given := p.Placeholders[s.holder]
		switch {
		case len(given) == 0:
			return []value{{kind: aHolder, leaf: Leaf{Op: Expand, Holder: s.holder}}}, nil
		case inExpression:
			out[0].raw += alternatives(given)
		case len(out)*len(given) > maxWeight:
			return nil, fmt.Errorf("placeholders unfold into more than %d values", maxWeight)
		default:
			out = substitute(out, given)
		}
	}
	return out, nil
}

func substitute(values []value, given []string) []value {
	var out []value
	for _, v := range values {
		for _, g := range given {
			w := v
			w.text = join(v.text, parsePattern(g))
			out = append(out, w)
		}
	}
	return out
}

func alternatives(given []string) string {
	var each []string
	for _, g := range given {
		each = append(each, parsePattern(g).regexp())
	}
	return "(?:" + strings.Join(each, "|") + ")"
}
