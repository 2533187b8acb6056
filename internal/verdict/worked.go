package verdict

import (
	"math"
	"slices"
	"time"

	"wardround/internal/event"
)

// What is here asks whose hand it was. An account that was taken is used by two: by its owner, in the ways that he is used to, and by the
// intruder. A way that the account never went before the intruder sat at its other end is his.

// arrived is an arrival at one time.
type arrived struct {
	key arrivalKey
	at  event.Time
}

// worked makes pieces of sessions in which somebody came to work here (a desktop, a shell) and not only to read files, with an account that
// did what proves a server infiltrated, from a server infiltrated by then, from which this account had never come before. That the password
// was used is one act, that somebody sat here another. Once files are seen encrypted, those who repair go new ways too: then it does not
// count.
func (j *Judge) worked(s *server, came []arrived, st *state) []*piece {
	line := j.policy.Line("session of the intruder")
	if line == nil {
		return nil
	}
	var out []*piece
	for _, x := range came {
		if x.key.fromSource || notedAt(st.used, x.key.account) == event.NoTime || x.at > j.damage || !s.atWork(x, j.policy.Thresholds.ActWindow) {
			continue
		}
		if !j.newWay(s, x.key, st.proven[x.key.from]) {
			continue
		}
		out = append(out, &piece{
			at: x.at, line: line, rule: "session", place: "session " + x.key.source + x.key.account + x.key.how, traits: traits{accounts: []string{x.key.account}, sources: []string{x.key.source}},
			says: "Somebody worked here in a session that account " + x.key.account + ", with which the intruder was at work, opened from " + string(x.key.from) + ", infiltrated by then, from where it had never come before",
		})
	}
	return out
}

// borrowed is when somebody came to work here, or ran a program here in the way of tools, from an infiltrated server with an account that had
// never come from there to any other, while its owner was not at work there: whoever sat there had another's password. Who hops on from his
// own desktop is not meant, nor who repairs after files were seen encrypted. That is one act, and does not prove the account taken. NoTime if
// nobody did, or the logs of either end do not tell.
func (j *Judge) borrowed(s *server, k arrivalKey, a *arrival, since event.Time, st *state) event.Time {
	q, from := j.question("logon"), j.servers[k.from]
	if q == nil || from == nil || k.fromSource {
		return event.NoTime
	}
	at := a.unusual(max(since, st.window.From), st.window.From)
	window := j.policy.Thresholds.ActWindow
	if at == event.NoTime || at > j.damage || !s.atWork(arrived{k, at}, window) && !s.toolRan(k.account, at, window) || !j.newWay(s, k, since) || !j.remembered(from, "", at) {
		return event.NoTime
	}
	if _, open := from.logs.question(q, false, interval{at.Add(-sessionLasts), at}, &j.policy.Thresholds); len(open) > 0 {
		return event.NoTime
	}
	if from.atWorkThen(k.account, at, window) {
		return event.NoTime
	}
	return at
}

// atWorkThen reports whether an account may have sat at a desktop or shell of a server at a time: it came to work within a week before, and
// has not left or ended the desktop since. An end just after he came is that of the client or session that he took over.
func (s *server) atWorkThen(account string, at event.Time, window time.Duration) bool {
	left := event.NoTime
	for x, e := range s.ended {
		if sameAccount(x, account) {
			left = max(left, e.Before(at))
		}
	}
	for x, b := range s.arrivals {
		t := b.spans.Before(at + 1)
		if works[x.how] && !x.failed && sameAccount(x.account, account) && t != event.NoTime && t >= at.Add(-staysInMemory) && (x.how != "rdp" || left == event.NoTime || t >= left.Add(-window)) {
			return true
		}
	}
	return false
}

// madeThere makes pieces of accounts and keys that were made within the hour after somebody came to work here from an infiltrated server in a
// way never gone before: by the account that came, or, where the log names no maker, by whoever did.
func (j *Judge) madeThere(s *server, came []arrived, st *state) []*piece {
	line := j.policy.Line("account made there")
	if line == nil {
		return nil
	}
	var out []*piece
	for _, p := range s.noted {
		if p.made == nil {
			continue
		}
		if slices.ContainsFunc(came, func(x arrived) bool {
			return !x.key.fromSource && x.at <= p.at && p.at <= x.at.Add(time.Hour) && (p.made.by == "" || sameAccount(p.made.by, x.key.account)) &&
				s.atWork(x, j.policy.Thresholds.ActWindow) && j.newWay(s, x.key, st.proven[x.key.from])
		}) {
			made := *p
			made.line = line
			out = append(out, &made)
		}
	}
	return out
}

// relayed is when somebody came from an infiltrated server in a way never gone before, if within a week after, in another way never gone before
// he came, the intruder went on from here to a server that is infiltrated: he came through here, whosever password he used. NoTime if nobody
// did.
func (j *Judge) relayed(id event.ServerID, s *server, k arrivalKey, a *arrival, since event.Time, st *state) event.Time {
	memory := s // whose log must tell that he never came before
	if k.fromSource {
		memory = j.servers[k.from]
	}
	if !steered[k.how] && !(k.fromSource && k.how == "explicit credentials") && k.how != ticket {
		return event.NoTime
	}
	at := a.unusual(max(since, st.window.From), st.window.From)
	if at == event.NoTime || k.how == ticket && !j.newTicket(k, since) || k.how != ticket && !j.newWay(memory, k, since) {
		return event.NoTime
	}
	for d, left := range st.left {
		if d.from == id && d.to != k.from && d.account != "" && left >= at && left <= at.Add(staysInMemory) && j.newWay(j.servers[d.to], arrivalKey{account: d.account, from: id}, at) {
			return at
		}
	}
	return event.NoTime
}

// toolRan reports whether a tool ran a program here over the network just then, with an account.
func (s *server) toolRan(account string, at event.Time, window time.Duration) bool {
	return slices.ContainsFunc(s.strong, func(p *piece) bool {
		return p.line.Name == "remote service" && p.at >= at.Add(-window) && p.at <= at.Add(window) && slices.ContainsFunc(p.traits.accounts, func(x string) bool { return sameAccount(x, account) })
	})
}

// borrowed reports whether all that is known of an act is that an account was borrowed.
func (a *act) borrowed() bool {
	return !slices.ContainsFunc(a.pieces, func(p *piece) bool { return !p.borrowed })
}

// atWork reports whether an arrival opened a desktop or a shell: by its way, or because its source tells that a remote shell was opened
// from there just then.
func (s *server) atWork(x arrived, window time.Duration) bool {
	if works[x.key.how] {
		return true
	}
	for k, a := range s.arrivals {
		if k.fromSource && !k.failed && k.from == x.key.from && (k.how == "winrm" || k.how == "connection to winrm") {
			if t := a.spans.Next(x.at.Add(-window)); t != event.NoTime && t <= x.at.Add(window) {
				return true
			}
		}
	}
	return false
}

// remembers is how far back a server's logons must be known before it is said that somebody never came before.
const remembers = 7 * 24 * time.Hour

// newWay reports whether an account had never come from a server to any other before a time, as far as logs tell, and those of the server
// at hand reach back far enough to tell.
func (j *Judge) newWay(s *server, k arrivalKey, before event.Time) bool {
	return !j.cameBefore(k, before) && j.remembered(s, k.how, before)
}

// cameBefore reports whether an account had come from a server to any other before a time.
func (j *Judge) cameBefore(k arrivalKey, before event.Time) bool { return j.gone.before(k, before) }

// newTicket reports the same as newWay of tickets, of which domain controllers tell: theirs must reach back as far.
func (j *Judge) newTicket(k arrivalKey, before event.Time) bool {
	return !j.cameBefore(k, before) && !j.ticketed.before(k, before) && j.oldestTicket <= before.Add(-remembers)
}

// goneWays are from where accounts first came, and when.
type goneWays map[gone][]firstGone

// gone is from where an account came, by its name alone.
type gone struct {
	from event.ServerID
	name string
}

// firstGone is when an account first came from there to any server.
type firstGone struct {
	account string
	first   event.Time
}

func (g goneWays) before(k arrivalKey, before event.Time) bool {
	_, name := splitAccount(k.account)
	return slices.ContainsFunc(g[gone{k.from, name}], func(w firstGone) bool { return w.first < before && sameAccount(w.account, k.account) })
}

func (g goneWays) note(k arrivalKey, first event.Time) {
	if k.failed || k.from == "" || k.account == "" {
		return
	}
	_, name := splitAccount(k.account)
	key := gone{k.from, name}
	if i := slices.IndexFunc(g[key], func(w firstGone) bool { return w.account == k.account }); i >= 0 {
		g[key][i].first = min(g[key][i].first, first)
		return
	}
	g[key] = append(g[key], firstGone{k.account, first})
}

// indexWays notes for each server and account when the account first came from there, or had a ticket, and who ever came from outside.
func (j *Judge) indexWays() {
	j.gone, j.ticketed, j.strangers, j.oldestTicket = goneWays{}, goneWays{}, nil, never
	for _, s := range j.servers {
		for k, a := range s.arrivals {
			first := a.spans.First()
			if j.stranger(k, first) {
				j.strangers = append(j.strangers, arrived{k, first})
			}
			j.gone.note(k, first)
		}
		for k, a := range s.tickets {
			j.oldestTicket = min(j.oldestTicket, a.spans.First())
			j.ticketed.note(k, a.spans.First())
		}
	}
}

// never is after all times.
const never = event.Time(math.MaxInt64)

// firstDamage is when the estate's files were first seen to be encrypted where they lie, never if they were not.
func (j *Judge) firstDamage() event.Time {
	first := never
	for _, s := range j.servers {
		for _, p := range s.strong {
			if p.line.Name == "encrypted here" || p.line.Name == "hypervisor encryptor" {
				first = min(first, p.at)
			}
		}
	}
	return first
}
