package spread

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"wardround/internal/event"
)

// Network is what address databases tell of an address.
type Network struct{ Country, ASN, Holder Told }

// Told is one thing that a database tells, and which database of when. Value is "" where none knows.
type Told struct{ Value, Source string }

// Claim is what a third party says of who is behind an attack, as a person entered it.
type Claim struct {
	Says, By, Source, Date string
}

// steered is an address outside of the estate that is tied to the intruder, and what ties it.
type steered struct {
	address     string
	first, last event.Time
	says        []string
	because     []string
	confidence  string
	out         bool // a server spoke to it, and not it to a server
	acts        int
}

// maxOrigins bounds the addresses whose ladder is climbed.
const maxOrigins = 10

// origin climbs from each address that steered the intruder as far as evidence goes. It names addresses, networks and what
// databases and others say of them, never who sat there.
func (t *Teller) origin(edges []event.Edge) []event.Rung {
	out := []event.Rung{}
	list := t.steering(edges)
	for _, s := range list[:min(len(list), maxOrigins)] {
		out = append(out, t.climb(s)...)
	}
	if len(list) == 0 {
		out = append(out, event.Rung{
			Rung: event.RungIndicator, Confidence: "not known", Says: "no address outside of the estate is tied to the intruder", Alternatives: []string{"the intruder came by a machine inside, or by a way whose logs are missing"},
			Ask: []string{"the hospital: logs of firewall, VPN, web proxy and mail gateway over the window"}, Because: []string{},
		})
	}
	return append(append(out, t.tooling()), t.claims()...)
}

// steering lists the addresses outside that came to a server, or that a server was found to be controlled from: those with
// most to tell first.
func (t *Teller) steering(edges []event.Edge) []*steered {
	by := map[string]*steered{}
	put := func(address string, at event.Time, says, confidence string, out bool, because []string) {
		s := by[address]
		if s == nil {
			if len(by) >= 1000 {
				return
			}
			s = &steered{address: address, first: at, last: at, confidence: confidence, out: out}
			by[address] = s
		}
		s.acts++
		s.first, s.last = min(s.first, at), max(s.last, at)
		if worth[confidence] > worth[s.confidence] {
			s.confidence = confidence
		}
		if len(s.says) < 5 && !slices.Contains(s.says, says) {
			s.says = append(s.says, says)
		}
		for _, id := range because {
			if len(s.because) < maxPlaces && !slices.Contains(s.because, id) {
				s.because = append(s.because, id)
			}
		}
	}
	for i := range edges {
		e := &edges[i]
		if e.Address != nil && e.From != nil && *e.From == *e.Address && event.Abroad(*e.Address) {
			says := fmt.Sprintf("came to %s by %s", e.To, e.How)
			if e.How == scriptFetched {
				says = fmt.Sprintf("%s fetched a script from it and ran it", e.To)
			}
			put(*e.Address, e.Time, says, e.Confidence, e.How == scriptFetched, e.Because)
			by[*e.Address].last = max(by[*e.Address].last, e.Last)
		}
	}
	for i := range t.facts.Acts {
		a := &t.facts.Acts[i]
		for _, r := range a.Reasons {
			if r.Line != "command and control" {
				continue
			}
			for _, id := range r.Findings {
				for _, address := range t.contacted(t.cited[id]) {
					put(address, r.Time, fmt.Sprintf("%s was controlled from it", a.Server), "high", true, []string{id})
				}
			}
		}
	}
	return slices.SortedFunc(maps.Values(by), func(a, b *steered) int {
		return cmp.Or(cmp.Compare(worth[b.confidence], worth[a.confidence]), cmp.Compare(a.first, b.first), strings.Compare(a.address, b.address))
	})
}

// contactFields are those in which logs keep whom a computer spoke to.
var contactFields = []string{"DestinationIp", "DestAddress", "dst_ip", "DestinationHostname", "QueryName", "QueryResults"}

// contacted lists the addresses outside that a finding says a computer spoke to.
func (t *Teller) contacted(f *event.Finding) (out []string) {
	if f == nil {
		return nil
	}
	for _, name := range contactFields {
		for _, word := range strings.FieldsFunc(f.Fields[name], func(r rune) bool { return r == ';' || r == ' ' || r == ',' || r == '\n' }) {
			if a := clean(word); event.Abroad(a) && !slices.Contains(out, a) && len(out) < 5 {
				out = append(out, a)
			}
		}
	}
	return out
}

// climb is the ladder of one address.
func (t *Teller) climb(s *steered) []event.Rung {
	of := &s.address
	rung := func(name string, value *string, confidence, says string, alternatives, ask []string) event.Rung {
		return event.Rung{Rung: name, Value: value, Of: of, Confidence: confidence, Says: says, Alternatives: orNone(alternatives), Ask: orNone(ask), Because: []string{}}
	}
	indicator := rung(event.RungIndicator, of, s.confidence, strings.Join(s.says, "; "), []string{"a proxy, a gateway or a scanner of the hospital or of its suppliers"}, nil)
	indicator.Because = orNone(s.because)
	when := fmt.Sprintf("%s at %s", s.address, minute(s.first))
	if s.last.Sub(s.first) > time.Minute {
		when = fmt.Sprintf("%s from %s to %s", s.address, minute(s.first), minute(s.last))
	}
	address := rung(event.RungAddress, &when, s.confidence, "whoever used this address at these minutes steered the act, or passed it on",
		[]string{"one customer among many behind a shared address", "a machine that was itself taken over", "a header that the client wrote itself, where a proxy stands before the log"},
		[]string{"the holder of the address: whose connection it was, with source port and minute in UTC: " + when})
	n, known := t.look(s.address)
	out := []event.Rung{indicator, address}
	database := func(told Told, r event.Rung, what string) event.Rung {
		if told.Value == "" {
			r.Confidence, r.Says = "not known", t.unknownTo(known, what)
			return r
		}
		r.Value, r.Source = &told.Value, &told.Source
		return r
	}
	out = append(out, database(n.ASN, rung(event.RungNetwork, nil, "moderate", "the network that announced the address by the database's date", []string{"the address was lent or moved between then and now"},
		[]string{"the regional registry (APNIC for Asia): to whom the address was allotted on " + day(s.first)}), "its network"))
	out = append(out, database(n.Holder, rung(event.RungHolder, nil, "moderate", "who holds the network, not who used the address", []string{"a customer of the holder, or a customer's customer"},
		[]string{orThe(n.Holder.Value) + ": customer, payment and connection records for " + when}), "its holder"))
	out = append(out, database(n.Country, rung(event.RungCountry, nil, "low", "where the network is registered: not where its user sat", []string{"a user in another country, by a rented server, a VPN or a taken machine"},
		[]string{"CERT-In, to be passed to that country's CERT: preservation and disclosure of the records for " + when}), "its country"))
	return append(out, relay(rung, n, known))
}

// relayWords are what holders of rented servers, VPNs and relays call themselves.
var relayWords = regexp.MustCompile(`(?i)\b(?:hosting|host|cloud|server|servers|vps|virtual|datacent(?:er|re)|data cent(?:er|re)|colo(?:cation)?|vpn|proxy|tor|relay|exit|cdn|digitalocean|linode|akamai|amazon|aws|azure|google|ovh|hetzner|vultr|choopa|leaseweb|contabo|alibaba|aliyun|tencent|m247|privacy)\b`)

func relay(rung func(string, *string, string, string, []string, []string) event.Rung, n Network, known bool) event.Rung {
	other := []string{"the user sat elsewhere and only passed through"}
	if known && n.Holder.Value != "" {
		if relayWords.MatchString(n.Holder.Value) {
			v := "rented servers or a relay, by the holder's name"
			r := rung(event.RungRelay, &v, "moderate", "the holder's name says that it rents out servers or passes traffic on: whoever used the address likely sat elsewhere", other,
				[]string{"the holder: from which address the server was rented and administered, and how it was paid"})
			r.Source = &n.Holder.Source
			return r
		}
	}
	return rung(event.RungRelay, nil, "not known", "not known; it could be a relay: a taken machine, a VPN or Tor", other,
		[]string{"lists of Tor exits and of VPN providers for that day"})
}

// look asks the address database.
func (t *Teller) look(address string) (Network, bool) {
	a, err := netip.ParseAddr(address)
	if err != nil || t.facts.Network == nil {
		return Network{}, false
	}
	return t.facts.Network(a.Unmap())
}

func (t *Teller) unknownTo(known bool, what string) string {
	switch {
	case t.facts.Network == nil:
		return what + " is not known: no address database was given"
	case !known:
		return what + " is not known: the address databases do not hold the address"
	}
	return what + " is not known: the address database does not say"
}

// tooling says which tools were recognized, which many share.
func (t *Teller) tooling() event.Rung {
	names := map[string][]string{}
	for _, id := range slices.Sorted(maps.Keys(t.cited)) {
		f := t.cited[id]
		if f == nil {
			continue
		}
		for _, tag := range f.Rule.Tags {
			if tool := strings.TrimPrefix(strings.ToLower(tag), "attack."); software.MatchString(tool) {
				names["ATT&CK "+strings.ToUpper(tool)] = append(names["ATT&CK "+strings.ToUpper(tool)], id)
			}
		}
		if name := strings.TrimSpace(cmp.Or(f.Fields["Threat Name"], f.Fields["ThreatName"])); name != "" && len(name) < 100 {
			names[name] = append(names[name], id)
		}
	}
	r := event.Rung{
		Rung: event.RungTooling, Confidence: "not known", Says: "no tool was recognized by its content", Alternatives: []string{"a tool that is sold, leaked or open to all"},
		Ask: []string{"CERT-In and the antivirus makers: other cases with these hashes, notes and contact addresses"}, Because: []string{},
	}
	if len(names) > 0 {
		list := slices.Sorted(maps.Keys(names))
		v := strings.Join(list[:min(len(list), 10)], ", ")
		r.Value, r.Confidence, r.Says = &v, "low", "tools that were recognized; many intruders use the same"
		for _, n := range list[:min(len(list), 10)] {
			r.Because = append(r.Because, names[n][:min(len(names[n]), 3)]...)
		}
	}
	return r
}

var software = regexp.MustCompile(`^s[0-9]{4}$`)

// claims are what others say. They are told with their source and weigh nothing.
func (t *Teller) claims() (out []event.Rung) {
	for i := range t.facts.Claims {
		c := &t.facts.Claims[i]
		source := strings.Join(slices.DeleteFunc([]string{c.By, c.Source, c.Date}, func(s string) bool { return s == "" }), ", ")
		out = append(out, event.Rung{
			Rung: event.RungClaim, Value: &c.Says, Confidence: "a claim", Says: "claimed by " + cmp.Or(c.By, "somebody who is not named") + ", entered by hand; nothing in this evidence confirms it",
			Alternatives: []string{"the claim rests on what is not known here, or on nothing"}, Source: &source, Ask: []string{cmp.Or(c.By, "the source") + ": the evidence that the claim rests on"}, Because: []string{},
		})
	}
	if len(out) == 0 {
		out = append(out, event.Rung{
			Rung: event.RungClaim, Confidence: "not known", Says: "no claim of a third party was entered; who sat behind it does not follow from this evidence", Alternatives: []string{}, Ask: []string{}, Because: []string{},
		})
	}
	return out
}

func orNone(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func orThe(holder string) string { return cmp.Or(holder, "the holder") }

// minute writes a time to the minute, as a provider is asked for it.
func minute(t event.Time) string { return t.Std().Format("2006-01-02 15:04 UTC") }

func day(t event.Time) string { return t.Std().Format("2006-01-02") }
