package spread

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"wardround/internal/event"
)

// move is one movement, with what either end and the rules tell of it.
type move struct {
	from    string // server id, address or name; "" is not known
	to      event.ServerID
	account Account
	address string
	time    event.Time
	last    event.Time
	count   int
	how     string
	seen    map[string]bool
	places  []event.Place
	because []string
	habit   bool // all that tells of it is a way that was gone every day
	act     *event.Act
	entry   bool
	drawn   bool
}

// plainness orders ways by how much they say: of several that tell of one movement, the last is its name.
var plainness = func() map[string]int {
	m := map[string]int{}
	for i, h := range []string{"ticket", "explicit credentials", "connection to rpc", "connection to smb", "connection to winrm", "connection to ssh", "connection to rdp",
		"network logon", "network logon, password in clear", "login", "admin share", "smb", "database", "ssh", "vpn", "winrm", "wmi", "rdp", "remote service", groupPolicy, scriptFetched, "web shell"} {
		m[h] = i + 1
	}
	return m
}()

// step is one sighting on its way to become a move.
type step struct {
	way way
	*trail
	sighting
	count int
	last  event.Time
}

// moves joins what the logs of either end tell, and what acts tell of where they were done from, in order of time.
func (t *Teller) moves() []*move {
	var steps []step
	for _, w := range slices.SortedFunc(maps.Keys(t.ways), compareWays) {
		x := t.ways[w]
		for _, h := range slices.Sorted(maps.Keys(x.hours)) {
			f := x.hours[h]
			for i, s := range f.list {
				st := step{w, x, s, 1, s.time}
				if i == len(f.list)-1 {
					st.count, st.last = 1+f.count-len(f.list), f.last
				}
				steps = append(steps, st)
			}
		}
	}
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(a.time, b.time) })
	var out []*move
	open := map[[2]string][]*move{} // by ends: the latest moves
	for i := range steps {
		s := &steps[i]
		k := [2]string{s.way.from, string(s.way.to)}
		recent := slices.DeleteFunc(open[k], func(m *move) bool { return m.time.Add(together) < s.time })
		at := slices.IndexFunc(recent, func(m *move) bool {
			return s.way.account.Name == "" || m.account.Name == "" || m.account.Same(s.way.account)
		})
		if at < 0 {
			m := &move{from: s.way.from, to: s.way.to, time: s.time, last: s.time, seen: map[string]bool{}, habit: true}
			out, recent = append(out, m), append(recent, m)
			at = len(recent) - 1
		}
		recent[at].take(s, t.habit(s))
		open[k] = recent
	}
	out = t.acted(out)
	slices.SortStableFunc(out, func(a, b *move) int {
		return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.to, b.to), strings.Compare(a.from, b.from), strings.Compare(a.account.String(), b.account.String()))
	})
	return out
}

func compareWays(a, b way) int {
	return cmp.Or(strings.Compare(a.from, b.from), cmp.Compare(a.to, b.to), strings.Compare(a.account.String(), b.account.String()), strings.Compare(a.how, b.how), strings.Compare(a.seen, b.seen))
}

// maxPlaces bounds the places that one edge cites.
const maxPlaces = 20

func (m *move) take(s *step, habit bool) {
	if m.account.Name == "" || m.account.Domain == "" && s.way.account.Domain != "" {
		m.account = s.way.account
	}
	if m.address == "" || s.address != "" && s.address < m.address {
		m.address = s.address
	}
	if plainness[s.way.how] > plainness[m.how] || m.how == "" {
		m.how = s.way.how
	}
	m.count = max(m.count, s.count)
	m.last = max(m.last, s.last)
	m.seen[s.way.seen] = true
	m.habit = m.habit && habit
	if len(m.places) < maxPlaces && !slices.Contains(m.places, s.place) {
		m.places = append(m.places, s.place)
	}
}

// groupPolicy is the way by which who rules the domain reaches its members.
const groupPolicy = "group policy"

// scriptFetched is the way of a script that something opened on the server fetched from outside: nobody logged on.
const scriptFetched = "script fetched"

// arrivals names, for the lines of the table that tell how somebody came, what the movement is called.
var arrivals = map[string]string{
	"remote service": "remote service", "policy task": groupPolicy, "admin share": "admin share", "web shell": "web shell", "script called": "web shell", "script fetched": scriptFetched, "database command": "database", "database command of the attacker": "database",
}

// acted joins acts to the moves that brought them, and makes moves of those that themselves tell where they came from.
func (t *Teller) acted(moves []*move) []*move {
	byTo := map[event.ServerID][]*move{}
	for _, m := range moves {
		byTo[m.to] = append(byTo[m.to], m)
	}
	for i := range t.facts.Acts {
		a := &t.facts.Acts[i]
		how, reason := wayOf(a)
		if how == groupPolicy && len(a.Sources) == 0 {
			moves = append(moves, t.deployed(a, reason)...)
			continue
		}
		if m := broughtBy(byTo[a.Server], a); m != nil && len(a.Sources) == 0 {
			m.join(a, how, reason)
		}
		for _, src := range a.Sources {
			from := src
			if id, ok := t.facts.Resolve(src, a.First); ok {
				from = string(id)
			}
			if from == string(a.Server) {
				continue
			}
			m := nearestMove(byTo[a.Server], from, a)
			if m == nil && how == "" {
				continue
			}
			if m == nil {
				m = &move{from: from, to: a.Server, time: a.First, last: a.First, count: 1, seen: map[string]bool{event.FromDestination: true}}
				if len(a.Accounts) > 0 {
					m.account = ParseAccount(a.Accounts[0])
				}
				moves = append(moves, m)
				byTo[a.Server] = append(byTo[a.Server], m)
			}
			if m.address == "" && from != src || event.Abroad(src) {
				m.address = src
			}
			m.join(a, how, reason)
		}
	}
	return moves
}

// deployed makes a move of a program that a group policy had started: from the domain controller on which the intruder was
// by then, if that is one. A policy may be written on any controller, and all hand it out.
func (t *Teller) deployed(a *event.Act, reason *event.Reason) []*move {
	var from *server
	for _, s := range t.infiltrated() {
		if s.id == a.Server || s.verdict.Role == nil || *s.verdict.Role != "domain-controller" || s.possible != event.NoTime && s.possible > a.First {
			continue
		}
		if from != nil {
			return nil
		}
		from = s
	}
	if from == nil {
		return nil
	}
	m := &move{from: string(from.id), to: a.Server, time: a.First, last: a.First, count: 1, seen: map[string]bool{event.FromDestination: true}}
	m.join(a, groupPolicy, reason)
	return []*move{m}
}

// wayOf is how an act shows that somebody came, and the reason that says so.
func wayOf(a *event.Act) (string, *event.Reason) {
	how, reason := "", (*event.Reason)(nil)
	for i := range a.Reasons {
		if h := arrivals[a.Reasons[i].Line]; h != "" && (reason == nil || plainness[h] > plainness[how]) {
			how, reason = h, &a.Reasons[i]
		}
	}
	return how, reason
}

// nearestMove is the last move from a source that came with an act's account before the act ends.
func nearestMove(list []*move, from string, a *event.Act) (found *move) {
	for _, m := range list {
		near := m.time <= a.Last && m.time >= a.First.Add(-together)
		if m.from != from || !near || !m.with(a.Accounts) {
			continue
		}
		if found == nil || m.time > found.time && m.time <= a.First {
			found = m
		}
	}
	return found
}

// broughtBy is the last move that came right before an act with one of its accounts.
func broughtBy(list []*move, a *event.Act) (found *move) {
	for _, m := range list {
		if m.time <= a.First && m.time >= a.First.Add(-together) && m.account.Name != "" && len(a.Accounts) > 0 && m.with(a.Accounts) && (found == nil || m.time > found.time) {
			found = m
		}
	}
	return found
}

// with reports whether a move's account may be one of these; if either is not known, it may.
func (m *move) with(accounts []string) bool {
	return m.account.Name == "" || len(accounts) == 0 || slices.ContainsFunc(accounts, func(x string) bool { return ParseAccount(x).Same(m.account) })
}

// join ties an act to a move.
func (m *move) join(a *event.Act, how string, reason *event.Reason) {
	if m.act == nil {
		m.act = a
	}
	if plainness[how] > plainness[m.how] {
		m.how = how
	}
	reasons := a.Reasons
	if reason != nil {
		reasons = []event.Reason{*reason}
	}
	for _, r := range reasons {
		for _, id := range r.Findings {
			if len(m.because) < maxPlaces && !slices.Contains(m.because, id) {
				m.because = append(m.because, id)
			}
		}
	}
}

// edge is what is drawn of a move.
func (m *move) edge() event.Edge {
	e := event.Edge{To: m.to, Time: m.time, Last: m.last, Count: m.count, How: m.how, SeenFrom: m.seenFrom(), Entry: m.entry, Confidence: m.confidence(), Because: []string{}, At: []event.Place{}}
	if m.from != "" {
		e.From = &m.from
	}
	if m.account.Name != "" {
		a := m.account.Display()
		e.Account = &a
	}
	if m.address != "" {
		e.Address = &m.address
	}
	e.Because = append(e.Because, m.because...)
	m.cite(&e)
	return e
}

// cite adds the places that a move rests on.
func (m *move) cite(e *event.Edge) {
	for _, p := range m.places {
		if len(e.At) >= maxPlaces || slices.Contains(e.At, p) {
			continue
		}
		e.At = append(e.At, p)
		e.Because = append(e.Because, fmt.Sprintf("%s: %s, record %d", p.Collection, p.Path, p.Record))
	}
}

// merge tells another move like it as one with it.
func (m *move) merge(o *move) {
	m.last = max(m.last, o.last)
	m.count += o.count
	m.entry = m.entry || o.entry
	m.habit = m.habit && o.habit
	m.act = cmp.Or(m.act, o.act)
	for s := range o.seen {
		m.seen[s] = true
	}
	for _, id := range o.because {
		if len(m.because) < maxPlaces && !slices.Contains(m.because, id) {
			m.because = append(m.because, id)
		}
	}
	m.places = append(m.places, o.places[:min(len(o.places), max(0, maxPlaces-len(m.places)))]...)
}

func (m *move) seenFrom() string {
	switch dst, src := m.seen[event.FromDestination], m.seen[event.FromSource]; {
	case dst && src:
		return event.BothEnds
	case dst:
		return event.FromDestination
	case src:
		return event.FromSource
	}
	return event.FromController
}

// confidence is high where both ends or a cited act tell of a movement, low where neither end does.
func (m *move) confidence() string {
	switch {
	case m.seen[event.FromDestination] && (m.seen[event.FromSource] || m.act != nil):
		return "high"
	case m.seen[event.FromDestination] || m.seen[event.FromSource] && !m.habit:
		return "moderate"
	}
	return "low"
}

// hourOf is the hour that a time lies in.
func hourOf(t event.Time) event.Time { return t - t%event.Time(time.Hour) }

// worth orders the words of confidence.
var worth = map[string]int{"low": 1, "moderate": 2, "high": 3}
