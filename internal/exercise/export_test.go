package exercise

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"wardround/internal/event"
)

// Bench is an exercise whose servers are collections of their own, each of which can be written again with some of its
// evidence gone: as if it had never been logged. That is harder than removed records, whose numbers leave a hole.
type Bench struct {
	Dir     string
	Servers []string // those that were collected, by name
	estate  *estate
	planned map[*server][]file // that were left when the estate was planned
}

// NewBench makes an exercise.
func NewBench(t testing.TB, o Options) *Bench {
	t.Helper()
	sc, err := o.complete()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tableOf(); err != nil {
		t.Fatal(err)
	}
	b := &Bench{Dir: t.TempDir(), estate: newEstate(o, sc), planned: map[*server][]file{}}
	var hub []textEntry
	for _, s := range b.estate.servers {
		b.planned[s] = s.extra
		b.play(s, b.estate.acts)
		hub = append(hub, b.estate.hub...)
		if s.layout != nil {
			b.Servers = append(b.Servers, s.name)
			b.save(t, s, Cut{})
		}
	}
	b.estate.hub = hub
	w := &writer{ctx: t.Context(), dir: b.Dir}
	w.put(file{path: "collections/syslog-hub/remote.log", data: b.estate.hubLog(), modified: b.estate.to})
	w.table(b.estate, "inventory.csv", b.estate.inventoryCSV)
	w.table(b.estate, "changes.csv", b.estate.changesCSV)
	w.table(b.estate, "truth.json", b.estate.truthJSON)
	if w.err != nil {
		t.Fatal(w.err)
	}
	return b
}

// Collection is the folder of a server's collection, or of the syslog hub.
func (b *Bench) Collection(server string) string { return filepath.Join(b.Dir, "collections", server) }

// Cut is what is gone of a server's evidence: all of it, or a slice of one source (a channel, the path of a log of lines
// or of a file). The zero Cut is nothing.
type Cut struct {
	All      bool
	Source   string
	From, To event.Time
}

// Whole is a source without any end.
func Whole(source string) Cut { return Cut{false, source, math.MinInt64, math.MaxInt64} }

func (c Cut) String() string {
	switch {
	case c.All:
		return "all"
	case c.From == math.MinInt64:
		return fmt.Sprintf("%q", c.Source)
	}
	return fmt.Sprintf("%q from %s to %s", c.Source, c.From, c.To)
}

// Trace is an entry of a source.
type Trace struct {
	Source string
	At     event.Time
}

// Traces are the first and the last entry of each source of a server, and of the intruder's deeds on it all entries.
func (b *Bench) Traces(server string) (ends map[string][2]event.Time, deeds []Trace) {
	s := b.server(server)
	ends = map[string][2]event.Time{}
	see := func(source string, at event.Time) {
		e, ok := ends[source]
		if !ok {
			e = [2]event.Time{at, at}
		}
		ends[source] = [2]event.Time{min(e[0], at), max(e[1], at)}
	}
	b.play(s, b.estate.acts)
	s.each(see)
	b.play(s, b.estate.acts[b.estate.deeds[0]:b.estate.deeds[1]])
	s.each(func(source string, at event.Time) { deeds = append(deeds, Trace{source, at}) })
	slices.SortFunc(deeds, func(x, y Trace) int { return cmp.Or(cmp.Compare(x.At, y.At), cmp.Compare(x.Source, y.Source)) })
	return ends, deeds
}

// each yields the entries of all sources of a server that was played.
func (s *server) each(yield func(source string, at event.Time)) {
	for _, c := range slices.Sorted(maps.Keys(s.logs)) {
		for i := range s.logs[c].entries {
			yield(c, s.logs[c].entries[i].at)
		}
	}
	for _, p := range slices.Sorted(maps.Keys(s.texts)) {
		for i := range s.texts[p].entries {
			yield(p, s.texts[p].entries[i].at)
		}
	}
	for _, f := range s.extra {
		yield(f.path, f.modified)
	}
}

// Rewrite writes the collection of a server again without what the cut takes.
func (b *Bench) Rewrite(t testing.TB, server string, c Cut) {
	t.Helper()
	s := b.server(server)
	if err := os.RemoveAll(b.Collection(server)); err != nil {
		t.Fatal(err)
	}
	if c.All {
		if err := os.MkdirAll(b.Collection(server), 0o755); err != nil {
			t.Fatal(err)
		}
		return
	}
	b.play(s, b.estate.acts)
	b.save(t, s, c)
}

func (b *Bench) server(name string) *server {
	return b.estate.servers[slices.IndexFunc(b.estate.servers, func(s *server) bool { return s.name == name })]
}

// play lets acts leave their traces on one server.
func (b *Bench) play(s *server, acts []act) {
	s.logs, s.texts, s.extra, s.tick, s.open, b.estate.hub = map[string]*winLog{}, map[string]*textLog{}, slices.Clone(b.planned[s]), 0, true, nil
	for _, a := range acts {
		if slices.Contains(a.on, s) {
			a.leave(b.estate.dice("act", a.name))
		}
	}
	s.open = false
}

// save writes the traces of a server, and forgets them.
func (b *Bench) save(t testing.TB, s *server, c Cut) {
	t.Helper()
	gone := func(source string, at event.Time) bool { return source == c.Source && at >= c.From && at <= c.To }
	for channel, l := range s.logs {
		l.entries = slices.DeleteFunc(l.entries, func(x winEntry) bool { return gone(channel, x.at) })
	}
	for p, l := range s.texts {
		if l.entries = slices.DeleteFunc(l.entries, func(x textEntry) bool { return gone(p, x.at) }); len(l.entries) == 0 {
			delete(s.texts, p)
		}
	}
	s.extra = slices.DeleteFunc(s.extra, func(f file) bool { return gone(f.path, f.modified) })
	files, err := s.files()
	if err == nil {
		files, err = s.layout.place(s, files)
	}
	s.logs, s.texts, s.extra = nil, nil, nil
	w := &writer{ctx: t.Context(), dir: b.Collection(s.name)}
	for _, f := range files {
		w.put(f)
	}
	if err != nil || w.err != nil {
		t.Fatal(err, w.err)
	}
}

// Every is a scenario with each technique, on each system on which it works, and each decoy.
func Every() string { return every() }
