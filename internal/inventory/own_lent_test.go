package inventory

import (
	"math"
	"math/rand/v2"
	"testing"

	"wardround/internal/event"
)

// lentPlainly looks at all periods each time.
func lentPlainly(list []period, at event.Time) (event.ServerID, bool) {
	one := func(fits func(period) bool) (id event.ServerID) {
		for _, p := range list {
			switch {
			case !fits(p):
			case id != "" && p.server != id:
				return ""
			default:
				id = p.server
			}
		}
		return id
	}
	if only := one(func(period) bool { return true }); only != "" {
		return only, true
	}
	if at == event.NoTime {
		return "", false
	}
	if during := one(func(p period) bool { return p.first <= at && at <= p.last }); during != "" {
		return during, true
	}
	last := event.NoTime
	for _, p := range list {
		if p.last < at {
			last = max(last, p.last)
		}
	}
	if last == event.NoTime || at.Sub(last) > leaseGap {
		return "", false
	}
	id := one(func(p period) bool { return p.last == last })
	return id, id != ""
}

func TestLentAsPlainly(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	answers := map[event.ServerID]int{}
	for range 5000 {
		unit := event.Time(1)
		if rng.IntN(3) == 0 {
			unit = event.Time(leaseGap) / 3
		}
		var list []period
		for range 1 + rng.IntN(6) {
			first := event.Time(rng.IntN(20)) * unit
			list = append(list, period{event.ServerID("abc"[rng.IntN(3):][:1]), first, first + event.Time(rng.IntN(8))*unit})
		}
		if rng.IntN(50) == 0 {
			list[0].last = math.MaxInt64
		}
		l := newLent(list)
		for i := range event.Time(60) {
			at := i*unit/2 - 3*unit
			if i == 0 {
				at = event.NoTime
			}
			got, ok := l.at(at)
			want, wantOK := lentPlainly(list, at)
			if got != want || ok != wantOK {
				t.Fatalf("%v at %d: got %q %t, want %q %t", list, at, got, ok, want, wantOK)
			}
			answers[got]++
		}
	}
	if len(answers) != 4 || answers[""] < 1000 {
		t.Errorf("answers %v: the test asks too little", answers)
	}
}
