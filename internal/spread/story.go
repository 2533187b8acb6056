package spread

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"wardround/internal/event"
)

// Facts are what a story is told of, once the servers are judged.
type Facts struct {
	Verdicts *event.Verdicts
	Acts     []event.Act   // that count, in order of time
	Taken    []event.Taken // accounts
	Clocks   []event.Clock
	// Resolve finds the server that bears a name or an address at a time.
	Resolve func(name string, at event.Time) (event.ServerID, bool)
	// Network looks an address up; nil where no address database was given.
	Network func(a netip.Addr) (Network, bool)
	Claims  []Claim
}

// Teller tells the story of an estate: docs/design/spread.md says by which rules. Movements and findings are added in any
// order.
type Teller struct {
	facts   Facts
	servers map[event.ServerID]*server
	taken   []Account
	since   map[Account]event.Time // accounts, and since when they are proven taken
	ways    map[way]*trail
	desks   map[desk]*trail // of each, the days alone: no more than there are ways
	kept    int
	ended   map[seat]*event.Spans // when desktops were left or ended
	leases  []lease               // of VPNs
	lent    map[string][]*lease   // by the address inside, in order of time
	cited   map[string]*event.Finding
}

// server is what a story needs to know of one that is judged.
type server struct {
	id       event.ServerID
	verdict  *event.Verdict
	bad      bool
	possible event.Time // NoTime: from the beginning
	proven   event.Time
	acts     []*event.Act
	accounts []Account // of its decisive acts
	entry    *move
	before   event.Time // it must have been reached by then: from it another was
}

// NewTeller begins a story.
func NewTeller(f Facts) *Teller {
	t := &Teller{facts: f, servers: map[event.ServerID]*server{}, since: map[Account]event.Time{}, ways: map[way]*trail{}, desks: map[desk]*trail{}, ended: map[seat]*event.Spans{}, cited: map[string]*event.Finding{}}
	if t.facts.Resolve == nil {
		t.facts.Resolve = func(string, event.Time) (event.ServerID, bool) { return "", false }
	}
	for i := range f.Verdicts.Servers {
		v := &f.Verdicts.Servers[i]
		s := &server{id: v.Server, verdict: v, possible: event.NoTime, proven: event.NoTime, before: maxTime}
		if s.bad = v.Verdict == event.Infiltrated && v.Since != nil; s.bad {
			s.possible, s.proven = v.Since.EarliestPossible, v.Since.FirstProven
		}
		t.servers[v.Server] = s
	}
	for i := range f.Acts {
		a := &f.Acts[i]
		s := t.servers[a.Server]
		if s == nil {
			continue
		}
		s.acts = append(s.acts, a)
		for _, x := range a.Accounts {
			if p := ParseAccount(x); a.Decisive && !slices.Contains(s.accounts, p) {
				s.accounts = append(s.accounts, p)
			}
		}
		for _, r := range a.Reasons {
			for _, id := range r.Findings {
				t.cited[id] = nil
			}
		}
	}
	for _, x := range f.Taken {
		a := ParseAccount(x.Account)
		t.taken = append(t.taken, a)
		t.since[a] = x.Since
	}
	return t
}

const maxTime = event.Time(1<<63 - 1)

// Cites reports that an act cites the finding of that id.
func (t *Teller) Cites(id string) bool {
	_, ok := t.cited[id]
	return ok
}

// AddFinding takes a finding; those that no act cites are passed over.
func (t *Teller) AddFinding(f *event.Finding) {
	if _, ok := t.cited[f.ID]; ok {
		t.cited[f.ID] = f
	}
}

// takenAt is since when an account is proven taken; NoTime if it is not.
func (t *Teller) takenAt(a Account) event.Time {
	out := event.NoTime
	for _, x := range t.taken {
		if at := t.since[x]; x.Same(a) && (out == event.NoTime || at < out) {
			out = at
		}
	}
	return out
}

// Story tells the story.
func (t *Teller) Story() *event.Story {
	t.settleLeases()
	moves := t.moves()
	t.paths(moves)
	edges := t.edges(append(moves, t.tunnels(moves)...))
	s := &event.Story{
		Edges: edges, Clocks: t.facts.Clocks, Accounts: t.accounts(), Timeline: t.timeline(), PatientZero: t.patientZero(), Unexplained: t.unexplained(),
	}
	if s.Clocks == nil {
		s.Clocks = []event.Clock{}
	}
	s.Origin = t.origin(edges)
	s.Nodes = nodes(s)
	return s
}

// edges turns the moves that are the intruder's into what is drawn: those alike within an hour are one.
func (t *Teller) edges(moves []*move) []event.Edge {
	type key struct {
		from, to, how string
		account       Account
		hour          event.Time
	}
	at := map[key]*move{}
	var drawn []*move
	for _, m := range moves {
		if !m.drawn {
			continue
		}
		k := key{m.from, string(m.to), m.how, m.account, hourOf(m.time)}
		if at[k] != nil {
			at[k].merge(m)
			continue
		}
		at[k] = m
		drawn = append(drawn, m)
	}
	out := []event.Edge{}
	for _, m := range drawn {
		out = append(out, m.edge())
	}
	slices.SortStableFunc(out, compareEdges)
	for i := range out {
		out[i].Step = i + 1
	}
	return out
}

func compareEdges(a, b event.Edge) int {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.To, b.To), strings.Compare(text(a.From), text(b.From)), strings.Compare(a.How, b.How),
		strings.Compare(text(a.Account), text(b.Account)))
}

// nodes lists what the edges join.
func nodes(s *event.Story) []event.Node {
	kinds := map[string]string{}
	for i := range s.Edges {
		e := &s.Edges[i]
		kinds[string(e.To)] = event.NodeServer
		if e.Account != nil {
			kinds[*e.Account] = event.NodeAccount
		}
		if e.From != nil && kinds[*e.From] == "" {
			kinds[*e.From] = event.NodeServer
			if e.Address != nil && *e.Address == *e.From {
				kinds[*e.From] = event.NodeAddress
			}
		}
	}
	for _, a := range s.Accounts {
		kinds[a.Account] = event.NodeAccount
	}
	for _, u := range s.Unexplained {
		kinds[string(u.Server)] = event.NodeServer
	}
	if z := s.PatientZero.Server; z != nil {
		kinds[string(*z)] = event.NodeServer
	}
	out := []event.Node{}
	for _, id := range slices.Sorted(maps.Keys(kinds)) {
		out = append(out, event.Node{ID: id, Kind: kinds[id]})
	}
	return out
}

// accounts lists those that are taken, spelled as Windows does.
func (t *Teller) accounts() []event.Taken {
	out := []event.Taken{}
	for _, a := range t.facts.Taken {
		a.Account = ParseAccount(a.Account).Display()
		out = append(out, a)
	}
	return out
}

// Display spells an account for people: DOMAIN\name.
func (a Account) Display() string {
	if a.Domain == "" {
		return a.Name
	}
	return strings.ToUpper(a.Domain) + `\` + a.Name
}
