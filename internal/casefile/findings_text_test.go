package casefile

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestAppendText: texts of all bytes at all places are written as encoding/json writes them.
func TestAppendText(t *testing.T) {
	check := func(s string) {
		want, err := encode(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := appendText(nil, s); string(got) != string(bytes.TrimSuffix(want, []byte("\n"))) {
			t.Errorf("%q: %s, not %s", s, got, want)
		}
	}
	for c := range 256 {
		for at := range 18 {
			check(strings.Repeat("a", at) + string([]byte{byte(c)}) + strings.Repeat("~", 17-at))
		}
	}
	r := rand.New(rand.NewPCG(7, 8))
	for range 50_000 {
		b := make([]byte, r.IntN(40))
		for i := range b {
			if b[i] = byte(' ' + r.IntN(95)); r.IntN(9) == 0 {
				b[i] = byte(r.Uint32())
			}
		}
		check(string(b))
	}
}
