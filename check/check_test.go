//go:build check

// Package check_test measures the bars that Wardround promises to hold: what it reads, what it finds, what it costs. Each
// bar is one function in a file of its subject. TestBars runs them one after the other, so that none slows another, and
// prints a line each; TestSpeed prints the table of make bench.
package check_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// bar is one promise.
type bar struct {
	name    string
	measure func(t testing.TB) reading
}

// reading is what a bar shows: a figure against a limit, both with their unit, and what a reader must know beside them.
type reading struct {
	figure, limit string
	holds         bool
	note          string
}

// bars are all of them, in the order in which they are printed. Add a bar here and its function beside its like.
var bars = []bar{
	{"binary size", binarySize},
	{"build from an empty cache", buildTime},
	{"platforms that build", platforms},
	{"rules of the house that are broken", house},
	{"make build and make run, clean clone", firstRun},
	{"make test, clean clone", testTime},
	{"commands of the README that exist", readme},
	{"kinds of reader without a fuzz test", fuzzed},

	{"event logs: files lost", filesLost},
	{"event logs: files, records as two parsers", counts},
	{"event logs: records equal, field by field", records},
	{"damaged event logs: untouched records lost", damaged},
	{"OTRF: recordings whose hosts come apart", hosts},

	{"Sigma: rules that parse", parsed},
	{"Sigma: rules for our logs that compile", compiled},
	{"Sigma: rules on which pySigma agrees", pySigma},
	{"Sigma: regression rules that fire", regression},
	{"peers: rows of all three that are found", peers},
	{"compiled and plain: records that differ", plain},
	{"correlation: cases equal to brute force", correlations},
	{"correlation: memory at a million groups", correlationMemory},
	{"false alarms of class A or B", falseAlarms},

	{"page: serious findings of axe", accessible},
	{"page: size with 100 servers", pageSize},
	{"same bytes: files that differ", sameBytes},
	{"hostile evidence: faults", hostile},
	{"secrets outside findings.jsonl", secrets},

	{"exercise: logs, records as two parsers", exerciseCounts},
	{"exercise: logs, fields as two parsers", exerciseFields},
	{"exercise: Sigma hits unlike another engine", anotherEngine},
	{"exercise: hits of peers on recordings", peersOnExercise},
	{"exercise: results that the open mark changes", unmarked},
	{"open recordings: movement drawn", openRecordings},
	{"make run", newcomer},
	{"ten seeds: infiltrated, told so", infiltratedTold},
	{"ten seeds: wrongly infiltrated", falselyInfiltrated},
	{"ten seeds: decoys misled", decoysMisled},
	{"ten seeds: droppers, suspected", droppers},
	{"ten seeds: affected from afar, not more", affected},
	{"ten seeds: logs cleared and told clean", cleared},
	{"ten seeds: unlisted servers shown", unlisted},
	{"ten seeds: patient zero", patientZero},
	{"ten seeds: movements told", movements},
	{"ten seeds: since holds the truth", sinceHolds},
	{"ten seeds: since, median where answered", sinceNarrow},
	{"variants: precision of infiltrated", precision},
	{"variants: recall of infiltrated", recall},
	{"variants: patient zero and movements", variantsStory},
	{"attack-free: infiltrated", quietInfiltrated},
	{"attack-free: suspected", quietSuspected},
	{"attack-free: hits", quietHits},
	{"clocks off by ±10 min: hops out of order", clockOrder},
	{"one server removed: unexplained changes", removedServers},
	{"evidence removed: infiltrated told clean", removedSlices},
	{"damage with a past: recall", damageBar("recall-known", .998, true)},
	{"damage with a past: false alarms", damageBar("false-known", .003, false)},
	{"damage, kinds not learned: recall", damageBar("recall-unseen", .98, true)},
	{"damage, kinds not learned: false alarms", damageBar("false-unseen", .01, false)},
	{"damage: wrong among proven", damageBar("wrong-proven", .0005, false)},
	{"damage without a past: recall", damageBar("recall-alone", .95, true)},
	{"damage without a past: false alarms", damageBar("false-alone", .005, false)},
	{"damage without a past: types above .005 false alarms", damageBar("false-alone-types", .05, false)},
	{"renamed, with a past: told so", damageBar("renamed-past", .998, true)},
	{"renamed, without a past: called damaged", damageBar("renamed-alone-hurt", .01, false)},
	{"a lawful extension added: called damaged or renamed", damageBar("renamed-lawful", .005, false)},
	{"encrypted by right, told unknown", damageBar("honest-alone", .99, true)},
	{"damage: CPU beside SHA-256", damageCost},
	{"ten seeds: damage, by whom and whence", damageTold},

	{"100 servers: made, examined, reported", hundredTime},
	{"100 servers: size of the page", hundredPage},
	{"100 servers: opens in Chromium", hundredOpens},

	{"peak memory on 2 GB", func(t testing.TB) reading { return peakMemory(t, 2e9) }},
	{"peak memory on 8 GB", func(t testing.TB) reading { return peakMemory(t, 8e9) }},
}

func atMost(figure, limit float64, unit string) reading {
	return reading{figure: amount(figure, unit), limit: "≤ " + amount(limit, unit), holds: figure <= limit}
}

func atLeast(figure, limit float64, unit string) reading {
	return reading{figure: amount(figure, unit), limit: "≥ " + amount(limit, unit), holds: figure >= limit}
}

// allOf is a figure that must be all there are, and at least as many as least: a bar that is shown half of the data does
// not hold.
func allOf(figure, all, least float64) reading {
	return reading{figure: amount(figure, "of "+amount(all, "")), limit: "all, ≥ " + amount(least, ""), holds: figure == all && all >= least}
}

// and adds a condition, and what a reader must know.
func (r reading) and(holds bool, format string, args ...any) reading {
	r.holds = r.holds && holds
	r.note = fmt.Sprintf(format, args...)
	return r
}

func amount(n float64, unit string) string {
	s := fmt.Sprintf("%.2f", n)
	if n == float64(int64(n)) {
		s = grouped(int64(n))
	}
	return strings.TrimSpace(s + " " + unit)
}

// grouped writes 1234567 as 1,234,567.
func grouped(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// TestBars prints one line for each bar and fails if one does not hold. BAR=part of a name measures only those.
func TestBars(t *testing.T) {
	var held, broken, absent int
	for _, b := range append(bars, patientBars...) {
		if !strings.Contains(b.name, os.Getenv("BAR")) {
			continue
		}
		begin := time.Now()
		r, why := take(t, b)
		word := "holds"
		switch {
		case why != "":
			word, r = "absent", reading{note: why}
			absent++
		case r.holds:
			held++
		default:
			word = "BROKEN"
			broken++
			t.Fail()
		}
		line := fmt.Sprintf("%-7s %-43s %18s   %-13s %6.1f s   %s", word, b.name, r.figure, r.limit, time.Since(begin).Seconds(), r.note)
		fmt.Println(strings.TrimSpace(line))
	}
	fmt.Printf("%d bars hold, %d are broken, %d could not be measured\n", held, broken, absent)
}

// take measures a bar. why is not empty when it could not be measured: nothing is broken then, and nothing holds.
func take(t *testing.T, b bar) (r reading, why string) {
	ok := t.Run(b.name, func(t *testing.T) {
		if r = b.measure(asked{t, &why}); !r.holds {
			t.Fail() // so that what was logged is shown
		}
	})
	r.holds = r.holds && ok
	return r, why
}

// asked is a test that keeps the reason for which it is skipped.
type asked struct {
	testing.TB
	why *string
}

func (a asked) Skip(args ...any) {
	a.Helper()
	a.Skipf("%s", strings.TrimSuffix(fmt.Sprintln(args...), "\n"))
}

func (a asked) Skipf(format string, args ...any) {
	a.Helper()
	*a.why = fmt.Sprintf(format, args...)
	a.TB.SkipNow()
}
