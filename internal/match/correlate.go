package match

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"wardround/internal/event"
	"wardround/internal/sigma"
)

// Correlation is a compiled correlation rule. What it correlates are hits of rules and of other correlations; those it
// is handed in groups, each in order of time, so that memory is bounded by one window of one group whatever the number
// of groups.
//
// It fires at an instant T of a group if its condition holds for the hits in [T − timespan, T], both ends included, and
// did not hold at the group's instant before, or that one lies before the window. Hits at the same instant count together, so
// that the order in which evidence was read never shows; where a rule asks for an order, equal times satisfy it.
type Correlation struct {
	Rule *sigma.Rule
	// Slots are the rules that it correlates, in the order of the rule's list.
	Slots []Ref
	Span  time.Duration

	kind  kind
	cond  sigma.CorrelationCondition
	expr  *sigma.RuleExpr
	names []string // of the slots, as the rule refers to them
}

// Ref names what a slot takes: the hits of the rule Program.Rules[Rule], or if Rule is negative the firings of
// Correlations.List[^Rule].
type Ref struct{ Rule int }

// Hit is one hit as a correlation sees it.
type Hit struct {
	Group string // Correlation.Group
	Time  event.Time
	Slot  int    // index into Slots
	Value string // Correlation.Value
	Ref   uint64 // the caller's name for it
}

// Fired is one firing.
type Fired struct {
	Group string
	Time  event.Time
	Hits  []uint64 // in order of time, the last maxFiredHits of the window
	Count int      // hits in the window, as far as they were counted
}

const maxFiredHits = 100

// maxWindow bounds the hits of one group that a correlation without a lower threshold keeps at a time. Past it the
// oldest are given up.
const maxWindow = 1 << 20

// Correlations are the correlation rules of a program, each after those that it refers to.
type Correlations struct {
	List   []*Correlation
	Unused []Unused
	// Silent are the rules of the program whose own hits are not reported, because they are only parts of correlations
	// that do not generate them.
	Silent map[int]bool
}

type kind uint8

const (
	eventCount kind = iota
	valueCount
	temporal
	ordered
	valueSum
	valueAvg
	valueMedian
	valuePercentile
)

var kinds = map[string]kind{
	"event_count": eventCount, "value_count": valueCount, "temporal": temporal, "temporal_ordered": ordered, "value_sum": valueSum,
	"value_avg": valueAvg, "value_median": valueMedian, "value_percentile": valuePercentile,
}

// Correlations compiles the correlation rules among rules against the program's.
func (p *Program) Correlations(rules []sigma.Rule) *Correlations {
	c := &Correlations{Silent: map[int]bool{}}
	refs := map[string]Ref{}
	for i, r := range p.Rules {
		name(refs, r, Ref{i})
	}
	generated := map[int]bool{}
	var waiting []*sigma.Rule
	for i := range rules {
		if rules[i].Correlation != nil {
			waiting = append(waiting, &rules[i])
		}
	}
	// A correlation is compiled once all that it refers to is; what remains refers to what does not run, or to itself.
	for progress := true; progress; {
		progress = false
		for i := 0; i < len(waiting); {
			r := waiting[i]
			missing := slices.ContainsFunc(r.Correlation.Rules, func(n string) bool { _, ok := refs[n]; return !ok })
			if missing {
				i++
				continue
			}
			progress = true
			waiting = slices.Delete(waiting, i, i+1)
			if err := c.compile(r, refs); err != nil {
				c.Unused = append(c.Unused, Unused{r, err.Error()})
				continue
			}
			for _, n := range r.Correlation.Rules {
				if ref := refs[n]; ref.Rule >= 0 {
					c.Silent[ref.Rule] = true
					generated[ref.Rule] = generated[ref.Rule] || r.Correlation.Generate
				}
			}
			name(refs, r, Ref{^(len(c.List) - 1)})
		}
	}
	for _, r := range waiting {
		i := slices.IndexFunc(r.Correlation.Rules, func(n string) bool { _, ok := refs[n]; return !ok })
		c.Unused = append(c.Unused, Unused{r, fmt.Sprintf("the rule %q that it correlates does not run", r.Correlation.Rules[i])})
	}
	for i := range generated {
		if generated[i] {
			delete(c.Silent, i)
		}
	}
	return c
}

// name notes under what correlations refer to a rule.
func name(refs map[string]Ref, r *sigma.Rule, ref Ref) {
	for _, n := range []string{r.ID, r.Name} {
		if n != "" {
			refs[n] = ref
		}
	}
}

func (c *Correlations) compile(r *sigma.Rule, refs map[string]Ref) error {
	sc := r.Correlation
	k, ok := kinds[sc.Type]
	if !ok {
		return fmt.Errorf("correlation type %q is not known", sc.Type)
	}
	if k == valuePercentile && sc.Condition.Percentile <= 0 {
		return errors.New("value_percentile states no percentile")
	}
	out := &Correlation{Rule: r, Span: sc.Timespan, kind: k, cond: sc.Condition, expr: sc.Condition.Expr, names: sc.Rules}
	for _, n := range sc.Rules {
		out.Slots = append(out.Slots, refs[n])
	}
	c.List = append(c.List, out)
	return nil
}

// Fields returns the names of the fields that a hit in the slot must tell: those to group by, and those to count.
func (c *Correlation) Fields(slot int) []string {
	var out []string
	for _, g := range c.Rule.Correlation.GroupBy {
		if f := c.field(g, slot); f != "" {
			out = append(out, f)
		}
	}
	return append(out, c.cond.Fields...)
}

// field resolves an alias for the rule in a slot.
func (c *Correlation) field(name string, slot int) string {
	if a, ok := c.Rule.Correlation.Aliases[name]; ok {
		return a[c.names[slot]]
	}
	return name
}

// Group returns the group of a hit, whose fields get tells. A hit that lacks a field to group by belongs to none: events
// of which nobody knows a user do not share one.
func (c *Correlation) Group(slot int, get func(field string) (string, bool)) (string, bool) {
	var key []byte
	for _, g := range c.Rule.Correlation.GroupBy {
		v, ok := get(c.field(g, slot))
		if !ok || v == "" {
			return "", false
		}
		v = foldString(v)
		key = append(binary.AppendUvarint(key, uint64(len(v))), v...)
	}
	return string(key), true
}

// GroupValues takes a group apart again, by the names of the rule's group-by.
func (c *Correlation) GroupValues(group string) map[string]string {
	out := map[string]string{}
	rest := []byte(group)
	for _, g := range c.Rule.Correlation.GroupBy {
		n, w := binary.Uvarint(rest)
		if w <= 0 || uint64(len(rest)-w) < n {
			break
		}
		out[g] = string(rest[w : w+int(n)])
		rest = rest[w+int(n):]
	}
	return out
}

// Value returns what a hit adds to a count of values or to a number; no for one that has nothing to add.
func (c *Correlation) Value(get func(field string) (string, bool)) (string, bool) {
	if c.kind != valueCount && c.kind < valueSum {
		return "", true
	}
	var parts []string
	for _, f := range c.cond.Fields {
		v, ok := get(f)
		if !ok {
			return "", false
		}
		if c.kind == valueCount {
			v = foldString(v)
		} else if _, ok := number([]byte(v)); !ok {
			return "", false
		}
		parts = append(parts, v)
	}
	return strings.Join(parts, "\x00"), true
}

// Run evaluates the correlation over hits that come in order of group, then time. Hits at one instant may come in any
// order; those of a firing are ordered by Ref where their times are equal.
func (c *Correlation) Run(hits func(yield func(Hit) bool), fire func(Fired)) {
	w := window{c: c}
	var batch []Hit
	group, some := "", false
	flush := func() {
		if len(batch) > 0 {
			slices.SortFunc(batch, compareHits)
			w.at(batch, fire)
			batch = batch[:0]
		}
	}
	for h := range hits {
		if h.Time == event.NoTime {
			continue
		}
		if some && (h.Group != group || h.Time != batch[0].Time) {
			flush()
		}
		if !some || h.Group != group {
			w.reset(h.Group)
			group, some = h.Group, true
		}
		batch = append(batch, h)
	}
	flush()
}

func compareHits(a, b Hit) int {
	switch {
	case a.Slot != b.Slot:
		return a.Slot - b.Slot
	case a.Ref < b.Ref:
		return -1
	case a.Ref > b.Ref:
		return 1
	}
	return strings.Compare(a.Value, b.Value)
}

// window is the state of one group.
type window struct {
	c      *Correlation
	group  string
	held   bool // the condition held at the last instant
	heldAt event.Time

	// Counts and numbers: the hits in the window, in order of time, from head on.
	hits   []Hit
	head   int
	counts map[string]int // value_count: hits of each value
	sum    float64        // value_sum and value_avg, and the error that rounding left
	lost   float64
	sorted []float64 // value_median and value_percentile

	// Temporal kinds: the last hit of each slot; and of the chains of slots in order that end in each slot, the one that
	// began last, for if any lies in the window then that one does.
	last   []Hit
	chains [][]Hit
}

func (w *window) reset(group string) {
	if w.last == nil {
		w.last, w.chains, w.counts = make([]Hit, len(w.c.Slots)), make([][]Hit, len(w.c.Slots)), map[string]int{}
	}
	for i := range w.last {
		w.last[i].Time = event.NoTime
	}
	clear(w.chains)
	clear(w.counts)
	*w = window{c: w.c, group: group, hits: w.hits[:0], sorted: w.sorted[:0], heldAt: event.NoTime, last: w.last, chains: w.chains, counts: w.counts}
}

// at takes in the hits of one instant, in order of slot, and decides.
func (w *window) at(batch []Hit, fire func(Fired)) {
	now := batch[0].Time
	from := now.Add(-w.c.Span)
	if w.c.kind == temporal || w.c.kind == ordered {
		w.chain(batch)
	} else {
		w.slide(batch, from)
	}
	holds := w.holds(from)
	if holds && (!w.held || w.heldAt < from) {
		fire(Fired{Group: w.group, Time: now, Hits: w.refs(from), Count: len(w.hits) - w.head})
	}
	w.held, w.heldAt = holds, now
}

// slide moves the window on to the instant of the batch.
func (w *window) slide(batch []Hit, from event.Time) {
	for w.head < len(w.hits) && w.hits[w.head].Time < from {
		w.drop()
	}
	for _, h := range batch {
		w.count(h, 1)
		w.hits = append(w.hits, h)
	}
	for most := w.c.enough(); len(w.hits)-w.head > most; {
		w.drop()
	}
	if w.head > 1024 && w.head > len(w.hits)/2 {
		w.hits = slices.Delete(w.hits, 0, w.head)
		w.head = 0
	}
}

func (w *window) drop() {
	w.count(w.hits[w.head], -1)
	w.head++
}

func (w *window) chain(batch []Hit) {
	for _, h := range batch {
		w.last[h.Slot] = h
		switch before := h.Slot - 1; {
		case before < 0:
			w.chains[0] = []Hit{h}
		case w.chains[before] != nil:
			w.chains[h.Slot] = append(slices.Clone(w.chains[before]), h)
		}
	}
}

// enough is how many hits a window need hold: no more than the threshold of a count that only has a lower bound.
func (c *Correlation) enough() int {
	q := &c.cond
	switch {
	case c.kind == valueMedian || c.kind == valuePercentile:
		return maxWindow / 16
	case c.kind != eventCount || q.LT != nil || q.LTE != nil || q.EQ != nil || q.NEQ != nil:
		return maxWindow
	}
	need := 0.0
	for _, b := range []*float64{q.GT, q.GTE} {
		if b != nil {
			need = max(need, *b+1)
		}
	}
	return int(min(max(math.Ceil(need), maxFiredHits), maxWindow))
}

func (w *window) count(h Hit, n int) {
	switch w.c.kind {
	case valueCount:
		if w.counts[h.Value] += n; w.counts[h.Value] == 0 {
			delete(w.counts, h.Value)
		}
	case valueSum, valueAvg:
		v, _ := number([]byte(h.Value))
		w.addSum(v * float64(n))
	case valueMedian, valuePercentile:
		v, _ := number([]byte(h.Value))
		i, _ := slices.BinarySearch(w.sorted, v)
		if n > 0 {
			w.sorted = slices.Insert(w.sorted, i, v)
		} else {
			w.sorted = slices.Delete(w.sorted, i, i+1)
		}
	}
}

// addSum adds with Neumaier's compensation, so that what leaves the window leaves no trace.
func (w *window) addSum(v float64) {
	t := w.sum + v
	if math.Abs(w.sum) >= math.Abs(v) {
		w.lost += (w.sum - t) + v
	} else {
		w.lost += (v - t) + w.sum
	}
	w.sum = t
}

func (w *window) holds(from event.Time) bool {
	q, n := &w.c.cond, len(w.hits)-w.head
	switch w.c.kind {
	case temporal:
		if w.c.expr != nil {
			return w.evaluate(w.c.expr, from)
		}
		return w.c.occur(w.last, from)
	case ordered:
		whole := w.chains[len(w.chains)-1]
		return whole != nil && whole[0].Time >= from
	case eventCount:
		return within(q, float64(n))
	case valueCount:
		return within(q, float64(len(w.counts)))
	case valueSum:
		return within(q, w.sum+w.lost)
	case valueAvg:
		return within(q, (w.sum+w.lost)/float64(n))
	case valueMedian:
		return within(q, (w.sorted[(len(w.sorted)-1)/2]+w.sorted[len(w.sorted)/2])/2)
	}
	return within(q, percentile(w.sorted, q.Percentile))
}

// occur holds a temporal correlation's bounds against the number of its rules that occur; without bounds, all must.
func (c *Correlation) occur(last []Hit, from event.Time) bool {
	n := 0
	for _, h := range last {
		if h.Time >= from {
			n++
		}
	}
	q := &c.cond
	if q.GT == nil && q.GTE == nil && q.LT == nil && q.LTE == nil && q.EQ == nil && q.NEQ == nil {
		return n == len(last)
	}
	return within(q, float64(n))
}

// percentile is the smallest value that p percent of the values do not exceed (nearest rank).
func percentile(sorted []float64, p float64) float64 {
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

func within(q *sigma.CorrelationCondition, n float64) bool {
	return (q.GT == nil || n > *q.GT) && (q.GTE == nil || n >= *q.GTE) && (q.LT == nil || n < *q.LT) &&
		(q.LTE == nil || n <= *q.LTE) && (q.EQ == nil || n == *q.EQ) && (q.NEQ == nil || n != *q.NEQ)
}

// evaluate answers a boolean condition over which slots occur in the window.
func (w *window) evaluate(e *sigma.RuleExpr, from event.Time) bool {
	holds := func(x *sigma.RuleExpr) bool { return w.evaluate(x, from) }
	switch e.Op {
	case "and":
		return !slices.ContainsFunc(e.Of, func(x *sigma.RuleExpr) bool { return !holds(x) })
	case "or":
		return slices.ContainsFunc(e.Of, holds)
	case "not":
		return !holds(e.Of[0])
	}
	i := slices.Index(w.c.names, e.Rule)
	return i >= 0 && w.last[i].Time >= from
}

// refs names the hits that a firing rests on.
func (w *window) refs(from event.Time) []uint64 {
	var of []Hit
	switch w.c.kind {
	case ordered:
		of = w.chains[len(w.chains)-1]
	case temporal:
		for _, h := range w.last {
			if h.Time >= from {
				of = append(of, h)
			}
		}
		slices.SortFunc(of, func(a, b Hit) int { return cmp.Or(cmp.Compare(a.Time, b.Time), compareHits(a, b)) })
	default:
		of = w.hits[max(w.head, len(w.hits)-maxFiredHits):]
	}
	out := make([]uint64, len(of))
	for i, h := range of {
		out[i] = h.Ref
	}
	return out
}
