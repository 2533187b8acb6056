package spread

import (
	"fmt"
	"slices"
	"strings"

	"wardround/internal/event"
)

// Answer lets the first screen's answers, and from where each infiltrated server was reached, follow from the story.
func Answer(v *event.Verdicts, s *event.Story) {
	entries := map[event.ServerID]*event.Edge{}
	for i := range s.Edges {
		if e := &s.Edges[i]; e.Entry && entries[e.To] == nil {
			entries[e.To] = e
		}
	}
	for i := range v.Servers {
		if e := entries[v.Servers[i].Server]; e != nil {
			v.Servers[i].From = reachedFrom(e, v.Servers[i].From)
		}
	}
	if s.PatientZero.Server == nil {
		return
	}
	for i := range v.Answers {
		a := &v.Answers[i]
		switch a.Question {
		case "since when":
			sinceWhen(a, v, s)
		case "where first":
			whereFirst(a, s)
		case "how far":
			howFar(a, v, s)
		case "from where":
			fromWhere(a, s)
		}
	}
}

// reachedFrom puts the way by which a server was reached before the others.
func reachedFrom(e *event.Edge, list []event.Origin) []event.Origin {
	o := event.Origin{Account: e.Account, Address: e.Address}
	if e.From != nil && (e.Address == nil || *e.From != *e.Address) {
		o.Server = e.From
	}
	same := func(a, b *string) bool {
		return a == nil && b == nil || a != nil && b != nil && strings.EqualFold(*a, *b)
	}
	out := []event.Origin{o}
	for _, x := range list {
		if !(same(x.Server, o.Server) && (x.Account == nil || o.Account != nil && ParseAccount(*x.Account).Same(ParseAccount(*o.Account)))) || x.Server == nil && !same(x.Address, o.Address) {
			out = append(out, x)
		}
	}
	return out
}

func server1(v *event.Verdicts, id event.ServerID) *event.Verdict {
	i := slices.IndexFunc(v.Servers, func(s event.Verdict) bool { return s.Server == id })
	if i < 0 {
		return nil
	}
	return &v.Servers[i]
}

func sinceWhen(a *event.Answer, v *event.Verdicts, s *event.Story) {
	z := server1(v, *s.PatientZero.Server)
	if z == nil || z.Since == nil {
		return
	}
	e := z.Since
	a.State = "partial"
	switch {
	case e.EarliestPossible == event.NoTime:
		a.Says = fmt.Sprintf("proven at %s on %s; how much earlier is not known, no log there answers", e.FirstProven, z.Server)
	case e.BoundedBy == "answered":
		a.State = "answered"
		a.Says = fmt.Sprintf("between %s and %s (proven), on %s", e.EarliestPossible, e.FirstProven, z.Server)
	case e.BoundedBy == "gap":
		a.Says = fmt.Sprintf("between %s (a gap in the logs begins) and %s (proven), on %s", e.EarliestPossible, e.FirstProven, z.Server)
	default:
		a.Says = fmt.Sprintf("between %s (logs begin) and %s (proven), on %s", e.EarliestPossible, e.FirstProven, z.Server)
	}
	if n := open(v, s); n > 0 {
		a.State = "partial"
		a.Says += fmt.Sprintf("; perhaps earlier on %s: the logs do not tell", others(n))
	}
	if len(z.Because) > 0 {
		a.Because = z.Because[0].Findings
	}
}

// open counts the rivals of patient zero that were not shown to have been reached from another server, and whose logs do
// not exclude that they were earlier.
func open(v *event.Verdicts, s *event.Story) (n int) {
	z := server1(v, *s.PatientZero.Server)
	if z == nil || z.Since == nil {
		return 0
	}
	reached := map[event.ServerID]bool{}
	for i := range s.Edges {
		if e := &s.Edges[i]; e.Entry {
			reached[e.To] = true
		}
	}
	for _, r := range s.PatientZero.Rivals {
		x := server1(v, r.Server)
		if x != nil && x.Since != nil && !reached[r.Server] && (x.Since.EarliestPossible == event.NoTime || x.Since.EarliestPossible < z.Since.FirstProven) {
			n++
		}
	}
	return n
}

func others(n int) string {
	if n == 1 {
		return "1 other"
	}
	return fmt.Sprintf("%d others", n)
}

func whereFirst(a *event.Answer, s *event.Story) {
	z := &s.PatientZero
	a.State = "partial"
	if *z.Confidence == "high" {
		a.State = "answered"
	}
	a.Says = fmt.Sprintf("%s, with %s confidence: %s", *z.Server, *z.Confidence, z.Says)
	a.Because = citedIn(z.Because)
}

func howFar(a *event.Answer, v *event.Verdicts, s *event.Story) {
	bad := v.Servers[:0:0]
	for _, x := range v.Servers {
		if x.Verdict == event.Infiltrated {
			bad = append(bad, x)
		}
	}
	a.State = "answered"
	a.Says = fmt.Sprintf("%s infiltrated, %s taken", counted(len(bad), "server"), counted(len(s.Accounts), "account"))
	if n := len(s.Unexplained); n > 0 {
		a.State = "partial"
		a.Says += fmt.Sprintf("; how %d of them was reached is open", n)
	} else {
		a.Says += "; how each was reached is known"
	}
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// fromWhere names the addresses outside that are tied to the intruder, with their networks and countries where a database
// tells them. It never says who sat there.
func fromWhere(a *event.Answer, s *event.Story) {
	var list []string
	at := map[string]int{}
	var because []string
	for _, r := range s.Origin {
		if r.Of == nil {
			continue
		}
		switch r.Rung {
		case event.RungIndicator:
			at[*r.Of] = len(list)
			list = append(list, *r.Of)
			because = append(because, r.Because...)
		case event.RungHolder, event.RungCountry:
			if i, ok := at[*r.Of]; ok && r.Value != nil {
				list[i] += ", " + *r.Value
			}
		}
	}
	if len(list) == 0 {
		return
	}
	a.State, a.Because = "partial", citedIn(because)
	a.Says = strings.Join(list[:min(3, len(list))], "; ")
	if len(list) > 3 {
		a.Says += fmt.Sprintf(" and %d more", len(list)-3)
	}
	a.Says += "; who used them is not known: each could be a relay"
}

var citation = func(s string) bool { return len(s) == 16 && strings.Trim(s, "0123456789abcdef") == "" }

// citedIn keeps the ids of findings.
func citedIn(list []string) []string {
	out := []string{}
	for _, s := range list {
		if citation(s) && !slices.Contains(out, s) && len(out) < maxPlaces {
			out = append(out, s)
		}
	}
	return out
}
