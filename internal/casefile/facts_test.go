package casefile

import (
	"bytes"
	"errors"
	"os"
	"reflect"
	"slices"
	"testing"

	"wardround/internal/event"
	"wardround/internal/inventory"
	"wardround/internal/spread"
)

func sampleFacts(t testing.TB, dir string) (location, []hit, []event.Movement) {
	t.Helper()
	cleared := &layout{rule: 3, host: "DB1", source: event.Source{Product: "windows", Channel: "Security", EventID: 1102}, names: []string{"a", "b"}}
	hits := []hit{
		{of: cleared, time: 5, number: 9, offset: -1, digest: 77, values: append(appendField(nil, []byte("1"), true), 0)},
		{of: &layout{rule: 4, names: []string{"a"}}, time: event.NoTime, values: appendField(nil, []byte("1"), true)},
	}
	moves := []event.Movement{{To: "DB1", Time: 8, How: "rdp", Account: "x", Failed: true, SeenFrom: "destination", Because: []event.Place{{Record: 4, Offset: 44}}}}
	w, err := createSegment(dir)
	if err != nil {
		t.Fatal(err)
	}
	w.begin() // an artifact that was cut off
	w.hit(&hits[1])
	w.begin()
	for range 3 {
		for i := range hits {
			w.hit(&hits[i])
		}
	}
	w.movement(0, &moves[0])
	at, err := w.end(factsKey{1}, &trailer{Sightings: []inventory.Sighting{{Host: "DB1", Count: 2}}, Domains: spread.Domains{"s-1-5-21-1": {"ad.x.example", "x"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	return at, hits, moves
}

func TestFactsComeBack(t *testing.T) {
	dir := t.TempDir()
	at, hits, moves := sampleFacts(t, dir)
	found, err := scanSegments(dir)
	if err != nil || len(found) != 1 || found[factsKey{1}] != at {
		t.Fatalf("found %v, %v; want %v", found, err, at)
	}
	r := factsReader{dir: dir}
	defer r.close()
	var gotHits []hit
	var gotMoves []event.Movement
	ways := 0
	err = errors.Join(r.hits(at, func(h *hit) error {
		x := *h
		x.values = slices.Clone(h.values)
		gotHits = append(gotHits, x)
		return nil
	}), r.movements(at, func(*way) error {
		ways++
		return nil
	}, func(m *event.Movement, _ *way) error {
		gotMoves = append(gotMoves, *m)
		return nil
	}))
	if err != nil || len(gotHits) != 6 || !sameHit(&gotHits[4], &hits[0]) || gotHits[4].of != gotHits[0].of || gotHits[5].time != event.NoTime || !reflect.DeepEqual(gotMoves, moves) {
		t.Errorf("%v: %+v, %+v", err, gotHits, gotMoves)
	}
	if tr, err := r.trailer(at); err != nil || tr.Sightings[0].Count != 2 || !slices.Equal(tr.Domains["s-1-5-21-1"], []string{"ad.x.example", "x"}) {
		t.Errorf("trailer %+v, %v", tr, err)
	}
}

func sameHit(a, b *hit) bool {
	return a.of.rule == b.of.rule && a.of.host == b.of.host && a.of.source == b.of.source && slices.Equal(a.of.names, b.of.names) &&
		a.time == b.time && a.number == b.number && a.offset == b.offset && a.digest == b.digest && string(a.values) == string(b.values)
}

// FuzzFacts reads segments of any bytes: what is not whole is not there, and nothing is believed twice.
func FuzzFacts(f *testing.F) {
	dir := f.TempDir()
	at, _, _ := sampleFacts(f, dir)
	whole, err := os.ReadFile(dir + "/" + at.segment)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-3])
	f.Fuzz(func(t *testing.T, b []byte) {
		out := map[factsKey]location{}
		scanSegment(bytes.NewReader(b), "x", out)
		var d decoder
		d.hits(b, func(*hit) error { return nil })
		var m decoder
		m.spelledWays(b, func(*way) error { return nil })
		m.movements(b, m.ways, func(*event.Movement, *way) error { return nil })
	})
}
