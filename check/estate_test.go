//go:build check

package check_test

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"wardround/internal/event"
	"wardround/internal/outside"
)

// The bars of the exercise, each over hospitals that are made and examined once for all of them. WARDROUND_SEEDS says how
// many seeds (default 10 of aiims-like, 3 of each other scenario), WARDROUND_NOISE how much ordinary work (default real
// and small).

func noise(otherwise string) string { return cmp.Or(os.Getenv("WARDROUND_NOISE"), otherwise) }

var shown = map[string][]*hospital{}

// hospitals makes a list of them once; later bars get the same.
func hospitals(t testing.TB, name string, make func(yield func(*hospital))) []*hospital {
	t.Helper()
	if shown[name] == nil {
		var all []*hospital
		make(func(h *hospital) { all = append(all, h) })
		shown[name] = all
	}
	return shown[name]
}

// ten are the hospitals of the default scenario with the seeds 1 to 10.
func ten(t testing.TB) []*hospital {
	return hospitals(t, "ten", func(yield func(*hospital)) {
		for seed := range int(setting(t, "WARDROUND_SEEDS", 10)) {
			yield(hospitalOf(t, "aiims-like", seed+1, noise("real")))
		}
	})
}

// others are the scenarios with an intruder beside the default one, and the sample of few servers that tests use.
var others = []string{"keys-and-disks", "mail-theft", "night-shift", "open-desktop", "portal-lockbit", "supplier", "vpn-hypervisors"}

// variants are hospitals of the other scenarios. Their seeds begin with 101: lower ones are looked at in daily work.
func variants(t testing.TB) []*hospital {
	return hospitals(t, "variants", func(yield func(*hospital)) {
		for seed := range min(3, int(setting(t, "WARDROUND_SEEDS", 3))) {
			for _, scenario := range others {
				yield(hospitalOf(t, scenario, seed+101, noise("small")))
			}
		}
	})
}

// quiet is a hospital to which nobody came.
func quiet(t testing.TB) []*hospital {
	return hospitals(t, "quiet", func(yield func(*hospital)) { yield(hospitalOf(t, "quiet", 1, noise("real"))) })
}

// infiltrated counts the infiltrated servers of ten seeds that are told so. At most one of 120 may be only suspected.
func infiltratedTold(t testing.TB) reading {
	var c tally
	lower := 0
	for _, h := range ten(t) {
		for _, s := range h.truth.Servers {
			if s.Verdict != event.Infiltrated {
				continue
			}
			got := h.told(s.Server)
			c.add(got == event.Infiltrated, h, "%s is told %s", s.Server, got)
			if got != event.Infiltrated && got != event.Suspected {
				lower++
			}
		}
	}
	r := c.reading(1, fmt.Sprintf("%d told lower than suspected", lower))
	r.holds = r.holds && lower == 0
	return r
}

// falselyInfiltrated counts servers that are told infiltrated and are not, decoys among them.
func falselyInfiltrated(t testing.TB) reading {
	var c, suspected tally
	decoys := 0
	for _, h := range ten(t) {
		for _, s := range h.truth.Servers {
			if s.Decoy != nil {
				decoys++
			}
			if s.Verdict == event.Infiltrated {
				continue
			}
			got := h.told(s.Server)
			c.add(got != event.Infiltrated, h, "%s", h.why(s.Server))
			suspected.add(got != event.Suspected || s.Verdict == event.Suspected, h, "%s", h.why(s.Server))
		}
	}
	note := fmt.Sprintf("of %d, %d of them decoys; suspected without need %d", c.of, decoys, len(suspected.bad))
	return suspected.named(c.named(atMost(float64(len(c.bad)), 0, "").and(true, "%s", note)))
}

// decoysMisled counts decoys of which worse is told than is true.
func decoysMisled(t testing.TB) reading {
	var c tally
	for _, h := range ten(t) {
		for _, s := range h.truth.Servers {
			if got := h.told(s.Server); s.Decoy != nil {
				worse := got == event.Infiltrated && s.Verdict != event.Infiltrated || got == event.Suspected && s.Verdict != event.Infiltrated && s.Verdict != event.Suspected
				c.add(!worse, h, "%s (%s) is told %s", s.Server, *s.Decoy, got)
			}
		}
	}
	return c.named(atMost(float64(len(c.bad)), 0, "").and(c.of > 0, "of %d", c.of))
}

// decoysOf are the servers of ten seeds that the truth gives one decoy.
func decoysOf(t testing.TB, decoy string, judge func(h *hospital, v *event.Verdict, c *tally)) reading {
	var c tally
	for _, h := range ten(t) {
		for _, s := range h.truth.Servers {
			if v := h.verdict(s.Server); s.Decoy != nil && *s.Decoy == decoy && v != nil {
				judge(h, v, &c)
			}
		}
	}
	return c.reading(0, "")
}

func droppers(t testing.TB) reading {
	return decoysOf(t, "dropper copied by the software share, never run", func(h *hospital, v *event.Verdict, c *tally) {
		c.add(v.Verdict == event.Suspected, h, "%s is told %s", v.Server, v.Verdict)
	})
}

func affected(t testing.TB) reading {
	return decoysOf(t, "files encrypted from another server", func(h *hospital, v *event.Verdict, c *tally) {
		c.add(v.Verdict != event.Infiltrated && slices.Contains(v.Flags, "affected"), h, "%s is told %s with the flags %q", v.Server, v.Verdict, v.Flags)
	})
}

func patientZero(t testing.TB) reading {
	var c tally
	for _, h := range ten(t) {
		c.add(h.score.PatientZero != nil && *h.score.PatientZero, h, "another is named")
	}
	return c.reading(0, "")
}

func movements(t testing.TB) reading {
	var c tally
	found := 0
	for _, h := range ten(t) {
		s := &h.score.Hops
		found += s.Found
		for range s.Found + s.Unexplained {
			c.add(true, h, "")
		}
		for _, m := range s.Missed {
			c.add(false, h, "%s", m)
		}
	}
	return c.reading(0, fmt.Sprintf("%d found, %d declared unexplained", found, c.good-found))
}

// sinceHolds counts the intervals that hold the true time of the first access.
func sinceHolds(t testing.TB) reading {
	var c tally
	for _, h := range ten(t) {
		for range h.score.Since.Contained {
			c.add(true, h, "")
		}
		for _, server := range h.score.Since.Outside {
			v, first := h.verdict(server), event.NoTime
			for _, s := range h.truth.Servers {
				if s.Server == server && s.First != nil {
					first = *s.First
				}
			}
			if v == nil || v.Since == nil {
				c.add(false, h, "%s came at %s and nothing is said", server, first)
				continue
			}
			c.add(false, h, "%s came at %s, told %s to %s (%s)", server, first, v.Since.EarliestPossible, v.Since.FirstProven, v.Since.BoundedBy)
		}
	}
	return c.reading(1, "")
}

// sinceNarrow is the median width of the intervals that logs answer for.
func sinceNarrow(t testing.TB) reading {
	var widths []float64
	all := 0
	for _, h := range ten(t) {
		for _, s := range h.truth.Servers {
			v := h.verdict(s.Server)
			if s.Verdict != event.Infiltrated || v == nil || v.Verdict != event.Infiltrated || v.Since == nil {
				continue
			}
			if all++; v.Since.BoundedBy == "answered" {
				widths = append(widths, v.Since.FirstProven.Sub(v.Since.EarliestPossible).Minutes())
			}
		}
	}
	if len(widths) == 0 {
		t.Fatal("no interval is bounded by answered")
	}
	return atMost(median(widths), 10, "min").and(true, "%d of %d are bounded by answered", len(widths), all)
}

// cleared counts servers whose log was cleared and that are told clean all the same.
func cleared(t testing.TB) reading {
	var c tally
	for _, h := range ten(t) {
		for _, s := range h.truth.Servers {
			if slices.Contains(s.Flags, "evidence tampered") {
				c.add(h.told(s.Server) != event.NoEvidence, h, "%s", s.Server)
			}
		}
	}
	return c.named(atMost(float64(len(c.bad)), 0, "").and(c.of > 0, "of %d whose log was cleared", c.of))
}

func unlisted(t testing.TB) reading {
	var c tally
	for _, h := range ten(t) {
		for _, s := range h.truth.Servers {
			if !s.Listed {
				v := h.verdict(s.Server)
				c.add(v != nil && !v.Listed, h, "%s", s.Server)
			}
		}
	}
	return c.reading(0, "servers that only other servers' logs name")
}

func precision(t testing.TB) reading {
	all := variants(t)
	right, wrong, _ := infiltratedIn(all)
	var c tally
	for _, h := range all {
		for _, w := range h.score.Wrong {
			c.add(w.Told != string(event.Infiltrated), h, "%s is %s", w.Server, w.Truth)
		}
	}
	return c.named(atLeast(float64(right)/float64(max(right+wrong, 1)), 1, "").and(right > 0, "%d right, %d wrong in %d hospitals, noise %s", right, wrong, len(all), noise("small")))
}

func recall(t testing.TB) reading {
	all := variants(t)
	right, _, missed := infiltratedIn(all)
	var c tally
	for _, h := range all {
		for _, w := range h.score.Wrong {
			c.add(w.Truth != string(event.Infiltrated), h, "%s is told %s", w.Server, w.Told)
		}
	}
	return c.named(atLeast(float64(right)/float64(max(right+missed, 1)), 0.97, "").and(right > 0, "%d of %d in %d hospitals, noise %s", right, right+missed, len(all), noise("small")))
}

// variantsStory is what else is true of the variants; no limit was promised for it.
func variantsStory(t testing.TB) reading {
	var zero, hops, since tally
	for _, h := range variants(t) {
		zero.add(h.score.PatientZero != nil && *h.score.PatientZero, h, "patient zero")
		hops.of, hops.good = hops.of+h.score.Hops.Planted, hops.good+h.score.Hops.Found+h.score.Hops.Unexplained
		for _, m := range h.score.Hops.Missed {
			hops.bad = append(hops.bad, h.name+": "+m)
		}
		since.of, since.good = since.of+h.score.Since.Judged, since.good+h.score.Since.Contained
		for _, s := range h.score.Since.Outside {
			since.bad = append(since.bad, h.name+": since of "+s)
		}
	}
	r := zero.reading(0, fmt.Sprintf("movements found or unexplained %d of %d; since holds %d of %d", hops.good, hops.of, since.good, since.of))
	r = since.named(hops.named(r))
	r.holds = r.holds && enough(hops) && enough(since)
	return r
}

// enough reports that of movements and intervals as much is right as is asked of servers.
func enough(c tally) bool { return float64(c.good) >= 0.97*float64(c.of) }

// quietInfiltrated counts servers of the hospital to which nobody came that are told infiltrated.
func quietInfiltrated(t testing.TB) reading { return quietTold(t, event.Infiltrated, 0) }

func quietSuspected(t testing.TB) reading { return quietTold(t, event.Suspected, 1) }

func quietTold(t testing.TB, j event.Judgement, limit float64) reading {
	var c tally
	for _, h := range quiet(t) {
		for _, s := range h.truth.Servers {
			c.add(h.told(s.Server) != j, h, "%s", h.why(s.Server))
		}
	}
	return c.named(atMost(float64(len(c.bad)), limit, "").and(c.of >= 100, "of %d servers, noise %s", c.of, noise("real")))
}

// quietHits is how often the rules hit where nobody came; by rule in docs/design/rules.md.
func quietHits(t testing.TB) reading {
	h := quiet(t)[0]
	type row struct {
		rule event.Rule
		h    *hits
	}
	var rows []row
	total, grave := 0, 0
	for rule, n := range h.hits {
		total += n.n
		if n.class == event.A || n.class == event.B {
			grave += n.n
		}
		rows = append(rows, row{n.rule, h.hits[rule]})
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.h.class, b.h.class), cmp.Compare(b.h.n, a.h.n), cmp.Compare(a.rule.ID, b.rule.ID))
	})
	million := func(n int) float64 { return float64(n) * 1e6 / float64(h.events) }
	var table strings.Builder
	fmt.Fprintf(&table, "| Class | Rule | Hits | Per million events | Servers |\n|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&table, "| %s | %s | %s | %.2f | %d |\n", r.h.class, r.rule.Title, grouped(int64(r.h.n)), million(r.h.n), len(r.h.servers))
	}
	fmt.Printf("%s", table.String())
	return atMost(million(grave), 20, "of class A or B").and(h.events > 0, "per million of %s events; %.1f of all rules, %d rules", grouped(int64(h.events)), million(total), len(rows))
}

// hundred is the first of the ten: what an examination of a hundred servers costs.
func hundred(t testing.TB) *hospital {
	return hospitals(t, "hundred", func(yield func(*hospital)) {
		if ten := shown["ten"]; ten != nil {
			yield(ten[0])
			return
		}
		yield(hospitalOf(t, "aiims-like", 1, noise("real")))
	})[0]
}

func hundredTime(t testing.TB) reading {
	h := hundred(t)
	return atMost((h.made.wall+h.examined.wall).Minutes(), 10, "min").and(true, "made in %.1f, examined and reported in %.1f; noise %s; %d MB at most", h.made.wall.Minutes(), h.examined.wall.Minutes(), noise("real"), h.examined.peak/1e6)
}

func hundredPage(t testing.TB) reading {
	return atMost(float64(len(hundred(t).page))/1e6, 5, "MB")
}

// hundredOpens is how long Chromium takes to open the page: the middle of five times.
func hundredOpens(t testing.TB) reading {
	modules, chromium := filepath.Join(outside.Node(t), "node_modules"), outside.Chromium(t)
	page := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(page, hundred(t).page, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := tool(t, nil, "node", filepath.Join("check", "testdata", "open.mjs"), modules, chromium, page, "5")
	if err != nil {
		t.Fatalf("open the page: %v\n%s", err, out)
	}
	var took []float64
	for _, f := range strings.Fields(out) {
		s, err := strconv.ParseFloat(f, 64)
		if err != nil {
			t.Fatal(out)
		}
		took = append(took, s)
	}
	return atMost(median(took), 2, "s").and(len(took) == 5, "between %.1f and %.1f in five times", slices.Min(took), slices.Max(took))
}

// newcomer is make run: what someone sees who has built it.
func newcomer(t testing.TB) reading {
	built(t)
	c := spend(t, nil, "make", "-C", outside.Root(t), "run")
	var s struct{ Servers []event.Verdict }
	decode(t, filepath.Join(outside.Root(t), "bin", "demo", "case", "verdicts.json"), &s)
	return atMost(c.wall.Minutes(), 3, "min").and(len(s.Servers) >= 100, "of wall; %d servers", len(s.Servers))
}

var castServer = regexp.MustCompile(`(?m)^  - \{key: ([A-Z0-9-]+), (.*)\}$`)

// skewed writes a scenario in which the clock of every third server is ten minutes ahead, or behind, by turns. The domain
// controllers' clocks are right: what they are not is a matter of whom the others agree with.
func skewed(t testing.TB, scenario string) (file string, off map[string]time.Duration) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(outside.Root(t), "internal", "exercise", "scenarios", scenario+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	off = map[string]time.Duration{}
	n := 0
	out := castServer.ReplaceAllStringFunc(string(text), func(line string) string {
		m := castServer.FindStringSubmatch(line)
		if strings.Contains(line, "domain-controller") || strings.Contains(line, "roles:") {
			return line
		}
		rest := regexp.MustCompile(`, clock: [^,}]+`).ReplaceAllString(m[2], "")
		if n++; n%3 == 1 {
			by := 10 * time.Minute
			if n%2 == 0 {
				by = -by
			}
			off["EX-"+m[1]] = by
			rest += fmt.Sprintf(", clock: %s", strings.TrimSuffix(by.String(), "0s"))
		}
		return fmt.Sprintf("  - {key: %s, %s}", m[1], rest)
	})
	file = filepath.Join(t.TempDir(), scenario+".yaml")
	if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, off
}

// clockOrder makes the default scenario with clocks off by ten minutes on a third of its servers, and counts the pairs of
// movements that are told in the wrong order.
func clockOrder(t testing.TB) reading {
	file, off := skewed(t, "aiims-like")
	var c, servers tally
	var estimated tally
	found := 0
	for seed := range min(3, int(setting(t, "WARDROUND_SEEDS", 3))) {
		h := hospitalOf(t, file, seed+1, noise("small"))
		var told, truth []event.Time
		var names []string
		for _, hop := range h.truth.Hops {
			best := event.NoTime
			for _, e := range h.story.Edges {
				if e.From != nil && strings.EqualFold(*e.From, hop.From) && strings.EqualFold(string(e.To), hop.To) && (best == event.NoTime || e.Time.Sub(hop.Time).Abs() < best.Sub(hop.Time).Abs()) {
					best = e.Time
				}
			}
			if best != event.NoTime && best.Sub(hop.Time).Abs() < 25*time.Minute {
				told, truth, names = append(told, best), append(truth, hop.Time), append(names, hop.From+" → "+hop.To)
			}
		}
		found += len(told)
		for i := range told {
			for k := range i {
				c.add((told[i] < told[k]) == (truth[i] < truth[k]), h, "%s and %s", names[k], names[i])
			}
		}
		for _, s := range h.truth.Servers {
			if s.Verdict == event.Infiltrated {
				servers.add(h.told(s.Server) == event.Infiltrated, h, "%s is told %s", s.Server, h.told(s.Server))
			}
		}
		for _, x := range h.story.Clocks {
			if by, ok := off[string(x.Server)]; ok {
				estimated.add(math.Abs(x.OffsetSeconds-by.Seconds()) < 5, h, "%s by %.0f s", x.Server, x.OffsetSeconds)
			}
		}
	}
	note := fmt.Sprintf("of %d pairs of %d movements; %d clocks off, %d estimated rightly; %d of %d infiltrated told so", c.of, found, len(off), estimated.good, servers.good, servers.of)
	return estimated.named(servers.named(c.named(atMost(float64(len(c.bad)), 0, "").and(c.of > 30, "%s", note))))
}
