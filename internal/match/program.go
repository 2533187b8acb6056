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
	keywords bool

	mu       sync.Mutex
	plans    map[string]*planned
	scanners map[string]*scanner
	sources  map[event.Source][]candidate
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
	atom  *atom
}

// Compile makes a Program of the rules that have a detection. Rules of correlation are passed over: see Correlations.
func Compile(rules []sigma.Rule) *Program {
	p := &Program{plans: map[string]*planned{}, scanners: map[string]*scanner{}, sources: map[event.Source][]candidate{}}
	atoms := map[string]*atom{}
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
		c, err := p.compile(r.Detection.Condition, false, atoms)
		if err != nil {
			p.Unused = append(p.Unused, Unused{r, err.Error()})
			continue
		}
		p.Rules = append(p.Rules, r)
		p.compiled = append(p.compiled, compiled{t, c})
	}
	return p
}

func (p *Program) compile(e sigma.Expr, not bool, atoms map[string]*atom) (*cond, error) {
	list := func(op condOp, of []sigma.Expr) (*cond, error) {
		c := &cond{op: op}
		for _, e := range of {
			k, err := p.compile(e, not, atoms)
			if err != nil {
				return nil, err
			}
			if k.op == op {
				c.kids = append(c.kids, k.kids...)
			} else {
				c.kids = append(c.kids, k)
			}
		}
		return c, nil
	}
	switch e := e.(type) {
	case sigma.And:
		if not {
			return list(any, e)
		}
		return list(all, e)
	case sigma.Or:
		if not {
			return list(all, e)
		}
		return list(any, e)
	case sigma.Not:
		return p.compile(e.Of, !not, atoms)
	}
	leaf := e.(*sigma.Leaf)
	k := key(leaf)
	a := atoms[k]
	if a == nil {
		var err error
		if a, err = newAtom(len(p.atoms), leaf); err != nil {
			return nil, err
		}
		atoms[k] = a
		p.atoms = append(p.atoms, a)
	}
	p.keywords = p.keywords || leaf.Field == ""
	return &cond{op: ask, not: not, field: leaf.Field, atom: a}, nil
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
