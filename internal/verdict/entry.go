package verdict

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"wardround/internal/event"
	"wardround/internal/policy"
)

// What is here asks for the way in. That a stranger came from outside is everyday life: suppliers and doctors do. It is evidence only on a
// server from which the intruder is known to have gone on.

// lease is an address inside that a VPN's gateway lent to somebody outside.
type lease struct {
	inner, account string
	gateway        event.ServerID
	at             event.Time
}

const (
	maxLeases  = 50_000
	leaseLasts = 24 * time.Hour // a session may be as old when somebody comes by it
)

// lend keeps what a VPN's gateway tells.
func (j *Judge) lend(m *event.Movement) {
	if m.How == "vpn" && !m.Failed && m.Session != "" && len(j.leases) < maxLeases {
		j.leases = append(j.leases, lease{strings.ToLower(m.Session), j.accountOf("", m.Account), m.To, m.Time})
	}
}

// lent reports whether an address was lent by a VPN to whoever came from it with an account at a time.
func (j *Judge) lent(address, account string, at event.Time) bool {
	i, _ := slices.BinarySearchFunc(j.leases, address, func(l lease, a string) int { return strings.Compare(l.inner, a) })
	for ; i < len(j.leases) && j.leases[i].inner == address; i++ {
		if l := j.leases[i]; l.at <= at.Add(time.Minute) && at <= l.at.Add(leaseLasts) && (l.account == "" || account == "" || sameAccount(l.account, account)) {
			return true
		}
	}
	return false
}

func compareLeases(a, b lease) int {
	return cmp.Or(strings.Compare(a.inner, b.inner), cmp.Compare(a.at, b.at), strings.Compare(a.account, b.account), cmp.Compare(a.gateway, b.gateway))
}

// stranger reports whether an arrival brought somebody from outside of the hospital to work here: from an address of the world at large, by
// one that a VPN had lent, or by a tool for remote help.
func (j *Judge) stranger(k arrivalKey, at event.Time) bool {
	switch {
	case k.failed || k.fromSource || k.from != "":
		return false
	case k.how == "remote control":
		return true
	}
	return works[k.how] && (j.abroad(k) || j.lent(k.source, k.account, at))
}

// newcomers are the first arrivals on a server of strangers who had never come before to any: nobody with that account from outside, or by
// that name with a tool for remote help. The server's logs, or for a tool its own list, must tell who came before.
func (j *Judge) newcomers(s *server, st *state) []arrived {
	var out []arrived
	for k, a := range s.arrivals {
		at := a.spans.First()
		if at < st.window.From || !j.stranger(k, at) || j.strangerBefore(k, at) {
			continue
		}
		if k.how == "remote control" && !s.helpedBefore(at) || k.how != "remote control" && !j.remembered(s, k.how, at) {
			continue
		}
		out = append(out, arrived{k, at})
	}
	slices.SortFunc(out, func(a, b arrived) int {
		return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(a.key.source+"\x00"+a.key.account+"\x00"+a.key.how, b.key.source+"\x00"+b.key.account+"\x00"+b.key.how))
	})
	return out
}

// strangerBefore reports whether the same stranger had come from outside to any server before.
func (j *Judge) strangerBefore(k arrivalKey, at event.Time) bool {
	for _, x := range j.strangers {
		if x.at >= at.Add(-sessionLasts) || (x.key.how == "remote control") != (k.how == "remote control") {
			continue
		}
		if k.how == "remote control" && x.key.source == k.source || k.how != "remote control" && sameAccount(x.key.account, k.account) {
			return true
		}
	}
	return false
}

// helpedBefore reports whether others had come by a tool for remote help before: then it is known who does.
func (s *server) helpedBefore(at event.Time) bool {
	for k, a := range s.arrivals {
		if k.how == "remote control" && !k.failed && a.spans.First() < at.Add(-remembers) {
			return true
		}
	}
	return false
}

// desktopLog is small and kept for months, where the log of logons may last for hours.
const desktopLog = "windows/microsoft-windows-terminalservices-localsessionmanager/operational"

// remembered reports whether a server's logs reach back far enough to say that somebody never came before in some way: its logs of logons, or
// of desktops theirs, if its record numbers show it whole.
func (j *Judge) remembered(s *server, how string, before event.Time) bool {
	if l := s.logs[logKey{source: desktopLog}]; how == "rdp" && l != nil && len(l.runs) > 0 && l.spans.First() <= before.Add(-remembers) && l.spans.Last() >= before {
		if !slices.ContainsFunc(l.numberHoles(), func(h hole) bool { return h.span[0] <= before && h.span[1] >= before.Add(-remembers) }) {
			return true
		}
	}
	q := j.question("logon")
	if q == nil {
		return false
	}
	known, _ := s.logs.question(q, false, interval{before.Add(-remembers), before}, &j.policy.Thresholds)
	return known.Answered >= j.policy.Thresholds.CoverageMust
}

// entries makes a piece of the one stranger who came from outside for the first time, within a week before the intruder went on from here, or
// did here what an intruder comes for.
func (j *Judge) entries(id event.ServerID, s *server, st *state) []*piece {
	line := j.policy.Line("entry from outside")
	went := event.NoTime // when the intruder first went on from here, or had what he came for
	for d, at := range st.left {
		if d.from == id && (went == event.NoTime || at < went) {
			went = at
		}
	}
	if at, ok := st.wanted[id]; ok && (went == event.NoTime || at < went) {
		went = at
	}
	if line == nil || went == event.NoTime {
		return nil
	}
	x, ok := j.onlyStranger(s, went, st)
	if !ok {
		return nil
	}
	p := &piece{at: x.at, line: line, rule: "entry", place: "entry " + x.key.source + x.key.account + x.key.how, traits: traits{sources: []string{x.key.source}}}
	p.says = "Somebody came from outside for the first time, within a week before what is told here: " + x.key.how + " from " + x.key.source
	if x.key.account != "" {
		p.traits.accounts = []string{x.key.account}
		p.says += " with account " + x.key.account
	}
	return []*piece{p}
}

// onlyStranger is the one stranger who came to a server from outside for the first time within a week before a time: where two did, either
// may have been lawful. Of his arrivals the first.
func (j *Judge) onlyStranger(s *server, by event.Time, st *state) (x arrived, ok bool) {
	for _, y := range j.newcomers(s, st) {
		if y.at > by || y.at < by.Add(-staysInMemory) {
			continue
		}
		if ok && (y.key.account != x.key.account || x.key.how == "remote control" && y.key.source != x.key.source) {
			return arrived{}, false
		}
		if !ok {
			x, ok = y, true
		}
	}
	return x, ok
}

// maxLegs bounds the course that is followed back from a server.
const maxLegs = 4

// leg is a session by which somebody came to work on a server from another in a way that was never gone before.
type leg struct {
	departure
	at event.Time
}

// course notes the sessions by which somebody came, step by step in ways that were never gone before, from a stranger's entry or from a
// server on which something was done to one on which something else was done. Each alone may be chance; that they lead from one to the
// other in order of time is not. Where two such ways lead to a server, or a gap in its log of logons may hide another, none is taken.
// It is not asked where acts say themselves how somebody came; a command by the database engine does if it names its client.
func (j *Judge) course(id event.ServerID, o *opinion, opinions map[event.ServerID]*opinion, st *state) {
	if o.judgement != event.Suspected || slices.ContainsFunc(o.acts, func(a *act) bool {
		return a.why == "" && a.serves(comesOtherwise) && !(a.only("database command") && len(a.traits.sources) == 0)
	}) {
		return
	}
	last, since := event.NoTime, event.NoTime
	for _, a := range o.acts {
		if a.why != "" || !a.serves(done) {
			continue
		}
		by, from := a.last, a.last.Add(-staysInMemory)
		if a.untimed() {
			by, from = st.window.To, st.window.From
		}
		if by > last {
			last, since = by, from
		}
	}
	if last == event.NoTime {
		return
	}
	for _, l := range j.coursesTo(id, since, last, opinions, st, 0) {
		keepFirst(j.stood, l.departure, l.at)
	}
}

// done are lines of what somebody does on the server where he is.
func done(l *policy.Line) bool {
	return l.Class == event.B && l.SameKind == "" && l.Flag == "" && l.Name != "session of the intruder" && l.Name != "entry from outside" && l.Name != "payload deployed"
}

// coursesTo is the one course that ends on a server between two times, nil if there is none, or more than one.
func (j *Judge) coursesTo(id event.ServerID, since, by event.Time, opinions map[event.ServerID]*opinion, st *state, depth int) []leg {
	if depth >= maxLegs {
		return nil
	}
	var found []leg
	for _, l := range j.legs(id, max(since, st.window.From), by) {
		way := []leg{l}
		if !j.begins(l, opinions[l.from], st) {
			before := j.coursesTo(l.from, l.at.Add(-staysInMemory), l.at, opinions, st, depth+1)
			if before == nil {
				continue
			}
			way = append(before, l)
		}
		if found != nil && found[len(found)-1].from != l.from {
			return nil
		}
		if found == nil {
			found = way
		}
	}
	return found
}

// begins reports whether a course may begin where a leg does: a stranger came there, or something was done or a tool sent there, within a week
// before.
func (j *Judge) begins(l leg, o *opinion, st *state) bool {
	if _, ok := j.onlyStranger(j.servers[l.from], l.at, st); ok {
		return true
	}
	return o != nil && slices.ContainsFunc(o.acts, func(a *act) bool {
		return a.why == "" && (a.serves(done) || a.serves(sendsTool)) && !a.untimed() && a.first >= st.window.From && a.first <= l.at && a.first >= l.at.Add(-staysInMemory)
	})
}

// legs are the sessions by which somebody came to work on a server, in a way that was never gone before, between two times.
func (j *Judge) legs(id event.ServerID, since, by event.Time) []leg {
	s, q := j.servers[id], j.question("logon")
	if q == nil {
		return nil
	}
	var out []leg
	for _, k := range slices.SortedFunc(maps.Keys(s.arrivals), compareArrivals) {
		at := s.arrivals[k].spans.First()
		if k.failed || k.fromSource || k.account == "" || k.from == id || j.servers[k.from] == nil || at < since || at > by {
			continue
		}
		if _, open := s.logs.question(q, false, interval{at, by}, &j.policy.Thresholds); len(open) > 0 {
			continue
		}
		if s.atWork(arrived{k, at}, j.policy.Thresholds.ActWindow) && j.newWay(s, k, at.Add(-sessionLasts)) {
			out = append(out, leg{departure{k.from, id, k.account, k.how}, at})
		}
	}
	return out
}

func compareArrivals(a, b arrivalKey) int {
	return cmp.Or(strings.Compare(a.source, b.source), strings.Compare(a.account, b.account), strings.Compare(a.how, b.how), cmp.Compare(a.from, b.from))
}
