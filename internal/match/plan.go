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
	columns []int32         // in which its values are
	preds   map[int32]int32 // by atom
}

// column is where values of a record are: a field of its schema, or values made of some.
type column struct {
	id      uint32 // no other column has it, of no plan
	field   int
	slot    int // of the field, below 0 for a constant
	derived *where
	scanner *scanner // for the texts of all fields that it is in; nil if nothing is looked for
	atoms   []int32  // by needle of the scanner: its atom's place among them
	starts  []int32  // by that: where the atom's preds begin in serves, and those of the next
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
	a, sure := c.atoms[needle], c.scanner.needles[needle].sure
	for _, pred := range c.serves[c.starts[a]:c.starts[a+1]] {
		list = append(list, sign{pred, sure})
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

type planner struct {
	p      *Program
	s      *event.Schema
	plan   *Plan
	byName map[string]int32 // place of a field → its number
	target *target
	naming uintptr       // of the target
	column map[int]int32 // slot, or place among the fields of a constant as its complement → column
	places map[namedField]*located
}

// namedField is a name, as the rules of one kind of log mean it.
type namedField struct {
	naming uintptr
	name   string
}

// located is where a schema keeps a field that a rule asks about.
type located struct {
	where
	number int32 // of the plan's fields, -1 before it is one
}

func (p *Program) plan(s *event.Schema) *Plan {
	b := planner{p: p, s: s, plan: &Plan{texts: s.Source.Product != "windows", whole: s.Whole}, byName: map[string]int32{}, column: map[int]int32{}, places: map[namedField]*located{}}
	for _, k := range p.candidatesOf(s.Source) {
		i, c := int(k.rule), &p.compiled[k.rule]
		b.target, b.naming = &c.targets[k.target], k.naming
		pc, done := b.settle(c.cond)
		if done == no {
			continue
		}
		if done == yes {
			pc = pcond{op: all}
		}
		b.plan.rules = append(b.plan.rules, planRule{i, pc})
	}
	if len(b.plan.rules) == 0 {
		return nil
	}
	b.anchor()
	b.scanners()
	return b.plan
}

// candidate is a rule that may hold for records of a source, and by which of its targets.
type candidate struct {
	rule, target int32
	naming       uintptr // equal for targets that have one map of aliases
}

// candidatesOf lists the rules for a source.
func (p *Program) candidatesOf(src event.Source) []candidate {
	p.mu.Lock()
	defer p.mu.Unlock()
	list, ok := p.sources[src]
	if ok {
		return list
	}
	for i := range p.compiled {
		ts := p.compiled[i].targets
		for k := range ts {
			if ts[k].selects(src) {
				list = append(list, candidate{int32(i), int32(k), reflect.ValueOf(ts[k].alias).Pointer()})
				break
			}
		}
	}
	if len(p.sources) >= maxPlans {
		clear(p.sources)
	}
	p.sources[src] = list
	return list
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
	out := pcond{op: c.op}
	for _, k := range c.kids {
		pk, done := b.settle(k)
		switch done {
		case end:
			return pcond{}, end
		case open:
			out.kids = append(out.kids, pk)
		}
	}
	switch len(out.kids) {
	case 0:
		return pcond{}, drop
	case 1:
		return out.kids[0], open
	}
	slices.SortStableFunc(out.kids, func(x, y pcond) int { return cmp.Compare(b.cost(x), b.cost(y)) })
	return out, open
}

// cost orders the parts of a condition: what the scan answers, what needs a look, what needs an expression.
func (b *planner) cost(c pcond) int {
	if c.op != ask {
		return costOfParts
	}
	return b.plan.preds[c.pred].atom.cost()
}

const costOfParts = 2

func (a *atom) cost() int {
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
	at := b.locate(c.field)
	w := at.where
	leaf := c.atom.leaf
	if w.absent() {
		holds := leaf.Op == sigma.IsNull || leaf.Op == sigma.Exists && !leaf.Want
		return pcond{}, truth(holds != c.not)
	}
	ref := int32(-1)
	if leaf.Op == sigma.SameAs {
		other := b.locate(leaf.Ref)
		if other.absent() {
			return pcond{}, truth(c.not)
		}
		ref = b.field(leaf.Ref, other)
	} else if w.constant(b.s) {
		return pcond{}, truth(b.constant(&w, c.atom) != c.not)
	}
	f := b.field(c.field, at)
	field := &b.plan.fields[f]
	id := int32(c.atom.id)
	n, ok := field.preds[id]
	if !ok {
		n = int32(len(b.plan.preds))
		field.preds[id] = n
		b.plan.preds = append(b.plan.preds, pred{
			field: f, ref: ref, atom: c.atom, scanned: c.atom.scannable(false),
			simple: len(w.fields) == 1 && leaf.Op != sigma.IsNull && leaf.Op != sigma.Exists,
		})
	}
	return pcond{op: ask, not: c.not, pred: n}, open
}

// locate finds a field of the rule at hand, once for all rules that mean the same by its name.
func (b *planner) locate(name string) *located {
	k := namedField{b.naming, name}
	at := b.places[k]
	if at == nil {
		at = &located{locate(b.s, b.target, name), -1}
		b.places[k] = at
	}
	return at
}

// constant answers an atom for a field whose values all records share.
func (b *planner) constant(w *where, a *atom) bool {
	var s Scratch
	return s.ask(&event.Record{Schema: b.s}, a, w)
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
	b.plan.fields = append(b.plan.fields, planField{name: name, where: w, columns: b.columns(&w), preds: map[int32]int32{}})
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

// wanted is an atom that is looked for in a column, and the pred that waits for it.
type wanted struct{ atom, pred int32 }

// scanners gives each column one scanner for the texts of all fields that it is in: rules that look into any value and rules
// that name a field look at it once.
func (b *planner) scanners() {
	wants := make([][]wanted, len(b.plan.columns))
	for i := range b.plan.fields {
		f := &b.plan.fields[i]
		for id, n := range f.preds {
			if !b.plan.preds[n].scanned {
				continue
			}
			for _, column := range f.columns {
				wants[column] = append(wants[column], wanted{id, n})
			}
		}
	}
	for i, list := range wants {
		c := &b.plan.columns[i]
		c.beyondFigures = b.plan.texts
		if len(list) == 0 {
			continue
		}
		slices.SortFunc(list, func(x, y wanted) int { return cmp.Or(cmp.Compare(x.atom, y.atom), cmp.Compare(x.pred, y.pred)) })
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

// look gives a column a scanner, in order of atoms. Equal scanners are shared between columns and plans.
func (b *planner) look(c *column, list []wanted) {
	var atoms []int32
	var key []byte
	c.id = columnIDs.Add(1)
	for k, w := range list {
		if k == 0 || w.atom != list[k-1].atom {
			atoms, key = append(atoms, w.atom), binary.AppendUvarint(key, uint64(w.atom))
			c.starts = append(c.starts, int32(k))
		}
		c.serves = append(c.serves, w.pred)
	}
	c.starts = append(c.starts, int32(len(list)))
	c.scanner = b.p.scannerOf(key, atoms)
	c.atoms = make([]int32, len(c.scanner.needles))
	place := int32(0)
	for k := range c.atoms {
		for atoms[place] != c.scanner.needles[k].atom {
			place++
		}
		c.atoms[k] = place
	}
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
	var needles []needle
	for _, id := range atoms {
		needles = append(needles, p.atoms[id].needles...)
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
		a.needles = append(a.needles, needle{t, f, a.form != other, int32(a.id)})
	}
	if a.form == other && a.guard.foreign {
		a.needles = append(a.needles, needle{"", infix, false, int32(a.id)})
	}
	a.tiny = !useful(f, texts...)
}

// scannable reports whether a scanner can tell that the atom does not hold; with tiny, by texts too that it must look for one
// by one.
func (a *atom) scannable(tiny bool) bool { return len(a.needles) > 0 && (tiny || !a.tiny) }

// anchor decides what wakes each rule.
func (b *planner) anchor() {
	b.plan.wakes = make([][]int32, len(b.plan.preds))
	for i := range b.plan.rules {
		preds, weight := anchors(&b.plan.rules[i].cond, func(c *pcond, tiny bool) (int32, float64) {
			p := &b.plan.preds[c.pred]
			return c.pred, p.atom.anchorWeight(c.not, tiny || p.scanned)
		})
		if math.IsInf(weight, 1) {
			b.plan.always = append(b.plan.always, int32(i))
			continue
		}
		slices.Sort(preds)
		for _, n := range slices.Compact(preds) {
			b.plan.preds[n].scanned = true
			b.plan.wakes[n] = append(b.plan.wakes[n], int32(i))
		}
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

// anchors chooses the cheapest set of questions of which one must hold for a condition to hold, with its weight: infinite
// when there is none. A rule that has none, or only what many records have, may have texts of a few bytes looked for rather
// than be evaluated for every record. Weigh tells of a question what stands for it and its weight, infinite where a scan
// cannot answer it.
func anchors[C condition[C], A interface{}](c C, weigh func(c C, tiny bool) (A, float64)) ([]A, float64) {
	best, least := anchorsAmong(c, false, weigh)
	if least > usual {
		if list, w := anchorsAmong(c, true, weigh); w < least {
			best, least = list, w
		}
	}
	return best, least
}

func anchorsAmong[C condition[C], A interface{}](c C, tiny bool, weigh func(c C, tiny bool) (A, float64)) (best []A, weight float64) {
	switch c.operator() {
	case all:
		weight = math.Inf(1)
		for i := range c.parts() {
			if list, w := anchorsAmong(c.part(i), tiny, weigh); w < weight {
				best, weight = list, w
			}
		}
		return best, weight
	case any:
		for i := range c.parts() {
			list, w := anchorsAmong(c.part(i), tiny, weigh)
			best = append(best, list...)
			weight += w
		}
		return best, weight
	}
	a, weight := weigh(c, tiny)
	if math.IsInf(weight, 1) {
		return nil, weight
	}
	return []A{a}, weight
}

// anchorWeight is the weight of the atom as what wakes a rule.
func (a *atom) anchorWeight(not, tiny bool) float64 {
	if not || !a.scannable(tiny) {
		return math.Inf(1)
	}
	return weight(a)
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
	var walk func(c *cond)
	walk = func(c *cond) {
		for _, k := range c.kids {
			walk(k)
		}
		if c.op != ask || c.field == "" {
			return
		}
		for _, name := range []string{c.field, c.atom.leaf.Ref} {
			if name == "" {
				continue
			}
			w := locate(s, t, name)
			for _, at := range append(w.needs, w.fields) {
				out = append(out, at...)
			}
		}
	}
	walk(p.compiled[rule].cond)
	slices.Sort(out)
	return slices.Compact(out)
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
