package inventory

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"wardround/internal/event"
)

var security = event.TextSchema(event.Source{Product: "windows", Channel: "Security"})

func TestWatch(t *testing.T) {
	var w Watch
	for _, r := range []struct {
		host   string
		number uint64
		time   event.Time
	}{{"A", 5, 50}, {"A", 6, 40}, {"B", 3, event.NoTime}, {"A", 7, 60}, {"", 8, 70}} {
		w.See(&event.Record{Schema: security, Host: r.host, Number: r.number, Time: r.time})
	}
	got := fmt.Sprintf("%+v", w.Sightings())
	none := event.NoTime
	want := fmt.Sprintf("%+v", []Sighting{
		{"windows/security", "", 70, 70, 1, 8, 8, 1, 0}, {"windows/security", "A", 40, 60, 3, 5, 7, 2, 0}, {"windows/security", "B", none, none, 1, 3, 3, 1, 1},
	})
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestWatchIsBounded: a log that makes up names fills neither memory nor the estate.
func TestWatchIsBounded(t *testing.T) {
	var w Watch
	for i := range 3 * maxSightings {
		w.See(&event.Record{Schema: security, Host: fmt.Sprintf("%d%s", i, strings.Repeat("x", 1<<10)), Number: uint64(i)})
	}
	seen := w.Sightings()
	if len(seen) != maxSightings+1 {
		t.Errorf("%d sightings", len(seen))
	}
	bytes, records := 0, uint64(0)
	for _, s := range seen {
		bytes += len(s.Host)
		records += s.Count
	}
	if bytes > (maxName+9)*(maxSightings+1) || records != 3*maxSightings {
		t.Errorf("%d bytes of names, %d records", bytes, records)
	}
	a := &event.Artifact{Collection: "c", Path: "p", Kind: "syslog"}
	n := Join(nil, []Log{{a, seen, nil}})
	if got := n.In(a).Server("past the bound"); got != Crowd {
		t.Errorf("a name past the bound is %q", got)
	}
	if len(n.Servers) != maxSightings+1 || len(n.Conflicts) != 1 {
		t.Errorf("%d servers, %d conflicts", len(n.Servers), len(n.Conflicts))
	}
}

// TestWatchKeepsNoBuffer: a record's name is only valid until the next record.
func TestWatchKeepsNoBuffer(t *testing.T) {
	var w Watch
	buf := []byte("ALPHA")
	name := unsafe.String(&buf[0], len(buf))
	w.See(&event.Record{Schema: security, Host: name})
	copy(buf, "BRAVO")
	w.See(&event.Record{Schema: security, Host: name})
	if s := w.Sightings(); len(s) != 2 || s[0].Host != "ALPHA" || s[1].Host != "BRAVO" {
		t.Errorf("%+v", s)
	}
}

func TestWatchAllocatesNothingPerRecord(t *testing.T) {
	var w Watch
	a, b := &event.Record{Schema: security, Host: "A"}, &event.Record{Schema: security, Host: "B"}
	w.See(a)
	w.See(b)
	if n := testing.AllocsPerRun(1000, func() { w.See(a); w.See(b) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestWatchTurns: logs and names that take turns are counted as by a Watch that looks each of them up.
func TestWatchTurns(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	var schemas []*event.Schema
	for i := range 12 {
		schemas = append(schemas, event.TextSchema(event.Source{Product: "linux", Channel: fmt.Sprint(i % 4), Provider: fmt.Sprint(i)}))
	}
	for _, names := range []int{3, 30, 2 * maxSightings} {
		var w, plain Watch
		for n := range 12_000 {
			host := fmt.Sprint(random.IntN(names))
			if random.IntN(9) == 0 {
				host = strings.Repeat(host, 1<<6)
			}
			r := event.Record{Schema: schemas[random.IntN(len(schemas))], Host: host, Number: uint64(n % 1000), Time: event.Time(random.IntN(5000))}
			for range 1 + random.IntN(3) {
				w.See(&r)
				plain.recent = [8]watchTurn{}
				plain.See(&r)
			}
		}
		if !slices.Equal(w.Sightings(), plain.Sightings()) {
			t.Errorf("%d names: the sightings differ", names)
		}
	}
}
