package match

import (
	"bytes"
	"hash/maphash"
	"net/netip"
	"slices"

	"wardround/internal/event"
	"wardround/internal/sigma"
)

// Scratch is what one worker scribbles on. The zero value is ready for use.
type Scratch struct {
	epoch  uint32
	state  []uint32     // by pred: epoch and answer
	asleep []uint32     // by rule of the plan: epoch in which it was woken
	woken  []int32      // rules of the plan
	texts  []columnText // by column of the plan
	buf    []byte       // folded texts
	raw    []byte       // texts as they are

	plan  *Plan
	col   *column
	found func(int32)
	add   func(event.Value)
	spans []span
	seen  []sign      // found in the column that is scanned
	memo  []seenValue // by hash; made when first needed
	turn  uint32      // of the memo: what an earlier one left is forgotten
	meter *Meter      // nil unless costs are measured

	memory memory  // of text logs
	values *memory // where values of the record at hand keep their answers

	addresses []seenAddress // by hash; made when first needed
}

// seenAddress is a value that was read as an address.
type seenAddress struct {
	turn    uint32
	typ     event.Type
	raw     []byte
	address netip.Addr
}

const seenAddresses = 1 << 8

// columnText are the folded values of a column.
type columnText struct {
	epoch  uint32
	folded []span
}

type span struct{ from, to int }

// seenValue is a value that a column had, and what was found in it: names of hosts, programs and accounts, paths and command
// lines stand in one record after another.
type seenValue struct {
	turn   uint32
	column uint32
	typ    event.Type
	raw    []byte
	found  []sign
}

const (
	maxSeen  = 1 << 10 // bytes of a value that is remembered
	maxFound = 32      // signs in it
	seenBits = 12
)

var seed = maphash.MakeSeed()

// seenAt is where a column's value is remembered.
func (s *Scratch) seenAt(column uint32, raw []byte) *seenValue {
	if s.memo == nil {
		s.memo = make([]seenValue, 1<<seenBits)
	}
	h := (maphash.Bytes(seed, raw) ^ uint64(column)) * 0x9e3779b97f4a7c15
	return &s.memo[h>>(64-seenBits)]
}

// Forget lets go of the values that were seen before: what is found in one artifact does not rest on another.
func (s *Scratch) Forget() {
	s.turn++
	s.memory.file++
}

const (
	held    = 1
	maybe   = 2
	refused = 3
)

// Match returns the rules, by their index in Program.Rules and in order, that hold for a record. It appends to hits.
func (p *Program) Match(plan *Plan, r *event.Record, s *Scratch, hits []int) []int {
	if plan.texts && s.meter == nil {
		return s.memory.match(plan, r, s, hits)
	}
	return s.match(plan, r, hits)
}

// match looks for the texts of all rules in a record, and asks the rules that they wake.
func (s *Scratch) match(plan *Plan, r *event.Record, hits []int) []int {
	s.begin(plan)
	if s.meter != nil {
		defer s.meter.record(s.meter.watch())
	}
	for i := range plan.looked {
		l := &plan.looked[i]
		if uint(l.slot) < uint(len(r.Slots)) && l.scanner.passes(&r.Slots[l.slot], l.empty) {
			continue
		}
		s.look(r, l.column, &plan.columns[l.column])
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
		s.found = func(n int32) {
			s.seen = s.col.signs(s.seen, n)
		}
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
	if s.plan != plan {
		s.room(plan)
	}
	s.woken, s.buf, s.values = s.woken[:0], s.buf[:0], nil
}

// room makes room for a plan.
func (s *Scratch) room(plan *Plan) {
	s.plan = plan
	s.state = extend(s.state, len(plan.preds))
	s.asleep = extend(s.asleep, len(plan.rules))
	for len(s.texts) < len(plan.columns) {
		s.texts = append(s.texts, columnText{})
	}
}

func extend(s []uint32, n int) []uint32 {
	if len(s) < n {
		s = append(s, make([]uint32, n-len(s))...)
	}
	return s
}

// fold returns the folded values of a column, made once per record.
func (s *Scratch) fold(r *event.Record, column int32) []span {
	t := &s.texts[column]
	if t.epoch == s.epoch {
		return t.folded
	}
	s.spans = t.folded[:0]
	c := &s.plan.columns[column]
	if c.derived != nil {
		c.derived.texts(r, s.add)
	} else if v := c.value(r); v.Type&event.Array != 0 {
		v.Each(s.add)
	} else {
		from := len(s.buf)
		s.buf = fold(s.buf, v)
		s.spans = append(s.spans, span{from, len(s.buf)})
	}
	t.epoch, t.folded = s.epoch, s.spans
	return t.folded
}

// look finds what the rules look for in a column.
func (s *Scratch) look(r *event.Record, i int32, c *column) {
	if c.derived != nil {
		s.scan(r, i, c)
		return
	}
	v := c.value(r)
	switch t := v.Type; {
	case t&event.Array != 0:
		s.scan(r, i, c)
		return
	case len(v.Raw) == 0 || t == event.Null:
		for _, n := range c.inEmpty {
			s.note(n)
		}
		return
	case spellings[t] != anyhow && s.number(c, v):
		return
	}
	if len(v.Raw) > maxSeen {
		s.scan(r, i, c)
		return
	}
	x := s.seenAt(c.id, v.Raw)
	if x.turn == s.turn && x.column == c.id && x.typ == v.Type && string(x.raw) == string(v.Raw) {
		for _, n := range x.found {
			s.note(n)
		}
		return
	}
	s.scan(r, i, c)
	x.column = 0
	if len(s.seen) <= maxFound {
		x.turn, x.column, x.typ = s.turn, c.id, v.Type
		x.raw, x.found = append(x.raw[:0], v.Raw...), append(x.found[:0], s.seen...)
	}
}

// scan looks for the texts of all rules in a column.
func (s *Scratch) scan(r *event.Record, i int32, c *column) {
	s.seen = s.seen[:0]
	s.col = c
	for _, sp := range s.fold(r, i) {
		c.scanner.scan(s.buf[sp.from:sp.to], s.found)
	}
	for _, n := range s.seen {
		s.note(n)
	}
}

// note marks a pred and wakes the rules that wait for it.
func (s *Scratch) note(n sign) {
	if s.state[n.pred]&^3 == s.epoch {
		return
	}
	s.state[n.pred] = s.epoch | maybe
	if n.sure {
		s.state[n.pred] = s.epoch | held
	}
	for _, rule := range s.plan.wakes[n.pred] {
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
	if s.values == nil {
		return s.decide(r, id)
	}
	v, bit := s.values.answering(r, id)
	if v == nil {
		return s.decide(r, id)
	}
	if v.asked&bit == 0 {
		v.asked |= bit
		if v.held &^= bit; s.decide(r, id) {
			v.held |= bit
		}
	}
	return v.held&bit != 0
}

// decide answers a question of the record at hand once.
func (s *Scratch) decide(r *event.Record, id int32) bool {
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
	if p.atom.leaf.Op == sigma.SameAs {
		return sameAs(r, p.atom.leaf, &f.where, &s.plan.fields[p.ref].where)
	}
	if p.simple {
		if v := s.plan.columns[f.columns[0]].value(r); v.Type&event.Array == 0 {
			return s.single(r, p, f.columns[0], v)
		}
	}
	if p.atom.form == other {
		return s.ask(r, p.atom, &f.where)
	}
	for _, column := range f.columns {
		for _, sp := range s.fold(r, column) {
			if p.atom.holds(s.buf[sp.from:sp.to], nil) {
				return true
			}
		}
	}
	return false
}

// single answers a simple pred for the one value of its field.
func (s *Scratch) single(r *event.Record, p *pred, column int32, v event.Value) bool {
	a := p.atom
	if v.IsNull() {
		return a.form == exact && a.lit == "" || a.leaf.Op == sigma.Like && len(a.leaf.Pattern) == 0
	}
	var folded []byte
	if a.leaf.Op == sigma.InNetwork {
		return s.inNetwork(a.leaf.Network, v)
	}
	if a.leaf.Op == sigma.Like || !p.scanned && len(a.guard.texts) > 0 || len(a.more) > 0 {
		sp := s.fold(r, column)[0]
		folded = s.buf[sp.from:sp.to]
	}
	raw := v.Raw
	if v.Type != event.UTF8 && v.Type != event.Number && a.form == other {
		s.raw = v.AppendText(s.raw[:0])
		raw = s.raw
	}
	if p.scanned && a.leaf.Op == sigma.Matches { // its guard is there
		return !a.refusesMore(folded) && a.matches(raw)
	}
	return a.holds(folded, raw)
}

// inNetwork answers for an address, which is parsed once for all networks and records that ask in a row or nearly so.
func (s *Scratch) inNetwork(network netip.Prefix, v event.Value) bool {
	if s.addresses == nil {
		s.addresses = make([]seenAddress, seenAddresses)
	}
	x := &s.addresses[maphash.Bytes(seed, v.Raw)%seenAddresses]
	if x.turn != s.turn+1 || x.typ != v.Type || !bytes.Equal(x.raw, v.Raw) {
		s.raw = v.AppendText(s.raw[:0])
		if len(v.Raw) > maxSeen {
			return contains(network, addressOf(s.raw))
		}
		*x = seenAddress{s.turn + 1, v.Type, append(x.raw[:0], v.Raw...), addressOf(s.raw)}
	}
	return contains(network, x.address)
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
