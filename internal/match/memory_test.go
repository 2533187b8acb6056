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
	m := &s2.memory
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
		want, got := s.match(plans[which], &r, nil), p.Match(plans[which], &r, &s2, nil)
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

// TestMemoryOfMadeValues: values that are made of others are looked through each time.
func TestMemoryOfMadeValues(t *testing.T) {
	p := programOf(t, `title: a
logsource: {category: firewall}
detection: {s: {blocked: 'true'}, n: {dst_port: '22'}, condition: s and n}
---
title: b
logsource: {category: firewall}
detection: {s: {action: denied}, n: {blocked: ''}, condition: s or n}
---
title: c
logsource: {category: firewall}
detection: {s: {action|contains: [accept, forw]}, n: {src_ip|cidr: 10.0.0.0/8}, condition: s and n}
`)
	schema := event.TextSchema(event.Source{Product: "network", Channel: "firewall"}, "action", "blocked", "src_ip", "dst_port")
	plan := p.Plan(schema)
	made := 0
	for i := range plan.columns {
		if plan.columns[i].derived != nil {
			made++
		}
	}
	if made == 0 {
		t.Fatal("no value is made of others")
	}
	random := rand.New(rand.NewPCG(11, 12))
	words := []string{"", "deny", "Deny", "denied", "drop", "accept", "accepted", "forward", "block", "true", "false", "1", "reset-both"}
	var s, s2 Scratch
	hits := 0
	for n := range 20_000 {
		r := event.Record{Schema: schema, Slots: make([]event.Value, 4)}
		for i := range 2 {
			if random.IntN(3) > 0 {
				r.Slots[i] = event.Text(words[random.IntN(len(words))])
			}
		}
		r.Slots[2] = event.Text(fmt.Sprintf("%d.0.0.%d", 9+random.IntN(3), random.IntN(300)))
		r.Slots[3] = event.Value{Type: event.Number, Raw: fmt.Append(nil, 20+random.IntN(4))}
		want, got := s.match(plan, &r, nil), p.Match(plan, &r, &s2, nil)
		if !slices.Equal(got, want) {
			t.Fatalf("record %d, %q: %v, by memory %v", n, r.Slots, want, got)
		}
		hits += len(want)
	}
	if hits == 0 {
		t.Error("no rule held")
	}
}
