package verdict

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"wardround/internal/event"
	"wardround/internal/policy"
)

// departure is that the intruder's session on one server was opened from another.
type departure struct {
	from, to event.ServerID
	account  string
	how      string
}

// steered are the ways by which somebody at one computer works on another; a database's client, or a visitor of a web page,
// only passes on what he is given.
var steered = map[string]bool{
	"rdp": true, "ssh": true, "network logon": true, "network logon, password in clear": true, "admin share": true, "winrm": true, "wmi": true, "login": true, "vmware": true,
}

// staysInMemory is how long after it came an account's password or key may be read from a server's memory: sessions of
// administrators are left open for days.
const staysInMemory = 7 * 24 * time.Hour

// exposes takes the accounts that had a session on a server when its memory of logons was read. A logon over the network
// leaves nothing there to read.
func (s *server) exposes(at event.Time, st *state) {
	for k, a := range s.arrivals {
		if k.failed || k.fromSource || k.account == "" || k.how != "rdp" && k.how != "network logon, password in clear" {
			continue
		}
		if t := a.spans.Before(at + 1); t != event.NoTime && t >= at.Add(-staysInMemory) {
			keepFirst(st.early, k.account, at)
		}
	}
}

// keepFirst keeps the earliest time.
func keepFirst[K comparable](m map[K]event.Time, key K, at event.Time) {
	if old, ok := m[key]; !ok || at < old {
		m[key] = at
	}
}

// usedEarly finds, for accounts that are proven taken, when they were first used from a server that was infiltrated by then
// and that they had never come from before: that was the intruder already. What an administrator is used to do is not.
func (j *Judge) usedEarly(st *state) {
	type origin struct {
		account string
		from    event.ServerID
	}
	first, owned := map[origin]event.Time{}, map[origin]bool{}
	for _, s := range j.servers {
		for k, a := range s.arrivals {
			since, bad := st.proven[k.from]
			if !bad || k.failed || k.fromSource || k.account == "" || !steered[k.how] || notedAt(st.taken, k.account) == event.NoTime {
				continue
			}
			o := origin{k.account, k.from}
			owned[o] = owned[o] || a.spans.First() < since
			if t := a.spans.Next(since); t != event.NoTime {
				if old, ok := first[o]; !ok || t < old {
					first[o] = t
				}
			}
		}
	}
	for o, at := range first {
		if !owned[o] {
			keepFirst(st.early, o.account, at)
		}
	}
}

// newcomer is when an account that is not proven taken came to work here from an infiltrated server that it had never come
// from before, if in that session it then did something of class B here, or what an intruder comes for was done soon after by nobody that the
// log names; NoTime if not.
func (j *Judge) newcomer(s *server, k arrivalKey, a *arrival, since event.Time, st *state) event.Time {
	if !steered[k.how] && k.how != ticket || k.fromSource {
		return event.NoTime
	}
	at := a.unusual(since, st.window.From)
	if at == event.NoTime {
		return event.NoTime
	}
	did := slices.ContainsFunc(s.strong, func(p *piece) bool {
		if p.line.Stage == "aim" && len(p.traits.accounts) == 0 && p.at >= at && p.at <= at.Add(j.policy.Thresholds.LinkWindow) {
			return true
		}
		return p.line.Class == event.B && (p.line.SameKind == "" || p.line.Name == "program set to start") && p.at >= at && p.at <= at.Add(sessionLasts) &&
			slices.ContainsFunc(p.traits.accounts, func(x string) bool { return sameAccount(x, k.account) })
	})
	if !did {
		return event.NoTime
	}
	for _, o := range j.servers {
		for x, b := range o.arrivals {
			if x.from == k.from && !x.failed && sameAccount(x.account, k.account) && b.spans.First() < since {
				return event.NoTime
			}
		}
	}
	return at
}

// depart notes, for the acts that prove a server infiltrated, from which server their sessions were opened.
func (j *Judge) depart(id event.ServerID, o *opinion, st *state) {
	s := j.servers[id]
	for _, a := range o.acts {
		if !slices.Contains(o.decisive, a) {
			j.toolCame(id, s, a, st)
			continue
		}
		if !slices.ContainsFunc(a.lines, func(l *policy.Line) bool { return !onward(l) }) {
			continue // with whose password he went on from here does not say in whose session he sat
		}
		j.passedOn(id, a, st)
		known := false
		for _, account := range append(slices.Clone(a.traits.accounts), "") {
			if account == "" && known {
				break // root, whom every act shares, is asked where no other account tells
			}
			k, at := s.opened(account, a.first, st)
			if k.source == "" && len(a.traits.accounts) == 0 && !a.untimed() && !a.serves(comesOtherwise) {
				k, at = s.onlySession(a.first, st)
			}
			if k.source == "" && account != "" && !a.untimed() && s.unseen(j, a.first) {
				k, at = s.ticketed(account, a.first, j.policy.Thresholds.ActWindow)
			}
			known = known || k.source != ""
			if k.from == "" || k.from == id || s.passed(j, account, at, a.first, st) {
				continue
			}
			keepFirst(st.left, departure{k.from, id, account, k.how}, at)
		}
	}
}

// ticket is the way of which only a domain controller tells.
const ticket = "ticket"

// byTicket makes pieces of movements of which a domain controller alone tells, at times of which the server's own log of logons is missing.
func (j *Judge) byTicket(id event.ServerID, s *server, st *state) []*piece {
	line, q := j.policy.Line("movement"), j.question("logon")
	if line == nil || q == nil || len(s.tickets) == 0 {
		return nil
	}
	_, open := s.logs.question(q, false, interval{st.window.From, st.window.To}, &j.policy.Thresholds)
	var out []*piece
	for k, a := range s.tickets {
		since, bad := st.proven[k.from]
		if !bad || k.from == id || k.failed || k.account == "" || len(open) == 0 {
			continue
		}
		lost := &arrival{spans: event.Spans{Gap: a.spans.Gap}}
		for _, x := range a.spans.List {
			if x.First < st.window.From || meets([]interval{{x.First, x.Last + 1}}, open) {
				lost.spans.List = append(lost.spans.List, x)
			}
		}
		at, borrowed := event.NoTime, false
		if taken := usableAt(k.account, st); taken != event.NoTime {
			at = lost.unusual(max(since, taken), st.window.From)
		} else if at = j.newcomer(s, k, lost, since, st); at == event.NoTime {
			at, borrowed = j.relayed(id, s, k, lost, since, st), true
		}
		if at == event.NoTime {
			continue
		}
		out = append(out, &piece{
			at: at, line: line, rule: "movement", place: placeOf(a.place) + k.source + k.account + ticket, traits: traits{accounts: []string{k.account}, sources: []string{k.source}},
			borrowed: borrowed,
			says:     "A domain controller gave account " + k.account + " on " + string(k.from) + ", infiltrated by then, a ticket for this server, whose log of that time is missing",
		})
	}
	return out
}

// ticketed is the last ticket for a server that an account was given within a time before an act, as a domain controller tells, if all of that
// time were for one computer.
func (s *server) ticketed(account string, act event.Time, within time.Duration) (k arrivalKey, at event.Time) {
	at = event.NoTime
	for x, a := range s.tickets {
		t := a.spans.Before(act + 1)
		if x.failed || x.from == "" || !sameAccount(x.account, account) || t == event.NoTime || t < act.Add(-within) {
			continue
		}
		if at != event.NoTime && x.from != k.from {
			return arrivalKey{}, event.NoTime
		}
		if t > at || t == at && before(x, k) {
			k, at = x, t
		}
	}
	return k, at
}

// toolCame notes from where a tool for running programs elsewhere came to an infiltrated server, though days lie between it and what proves
// the server infiltrated: if its account had never come from there to any server before the window, or a record there shows the tool aimed here.
func (j *Judge) toolCame(id event.ServerID, s *server, a *act, st *state) {
	if a.why != "" || a.untimed() || a.first < st.window.From || !a.serves(sendsTool) {
		return
	}
	for _, account := range a.traits.accounts {
		k, at := s.openedWithin(account, a.first, j.policy.Thresholds.ActWindow, st)
		if at != event.NoTime && k.from != id && j.servers[k.from] != nil && (j.newWay(s, k, st.window.From) || j.toolAimed(k.from, id, at)) {
			keepFirst(st.left, departure{k.from, id, account, k.how}, at)
		}
	}
}

// sentOn notes from where a suspected server was worked on: from where a tool for running programs came to it, or the session was opened in
// which something was done there, if the intruder is thought to have moved to that other server within a week before, and the account had never
// come from there till then: he went on. The visit alone may have been his whose account was taken, the act alone somebody else's.
func (j *Judge) sentOn(id event.ServerID, o *opinion, opinions map[event.ServerID]*opinion, st *state) {
	s := j.servers[id]
	for _, a := range o.acts {
		if o.judgement != event.Suspected || a.why != "" || a.untimed() {
			continue
		}
		for _, account := range a.traits.accounts {
			var k arrivalKey
			at := event.NoTime
			switch {
			case a.serves(sendsTool):
				k, at = s.sentBy(account, a.first, j.policy.Thresholds.ActWindow)
			case a.serves(done):
				k, at = s.openedWithin(account, a.first, sessionLasts, st)
			}
			from := opinions[k.from]
			if at == event.NoTime || k.from == id || from == nil {
				continue
			}
			for _, b := range from.acts {
				if b.why == "" && b.first <= at && b.first >= at.Add(-staysInMemory) && b.serves(moved) && j.newWay(s, k, b.first) {
					keepFirst(j.stood, departure{k.from, id, k.account, k.how}, at)
				}
			}
		}
	}
}

// sendsTool are the lines of tools that run programs elsewhere, moved that of movements from an infiltrated server.
func sendsTool(l *policy.Line) bool { return l.Name == "remote service" || l.Name == "admin share" }
func moved(l *policy.Line) bool     { return l.Name == "movement" }

// sentBy is the last arrival of an account over the network within a time before an act.
func (s *server) sentBy(account string, act event.Time, within time.Duration) (k arrivalKey, at event.Time) {
	at = event.NoTime
	for x, a := range s.arrivals {
		if x.failed || x.fromSource || works[x.how] || !steered[x.how] || !sameAccount(x.account, account) {
			continue
		}
		if t := a.spans.Before(act + 1); t != event.NoTime && t >= act.Add(-within) && (t > at || t == at && before(x, k)) {
			k, at = x, t
		}
	}
	return k, at
}

// secondDeparture finds the second server to which the intruder went on from one, if both times he went in a way that was never gone before the
// window. Through a gateway of a VPN others come too. Who sits at a desktop here may work on two others; not with two persons' accounts.
func (j *Judge) secondDeparture(id event.ServerID, st *state) (line *policy.Line, d departure, at event.Time) {
	var ways []departure
	if slices.ContainsFunc(j.leases, func(l lease) bool { return l.gateway == id }) {
		return nil, d, at
	}
	for _, x := range slices.SortedFunc(maps.Keys(st.left), func(a, b departure) int {
		return cmp.Or(cmp.Compare(st.left[a], st.left[b]), compareDepartures(a, b))
	}) {
		if x.from != id || x.account == "" || !steered[x.how] || !j.newWay(j.servers[x.to], arrivalKey{account: x.account, from: id}, st.window.From) {
			continue
		}
		for _, y := range ways {
			if x.to != y.to && (!works[x.how] && !works[y.how] || !sameAccount(x.account, y.account)) {
				return j.policy.Line("second departure"), x, st.left[x]
			}
		}
		ways = append(ways, x)
	}
	return nil, d, at
}

// only reports whether an act serves that one line and no other.
func (a *act) only(line string) bool {
	return !slices.ContainsFunc(a.lines, func(l *policy.Line) bool { return l.Name != line })
}

// opened is the last arrival of an account before an act that is no habit, in the time that a session lasts, by a way in
// which somebody works on another computer. One from a server that was proven infiltrated by then goes before others: an
// administrator may have come with the same account in between.
func (s *server) opened(account string, act event.Time, st *state) (k arrivalKey, at event.Time) {
	if k, at = s.openedWithin(account, act, sessionLasts, st); at != event.NoTime || account == "" {
		return k, at
	}
	// A desktop is left open for days. Where the account came by no other way since, he still sat there.
	k, at = s.openedWithin(account, act, staysInMemory, st)
	if at == event.NoTime || k.how != "rdp" || s.cameSince(account, at, act) {
		return arrivalKey{}, event.NoTime
	}
	if proven, known := st.proven[k.from]; known && at < proven {
		return arrivalKey{}, event.NoTime // the intruder was not there yet
	}
	return k, at
}

// cameSince reports whether an account came to a server, in whatever way, after one time and before another.
func (s *server) cameSince(account string, after, before event.Time) bool {
	for k, a := range s.arrivals {
		if t := a.spans.Before(before + 1); !k.failed && sameAccount(k.account, account) && t != event.NoTime && t > after.Add(time.Minute) {
			return true
		}
	}
	return false
}

// openedWithin is opened within a length of time.
func (s *server) openedWithin(account string, act event.Time, within time.Duration, st *state) (k arrivalKey, at event.Time) {
	at = event.NoTime
	held := false
	for x, a := range s.arrivals {
		if x.failed || x.fromSource || !steered[x.how] || (x.account == "") != (account == "") || account != "" && !sameAccount(x.account, account) {
			continue
		}
		t := a.spans.Before(act + 1)
		if t == event.NoTime || t < act.Add(-within) || a.usual(t, st.window.From) {
			continue
		}
		proven, bad := st.proven[x.from]
		bad = bad && t >= proven
		if bad && !held || bad == held && (t > at || t == at && before(x, k)) {
			k, at, held = x, t, bad
		}
	}
	return k, at
}

// passed reports whether between an arrival and an act the account came from a server that was infiltrated by then, as that
// one's log alone tells, at a time of which this server's own log is missing: an older session is then nobody's proof.
func (s *server) passed(j *Judge, account string, after, act event.Time, st *state) bool {
	for k, a := range s.arrivals {
		if !k.fromSource || k.failed || account == "" || !sameAccount(k.account, account) {
			continue
		}
		t := a.spans.Before(act + 1)
		if proven, bad := st.proven[k.from]; bad && t != event.NoTime && t > after && t >= proven && s.unseen(j, t) {
			return true
		}
	}
	return false
}

// before puts arrivals of one instant in an order.
func before(a, b arrivalKey) bool {
	return a.source+"\x00"+a.account+"\x00"+a.how < b.source+"\x00"+b.account+"\x00"+b.how
}

// departures makes pieces of sessions on other, infiltrated servers that were opened from this one.
func (j *Judge) departures(id event.ServerID, st *state) []*piece {
	line := j.policy.Line("departure")
	if line == nil {
		return nil
	}
	var out []*piece
	for _, d := range slices.SortedFunc(maps.Keys(st.left), compareDepartures) {
		if d.from != id {
			continue
		}
		p := &piece{at: st.left[d], line: line, rule: "departure", place: "departure " + string(d.to) + d.account + d.how}
		p.says = "The session in which " + string(d.to) + " was attacked was opened from here: " + d.how
		if d.account != "" {
			p.traits.accounts = []string{d.account}
			p.says += " with account " + d.account
		}
		out = append(out, p)
	}
	if line, d, at := j.secondDeparture(id, st); line != nil {
		out = append(out, &piece{
			at: at, line: line, rule: "second departure", place: "again " + string(d.to) + d.account + d.how, traits: traits{accounts: []string{d.account}},
			says: "From here somebody went on to a second server that was infiltrated, " + string(d.to) + ", with account " + d.account + ", which had never come from here before",
		})
	}
	return out
}

// withDeparture reports whether one of two acts is that the intruder worked from this server, and the other lies inside the
// window: he had come before, and stayed, so that what else is found there lies within his reach.
func withDeparture(a, b *act, from event.Time) bool {
	gone := func(x *act) bool {
		return slices.ContainsFunc(x.lines, func(l *policy.Line) bool { return l.Name == "departure" })
	}
	lost := func(x *act) bool { // records are missing, by whatever cause: damage is no work of his for being near
		return !slices.ContainsFunc(x.pieces, func(p *piece) bool { return p.rule != "records removed" })
	}
	return gone(a) && !lost(b) && b.first >= from || gone(b) && !lost(a) && a.first >= from
}

func compareDepartures(a, b departure) int {
	key := func(d departure) string {
		return string(d.from) + "\x00" + string(d.to) + "\x00" + d.account + "\x00" + d.how
	}
	switch x, y := key(a), key(b); {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// unexplained is the earliest arrival before the first proof by which the intruder may have come: that of the session in
// which the first acts were done; one from the world at large, from a server that was infiltrated by then, or from one that is suspected, by
// a way that is no habit; one from a server that is infiltrated, whenever that was proven, by a way never gone before.
func (j *Judge) unexplained(s *server, o *opinion, proven event.Time, st *state) event.Time {
	first := proven
	for k, a := range s.arrivals {
		if k.failed || k.fromSource {
			continue
		}
		since := event.NoTime
		switch bad, known := st.proven[k.from]; {
		case j.abroad(k):
			since = st.window.From
		case known && steered[k.how]:
			since = bad
			if at := a.spans.First(); at >= st.window.From && at < bad && j.newWay(s, k, at.Add(-sessionLasts)) {
				since = at // nobody knows how long the intruder had been there
			}
		case steered[k.how] && st.doubts(k.from):
			since = st.doubted[k.from]
		case j.didFirst(o, proven, k.account):
			since = proven.Add(-sessionLasts)
			if at := a.spans.First(); k.from != "" && steered[k.how] && at >= st.window.From && j.newWay(s, k, at) {
				since = proven.Add(-staysInMemory)
			}
		default:
			continue
		}
		if t := a.unusual(max(since, st.window.From), st.window.From); t != event.NoTime {
			first = min(first, t)
		}
	}
	return first
}

// doubted are the servers on which something counts that proves nothing yet, and since when.
func doubted(ids []event.ServerID, opinions map[event.ServerID]*opinion, w event.Window) map[event.ServerID]event.Time {
	out := map[event.ServerID]event.Time{}
	for _, id := range ids {
		for _, a := range opinions[id].acts {
			if opinions[id].judgement != event.Suspected || a.why != "" {
				continue
			}
			at := a.first
			if a.untimed() {
				at = w.From
			}
			keepFirst(out, id, at)
		}
	}
	return out
}

func (st *state) doubts(id event.ServerID) bool {
	_, ok := st.doubted[id]
	return ok
}

// didFirst reports whether an account did the first acts that prove a server infiltrated.
func (j *Judge) didFirst(o *opinion, proven event.Time, account string) bool {
	return account != "" && slices.ContainsFunc(o.decisive, func(a *act) bool {
		return a.first <= proven.Add(j.policy.Thresholds.ActWindow) && slices.ContainsFunc(a.traits.accounts, func(x string) bool { return sameAccount(x, account) })
	})
}

// opensDesktop reports whether a logon over the network was the first half of one by remote desktop: then that one is the
// arrival. Network level authentication asks for the password before there is a session.
func (s *server) opensDesktop(k arrivalKey, at event.Time) bool {
	if k.how != "network logon" {
		return false
	}
	k.how = "rdp"
	desktop := s.arrivals[k]
	if desktop == nil {
		return false
	}
	t := desktop.spans.Next(at)
	return t != event.NoTime && t <= at.Add(10*time.Second)
}
