package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"wardround/internal/event"
)

// attackStory is how the sample's intruder came and went on, told in so many movements: from an address outside to a
// jump server, from there on, with a silence of more than a day; the clocks of two servers are off.
func attackStory(v *event.Verdicts, movements int) *event.Story {
	var bad []event.ServerID
	for _, s := range v.Servers {
		if s.Verdict == event.Infiltrated || s.Verdict == event.Suspected {
			bad = append(bad, s.Server)
		}
	}
	first := bad[len(bad)-1]
	for _, s := range bad {
		if s == "EX-JUMP1" {
			first = s
		}
	}
	s := &event.Story{Nodes: []event.Node{{ID: "198.18.0.7", Kind: event.NodeAddress}, {ID: `HOSP\svc_bkp`, Kind: event.NodeAccount}}}
	for _, b := range bad {
		s.Nodes = append(s.Nodes, event.Node{ID: string(b), Kind: event.NodeServer})
	}
	at, from := ist(19, 3, 12, 44), "198.18.0.7"
	for i := range movements {
		to := bad[(i*5+1)%len(bad)]
		x := event.Edge{Step: i + 1, From: ptr(from), To: to, Time: at, Last: at, Count: 1, How: []string{"remote service", "rdp", "wmi"}[i%3], Account: ptr([]string{`HOSP\svc_bkp`, `HOSP\ramesh.admin`}[i/4%2]),
			SeenFrom: []string{event.BothEnds, event.FromDestination, event.BothEnds, event.FromSource}[i%4], Entry: i < len(bad), Confidence: []string{"high", "moderate"}[i%2],
			At: []event.Place{{Collection: "ex-db1.zip", Artifact: digest("log", i), Path: "C/Windows/System32/winevt/Logs/Security.evtx", Record: uint64(88_000 + i)}}}
		switch {
		case i == 0:
			x.To, x.How, x.Address = first, "vpn", ptr("198.18.0.7")
		case i >= 24: // a burst, as when all is to be encrypted at once
			x.How, x.Account, x.SeenFrom, x.Entry = "remote service", ptr(`HOSP\svc_bkp`), event.FromDestination, false
		}
		switch {
		case i == movements-1 && i > 3:
			x.From, x.Account, x.Confidence = nil, nil, "low"
		}
		s.Edges = append(s.Edges, x)
		from = string(first)
		if i > 5 {
			from = string(bad[i%3])
		}
		at = at.Add(time.Duration(7+i%5*11) * time.Minute)
		if i >= 24 {
			from, at = string(bad[i%3]), x.Time.Add(time.Minute)
		}
		if i == 2 {
			at = at.Add(31 * time.Hour)
		}
	}
	s.PatientZero = event.PatientZero{Server: ptr(first), Confidence: ptr("moderate"), Says: "The first session that is proven the intruder’s was on " + string(first) + " at 2022-11-18T21:42:44Z; nothing earlier is unexplained where logs answer.",
		Rivals: []event.Rival{{Server: bad[0], WhyNot: "its first proof is 53 minutes later, and it was reached from " + string(first)}, {Server: "EX-WEB6", WhyNot: "its logs begin on 20 November: it cannot be ruled out"}}}
	s.Unexplained = []event.Arrival{{Server: bad[1], Why: "no logon of the intruder is recorded; its Security log was cleared. The log of the firewall before it would show it"}}
	s.Accounts = []event.Taken{
		{Account: `HOSP\svc_bkp`, Since: ist(19, 3, 12, 44), Says: "used from the intruder’s address in the session that installed PSEXESVC", Servers: bad[:min(len(bad), 9)]},
		{Account: `HOSP\ramesh.admin`, Since: ist(20, 11, 2, 9), Says: "its password was in the memory of LSASS when that was read", Servers: bad[:1]},
	}
	s.Origin = attackOrigin()
	s.Clocks = []event.Clock{
		{Server: bad[0], OffsetSeconds: 603.4, SpreadSeconds: 0.8, Pairs: 41, Against: []event.ServerID{"EX-DC1", "EX-JUMP1"}, Corrected: true},
		{Server: first, OffsetSeconds: -4.2, SpreadSeconds: 2.1, Pairs: 9, Against: []event.ServerID{"EX-DC1"}},
		{Server: "EX-DC1", OffsetSeconds: 0.1, SpreadSeconds: 0.1, Pairs: 900},
	}
	return s
}

func attackOrigin() []event.Rung {
	addr := ptr("198.18.0.7")
	return []event.Rung{
		{Rung: event.RungIndicator, Value: ptr("VPN session of HOSP\\svc_bkp"), Confidence: "high", Says: "The session from which EX-JUMP1 was entered."},
		{Rung: event.RungAddress, Value: addr, Of: ptr("VPN session of HOSP\\svc_bkp"), Confidence: "high", Says: "The VPN gateway recorded it at 2022-11-18T21:40:10Z."},
		{Rung: event.RungNetwork, Value: ptr("AS64500"), Of: addr, Confidence: "moderate", Says: "As the address was announced when the database was made.", Source: ptr("Exercise addresses, 1 November 2022")},
		{Rung: event.RungHolder, Value: ptr("Example Hosting Ltd"), Of: addr, Confidence: "moderate", Source: ptr("Exercise addresses, 1 November 2022"), Alternatives: []string{"a customer to whom it was let"}, Ask: []string{"Example Hosting Ltd for who rented 198.18.0.7 on 19 November 2022, through its country’s CERT"}},
		{Rung: event.RungCountry, Value: ptr("HK"), Of: addr, Confidence: "low", Says: "Where the network is registered, not where anyone sat.", Source: ptr("Exercise addresses, 1 November 2022")},
		{Rung: event.RungRelay, Of: addr, Confidence: "low", Says: "No list of relays was given.", Alternatives: []string{"a relay that others rent", "a stolen server"}, Ask: []string{"CERT-In for known relays of that week"}},
		{Rung: event.RungClaim, Value: ptr("CatB"), Confidence: "low", Says: "The note’s wording, as a newspaper reports it.", Source: ptr("entered by hand: The Exercise Times, 2 December 2022")},
	}
}

// addStory gives a stream the story of its attack and a timeline of what its verdicts cite; what only the story cites follows.
func addStory(stream []*Message, movements int) []*Message {
	v := stream[1].Verdicts
	s := attackStory(v, movements)
	for i := range v.Servers {
		for k, r := range v.Servers[i].Because {
			m := event.Moment{Time: r.Time, Recorded: r.Time, Server: v.Servers[i].Server, Class: r.Class, Says: r.Says, Because: r.Findings}
			if k%4 != 3 {
				m.Account, m.Tactic = ptr(`HOSP\svc_bkp`), ptr([]string{"execution", "lateral movement", "impact"}[k%3])
			}
			if s.Clocks[0].Server == m.Server && m.Time != event.NoTime {
				m.Recorded = m.Time.Add(603 * time.Second)
			}
			s.Timeline = append(s.Timeline, m)
		}
	}
	alone := &event.Finding{ID: "00000000000000aa", Time: ist(19, 3, 10, 10), Server: s.Edges[0].To, Class: event.C, Rule: event.Rule{ID: "vpn", Title: "VPN session from an unusual network", Author: "Exercise Rules, Wardround"},
		At: []event.Place{{Collection: "vpn.zip", Artifact: digest("vpn"), Path: "vpn/gateway.log", Record: 12}}, Fields: map[string]string{"src": "198.18.0.7"}}
	s.Edges[0].Because, s.Origin[1].Because = []string{alone.ID}, []string{alone.ID}
	s.PatientZero.Because = v.Servers[0].Because[0].Findings
	return append(stream, &Message{Finding: alone}, &Message{Story: s})
}

// storied gives an estate a story without a stream.
func storied(v *event.Verdicts, s *event.Story) *estate {
	var e estate
	e.begin(&Case{Name: "x", Zone: "IST"})
	e.judge(v)
	e.story = s
	return &e
}

func TestHops(t *testing.T) {
	v := exerciseStream()[1].Verdicts
	e := storied(v, attackStory(v, 11))
	hops, merged := e.hops()
	if len(hops) != 11 || merged {
		t.Fatalf("%d hops, merged %v", len(hops), merged)
	}
	for i, want := range map[int]string{
		0:  `19 Nov 03:12: 198.18.0.7 → EX-JUMP1, vpn, HOSP\svc_bkp, both ends`,
		1:  `19 Nov 03:19: EX-JUMP1 → EX-EHOSP-APP4, rdp, HOSP\svc_bkp, destination only`,
		10: `20 Nov 15:02: source not known → EX-EHOSP-DB1, rdp, account not known, both ends`,
	} {
		if got := e.sentence(&hops[i]); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	e = storied(v, attackStory(v, 120))
	hops, merged = e.hops()
	n := 0
	for _, h := range hops {
		n += h.n
		for _, x := range h.edges {
			if e.clock.hour(x.Time) != e.clock.hour(h.first) || stated(x.Account) != stated(h.edges[0].Account) {
				t.Errorf("%v is in a step with %v", x, h.edges[0])
			}
		}
	}
	if !merged || len(hops) >= 40 || n != 120 {
		t.Errorf("120 movements: %d in %d steps, merged %v", n, len(hops), merged)
	}
	if s := e.sentence(&hops[len(hops)-3]); !strings.Contains(s, " more, remote service") || !strings.HasSuffix(s, " movements") {
		t.Error(s)
	}
	// without a kind a source is told by what is known of it
	s := &event.Story{Edges: []event.Edge{{To: "B", From: ptr("10.0.0.9")}, {To: "B", From: ptr("EX-DC1")}, {To: "B", From: ptr("")}, {To: "B", Address: ptr("10.1.1.1")}}}
	hops, _ = storied(v, s).hops()
	for i, want := range []end{{event.NodeAddress, "10.0.0.9"}, {event.NodeServer, "EX-DC1"}, {}, {event.NodeAddress, "10.1.1.1"}} {
		if hops[i].from != want {
			t.Errorf("%d: %v", i, hops[i].from)
		}
	}
}

func TestLanes(t *testing.T) {
	v := exerciseStream()[1].Verdicts
	e := storied(v, attackStory(v, 11))
	hops, _ := e.hops()
	c := e.drawLanes(hops)
	var lanes, says []string
	for _, l := range c.Lanes {
		lanes = append(lanes, l.Name+" "+l.Word)
	}
	if got := strings.Join(lanes[:5], ","); got != "not known ,198.18.0.7 ,EX-JUMP1 infiltrated,EX-EHOSP-APP4 suspected,EX-ESX1 suspected" || len(lanes) != 14 {
		t.Errorf("%d lanes: %s", len(lanes), got)
	}
	signs, dashed, thick, steps := 0, 0, 0, 0
	for _, b := range c.Bands {
		if b.Width > paperWidth {
			t.Errorf("a band of %d px does not fit paper", b.Width)
		}
		for _, col := range b.Columns {
			signs += len(col.Signs)
			if col.Silence != "" {
				says = append(says, col.Silence)
				continue
			}
			if col.Step > 0 {
				steps++
			}
			for _, w := range col.Ways {
				if w.OneEnd {
					dashed++
				}
				if w.Entry {
					thick++
				}
			}
		}
	}
	if steps != 11 || dashed != 5 || thick != 11 || signs != 12 || strings.Join(says, ",") != "31 h" {
		t.Errorf("%d steps, %d dashed, %d thick, %d signs, silences %v", steps, dashed, thick, signs, says)
	}
	if e.drawLanes(nil) != nil {
		t.Error("a drawing of nothing")
	}
	// one movement that has no time, to the server itself
	e = storied(v, &event.Story{Edges: []event.Edge{{To: "EX-DC1", From: ptr("EX-DC1"), Time: event.NoTime, Last: event.NoTime}}})
	hops, _ = e.hops()
	if c = e.drawLanes(hops); len(c.Lanes) != 1 || len(c.Bands[0].Columns[1].Ways) != 0 || c.Bands[0].Columns[1].Date != "" {
		t.Errorf("%+v", c)
	}
	// wide and long stories: what is not drawn is counted
	big := &event.Story{}
	for i := range 4000 {
		at := ist(1, 0, 0, 0).Add(time.Duration(i) * 3 * time.Hour)
		big.Edges = append(big.Edges, event.Edge{Step: i, From: ptr(fmt.Sprint("10.9.", i/200, ".", i%200)), To: event.ServerID(fmt.Sprint("N", i)), Time: at, Last: at})
	}
	e = storied(v, big)
	hops, _ = e.hops()
	if c = e.drawLanes(hops); c.Steps != stepsDrawn || len(c.Lanes) != lanesDrawn || !strings.Contains(c.Note, "The first 90 of 4,000 steps are drawn.") || !strings.Contains(c.Note, "30 more servers and addresses are in the table only.") {
		t.Errorf("%d steps, %d lanes, %s", c.Steps, len(c.Lanes), c.Note)
	}
}

func TestLadder(t *testing.T) {
	value := func(rung, v string) event.Rung { return event.Rung{Rung: rung, Value: &v, Confidence: "high"} }
	open := func(rung string) event.Rung { return event.Rung{Rung: rung, Ask: []string{"the holder: who"}} }
	for name, c := range map[string]struct {
		rungs []event.Rung
		want  string // reached | beyond
	}{
		"nothing":         {nil, "|Indicator Address Network Holder Country Relay Tools Claim"},
		"to the country":  {attackOrigin(), "Indicator Address Network Holder Country|Relay Tools Claim"},
		"no network":      {[]event.Rung{value("indicator", "x"), value("address", "y"), open("network"), value("holder", "z")}, "Indicator Address|Network Holder Country Relay Tools Claim"},
		"from an address": {[]event.Rung{value("address", "y"), value("network", "n")}, "Address Network|Holder Country Relay Tools Claim"},
		"only a claim":    {[]event.Rung{value("claim", "it was them")}, "|Indicator Address Network Holder Country Relay Tools Claim"},
		"open from below": {[]event.Rung{open("indicator"), value("tooling", "t")}, "|Indicator Address Network Holder Country Relay Tools Claim"},
		"blank values":    {[]event.Rung{value("indicator", " ")}, "|Indicator Address Network Holder Country Relay Tools Claim"},
	} {
		e := storied(&event.Verdicts{}, &event.Story{Origin: c.rungs})
		v := (&page{}).ladder(e, &layout{e: e})
		var got []string
		for _, part := range [][]levelView{v.Reached, v.Beyond} {
			var words []string
			for _, l := range part {
				words = append(words, l.Name)
			}
			got = append(got, strings.Join(words, " "))
		}
		if strings.Join(got, "|") != c.want {
			t.Errorf("%s: %q", name, got)
		}
		if (v.Stops == "Proof stops here.") != (len(v.Reached) > 0) {
			t.Errorf("%s: %s", name, v.Stops)
		}
	}
	var l levelView
	l.add(rungView{Known: true, Low: true, Says: "same", Ask: []string{"a"}})
	l.add(rungView{Known: false, Says: "same", Ask: []string{"a", "b"}})
	if !l.Weak || l.Rungs[1].Says != "" || len(l.Rungs[1].Ask) != 1 {
		t.Errorf("%+v", l)
	}
	if l.add(rungView{Known: true}); l.Weak {
		t.Error("one sure rung does not make a level weak")
	}
}

func TestTimeline(t *testing.T) {
	s := &event.Story{}
	put := func(at event.Time, c event.Class) {
		s.Timeline = append(s.Timeline, event.Moment{Time: at, Recorded: at, Server: "A", Class: c})
	}
	put(ist(22, 0, 0, 0), event.B)
	put(ist(19, 1, 0, 0), event.A)
	put(ist(19, 7, 0, 1), event.C)
	put(event.NoTime, event.C)
	s.Timeline[0].Recorded = ist(22, 0, 10, 0)
	e := storied(&event.Verdicts{}, s)
	var v storyView
	p := &page{}
	p.moments(e, &layout{e: e}, &v)
	var got []string
	for _, m := range v.Moments {
		got = append(got, m.Silence+"|"+m.People+"|"+m.UTC+"|"+m.Recorded)
	}
	want := []string{"|not known|not known|", "|19 Nov 2022 01:00:00 IST|18 Nov 2022 19:30:00|", "6 h|19 Nov 2022 07:00:01 IST|19 Nov 2022 01:30:01|", "2 days|"}
	want[3] = "64 h|22 Nov 2022 00:00:00 IST|21 Nov 2022 18:30:00|22 Nov 2022 00:10:00 IST"
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	for range 2000 {
		put(ist(20, 0, 0, 0), event.C)
	}
	v = storyView{}
	p.moments(e, &layout{e: e}, &v)
	if len(v.Moments) != momentRows || v.Moments[len(v.Moments)-1].Class != "B" || !strings.Contains(v.MomentNote, "600 of 2,004 acts") {
		t.Errorf("%d, %s", len(v.Moments), v.MomentNote)
	}
}

func TestOffsets(t *testing.T) {
	for s, want := range map[float64]string{0: "under 1 s", -0.4: "under 1 s", 603.4: "10 min 3 s ahead", -4.2: "4 s behind", 90061: "1 d 1 h ahead", 3600: "1 h ahead", 1e300: "not known ahead"} {
		if got := offset(s); got != want {
			t.Errorf("%v: %s", s, got)
		}
	}
	if offset(math.NaN()) != notKnown {
		t.Error("NaN")
	}
}

// TestEmptyStory: where nothing is known, the page says so.
func TestEmptyStory(t *testing.T) {
	stream := []*Message{{Case: &Case{Zone: "UTC"}}, {Story: &event.Story{}}}
	stream = []*Message{stream[0], {Verdicts: &event.Verdicts{Window: event.Window{From: event.NoTime, To: event.NoTime}}}, stream[1]}
	s := renderString(t, HTML, stream)
	has(t, "empty", s, "<b>not known</b>", "No movement of the intruder is proven. That none is drawn does not mean that there was none.", "No account is proven", "No rung is proven: from where the intruder acted is not known.",
		"No act is cited.", "times stand as the logs recorded them")
	for _, p := range []string{`id="step"`, "<svg width", "No other infiltrated"} {
		if strings.Contains(s, p) {
			t.Errorf("%s on a page without a story", p)
		}
	}
	if strings.Contains(renderString(t, HTML, stream[:2]), `id="spread"`) {
		t.Error("a case without a story has a section for it")
	}
	v := exerciseStream()[1].Verdicts
	story := &event.Story{Edges: []event.Edge{{To: "EX-DC1", Time: event.NoTime, Last: event.NoTime, How: "rdp", SeenFrom: "domain controller"}}}
	utc := renderString(t, HTML, []*Message{{Case: &Case{Zone: "UTC"}}, {Verdicts: v}, {Story: story}})
	has(t, "no time", utc, "source not known", "controller", "none named")
}

// TestNarrative: every sentence is whole and carried, nothing is claimed that is not known, and no form names a culprit.
func TestNarrative(t *testing.T) {
	v, c := exerciseStream()[1].Verdicts, &Case{Name: "2022-117", Zone: "IST"}
	unknown := attackStory(v, 0)
	unknown.PatientZero = event.PatientZero{Says: "no log of that week answers"}
	unknown.Origin, unknown.Accounts, unknown.Unexplained = nil, nil, nil
	timeless := attackStory(v, 3)
	for i := range timeless.Edges {
		timeless.Edges[i].Time, timeless.Edges[i].Last, timeless.Edges[i].Entry = event.NoTime, event.NoTime, true
		timeless.Edges[i].From, timeless.Edges[i].Account, timeless.Edges[i].Address = nil, nil, nil
		timeless.Edges[i].Because, timeless.Edges[i].At = nil, nil
	}
	empty := &event.Verdicts{Window: event.Window{From: event.NoTime, To: event.NoTime}}
	for name, x := range map[string]struct {
		v     *event.Verdicts
		s     *event.Story
		wants []string
	}{
		"whole": {v, attackStory(v, 11), []string{"12 of 100 listed servers are infiltrated.", "Infiltrated are EX-EHOSP-DB1, ", "5 are suspected; on 33 no evidence of it was found, which is no proof that nothing happened; 50 cannot be judged, 15 of them because nothing was collected.",
			"The first server was, with moderate certainty, EX-JUMP1: ", "11 movements of the intruder are seen, to 11 servers, between 19 Nov 2022 03:12:44 IST and 20 Nov 2022 15:02:44 IST; 6 are seen from both ends, the others from one.",
			`On 19 Nov 2022 03:12:44 IST EX-JUMP1 was reached from 198.18.0.7 (vpn), with HOSP\svc_bkp; seen from both ends, certainty high.`, "The longest time without a movement that is seen is 31 h.",
			"Proof stops there: whether it is hosting, VPN, Tor or a relay is not proven.", "A third party claims, which is no proof: CatB", "nothing here says who did it", "Files were encrypted on 5 servers: ", "Whether data left: no firewall log before 20 November.", "Isolate EX-JUMP1, EX-DC1, EX-FILE1"}},
		"unknown":     {v, unknown, []string{"Which server was first is not known: no log of that week answers.", "No movement of the intruder is seen; that does not mean that there was none.", "From where it was steered is not known", "No account is proven to be in the intruder’s hands; that is no proof that none is."}},
		"timeless":    {v, timeless, []string{"At a time that is not known ", "from where is not known", "with an account that is not known", "3 movements of the intruder are seen, to 3 servers; "}},
		"no story":    {v, nil, []string{"EX-JUMP1, certainty moderate. Rival: EX-WEB6, because its logs begin on 20 November (partial).", "198.18.0.7, a hosting network; nothing shows who used it (partial)."}},
		"no verdicts": {empty, nil, []string{"nothing can be said yet.", "Since when is not known: no infiltration is proven with its time.", "Which server was first is not known.", "From where it was steered is not known.", "The verdicts name no damage; that is no proof that there is none.", "that it is empty proves nothing."}},
	} {
		n := Narrative(x.v, x.s, c)
		var all []string
		if len(n.Sections) != 8 {
			t.Errorf("%s: %d sections", name, len(n.Sections))
		}
		for _, s := range n.Sections {
			if len(s.Sentences) == 0 {
				t.Errorf("%s: nothing under %s", name, s.Heading)
			}
			for _, x := range s.Sentences {
				all = append(all, x.Says)
				if len(x.Because) == 0 || !strings.ContainsAny(x.Says[len(x.Says)-1:], ".!?") || strings.Contains(x.Says, "  ") || strings.Contains(x.Says, "..") {
					t.Errorf("%s: %q rests on %q", name, x.Says, x.Because)
				}
			}
		}
		has(t, name, strings.Join(all, "\n"), x.wants...)
	}
	masked := Narrative(&event.Verdicts{NotKnown: []string{"ran net user x Winter#22 /add \x1b[2J"}}, nil, c)
	text := fmt.Sprint(masked)
	if strings.Contains(text, "Winter") || strings.ContainsRune(text, 0x1b) {
		t.Error(text)
	}
}

// TestWayOnTerminal: the first screen tells the ways in and stays within its lines.
func TestWayOnTerminal(t *testing.T) {
	for _, n := range []int{1, 5, 120} {
		s := renderString(t, func(w io.Writer) Handler { return Text(w, TextOptions{}) }, addStory(exerciseStream(), n))
		if lines := strings.Count(s, "\n"); lines > 23 {
			t.Errorf("%d movements: %d lines", n, lines)
		}
		has(t, "terminal", s, "Spread       19 Nov 03:12 198.18.0.7 → EX-JUMP1")
	}
}
