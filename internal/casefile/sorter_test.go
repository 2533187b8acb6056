package casefile

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

func TestSorterPutsAnyOrderInOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	var want []string
	for range 5000 {
		b := binary.BigEndian.AppendUint16(nil, uint16(rng.IntN(700)))
		want = append(want, string(b)+"all begin alike"[:rng.IntN(16)]+string(rune('a'+rng.IntN(26)))+"and end so, more or less"[rng.IntN(24):])
	}
	slices.Sort(want)
	for _, limit := range []int{1 << 10, -1 << 10, 1 << 14, -1 << 14, 1 << 24, -1 << 24} {
		dir := t.TempDir()
		s := &sorter{dir: dir, limit: max(limit, -limit), beside: limit < 0}
		shuffled := slices.Clone(want)
		rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		for _, w := range shuffled {
			s.add([]byte(w[:2]), []byte(w[2:]))
		}
		var got []string
		if err := s.each(func(k, v []byte) error { got = append(got, string(k)+string(v)); return nil }); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("limit %d: out of order", limit)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("limit %d: %d files left behind", limit, len(left))
		}
	}
}
