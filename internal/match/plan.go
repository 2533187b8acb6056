package match

import (
	"cmp"
	"encoding/binary"
	"math"
	"reflect"
	"slices"
	"sync/atomic"

	"wardround/internal/event"
	"wardround/internal/sigma"
)

// Plan is how a Program is run over the records of one schema. It never changes.
type Plan struct {
	fields  []planField
	columns []column
	preds   []pred
	rules   []planRule // in order of the program's rules
	looked  []lookedAt // columns in which something is looked for
	wakes   [][]int32  // by pred: the rules that it wakes
	always  []int32    // rules that nothing need wake
	texts   bool       // of a text log, whose values come again: see memory
	whole   int        // slot of a text from which other values are cut, 0 if there is none
}

// planField is a field that some rule of the plan asks about.
type planField struct {
	name    string
	where   where
	columns []int32 // in which its values are
}

// column is where values of a record are: a field of its schema, or values made of some.
type column struct {
	id      uint32 // no other column has it, of no plan
	field   int
	slot    int // of the field, below 0 for a constant
	derived *where
	scanner *scanner // for the texts of all fields that it is in; nil if nothing is looked for
	starts  []int32  // by atom of a needle: where the atom's preds begin in serves, and those of the next
	serves  []int32
	inEmpty []sign // what is found in the empty text

	rest          *column // this one, for what is not found in the whole of which a value is part; nil if all must be looked for
	beyondFigures bool    // no text that is looked for is made of figures alone
}

var columnIDs atomic.Uint32

// sign says that a text which a pred waits for was found.
type sign struct {
	pred int32
	sure bool // it answers the pred
}

// signs appends what finding a needle of the column's scanner means.
func (c *column) signs(list []sign, needle int32) []sign {
	n := &c.scanner.needles[needle]
	for _, pred := range c.serves[c.starts[n.atom]:c.starts[n.atom+1]] {
		list = append(list, sign{pred, n.sure})
	}
	return list
}

// value is that of a column that is not derived.
func (c *column) value(r *event.Record) event.Value {
	if uint(c.slot) < uint(len(r.Slots)) {
		return r.Slots[c.slot]
	}
	return r.Field(c.field)
}

// lookedAt is a column in which something is looked for, with what most of its values need of it.
type lookedAt struct {
	slot    int32 // below 0 for what is no slot
	column  int32
	empty   bool // something is found in the empty text
	scanner *scanner
}

// pred is an atom asked of a field.
type pred struct {
	field   int32
	ref     int32 // SameAs: the other field
	atom    *atom
	scanned bool // the scanner answers: what it does not find does not hold
	simple  bool // the field is one column that is not derived, and the answer is that of its value
}

type planRule struct {
	rule int
	cond pcond
}

// pcond is a condition over preds.
type pcond struct {
	op   condOp
	not  bool
	pred int32
	kids []pcond
}

// settled is what a schema alone says of a condition.
type settled uint8

const (
	open settled = iota
	yes
	no
)

// planner makes one plan after another. What a plan keeps is copied out of the lists, so that the next one is made in their room.
type planner struct {
	p      *Program
	s      *event.Schema
	plan   *Plan
	byName map[string]int32 // place of a field → its number
	target *target
	naming int32         // of the target
	column map[int]int32 // slot, or place among the fields of a constant as its complement → column
	places [][]*located  // by naming and number of a field's name

	preds   []pred
	before  []int32    // by pred: the last one before it of the same atom, below 0 for none
	asked   []lastPred // by atom
	turn    uint32
	kids    []pcond // of the conditions that are being settled
	room    []pcond // for what the plan keeps of them: see keep
	rules   []planRule
	numbers []int32    // for whatever is listed
	wakes   []uint64   // preds, and in the lower half the rules that they wake
	wants   [][]uint64 // by column: atoms, and in the lower half the preds that ask them
	atoms   []int32
	key     []byte
	scratch Scratch
}

// lastPred is the last pred that asks an atom in the plan of a turn.
type lastPred struct {
	turn uint32
	pred int32
}

// located is where a schema keeps a field that a rule asks about.
type located struct {
	where
	turn     uint32 // it is that of another schema
	constant bool
	number   int32 // of the plan's fields, -1 before it is one
}

func (p *Program) newPlanner() *planner {
	return &planner{p: p, asked: make([]lastPred, len(p.atoms)), byName: map[string]int32{}, column: map[int]int32{}}
}

func (p *Program) plan(s *event.Schema) *Plan {
	b, _ := p.planners.Get().(*planner)
	if b == nil {
		b = p.newPlanner()
	}
	defer p.planners.Put(b)
	return b.make(s)
}

func (b *planner) make(s *event.Schema) *Plan {
	b.begin(s)
	for _, k := range b.p.candidatesOf(s.Source) {
		i, c := int(k.rule), &b.p.compiled[k.rule]
		b.target, b.naming = &c.targets[k.target], k.naming
		pc, done := b.settle(c.cond)
		if done == no {
			continue
		}
		if done == yes {
			pc = pcond{op: all}
		}
		b.rules = append(b.rules, planRule{i, pc})
	}
	if len(b.rules) == 0 {
		return nil
	}
	b.plan.rules = slices.Clone(b.rules)
	b.anchor()
	b.plan.preds = slices.Clone(b.preds)
	b.scanners()
	return b.plan
}

// begin forgets the plan before.
func (b *planner) begin(s *event.Schema) {
	b.s, b.plan = s, &Plan{texts: s.Source.Product != "windows", whole: s.Whole}
	clear(b.byName)
	clear(b.column)
	b.preds, b.before, b.kids, b.room, b.rules, b.wakes = b.preds[:0], b.before[:0], b.kids[:0], nil, b.rules[:0], b.wakes[:0]
	if b.turn++; b.turn == 0 { // wrapped: old preds would look new
		clear(b.asked)
		b.places = nil
		b.turn = 1
	}
}

// candidate is a rule that may hold for records of a source, and by which of its targets.
type candidate struct {
	rule, target int32
	naming       int32 // equal for targets that have one map of aliases
}

// candidatesOf lists the rules for a source.
func (p *Program) candidatesOf(src event.Source) []candidate {
	p.mu.Lock()
	defer p.mu.Unlock()
	list, ok := p.sources[src]
	if ok {
		return list
	}
	last := int32(-1)
	for _, k := range p.candidatesOfLog(src) {
		if k.rule != last && p.compiled[k.rule].targets[k.target].selects(src) {
			list, last = append(list, k), k.rule
		}
	}
	if len(p.sources) >= maxPlans {
		clear(p.sources)
	}
	p.sources[src] = list
	return list
}

// candidatesOfLog lists all targets of rules for the log of a source, whichever of its events they are for.
func (p *Program) candidatesOfLog(src event.Source) []candidate {
	src.EventID = 0
	list, ok := p.logs[src]
	if ok {
		return list
	}
	for i := range p.compiled {
		ts := p.compiled[i].targets
		for k := range ts {
			if ts[k].selectsLog(src) {
				list = append(list, candidate{int32(i), int32(k), p.namingOf(ts[k].alias)})
			}
		}
	}
	if len(p.logs) >= maxPlans {
		clear(p.logs)
	}
	p.logs[src] = list
	return list
}

// namingOf numbers a map of aliases.
func (p *Program) namingOf(alias map[string]alias) int32 {
	at := reflect.ValueOf(alias).Pointer()
	i := slices.Index(p.namings, at)
	if i < 0 {
		i = len(p.namings)
		p.namings = append(p.namings, at)
	}
	return int32(i)
}

// settle resolves a condition's fields in the schema and drops what is settled by that.
func (b *planner) settle(c *cond) (pcond, settled) {
	if c.op == ask {
		return b.ask(c)
	}
	// For all: no ends it, yes drops out. For any the other way round.
	end, drop := no, yes
	if c.op == any {
		end, drop = yes, no
	}
	from := len(b.kids)
	defer func() { b.kids = b.kids[:from] }()
	for _, k := range c.kids {
		pk, done := b.settle(k)
		switch done {
		case end:
			return pcond{}, end
		case open:
			b.kids = append(b.kids, pk)
		}
	}
	kids := b.kids[from:]
	switch len(kids) {
	case 0:
		return pcond{}, drop
	case 1:
		return kids[0], open
	}
	byCost := func(x, y pcond) int { return cmp.Compare(b.cost(&x), b.cost(&y)) }
	if !slices.IsSortedFunc(kids, byCost) {
		slices.SortStableFunc(kids, byCost)
	}
	return pcond{op: c.op, kids: b.keep(kids)}, open
}

// keep copies parts of a condition to where they stay: those of many conditions lie side by side.
func (b *planner) keep(kids []pcond) []pcond {
	if n := len(kids); cap(b.room)-len(b.room) < n {
		b.room = make([]pcond, 0, max(n, min(2*cap(b.room), mostRoom), leastRoom))
	}
	from := len(b.room)
	b.room = append(b.room, kids...)
	return b.room[from:len(b.room):len(b.room)]
}

// How many parts of conditions are made room for at once.
const leastRoom, mostRoom = 32, 1024

// cost orders the parts of a condition: what the scan answers, what needs a look, what needs an expression.
func (b *planner) cost(c *pcond) int8 {
	if c.op != ask {
		return costOfParts
	}
	return b.preds[c.pred].atom.cost
}

const costOfParts = 2

func (a *atom) findCost() int8 {
	switch {
	case a.form != other && useful(a.form, a.lit):
		return 0
	case a.leaf.Op == sigma.Matches:
		return 4
	case a.form == other && a.leaf.Op == sigma.Like:
		return 3
	}
	return 1
}

func truth(b bool) settled {
	if b {
		return yes
	}
	return no
}

func (b *planner) ask(c *cond) (pcond, settled) {
	at := b.locate(c.field, c.name)
	op := c.atom.op
	if at.absent() {
		holds := op == sigma.IsNull || op == sigma.Exists && !c.atom.leaf.Want
		return pcond{}, truth(holds != c.not)
	}
	ref := int32(-1)
	if op == sigma.SameAs {
		other := b.locate(c.atom.leaf.Ref, c.ref)
		if other.absent() {
			return pcond{}, truth(c.not)
		}
		ref = b.field(c.atom.leaf.Ref, other)
	} else if at.constant {
		return pcond{}, truth(b.constant(&at.where, c.atom) != c.not)
	}
	return pcond{op: ask, not: c.not, pred: b.pred(b.field(c.field, at), ref, c.atom, len(at.fields) == 1)}, open
}

// pred numbers an atom asked of a field, which may be one column.
func (b *planner) pred(field, ref int32, a *atom, one bool) int32 {
	last := &b.asked[a.id]
	if last.turn != b.turn {
		*last = lastPred{b.turn, -1}
	}
	for n := last.pred; n >= 0; n = b.before[n] {
		if p := &b.preds[n]; p.field == field && p.ref == ref {
			return n
		}
	}
	n := int32(len(b.preds))
	b.preds = append(b.preds, pred{
		field: field, ref: ref, atom: a, scanned: a.scannable(false),
		simple: one && a.op != sigma.IsNull && a.op != sigma.Exists,
	})
	b.before = append(b.before, last.pred)
	last.pred = n
	return n
}

// locate finds a field of the rule at hand, by its name and that name's number, once for all rules that mean the same by it.
func (b *planner) locate(name string, number int32) *located {
	for len(b.places) <= int(b.naming) {
		b.places = append(b.places, make([]*located, b.p.names))
	}
	at := &b.places[b.naming][number]
	if *at == nil {
		*at = new(located)
	}
	if (*at).turn != b.turn {
		w := locate(b.s, b.target, name)
		**at = located{where: w, turn: b.turn, constant: w.constant(b.s), number: -1}
	}
	return *at
}

// constant answers an atom for a field whose values all records share.
func (b *planner) constant(w *where, a *atom) bool {
	return b.scratch.ask(&event.Record{Schema: b.s}, a, w)
}

// field numbers a field of the plan. Two rules may mean different things by one name, where their log sources do.
func (b *planner) field(name string, at *located) int32 {
	if at.number < 0 {
		at.number = b.newField(name, at.where)
	}
	return at.number
}

func (b *planner) newField(name string, w where) int32 {
	var k []byte
	for _, i := range w.fields {
		k = binary.AppendVarint(k, int64(i))
	}
	if w.derived != nil {
		k = append(append(k, '='), w.derived.name...)
	}
	if n, ok := b.byName[string(k)]; ok {
		return n
	}
	n := int32(len(b.plan.fields))
	b.byName[string(k)] = n
	b.plan.fields = append(b.plan.fields, planField{name: name, where: w, columns: b.columns(&w)})
	return n
}

// columns numbers the columns of a field. Names that mean one slot share its column.
func (b *planner) columns(w *where) (out []int32) {
	if w.derived != nil {
		b.plan.columns = append(b.plan.columns, column{derived: w})
		return []int32{int32(len(b.plan.columns) - 1)}
	}
	for _, i := range w.fields {
		slot := b.s.Fields[i].Slot
		if slot < 0 {
			slot = ^i
		}
		n, ok := b.column[slot]
		if !ok {
			n = int32(len(b.plan.columns))
			b.column[slot] = n
			b.plan.columns = append(b.plan.columns, column{field: i, slot: b.s.Fields[i].Slot})
		}
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// scanners gives each column one scanner for the texts of all fields that it is in: rules that look into any value and rules
// that name a field look at it once.
func (b *planner) scanners() {
	for len(b.wants) < len(b.plan.columns) {
		b.wants = append(b.wants, nil)
	}
	wants := b.wants[:len(b.plan.columns)]
	for i := range wants {
		wants[i] = wants[i][:0]
	}
	for n := range b.plan.preds {
		p := &b.plan.preds[n]
		if !p.scanned {
			continue
		}
		for _, column := range b.plan.fields[p.field].columns {
			wants[column] = append(wants[column], uint64(p.atom.id)<<32|uint64(n))
		}
	}
	for i, list := range wants {
		c := &b.plan.columns[i]
		c.beyondFigures = b.plan.texts
		if len(list) == 0 {
			continue
		}
		slices.Sort(list)
		b.look(c, list)
		if b.plan.texts {
			c.beyondFigures = !slices.ContainsFunc(c.scanner.needles, needle.figures)
			b.restOf(c, list)
		}
		at := lookedAt{-1, int32(i), len(c.inEmpty) > 0, c.scanner}
		if c.derived == nil {
			at.slot = int32(c.slot)
		}
		b.plan.looked = append(b.plan.looked, at)
	}
}

// look gives a column a scanner for what is wanted of it. Equal scanners are shared between columns and plans.
func (b *planner) look(c *column, wants []uint64) {
	c.id = columnIDs.Add(1)
	c.serves = make([]int32, len(wants))
	b.atoms, b.key, b.numbers = b.atoms[:0], b.key[:0], b.numbers[:0]
	for k, w := range wants {
		if id := int32(w >> 32); k == 0 || id != b.atoms[len(b.atoms)-1] {
			b.atoms, b.key = append(b.atoms, id), binary.AppendUvarint(b.key, uint64(id))
			b.numbers = append(b.numbers, int32(k))
		}
		c.serves[k] = int32(uint32(w))
	}
	c.starts = slices.Clone(append(b.numbers, int32(len(wants))))
	c.scanner = b.p.scannerOf(b.key, b.atoms)
	for _, n := range c.scanner.whole[""] {
		c.inEmpty = c.signs(c.inEmpty, n)
	}
}

// scannerOf is the scanner for the texts of some atoms, in order of their ids. Key stands for them.
func (p *Program) scannerOf(key []byte, atoms []int32) *scanner {
	p.mu.Lock()
	s := p.scanners[string(key)]
	p.mu.Unlock()
	if s != nil {
		return s
	}
	size := 0
	for _, id := range atoms {
		size += len(p.atoms[id].needles)
	}
	needles := make([]needle, 0, size)
	for i, id := range atoms {
		for _, n := range p.atoms[id].needles {
			n.atom = int32(i)
			needles = append(needles, n)
		}
	}
	s = newScanner(needles)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.scanners[string(key)] = s
	return s
}

// findNeedles tells what a scanner must look for so that an atom which is not found does not hold.
func (a *atom) findNeedles() {
	texts := a.guard.texts
	f := infix
	if a.form != other {
		texts, f = []string{a.lit}, a.form
	}
	if len(texts) == 0 || f != exact && slices.Contains(texts, "") {
		return
	}
	for _, t := range texts {
		a.needles = append(a.needles, needle{text: t, form: f, sure: a.form != other})
	}
	if a.form == other && a.guard.foreign {
		a.needles = append(a.needles, needle{form: infix})
	}
	a.tiny = !useful(f, texts...)
}

// scannable reports whether a scanner can tell that the atom does not hold; with tiny, by texts too that it must look for one
// by one.
func (a *atom) scannable(tiny bool) bool { return len(a.needles) > 0 && (tiny || !a.tiny) }

// anchor decides what wakes each rule.
func (b *planner) anchor() {
	weigh := func(c *pcond, tiny bool) (int32, float64) {
		p := &b.preds[c.pred]
		return c.pred, p.atom.anchorWeight(c.not, tiny || p.scanned)
	}
	for i := range b.plan.rules {
		preds, weight := anchors(b.numbers[:0], &b.plan.rules[i].cond, weigh)
		b.numbers = preds
		if math.IsInf(weight, 1) {
			b.plan.always = append(b.plan.always, int32(i))
			continue
		}
		slices.Sort(preds)
		for _, n := range slices.Compact(preds) {
			b.preds[n].scanned = true
			b.wakes = append(b.wakes, uint64(n)<<32|uint64(i))
		}
	}
	slices.Sort(b.wakes)
	b.plan.wakes = make([][]int32, len(b.preds))
	rules := make([]int32, len(b.wakes))
	for from := 0; from < len(rules); {
		n, to := b.wakes[from]>>32, from
		for ; to < len(rules) && b.wakes[to]>>32 == n; to++ {
			rules[to] = int32(uint32(b.wakes[to]))
		}
		b.plan.wakes[n] = rules[from:to:to]
		from = to
	}
}

// condition is a tree of questions, over the fields of rules or those of a schema.
type condition[C interface{}] interface {
	operator() condOp
	parts() int
	part(i int) C
}

func (c *cond) operator() condOp   { return c.op }
func (c *cond) parts() int         { return len(c.kids) }
func (c *cond) part(i int) *cond   { return c.kids[i] }
func (c *pcond) operator() condOp  { return c.op }
func (c *pcond) parts() int        { return len(c.kids) }
func (c *pcond) part(i int) *pcond { return &c.kids[i] }

// anchors chooses the cheapest set of questions of which one must hold for a condition to hold, and appends it to the list, with
// its weight: infinite when there is none. A rule that has none, or only what many records have, may have texts of a few bytes
// looked for rather than be evaluated for every record. Weigh tells of a question what stands for it and its weight, infinite
// where a scan cannot answer it.
func anchors[C condition[C], A interface{}](list []A, c C, weigh func(c C, tiny bool) (A, float64)) ([]A, float64) {
	from := len(list)
	list, least := anchorsAmong(list, c, false, weigh)
	if least > usual {
		n := len(list)
		both, w := anchorsAmong(list, c, true, weigh)
		if w < least {
			return append(both[:from], both[n:]...), w
		}
	}
	return list, least
}

func anchorsAmong[C condition[C], A interface{}](list []A, c C, tiny bool, weigh func(c C, tiny bool) (A, float64)) (_ []A, weight float64) {
	from := len(list)
	switch c.operator() {
	case all:
		weight = math.Inf(1)
		for i := range c.parts() {
			n := len(list)
			more, w := anchorsAmong(list, c.part(i), tiny, weigh)
			if list = more[:n]; w < weight {
				list, weight = append(list[:from], more[n:]...), w
			}
		}
		return list, weight
	case any:
		for i := range c.parts() {
			more, w := anchorsAmong(list, c.part(i), tiny, weigh)
			if weight += w; math.IsInf(weight, 1) {
				return list[:from], weight
			}
			list = more
		}
		return list, weight
	}
	a, weight := weigh(c, tiny)
	if math.IsInf(weight, 1) {
		return list, weight
	}
	return append(list, a), weight
}

// anchorWeight is the weight of the atom as what wakes a rule.
func (a *atom) anchorWeight(not, tiny bool) float64 {
	if not || !a.scannable(tiny) {
		return math.Inf(1)
	}
	return a.weight
}

// weight guesses how often a text is found: the longer the rarer.
func weight(a *atom) float64 {
	w := rarity(len(a.lit))
	switch a.form {
	case other:
		return 2 * a.guard.weight()
	case exact:
		w /= 4
	case infix:
		w *= 2
	}
	if commonWords[a.lit] || a.form == suffix && commonWords[a.lit[lastSeparator(a.lit)+1:]] {
		w = max(64*rarity(len(a.lit)), usual)
	}
	return w
}

// commonWords are values that one record after another has, and the programs that Windows itself starts all day.
var commonWords = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range []string{
		"get", "post", "200", "206", "301", "302", "304", "404", "true", "false", "yes", "no", "0", "1", "3", "-", "tcp", "udp", "allow", "deny", "accept", "logon", "success", "failure",
		"dword (0x00000000)", "dword (0x00000001)", "system", "medium", "high", "0x3e7", "s-1-0-0", "s-1-5-18", "krbtgt", "negotiate", "kerberos", "ntlm", "0x40810000", "key",
		"microsoft corporation", "\\windows\\", "\\*\\ipc$", "localsystem",
		"cmd.exe", "conhost.exe", "dllhost.exe", "explorer.exe", "lsass.exe", "msiexec.exe", "powershell.exe", "rundll32.exe", "sc.exe", "services.exe", "svchost.exe", "taskhostw.exe", "wmiprvse.exe",
		"c:\\windows\\system32\\svchost.exe", "c:\\windows\\system32\\cmd.exe", "c:\\windows\\system32\\", "\\system32\\",
	} {
		m[w] = true
	}
	return m
}()

// usual is the weight of what many records have.
const usual = 4

// rarity guesses how often a text of n bytes is found.
func rarity(n int) float64 { return math.Exp2(-float64(min(n, 24)) / 2) }

// FieldsOf returns the fields of a schema, by their index and in order, that a rule asks about there.
func (p *Program) FieldsOf(s *event.Schema, rule int) []int {
	t := p.targetOf(s, rule)
	if t == nil {
		return nil
	}
	var out []int
	for _, name := range p.namesOf(rule) {
		w := locate(s, t, name)
		for _, at := range append(w.needs, w.fields) {
			out = append(out, at...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// namesOf lists the names of fields that a rule asks about.
func (p *Program) namesOf(rule int) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	of := &p.compiled[rule]
	if of.names != nil {
		return of.names
	}
	of.names = []string{}
	var walk func(c *cond)
	walk = func(c *cond) {
		for _, k := range c.kids {
			walk(k)
		}
		if c.op != ask || c.field == "" {
			return
		}
		for _, name := range [2]string{c.field, c.atom.leaf.Ref} {
			if name != "" && !slices.Contains(of.names, name) {
				of.names = append(of.names, name)
			}
		}
	}
	walk(of.cond)
	return of.names
}

// FieldOf is a field of the records of one schema, found by the name that a rule knows it under.
type FieldOf struct{ where where }

// FieldOf finds a field of a schema. One that the schema lacks has no value.
func (p *Program) FieldOf(s *event.Schema, rule int, name string) FieldOf {
	t := p.targetOf(s, rule)
	if t == nil {
		return FieldOf{}
	}
	return FieldOf{locate(s, t, name)}
}

// Append appends the field's first value, and reports whether there is one.
func (f *FieldOf) Append(dst []byte, r *event.Record) ([]byte, bool) {
	if f.where.derived == nil {
		for _, i := range f.where.fields {
			if v := r.Field(i); v.Type&event.Array == 0 && !v.IsNull() {
				return v.AppendText(dst), true
			} else if !v.IsNull() {
				break
			}
		}
	}
	ok := false
	if !f.where.absent() {
		f.where.texts(r, func(v event.Value) {
			if !ok && !v.IsNull() {
				dst, ok = v.AppendText(dst), true
			}
		})
	}
	return dst, ok
}

func (p *Program) targetOf(s *event.Schema, rule int) *target {
	ts := p.compiled[rule].targets
	i := slices.IndexFunc(ts, func(t target) bool { return t.selects(s.Source) })
	if i < 0 {
		return nil
	}
	return &ts[i]
}
