package match

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"wardround/internal/event"
	"wardround/internal/sigma"
)

// brute evaluates a correlation as docs/format/rules.md defines it, word by word: at every instant of every group it
// collects the window anew. It shares nothing with window.
func brute(c *Correlation, hits []Hit) []string {
	groups := map[string][]Hit{}
	for _, h := range hits {
		groups[h.Group] = append(groups[h.Group], h)
	}
	var out []string
	for g, hs := range groups {
		instants := map[event.Time]bool{}
		for _, h := range hs {
			instants[h.Time] = true
		}
		var ts []event.Time
		for t := range instants {
			ts = append(ts, t)
		}
		slices.Sort(ts)
		held, heldAt := false, event.NoTime
		for _, t := range ts {
			var win []Hit
			for _, h := range hs {
				if h.Time >= t.Add(-c.Span) && h.Time <= t {
					win = append(win, h)
				}
			}
			now := bruteHolds(c, win)
			if now && (!held || heldAt < t.Add(-c.Span)) {
				out = append(out, fmt.Sprintf("%s@%d", g, t/event.Time(time.Second)))
			}
			held, heldAt = now, t
		}
	}
	sort.Strings(out)
	return out
}

func bruteHolds(c *Correlation, win []Hit) bool {
	q := c.Rule.Correlation.Condition
	ok := func(n float64) bool {
		return (q.GT == nil || n > *q.GT) && (q.GTE == nil || n >= *q.GTE) && (q.LT == nil || n < *q.LT) && (q.LTE == nil || n <= *q.LTE) &&
			(q.EQ == nil || n == *q.EQ) && (q.NEQ == nil || n != *q.NEQ)
	}
	var nums []float64
	sum := 0.0
	distinct := map[string]bool{}
	occurs := make([]bool, len(c.Slots))
	for _, h := range win {
		occurs[h.Slot] = true
		distinct[h.Value] = true
		if n, err := strconv.ParseFloat(h.Value, 64); err == nil {
			nums = append(nums, n)
			sum += n
		}
	}
	sort.Float64s(nums)
	switch c.Rule.Correlation.Type {
	case "event_count":
		return ok(float64(len(win)))
	case "value_count":
		return ok(float64(len(distinct)))
	case "value_sum":
		return ok(sum)
	case "value_avg":
		return ok(sum / float64(len(nums)))
	case "value_median":
		if n := len(nums); n%2 == 1 {
			return ok(nums[n/2])
		} else {
			return ok((nums[n/2-1] + nums[n/2]) / 2)
		}
	case "value_percentile":
		for i, v := range nums {
			if float64(i+1)/float64(len(nums)) >= q.Percentile/100 {
				return ok(v)
			}
		}
	case "temporal":
		if q.Expr != nil {
			return bruteExpr(q.Expr, c.Rule.Correlation.Rules, occurs)
		}
		return !slices.Contains(occurs, false)
	case "temporal_ordered":
		return bruteOrder(win, 0, len(c.Slots), event.NoTime)
	}
	return false
}

func bruteExpr(e *sigma.RuleExpr, names []string, occurs []bool) bool {
	switch e.Op {
	case "and":
		for _, x := range e.Of {
			if !bruteExpr(x, names, occurs) {
				return false
			}
		}
		return true
	case "or":
		for _, x := range e.Of {
			if bruteExpr(x, names, occurs) {
				return true
			}
		}
		return false
	case "not":
		return !bruteExpr(e.Of[0], names, occurs)
	}
	return occurs[slices.Index(names, e.Rule)]
}

// bruteOrder tries every hit for every place of the order.
func bruteOrder(win []Hit, slot, slots int, after event.Time) bool {
	if slot == slots {
		return true
	}
	for _, h := range win {
		if h.Slot == slot && h.Time >= after && bruteOrder(win, slot+1, slots, h.Time) {
			return true
		}
	}
	return false
}

func num(n float64) *float64 { return &n }

func correlationOf(typ string, slots int, span time.Duration, q sigma.CorrelationCondition) *Correlation {
	r := &sigma.Rule{ID: "c", Correlation: &sigma.Correlation{Type: typ, Timespan: span, GroupBy: []string{"g"}, Condition: q}}
	out := &Correlation{Rule: r, Span: span, kind: kinds[typ], cond: q, expr: q.Expr}
	for i := range slots {
		r.Correlation.Rules = append(r.Correlation.Rules, string(rune('a'+i)))
		out.Slots = append(out.Slots, Ref{i})
	}
	out.names = r.Correlation.Rules
	return out
}

// hitsOf reads "group slot second value" words: "x a10=5 b11 | y a3".
func hitsOf(text string) []Hit {
	var out []Hit
	for _, part := range strings.Split(text, "|") {
		words := strings.Fields(part)
		for _, w := range words[1:] {
			at, value, _ := strings.Cut(w[1:], "=")
			sec, err := strconv.Atoi(at)
			if err != nil {
				panic(err)
			}
			out = append(out, Hit{Group: words[0], Slot: int(w[0] - 'a'), Time: event.Time(sec) * event.Time(time.Second), Value: value, Ref: uint64(len(out))})
		}
	}
	return out
}

func run(c *Correlation, hits []Hit) []string {
	sorted := slices.Clone(hits)
	sort.SliceStable(sorted, func(i, j int) bool {
		if sorted[i].Group != sorted[j].Group {
			return sorted[i].Group < sorted[j].Group
		}
		return sorted[i].Time < sorted[j].Time
	})
	var out []string
	c.Run(slices.Values(sorted), func(f Fired) { out = append(out, fmt.Sprintf("%s@%d", f.Group, f.Time/event.Time(time.Second))) })
	sort.Strings(out)
	return out
}

func TestCorrelations(t *testing.T) {
	const m = 10 * time.Second
	gte := func(n float64) sigma.CorrelationCondition { return sigma.CorrelationCondition{GTE: num(n)} }
	and := func(op string, rules ...string) *sigma.RuleExpr {
		e := &sigma.RuleExpr{Op: op}
		for _, r := range rules {
			if not, ok := strings.CutPrefix(r, "!"); ok {
				e.Of = append(e.Of, &sigma.RuleExpr{Op: "not", Of: []*sigma.RuleExpr{{Op: "ref", Rule: not}}})
			} else {
				e.Of = append(e.Of, &sigma.RuleExpr{Op: "ref", Rule: r})
			}
		}
		return e
	}
	cases, equal := 0, 0
	for i, c := range []struct {
		typ   string
		slots int
		cond  sigma.CorrelationCondition
		hits  string
		want  string
	}{
		// event_count: thresholds.
		{"event_count", 1, gte(3), "x a0 a1 a2", "x@2"},
		{"event_count", 1, gte(3), "x a0 a1", ""},
		{"event_count", 1, gte(1), "x a5", "x@5"},
		{"event_count", 1, sigma.CorrelationCondition{GT: num(2)}, "x a0 a1 a2", "x@2"},
		{"event_count", 1, sigma.CorrelationCondition{GT: num(3)}, "x a0 a1 a2", ""},
		{"event_count", 1, sigma.CorrelationCondition{EQ: num(2)}, "x a0 a1 a2", "x@1"},
		{"event_count", 1, sigma.CorrelationCondition{NEQ: num(1)}, "x a0 a1 a2", "x@1"},
		{"event_count", 1, sigma.CorrelationCondition{LT: num(2)}, "x a0 a1 a30", "x@0 x@30"},
		{"event_count", 1, sigma.CorrelationCondition{LTE: num(2)}, "x a0 a1 a2 a3", "x@0"},
		{"event_count", 1, sigma.CorrelationCondition{GTE: num(2), LTE: num(3)}, "x a0 a1 a2 a3 a4", "x@1"},
		// Edges of the timespan: both ends belong to the window.
		{"event_count", 1, gte(2), "x a0 a10", "x@10"},
		{"event_count", 1, gte(2), "x a0 a11", ""},
		{"event_count", 1, gte(3), "x a0 a5 a10", "x@10"},
		{"event_count", 1, gte(3), "x a0 a5 a11", ""},
		// Sliding: one firing for a burst, however long; a new one after it has ended.
		{"event_count", 1, gte(2), "x a0 a1 a2 a3 a4", "x@1"},
		{"event_count", 1, gte(2), "x a0 a1 a9 a18 a27", "x@1"},
		{"event_count", 1, gte(2), "x a0 a1 a30 a31", "x@1 x@31"},
		{"event_count", 1, gte(3), "x a0 a4 a8 a12 a16 a40 a41 a42", "x@42 x@8"},
		{"event_count", 1, gte(3), "x a0 a9 a18 a19 a20", "x@19"},
		// Equal times count together, whatever their order.
		{"event_count", 1, gte(3), "x a7 a7 a7", "x@7"},
		{"event_count", 1, gte(2), "x a0 a0 a50 a50", "x@0 x@50"},
		{"event_count", 1, sigma.CorrelationCondition{EQ: num(2)}, "x a7 a7 a7", ""},
		// Out of order: as if sorted.
		{"event_count", 1, gte(3), "x a2 a0 a1", "x@2"},
		{"event_count", 1, gte(2), "x a31 a1 a30 a0", "x@1 x@31"},
		// Groups do not mix, interleaved or not.
		{"event_count", 1, gte(2), "x a0 | y a1 | x a2 | y a3", "x@2 y@3"},
		{"event_count", 1, gte(3), "x a0 a1 | y a2", ""},
		{"event_count", 2, gte(3), "x a0 b1 a2", "x@2"},
		{"event_count", 1, gte(150), "x" + strings.Repeat(" a1", 151), "x@1"},
		// value_count: distinct values.
		{"value_count", 1, gte(2), "x a0=p a1=q", "x@1"},
		{"value_count", 1, gte(2), "x a0=p a1=p a2=p", ""},
		{"value_count", 1, gte(2), "x a0=p a5=p a11=q", "x@11"},
		{"value_count", 1, gte(2), "x a0=p a11=q", ""},
		{"value_count", 1, gte(2), "x a0=p a10=q", "x@10"},
		{"value_count", 1, gte(3), "x a0=p a0=q a0=r", "x@0"},
		{"value_count", 1, sigma.CorrelationCondition{EQ: num(1)}, "x a0=p a1=q a20=q", "x@0 x@20"},
		{"value_count", 1, gte(2), "x a0=p | y a0=q", ""},
		{"value_count", 1, sigma.CorrelationCondition{LT: num(2)}, "x a0=p a1=q a15=q", "x@0 x@15"},
		// temporal: all rules, in any order.
		{"temporal", 2, sigma.CorrelationCondition{}, "x a0 b5", "x@5"},
		{"temporal", 2, sigma.CorrelationCondition{}, "x b0 a5", "x@5"},
		{"temporal", 2, sigma.CorrelationCondition{}, "x a0 b10", "x@10"},
		{"temporal", 2, sigma.CorrelationCondition{}, "x a0 b11", ""},
		{"temporal", 2, sigma.CorrelationCondition{}, "x a0 a1 a2", ""},
		{"temporal", 2, sigma.CorrelationCondition{}, "x a3 b3", "x@3"},
		{"temporal", 3, sigma.CorrelationCondition{}, "x c0 a4 b8", "x@8"},
		{"temporal", 3, sigma.CorrelationCondition{}, "x c0 a4 b11", ""},
		{"temporal", 2, sigma.CorrelationCondition{}, "x a0 b1 a2 b3", "x@1"},
		{"temporal", 2, sigma.CorrelationCondition{}, "x a0 b1 a40 b41", "x@1 x@41"},
		{"temporal", 2, sigma.CorrelationCondition{}, "x a0 | y b1", ""},
		{"temporal", 2, sigma.CorrelationCondition{Expr: and("and", "a", "!b")}, "x a0 | y a0 b0", "x@0"},
		{"temporal", 2, sigma.CorrelationCondition{Expr: and("and", "a", "!b")}, "x b0 a5 a20", "x@20"},
		{"temporal", 2, sigma.CorrelationCondition{Expr: and("or", "a", "b")}, "x b3", "x@3"},
		{"temporal", 3, sigma.CorrelationCondition{Expr: and("and", "a", "c")}, "x b0 a1 c2", "x@2"},
		// temporal_ordered: in the order of the rules.
		{"temporal_ordered", 2, sigma.CorrelationCondition{}, "x a0 b5", "x@5"},
		{"temporal_ordered", 2, sigma.CorrelationCondition{}, "x b0 a5", ""},
		{"temporal_ordered", 2, sigma.CorrelationCondition{}, "x b0 a5 b6", "x@6"},
		{"temporal_ordered", 2, sigma.CorrelationCondition{}, "x a5 b5", "x@5"},
		{"temporal_ordered", 3, sigma.CorrelationCondition{}, "x a0 c1 b2", ""},
		{"temporal_ordered", 3, sigma.CorrelationCondition{}, "x a0 c1 b2 c3", "x@3"},
		{"temporal_ordered", 3, sigma.CorrelationCondition{}, "x a0 b5 c10", "x@10"},
		{"temporal_ordered", 3, sigma.CorrelationCondition{}, "x a0 b5 c11", ""},
		{"temporal_ordered", 3, sigma.CorrelationCondition{}, "x a0 a4 b5 c11", "x@11"},
		{"temporal_ordered", 2, sigma.CorrelationCondition{}, "x a0 | y b1 | x b2", "x@2"},
		{"temporal_ordered", 3, sigma.CorrelationCondition{}, "x c7 b7 a7", "x@7"},
		// Numbers.
		{"value_sum", 1, gte(10), "x a0=4 a1=6", "x@1"},
		{"value_sum", 1, gte(10), "x a0=4 a11=6", ""},
		{"value_sum", 1, sigma.CorrelationCondition{LT: num(0)}, "x a0=4 a1=-6", "x@1"},
		{"value_avg", 1, sigma.CorrelationCondition{GT: num(5)}, "x a0=1 a1=9 a2=8", "x@2"},
		{"value_avg", 1, sigma.CorrelationCondition{GT: num(5)}, "x a0=5 a1=5", ""},
		{"value_median", 1, gte(5), "x a0=1 a1=9 a2=5", "x@1"},
		{"value_median", 1, gte(6), "x a0=1 a1=9 a2=5", ""},
		{"value_percentile", 1, sigma.CorrelationCondition{GTE: num(9), Percentile: 50}, "x a0=1 a1=9 a2=9", "x@2"},
		{"value_percentile", 1, sigma.CorrelationCondition{GTE: num(9), Percentile: 95}, "x a0=1 a1=2 a2=9", "x@2"},
		{"value_percentile", 1, sigma.CorrelationCondition{GTE: num(9), Percentile: 50}, "x a0=1 a1=2 a2=9", ""},
	} {
		cor := correlationOf(c.typ, c.slots, m, c.cond)
		hits := hitsOf(c.hits)
		got := run(cor, hits)
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("case %d, %s over %.60q: got %q, want %q", i, c.typ, c.hits, s, c.want)
		}
		if b := brute(cor, hits); !slices.Equal(b, got) {
			t.Errorf("case %d, %s over %.60q: brute force says %q", i, c.typ, c.hits, b)
		} else {
			equal++
		}
		cases++
	}
	t.Logf("%d of %d cases equal brute force", equal, cases)
}

// TestCorrelationsEqualBruteForce draws rules and hits at random, and hands the hits over in random order.
func TestCorrelationsEqualBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(22, 11))
	types := []string{"event_count", "value_count", "temporal", "temporal_ordered", "value_sum", "value_avg", "value_median", "value_percentile"}
	const rounds = 4000
	for n := range rounds {
		typ := types[n%len(types)]
		slots := 1 + rng.IntN(3)
		var q sigma.CorrelationCondition
		if !strings.HasPrefix(typ, "temporal") {
			bound := num(float64(rng.IntN(8)))
			fields := []**float64{&q.GT, &q.GTE, &q.LT, &q.LTE, &q.EQ, &q.NEQ}
			*fields[rng.IntN(len(fields))] = bound
			if rng.IntN(4) == 0 {
				q.LTE = num(*bound + 2)
			}
			q.Percentile = float64(rng.IntN(101))
		}
		c := correlationOf(typ, slots, time.Duration(1+rng.IntN(12))*time.Second, q)
		hits := make([]Hit, rng.IntN(40))
		for i := range hits {
			hits[i] = Hit{
				Group: string(rune('x' + rng.IntN(3))), Slot: rng.IntN(slots), Time: event.Time(rng.IntN(60)) * event.Time(time.Second),
				Value: strconv.Itoa(rng.IntN(6)), Ref: uint64(i),
			}
		}
		got := run(c, hits)
		if want := brute(c, hits); !reflect.DeepEqual(got, want) {
			t.Fatalf("round %d, %s %+v over %v: got %v, want %v", n, typ, q, hits, got, want)
		}
	}
	t.Logf("%d random rules equal brute force", rounds)
}

func TestCorrelationLeavesOutHitsWithoutGroup(t *testing.T) {
	r := &sigma.Rule{Correlation: &sigma.Correlation{
		Type: "event_count", GroupBy: []string{"who", "Computer"}, Rules: []string{"a", "b"},
		Aliases: map[string]map[string]string{"who": {"a": "User", "b": "TargetUserName"}},
	}}
	c := &Correlation{Rule: r, names: r.Correlation.Rules, Slots: []Ref{{0}, {1}}}
	get := func(m map[string]string) func(string) (string, bool) {
		return func(f string) (string, bool) { v, ok := m[f]; return v, ok }
	}
	a, ok := c.Group(0, get(map[string]string{"User": "ADM", "Computer": "S1"}))
	b, ok2 := c.Group(1, get(map[string]string{"TargetUserName": "adm", "Computer": "s1", "User": "other"}))
	if !ok || !ok2 || a != b {
		t.Errorf("aliases: %q %v, %q %v", a, ok, b, ok2)
	}
	if v := c.GroupValues(a); v["who"] != "adm" || v["Computer"] != "s1" {
		t.Errorf("taken apart: %v", v)
	}
	for _, m := range []map[string]string{{"Computer": "S1"}, {"User": "", "Computer": "S1"}} {
		if _, ok := c.Group(0, get(m)); ok {
			t.Errorf("%v belongs to no group", m)
		}
	}
	if got := c.Fields(1); !slices.Equal(got, []string{"TargetUserName", "Computer"}) {
		t.Errorf("fields of slot 1: %v", got)
	}
}

// TestCorrelationMemory runs a million groups through one correlation: only one may be held at a time.
func TestCorrelationMemory(t *testing.T) {
	c := correlationOf("event_count", 1, time.Minute, sigma.CorrelationCondition{GTE: num(3)})
	fired := 0
	var mem runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&mem)
	before, most := mem.HeapAlloc, uint64(0)
	c.Run(func(yield func(Hit) bool) {
		for g := range 1_000_000 {
			for i := range 3 {
				if !yield(Hit{Group: strconv.Itoa(g), Time: event.Time(i) * event.Time(time.Second), Ref: uint64(g)}) {
					return
				}
			}
			if g%100_000 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&mem)
				most = max(most, mem.HeapAlloc)
			}
		}
	}, func(Fired) { fired++ })
	if fired != 1_000_000 {
		t.Errorf("fired %d times", fired)
	}
	t.Logf("a million groups: %.1f MB more heap at most", float64(most-min(most, before))/1e6)
	if most > before+(8<<20) {
		t.Errorf("heap grew from %d to %d", before, most)
	}
}
