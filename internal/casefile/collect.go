package casefile

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"wardround/internal/damage"
	"wardround/internal/event"
	"wardround/internal/evidence"
	"wardround/internal/inventory"
	"wardround/internal/match"
	"wardround/internal/spread"
)

// worker reads units of evidence, one artifact at a time, and keeps what it learns of each as facts. It is an
// evidence.Sink and, while an artifact is read, its Consumer.
type worker struct {
	run     *run
	of      *collection
	out     *segmentWriter
	scratch match.Scratch
	schemas map[*event.Schema]*schemaState
	force   bool // read again what was thought to be known
	looker  *looker
	persons [1 << 12]uint64 // digests of records of people
	names   damage.Listing

	// Of the artifact at hand.
	reading  bool // it had a record
	serial   uint64
	watch    inventory.Watch
	activity map[activityKey]*tally
	accounts spread.Accounts
	domains  spread.Domains
	told     map[string]bool // what records of the artifact said of domains
	last     *event.Schema
	state    *schemaState
	hits     []int
	hit      hit
	values   []byte // of the hit at hand
	move     event.Movement
	place    [1]event.Place
	known    spread.Known
	buf      []byte
	word     []byte
	texts    []byte
}

// schemaState is what a worker knows of a schema.
type schemaState struct {
	plan   *match.Plan
	edges  spread.Edges
	people spread.People
	within bool // the people are within the edges
	wanted bool
	names  int                 // the slot of a listing's path; -1 for what is no listing
	kept   map[int]*keptFields // by rule

	serial uint64 // of the artifact that the tallies belong to
	host   string // and the computer
	tally  [3]*tally
}

// keptFields are what a rule's findings keep of the records of one schema.
type keptFields struct {
	rule    int
	source  event.Source
	names   []string // of fields, then one for what was recovered, then those that only correlations read
	fields  [][]int  // of the schema, by name
	grouped []match.FieldOf
	layouts map[string]*layout // by computer
	last    *layout
}

// recovered names the field that marks a finding in a record which lay in unused space.
const recovered = "(recovered)"

var recoveredFrom = []byte("from unused space of the log")

// layout is that of a computer's hits.
func (k *keptFields) layout(host string) *layout {
	if k.last != nil && k.last.host == host {
		return k.last
	}
	l := k.layouts[host]
	if l == nil {
		if len(k.layouts) >= maxLayouts {
			clear(k.layouts)
		}
		l = &layout{rule: k.rule, host: host, source: k.source, names: k.names}
		k.layouts[host] = l
	}
	k.last = l
	return l
}

// activityKey tells tallies apart: a whole log, an event of it, or a program in it.
type activityKey struct {
	host   string
	source event.Source
}

// tally counts one source of one computer in one artifact.
type tally struct {
	spans event.Spans
	runs  []event.Run // by record number
	order bool        // runs are kept
}

const (
	logGap    = 2 * time.Minute // silences in a log that are told from none
	eventGap  = time.Hour       // the same, of one event id or program
	maxTally  = 20000           // tallies of one artifact
	maxRuns   = 4096            // runs of record numbers of one log; an export has more
	maxStates = 50000           // schemas that a worker remembers
)

// Begin implements evidence.Sink.
func (w *worker) Begin(a *event.Artifact) (evidence.Consumer, bool) {
	w.run.status.at(a)
	if old := w.of.known[a.Path]; old != nil && !w.force && old.artifact.Kind == a.Kind {
		return nil, false
	}
	w.reading = false
	w.serial++
	w.scratch.Forget()
	w.known.Forget()
	w.watch = inventory.Watch{}
	w.activity = map[activityKey]*tally{}
	w.accounts, w.domains, w.told = spread.Accounts{}, spread.Domains{}, map[string]bool{}
	w.looker.took()
	w.names = damage.Listing{}
	return w, true
}

// End implements evidence.Sink.
func (w *worker) End(a *event.Artifact) {
	key := w.run.keyOf(a)
	old := w.of.known[a.Path]
	switch {
	case w.reading:
		w.reading = false
		a.Servers = seen(w.watch.Sightings())
		t := w.trailer(a)
		a.Holes = holesOf(t.Activity)
		at, err := w.out.end(key, t)
		if err != nil {
			w.run.fail(err)
			return
		}
		w.run.learn(key, at)
	case old != nil && old.key == key:
		*a = old.artifact
	}
	w.of.artifacts = append(w.of.artifacts, entry{artifact: *a, key: key})
}

// seen sums up by name what an artifact holds.
func seen(list []inventory.Sighting) []event.Seen {
	out := []event.Seen{}
	for _, s := range list {
		i := slices.IndexFunc(out, func(x event.Seen) bool { return x.Name == s.Host })
		if i < 0 {
			i = len(out)
			out = append(out, event.Seen{Name: s.Host, First: event.NoTime, Last: event.NoTime})
		}
		x := &out[i]
		x.Records += s.Count
		x.Last = max(x.Last, s.Last)
		if s.First != event.NoTime && (x.First == event.NoTime || s.First < x.First) {
			x.First = s.First
		}
	}
	slices.SortFunc(out, func(a, b event.Seen) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Progress implements evidence.Sink.
func (w *worker) Progress(n int64) { w.run.status.add(n) }

// Want implements evidence.Consumer.
func (w *worker) Want(s *event.Schema) bool { return w.stateOf(s).wanted }

func (w *worker) stateOf(s *event.Schema) *schemaState {
	if s == w.last {
		return w.state
	}
	st := w.schemas[s]
	if st == nil {
		if len(w.schemas) >= maxStates {
			clear(w.schemas)
		}
		st = &schemaState{plan: w.run.program.Plan(s), edges: spread.Of(s), people: spread.PeopleOf(s), kept: map[int]*keptFields{}}
		st.within = st.people.Within(&st.edges)
		st.names = w.listing(s)
		st.wanted = st.plan != nil || st.edges.Any() || st.people.Any() || st.names >= 0
		w.schemas[s] = st
	}
	w.last, w.state = s, st
	return st
}

// begin opens the facts of an artifact, once there is something to keep.
func (w *worker) begin() {
	if !w.reading {
		w.reading = true
		w.out.begin()
	}
}

// Take implements evidence.Consumer.
func (w *worker) Take(r *event.Record) {
	w.begin()
	st := w.stateOf(r.Schema)
	if !r.Slack {
		w.watch.See(r)
		w.count(st, r)
	}
	if !st.wanted {
		return
	}
	if st.names >= 0 && !r.Slack {
		w.list(st, r)
	}
	if st.plan != nil {
		w.hits = w.run.program.Match(st.plan, r, &w.scratch, w.hits[:0])
		for _, rule := range w.hits {
			w.keep(st, r, rule)
		}
	}
	if r.Slack {
		return
	}
	var way *spread.Way
	if st.edges.Any() {
		way = w.follow(&st.edges, r)
	}
	if st.people.Any() && !w.met(st, way, r) {
		w.meet(st.people, r)
	}
}

// met reports whether the person whom a record names was met before.
func (w *worker) met(st *schemaState, way *spread.Way, r *event.Record) bool {
	if way == nil || !st.within {
		return w.known.Met(&st.people, r)
	}
	was := way.Met
	way.Met = true
	return was
}

// follow keeps the movement that a record tells of, and returns its way if that is remembered.
func (w *worker) follow(e *spread.Edges, r *event.Record) *spread.Way {
	way, told := w.known.Read(e, r, &w.move)
	if !told {
		return way
	}
	w.place[0] = event.Place{Record: r.Number, Offset: r.Offset}
	w.move.Because = w.place[:]
	turn := w.out.ways.turn
	if way == nil {
		w.out.movement(0, &w.move)
	} else {
		way.Number = w.out.movement(way.Number, &w.move)
	}
	if w.out.ways.turn != turn { // it forgot all ways before this one
		w.known.Forget()
	}
	return way
}

// maxTold bounds what is remembered of an artifact's domains, as they are spelled.
const maxTold = 1 << 14

// meet learns who bears a SID, at the first record of an artifact that names it, and by which names its domain goes.
func (w *worker) meet(p spread.People, r *event.Record) {
	w.buf = p.SID(r, w.buf)
	w.word = p.Domain(r, w.buf, w.word)
	if len(w.word) > 0 && !w.told[string(w.word)] && len(w.told) < maxTold {
		w.told[string(w.word)] = true
		w.domains.Learn(string(w.word))
	}
	if _, known := w.accounts[string(w.buf)]; known || len(w.buf) == 0 {
		return
	}
	if a := p.Account(r); a != "" {
		w.accounts.Learn(string(w.buf), a)
	}
}

// count notes that a computer wrote to a source.
func (w *worker) count(st *schemaState, r *event.Record) {
	if st.serial != w.serial || st.host != r.Host {
		w.tallies(st, r)
	}
	whole := st.tally[0]
	whole.spans.Add(r.Time, 1)
	for _, t := range st.tally[1:] {
		if t != nil {
			t.spans.Add(r.Time, 1)
		}
	}
	if whole.order {
		whole.number(r.Number, r.Time)
	}
}

// tallies finds what a record of this schema and computer counts towards.
func (w *worker) tallies(st *schemaState, r *event.Record) {
	src := r.Schema.Source
	st.serial, st.host = w.serial, r.Host
	whole := event.Source{Product: src.Product, Channel: src.Channel}
	st.tally = [3]*tally{w.tally(r.Host, whole, logGap)}
	if src.EventID != 0 {
		part := whole
		part.EventID = src.EventID
		st.tally[1] = w.tally(r.Host, part, eventGap)
	}
	if src.Provider != "" && (src.Product != "windows" || strings.EqualFold(src.Channel, "Application")) {
		part := whole
		part.Provider = src.Provider
		st.tally[2] = w.tally(r.Host, part, eventGap)
	}
}

func (w *worker) tally(host string, src event.Source, gap time.Duration) *tally {
	k := activityKey{host, src}
	t := w.activity[k]
	if t == nil {
		if len(w.activity) >= maxTally {
			k = activityKey{}
			if t = w.activity[k]; t != nil {
				return t
			}
		}
		t = &tally{spans: event.Spans{Gap: gap}, order: src.Product == "windows" && src.EventID == 0 && src.Provider == ""}
		w.activity[k] = t
	}
	return t
}

// number adds a record number. Within a run numbers follow one another; a log that wraps has two runs.
func (t *tally) number(n uint64, at event.Time) {
	if last := len(t.runs) - 1; last >= 0 {
		if x := &t.runs[last]; n == x.Last+1 {
			x.Last, x.To = n, at
			return
		}
	}
	if len(t.runs) >= maxRuns {
		t.order, t.runs = false, nil
		return
	}
	t.runs = append(t.runs, event.Run{First: n, Last: n, From: at, To: at})
}

// keep writes a hit down.
func (w *worker) keep(st *schemaState, r *event.Record, rule int) {
	kept := st.kept[rule]
	if kept == nil {
		kept = w.run.keptOf(r.Schema, rule)
		st.kept[rule] = kept
	}
	b := w.values[:0]
	for _, at := range kept.fields {
		w.texts = w.texts[:0]
		for _, i := range at {
			w.text(r.Field(i))
		}
		b = appendField(b, w.texts, len(w.texts) > 0)
	}
	b = appendField(b, recoveredFrom, r.Slack)
	for i := range kept.grouped {
		v, ok := kept.grouped[i].Append(w.texts[:0], r)
		w.texts = v
		b = appendField(b, v, ok)
	}
	w.values = b
	w.hit = hit{of: kept.layout(r.Host), time: r.Time, number: r.Number, offset: r.Offset, digest: digestOf(r), values: b}
	w.out.hit(&w.hit)
}

// text adds a value to those of its field's name, on a line of its own.
func (w *worker) text(v event.Value) {
	if v.IsNull() || len(w.texts) >= maxField {
		return
	}
	from := len(w.texts)
	if from > 0 {
		w.texts = append(w.texts, '\n')
	}
	start := len(w.texts)
	if w.texts = v.AppendText(w.texts); len(w.texts) == start {
		w.texts = w.texts[:from]
		return
	}
	if len(w.texts)-start > maxField {
		w.texts = append(w.texts[:start+maxField], "…"...)
	}
}

// maxField bounds a value that a finding keeps; the whole stands in the evidence.
const maxField = 8 << 10

// correlated marks a field of a hit that only a correlation reads, by the name that the rule knows it under.
const correlated = "\x00"

// digestOf tells records of one number and time apart by their values.
func digestOf(r *event.Record) uint64 {
	const prime = 0x100000001b3
	h := uint64(0xcbf29ce484222325)
	for _, v := range r.Slots {
		h = (h ^ uint64(v.Type)) * prime
		b := v.Raw
		for len(b) >= 8 {
			x := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
			h = (h ^ x) * prime
			h ^= h >> 29
			b = b[8:]
		}
		for _, c := range b {
			h = (h ^ uint64(c)) * prime
		}
		h ^= h >> 32
	}
	return h
}

// trailer closes the facts of an artifact.
func (w *worker) trailer(a *event.Artifact) *trailer {
	looked := w.looker.took()
	t := &trailer{Damage: looked.damage, Patients: looked.patients, Listed: w.listed(), Sightings: w.watch.Sightings(), Own: w.watch.Addresses(), Activity: []event.Activity{}, Accounts: w.accounts, Domains: w.domains}
	for k, x := range w.activity {
		act := event.Activity{Host: k.host, Source: k.source, Spans: x.spans}
		if a.Original && x.order {
			act.Runs = sortRuns(x.runs)
		}
		t.Activity = append(t.Activity, act)
	}
	slices.SortFunc(t.Activity, compareActivity)
	w.activity = nil
	return t
}

// holesOf lists the record numbers that whole original logs lack, first and last.
func holesOf(activity []event.Activity) [][2]uint64 {
	out := [][2]uint64{}
	for _, a := range activity {
		for i := 1; i < len(a.Runs); i++ {
			out = append(out, [2]uint64{a.Runs[i-1].Last + 1, a.Runs[i].First - 1})
		}
	}
	return out
}

func compareActivity(a, b event.Activity) int {
	return cmp.Or(strings.Compare(a.Host, b.Host), strings.Compare(a.Source.Product, b.Source.Product), strings.Compare(a.Source.Channel, b.Source.Channel),
		strings.Compare(a.Source.Provider, b.Source.Provider), cmp.Compare(a.Source.EventID, b.Source.EventID))
}

// sortRuns puts runs in order of their numbers and joins those that follow one another: a log that wraps begins in its
// middle.
func sortRuns(runs []event.Run) []event.Run {
	runs = slices.Clone(runs)
	slices.SortFunc(runs, func(a, b event.Run) int { return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Last, b.Last)) })
	out := runs[:0]
	for _, x := range runs {
		if n := len(out); n > 0 && x.First <= out[n-1].Last+1 {
			if x.Last > out[n-1].Last {
				out[n-1].Last, out[n-1].To = x.Last, x.To
			}
			continue
		}
		out = append(out, x)
	}
	return out
}
