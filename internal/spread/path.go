package spread

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"wardround/internal/event"
)

// infiltrated lists the infiltrated servers, first proven first.
func (t *Teller) infiltrated() []*server {
	var out []*server
	for _, s := range t.servers {
		if s.bad {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b *server) int { return cmp.Or(cmp.Compare(a.proven, b.proven), cmp.Compare(a.id, b.id)) })
	return out
}

// paths finds for each infiltrated server the move that brought the intruder, and which other moves are drawn. Servers are
// taken in the order in which they were proven; a path never goes back in time.
func (t *Teller) paths(moves []*move) {
	to := map[event.ServerID][]*move{}
	for _, m := range moves {
		to[m.to] = append(to[m.to], m)
	}
	for _, s := range t.infiltrated() {
		if m, best := t.entryOf(s, to[s.id]); m != nil {
			if o := t.foothold(s, to[s.id]); o != nil && o.time < m.time {
				m = o
			}
			m.entry, m.drawn, best.drawn, s.entry = true, true, true, m
			for _, o := range to[s.id] { // he came that way again before it was proven
				o.drawn = o.drawn || o.from == m.from && o.account.Same(m.account) && !o.habit && m.time <= o.time && o.time <= best.time && t.fitness(s, o) != unfit
			}
			if f := t.servers[event.ServerID(m.from)]; f != nil {
				f.before = min(f.before, m.time)
			}
		}
	}
	for _, s := range t.infiltrated() {
		t.sessions(s, to[s.id])
	}
	known := t.outside(moves)
	for _, m := range moves {
		m.drawn = m.drawn || t.draws(m, known)
	}
}

// foothold is the first act of class B that was done to a server from the world at large before it was proven infiltrated: though nothing
// links it, nothing explains it either, and what proves the server came later by another way.
func (t *Teller) foothold(s *server, moves []*move) *move {
	for _, m := range moves {
		if m.act != nil && !m.act.Decisive && m.act.Class == event.B && event.Abroad(m.from) && t.fitness(s, m) != unfit {
			return m
		}
	}
	return nil
}

// How well a move explains that a server was reached, the best first.
const (
	byAct      = iota // an act that counts says from where it was done
	fromBad           // from an infiltrated server
	fromAbroad        // from an address of the world at large
	fromScript        // by a script that was fetched from there: of somebody who came so, or opened in the session of whoever works there
	fromOther         // from a server or address of which nothing is known
	byHabit           // a way that was gone every day
	unfit
)

// entryOf is the move that best explains how the intruder came to a server: before it was proven there, with an account of
// the acts that prove it, from where the intruder already was. Of those that explain it equally well the latest is best; that in which he
// first came is the first of the same session.
func (t *Teller) entryOf(s *server, moves []*move) (first, best *move) {
	rank := [2]int{unfit, 4}
	for _, m := range moves {
		r := [2]int{t.fitness(s, m), t.match(s, m)}
		if r[0] == unfit || r[1] == 3 && r[0] != fromAbroad && r[0] != fromBad && r[0] != fromScript {
			continue
		}
		if r[0] == byHabit && r[1] != 0 {
			continue // what an account always does explains nothing that it did not do
		}
		// Who did it goes before from where: an arrival with another account brought somebody else.
		better := cmp.Or(cmp.Compare(r[1], rank[1]), cmp.Compare(r[0], rank[0]))
		if r[0] == byAct || rank[0] == byAct {
			better = cmp.Or(cmp.Compare(r[0], rank[0]), cmp.Compare(r[1], rank[1]))
		}
		if better < 0 || better == 0 && best != nil && best.act == nil && m.time > best.time {
			best, rank = m, r
		}
	}
	if best == nil {
		return nil, nil
	}
	return s.begun(best, moves, func(m *move) bool { return t.fitness(s, m) <= max(rank[0], fromOther) }), best
}

// fitness says how well a move may explain a server's infiltration, unfit if it cannot: for it comes too late, or from a
// server that was only reached later.
func (t *Teller) fitness(s *server, m *move) int {
	if m.time > s.proven.Add(together) || m.time > s.before || m.from == "" {
		return unfit
	}
	if low := s.earliest(); m.time < low {
		return unfit
	}
	from := t.servers[event.ServerID(m.from)]
	if from != nil && from.bad && (from.bound() != event.NoTime && m.time < from.bound() || t.comesFrom(from, s)) {
		return unfit
	}
	if m.seen[event.FromSource] && !m.seen[event.FromDestination] && s.answers("logon", m.time) && !strings.HasPrefix(m.how, "database") {
		return unfit // its own log answers for that time, and shows no such arrival
	}
	if m.onlyTicket() && (from == nil || !from.bad) && m.time < s.proven.Add(-together) {
		return unfit // somebody of whom nothing else is known had a ticket, hours before
	}
	switch {
	case m.how == scriptFetched:
		return fromScript
	case m.act != nil && m.act.First <= s.proven.Add(together):
		return byAct
	case s.bound() == event.NoTime && (from == nil || !from.bad) && m.time < s.proven.Add(-sessionLasts) && !t.leftOpen(s, m):
		return unfit // since when is not known: then only what a session spans
	case m.habit:
		return byHabit
	case from != nil && from.bad:
		return fromBad
	case event.Abroad(m.from), t.lentAbroad(m):
		return fromAbroad
	}
	return fromOther
}

// leftOpen reports whether a move opened a desktop within a week before a server was proven infiltrated, with an account that
// did the first of what proves it, or any of it if it came from the world at large: desktops are left open for days. Of one that
// is seen to be left only who came from the world at large may be meant.
func (t *Teller) leftOpen(s *server, m *move) bool {
	e := t.ended[seat{s.id, m.account.Name}]
	if e != nil && !event.Abroad(m.from) && !t.lentAbroad(m) && e.Touches(m.last.Add(together), s.proven.Add(-together)) {
		return false
	}
	most := 0
	if event.Abroad(m.from) {
		most = 1
	}
	return m.how == "rdp" && !m.habit && m.time >= s.proven.Add(-desktopLasts) && t.match(s, m) <= most
}

// lentAbroad reports whether a move came from an address that a VPN had lent to somebody outside.
func (t *Teller) lentAbroad(m *move) bool {
	l := t.leaseOf(m.from, m.time)
	return l != nil && event.Abroad(l.outer)
}

// earliest is before when a server cannot have been reached: its possible time, and half a day before it was proven.
func (s *server) earliest() event.Time {
	if s.bound() == event.NoTime {
		return event.NoTime
	}
	return min(s.possible.Add(-together), s.proven.Add(-sessionLasts))
}

// bound is before when logs exclude that a server was infiltrated, NoTime where they only begin then.
func (s *server) bound() event.Time {
	if s.verdict.Since != nil && s.verdict.Since.BoundedBy == "log start" {
		return event.NoTime
	}
	return s.possible
}

// comesFrom reports whether a server was reached by way of another.
func (t *Teller) comesFrom(from, s *server) bool {
	for range len(t.servers) {
		if from == nil || from.entry == nil {
			return false
		}
		if from = t.servers[event.ServerID(from.entry.from)]; from == s {
			return true
		}
	}
	return true
}

// match says how well a move's account fits the acts that prove a server infiltrated: 0 it did the first of them, 1 one of
// them, went on from here, or it was taken by then, 2 it is not known, or who did the first is not, 3 it is another's, or still its
// owner's.
func (t *Teller) match(s *server, m *move) int {
	named := false
	for _, a := range s.acts {
		if !a.Decisive || a.First > s.proven.Add(together) {
			continue
		}
		named = named || len(a.Accounts) > 0
		if m.account.Name != "" && len(a.Accounts) > 0 && m.with(a.Accounts) && !onward(a) {
			return 0
		}
	}
	taken := t.takenAt(m.account)
	switch {
	case m.account.Name != "" && (slices.ContainsFunc(s.accounts, m.account.Same) || taken != event.NoTime && taken <= m.time):
		return 1
	case taken != event.NoTime && m.time < taken && m.act == nil:
		return 3 // its owner's: it was taken later
	case m.account.Name == "" || m.account.Name == "root" || !named || m.act != nil: // root is whoever knows the password
		return 2
	}
	return 3
}

// onward reports whether all that is told of an act is that the intruder went on from there: with whose password does not say in whose session
// he sat.
func onward(a *event.Act) bool {
	return !slices.ContainsFunc(a.Reasons, func(r event.Reason) bool { return r.Line != "departure" && r.Line != "second departure" })
}

// begun is the first move of the same session as one: from the same place with the same account, while the server may have
// been infiltrated.
func (s *server) begun(m *move, moves []*move, fits func(*move) bool) *move {
	if s.possible == event.NoTime || s.verdict.Since.BoundedBy != "answered" {
		return m
	}
	for _, o := range moves {
		if o.from == m.from && o.account.Same(m.account) && o.time >= s.possible && o.time < m.time && !o.habit && fits(o) {
			return o
		}
	}
	return m
}

// answers reports whether a server's logs answer a question at a time.
func (s *server) answers(question string, at event.Time) bool {
	for _, q := range s.verdict.Coverage.Questions {
		if q.Question == question {
			return q.Answered > 0 && !slices.ContainsFunc(q.Holes, func(h [2]event.Time) bool { return h[0].Add(-together) <= at && at <= h[1].Add(together) })
		}
	}
	return false
}

// sessions draws, for each act that proves a server infiltrated, the last arrival of its account before it; root's where it
// tells none.
func (t *Teller) sessions(s *server, moves []*move) {
	for _, a := range s.acts {
		if !a.Decisive {
			continue
		}
		var last *move
		for _, m := range moves {
			if m.mayBe(a.Accounts) && m.time <= a.First.Add(together) && m.time >= a.First.Add(-sessionLasts) && t.fits(s, m) {
				last = m
			}
		}
		if last != nil && s.entry != nil && s.entry.how == scriptFetched && last.time <= s.entry.time && t.fitness(s, last) > fromScript {
			continue // the session of whoever works there, in which something was opened
		}
		if last != nil && !last.habit {
			last.drawn = true
			if last.act == nil {
				last.act = a
			}
		}
	}
}

// mayBe reports whether a move's account is one of an act's; of an act of which no account is told, root is: what root does
// bears no name.
func (m *move) mayBe(accounts []string) bool {
	if len(accounts) == 0 {
		return m.account.Name == "root"
	}
	return m.account.Name != "" && m.with(accounts)
}

// fits reports whether the intruder may have come by a move at all: it was seen to arrive, from where the intruder may have
// been by then.
func (t *Teller) fits(s *server, m *move) bool {
	if !m.seen[event.FromDestination] && s.answers("logon", m.time) {
		return false
	}
	from := t.servers[event.ServerID(m.from)]
	return from == nil && !m.onlyTicket() || from != nil && from.bad && (from.bound() == event.NoTime || m.time >= from.bound())
}

// onlyTicket reports whether all that is known of a move is that a domain controller gave a ticket for it.
func (m *move) onlyTicket() bool { return len(m.seen) == 1 && m.seen[event.FromController] }

// outside lists the addresses that are no servers and from which the intruder came.
func (t *Teller) outside(moves []*move) map[string]bool {
	out := map[string]bool{}
	for _, m := range moves {
		if t.servers[event.ServerID(m.from)] == nil && m.from != "" && (m.entry && m.account.Name != "" || m.act != nil && m.act.Decisive) {
			out[m.from] = true
		}
	}
	return out
}

// draws reports whether a move that brought nobody first is the intruder's all the same.
func (t *Teller) draws(m *move, known map[string]bool) bool {
	if to, from := t.servers[m.to], t.servers[event.ServerID(m.from)]; m.act != nil && (to != nil && to.bad || from != nil && from.bad) {
		return true
	}
	if m.onlyTicket() {
		return false
	}
	taken := t.takenAt(m.account)
	if m.habit || taken == event.NoTime || m.time < taken {
		return false
	}
	to := t.servers[m.to]
	if m.seenFrom() == event.FromSource && to != nil && to.answers("logon", m.time) {
		return false
	}
	if from := t.servers[event.ServerID(m.from)]; from != nil {
		return from.bad && m.time >= from.proven
	}
	return known[m.from]
}

// unexplained lists the infiltrated servers of which no log shows how they were reached.
func (t *Teller) unexplained() []event.Arrival {
	out := []event.Arrival{}
	for _, s := range t.infiltrated() {
		if s.entry == nil {
			out = append(out, event.Arrival{Server: s.id, Why: s.openWay()})
		}
	}
	return out
}

// openWay says why it is open how a server was reached, and what would show it.
func (s *server) openWay() string {
	from := s.earliest()
	for _, q := range s.verdict.Coverage.Questions {
		if q.Question != "logon" {
			continue
		}
		if q.Answered == 0 {
			return "its logons are not recorded in the window; its own log of logons, or those of the servers and domain controllers around it, would show from where it was reached"
		}
		for _, h := range q.Holes {
			if h[0] < s.proven && (from == event.NoTime || h[1] > from) {
				return fmt.Sprintf("its logons are missing from %s to %s, before the first proof at %s; an archived copy of that log, or the logs of the servers and domain controllers around it, would show from where it was reached",
					second(h[0]), second(min(h[1], s.proven)), second(s.proven))
			}
		}
	}
	return "its log of logons answers for that time and shows no arrival that fits: it came by a way that is not logged there, such as a web request, a database, a mail or a console; " +
		"logs of these, or of process starts, would show it"
}

// second writes a time without its fraction.
func second(t event.Time) string {
	if t == event.NoTime {
		return "an unknown time"
	}
	return event.At(t.Std().Truncate(time.Second)).String()
}
