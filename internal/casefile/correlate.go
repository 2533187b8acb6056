package casefile

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"wardround/internal/event"
	"wardround/internal/match"
)

// correlator hands findings to the correlations that ask for them, by corrected time and after copies are one.
type correlator struct {
	m       *merged
	sorters []*sorter
	slots   map[int][]slotRef // by rule of merged.rules
	err     error
}

type slotRef struct{ correlation, slot int }

func newCorrelator(m *merged) *correlator {
	c := &correlator{m: m, slots: map[int][]slotRef{}}
	list := m.run.corr.List
	for i, cor := range list {
		s := newSorter(m.run.cache)
		s.limit = max(s.limit/len(list), 1<<20)
		c.sorters = append(c.sorters, s)
		for slot, ref := range cor.Slots {
			c.slots[m.ruleOf(ref)] = append(c.slots[m.ruleOf(ref)], slotRef{i, slot})
		}
	}
	return c
}

// ruleOf numbers what a correlation refers to as merged.rules does.
func (m *merged) ruleOf(ref match.Ref) int {
	if ref.Rule < 0 {
		return m.single + ^ref.Rule
	}
	return ref.Rule
}

func (c *correlator) close() {
	for _, s := range c.sorters {
		s.close()
	}
}

// serverField reports whether a correlation means the server by a field's name.
func serverField(name string) bool {
	switch strings.ToLower(name) {
	case "computer", "computername", "host", "hostname", "host.name", "winlog.computer_name":
		return true
	}
	return false
}

// isLate marks a reference to a firing.
const isLate = 1 << 62

// add puts a finding before the correlations that its rule is part of. ref is its place in the spool, or in that of the
// firings.
func (c *correlator) add(f *finding, ref uint64) {
	slots := c.slots[f.rule]
	if len(slots) == 0 {
		return
	}
	fields := c.m.values(f)
	for _, s := range slots {
		cor := c.m.run.corr.List[s.correlation]
		get := func(name string) (string, bool) {
			if serverField(name) {
				return f.server, f.server != ""
			}
			return valueOf(fields, name)
		}
		group, ok := cor.Group(s.slot, get)
		if !ok {
			continue
		}
		value, ok := cor.Value(get)
		if !ok {
			continue
		}
		key := binary.BigEndian.AppendUint64([]byte(group), uint64(c.m.clocks.correct(event.ServerID(f.server), f.time))^1<<63)
		val := binary.AppendUvarint(nil, uint64(s.slot))
		val = append(binary.AppendUvarint(val, ref), value...)
		c.sorters[s.correlation].add(key, val)
	}
}

// valueOf is what the fields of a finding tell of a name: what its rule calls so, else what its record does.
func valueOf(fields []field, name string) (string, bool) {
	for _, want := range []string{correlated + name, name} {
		for _, x := range fields {
			if x.name == want {
				return x.value, true
			}
		}
	}
	return "", false
}

// run evaluates all correlations, those that others refer to first.
func (c *correlator) run() error {
	for i, cor := range c.m.run.corr.List {
		var fired []match.Fired
		hits := func(yield func(match.Hit) bool) {
			c.keep(c.sorters[i].each(func(k, v []byte) error {
				slot, n := binary.Uvarint(v)
				ref, w := binary.Uvarint(v[n:])
				at := len(k) - 8
				yield(match.Hit{
					Group: string(k[:at]), Time: event.Time(binary.BigEndian.Uint64(k[at:]) ^ 1<<63), Slot: int(slot), Ref: ref, Value: string(v[n+w:]),
				})
				return nil
			}))
		}
		cor.Run(hits, func(f match.Fired) {
			if len(fired) < maxFired {
				fired = append(fired, f)
			}
		})
		if c.err != nil {
			return c.err
		}
		for _, f := range fired {
			if err := c.fire(i, cor, &f); err != nil {
				return err
			}
		}
	}
	return c.m.late.flush()
}

// maxFired bounds the firings of one correlation.
const maxFired = 200_000

func (c *correlator) keep(err error) {
	if c.err == nil {
		c.err = err
	}
}

// fire makes findings of a firing: one for each server that it concerns.
func (c *correlator) fire(i int, cor *match.Correlation, f *match.Fired) error {
	if err := c.m.late.flush(); err != nil {
		return err
	}
	out := finding{rule: c.m.single + i}
	var servers []string
	begun := f.Time
	for _, ref := range f.Hits {
		part, err := c.m.fetch(ref)
		if err != nil {
			return err
		}
		if !slices.Contains(servers, part.server) {
			servers = append(servers, part.server)
		}
		begun = min(begun, c.m.clocks.correct(event.ServerID(part.server), part.time))
		out.at = append(out.at, part.at...)
		out.merge(c.m.values(part))
	}
	for name, v := range cor.GroupValues(f.Group) {
		out.merge([]field{{correlated + name, v}})
	}
	out.merge([]field{{"(events)", strconv.Itoa(max(f.Count, len(f.Hits)))}})
	slices.SortFunc(out.fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	out.at = out.at[:min(len(out.at), maxPlaces)]
	for _, s := range servers {
		out.server, out.time = s, c.m.clocks.recorded(event.ServerID(s), f.Time)
		if own(cor.Rule, "dated") == "first" {
			out.time = c.m.clocks.recorded(event.ServerID(s), begun)
		}
		at := c.m.late.put(&out)
		c.m.fired.add(c.m.appendKey(nil, &out), binary.BigEndian.AppendUint64(appendFinding(nil, &out), uint64(at)))
		c.add(&out, isLate|uint64(at))
	}
	return c.m.fired.err
}

// merge takes over fields of a part; the first to speak of one is heard.
func (f *finding) merge(fields []field) {
	for _, x := range fields {
		if !slices.ContainsFunc(f.fields, func(y field) bool { return y.name == x.name }) {
			f.fields = append(f.fields, x)
		}
	}
}
