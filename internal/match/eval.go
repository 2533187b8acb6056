package match

import (
	"bytes"
	"slices"

	"wardround/internal/event"
	"wardround/internal/sigma"
)

// Scratch is what one worker scribbles on. The zero value is ready for use.
type Scratch struct {
	epoch  uint32
	state  []uint32    // by pred: epoch and answer
	asleep []uint32    // by rule of the plan: epoch in which it was woken
	woken  []int32     // rules of the plan
	texts  []fieldText // by field of the plan
	buf    []byte      // folded texts
	raw    []byte      // texts as they are

	plan  *Plan
	field *planField
	found func(*needle)
	add   func(event.Value)
	spans []span
	meter *Meter // nil unless costs are measured
}

// fieldText is a field's folded values.
type fieldText struct {
	epoch  uint32
	folded []span
}

type span struct{ from, to int }

const (
	held    = 1
	maybe   = 2
	refused = 3
)

// Match returns the rules, by their index in Program.Rules and in order, that hold for a record. It appends to hits.
func (p *Program) Match(plan *Plan, r *event.Record, s *Scratch, hits []int) []int {
	s.begin(plan)
	if s.meter != nil {
		defer s.meter.record(s.meter.watch())
	}
	for i := range plan.fields {
		if f := &plan.fields[i]; f.scanner != nil {
			s.scan(r, i, f)
		}
	}
	start := len(hits)
	for _, list := range [...][]int32{s.woken, plan.always} {
		for _, n := range list {
			if s.rule(r, n) {
				hits = append(hits, plan.rules[n].rule)
			}
		}
	}
	slices.Sort(hits[start:])
	return hits
}

func (s *Scratch) rule(r *event.Record, n int32) bool {
	if s.meter != nil {
		return s.measured(r, n)
	}
	return s.eval(r, &s.plan.rules[n].cond)
}

func (s *Scratch) begin(plan *Plan) {
	if s.found == nil {
		s.found = s.note
		s.add = func(v event.Value) {
			from := len(s.buf)
			s.buf = fold(s.buf, v)
			s.spans = append(s.spans, span{from, len(s.buf)})
		}
	}
	s.epoch += 4
	if s.epoch < 4 { // wrapped: old marks would look new
		clear(s.state)
		clear(s.asleep)
		clear(s.texts)
		s.epoch = 4
	}
	s.plan = plan
	s.state = extend(s.state, len(plan.preds))
	s.asleep = extend(s.asleep, len(plan.rules))
	for len(s.texts) < len(plan.fields) {
		s.texts = append(s.texts, fieldText{})
	}
	s.woken, s.buf = s.woken[:0], s.buf[:0]
}

func extend(s []uint32, n int) []uint32 {
	if len(s) < n {
		s = append(s, make([]uint32, n-len(s))...)
	}
	return s
}

// fold returns the folded values of a field, made once per record.
func (s *Scratch) fold(r *event.Record, i int, f *planField) []span {
	t := &s.texts[i]
	if t.epoch == s.epoch {
		return t.folded
	}
	s.spans = t.folded[:0]
	f.where.texts(r, s.add)
	t.epoch, t.folded = s.epoch, s.spans
	return t.folded
}

func (s *Scratch) scan(r *event.Record, i int, f *planField) {
	s.field = f
	for _, sp := range s.fold(r, i, f) {
		f.scanner.scan(s.buf[sp.from:sp.to], s.found)
	}
}

// note marks the pred that a needle serves and wakes the rules that wait for it.
func (s *Scratch) note(n *needle) {
	id := s.field.preds[n.atom]
	if s.state[id]&^3 == s.epoch {
		return
	}
	s.state[id] = s.epoch | maybe
	if n.sure {
		s.state[id] = s.epoch | held
	}
	for _, rule := range s.plan.wakes[id] {
		if s.asleep[rule] != s.epoch {
			s.asleep[rule] = s.epoch
			s.woken = append(s.woken, rule)
		}
	}
}

func (s *Scratch) eval(r *event.Record, c *pcond) bool {
	switch c.op {
	case all:
		for i := range c.kids {
			if !s.eval(r, &c.kids[i]) {
				return false
			}
		}
		return true
	case any:
		for i := range c.kids {
			if s.eval(r, &c.kids[i]) {
				return true
			}
		}
		return false
	}
	return s.holds(r, c.pred) != c.not
}

func (s *Scratch) holds(r *event.Record, id int32) bool {
	p := &s.plan.preds[id]
	st := s.state[id]
	switch {
	case st&^3 != s.epoch && p.scanned:
		return false
	case st == s.epoch|held:
		return true
	case st == s.epoch|refused:
		return false
	}
	answer := s.answer(r, p)
	if answer {
		s.state[id] = s.epoch | held
	} else {
		s.state[id] = s.epoch | refused
	}
	return answer
}

// answer evaluates a pred that the scan leaves open.
func (s *Scratch) answer(r *event.Record, p *pred) bool {
	f := &s.plan.fields[p.field]
	if s.meter != nil {
		s.meter.asked(p.atom)
	}
	if p.atom.form == other {
		if p.atom.leaf.Op == sigma.SameAs {
			return sameAs(r, p.atom.leaf, &f.where, &s.plan.fields[p.ref].where)
		}
		return s.ask(r, p.atom, &f.where)
	}
	for _, sp := range s.fold(r, int(p.field), f) {
		if p.atom.holds(s.buf[sp.from:sp.to], nil) {
			return true
		}
	}
	return false
}

// ask evaluates an atom over a field's values without any preparation.
func (s *Scratch) ask(r *event.Record, a *atom, w *where) bool {
	leaf := a.leaf
	answer := false
	values, filled := 0, 0
	w.texts(r, func(v event.Value) {
		values++
		if v.IsNull() {
			if a.form == exact && a.lit == "" || leaf.Op == sigma.Like && len(leaf.Pattern) == 0 {
				answer = true
			}
			return
		}
		s.raw = v.AppendText(s.raw[:0])
		if len(s.raw) > 0 {
			filled++
		}
		if !answer {
			from := len(s.buf)
			s.buf = fold(s.buf, v)
			answer = a.holds(s.buf[from:], s.raw)
			s.buf = s.buf[:from]
		}
	})
	switch leaf.Op {
	case sigma.IsNull:
		return filled == 0
	case sigma.Exists:
		return present(r, w) == leaf.Want
	}
	return answer
}

func present(r *event.Record, w *where) bool {
	some := false
	w.texts(r, func(v event.Value) { some = some || !v.IsNull() })
	return some
}

// sameAs compares the values of two fields, each with each.
func sameAs(r *event.Record, l *sigma.Leaf, a, b *where) bool {
	text := func(v event.Value) []byte {
		if l.Cased {
			return v.AppendText(nil)
		}
		return fold(nil, v)
	}
	var refs [][]byte
	b.texts(r, func(v event.Value) {
		if !v.IsNull() && len(refs) < maxPairs {
			refs = append(refs, text(v))
		}
	})
	same := false
	a.texts(r, func(v event.Value) {
		if same || v.IsNull() {
			return
		}
		t := text(v)
		for _, ref := range refs {
			switch l.Shape {
			case sigma.Prefix:
				same = same || bytes.HasPrefix(t, ref)
			case sigma.Suffix:
				same = same || bytes.HasSuffix(t, ref)
			case sigma.Infix:
				same = same || bytes.Contains(t, ref)
			default:
				same = same || bytes.Equal(t, ref)
			}
		}
	})
	return same
}

// maxPairs bounds the values of a field that a comparison of fields looks at.
const maxPairs = 1024
