package match

import (
	"net/netip"
	"regexp"
	"strings"

	"wardround/internal/event"
	"wardround/internal/sigma"
)

// Plain evaluates rules by walking their trees and looking at every value. It is slow and obviously right; a Program must
// answer the same. Only where a log keeps a rule's fields is shared with it.
type Plain struct {
	rules    []*sigma.Rule
	targets  [][]target
	compiled map[*sigma.Leaf]*regexp.Regexp
}

// NewPlain makes a Plain of rules that have a detection. One whose log source nothing yields never holds.
func NewPlain(rules []*sigma.Rule) *Plain {
	p := &Plain{rules: rules, compiled: map[*sigma.Leaf]*regexp.Regexp{}}
	for _, r := range rules {
		ts, _ := targets(r.LogSource)
		p.targets = append(p.targets, ts)
	}
	return p
}

// Match returns the rules, by their index and in order, that hold for a record.
func (p *Plain) Match(r *event.Record) []int {
	var hits []int
	for i, rule := range p.rules {
		for k := range p.targets[i] {
			if t := &p.targets[i][k]; t.selects(r.Schema.Source) {
				if p.expr(rule.Detection.Condition, r, t) {
					hits = append(hits, i)
				}
				break
			}
		}
	}
	return hits
}

func (p *Plain) expr(e sigma.Expr, r *event.Record, t *target) bool {
	switch e := e.(type) {
	case sigma.And:
		for _, x := range e {
			if !p.expr(x, r, t) {
				return false
			}
		}
		return true
	case sigma.Or:
		for _, x := range e {
			if p.expr(x, r, t) {
				return true
			}
		}
		return false
	case sigma.Not:
		return !p.expr(e.Of, r, t)
	}
	return p.leaf(e.(*sigma.Leaf), r, t)
}

func (p *Plain) leaf(l *sigma.Leaf, r *event.Record, t *target) bool {
	w := locate(r.Schema, t, l.Field)
	texts, present := plainTexts(r, &w)
	switch l.Op {
	case sigma.Exists:
		return present == l.Want
	case sigma.IsNull:
		return strings.Join(texts, "") == ""
	case sigma.SameAs:
		other := locate(r.Schema, t, l.Ref)
		refs, ok := plainTexts(r, &other)
		return present && ok && plainSame(l, texts, refs)
	}
	for _, text := range texts {
		if p.holds(l, text, present) {
			return true
		}
	}
	return false
}

// plainTexts returns the values of a field as text; present tells whether one of them is not null.
func plainTexts(r *event.Record, w *where) (texts []string, present bool) {
	if w.absent() {
		return nil, false
	}
	w.texts(r, func(v event.Value) {
		texts = append(texts, v.String())
		present = present || !v.IsNull()
	})
	return texts, present
}

func (p *Plain) holds(l *sigma.Leaf, text string, present bool) bool {
	switch l.Op {
	case sigma.Like:
		if text == "" && !present {
			return len(l.Pattern) == 0
		}
		return p.pattern(l).MatchString(plainCase(l, text))
	case sigma.Matches:
		return present && p.compile(l, l.Regexp).MatchString(text)
	case sigma.InNetwork:
		addr, err := netip.ParseAddr(strings.TrimSpace(text))
		return err == nil && (l.Network.Contains(addr.WithZone("")) || l.Network.Contains(addr.WithZone("").Unmap()))
	case sigma.Less, sigma.LessEqual, sigma.Greater, sigma.GreaterEqual:
		return compare(l.Op, []byte(text), l.Number)
	case sigma.TimeIs:
		return timeIs(l.Part, []byte(text), int(l.Number))
	}
	return false
}

func plainCase(l *sigma.Leaf, s string) string {
	if l.Cased {
		return s
	}
	return strings.ToLower(s)
}

func (p *Plain) pattern(l *sigma.Leaf) *regexp.Regexp {
	if re := p.compiled[l]; re != nil {
		return re
	}
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for _, part := range l.Pattern {
		switch part.Wild {
		case sigma.Many:
			b.WriteString(`.*`)
		case sigma.One:
			b.WriteString(`.`)
		default:
			b.WriteString(regexp.QuoteMeta(plainCase(l, part.Text)))
		}
	}
	return p.compile(l, b.String()+`\z`)
}

func (p *Plain) compile(l *sigma.Leaf, expr string) *regexp.Regexp {
	re := p.compiled[l]
	if re == nil {
		re = regexp.MustCompile(expr)
		p.compiled[l] = re
	}
	return re
}

func plainSame(l *sigma.Leaf, texts, refs []string) bool {
	for _, t := range texts {
		for _, ref := range refs {
			t, ref := plainCase(l, t), plainCase(l, ref)
			switch l.Shape {
			case sigma.Whole:
				if t == ref {
					return true
				}
			case sigma.Prefix:
				if strings.HasPrefix(t, ref) {
					return true
				}
			case sigma.Suffix:
				if strings.HasSuffix(t, ref) {
					return true
				}
			case sigma.Infix:
				if strings.Contains(t, ref) {
					return true
				}
			}
		}
	}
	return false
}
