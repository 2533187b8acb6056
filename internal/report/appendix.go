package report

import (
	"cmp"
	"slices"
	"strings"

	"wardround/internal/event"
)

// movements lists who reached whom. Many are merged, which is said.
func (p *page) movements(e *estate) {
	all := e.movements.sort()
	merged := len(all) > mergeMovements
	type group struct {
		event.Movement
		n int
	}
	var rows []group
	if merged {
		type key struct {
			from, to                   event.ServerID
			address, account, how, end string
			hour                       event.Time
		}
		at := map[key]int{}
		for _, m := range all {
			k := key{m.From, m.To, m.Address, m.Account, m.How, m.SeenFrom, event.NoTime}
			if m.Time != event.NoTime {
				k.hour = e.clock.hour(m.Time)
			}
			i, ok := at[k]
			if !ok {
				i = len(rows)
				at[k] = i
				rows = append(rows, group{Movement: m})
			}
			rows[i].n++
		}
	} else {
		for _, m := range all {
			rows = append(rows, group{m, 1})
		}
	}
	for _, g := range rows[:min(len(rows), movementRows)] {
		m := movementView{Time: e.second(g.Time), To: e.link(g.To), How: cmp.Or(show(g.How, maxName), notKnown),
			Account: cmp.Or(show(g.Account, maxName), notKnown), Seen: cmp.Or(show(g.SeenFrom, maxName), notKnown), Session: show(g.Session, maxName)}
		if m.From = e.link(g.From); g.From == "" {
			m.From = linkView{Name: cmp.Or(show(g.Address, maxName), show(g.Workstation, maxName), "source "+notKnown)}
		}
		if g.n > 1 {
			m.Merged, m.Session = grouped(int64(g.n))+" times in this hour", ""
		}
		p.MovementRows = append(p.MovementRows, m)
	}
	var notes []string
	if merged {
		notes = append(notes, "Movements of one source, destination, account and way within one hour are one row; its time is the first.")
	}
	if len(all) < e.movements.total {
		notes = append(notes, "The first "+grouped(int64(len(all)))+" of "+grouped(int64(e.movements.total))+" movements are taken.")
	}
	if len(rows) > movementRows {
		notes = append(notes, grouped(movementRows)+" of "+grouped(int64(len(rows)))+" rows are shown, in order of time.")
	}
	p.MovementNote = strings.Join(notes, " ")
}

// method says by which window, policy and approved work the verdicts came to be, and which rules had a part.
func (p *page) method(e *estate, l *layout) {
	w := e.v.Window
	p.Window = windowView{From: e.when(w.From), To: e.when(w.To)}
	switch w.Basis {
	case "given":
		p.Window.Basis = "The window was given by the person who ran the examination."
	case "evidence", "":
		p.Window.Basis = "No piece of evidence set the window: it is the stretch that the evidence covers."
	default:
		p.Window.Basis = "Finding " + show(w.Basis, maxName) + " set the window."
		if c := e.find(w.Basis); c != nil {
			if c.N == 0 {
				p.Loose = append(p.Loose, l.finding(c))
			}
			p.Window.Ref = c.N
		}
	}
	p.Policy = visible(e.policy[:min(len(e.policy), maxPolicy)], true)
	for _, c := range e.changes.sort() {
		p.Changes = append(p.Changes, changeView{Row: grouped(int64(c.Row)), From: e.second(c.From), To: e.second(c.To), Account: cmp.Or(show(c.Account, maxName), notKnown),
			Source: cmp.Or(show(c.Source, maxName), notKnown), Targets: list(c.Targets, 20), Tool: cmp.Or(show(c.Tool, maxName), notKnown), Work: cmp.Or(show(c.Ticket, maxName), notKnown)})
	}
	if n := len(p.Changes); n < e.changes.total {
		p.ChangeNote = grouped(int64(n)) + " of " + grouped(int64(e.changes.total)) + " rows shown."
	}
	p.notRun(e)
	p.rulesThatFired(e)
}

// notRun lists rules by the reason why they did not run, the commonest reason first.
func (p *page) notRun(e *estate) {
	rules := map[string][]string{}
	for _, u := range e.unused.sort() {
		line := cmp.Or(show(u.Title, maxSay), "without a title")
		if u.ID != "" {
			line += " · " + show(u.ID, maxName)
		}
		if u.Source != "" {
			line += " · " + show(u.Source, maxName)
		}
		rules[u.Reason] = append(rules[u.Reason], line)
	}
	reasons := make([]string, 0, len(e.reasons))
	for r := range e.reasons {
		reasons = append(reasons, r)
	}
	slices.SortFunc(reasons, func(a, b string) int { return cmp.Or(e.reasons[b]-e.reasons[a], strings.Compare(a, b)) })
	total := 0
	for _, r := range reasons {
		n := e.reasons[r]
		total += n
		if len(p.Unused) < 200 {
			p.Unused = append(p.Unused, unusedView{Reason: cmp.Or(show(r, maxSay), "reason "+notKnown), Count: count(n, "rule", "rules"), Rules: rules[r], More: n - len(rules[r])})
		}
	}
	switch total {
	case 0:
	case 1:
		p.UnusedNote = "1 rule did not run. What only it would have shown was not seen."
	default:
		p.UnusedNote = grouped(int64(total)) + " rules did not run. What only they would have shown was not seen."
	}
}

// rulesThatFired lists each rule with its author, as rule licences ask, the most decisive use first.
func (p *page) rulesThatFired(e *estate) {
	rules := make([]*firedRule, 0, len(e.rules))
	for _, r := range e.rules {
		rules = append(rules, r)
	}
	level := func(l string) int {
		return slices.Index([]string{"informational", "low", "medium", "high", "critical"}, l)
	}
	slices.SortFunc(rules, func(a, b *firedRule) int {
		return cmp.Or(level(b.Level)-level(a.Level), strings.Compare(a.Title, b.Title), strings.Compare(a.ID, b.ID))
	})
	for _, r := range rules[:min(len(rules), keptRules)] {
		v := firedView{Title: cmp.Or(show(r.Title, maxSay), "without a title"), ID: show(r.ID, maxName), Level: cmp.Or(show(r.Level, maxName), notKnown),
			Author: cmp.Or(show(r.Author, maxSay), notKnown), License: cmp.Or(show(r.License, maxName), notKnown), Source: cmp.Or(show(r.Source, maxName), notKnown),
			Findings: notKnown, Servers: notKnown}
		if r.findings > 0 {
			v.Findings, v.Servers = grouped(int64(r.findings)), grouped(int64(len(r.servers)))
		}
		p.Fired = append(p.Fired, v)
	}
	if len(rules) > len(p.Fired) {
		p.FiredNote = grouped(int64(len(p.Fired))) + " of " + grouped(int64(len(rules))) + " rules shown, by level."
	}
}

func (p *page) evidence(e *estate) {
	slices.SortStableFunc(e.evidence, func(a, b Evidence) int {
		return cmp.Or(strings.Compare(a.Collection, b.Collection), strings.Compare(serverName(a.Server), serverName(b.Server)))
	})
	for _, s := range e.evidence {
		v := evidenceView{Collection: show(s.Collection, maxName), Server: notKnown, Artifacts: grouped(int64(s.Artifacts)), Bytes: sizeOf(s.Bytes),
			Records: grouped(int64(min(s.Records, 1<<62))), Damaged: "none", Missing: "none", Unreadable: "none", First: e.second(s.First), Last: e.second(s.Last)}
		if s.Server != nil {
			v.Server = show(string(*s.Server), maxName)
		}
		if s.Damaged > 0 {
			v.Damaged = count(s.Damaged, "stretch", "stretches") + ", " + sizeOf(max(0, s.DamagedBytes))
		}
		if s.Missing > 0 {
			v.Missing = grouped(int64(min(s.Missing, 1<<62)))
		}
		if s.Unreadable > 0 {
			v.Unreadable = grouped(int64(s.Unreadable))
		}
		v.Bad = s.Damaged > 0 || s.Missing > 0 || s.Unreadable > 0
		p.Evidence = append(p.Evidence, v)
	}
	kept := e.artifacts.sort()
	slices.SortStableFunc(kept, byPath)
	for i := range kept {
		a := kept[i].artifact()
		v := artifactView{artifact: a, Size: sizeOf(max(0, a.Bytes)), Counts: grouped(int64(min(a.Records, 1<<62)))}
		if a.Slack > 0 {
			v.Counts += " + " + grouped(int64(min(a.Slack, 1<<62))) + " from unused space"
		}
		var state []string
		if a.Error != "" {
			state = append(state, "unreadable: "+a.Error)
		}
		if a.Damaged > 0 {
			state = append(state, count(a.Damaged, "damaged stretch", "damaged stretches"))
		}
		if a.Missing > 0 {
			state = append(state, grouped(int64(min(a.Missing, 1<<62)))+" record numbers missing")
		}
		if a.Notes != "" {
			state = append(state, a.Notes)
		}
		v.State = strings.Join(state, "; ")
		p.Artifacts = append(p.Artifacts, v)
	}
	if e.artifacts.total > 0 {
		p.EvidenceTotals = count(e.artifacts.total, "artifact", "artifacts") + ", " + sizeOf(e.bytes) + "."
	}
	if n := len(kept); n < e.artifacts.total {
		p.ArtifactNote = grouped(int64(n)) + " of " + grouped(int64(e.artifacts.total)) + " artifacts shown, unreadable and damaged ones first; all in evidence.jsonl."
	}
}

func serverName(s *event.ServerID) string {
	if s == nil {
		return ""
	}
	return string(*s)
}
