package casefile

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"wardround/internal/event"
	"wardround/internal/inventory"
	"wardround/internal/report"
	"wardround/internal/sigma"
	"wardround/internal/spread"
)

// merged is the evidence of all collections as one: whose each artifact is, and what was found.
type merged struct {
	run     *run
	entries []entry // by collection and path
	names   *inventory.Names
	clocks  clocks
	who     spread.Accounts   // by SID
	domains spread.Domains    // by SID
	flat    map[string]string // NetBIOS names of domains, by DNS name
	rules   []event.Rule      // of the program, then of the correlations
	single  int               // how many are of the program
	unused  []report.Unused
	lines   []string // of the policy's table, by rule
	written []string // how its events say that files were written, by rule; "" for most
	ranks   []uint32 // by rule: its place among the ids
	heads   headings
	reader  factsReader
	marks   map[int]markOf // by entry
	data    lookedAt

	spool *spool  // findings of single rules, in order
	late  *spool  // firings of correlations, in the order in which they were found
	fired *sorter // the same, in order, each with its ref
	roll  *roll   // ids of all, in order
	hits  map[hitsOf]int
	buf   []byte
}

// merge joins the collections' artifacts and settles which server each name is. The run forgets what only reading needs: the
// compiled rules, and its lists of artifacts.
func (r *run) merge(all []*collection) (*merged, error) {
	m := &merged{run: r, marks: map[int]markOf{}, reader: factsReader{dir: r.cache}, who: spread.Accounts{}, domains: spread.Domains{}, single: len(r.program.Rules), unused: r.unused()}
	size := 0
	for _, c := range all {
		size += len(c.artifacts)
	}
	m.entries = make([]entry, 0, size)
	for _, c := range all {
		for _, e := range c.artifacts {
			e.artifact.Collection = c.name
			e.at = r.facts[e.key]
			m.entries = append(m.entries, e)
		}
		c.artifacts, c.known = nil, nil
	}
	r.facts = nil
	slices.SortFunc(m.entries, func(a, b entry) int {
		return cmp.Or(strings.Compare(a.artifact.Collection, b.artifact.Collection), strings.Compare(a.artifact.Path, b.artifact.Path),
			strings.Compare(a.artifact.SHA256, b.artifact.SHA256))
	})
	for _, rule := range r.program.Rules {
		m.addRule(rule)
	}
	for _, c := range r.corr.List {
		m.addRule(c.Rule)
	}
	m.rank()
	r.program, r.in.set = nil, sigma.Set{}
	logs := make([]inventory.Log, 0, size)
	for i := range m.entries {
		e := &m.entries[i]
		log := inventory.Log{Artifact: &e.artifact}
		if e.at.known() {
			t, err := m.reader.trailer(e.at)
			if err != nil {
				return nil, err
			}
			log.Seen, log.Own = t.Sightings, t.Own
			for _, sid := range slices.Sorted(maps.Keys(t.Accounts)) {
				m.who.Learn(sid, t.Accounts[sid])
			}
			m.domains.Merge(t.Domains)
		}
		logs = append(logs, log)
	}
	m.flat = m.domains.Flat()
	m.names = inventory.Join(r.in.estate, logs)
	return m, nil
}

// own is what a rule says for Wardround alone, under its key of that name: the line of the policy's table that it serves, and
// whether a correlation is dated by its first part, because all was one visitor's from there on.
func own(r *sigma.Rule, key string) string {
	w, _ := r.Custom["wardround"].(map[string]any)
	said, _ := w[key].(string)
	return said
}

func (m *merged) addRule(r *sigma.Rule) {
	m.lines = append(m.lines, m.run.in.policy.LineOf(r.ID, own(r, "line")))
	m.written = append(m.written, own(r, "writes"))
	m.rules = append(m.rules, event.Rule{
		ID: r.ID, Title: r.Title, Level: r.Level, Tags: append([]string{}, r.Tags...), Author: r.Author, Source: r.Origin, License: r.License,
	})
}

// rank lists by rule its place among the ids, equal for equal ones: findings are sorted by it.
func (m *merged) rank() {
	ids := make([]string, len(m.rules))
	for i := range m.rules {
		ids[i] = m.rules[i].ID
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	m.ranks = make([]uint32, len(m.rules))
	for i := range m.rules {
		at, _ := slices.BinarySearch(ids, m.rules[i].ID)
		m.ranks[i] = uint32(at)
	}
}

// close gives temporary files back.
func (m *merged) close() {
	m.reader.close()
	for _, s := range []*spool{m.spool, m.late} {
		if s != nil {
			s.close()
		}
	}
	if m.fired != nil {
		m.fired.close()
	}
	if m.roll != nil {
		m.roll.close()
	}
}

// finding is a hit of a rule once it is known on which server, with all places of the one event.
type finding struct {
	rule    int        // index into merged.rules
	time    event.Time // as recorded
	server  string
	at      []place
	fields  []field
	heading int    // names of the packed values; 0 where each value stands behind its name
	packed  []byte // in place of fields, of what was a hit or was read back
}

// headings are the lists of names that hits' fields have: findings hold the number of theirs, from 1.
type headings struct {
	lists   [][]string
	byNames map[string]int
}

// maxHeadings bounds the lists that are kept against evidence that invents names.
const maxHeadings = 1 << 16

// of numbers a layout's names, 0 if there are too many already.
func (h *headings) of(l *layout) int {
	if l.heading != 0 {
		return max(l.heading, 0)
	}
	var key []byte
	for _, name := range l.names {
		key = append(binary.AppendUvarint(key, uint64(len(name))), name...)
	}
	n := h.byNames[string(key)]
	switch {
	case n > 0:
	case len(h.lists) >= maxHeadings:
		l.heading = -1
		return 0
	default:
		if h.byNames == nil {
			h.byNames = map[string]int{}
		}
		h.lists = append(h.lists, l.names)
		n = len(h.lists)
		h.byNames[string(key)] = n
	}
	l.heading = n
	return n
}

// values are the fields of a finding.
func (m *merged) values(f *finding) []field {
	if f.packed == nil {
		return f.fields
	}
	if f.heading == 0 {
		return decoderOf(f.packed).fields()
	}
	return named(m.heads.lists[f.heading-1], f.packed)
}

// named are the fields of which a hit holds the values.
func named(names []string, values []byte) []field {
	d := decoderOf(values)
	out := make([]field, 0, len(names))
	for _, name := range names {
		if n := d.uint(); n > 0 {
			out = append(out, field{name, string(d.bytes(n - 1))})
		}
	}
	return out
}

// place is where a record stands.
type place struct {
	entry  int
	record uint64
	offset int64
}

// order estimates the clocks, and puts the hits of all artifacts in order of time, server, rule and place.
func (m *merged) order() (hits *sorter, err error) {
	hits = newSorter(m.run.cache)
	hits.beside = m.run.in.workers > 1
	other := m.apart()
	defer other.reader.close()
	err = m.run.both(other.estimateClocks, func() error {
		for i := range m.entries {
			if err := m.addHits(hits, i); err != nil {
				return err
			}
		}
		return nil
	})
	m.clocks = other.clocks
	return hits, err
}

// apart is the same evidence for another goroutine.
func (m *merged) apart() *merged {
	other := *m
	other.names, other.reader = m.names.Fork(), factsReader{dir: m.reader.dir}
	return &other
}

// findings makes copies of one event one finding, and runs the correlations over all.
func (m *merged) findings() error {
	s, err := m.order()
	defer s.close()
	if err != nil {
		return err
	}
	if m.spool, err = newSpool(m.run.cache); err != nil {
		return err
	}
	if m.late, err = newSpool(m.run.cache); err != nil {
		return err
	}
	m.fired = newSorter(m.run.cache)
	c := newCorrelator(m)
	defer c.close()
	var key, packed []byte
	var f finding
	flush := func() {
		if f.at != nil {
			c.add(&f, uint64(m.spool.put(&f)))
			m.writes(&f)
			m.marked(&f)
		}
	}
	err = s.each(func(k, v []byte) error {
		d := decoder{buf: v}
		rule, server, at := int(d.int()), k[keyTime:][:d.uint()], d.place()
		if key != nil && string(k) == string(key) { // a copy
			if len(f.at) < maxPlaces {
				f.at = append(f.at, at)
			}
			return d.err
		}
		flush()
		key = append(key[:0], k...)
		if string(server) != f.server {
			f.server = string(server)
		}
		f.rule, f.time, f.at = rule, timeOf(k), append(f.at[:0], at)
		var b []byte
		f.heading, b = d.packedFields()
		packed = append(packed[:0], b...)
		f.packed = packed
		return d.err
	})
	flush()
	if err == nil {
		err = m.spool.flush()
	}
	if err != nil {
		return fmt.Errorf("sort findings: %w", err)
	}
	return c.run()
}

// maxPlaces bounds the places of one finding.
const maxPlaces = 1000

// keyTime is how many bytes of a key are the time.
const keyTime = 8

func timeOf(key []byte) event.Time { return event.Time(binary.BigEndian.Uint64(key) ^ 1<<63) }

// appendKey spells what findings are sorted by.
func (m *merged) appendKey(b []byte, f *finding) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(f.time)^1<<63)
	b = append(append(b, f.server...), 0)
	return binary.BigEndian.AppendUint32(b, m.ranks[f.rule])
}

// appendFinding encodes a finding.
func appendFinding(b []byte, f *finding) []byte {
	b = binary.AppendVarint(b, int64(f.rule))
	b = binary.AppendVarint(b, int64(f.time))
	b = appendString(b, f.server)
	b = f.appendFields(appendPlace(b, f.at[0]))
	b = binary.AppendUvarint(b, uint64(len(f.at)-1))
	for _, p := range f.at[1:] {
		b = appendPlace(b, p)
	}
	return b
}

func (f *finding) appendFields(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(f.heading))
	packed := f.packed
	if packed == nil {
		packed = packFields(f.fields)
	}
	return append(binary.AppendUvarint(b, uint64(len(packed))), packed...)
}

func packFields(fields []field) []byte {
	b := binary.AppendUvarint(nil, uint64(len(fields)))
	for _, x := range fields {
		b = appendString(appendString(b, x.name), x.value)
	}
	return b
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendPlace(b []byte, p place) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(p.entry))
	b = binary.BigEndian.AppendUint64(b, p.record)
	return binary.BigEndian.AppendUint64(b, uint64(p.offset))
}

func decoderOf(b []byte) *decoder { return &decoder{buf: b} }

func (d *decoder) head(f *finding) {
	f.rule, f.time, f.server = int(d.int()), event.Time(d.int()), d.text()
}

func (d *decoder) place() place {
	b := d.bytes(20)
	if b == nil {
		return place{}
	}
	return place{int(binary.BigEndian.Uint32(b[:])), binary.BigEndian.Uint64(b[4:]), int64(binary.BigEndian.Uint64(b[12:]))}
}

func (d *decoder) fields() []field {
	out := make([]field, d.count())
	for i := range out {
		out[i] = field{d.text(), d.text()}
	}
	return out
}

// packedFields passes over fields and returns their heading and the bytes that hold them.
func (d *decoder) packedFields() (heading int, b []byte) {
	heading = int(d.uint())
	return heading, d.bytes(d.uint())
}

// finding reads a finding whose fields stay packed.
func (d *decoder) finding() (*finding, error) {
	var f finding
	d.head(&f)
	f.at = []place{d.place()}
	f.heading, f.packed = d.packedFields()
	for range min(d.uint(), maxPlaces) {
		f.at = append(f.at, d.place())
	}
	return &f, d.err
}

// each yields all findings that are reported, in the order of findings.jsonl, with their refs. A finding is valid until yield returns.
func (m *merged) each(yield func(f *finding, ref uint64) error) error {
	fired, err := m.fired.iterate()
	if err != nil {
		return err
	}
	base := m.spool.read()
	more := fired.next()
	for {
		ref := uint64(base.at)
		f, err := base.next()
		if err != nil {
			return err
		}
		for more && (f == nil || string(fired.key) < string(m.appendKey(nil, f))) {
			at := len(fired.value) - 8
			late, err := decoderOf(fired.value[:at]).finding()
			if err != nil {
				return err
			}
			if err := yield(late, isLate|binary.BigEndian.Uint64(fired.value[at:])); err != nil {
				return err
			}
			more = fired.next()
		}
		if f == nil {
			return fired.err
		}
		if m.run.corr.Silent[f.rule] {
			continue
		}
		if err := yield(f, ref); err != nil {
			return err
		}
	}
}

// findingID is the id of a finding.
type findingID struct{ digest [8]byte }

// String is 16 hexadecimal digits, as findings.jsonl has them.
func (id findingID) String() string { return hex.EncodeToString(id.digest[:]) }

func (m *merged) idOf(f *finding) (id findingID) {
	b := append(m.buf[:0], m.rules[f.rule].ID...)
	for _, p := range f.at {
		b = append(append(b, '\n'), m.entries[p.entry].artifact.SHA256...)
		b = strconv.AppendUint(append(b, ' '), p.record, 10)
		b = strconv.AppendInt(append(b, ' '), p.offset, 10)
	}
	m.buf = b
	sum := sha256.Sum256(b)
	copy(id.digest[:], sum[:])
	return id
}

// finish turns a finding into what findings.jsonl holds.
func (m *merged) finish(f *finding) *event.Finding { return m.identified(f, m.idOf(f)) }

func (m *merged) identified(f *finding, id findingID) *event.Finding {
	out := &event.Finding{
		ID: id.String(), Time: f.time, Corrected: m.clocks.correct(event.ServerID(f.server), f.time), Server: event.ServerID(f.server), Rule: m.rules[f.rule], At: make([]event.Place, len(f.at)), Fields: map[string]string{},
	}
	if l := m.run.in.policy.Line(m.lines[f.rule]); l != nil {
		out.Class = l.Class
	}
	for i, p := range f.at {
		a := &m.entries[p.entry].artifact
		out.At[i] = event.Place{Collection: a.Collection, Artifact: a.SHA256, Path: a.Path, Record: p.record, Offset: p.offset}
	}
	for _, x := range m.values(f) {
		if !strings.HasPrefix(x.name, correlated) {
			out.Fields[strings.ToValidUTF8(x.name, "\ufffd")] = strings.ToValidUTF8(x.value, "\ufffd")
		}
	}
	return out
}
