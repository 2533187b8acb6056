package match

import (
	"math/rand/v2"
	"regexp"
	"testing"

	"wardround/internal/sigma"
)

// TestLongLines holds the question for a length against the expression that it stands for.
func TestLongLines(t *testing.T) {
	for expression, length := range map[string]int{`.{5,}`: 5, `.{0,}`: 0, `.{5}`: 0, `.{5,9}`: 0, `(?s).{5,}`: 0, `^.{5,}`: 0, `[a-z]{5,}`: 0, `.`: 1, `.+`: 1, `.*`: 0, `(?s).`: 0} {
		a, err := newAtom(0, &sigma.Leaf{Op: sigma.Matches, Regexp: expression})
		if err != nil {
			t.Fatal(err)
		}
		if a.length != length {
			t.Errorf("%s asks for %d, not %d", expression, a.length, length)
		}
		re, r := regexp.MustCompile(expression), rand.New(rand.NewPCG(1, 2))
		pieces := []string{"a", "é", "\n", "\xff", "€", "\r", "\xe2\x82", "bcd"}
		for range 2000 {
			var text []byte
			for range r.IntN(9) {
				text = append(text, pieces[r.IntN(len(pieces))]...)
			}
			if got := a.holds(text, text); got != re.Match(text) {
				t.Fatalf("%s on %q: %v", expression, text, got)
			}
		}
	}
}
