package sigma

import "strings"

// filter reads the filter: section of a document into r.
func (f *file) filter(section *node, r *Rule) error {
	rules := section.get("rules")
	if rules == nil {
		return section.errorf("the filter does not say what rules it is for; any is for all")
	}
	names, ok := rules.texts()
	if !ok || rules.kind == nullNode || len(names) < len(rules.list) {
		return rules.errorf("rules is neither any nor an id or name or a list of them")
	}
	if len(names) > maxReferences {
		return rules.errorf("the filter names more than %d rules", maxReferences)
	}
	if rules.kind == textNode && strings.EqualFold(rules.text, "any") {
		names = nil
	}
	condition, err := conditions(section)
	if err != nil {
		return err
	}
	if section.get("condition").kind == listNode {
		return condition[0].errorf("the condition of a filter is one text")
	}
	s, err := f.detection(section, "condition", "rules")
	if err != nil {
		return err
	}
	e, err := s.condition(condition[0].text)
	if err != nil {
		return condition[0].errorf("%s", err)
	}
	if !negates(e) {
		f.note(condition[0].line, "the filter keeps only events that match it, since its condition has no not")
	}
	r.Filter, r.Detection = &Filter{Rules: names}, &Detection{e}
	return nil
}

func negates(e Expr) bool {
	switch e := e.(type) {
	case Not:
		return true
	case And:
		return anyOf(e, negates)
	case Or:
		return anyOf(e, negates)
	}
	return false
}

func anyOf(list []Expr, f func(Expr) bool) bool {
	for _, e := range list {
		if f(e) {
			return true
		}
	}
	return false
}

// holder is the name of a placeholder in the expression that has no values, "" if there is none.
func holder(e Expr) string {
	var list []Expr
	switch e := e.(type) {
	case *Leaf:
		if e.Op == Expand {
			return e.Holder
		}
	case Not:
		return holder(e.Of)
	case And:
		list = e
	case Or:
		list = e
	}
	for _, e := range list {
		if h := holder(e); h != "" {
			return h
		}
	}
	return ""
}

// takeFilters removes the filters from the rules.
func (s *Set) takeFilters() (filters []Rule) {
	s.keep(func(_ int, r *Rule) bool {
		if r.Filter == nil {
			return true
		}
		if h := holder(r.Detection.Condition); h != "" {
			s.problem(r, false, "the filter is not applied, since the placeholder %q has no values", h)
		} else {
			filters = append(filters, *r)
		}
		return false
	})
	return filters
}

// apply joins the conditions of filters to those of the rules that they are for: both must hold. A filter is for a
// rule if it names it, or any, and if its log source has no attribute that the rule's lacks or has otherwise.
func (s *Set) apply(filters []Rule, x index) {
	parts := make([]And, len(s.Rules))
	for i := range filters {
		f := &filters[i]
		used := false
		for _, t := range s.targets(f, x) {
			r := &s.Rules[t]
			switch {
			case r.Detection == nil && f.Filter.Rules != nil:
				s.problem(f, true, "the filter names %q, which is a correlation; filters are for detections", r.Title)
			case r.Detection == nil:
			case f.LogSource.covers(r.LogSource):
				parts[t] = append(parts[t], f.Detection.Condition)
				used = true
			case f.Filter.Rules != nil:
				s.problem(f, true, "the filter names %q, which has another log source", r.Title)
			}
		}
		if !used && f.Filter.Rules == nil {
			s.problem(f, true, "the filter fits no rule")
		}
	}
	for i, p := range parts {
		if len(p) > 0 {
			all := append(And{s.Rules[i].Detection.Condition}, p...)
			s.Rules[i].Detection = &Detection{all}
		}
	}
}

// targets are the rules that a filter names.
func (s *Set) targets(f *Rule, x index) []int {
	var out []int
	for _, reference := range f.Filter.Rules {
		if i, ok := x.find(reference); ok {
			out = append(out, i)
		} else {
			s.problem(f, true, "the filter names %q, which is no rule's id or name", reference)
		}
	}
	if f.Filter.Rules == nil {
		for i := range s.Rules {
			out = append(out, i)
		}
	}
	return out
}

func (l LogSource) covers(other LogSource) bool {
	return (l.Product == "" || l.Product == other.Product) &&
		(l.Category == "" || l.Category == other.Category) &&
		(l.Service == "" || l.Service == other.Service)
}
