// Package match runs detection rules over events.
//
// Compile turns a set of rules into one Program. A Program never changes, so all workers share it; what a worker scribbles
// on is in its own Scratch. A rule that cannot be compiled is not dropped in silence: Program.Unused lists it with the
// reason, and the report prints the list.
//
// The Program is asked once per schema for a Plan: the rules that can match its records at all, with their fields
// resolved to slots and every question about a constant settled. For a record, each field that a plan needs is folded
// to lower case and scanned once for the texts of all rules. Only a rule that has been woken by a text without which it
// cannot hold is evaluated; its regular expressions come last. Plain is the obvious evaluation that this must equal.
package match

import (
	"encoding/binary"
	"slices"
	"strings"
	"sync"

	"wardround/internal/event"
	"wardround/internal/sigma"
)

// Unused is a rule that does not run, and why.
type Unused struct {
	Rule *sigma.Rule
	Why  string
}

// Program is a compiled set of rules. It is safe for use by several goroutines.
type Program struct {
	Rules  []*sigma.Rule // of detection, in the order of hits
	Unused []Unused

	compiled []compiled
	atoms    []*atom
	names    int // of fields

	mu       sync.Mutex
	plans    map[string]*planned
	scanners map[string]*scanner
	sources  map[event.Source][]candidate
	logs     map[event.Source][]candidate // of no event
	namings  []uintptr                    // maps of aliases, by their number
	planners sync.Pool
}

// planned is a plan that one worker makes, while others may make other plans.
type planned struct {
	once sync.Once
	plan *Plan
}

// compiled is a rule's condition with negations pushed down to the questions.
type compiled struct {
	targets []target
	cond    *cond
	names   []string // see namesOf
}

type condOp uint8

const (
	all condOp = iota // every kid
	any               // some kid
	ask               // the atom, of the field
)

type cond struct {
	op    condOp
	not   bool // ask: the answer is turned round
	kids  []*cond
	field string
	name  int32 // number of the field's name
	ref   int32 // that of the field that it is compared with
	atom  *atom
}

// Compile makes a Program of the rules that have a detection. Rules of correlation are passed over: see Correlations.
func Compile(rules []sigma.Rule) *Program {
	p := &Program{
		Rules: make([]*sigma.Rule, 0, len(rules)), compiled: make([]compiled, 0, len(rules)),
		plans: map[string]*planned{}, scanners: map[string]*scanner{}, sources: map[event.Source][]candidate{}, logs: map[event.Source][]candidate{},
	}
	c := compiler{p: p, atoms: make(map[string]*atom, usualAtoms*len(rules)), names: map[string]int32{}}
	for i := range rules {
		r := &rules[i]
		if r.Detection == nil {
			continue
		}
		t, err := targets(r.LogSource)
		if err != nil {
			p.Unused = append(p.Unused, Unused{r, err.Error()})
			continue
		}
		root := new(cond)
		if err := c.compile(r.Detection.Condition, false, root); err != nil {
			p.Unused = append(p.Unused, Unused{r, err.Error()})
			continue
		}
		p.Rules = append(p.Rules, r)
		p.compiled = append(p.compiled, compiled{targets: t, cond: root})
	}
	p.names = len(c.names)
	return p
}

// usualAtoms are the questions of a rule that no rule before asks.
const usualAtoms = 8

// compiler puts conditions together.
type compiler struct {
	p     *Program
	atoms map[string]*atom // by key
	names map[string]int32 // of fields
	key   []byte
}

// compile puts a condition, or its negation, into c.
func (x *compiler) compile(e sigma.Expr, not bool, c *cond) error {
	switch e := e.(type) {
	case sigma.And:
		if not {
			return x.list(any, e, not, c)
		}
		return x.list(all, e, not, c)
	case sigma.Or:
		if not {
			return x.list(all, e, not, c)
		}
		return x.list(any, e, not, c)
	case sigma.Not:
		return x.compile(e.Of, !not, c)
	}
	leaf := e.(*sigma.Leaf)
	x.key = appendKey(x.key[:0], leaf)
	a := x.atoms[string(x.key)]
	if a == nil {
		var err error
		if a, err = newAtom(len(x.p.atoms), leaf); err != nil {
			return err
		}
		x.atoms[string(x.key)] = a
		x.p.atoms = append(x.p.atoms, a)
	}
	*c = cond{op: ask, not: not, field: leaf.Field, name: x.name(leaf.Field), atom: a}
	if leaf.Op == sigma.SameAs {
		c.ref = x.name(leaf.Ref)
	}
	return nil
}

// name numbers the name of a field.
func (x *compiler) name(s string) int32 {
	n, ok := x.names[s]
	if !ok {
		n = int32(len(x.names))
		x.names[s] = n
	}
	return n
}

// list puts what all or any of some parts ask into c. Parts of the same kind become parts of it.
func (x *compiler) list(op condOp, of []sigma.Expr, not bool, c *cond) error {
	room := make([]cond, len(of))
	kids := make([]*cond, 0, len(of))
	for i, e := range of {
		k := &room[i]
		if err := x.compile(e, not, k); err != nil {
			return err
		}
		if k.op == op {
			kids = append(kids, k.kids...)
		} else {
			kids = append(kids, k)
		}
	}
	*c = cond{op: op, kids: kids}
	return nil
}

// Plan returns how the rules are run over records of a schema, nil when none can match.
func (p *Program) Plan(s *event.Schema) *Plan {
	k := p.planKey(s)
	p.mu.Lock()
	x := p.plans[k]
	if x == nil {
		if len(p.plans) >= maxPlans {
			clear(p.plans)
		}
		x = &planned{}
		p.plans[k] = x
	}
	p.mu.Unlock()
	x.once.Do(func() { x.plan = p.plan(s) })
	return x.plan
}

// maxPlans bounds the plans kept against evidence that invents schemas.
const maxPlans = 20000

// planKey is equal for schemas that have the same plan: it leaves out the names of computers, which differ from file to
// file and of which no plan makes a constant.
func (p *Program) planKey(s *event.Schema) string {
	var b []byte
	put := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	put(s.Source.Product)
	put(s.Source.Channel)
	put(s.Source.Provider)
	b = binary.AppendUvarint(b, uint64(s.Source.EventID))
	b = binary.AppendUvarint(b, uint64(s.Whole))
	for _, f := range s.Fields {
		put(f.Name)
		b = binary.AppendVarint(b, int64(f.Slot))
		if f.Slot < 0 && f.Name != computer {
			b = append(b, byte(f.Const.Type))
			put(string(f.Const.Raw))
		}
	}
	return string(b)
}

const computer = "Computer"

// system names the fields that a keyword does not look into: who logged, not what.
var system = map[string]bool{
	"Provider_Name": true, "Provider_Guid": true, "Provider_EventSourceName": true, "EventID": true, "Qualifiers": true, "Version": true,
	"Level": true, "Task": true, "Opcode": true, "Keywords": true, "TimeCreated": true, "EventRecordID": true, "ActivityID": true,
	"RelatedActivityID": true, "Execution_ProcessID": true, "Execution_ThreadID": true, "Channel": true, computer: true, "Security_UserID": true,
}

// where is where a schema keeps a field: in fields of its own, or derived from some.
type where struct {
	fields  []int
	derived *derived
	needs   [][]int
}

func (w *where) absent() bool { return len(w.fields) == 0 && w.derived == nil }

// locate finds a rule's field in a schema.
func locate(s *event.Schema, t *target, name string) where {
	if name == "" {
		var w where
		for i, f := range s.Fields {
			if s.Source.Product != "windows" || !system[f.Name] {
				w.fields = append(w.fields, i)
			}
		}
		return w
	}
	a, ok := t.alias[name]
	if !ok {
		return where{fields: lookup(s, name)}
	}
	if a.from != nil {
		w := where{derived: a.from}
		some := false
		for _, n := range a.from.needs {
			at := s.Lookup(n)
			some = some || len(at) > 0
			w.needs = append(w.needs, at)
		}
		if some {
			return w
		}
		return where{fields: lookup(s, name)}
	}
	for _, n := range a.names {
		if at := lookup(s, n); len(at) > 0 {
			return where{fields: at}
		}
	}
	return where{}
}

// lookup finds a field by its name, or failing that by its name without regard to case, spaces and underscores: Defender
// writes "Threat Name" where rules say ThreatName.
func lookup(s *event.Schema, name string) []int {
	if at := s.Lookup(name); len(at) > 0 {
		return at
	}
	want := squeeze(name)
	var out []int
	for i, f := range s.Fields {
		if len(f.Name) >= len(want) && squeeze(f.Name) == want {
			out = append(out, i)
		}
	}
	return out
}

func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '_' {
			return -1
		}
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// texts returns the values of a field as text, one for each element; a null value of a present field is an empty text.
func (w *where) texts(r *event.Record, take func(event.Value)) {
	if w.derived == nil {
		for _, i := range w.fields {
			r.Field(i).Each(take)
		}
		return
	}
	parts := make([]string, len(w.needs))
	for i, at := range w.needs {
		for _, f := range at {
			if v := r.Field(f); !v.IsNull() {
				parts[i] = v.String()
				break
			}
		}
	}
	for _, s := range w.derived.make(parts) {
		take(event.Text(s))
	}
}

// constant reports whether the field's values are the same in all records of the schema.
func (w *where) constant(s *event.Schema) bool {
	return w.derived == nil && !slices.ContainsFunc(w.fields, func(i int) bool {
		return s.Fields[i].Slot >= 0 || s.Fields[i].Name == computer
	})
}
