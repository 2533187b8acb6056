//go:build check

package damage

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
)

// share with its interval of 95 % by bootstrap over files.
type rate struct {
	n, hits, low, high float64
}

func rateOf(list []scored, hit func(*scored) bool) rate {
	by := map[string][2]float64{}
	var r rate
	for i := range list {
		c := by[list[i].of]
		c[1]++
		r.n++
		if hit(&list[i]) {
			c[0]++
			r.hits++
		}
		by[list[i].of] = c
	}
	files := make([][2]float64, 0, len(by))
	for _, k := range slices.Sorted(maps.Keys(by)) {
		files = append(files, by[k])
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var draws []float64
	for range 1000 {
		var a, b float64
		for range files {
			f := files[rng.IntN(len(files))]
			a, b = a+f[0], b+f[1]
		}
		draws = append(draws, a/max(b, 1))
	}
	slices.Sort(draws)
	if len(draws) > 0 {
		r.low, r.high = draws[25], draws[974]
	}
	return r
}

func (r rate) String() string {
	return fmt.Sprintf("%.5f %.5f %.5f %.0f", r.hits/max(r.n, 1), r.low, r.high, r.n)
}

func keep(list []scored, ok func(*scored) bool) (out []scored) {
	for i := range list {
		if ok(&list[i]) {
			out = append(out, list[i])
		}
	}
	return out
}

func hurtOf(s *scored) bool { return s.got.state.Hurt() }

// printBars writes `damage-bar NAME SHARE LOW HIGH N` for each bar, and with WARDROUND_DAMAGE_TABLE the tables of the design page.
func printBars(all []scored) {
	bar := func(name string, list []scored, hit func(*scored) bool) {
		fmt.Printf("damage-bar %s %s\n", name, rateOf(list, hit))
	}
	past := keep(all, func(s *scored) bool { return s.past && !s.honest })
	pick := func(list []scored, damaged, unseen bool) []scored {
		return keep(list, func(s *scored) bool { return s.damaged == damaged && s.unseen == unseen })
	}
	bar("recall-known", pick(past, true, false), hurtOf)
	bar("false-known", pick(past, false, false), hurtOf)
	bar("recall-unseen", pick(past, true, true), hurtOf)
	bar("false-unseen", pick(past, false, true), hurtOf)
	bar("wrong-proven", keep(all, func(s *scored) bool { return s.got.confidence == Proven }), func(s *scored) bool { return hurtOf(s) != s.damaged })
	bar("hurt-proven", keep(past, func(s *scored) bool { return s.damaged }), func(s *scored) bool { return s.got.confidence == Proven && hurtOf(s) })
	bar("honest-with-past", keep(all, func(s *scored) bool { return s.past && s.honest && !s.damaged }), hurtOf)
	bare := keep(all, func(s *scored) bool { return !s.past && !s.honest })
	bar("recall-alone", keep(bare, func(s *scored) bool { return s.damaged }), hurtOf)
	bar("false-alone", keep(bare, func(s *scored) bool { return !s.damaged }), hurtOf)
	bar("honest-alone", keep(all, func(s *scored) bool { return !s.past && s.honest }), func(s *scored) bool { return s.got.state == Unknown })
	printTypesAlone(bare)
	if os.Getenv("WARDROUND_DAMAGE_TABLE") == "" {
		return
	}
	for _, at := range []float64{.1, .2, .3, .5, .7, .8, .9, .95, .97, .99} {
		over := func(s *scored) bool { return s.odds >= at }
		fmt.Printf("odds %.2f pair: recall %s false %s; unseen %s %s; alone: recall %s false %s\n", at, rateOf(pick(past, true, false), over), rateOf(pick(past, false, false), over),
			rateOf(pick(past, true, true), over), rateOf(pick(past, false, true), over), rateOf(keep(bare, func(s *scored) bool { return s.damaged }), over), rateOf(keep(bare, func(s *scored) bool { return !s.damaged }), over))
	}
	table("what", past, func(s *scored) string { return s.what })
	table("type", past, func(s *scored) string { return s.ext })
	table("alone: what", bare, func(s *scored) string { return s.what })
	table("alone: type", bare, func(s *scored) string { return s.ext })
	for i := range all {
		s := &all[i]
		if (hurtOf(s) != s.damaged && s.past || hurtOf(s) && !s.damaged) && !(s.honest && s.damaged) {
			fmt.Printf("miss %s %q past=%v damaged=%v %.3f %s %s %q\n", s.ext, s.what, s.past, s.damaged, s.odds, s.got.state, s.got.confidence, s.got.reasons)
			fmt.Printf("     %s\n", s.of)
		}
	}
}

func table(name string, list []scored, by func(*scored) string) {
	groups := map[string][]scored{}
	for _, s := range list {
		groups[by(&s)] = append(groups[by(&s)], s)
	}
	for _, k := range slices.Sorted(maps.Keys(groups)) {
		var n, hit, clean, alarm int
		for i := range groups[k] {
			s := &groups[k][i]
			switch {
			case s.damaged:
				n++
				if hurtOf(s) {
					hit++
				}
			default:
				clean++
				if hurtOf(s) {
					alarm++
				}
			}
		}
		fmt.Printf("table %s | %s | %d of %d | %d of %d\n", name, k, hit, n, alarm, clean)
	}
}
