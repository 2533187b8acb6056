package event

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestSpansEqualSorting: stretches are those of the instants put in order, joined where less than the gap lies between them.
func TestSpansEqualSorting(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		s := Spans{Gap: time.Duration(1 + random.IntN(40))}
		var all []Time
		for range random.IntN(60) {
			x := Time(random.IntN(1 + random.IntN(2000)))
			s.Add(x, 1)
			all = append(all, x)
		}
		slices.Sort(all)
		var want []Span
		for _, x := range all {
			if n := len(want); n > 0 && x < want[n-1].Last.Add(s.Gap) {
				want[n-1].Last, want[n-1].Count = x, want[n-1].Count+1
			} else {
				want = append(want, Span{x, x, 1})
			}
		}
		if !slices.Equal(s.List, want) {
			t.Fatalf("gap %d, %v: %v, sorted %v", s.Gap, all, s.List, want)
		}
	}
}
