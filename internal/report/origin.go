package report

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"wardround/internal/event"
)

type (
	zeroView struct {
		Server     linkView
		Known      bool
		Class      string
		Word       string
		Confidence string
		Says       string
		Rivals     []rivalView
		More       int
		evidenceLinks
	}
	rivalView struct {
		Server linkView
		WhyNot string
	}
	arrivalView struct {
		Server linkView
		Why    string
	}
	takenView struct {
		Account, Says string
		Since         whenView
		Servers       []linkView
		More          int
		evidenceLinks
	}
	clockView struct {
		Server                linkView
		Offset, Spread, Pairs string
		Against               string
		Corrected             bool
	}
)

// zero says who was first, or why that is not known.
func (p *page) zero(e *estate, l *layout) zeroView {
	z := &e.story.PatientZero
	v := zeroView{Says: upper(cmp.Or(e.says(z.Says), "why is "+notKnown)), Confidence: certaintyWord(stated(z.Confidence)), evidenceLinks: p.carried(e, l, z.Because, nil)}
	if z.Server != nil && *z.Server != "" {
		v.Known, v.Server = true, e.link(*z.Server)
		if n := v.Server.N; n > 0 {
			v.Class, v.Word = e.servers[n-1].class(), e.servers[n-1].verdictWord()
		}
	}
	for _, r := range z.Rivals[:min(len(z.Rivals), entriesShown)] {
		v.Rivals = append(v.Rivals, rivalView{e.link(r.Server), cmp.Or(e.says(r.WhyNot), notKnown)})
	}
	v.More = len(z.Rivals) - len(v.Rivals)
	return v
}

func (p *page) arrivals(e *estate, s *storyView) {
	all := e.story.Unexplained
	for _, a := range all[:min(len(all), 5*entriesShown)] {
		s.Unexplained = append(s.Unexplained, arrivalView{e.link(a.Server), cmp.Or(e.says(a.Why), "why is "+notKnown)})
	}
	s.MoreArrived = len(all) - len(s.Unexplained)
}

func (p *page) taken(e *estate, l *layout, s *storyView) {
	all := e.story.Accounts
	for i := range all[:min(len(all), 2*entriesShown)] {
		a := &all[i]
		v := takenView{Account: cmp.Or(show(a.Account, maxName), "account "+notKnown), Says: cmp.Or(e.says(a.Says), "how is "+notKnown), Since: e.second(a.Since),
			evidenceLinks: p.carried(e, l, a.Because, nil)}
		for _, name := range a.Servers[:min(len(a.Servers), serversOfHop)] {
			v.Servers = append(v.Servers, e.link(name))
		}
		v.More = len(a.Servers) - len(v.Servers)
		s.Accounts = append(s.Accounts, v)
	}
	s.MoreTaken = len(all) - len(s.Accounts)
}

type (
	ladderView struct {
		Reached []levelView // without a break, from what was seen
		Stops   string      // where proof stops, and why nothing follows
		Beyond  []levelView
	}
	// levelView is one rung of the ladder with what was found on it, for each address or indicator.
	levelView struct {
		Name, Asks string
		Rungs      []rungView
		More       int
		Known      bool
		Weak       bool // of low certainty at most
	}
	rungView struct {
		Value, Of, Confidence, Says, Source string
		Known, Low                          bool
		Alternatives, Ask                   []string
		evidenceLinks
	}
)

// levels are the rungs in order, with the question that each answers.
var levels = []struct{ rung, name, asks string }{
	{event.RungIndicator, "Indicator", "what was seen"},
	{event.RungAddress, "Address", "at which time from which address"},
	{event.RungNetwork, "Network", "to which network it belonged then"},
	{event.RungHolder, "Holder", "who holds that network"},
	{event.RungCountry, "Country", "where it is registered"},
	{event.RungRelay, "Relay", "whether it is hosting, VPN, Tor or a relay"},
	{event.RungTooling, "Tools", "whose known tools they resemble"},
	{event.RungClaim, "Claim", "what a third party says"},
}

// climbed is a level with its rungs, and whether proof reaches it.
type climbed struct {
	rung, name, asks string
	rungs            []*event.Rung
	known            bool
	reached          bool
}

// climb orders the rungs by level. Proof reaches a level if it has a value and all before it have; a claim is never
// proof. Of what stands before the first value, levels without a rung are left out: nobody looked there.
func (e *estate) climb() (out []climbed) {
	begun, stopped := false, false
	for _, x := range levels {
		c := climbed{rung: x.rung, name: x.name, asks: x.asks}
		for i := range e.story.Origin {
			if r := &e.story.Origin[i]; r.Rung == x.rung {
				c.rungs = append(c.rungs, r)
				c.known = c.known || stated(r.Value) != ""
			}
		}
		stopped = stopped || !c.known && (begun || len(c.rungs) > 0) || x.rung == event.RungClaim
		begun = begun || c.known
		c.reached = c.known && !stopped
		out = append(out, c)
	}
	if i := slices.IndexFunc(out, func(c climbed) bool { return len(c.rungs) > 0 }); i > 0 && out[i].reached {
		return out[i:]
	}
	return out
}

// ladder draws the levels. What stands beyond the first without proof is shown apart: it hangs on nothing.
func (p *page) ladder(e *estate, l *layout) ladderView {
	v := ladderView{Stops: "Proof stops here."}
	for _, c := range e.climb() {
		lv := levelView{Name: c.name, Asks: c.asks}
		for _, r := range c.rungs {
			lv.add(p.rung(e, l, r))
		}
		if c.reached {
			v.Reached = append(v.Reached, lv)
		} else {
			v.Beyond = append(v.Beyond, lv)
		}
	}
	if len(v.Reached) == 0 {
		v.Stops = "No rung is proven: from where the intruder acted is not known."
	}
	return v
}

// add puts a rung on its level. What another rung of the level says already, as with ten addresses of one network, is not
// repeated.
func (v *levelView) add(r rungView) {
	for _, o := range v.Rungs {
		if r.Says == o.Says {
			r.Says = ""
		}
		if r.Source == o.Source {
			r.Source = ""
		}
		said := func(list []string) func(string) bool { return func(s string) bool { return slices.Contains(list, s) } }
		r.Alternatives = slices.DeleteFunc(r.Alternatives, said(o.Alternatives))
		r.Ask = slices.DeleteFunc(r.Ask, said(o.Ask))
	}
	if r.Known {
		v.Weak = r.Low && (v.Weak || !v.Known)
		v.Known = true
	}
	if len(v.Rungs) == entriesShown {
		v.More++
		return
	}
	v.Rungs = append(v.Rungs, r)
}

func (p *page) rung(e *estate, l *layout, r *event.Rung) rungView {
	v := rungView{Value: notKnown, Of: climbsFrom(r), Says: upper(e.says(r.Says)), Source: show(stated(r.Source), maxSay), evidenceLinks: p.carried(e, l, r.Because, nil),
		Alternatives: e.few(r.Alternatives), Ask: e.few(r.Ask)}
	if s := stated(r.Value); s != "" {
		v.Value, v.Known, v.Low = show(s, maxName), true, r.Confidence != "high" && r.Confidence != "moderate"
		v.Confidence = certaintyWord(r.Confidence)
	}
	return v
}

// climbsFrom is the address or indicator that a rung is about, "" where its value says it.
func climbsFrom(r *event.Rung) string {
	of := stated(r.Of)
	if strings.HasPrefix(stated(r.Value), of) {
		return ""
	}
	return show(of, maxName)
}

// few shows the first of a list of sentences and counts the others.
func (e *estate) few(list []string) (out []string) {
	for _, s := range list[:min(len(list), 12)] {
		if t := e.says(s); t != "" {
			out = append(out, t)
		}
	}
	if more := len(list) - 12; more > 0 {
		out = append(out, grouped(int64(more))+" more in spread.json")
	}
	return out
}

// clocks lists the clocks that are off, the corrected ones first, and counts those that agree.
func (p *page) clocks(e *estate, s *storyView) {
	var off []event.Clock
	corrected := 0
	for _, c := range e.story.Clocks {
		if c.Corrected {
			corrected++
		}
		if c.Corrected || !(math.Abs(c.OffsetSeconds) < 1) {
			off = append(off, c)
		}
	}
	slices.SortStableFunc(off, func(a, b event.Clock) int { return compareBool(b.Corrected, a.Corrected) })
	for _, c := range off[:min(len(off), 10*entriesShown)] {
		s.Clocks = append(s.Clocks, clockView{Server: e.link(c.Server), Offset: offset(c.OffsetSeconds), Spread: "± " + seconds(c.SpreadSeconds), Pairs: grouped(int64(c.Pairs)),
			Against: list(serverNames(c.Against), 4), Corrected: c.Corrected})
	}
	agree := len(e.story.Clocks) - len(off)
	var notes []string
	if agree > 0 {
		notes = append(notes, count(agree, "other clock was compared and is", "other clocks were compared and are")+" right within a second.")
	}
	if rest := len(e.servers) - len(e.story.Clocks); rest > 0 {
		notes = append(notes, "For "+count(rest, "server", "servers")+" no offset could be estimated: how right the clocks there are is not known.")
	}
	s.ClockNote = strings.Join(notes, " ")
	switch corrected {
	case 0:
		s.Corrected = "No clock is known to be so far off that times were corrected: times stand as the logs recorded them."
	default:
		s.Corrected = "Times in the spread and the timeline are corrected on " + count(corrected, "server whose clock was off", "servers whose clocks were off") + "; what the log recorded stands beside it, and the evidence itself is never changed."
	}
}

func serverNames(list []event.ServerID) (out []string) {
	for _, s := range list {
		out = append(out, string(s))
	}
	return out
}

// offset writes by how much a clock was ahead or behind.
func offset(s float64) string {
	switch {
	case s != s:
		return notKnown
	case math.Abs(s) < 1:
		return "under 1 s"
	case s < 0:
		return seconds(-s) + " behind"
	}
	return seconds(s) + " ahead"
}

// seconds writes a length of time to the second: "10 min 3 s".
func seconds(s float64) string {
	switch {
	case s != s || s < 0 || s > 1e9:
		return notKnown
	case s < 1:
		return "under 1 s"
	}
	n := int64(s + 0.5)
	var parts []string
	for _, u := range []struct {
		of   int64
		name string
	}{{86400, " d"}, {3600, " h"}, {60, " min"}, {1, " s"}} {
		if n >= u.of {
			parts = append(parts, strconv.FormatInt(n/u.of, 10)+u.name)
			n %= u.of
		}
	}
	return strings.Join(parts[:min(len(parts), 2)], " ")
}
