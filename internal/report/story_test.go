package report

import (
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
