package verdict

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"wardround/internal/event"
	"wardround/internal/policy"
)

// ofOneCourse reports whether an act of unknown time and another inside the window belong together by what they are. A group
// policy has members start the intruder's program, and something was done on its controller before they first did: for that
// he must have ruled it. Or files were encrypted here, or his program lies here by its content, and this server's copies and
// backups were deleted by command: who encrypts takes away first what could be restored, and only on the server itself can
// he. That alone may be chance, so there must be an intruder in the estate, or another server to which both happened.
func (j *Judge) ofOneCourse(s *server, a, b *act, st *state) bool {
	if !a.untimed() || b.untimed() || b.first < st.window.From {
		return false
	}
	for _, p := range a.pieces {
		switch {
		case p.line.Flag == "affected" || p.rule == "same content":
			if p.rule == "same content" && j.toolFromThere(s, b, st) {
				return true
			}
			if b.serves(local) && (len(st.proven) > 0 || p.added != "" && j.befellAnother(s, p.added, b.first)) {
				return true
			}
		case p.by != 0:
			if b.first <= p.by && (b.serves(func(l *policy.Line) bool { return l.SameKind == "" }) || j.toolFromThere(s, b, st) || s.satHere(b, j.policy.Thresholds.ActWindow)) {
				return true
			}
		}
	}
	return false
}

// toolFromThere reports whether a tool came, to run a program here, from a server infiltrated by then, with an account that was taken by then or
// had never come from there to any other.
func (j *Judge) toolFromThere(s *server, a *act, st *state) bool {
	if !a.serves(sendsTool) {
		return false
	}
	for _, source := range a.traits.sources {
		from, ok := j.opt.Resolve(source, a.first)
		since, bad := st.proven[from]
		if ok && bad && since <= a.first && slices.ContainsFunc(a.traits.accounts, func(x string) bool {
			taken, k := usableAt(x, st), arrivalKey{account: x, from: from}
			return taken != event.NoTime && taken <= a.first || j.newWay(s, k, since) || s.unseen(j, a.first) && j.newTicket(k, since)
		}) {
			return true
		}
	}
	return false
}

// satHere reports whether an act is an arrival of the intruder's by which he came to work here, at a desktop or in a shell.
func (s *server) satHere(a *act, window time.Duration) bool {
	if !a.serves(moved) {
		return false
	}
	for k, v := range s.arrivals {
		if works[k.how] && !k.failed && v.spans.Touches(a.first.Add(-window), a.first.Add(window)) && slices.ContainsFunc(a.traits.accounts, func(x string) bool { return sameAccount(x, k.account) }) {
			return true
		}
	}
	return false
}

// serves reports whether an act serves a line of some kind.
func (a *act) serves(is func(*policy.Line) bool) bool { return slices.ContainsFunc(a.lines, is) }

func local(l *policy.Line) bool { return slices.Contains(localLines, l.Name) }

// befellAnother reports whether another server's files bear the same extension that no known program adds, and its copies or
// backups were deleted too, within the time in which acts are linked.
func (j *Judge) befellAnother(s *server, added string, at event.Time) bool {
	for _, o := range j.servers {
		if o == s || !slices.ContainsFunc(o.timeless, func(p *piece) bool { return p.added == added }) {
			continue
		}
		if slices.ContainsFunc(o.strong, func(p *piece) bool {
			return local(p.line) && p.at.Sub(at).Abs() <= j.policy.Thresholds.LinkWindow
		}) {
			return true
		}
	}
	return false
}

// aim is that a tool of the intruder's on one server was told to go to another.
type aim struct {
	from, to event.ServerID
	at       event.Time
}

// aimedName finds the computers that a command names: \\db2, as tools that run programs elsewhere take them.
var aimedName = regexp.MustCompile(`(?:^|[\s"'=@])\\\\([A-Za-z0-9][A-Za-z0-9._-]{0,62})(?:[\s"',]|$)`)

// maxAims bounds what is kept of them.
const maxAims = 4096

// noteAims keeps the servers that a tool of the intruder's, run on an infiltrated server, names as its targets.
func (j *Judge) noteAims(id event.ServerID, p *piece, st *state) {
	if p.line.Name != "tool present" || p.untimed {
		return
	}
	for _, to := range j.targets(p) {
		if to != id && len(st.aims) < maxAims {
			st.aims[aim{id, to, p.at}] = true
		}
	}
}

// targets are the servers that a tool's command names.
func (j *Judge) targets(p *piece) (out []event.ServerID) {
	for _, m := range aimedName.FindAllStringSubmatch(p.object, maxTraits) {
		if to, ok := j.opt.Resolve(m[1], p.at); ok {
			out = append(out, to)
		}
	}
	return out
}

// toolAimed reports whether a record on one server shows that a tool only intruders use was aimed at another about a time.
func (j *Judge) toolAimed(from, to event.ServerID, at event.Time) bool {
	return slices.ContainsFunc(j.servers[from].strong, func(p *piece) bool {
		return p.line.Name == "tool present" && p.at.Sub(at).Abs() <= j.policy.Thresholds.ActWindow && slices.Contains(j.targets(p), to)
	})
}

// aimedAt is when an arrival came from where a tool of the intruder's had just been aimed at this server, NoTime if none
// did. Both ends tell of one movement: whose account it was is beside the point.
func (j *Judge) aimedAt(id event.ServerID, k arrivalKey, a *arrival, st *state) event.Time {
	out := event.NoTime
	for x := range st.aims {
		if x.from != k.from || x.to != id || !steered[k.how] {
			continue
		}
		if t := a.spans.Next(x.at.Add(-aimLeads)); t != event.NoTime && t <= x.at.Add(j.policy.Thresholds.ActWindow) && (out == event.NoTime || t < out) {
			out = t
		}
	}
	return out
}

// aimLeads is how much earlier than the tool's start its arrival may be logged: two servers' clocks are never quite equal.
const aimLeads = 5 * time.Second

// noteMade keeps an account that the intruder made.
func (j *Judge) noteMade(p *piece, st *state) {
	if p.line.Name == "account of the attacker" && p.rule != "account used" && p.made != nil && !p.made.raised {
		keepFirst(st.made, p.made.account, p.at)
	}
}

// works are the ways by which somebody is at work on a server when he has come; over the network he may only read its files.
var works = map[string]bool{"rdp": true, "ssh": true, "winrm": true, "wmi": true, "login": true}

// madeByHim reports whether somebody came to work with an account that the intruder had made by then: it has no lawful holder.
// The same name on another server is another account; only one of a domain is known everywhere.
func (j *Judge) madeByHim(k arrivalKey, at event.Time, st *state) bool {
	account := k.account
	for made, since := range st.made {
		if works[k.how] && since <= at && strings.Contains(made, `\`) && sameAccount(made, account) {
			return true
		}
	}
	return false
}

// pursued reports whether one act gave a foothold, or was an arrival of the intruder's with an account that he had taken, and another, within a
// week after, is what an intruder has one for. Each alone may be lawful; one after the other hardly is. An aim whose time is not known will do
// where traces were removed on purpose in that week.
func (o *opinion) pursued(foothold, aim *act, from event.Time) bool {
	if !foothold.serves(stage("foothold")) && (foothold.borrowed() || !foothold.serves(moved)) || !aim.serves(stage("aim")) || foothold.untimed() || foothold.first < from {
		return false
	}
	soon := func(a *act) bool {
		return !a.untimed() && a.first >= foothold.first && a.first <= foothold.first.Add(staysInMemory)
	}
	return soon(aim) || aim.untimed() && slices.ContainsFunc(o.acts, func(a *act) bool {
		return a.why == "" && soon(a) && a.serves(func(l *policy.Line) bool { return l.Name == "anti-forensics" })
	})
}

func stage(name string) func(*policy.Line) bool {
	return func(l *policy.Line) bool { return l.Stage == name }
}

// aims notes when what an intruder wants was first done on a server, where that proves nothing so far.
func (j *Judge) aims(id event.ServerID, o *opinion, from event.Time) {
	for _, a := range o.acts {
		if !slices.Contains(o.decisive, a) && a.why == "" && !a.untimed() && a.first >= from && a.serves(stage("aim")) {
			keepFirst(j.wanted, id, a.first)
		}
	}
}
