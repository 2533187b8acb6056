//go:build check

package check_test

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"wardround/internal/event"
	"wardround/internal/match"
	"wardround/internal/outside"
	"wardround/internal/sigma"
)

func parsed(t testing.TB) reading {
	says, ok := told(t, "sigma", "TestSigmaHQ")
	n := figures(t, says, `(\d+) files, (\d+) others, (\d+) rules`)
	return allOf(n[2], n[0]-n[1], 3754).and(ok, "in %s files, %g of them no rules", grouped(int64(n[0])), n[1])
}

// placeholder is why a rule for our logs may stay out: it asks for a list that only the estate knows.
var placeholder = regexp.MustCompile(`^placeholder "\w+" has no values`)

// compiled asks of each public rule for Windows, Linux and web servers that it compiles, and of each other one that its
// reason is given.
func compiled(t testing.TB) reading {
	files, problems := sigma.Read(os.DirFS(outside.Data(t, "sigma")), "sigma")
	set := sigma.Load(files, nil)
	for _, p := range slices.Concat(problems, set.Problems) {
		t.Error(p)
	}
	ours := func(r *sigma.Rule) bool {
		return r.LogSource.Product == "windows" || r.LogSource.Product == "linux" || r.LogSource.Category == "webserver"
	}
	want := 0
	for i := range set.Rules {
		if ours(&set.Rules[i]) {
			want++
		}
	}
	got, holders, others := want, 0, 0
	for _, u := range match.Compile(set.Rules).Unused {
		switch {
		case u.Why == "":
			t.Errorf("%s: no reason", u.Rule.Path)
		case !ours(u.Rule):
			others++
		case placeholder.MatchString(u.Why):
			holders++
		default:
			got--
			t.Errorf("%s: %s", u.Rule.Path, u.Why)
		}
	}
	return allOf(float64(got), float64(want), 3000).and(true, "%d of them wait for a placeholder file; %d for other logs are listed with the reason", holders, others)
}

func pySigma(t testing.TB) reading {
	says, ok := told(t, "sigma", "TestJudgeSigmaHQ")
	n := figures(t, says, `(\d+) of (\d+) rules have the tree`)
	return allOf(n[0], n[1], 3754).and(ok, "the same tree, leaf for leaf")
}

func regression(t testing.TB) reading {
	says, ok := told(t, "match", "TestRegression")
	n := figures(t, says, `(\d+) of (\d+) expected rules fire, (\d+) counts recounted by hand; different rules per recording: median (\d+), most (\d+)`)
	return allOf(n[0], n[1], 86).and(ok, "as often as stated, %g stated counts corrected by hand; different rules per recording: median %g, most %g", n[2], n[3], n[4])
}

func peers(t testing.TB) reading {
	says, ok := told(t, "match", "TestPeers")
	n := figures(t, says, `(\d+) of (\d+) rows on which three agree are found`)
	return allOf(n[0], n[1], 1146).and(ok, "every other difference stands in the table of the test")
}

var compared = regexp.MustCompile(`(\S+): (\d+) of (\d+) records compared, (\d+) hits, (\d+) differ`)

// plain runs every rule over every sample, compiled and as a plain walk.
func plain(t testing.TB) reading {
	says, ok := told(t, "match", "TestProgramEqualsPlain", "WARDROUND_FULL=1")
	all, differ, hits := 0, 0, 0
	for _, m := range compared.FindAllStringSubmatch(says, -1) {
		n, _ := strconv.Atoi(m[2])
		of, _ := strconv.Atoi(m[3])
		h, _ := strconv.Atoi(m[4])
		d, _ := strconv.Atoi(m[5])
		if n != of {
			t.Errorf("only %d of %d records of %s were compared", n, of, m[1])
		}
		all, differ, hits = all+n, differ+d, hits+h
	}
	return atMost(float64(differ), 0, "").and(ok && all > 100_000, "%s records × all rules, %s hits", grouped(int64(all)), grouped(int64(hits)))
}

func correlations(t testing.TB) reading {
	says, ok := told(t, "match", "TestCorrelations")
	n := figures(t, says, `(\d+) of (\d+) cases equal brute force`)
	more, okToo := told(t, "match", "TestCorrelationsEqualBruteForce")
	return allOf(n[0], n[1], 60).and(ok && okToo, "and %g rules with hits drawn at random", figures(t, more, `(\d+) random rules equal`)[0])
}

func correlationMemory(t testing.TB) reading {
	says, ok := told(t, "match", "TestCorrelationMemory")
	return atMost(figures(t, says, `a million groups: ([\d.]+) MB`)[0], 8, "MB").and(ok, "more heap than before")
}

// ordinary are logs of systems to which nothing happened.
var ordinary = []string{"artifacts/evtx/System.evtx", "artifacts/evtx/System2.evtx", "artifacts/loghub", "evtx/hard-cases"}

// falseAlarms examines ordinary logs with all rules: what is found must not weigh.
func falseAlarms(t testing.TB) reading {
	args := []string{"--rules", outside.Data(t, "sigma", "rules")}
	for _, o := range ordinary {
		args = append(args, outside.Data(t, o))
	}
	dir := examine(t, args...)
	events := uint64(0)
	for _, a := range artifacts(t, dir) {
		events += a.Records
	}
	grave := 0
	hits := map[string]int{}
	for _, f := range findings(t, dir) {
		hits[f.Rule.Title]++
		if f.Class == event.A || f.Class == event.B {
			t.Errorf("class %s: %q at %s in %s", f.Class, f.Rule.Title, f.Time, f.At[0].Path)
			grave++
		}
	}
	total := 0
	for _, n := range hits {
		total += n
	}
	most := slices.SortedFunc(maps.Keys(hits), func(a, b string) int { return cmp.Or(hits[b]-hits[a], strings.Compare(a, b)) })
	million := func(n int) string { return grouped(int64(n) * 1e6 / int64(max(events, 1))) }
	note := fmt.Sprintf("%s events; hits per million of all rules: %s", grouped(int64(events)), million(total))
	for _, title := range most[:min(2, len(most))] {
		note += fmt.Sprintf("; %q %s", title, million(hits[title]))
	}
	return atMost(float64(grave), 0, "").and(events > 15_000, "%s", note)
}
