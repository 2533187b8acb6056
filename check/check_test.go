//go:build check

// Package check_test measures the bars that Wardround promises to hold: size, speed, memory. Each bar is one function
// in a file of its subject; TestBars runs them one after the other, so that none slows another, and prints a line each.
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
	measure func(t *testing.T) reading
}

// reading is what a bar shows: a figure against a limit, both with their unit, or why it could not be taken.
type reading struct {
	figure, limit string
	holds         bool
	missing       string
}

// bars are all of them, in the order in which they are printed. Add a bar here and its function beside its like.
var bars = []bar{
	{"binary size", binarySize},
	{"build from an empty cache", buildTime},
	{"platforms that build", platforms},
	{"rules of the house that are broken", house},
}

func atMost(figure, limit float64, unit string) reading {
	return reading{figure: amount(figure, unit), limit: "≤ " + amount(limit, unit), holds: figure <= limit}
}

func atLeast(figure, limit float64, unit string) reading {
	return reading{figure: amount(figure, unit), limit: "≥ " + amount(limit, unit), holds: figure >= limit}
}

// missing says that a bar could not be measured, and why. It does not hold then, but nothing is broken.
func missing(format string, args ...any) reading {
	return reading{missing: fmt.Sprintf(format, args...)}
}

func amount(n float64, unit string) string {
	return strings.TrimSpace(strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", n), "0"), ".") + " " + unit)
}

// TestBars prints one line for each bar and fails if one does not hold. BAR=part of a name measures only those.
func TestBars(t *testing.T) {
	var held, broken, absent int
	for _, b := range bars {
		if !strings.Contains(b.name, os.Getenv("BAR")) {
			continue
		}
		begin := time.Now()
		r := b.measure(t)
		word, figure, limit := "holds", r.figure, r.limit
		switch {
		case r.missing != "":
			word, figure = "absent", r.missing
			absent++
		case r.holds:
			held++
		default:
			word = "BROKEN"
			broken++
			t.Fail()
		}
		fmt.Printf("%-7s %-40s %14s   %-14s %5.1f s\n", word, b.name, figure, limit, time.Since(begin).Seconds())
	}
	fmt.Printf("%d bars hold, %d are broken, %d could not be measured\n", held, broken, absent)
}
