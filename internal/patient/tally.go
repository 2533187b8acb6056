package patient

import (
	"slices"
	"strings"
)

// confidence says how sure it is that a file holds data of patients.
type confidence uint8

const (
	none confidence = iota
	low
	moderate
	high
)

func (c confidence) String() string { return [...]string{"none", "low", "moderate", "high"}[c] }

// tally is what has been found in one file. Readers tell it what they meet; it keeps no value.
type tally struct {
	hasher  *hasher
	count   func(format string, keys []key) // into the sets of the whole run
	format  string
	kinds   kinds
	seen    [kindCount]uint64
	samples [kindCount]string
	people  *people
	level   confidence
	reasons []string
	unread  []string // parts that could not be read, and why
	opaque  bool     // the contents are not parsed: nobody knows how many people
	pending [][]key  // of records, until it is sure that the file is listed
	records uint64   // that are about a person
	unnamed uint64   // of these, without anything that tells whom
}

const (
	maxReasons = 8
	maxPending = 4096
)

func newTally(h *hasher, format string, count func(string, []key)) *tally {
	return &tally{hasher: h, count: count, format: format, people: newPeople(exactKeys)}
}

// saw counts a value of a kind and keeps the first as a masked sample.
func (t *tally) saw(k Kind, value string) {
	t.kinds.add(k)
	t.seen[k]++
	if t.samples[k] == "" && value != "" && k <= lastIdentity {
		t.samples[k] = mask(k, value)
	}
}

// sure lists the file with at least this confidence. reason is a constant text: nothing of the file's content.
func (t *tally) sure(c confidence, reason string) {
	t.level = max(t.level, c)
	if reason != "" && len(t.reasons) < maxReasons && !slices.Contains(t.reasons, reason) {
		t.reasons = append(t.reasons, reason)
	}
	for _, keys := range t.pending {
		t.count(t.format, keys)
	}
	t.pending = nil
}

// note says that a part could not be read. why is a constant text.
func (t *tally) note(why string) {
	if len(t.unread) < maxReasons && !slices.Contains(t.unread, why) {
		t.unread = append(t.unread, why)
	}
}

// person counts the person of one record, with what the record tells of them.
func (t *tally) person(p *person) {
	t.records++
	for _, id := range p.ids {
		t.saw(id.kind, id.value)
	}
	if plainName(p.name) != "" {
		t.saw(Name, p.name)
	}
	if p.birth != "" && birthOf(p.birth) != "" {
		t.saw(BirthDate, p.birth)
	}
	if plainSex(p.sex) != "" {
		t.saw(Sex, p.sex)
	}
	keys := t.hasher.keys(p)
	if len(keys) == 0 {
		t.unnamed++
		return
	}
	t.people.add(keys)
	switch {
	case t.level > none:
		t.count(t.format, keys)
	case len(t.pending) < maxPending:
		t.pending = append(t.pending, slices.Clone(keys))
	}
}

// file is what the tally comes to, nil if the file holds nothing.
func (t *tally) file(path string) *File {
	if t.level == none {
		return nil
	}
	f := &File{Path: path, Format: t.format, Kinds: t.kinds.names(), Confidence: t.level.String(), Identifiers: map[string]uint64{}, Reasons: slices.Clone(t.reasons), Samples: []Sample{}, Unread: slices.Clone(t.unread)}
	for k := range kindCount {
		if t.seen[k] > 0 {
			f.Identifiers[kindNames[k]] = t.seen[k]
		}
		if t.samples[k] != "" {
			f.Samples = append(f.Samples, Sample{kindNames[k], t.samples[k]})
		}
	}
	if n, exact := t.people.count(); !t.opaque || n > 0 {
		f.People, f.Exact = &n, exact
	}
	f.Unnamed = t.unnamed
	if f.Unread == nil {
		f.Unread = []string{}
	}
	return f
}

// folded is a heading or key without what writers do with it: small letters and digits only.
func folded(s string) string {
	if len(s) > 100 {
		s = s[:100]
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r >= 0x900 && r <= 0xdff:
			return r
		}
		return -1
	}, s)
}
