package report

import (
	"cmp"
	"slices"
	"strings"

	"wardround/internal/event"
)

// Limits of what one finding shows.
const (
	placesShown = 12
	tagsShown   = 12
	notesShown  = 6
)

// cited is a finding that something cites. It is made ready to be shown when it is asked for (estate.find), and its fields by
// fill: most of many findings are shown without, or not at all.
type cited struct {
	N                                                      int // from 1 in the order of the page: its anchor; 0 while it is not placed
	ID, Title, RuleID, Level, Author, License, Source, Tag string
	Class                                                  string
	Time                                                   event.Time
	rule                                                   string // key of hits
	server                                                 event.ServerID
	Places                                                 []place
	MorePlaces                                             int
	Fields                                                 []field
	MoreFields                                             int
	raw                                                    []rawField
	from                                                   *spare // until it is ready
}

// rawField is a field as it stands in the evidence, cut to what showing it needs.
type rawField struct {
	name, value string
	bytes       int // of the whole value
}

// place is where a fact stands, in the words of a person who will look it up.
type place struct {
	File, Record, Collection, Path, SHA256, Offset string
}

// short names a place in little room: the ends of its path tell the computer and the log.
func (p place) short() string {
	first, rest, deep := strings.Cut(strings.ReplaceAll(p.Path, "\\", "/"), "/")
	if !deep || !strings.Contains(rest, "/") {
		return p.Collection + " · " + p.Path + " " + p.Record
	}
	return p.Collection + " · " + first + "/…/" + p.File + " " + p.Record
}

type field struct{ Name, Value string }

// spare is a finding without its fields, and of its places those that are shown. One that the story cites and no verdict does is
// shown so, for it must not matter which of the two came first.
type spare struct {
	event.Finding
	places int
}

func spareOf(f *event.Finding) spare {
	s := spare{*f, len(f.At)}
	s.Fields, s.At = nil, slices.Clone(f.At[:min(len(f.At), placesShown)])
	return s
}

// cited is a finding of which nothing is ready yet.
func (s *spare) cited() *cited {
	return &cited{Time: s.Time, rule: s.Rule.ID, server: s.Server, from: s}
}

// newCited is a finding that a verdict cites, with its fields where a form shows them.
func newCited(f *event.Finding, fields bool) *cited {
	s := spareOf(f)
	c := s.cited()
	if !fields {
		return c
	}
	names := make([]string, 0, len(f.Fields))
	for n := range f.Fields {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names[:min(len(names), fieldsShown)] {
		v := f.Fields[n]
		all := len(v)
		if most := maxValue + margin; all > most {
			v = strings.Clone(v[:most])
		}
		c.raw = append(c.raw, rawField{n, v, all})
	}
	c.MoreFields = len(names) - len(c.raw)
	return c
}

// find is the finding of an id, ready to be shown but for its fields; nil if nothing cites it.
func (e *estate) find(id string) *cited {
	c := e.cited[id]
	if c != nil && c.from != nil {
		c.locate(c.from)
		c.from = nil
	}
	return c
}

// locate says what a finding is and where it stands.
func (c *cited) locate(f *spare) {
	c.ID, c.Title, c.RuleID = show(f.ID, maxName), cmp.Or(show(f.Rule.Title, maxSay), "rule without a title"), show(f.Rule.ID, maxName)
	c.Level, c.Author = cmp.Or(show(f.Rule.Level, maxName), notKnown), cmp.Or(show(f.Rule.Author, maxSay), notKnown)
	c.License, c.Source = cmp.Or(show(f.Rule.License, maxName), notKnown), cmp.Or(show(f.Rule.Source, maxName), notKnown)
	c.Class = show(string(f.Class), 20)
	tags := f.Rule.Tags[:min(len(f.Rule.Tags), tagsShown)]
	for i, t := range tags {
		if i > 0 {
			c.Tag += ", "
		}
		c.Tag += show(t, maxName)
	}
	for _, p := range f.At {
		c.Places = append(c.Places, newPlace(p))
	}
	c.MorePlaces = f.places - len(c.Places)
}

// fill makes the fields fit to be shown and returns their bytes on the page.
func (c *cited) fill() (size int) {
	for _, r := range c.raw {
		x := field{show(r.name, maxName), showField(r.name, r.value, r.bytes)}
		size += len(x.Name) + len(x.Value) + 60
		c.Fields = append(c.Fields, x)
	}
	c.raw = nil
	return size
}

func newPlace(p event.Place) place {
	path := strings.ReplaceAll(p.Path, "\\", "/")
	return place{
		File: cmp.Or(show(path[strings.LastIndexByte(path, '/')+1:], maxName), "file "+notKnown), Record: "#" + number64(p.Record),
		Collection: cmp.Or(show(p.Collection, maxName), notKnown), Path: cmp.Or(show(p.Path, maxSay), notKnown),
		SHA256: cmp.Or(shownDigest(p.Artifact), notKnown), Offset: number64(uint64(max(0, p.Offset))),
	}
}

// row is an artifact of which a row of the evidence list may be made: most of many are counted alone.
type row struct {
	*event.Artifact
	damaged int
	missing uint64
	servers int
	rank    int
}

func newRow(a *event.Artifact) row {
	kept := *a
	r := row{Artifact: &kept, damaged: len(a.Damaged), servers: len(a.Servers)}
	for _, h := range a.Holes {
		if h[1] >= h[0] {
			r.missing += h[1] - h[0] + 1
		}
	}
	kept.Damaged, kept.Holes = nil, nil
	kept.Servers = slices.Clone(a.Servers[:min(len(a.Servers), notesShown)])
	kept.Notes = slices.Clone(a.Notes[:min(len(a.Notes), notesShown)])
	switch {
	case a.Error != nil:
	case r.damaged > 0 || r.missing > 0:
		r.rank = 1
	case a.Records > 0:
		r.rank = 2
	default:
		r.rank = 3
	}
	return r
}

// artifact is a row of the evidence list.
type artifact struct {
	Collection, Path, Kind, SHA256, Servers, Notes, Error string
	Bytes                                                 int64
	Records, Slack, Missing                               uint64
	Damaged                                               int
}

func (r *row) artifact() artifact {
	a := artifact{
		Collection: show(r.Collection, maxName), Path: cmp.Or(show(r.Path, maxSay), "the whole collection"), SHA256: cmp.Or(shownDigest(r.SHA256), notKnown),
		Kind: cmp.Or(show(r.Kind, maxName), notKnown), Bytes: r.Bytes, Records: r.Records, Slack: r.Slack, Damaged: r.damaged, Missing: r.missing,
	}
	var names []string
	for _, s := range r.Servers {
		names = append(names, show(s.Name, maxName))
	}
	if more := r.servers - len(names); more > 0 {
		names = append(names, grouped(int64(more))+" more")
	}
	a.Servers = strings.Join(names, ", ")
	var notes []string
	for _, n := range r.Notes {
		notes = append(notes, show(n, maxSay))
	}
	a.Notes = strings.Join(notes, "; ")
	if r.Error != nil {
		a.Error = cmp.Or(show(*r.Error, maxSay), "unreadable")
	}
	return a
}

// telling puts first the artifacts that a reader must know of: unreadable ones, then damaged or holed ones, then logs.
func telling(a, b *row) int {
	return cmp.Or(cmp.Compare(a.rank, b.rank), byPath(*a, *b))
}

func byPath(a, b row) int {
	return cmp.Or(strings.Compare(a.Collection, b.Collection), strings.Compare(a.Path, b.Path), strings.Compare(a.SHA256, b.SHA256))
}
