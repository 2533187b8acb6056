//go:build check

package check_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var skipped = regexp.MustCompile(`(?m)_test\.go:\d+: (.*)\n(?:.*\n){0,3}?\s*--- SKIP`)

// told runs a test of a room as go test does and returns what it says, and whether it passed. A bar whose test skips, or
// a part of it, is absent for the same reason.
func told(t testing.TB, room, test string, env ...string) (says string, passed bool) {
	t.Helper()
	says, err := tool(t, env, "go", "test", "-count=1", "-v", "-timeout", "3h", "-run", "^"+test+"$", "./internal/"+room)
	if m := skipped.FindStringSubmatch(says); m != nil {
		t.Skip(m[1])
	}
	if err != nil {
		t.Logf("%s of %s: %v\n%s", test, room, err, tail(says, 4000))
	}
	return says, err == nil
}

// figures are the numbers that a pattern's groups find in what a test says.
func figures(t testing.TB, says, pattern string) []float64 {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(says)
	if m == nil {
		t.Fatalf("no figure like %q in:\n%s", pattern, tail(says, 4000))
	}
	var out []float64
	for _, g := range m[1:] {
		n, err := strconv.ParseFloat(strings.ReplaceAll(g, ",", ""), 64)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, n)
	}
	return out
}

func tail(s string, n int) string {
	return s[max(0, len(s)-n):]
}
