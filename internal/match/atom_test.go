package match

import (
	"math/rand/v2"
	"net/netip"
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

// TestKeys: questions that differ in anything but their field are atoms of their own.
func TestKeys(t *testing.T) {
	text := func(parts ...sigma.Part) sigma.Pattern { return parts }
	leaves := []sigma.Leaf{
		{Pattern: text(sigma.Part{Text: "a"})}, {Pattern: text(sigma.Part{Text: "b"})}, {Pattern: text(sigma.Part{Text: "a"}), Cased: true}, {},
		{Pattern: text(sigma.Part{Wild: sigma.Many}, sigma.Part{Text: "a"})}, {Pattern: text(sigma.Part{Wild: sigma.One}, sigma.Part{Text: "a"})},
		{Pattern: text(sigma.Part{Text: "a\x00\x01\x01b"})}, {Pattern: text(sigma.Part{Text: "a"}, sigma.Part{Wild: sigma.One}, sigma.Part{Text: "b"})},
		{Op: sigma.Matches, Regexp: "a"}, {Op: sigma.Matches, Regexp: "b"}, {Op: sigma.Exists}, {Op: sigma.Exists, Want: true},
		{Op: sigma.Less, Number: 1}, {Op: sigma.Less, Number: 2}, {Op: sigma.LessEqual, Number: 1},
		{Op: sigma.SameAs, Ref: "x"}, {Op: sigma.SameAs, Ref: "y"}, {Op: sigma.SameAs, Ref: "x", Shape: sigma.Infix}, {Op: sigma.SameAs, Ref: "x", Cased: true},
		{Op: sigma.TimeIs, Part: sigma.Hour, Number: 1}, {Op: sigma.TimeIs, Part: sigma.Day, Number: 1},
		{Op: sigma.InNetwork, Network: netip.MustParsePrefix("10.0.0.0/8")}, {Op: sigma.InNetwork, Network: netip.MustParsePrefix("10.0.0.0/9")},
	}
	keys := map[string]int{}
	for i := range leaves {
		key := string(appendKey(nil, &leaves[i]))
		if other, taken := keys[key]; taken {
			t.Errorf("%+v and %+v are one", leaves[other], leaves[i])
		}
		keys[key] = i
		leaves[i].Field = "x"
		if string(appendKey(nil, &leaves[i])) != key {
			t.Errorf("%+v: its field is part of the key", leaves[i])
		}
	}
}
