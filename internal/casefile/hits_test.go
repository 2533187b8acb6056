package casefile

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"wardround/internal/event"
	"wardround/internal/inventory"
)

// factsOf writes the hits of one log, n of them, each at most 2*step nanoseconds after the last; a step below nought goes back as often as ahead.
func factsOf(t *testing.T, w *segmentWriter, rng *rand.Rand, key byte, n, step int, host string) location {
	t.Helper()
	layouts := []*layout{
		{rule: 0, host: host, source: event.Source{Product: "windows", Channel: "Security", EventID: 4634}, names: []string{"a", "b"}},
		{rule: 1, host: host, source: event.Source{Product: "windows", Channel: "Security", EventID: 4624}, names: []string{"c"}},
	}
	w.begin()
	at := event.Time(1_000_000)
	for i := range n {
		at += event.Time(rng.IntN(2*max(step, -step)+1) + min(step, 0))
		l := layouts[rng.IntN(2)]
		var values []byte
		for range l.names {
			values = appendField(values, fmt.Appendf(nil, "value %d of many", rng.IntN(9)), rng.IntN(4) > 0)
		}
		w.hit(&hit{of: l, time: at, number: uint64(i), offset: int64(200 * i), digest: uint64(rng.IntN(3)), values: values})
	}
	loc, err := w.end(factsKey{key}, &trailer{})
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// TestHitsInOrderAreMergedAsTheyLie holds what comes of logs that were written in order against what comes of sorting them.
func TestHitsInOrderAreMergedAsTheyLie(t *testing.T) {
	dir := t.TempDir()
	w, err := createSegment(dir)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 5))
	m := &merged{run: &run{cache: dir}, reader: factsReader{dir: dir}, ranks: []uint32{7, 3}, single: 2, names: inventory.Join(nil, nil)}
	for i, x := range []struct {
		n, step int
		ordered bool
	}{{9000, 40, true}, {9000, 40, true}, {7000, 0, false}, {100, 5, false}, {5000, 1, true}, {0, 1, false}} {
		at := factsOf(t, w, rng, byte(i+1), x.n, x.step, fmt.Sprintf("H%d", i%2))
		if at.kinds.has(frameOrder) != x.ordered {
			t.Errorf("log %d: in order %t, want %t", i, !x.ordered, x.ordered)
		}
		m.entries = append(m.entries, entry{at: at})
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	defer m.reader.close()
	read := func() (got []string) {
		s := newSorter(dir)
		for i := range m.entries {
			if err := m.addHits(s, i); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.each(func(k, v []byte) error { got = append(got, string(k)+"\n"+string(v)); return nil }); err != nil {
			t.Fatal(err)
		}
		return got
	}
	merged := read()
	for i := range m.entries {
		m.entries[i].at.kinds &^= 1 << (frameOrder & 31)
	}
	if sorted := read(); len(sorted) != 30100 || !slices.Equal(merged, sorted) {
		t.Errorf("%d hits as they lie, %d sorted, not the same or not so many", len(merged), len(sorted))
	}
}

// TestHitsOutOfOrderAreDamage: facts that say that hits are in order, and hold others, are no facts of ours.
func TestHitsOutOfOrderAreDamage(t *testing.T) {
	dir := t.TempDir()
	w, err := createSegment(dir)
	if err != nil {
		t.Fatal(err)
	}
	m := &merged{run: &run{cache: dir}, reader: factsReader{dir: dir}, ranks: []uint32{0, 0}, single: 2, names: inventory.Join(nil, nil)}
	at := factsOf(t, w, rand.New(rand.NewPCG(1, 1)), 1, 9000, -50, "H")
	if err := w.close(); err != nil || at.kinds.has(frameOrder) {
		t.Fatalf("%v, in order %t", err, at.kinds.has(frameOrder))
	}
	at.kinds.put(frameOrder)
	m.entries = []entry{{at: at}}
	s := newSorter(dir)
	if err := errors.Join(m.addHits(s, 0), s.each(func(_, _ []byte) error { return nil })); !errors.Is(err, errFrame) {
		t.Errorf("%v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "sort-*")); len(left) > 0 {
		t.Errorf("%v left", left)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Error(err)
	}
}
