package match

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"

	"wardround/internal/event"
	"wardround/internal/sigma"
)

// memory is what one worker remembers of the values of text logs, in which the same addresses, accounts, requests and messages stand
// again and again. A value that is known is not looked through again, and rules that ask for no more than the texts that were
// found in a record are settled once for all records in which the same were found. The answers are those of Scratch.match. The
// zero value is ready for use.
type memory struct {
	plans map[*Plan]*remembered
	plan  *remembered // of the last record
	room  int         // bytes of values and combinations, of all plans
	file  uint32      // whose values are remembered
	whole []byte      // of the record: see partOf
	value event.Value // of a column that is not in the record

	asked  *rememberedColumn // of the record, last; nil if none was
	answer *answeredValue    // of its value
}

const (
	memoryRoom  = 16 << 20 // past it all is forgotten
	valueBytes  = 256      // of a value that is remembered
	valueSlots  = 256      // values of a column
	maxSets     = 1000     // different sets of texts found in a column
	maxMixes    = 4096     // combinations of a plan
	newcomers   = 1024     // values of a column between two looks at how many of them came again
	columnSleep = 16384    // values that are not remembered after a look that found few
)

// remembered is the memory of a plan.
type remembered struct {
	plan    *Plan
	columns []rememberedColumn
	slots   []int           // by column: that of its values
	now     []byte          // by column, two bytes each: which set its value holds
	bits    []uint64        // by pred: what stands for it in the answers of its column's values, 0 for one that is soon answered or asks more than its value
	last    [64]*mix        // by a hash of their sets
	mixes   map[string]*mix // by the bytes of their sets
}

// rememberedColumn holds the last values of a column, by a hash of their bytes.
type rememberedColumn struct {
	column *column
	index  int32
	last   *rememberedValue
	values []rememberedValue
	sets   [][]sign // by number; see nullSet
	bySet  map[string]uint16
	key    []byte
	sizes  []int32 // preds that compare its number: answered with the texts that are found

	answers []answeredValue // by a hash of their bytes; made when the first question is put

	again, anew uint32 // values since the last look at them
	sleep       uint32
}

// The first sets of a column.
const (
	nullSet  = iota // it has no value
	otherSet        // it has one that holds nothing that is looked for
	usedSets
)

// rememberedValue is a value of an artifact, with what was found in it.
type rememberedValue struct {
	file uint32
	typ  event.Type
	set  uint16
	hash uint32
	in   *column // what was looked for in it: see column.rest
	raw  []byte
}

// answeredValue is a value of an artifact, with the questions of its column that were put to it and those that it answered with yes.
type answeredValue struct {
	file        uint32
	typ         event.Type
	raw         []byte
	asked, held uint64
}

// mix is what a combination of sets says of all rules.
type mix struct {
	now   string
	signs []sign
	hits  []int   // rules of the program that hold
	open  []int32 // rules of the plan that ask for more
}

// match is s.match for s, which has the memory.
func (m *memory) match(plan *Plan, r *event.Record, s *Scratch, hits []int) []int {
	if m.plan == nil || m.plan.plan != plan || m.room > memoryRoom {
		m.turn(plan)
	}
	k := m.plan
	s.begin(plan)
	mixed := uint32(0)
	clear(k.now)
	m.whole = plan.wholeOf(r)
	for i, slot := range k.slots {
		c, v := &k.columns[i], &m.value
		if uint(slot) < uint(len(r.Slots)) {
			v = &r.Slots[slot]
		} else if c.column.derived == nil {
			*v = c.column.value(r)
		}
		if v.Type == event.Null && c.column.derived == nil { // most have none
			continue
		}
		set := m.setOf(c, v, r, s)
		binary.LittleEndian.PutUint16(k.now[2*i:], set)
		mixed = (mixed ^ uint32(set)) * 0x85ebca6b
		mixed ^= mixed>>15 ^ uint32(i)
	}
	x := k.last[mixed%uint32(len(k.last))]
	if x == nil || x.now != unsafeString(k.now) {
		x = m.combined(k)
		k.last[mixed%uint32(len(k.last))] = x
	}
	start := len(hits)
	hits = append(hits, x.hits...)
	if len(x.open) == 0 {
		return hits
	}
	for _, n := range x.signs {
		s.state[n.pred] = s.epoch | maybe
		if n.sure {
			s.state[n.pred] = s.epoch | held
		}
	}
	s.values, m.asked = m, nil
	for _, n := range x.open {
		if s.eval(r, &plan.rules[n].cond) {
			hits = append(hits, plan.rules[n].rule)
		}
	}
	slices.Sort(hits[start:])
	return hits
}

// turn goes on to another plan.
func (m *memory) turn(plan *Plan) {
	if m.room > memoryRoom {
		m.plans, m.room = nil, 0
	}
	if m.plan = m.plans[plan]; m.plan != nil {
		return
	}
	k := &remembered{plan: plan, mixes: map[string]*mix{}}
	m.plan = k
	if m.plans == nil {
		m.plans = map[*Plan]*remembered{}
	}
	m.plans[plan] = k
	m.room += 1024
	for i := range plan.columns {
		k.columns = append(k.columns, rememberedColumn{column: &plan.columns[i], index: int32(i), sets: make([][]sign, usedSets), bySet: map[string]uint16{"": otherSet}})
		k.columns[i].sets[nullSet] = plan.columns[i].inEmpty
		k.slots = append(k.slots, plan.columns[i].slot)
		if plan.columns[i].derived != nil {
			k.slots[i] = -1 // whether it has a value, others decide
		}
	}
	k.now = make([]byte, 2*len(k.columns))
	k.numberQuestions()
	for i := range plan.preds {
		if p := &plan.preds[i]; p.sized() {
			c := &k.columns[plan.fields[p.field].columns[0]]
			c.sizes = append(c.sizes, int32(i))
		}
	}
	m.room += 128*len(k.columns) + 8*len(k.bits)
}

// answering is where the record's value keeps its answer to a question, with the bit that stands for the question; nil if it keeps none.
func (m *memory) answering(r *event.Record, id int32) (*answeredValue, uint64) {
	k := m.plan
	bit := k.bits[id]
	if bit == 0 {
		return nil, 0
	}
	c := &k.columns[k.plan.fields[k.plan.preds[id].field].columns[0]]
	if c == m.asked {
		return m.answer, bit
	}
	v := c.column.value(r)
	if v.Type == event.Null || len(v.Raw) > valueBytes {
		return nil, 0
	}
	if c.answers == nil {
		c.answers = make([]answeredValue, valueSlots)
		m.room += 64 * valueSlots
	}
	x := &c.answers[hashValue(v.Raw)%valueSlots]
	if x.file != m.file || x.typ != v.Type || string(x.raw) != string(v.Raw) {
		m.room += max(0, len(v.Raw)-cap(x.raw))
		*x = answeredValue{file: m.file, typ: v.Type, raw: append(x.raw[:0], v.Raw...)}
	}
	m.asked, m.answer = c, x
	return x, bit
}

// numberQuestions gives a bit to the questions that a value answers by itself, but not at once: to the first 64 of each column.
func (k *remembered) numberQuestions() {
	next := make([]uint64, len(k.columns))
	for i := range next {
		next[i] = 1
	}
	k.bits = make([]uint64, len(k.plan.preds))
	for i := range k.plan.preds {
		if p := &k.plan.preds[i]; p.simple && p.atom.slow() {
			column := k.plan.fields[p.field].columns[0]
			k.bits[i] = next[column]
			next[column] <<= 1
		}
	}
}

// setOf tells what a value of the record, which is not null, holds.
func (m *memory) setOf(c *rememberedColumn, v *event.Value, r *event.Record, s *Scratch) uint16 {
	in := c.column
	if in.derived != nil {
		return m.scan(c, in, v, r, s)
	}
	if in.rest != nil && partOf(v, m.whole) {
		if in = in.rest; in.scanner == nil && len(c.sizes) == 0 {
			return otherSet
		}
	} else if in.beyondFigures && len(c.sizes) == 0 && isFigures(v) {
		return otherSet
	}
	if l := c.last; l != nil && l.file == m.file && l.in == in && l.typ == v.Type && string(l.raw) == string(v.Raw) {
		return l.set
	}
	return m.remember(c, in, v, r, s)
}

// remember is setOf for a value that is not the last one of its column.
func (m *memory) remember(c *rememberedColumn, in *column, v *event.Value, r *event.Record, s *Scratch) uint16 {
	if c.sleep > 0 || len(v.Raw) > valueBytes {
		c.sleep -= min(c.sleep, 1)
		return m.scan(c, in, v, r, s)
	}
	if c.values == nil {
		c.values = make([]rememberedValue, valueSlots)
		m.room += 64 * valueSlots
	}
	h := hashValue(v.Raw)
	e := &c.values[h%valueSlots]
	c.last = e
	if e.file == m.file && e.hash == h && e.in == in && e.typ == v.Type && string(e.raw) == string(v.Raw) {
		c.again++
		return e.set
	}
	if c.anew++; c.anew == newcomers {
		if c.again < c.anew/4 {
			c.sleep = columnSleep
		}
		c.again, c.anew = 0, 0
	}
	set := m.scan(c, in, v, r, s)
	m.room += max(0, len(v.Raw)-cap(e.raw))
	*e = rememberedValue{file: m.file, typ: v.Type, set: set, hash: h, in: in, raw: append(e.raw[:0], v.Raw...)}
	return set
}

// sized reports that the question compares the number of its field's only value.
func (p *pred) sized() bool {
	switch p.atom.leaf.Op {
	case sigma.Less, sigma.LessEqual, sigma.Greater, sigma.GreaterEqual:
		return p.simple
	}
	return false
}

// scan looks in a value for what is looked for in a column, and numbers what it found.
func (m *memory) scan(c *rememberedColumn, in *column, v *event.Value, r *event.Record, s *Scratch) uint16 {
	s.seen, s.col = s.seen[:0], in
	if in.scanner != nil && (in.derived != nil || !in.scanner.passes(v, len(in.inEmpty) > 0)) {
		for _, sp := range s.fold(r, c.index) {
			in.scanner.scan(s.buf[sp.from:sp.to], s.found)
		}
	}
	for _, n := range c.sizes {
		if s.answer(r, &s.plan.preds[n]) {
			s.seen = append(s.seen, sign{n, true})
		}
	}
	if len(s.seen) == 0 {
		return otherSet
	}
	return m.number(c, s.seen)
}

// number is that of a set of signs, in any order and with repetitions.
func (m *memory) number(c *rememberedColumn, signs []sign) uint16 {
	signs = once(signs)
	c.key = c.key[:0]
	for _, n := range signs {
		x := uint32(n.pred) << 1
		if n.sure {
			x |= 1
		}
		c.key = binary.LittleEndian.AppendUint32(c.key, x)
	}
	if set, ok := c.bySet[string(c.key)]; ok {
		return set
	}
	set := uint16(len(c.sets))
	c.sets = append(c.sets, slices.Clone(signs))
	c.bySet[string(c.key)] = set
	m.room += 100 + 2*len(c.key)
	if set == maxSets {
		m.room += memoryRoom // all is forgotten before the next record
	}
	return set
}

// combined finds, or makes, what the sets at hand say.
func (m *memory) combined(k *remembered) *mix {
	x := k.mixes[string(k.now)]
	if x == nil {
		x = k.combine()
		if len(k.mixes) >= maxMixes {
			clear(k.mixes)
		}
		k.mixes[x.now] = x
		m.room += 100 + len(x.now) + 8*len(x.signs) + 8*len(x.hits) + 4*len(x.open)
	}
	return x
}

// combine asks all rules that some text wakes, or nothing need wake, by the sets alone.
func (k *remembered) combine() *mix {
	x := &mix{now: string(k.now)}
	null := make([]bool, len(k.columns))
	for i := range k.columns {
		set := binary.LittleEndian.Uint16(k.now[2*i:])
		null[i] = set == nullSet
		x.signs = append(x.signs, k.columns[i].sets[set]...)
	}
	marks := make([]settled, len(k.plan.preds))
	marked := make([]bool, len(k.plan.preds))
	var rules []int32
	for _, n := range x.signs {
		if !marked[n.pred] {
			rules = append(rules, k.plan.wakes[n.pred]...)
		}
		marked[n.pred] = true
		if n.sure {
			marks[n.pred] = yes
		}
	}
	for i := range marks {
		if marks[i] == open {
			marks[i] = k.plan.preds[i].byNull(marked[i], null, k.plan)
		}
	}
	rules = append(rules, k.plan.always...)
	slices.Sort(rules)
	for _, n := range slices.Compact(rules) {
		switch byMarks(&k.plan.rules[n].cond, marks) {
		case yes:
			x.hits = append(x.hits, k.plan.rules[n].rule)
		case open:
			x.open = append(x.open, n)
		}
	}
	x.signs = once(x.signs)
	slices.Sort(x.hits)
	return x
}

// once leaves each pred once, as sure as it can be.
func once(signs []sign) []sign {
	slices.SortFunc(signs, func(a, b sign) int { return cmp.Or(cmp.Compare(a.pred, b.pred), compareSure(a, b)) })
	return slices.CompactFunc(signs, func(a, b sign) bool { return a.pred == b.pred })
}

// compareSure puts the sure one first.
func compareSure(a, b sign) int {
	switch {
	case a.sure == b.sure:
		return 0
	case a.sure:
		return -1
	}
	return 1
}

// byNull is what the absence of a text or of a value says of a question: see Scratch.holds and Scratch.single.
func (p *pred) byNull(marked bool, null []bool, plan *Plan) settled {
	if !marked && (p.scanned || p.sized() && !null[plan.fields[p.field].columns[0]]) {
		return no
	}
	if !p.simple || p.atom.leaf.Op == sigma.SameAs || !null[plan.fields[p.field].columns[0]] {
		return open
	}
	if a := p.atom; a.form == exact && a.lit == "" || a.leaf.Op == sigma.Like && len(a.leaf.Pattern) == 0 {
		return yes
	}
	return no
}

// byMarks answers a condition as far as its questions are settled.
func byMarks(c *pcond, marks []settled) settled {
	if c.op == ask {
		switch a := marks[c.pred]; {
		case a == open:
			return open
		case (a == yes) != c.not:
			return yes
		}
		return no
	}
	end, answer := no, yes // of all
	if c.op == any {
		end, answer = yes, no
	}
	for i := range c.kids {
		switch byMarks(&c.kids[i], marks) {
		case end:
			return end
		case open:
			answer = open
		}
	}
	return answer
}

// hashValue mixes a value's length, its ends and its middle.
func hashValue(b []byte) uint32 {
	const prime = 0x9e3779b97f4a7c15
	n := len(b)
	h := uint64(n) * prime
	if n < 8 {
		for _, c := range b {
			h = (h ^ uint64(c)) * prime
		}
		return uint32(h >> 32)
	}
	h ^= binary.LittleEndian.Uint64(b)
	h *= prime
	h ^= binary.LittleEndian.Uint64(b[n-8:])
	h = bits.RotateLeft64(h, 29) * prime
	if n > 16 {
		h ^= binary.LittleEndian.Uint64(b[n/2-4:])
		h *= prime
	}
	if n > 40 {
		h ^= binary.LittleEndian.Uint64(b[n/4-4:]) + bits.RotateLeft64(binary.LittleEndian.Uint64(b[n/2+n/4-4:]), 17)
		h *= prime
	}
	return uint32(h >> 32)
}
