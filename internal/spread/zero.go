package spread

import (
	"cmp"
	"fmt"
	"slices"

	"wardround/internal/event"
)

// maxRivals bounds the rivals that are listed.
const maxRivals = 10

// arrived is when the intruder came to a server as far as a move shows it, else when it was first proven.
func (s *server) arrived() event.Time {
	if s.entry != nil {
		return min(s.entry.time, s.proven)
	}
	return s.proven
}

// from is the infiltrated server that another was reached from, nil if it was reached from elsewhere.
func (t *Teller) from(s *server) *server {
	if s.entry == nil {
		return nil
	}
	if f := t.servers[event.ServerID(s.entry.from)]; f != nil && f.bad {
		return f
	}
	return nil
}

// patientZero is the infiltrated server with the earliest arrival that no other infiltrated server explains.
func (t *Teller) patientZero() event.PatientZero {
	out := event.PatientZero{Because: []string{}, Rivals: []event.Rival{}}
	all := t.infiltrated()
	roots := slices.DeleteFunc(slices.Clone(all), func(s *server) bool { return t.from(s) != nil })
	if len(roots) == 0 {
		out.Says = "no server is proven infiltrated"
		return out
	}
	slices.SortStableFunc(roots, func(a, b *server) int { return cmp.Or(cmp.Compare(a.arrived(), b.arrived()), cmp.Compare(a.id, b.id)) })
	zero := roots[0]
	out.Server = &zero.id
	open := 0 // rivals that the logs do not exclude
	put := func(s *server, why string, excluded bool) {
		if !excluded {
			open++
		}
		if len(out.Rivals) < maxRivals {
			out.Rivals = append(out.Rivals, event.Rival{Server: s.id, WhyNot: why})
		}
	}
	if f := t.before(zero); f != nil {
		put(f, fmt.Sprintf("the intruder came from it to %s, but it is not proven infiltrated (%s)", zero.id, f.verdict.Verdict), false)
	}
	for _, s := range roots[1:] {
		why, excluded := t.whyNot(s, zero)
		put(s, why, excluded)
	}
	for _, s := range all {
		if t.from(s) != nil {
			put(s, t.explained(s), s.possible != event.NoTime || s.entry.confidence() == "high")
		}
	}
	word := zero.sureness(open)
	out.Confidence = &word
	out.Says, out.Because = t.saysZero(zero)
	return out
}

// sureness says how sure it is that a server was first: by whether its own arrival was seen, and whether another may have
// been earlier.
func (s *server) sureness(open int) string {
	switch seen := s.entry != nil && s.entry.confidence() != "low"; {
	case seen && open == 0:
		return "high"
	case seen || open == 0:
		return "moderate"
	}
	return "low"
}

// before is the server of the estate from which patient zero was reached, and which is not proven infiltrated; nil if there
// is none.
func (t *Teller) before(zero *server) *server {
	if zero.entry == nil {
		return nil
	}
	return t.servers[event.ServerID(zero.entry.from)]
}

func (t *Teller) saysZero(s *server) (string, []string) {
	if m := s.entry; m != nil {
		says := fmt.Sprintf("the earliest arrival that no other infiltrated server explains: %s from %s", m.how, m.from)
		if m.account.Name != "" {
			says += " with account " + m.account.Display()
		}
		if m.how == scriptFetched {
			says += ", and run: nobody is seen to have come otherwise, so something was opened there"
		}
		if l := t.leaseOf(m.from, m.time); l != nil && l.outer != "" {
			says += fmt.Sprintf(" (an address that the VPN of %s had lent to %s, who came from %s)", l.gateway, l.account.Display(), l.outer)
		}
		return says + " at " + second(m.time), m.edge().Because
	}
	because := []string{}
	for _, a := range s.acts {
		if a.Decisive && len(a.Reasons) > 0 {
			because = a.Reasons[0].Findings
			break
		}
	}
	return fmt.Sprintf("the earliest proof, at %s; how it was reached is open", second(s.proven)), because
}

// whyNot says why a server that no other explains is not held to be the first, and whether that excludes it.
func (t *Teller) whyNot(s, zero *server) (string, bool) {
	d := s.arrived().Sub(zero.arrived())
	late := fmt.Sprintf("%s later: ", span(d))
	if s.entry != nil {
		late += fmt.Sprintf("%s from %s at %s", s.entry.how, s.entry.from, second(s.entry.time))
	} else {
		late += "first proven at " + second(s.proven)
	}
	switch {
	case s.possible == event.NoTime:
		return late + "; no log of its logons reaches back before that, so that an earlier arrival is not excluded", false
	case s.possible < zero.arrived():
		return late + fmt.Sprintf("; its logs answer only from %s, so that an earlier arrival is not excluded", second(s.possible)), false
	}
	return late + "; its logs answer before that and show nothing", true
}

// explained says how a server was reached from another that is infiltrated.
func (t *Teller) explained(s *server) string {
	says := fmt.Sprintf("reached from %s by %s at %s", s.entry.from, s.entry.how, second(s.entry.time))
	if s.entry.account.Name != "" {
		says += " with account " + s.entry.account.Display()
	}
	if s.possible == event.NoTime {
		says += "; its own logs do not reach back before that"
	}
	return says
}
