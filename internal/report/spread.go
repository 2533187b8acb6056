package report

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"wardround/internal/event"
)

// Budgets of the story. What they leave out is counted on the page.
const (
	hopRows      = 250
	momentRows   = 600
	looseBriefs  = 1_200 // findings that the story alone cites, a line each
	refsShown    = 6     // of one statement
	placesCited  = 2
	serversOfHop = 12
	entriesShown = 60 // accounts, arrivals, rivals, rungs of a kind
)

// storyView is the story as the page's template reads it.
type storyView struct {
	Zero        zeroView
	Hops        []hopView
	HopNote     string
	Chart       *chart
	Unexplained []arrivalView
	MoreArrived int
	Accounts    []takenView
	MoreTaken   int
	Ladder      ladderView
	Clocks      []clockView
	ClockNote   string
	Corrected   string // which clocks the times are corrected by
	Zone        string
	UTC         bool // beside the zone for people
	Moments     []momentView
	MomentNote  string
}

// hopView is a row of the table under the lanes.
type hopView struct {
	N                                           int
	Time                                        whenView
	Merged                                      string
	From                                        linkView
	To                                          []linkView
	MoreTo                                      int
	How, Account, Address, SeenFrom, Confidence string
	Entry                                       bool
	evidenceLinks
}

// evidenceLinks lead from a statement to what carries it: findings on this page, and places in the evidence.
type evidenceLinks struct {
	Refs   []refView
	Places []string
	More   int
}

// None reports that nothing is named.
func (v evidenceLinks) None() bool { return len(v.Refs)+len(v.Places) == 0 }

// tell lays out the story, after the sections, so that its references find what they show.
func (p *page) tell(e *estate, l *layout) {
	if e.story == nil {
		return
	}
	s := &storyView{Zero: p.zero(e, l), Zone: e.clock.named, UTC: !e.clock.utc}
	hops, merged := e.hops()
	for i := range hops[:min(len(hops), hopRows)] {
		s.Hops = append(s.Hops, p.hop(e, l, i+1, &hops[i]))
	}
	var notes []string
	if merged {
		notes = append(notes, grouped(int64(len(e.story.Edges)))+" movements are too many to follow one by one: those of one source and account within one hour are one step; its time is the first. Each stands in spread.json.")
	}
	if len(hops) > hopRows {
		notes = append(notes, "The first "+grouped(hopRows)+" of "+grouped(int64(len(hops)))+" steps are shown.")
	}
	s.HopNote = strings.Join(notes, " ")
	s.Chart = e.drawLanes(hops)
	p.arrivals(e, s)
	p.taken(e, l, s)
	s.Ladder = p.ladder(e, l)
	p.clocks(e, s)
	p.moments(e, l, s)
	p.Story = s
}

// partOf leads to the part of the page that tells more than an answer does.
func (e *estate) partOf(question string) partView {
	if e.story != nil {
		for i, part := range []partView{{"timeline", "timeline"}, {"zero", "patient zero"}, {"spread", "spread"}, {"origin", "origin"}} {
			if strings.EqualFold(question, questions[i]) {
				return part
			}
		}
	}
	return partView{}
}

// settle gives the story the findings that it cites and no verdict does.
func (e *estate) settle() {
	if e.story == nil {
		return
	}
	for _, id := range cites(e.story) {
		e.wanted[id] = true
	}
	spare := e.spare.sort()
	for i := range spare {
		x := &spare[i]
		if e.wanted[x.ID] && e.cited[x.ID] == nil {
			e.cited[x.ID] = x.cited()
			e.fired(&x.Rule)
		}
	}
}

// end is where a movement comes from or leads to.
type end struct {
	kind string // "" when it is not known
	name string
}

// hop is one step of the lanes: a movement, or several that are told as one.
type hop struct {
	from        end
	edges       []*event.Edge
	n           int // movements
	first, last event.Time
}

// hops are the story's movements in order. When they are many, those of one source and account within one hour are one.
func (e *estate) hops() (out []hop, merged bool) {
	if e.story == nil {
		return nil, false
	}
	return e.group(len(e.story.Edges) > mergeMovements)
}

func (e *estate) group(merge bool) ([]hop, bool) {
	edges := make([]*event.Edge, len(e.story.Edges))
	for i := range e.story.Edges {
		edges[i] = &e.story.Edges[i]
	}
	slices.SortStableFunc(edges, func(a, b *event.Edge) int { return cmp.Compare(a.Step, b.Step) })
	type key struct {
		from    end
		account string
		hour    event.Time
	}
	kinds := e.kinds()
	at := map[key]int{}
	var out []hop
	for _, x := range edges {
		k := key{e.source(x, kinds), stated(x.Account), event.NoTime}
		if x.Time != event.NoTime {
			k.hour = e.clock.hour(x.Time)
		}
		i, ok := at[k]
		if !merge || !ok {
			i = len(out)
			at[k] = i
			out = append(out, hop{from: k.from, first: x.Time, last: x.Time})
		}
		h := &out[i]
		h.edges = append(h.edges, x)
		h.n += max(1, x.Count)
		h.last = max(h.last, x.Time, x.Last)
	}
	return out, merge
}

func (e *estate) kinds() map[string]string {
	kinds := make(map[string]string, len(e.story.Nodes))
	for _, n := range e.story.Nodes {
		kinds[n.ID] = n.Kind
	}
	return kinds
}

// source is from where an edge comes: a server, an address, or not known.
func (e *estate) source(x *event.Edge, kinds map[string]string) end {
	from := stated(x.From)
	switch {
	case from == "" && stated(x.Address) == "":
		return end{}
	case from == "":
		return end{event.NodeAddress, *x.Address}
	case kinds[from] == event.NodeServer || kinds[from] == event.NodeAddress:
		return end{kinds[from], from}
	case e.byName[from] > 0:
		return end{event.NodeServer, from}
	}
	if _, err := netip.ParseAddr(from); err == nil {
		return end{event.NodeAddress, from}
	}
	return end{event.NodeServer, from}
}

// place links an end; what is no server of the page is only named.
func (e *estate) place(x end) linkView {
	switch x.kind {
	case "":
		return linkView{Name: "source " + notKnown}
	case event.NodeServer:
		return e.link(event.ServerID(x.name))
	}
	return linkView{Name: show(x.name, maxName)}
}

func (p *page) hop(e *estate, l *layout, n int, h *hop) hopView {
	v := hopView{N: n, Time: e.second(h.first), From: e.place(h.from), Account: e.distinct(h, func(x *event.Edge) string { return stated(x.Account) }),
		How: e.distinct(h, func(x *event.Edge) string { return x.How }), Address: e.distinct(h, func(x *event.Edge) string { return stated(x.Address) }),
		SeenFrom: e.distinct(h, seenFrom), Confidence: e.distinct(h, func(x *event.Edge) string { return x.Confidence })}
	to := h.targets()
	for _, s := range to[:min(len(to), serversOfHop)] {
		v.To = append(v.To, e.link(s))
	}
	v.MoreTo = len(to) - len(v.To)
	if h.n > 1 {
		v.Merged = grouped(int64(h.n)) + " movements, the last " + e.clock.minute(h.last)
	}
	var ids []string
	var at []event.Place
	for _, x := range h.edges {
		v.Entry = v.Entry || x.Entry
		ids = append(ids, x.Because...)
		at = append(at, x.At...)
	}
	v.evidenceLinks = p.carried(e, l, ids, at)
	return v
}

// targets are the servers that a hop leads to, each once, in order.
func (h *hop) targets() (out []event.ServerID) {
	seen := map[event.ServerID]bool{}
	for _, x := range h.edges {
		if !seen[x.To] {
			seen[x.To] = true
			out = append(out, x.To)
		}
	}
	return out
}

func seenFrom(x *event.Edge) string {
	switch x.SeenFrom {
	case event.BothEnds:
		return "both ends"
	case event.FromDestination:
		return "destination only"
	case event.FromSource:
		return "source only"
	}
	return x.SeenFrom
}

// distinct joins what the edges of a hop say, each once, in order of first use.
func (e *estate) distinct(h *hop, of func(*event.Edge) string) string {
	var out []string
	for _, x := range h.edges {
		if s := of(x); s != "" && !slices.Contains(out, s) && len(out) <= 6 {
			out = append(out, s)
		}
	}
	return list(out, 5)
}

// carried leads to the evidence: findings of this page as links, places of records and what is not on the page as text.
func (p *page) carried(e *estate, l *layout, ids []string, at []event.Place) (v evidenceLinks) {
	done := map[string]bool{}
	text := func(s string) {
		switch {
		case done[s]:
		case len(v.Places) < placesCited:
			v.Places = append(v.Places, s)
		default:
			v.More++
		}
		done[s] = true
	}
	for _, id := range ids {
		c := e.find(id)
		switch {
		case done[id]:
		case c != nil && (c.N > 0 || len(p.LooseBrief) < looseBriefs) && len(v.Refs) < refsShown:
			if c.N == 0 {
				p.LooseBrief = append(p.LooseBrief, l.line(c))
			}
			v.Refs = append(v.Refs, refView{c.N, len(v.Refs) + 1})
		case len(v.Refs) > 0:
			v.More++
		case isFindingID(id):
			text("finding " + id)
		case len(at) == 0:
			text(show(id, maxSay))
		}
		done[id] = true
	}
	for _, x := range at[:min(len(at), 200)] {
		text(newPlace(x).short())
	}
	v.More += max(0, len(at)-200)
	return v
}

// isFindingID reports that s has the form of a finding's id.
func isFindingID(s string) bool {
	if len(s) != 16 {
		return false
	}
	_, err := strconv.ParseUint(s, 16, 64)
	return err == nil
}

// sentence tells a hop in one line: "19 Nov 03:12: APP1 → DB1, remote service, HOSP\svc_bkp, both ends".
func (e *estate) sentence(h *hop) string {
	var to []string
	for _, s := range h.targets() {
		to = append(to, string(s))
	}
	s := e.clock.minute(h.first) + ": " + e.place(h.from).Name + " → " + list(to, 3) + ", " + e.distinct(h, func(x *event.Edge) string { return x.How }) +
		", " + cmp.Or(e.distinctOr(h, func(x *event.Edge) string { return stated(x.Account) }), "account "+notKnown) + ", " + e.distinct(h, seenFrom)
	if h.n > 1 {
		s += ", " + grouped(int64(h.n)) + " movements"
	}
	return s
}

func (e *estate) distinctOr(h *hop, of func(*event.Edge) string) string {
	if s := e.distinct(h, of); s != notKnown {
		return s
	}
	return ""
}
