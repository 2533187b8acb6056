package damage

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestShort: a file that begins as a form does and ends at any length is walked without asking for what is not there.
func TestShort(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, w := range walkers() {
		if w.walk == nil {
			continue
		}
		begins := [][]byte{make([]byte, w.at+len(w.magic))}
		copy(begins[0][w.at:], w.magic)
		if w.magic == "" {
			begins = nil
			for range 40 { // what a signature of its own may take: seeds of fuzzing find more
				b := make([]byte, 1+rng.IntN(20))
				for i := range b {
					b[i] = byte(rng.Uint32())
				}
				begins = append(begins, b)
			}
		}
		for _, begin := range begins {
			for fill := range 3 {
				whole := append([]byte{}, begin...)
				for len(whole) < 700 {
					whole = append(whole, []byte{0, 0xff, byte(rng.Uint32())}[fill])
				}
				for n := len(begin); n <= len(whole); n++ {
					if n > 160 && n%7 != 0 {
						continue
					}
					b := whole[:n]
					if !w.fits(b) {
						continue
					}
					walked(t, &w, b)
				}
			}
		}
	}
}

// TestCutShort: nor is a file of any form that was cut off, at any length.
func TestCutShort(t *testing.T) {
	for name, b := range made(t) {
		for n := 1; n < min(len(b), 1200); n++ {
			v := bytesView(b[:n])
			for _, w := range walkersFor(b[0]) {
				if w.walk != nil && w.fits(b[:n]) {
					walked(t, w, b[:n])
				}
			}
			if f := formOf(v, scanBudget); f.seen < 0 || f.at < 0 {
				t.Errorf("%s, %d bytes: %+v", name, n, f)
			}
		}
	}
}

func walked(t *testing.T, w *walker, b []byte) {
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%s of %d bytes: %s", w.kind, len(b), fmt.Sprint(p))
		}
	}()
	v := bytesView(b)
	w.walk(&exam{b: v.head(), size: v.size, whole: v.whole, v: v, budget: scanBudget})
}
