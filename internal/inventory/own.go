package inventory

import (
	"bytes"
	"cmp"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardround/internal/event"
)

// Own is an address that a computer's own log, or the log of the server that lends addresses, shows it to have had.
type Own struct {
	Host    string     `json:"host"` // as written; "" for the artifact's computer
	Address string     `json:"address"`
	First   event.Time `json:"first"`
	Last    event.Time `json:"last"`
}

// maxOwn bounds the addresses of one artifact.
const maxOwn = 8192

// leaseGap is how long after its last sighting an address may still be that computer's without another proof.
const leaseGap = 8 * 24 * time.Hour

// ownReader returns what reads, from records of a schema, an address of the computer that wrote them or of one that it
// names; nil where none can be read. A source address that a peer claims is never one.
func ownReader(s *event.Schema) func(*event.Record) (host, address string) {
	src := &s.Source
	switch {
	case src.Product == "windows" && src.EventID == 3 && strings.EqualFold(src.Channel, "microsoft-windows-sysmon/operational"):
		return func(r *event.Record) (string, string) {
			if strings.EqualFold(r.Text("Initiated"), "true") {
				return r.Host, r.Text("SourceIp")
			}
			return r.Host, r.Text("DestinationIp")
		}
	case src.Product == "windows" && src.EventID == 4768 && strings.EqualFold(src.Channel, "security"):
		account, address, status := s.Lookup("TargetUserName"), s.Lookup("IpAddress"), s.Lookup("Status")
		return func(r *event.Record) (string, string) {
			name := r.First(account)
			if !bytes.HasSuffix(name.AppendText(make([]byte, 0, 64)), []byte("$")) {
				return "", ""
			}
			return ticketHolder(name.String(), r.First(address).String(), r.First(status).String())
		}
	case src.Product == "web" && len(s.Lookup("s-ip")) > 0:
		return func(r *event.Record) (string, string) { return r.Host, r.Text("s-ip") }
	case src.Product == "linux" && (src.Provider == "dhcpd" || src.Provider == "dnsmasq-dhcp") && len(s.Lookup("message")) > 0:
		return func(r *event.Record) (string, string) { return lease(r.Text("message")) }
	}
	return nil
}

// ticketHolder reads of a domain controller's event 4768 to which computer an address belongs: a computer asks for its own
// ticket with its own password. One that was refused proved nothing.
func ticketHolder(account, address, status string) (host, own string) {
	host, computer := strings.CutSuffix(account, "$")
	if n, err := strconv.ParseUint(status, 0, 64); !computer || host == "" || err != nil || n != 0 {
		return "", ""
	}
	return host, strings.TrimPrefix(address, "::ffff:")
}

// lease reads what the ISC server and dnsmasq log of an address that they lend to a computer that tells its name:
// "DHCPACK on 10.0.2.4 to 00:16:… (APP1) via eth0", "DHCPACK(eth0) 10.0.2.4 00:16:… APP1".
func lease(message string) (host, address string) {
	f := strings.Fields(message)
	if len(f) < 3 {
		return "", ""
	}
	switch {
	case f[0] == "DHCPACK" && f[1] == "on" && len(f) > 5 && strings.HasPrefix(f[5], "("):
		return strings.Trim(f[5], "()"), f[2]
	case strings.HasPrefix(f[0], "DHCPACK(") && len(f) > 3:
		return f[3], f[1]
	}
	return "", ""
}

// owns notes what a record tells of addresses.
func (w *Watch) owns(r *event.Record) {
	host, text := w.own(r)
	a, ok := parseAddress(text)
	if !ok || a.IsLoopback() || a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() || r.Time == event.NoTime {
		return
	}
	k := ownKey{host, a}
	if o := w.addresses[k]; o != nil {
		o.First, o.Last = min(o.First, r.Time), max(o.Last, r.Time)
		return
	}
	if len(w.addresses) >= maxOwn || len(host) > maxName {
		return
	}
	if w.addresses == nil {
		w.addresses = map[ownKey]*Own{}
	}
	k.host = strings.Clone(host)
	w.addresses[k] = &Own{Host: k.host, Address: a.String(), First: r.Time, Last: r.Time}
}

type ownKey struct {
	host string
	addr netip.Addr
}

// Addresses returns the addresses that were seen to be a computer's own, in order of computer and address.
func (w *Watch) Addresses() []Own {
	list := make([]Own, 0, len(w.addresses))
	for _, o := range w.addresses {
		list = append(list, *o)
	}
	slices.SortFunc(list, func(a, b Own) int {
		return cmp.Or(strings.Compare(a.Host, b.Host), strings.Compare(a.Address, b.Address))
	})
	return list
}

// addresses gives each server the addresses that evidence shows it to have had, and when.
func (n *Names) addresses(views []*view) {
	had := map[netip.Addr][]period{}
	for _, v := range views {
		scope := n.In(v.Artifact)
		for _, o := range v.Own {
			a, ok := parseAddress(o.Address)
			if !ok {
				continue
			}
			id := scope.Nameless
			if o.Host != "" {
				id = scope.Server(o.Host)
			}
			if id == "" {
				continue
			}
			had[a] = append(had[a], period{id, o.First, o.Last})
		}
	}
	n.leases = make(map[netip.Addr]*lent, len(had))
	for a, list := range had {
		n.leases[a] = newLent(list)
	}
	n.hosts = nil // what was heard so far did not know of these
}

// lent tells who had an address at a time by evidence: the only one that had it within the life of a lease around it, or the
// only one that ever had it.
type lent struct {
	only  event.ServerID // who alone ever had it
	steps []step         // by time
}

// step is who had an address from a time on, until the next step.
type step struct {
	from   event.Time
	during event.ServerID // who alone has it now
	before event.ServerID // who alone was the last to have it before
	last   event.Time     // when that was
}

// newLent puts the periods in which servers had an address in order.
func newLent(list []period) *lent {
	l := &lent{only: list[0].server}
	type change struct {
		at    event.Time
		begun bool
		period
	}
	changes := make([]change, 0, 2*len(list))
	for _, p := range list {
		if p.server != l.only {
			l.only = ""
		}
		p.last = min(p.last, math.MaxInt64-1)
		changes = append(changes, change{p.first, true, p}, change{p.last + 1, false, p})
	}
	if l.only != "" {
		return l
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Compare(a.at, b.at) })
	having := map[event.ServerID]int{} // periods that go on
	now := step{last: event.NoTime}
	for i, c := range changes {
		switch {
		case c.begun:
			having[c.server]++
		case now.last != c.last:
			now.before, now.last = c.server, c.last
		case now.before != c.server:
			now.before = ""
		}
		if !c.begun {
			if having[c.server]--; having[c.server] == 0 {
				delete(having, c.server)
			}
		}
		if i+1 < len(changes) && changes[i+1].at == c.at {
			continue
		}
		now.from, now.during = c.at, ""
		if len(having) == 1 {
			for id := range having {
				now.during = id
			}
		}
		l.steps = append(l.steps, now)
	}
	return l
}

// at returns who had the address; nobody of an address that none was seen to have.
func (l *lent) at(t event.Time) (event.ServerID, bool) {
	if l == nil {
		return "", false
	}
	if l.only != "" {
		return l.only, true
	}
	i, exact := slices.BinarySearchFunc(l.steps, t, func(s step, t event.Time) int { return cmp.Compare(s.from, t) })
	if !exact {
		i--
	}
	if t == event.NoTime || i < 0 {
		return "", false
	}
	s := &l.steps[i]
	if s.during != "" {
		return s.during, true
	}
	if s.last == event.NoTime || t.Sub(s.last) > leaseGap {
		return "", false
	}
	return s.before, s.before != ""
}
