package match

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"wardround/internal/event"
)

// TestMemoryForgets: values that come again, values that never do, values too long to be remembered and combinations beyond all bounds
// are answered as a Scratch answers that has no memory.
func TestMemoryForgets(t *testing.T) {
	rules := ""
	for i := range 40 { // each wakes on a text of its own: 2^40 sets
		rules += fmt.Sprintf("title: t%d\nlogsource: {product: linux}\ndetection: {s: {one|contains: word%02d}, n: {two|re: '%d$'}, condition: s and n}\n---\n", i, i, i%10)
	}
	rules += "title: z\nlogsource: {product: linux}\ndetection: {s: {three: null}, n: {four|gte: 500}, condition: s and n}\n"
	p := programOf(t, rules)
	plans := []*Plan{}
	schemas := []*event.Schema{}
	for _, channel := range []string{"syslog", "auth"} {
		s := event.TextSchema(event.Source{Product: "linux", Channel: channel}, "one", "two", "three", "four")
		schemas, plans = append(schemas, s), append(plans, p.Plan(s))
	}
	random := rand.New(rand.NewPCG(1, 2))
	var s, s2 Scratch
	var m Memory
	hits, forgotten := 0, 0
	for n := range 200_000 {
		which := random.IntN(2)
		r := event.Record{Schema: schemas[which], Slots: make([]event.Value, 4)}
		one := ""
		for range random.IntN(4) {
			one += fmt.Sprintf("word%02d ", random.IntN(40))
		}
		if random.IntN(50) == 0 {
			one += fmt.Sprintf("%300d", n)
		}
		r.Slots[0] = event.Text(one)
		r.Slots[1] = event.Text(fmt.Sprint(n / (1 + n/50_000*100))) // never twice, later often
		if random.IntN(3) > 0 {
			r.Slots[2] = event.Text("x")
		}
		r.Slots[3] = event.Value{Type: event.Number, Raw: fmt.Append(nil, random.IntN(1000))}
		before := m.plans
		want, got := p.Match(plans[which], &r, &s, nil), m.Match(p, plans[which], &r, &s2, nil)
		if !slices.Equal(got, want) {
			t.Fatalf("record %d, %q: %v, by memory %v", n, r.Slots, want, got)
		}
		hits += len(want)
		if before != nil && len(before) > len(m.plans) {
			forgotten++
		}
		if m.room > 2*memoryRoom+1<<20 {
			t.Fatalf("%d bytes remembered", m.room)
		}
	}
	if hits == 0 || forgotten == 0 {
		t.Errorf("%d hits, forgotten %d times", hits, forgotten)
	}
}
