package verdict

import (
	"slices"

	"wardround/internal/event"
	"wardround/internal/policy"
)

// What is here asks how the intruder came to a server that is infiltrated, where no act there says it. What it finds is a
// departure of the other server: a piece of class B, which needs a mate there.

// onlySession is the arrival before an act of which no account is known, in the time that a session lasts, if all that are
// no habit are from one computer: then it was done from there. Of which of its ways, the latest.
func (s *server) onlySession(act event.Time, st *state) (k arrivalKey, at event.Time) {
	at = event.NoTime
	for x, a := range s.arrivals {
		if x.failed || x.fromSource {
			continue
		}
		t := a.spans.Before(act + 1)
		if t == event.NoTime || t < act.Add(-sessionLasts) || a.usual(t, st.window.From) {
			continue
		}
		if !steered[x.how] || at != event.NoTime && (x.from != k.from || x.from == "" && x.source != k.source) {
			return arrivalKey{}, event.NoTime
		}
		if t > at || t == at && before(x, k) {
			k, at = x, t
		}
	}
	return k, at
}

// onlyWay notes the one server from which the intruder can have come to an infiltrated one: every arrival in the window
// before the proof by which somebody comes to work there, and that is no habit, is from it, and the log of logons has no gap
// that would hide another. Not asked where the acts themselves say how he came, nor of a server against which nothing else
// speaks: there are ways that no log of logons tells of.
func (j *Judge) onlyWay(id event.ServerID, o *opinion, opinions map[event.ServerID]*opinion, st *state) {
	s, proven := j.servers[id], firstOf(o.decisive)
	q := j.question("logon")
	if q == nil || slices.ContainsFunc(o.acts, func(a *act) bool { return a.why == "" && a.serves(comesOtherwise) }) {
		return
	}
	if _, open := s.logs.question(q, false, interval{st.window.From, proven}, &j.policy.Thresholds); len(open) > 0 {
		return
	}
	var d departure
	at := event.NoTime
	for k, a := range s.arrivals {
		if k.failed || k.fromSource || k.from == id || !steered[k.how] && k.from != "" {
			continue
		}
		t := a.unusual(st.window.From, st.window.From)
		if t == event.NoTime || t > proven {
			continue
		}
		if k.from == "" || at != event.NoTime && k.from != d.from {
			return
		}
		if at == event.NoTime || t < at || t == at && k.account+k.how < d.account+d.how {
			d, at = departure{k.from, id, k.account, k.how}, t
		}
	}
	if x := opinions[d.from]; x != nil && x.judgement != event.Inconclusive {
		keepFirst(j.stood, d, at)
	}
}

// comesOtherwise are lines that say by themselves by which way the intruder came, or may have.
func comesOtherwise(l *policy.Line) bool {
	return l.SameKind == "arrival" || slices.Contains([]string{"movement", "web shell", "script called", "script fetched", "database command", "database command of the attacker"}, l.Name)
}

// passedOn notes the server whose database client told this one what to do, if a script among its uploads was called again
// and again from outside: alone a client only passes on what visitors send, but there they had a program of their own. The same
// holds where traces were removed on purpose.
func (j *Judge) passedOn(id event.ServerID, a *act, st *state) {
	if !a.serves(func(l *policy.Line) bool {
		return l.Name == "database command" || l.Name == "database command of the attacker"
	}) {
		return
	}
	for _, source := range a.traits.sources {
		from, ok := j.opt.Resolve(source, a.first)
		if !ok || from == id || j.servers[from] == nil {
			continue
		}
		told := func(p *piece) bool {
			return (p.line.Name == "script called" || p.line.Name == "anti-forensics") && (p.untimed || p.at >= st.window.From && p.at <= a.first)
		}
		if x := j.servers[from]; !slices.ContainsFunc(x.strong, told) && !slices.ContainsFunc(x.timeless, told) {
			continue
		}
		d := departure{from, id, "", "database"}
		keepFirst(st.left, d, a.first)
	}
}

// fromDoubted notes the one server against which something speaks and from which somebody came to an infiltrated one in a
// new way, in time for what was done there. It must be the only one: where the intruder was elsewhere too, or somebody came
// from the world at large, another way is as good.
func (j *Judge) fromDoubted(id event.ServerID, o *opinion, opinions map[event.ServerID]*opinion, st *state) {
	var d departure
	at := event.NoTime
	for k, a := range j.servers[id].arrivals {
		x := opinions[k.from]
		known := x != nil && x.judgement != event.Inconclusive
		if k.failed || k.fromSource || !steered[k.how] || k.from == id || !known && !j.abroad(k) {
			continue
		}
		t := a.unusual(st.window.From, st.window.From)
		switch {
		case t == event.NoTime || !o.inReach(t, st):
		case known && a.spans.First() >= st.window.From && x.ownActBefore(t):
			if at != event.NoTime && k.from != d.from {
				return
			}
			if at == event.NoTime || t < at || t == at && k.account+k.how < d.account+d.how {
				d, at = departure{k.from, id, k.account, k.how}, t
			}
		case !known || x.judgement == event.Infiltrated:
			return
		}
	}
	if at != event.NoTime {
		keepFirst(j.stood, d, at)
	}
}

// inReach reports whether who came at a time may have done what proves the server infiltrated: within what a session lasts,
// or at any time in the window where one of the acts may be of any time. Of one who only went on from there it is not known how
// long he had been there: a week at most.
func (o *opinion) inReach(t event.Time, st *state) bool {
	passedBy := !slices.ContainsFunc(o.decisive, func(a *act) bool { return !a.serves(onward) })
	return slices.ContainsFunc(o.decisive, func(a *act) bool {
		switch {
		case passedBy:
			return t <= a.first && t >= a.first.Add(-staysInMemory)
		case a.serves(func(l *policy.Line) bool { return l.Flag == "affected" || l.SameKind != "" }):
			return false
		case a.untimed():
			return t >= st.window.From
		}
		return t <= a.first && t >= a.first.Add(-sessionLasts)
	})
}

// onward are the lines which tell that the intruder went on from a server.
func onward(l *policy.Line) bool { return l.Name == "departure" || l.Name == "second departure" }

// ownActBefore reports whether something was done on a server, by then, that is no arrival and not what another server did to
// its files.
func (o *opinion) ownActBefore(t event.Time) bool {
	return slices.ContainsFunc(o.acts, func(a *act) bool {
		return a.why == "" && (a.untimed() || a.first <= t) && a.serves(func(l *policy.Line) bool { return l.SameKind == "" && l.Flag != "affected" })
	})
}
