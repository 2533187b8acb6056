// Package inventory knows the estate: which servers there are, and which name in evidence is which server.
//
// Read takes the hospital's own list, however Excel has written it, and loses nothing of it in silence: what it cannot
// take is a Problem with its line. Every statement of a report stands over that list, so a row with a name stays even
// when its other cells are wrong.
//
// Join takes the names that evidence calls computers by (a Watch gathers them while a log is read) and says for each
// log which server each name is. It joins only what it can show: a short name and its full form, an address of the
// list, or names that follow one another under one counter of record numbers. What is ambiguous stays apart and is
// reported as a Conflict. ReadChanges takes the approved work that may explain what was seen.
package inventory

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"wardround/internal/event"
)

// The kinds of a server.
const (
	Physical = "physical"
	Virtual  = "virtual"
)

// Kinds are the kinds of a server.
var Kinds = []string{Physical, Virtual}

// Roles are what a server may be for; the role decides which questions coverage asks.
var Roles = []string{"database", "application", "web", "domain-controller", "file", "backup", "pacs", "lis", "hypervisor", "mail", "jump", "other"}

// Server is one row of the inventory. Kind, Role, OS and Location are "" where the list does not say.
type Server struct {
	ID        event.ServerID
	Kind      string
	Role      string
	OS        string
	Addresses []netip.Addr
	Location  string
	Notes     string
	Extra     map[string]string // columns that Wardround does not know
	Line      int               // where the row begins, from 1
}

// Estate is the list of servers, sorted by name. The empty one is an estate without an inventory.
type Estate struct {
	Servers []Server

	exact   map[string]int        // key of the whole name
	short   map[string][]int      // key of the name up to its first dot
	netbios map[string][]int      // the short key cut to 15 characters
	address map[netip.Addr]int    // only addresses of one server
	shared  map[netip.Addr][2]int // lines of the first two rows that claim one address
}

// Problem is something in a list that a person should mend or know. Lost says that the row is not in the result; with
// Remedy empty it is a note on what was understood.
type Problem struct {
	Line   int    // 0: the file as a whole
	Column string // "" : the row as a whole
	Says   string
	Remedy string
	Lost   bool
}

// String is the problem as a terminal shows it; what comes from the file is quoted.
func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", p.Line)
	}
	if p.Column != "" {
		fmt.Fprintf(&b, "column %q: ", p.Column)
	}
	b.WriteString(p.Says)
	if p.Remedy != "" {
		b.WriteString("; " + p.Remedy)
	}
	if p.Lost {
		b.WriteString(" (row left out)")
	}
	return b.String()
}

// newEstate sorts and indexes servers. Names are already unique by key.
func newEstate(servers []Server) *Estate {
	slices.SortFunc(servers, func(a, b Server) int { return strings.Compare(string(a.ID), string(b.ID)) })
	e := &Estate{
		Servers: servers, exact: map[string]int{}, short: map[string][]int{}, netbios: map[string][]int{},
		address: map[netip.Addr]int{}, shared: map[netip.Addr][2]int{},
	}
	for i, s := range servers {
		h := parseHost(string(s.ID))
		e.exact[h.key] = i
		if h.addr.IsValid() {
			continue
		}
		e.short[h.short()] = append(e.short[h.short()], i)
		e.netbios[h.netbios()] = append(e.netbios[h.netbios()], i)
	}
	for i, s := range servers {
		for _, a := range s.Addresses {
			e.claim(a, i)
		}
	}
	return e
}

// claim gives the address to server i unless another has it: then it is nobody's.
func (e *Estate) claim(a netip.Addr, i int) {
	j, taken := e.address[a]
	_, disputed := e.shared[a]
	switch {
	case disputed || taken && i == j:
	case taken:
		lines := [2]int{e.Servers[j].Line, e.Servers[i].Line}
		slices.Sort(lines[:])
		e.shared[a] = lines
		delete(e.address, a)
	default:
		e.address[a] = i
	}
}

// Server returns the listed server of that ID.
func (e *Estate) Server(id event.ServerID) (*Server, bool) {
	if i, ok := e.exact[parseHost(string(id)).key]; ok && e.Servers[i].ID == id {
		return &e.Servers[i], true
	}
	return nil, false
}

// matched is how a name in evidence was found in the list, the surest first.
type matched uint8

const (
	notListed matched = iota
	byName            // the whole name
	byAddress         // an address of one server
	byShort           // a short name in evidence, its full form in the list
	byFull            // a full name in evidence, its short form in the list
	byNetBIOS         // the first 15 characters
	severally         // several servers could be meant
)

// find looks a name up in the list. With severally, others holds the servers that could be meant.
func (e *Estate) find(h host) (i int, how matched, others []int) {
	if i, ok := e.exact[h.key]; ok {
		return i, byName, nil
	}
	if h.addr.IsValid() {
		if i, ok := e.address[h.addr]; ok {
			return i, byAddress, nil
		}
		return 0, notListed, nil
	}
	// A full name never matches another full name: the same short name in another domain is another server.
	fits := func(candidates []int) (fit []int) {
		for _, c := range candidates {
			if h.domain() == "" || parseHost(string(e.Servers[c].ID)).domain() == "" {
				fit = append(fit, c)
			}
		}
		return fit
	}
	how = byShort
	if h.domain() != "" {
		how = byFull
	}
	found := fits(e.short[h.short()])
	if len(found) == 0 {
		how = byNetBIOS
		for _, c := range fits(e.netbios[h.netbios()]) {
			if cut(h.short(), parseHost(string(e.Servers[c].ID)).short()) {
				found = append(found, c)
			}
		}
	}
	switch len(found) {
	case 0:
		return 0, notListed, nil
	case 1:
		return found[0], how, nil
	}
	return 0, severally, found
}
