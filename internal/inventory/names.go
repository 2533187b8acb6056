package inventory

import (
	"net/netip"
	"slices"
	"time"

	"wardround/internal/event"
)

// Log is one artifact with the names in it. Of the artifact Collection, Path, Root, Hint and Kind are read. Artifacts
// without records belong here too: they may give their root its name.
type Log struct {
	Artifact *event.Artifact
	Seen     []Sighting
	Own      []Own
}

// Identity is one server that evidence speaks of.
type Identity struct {
	ID      event.ServerID
	Listed  bool
	Aliases []Alias // sorted by name
}

// Alias is another name of a server, and what shows that it is one.
type Alias struct {
	Name string
	Why  string
}

// Conflict is something about names that a person should decide. Nothing was joined because of it.
type Conflict struct {
	Servers []event.ServerID // sorted
	Says    string
}

// Names tells which server each name in the evidence is. It is for one goroutine; Fork makes another.
type Names struct {
	Servers   []Identity // those with records, sorted by ID
	Conflicts []Conflict // sorted by Says

	estate *Estate
	scopes map[place]*Scope
	known  map[string]event.ServerID // keys that stand in evidence and mean one server everywhere; "" if several
	shorts map[string]event.ServerID // short forms of these that do not stand there
	former map[string][]period       // keys of names that a server bore for a time
	leases map[netip.Addr]*lent      // addresses that a server had for a time, by its own log
	hosts  map[string]*heard         // names that were parsed before
}

// maxHosts bounds the names that are remembered parsed: an estate's logs name the same few thousand a million times.
const maxHosts = 1 << 16

// heard is a name that was parsed, and what it means where that is the same at any time.
type heard struct {
	host
	settled bool           // whether it is fixed was asked
	fixed   bool           // it means the server at any time
	server  event.ServerID // "" if it means none
}

func (n *Names) parse(name string) *heard {
	h := n.hosts[name]
	if h == nil {
		h = &heard{host: parseHost(name)}
		if n.hosts == nil || len(n.hosts) >= maxHosts {
			n.hosts = map[string]*heard{}
		}
		n.hosts[name] = h
	}
	return h
}

// place is a root of a collection, or with a path one artifact.
type place struct{ collection, root, path string }

// period is the time in which a server bore an earlier name, by that server's own logs.
type period struct {
	server      event.ServerID
	first, last event.Time
}

// clockSlack is how far clocks may be off between computers, or be set between two starts of one (a setup that runs in
// the maker's time zone).
const clockSlack = 26 * time.Hour

// In returns the names as they are meant in one artifact.
func (n *Names) In(a *event.Artifact) *Scope {
	if s, ok := n.scopes[place{a.Collection, a.Root, a.Path}]; ok {
		if s.names != n {
			s = &Scope{n, s.meaning}
		}
		return s
	}
	return &Scope{n, meaning{Nameless: n.fromLayout(a)}}
}

// Fork returns names that mean the same, for another goroutine.
func (n *Names) Fork() *Names {
	f := *n
	f.hosts = nil
	return &f
}

// fromLayout is the server that an artifact's place in its collection names.
func (n *Names) fromLayout(a *event.Artifact) event.ServerID {
	name := a.Hint
	if parseHost(name).nameless() {
		name = a.Collection
	}
	h := parseHost(name)
	if i, how, _ := n.estate.find(h); how != notListed && how != severally {
		return n.estate.Servers[i].ID
	}
	if id := n.known[h.key]; id != "" {
		return id
	}
	return event.ServerID(h.text)
}

// Scope is what names mean in one artifact. It never changes.
type Scope struct {
	names *Names
	meaning
}

// meaning is shared by all forks.
type meaning struct {
	Nameless event.ServerID // of records that name no computer

	byName  map[string]event.ServerID // as written
	crowded bool
}

// Server returns the server that the name means, "" being none.
func (s *Scope) Server(host string) event.ServerID {
	if id, ok := s.byName[host]; ok {
		return id
	}
	h := s.names.parse(host)
	if h.nameless() {
		return s.Nameless
	}
	if id, ok := s.byName[h.key]; ok {
		return id
	}
	if s.crowded {
		return Crowd
	}
	if id, ok := s.names.Find(host, event.NoTime); ok {
		return id
	}
	return event.ServerID(h.text)
}

// Find returns the server that a name or an address inside a record means (a workstation, a target, a source address)
// when it is known to mean one. A name that a server bore only for a time counts at that time; without a time never.
func (n *Names) Find(name string, at event.Time) (event.ServerID, bool) {
	h := n.heard(name)
	if !h.fixed {
		return n.find(h.host, at)
	}
	return h.server, h.server != ""
}

// Fixed reports whether a name or an address means the same at any time.
func (n *Names) Fixed(name string) bool { return name == "" || n.heard(name).fixed }

func (n *Names) heard(name string) *heard {
	h := n.parse(name)
	if !h.settled {
		h.settled = true
		l := n.leases[h.addr]
		if h.fixed = (l == nil || l.only != "") && len(n.former[h.key]) == 0; h.fixed {
			h.server, _ = n.find(h.host, event.NoTime)
		}
	}
	return h
}

func (n *Names) find(h host, at event.Time) (event.ServerID, bool) {
	if h.nameless() {
		return "", false
	}
	i, how, _ := n.estate.find(h)
	if how == byName || how == byAddress {
		return n.estate.Servers[i].ID, true
	}
	if id, ok := n.known[h.key]; ok {
		return id, id != ""
	}
	if how != notListed && how != severally {
		return n.estate.Servers[i].ID, true
	}
	if h.addr.IsValid() {
		return n.leases[h.addr].at(at)
	}
	if id := n.shorts[h.short()]; id != "" && (h.domain() == "" || parseHost(string(id)).domain() == "") {
		return id, true
	}
	if bore := formerly(n.former, h.key, at, at); how == notListed && len(bore) == 1 {
		return bore[0], true
	}
	return "", false
}

// formerly returns the servers that bore the name throughout the time.
func formerly(former map[string][]period, key string, first, last event.Time) (servers []event.ServerID) {
	if first == event.NoTime {
		return nil
	}
	for _, p := range former[key] {
		during := p.first != event.NoTime && first >= p.first.Add(-clockSlack) && last <= p.last.Add(clockSlack)
		if during && !slices.Contains(servers, p.server) {
			servers = append(servers, p.server)
		}
	}
	return servers
}
