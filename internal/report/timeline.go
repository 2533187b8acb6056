package report

import (
	"cmp"
	"slices"

	"wardround/internal/event"
)

// momentView is a row of the timeline: an act, or a silence before it.
type momentView struct {
	Silence               string // before this act, "" when it is short
	People, UTC, Recorded string
	Server                linkView
	Account, Tactic       string
	Class, Says           string
	evidenceLinks
}

// moments lists the cited acts in order of time, with the silences between them. Of more than there is room for, those of
// class A and B come first.
func (p *page) moments(e *estate, l *layout, s *storyView) {
	acts := e.acts()
	last := event.NoTime
	for _, m := range acts {
		v := momentView{People: e.clock.people(m.Time), UTC: e.clock.utcTime(m.Time), Server: e.link(m.Server), Account: cmp.Or(show(stated(m.Account), maxName), notKnown),
			Tactic: cmp.Or(show(stated(m.Tactic), maxName), "none given"), Class: show(string(m.Class), 20), Says: cmp.Or(e.says(m.Says), "what is "+notKnown),
			evidenceLinks: p.carried(e, l, m.Because, nil)}
		if m.Recorded != m.Time && m.Recorded != event.NoTime && m.Time != event.NoTime {
			v.Recorded = e.clock.people(m.Recorded)
		}
		if last != event.NoTime && m.Time-last >= event.Time(silentFrom) {
			v.Silence = spell(m.Time - last)
		}
		last = max(last, m.Time)
		s.Moments = append(s.Moments, v)
	}
	if n := len(e.story.Timeline); n > len(acts) {
		s.MomentNote = grouped(int64(len(acts))) + " of " + grouped(int64(n)) + " acts are shown, those of class A and B first; all stand in spread.json. "
	}
}

func (e *estate) acts() []*event.Moment {
	acts := make([]*event.Moment, len(e.story.Timeline))
	for i := range e.story.Timeline {
		acts[i] = &e.story.Timeline[i]
	}
	if len(acts) > momentRows {
		slices.SortStableFunc(acts, func(a, b *event.Moment) int { return cmp.Compare(rankOfClass(a.Class), rankOfClass(b.Class)) })
		acts = acts[:momentRows]
	}
	slices.SortStableFunc(acts, func(a, b *event.Moment) int { return cmp.Compare(a.Time, b.Time) })
	return acts
}

func rankOfClass(c event.Class) int {
	if i := slices.Index([]event.Class{event.A, event.B, event.C}, c); i >= 0 {
		return i
	}
	return 3
}

// cites lists the findings that a story rests on, as far as they are shown.
func cites(s *event.Story) (out []string) {
	put := func(ids []string) { out = append(out, ids[:min(len(ids), shownPerReason)]...) }
	for i := range s.Edges {
		put(s.Edges[i].Because)
	}
	put(s.PatientZero.Because)
	for i := range s.Accounts {
		put(s.Accounts[i].Because)
	}
	for i := range s.Origin {
		put(s.Origin[i].Because)
	}
	for i := range s.Timeline {
		put(s.Timeline[i].Because)
	}
	return out
}
