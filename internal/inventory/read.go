package inventory

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"wardround/internal/event"
)

// columns of an inventory; docs/format/inventory.md.
var inventoryColumns = columns{
	known: []string{"name", "kind", "role", "os", "addresses", "location", "notes"},
	spelled: map[string]string{
		"server": "name", "server name": "name", "servername": "name", "hostname": "name", "host name": "name", "host": "name", "computer": "name", "computer name": "name", "fqdn": "name",
		"type": "kind", "server type": "kind", "physical/virtual": "kind",
		"server role": "role", "function": "role", "purpose": "role",
		"operating system": "os",
		"address":          "addresses", "ip": "addresses", "ips": "addresses", "ip address": "addresses", "ip addresses": "addresses", "ipaddress": "addresses",
		"site": "location", "building": "location",
		"note": "notes", "remarks": "notes", "remark": "notes", "comment": "notes", "comments": "notes",
	},
}

// Read takes an inventory in CSV or JSON (docs/format/inventory.md). A row that has a name is in the estate; the cells
// of it that cannot be taken are empty there and stand in the problems, as does every row that is left out. The error
// is for a file that is no inventory at all: unreadable, empty, or without a column name.
func Read(r io.Reader, name string) (*Estate, []Problem, error) {
	t, err := readTable(r, name, "servers", inventoryColumns)
	if err != nil {
		return nil, t.problems, err
	}
	if !slices.Contains(t.columns, "name") {
		return nil, t.problems, fmt.Errorf("read %q: no column %q: the first line must be %s", name, "name", strings.Join(inventoryColumns.known, ","))
	}
	in := intake{table: t, byKey: map[string]int{}, noted: map[string]bool{}}
	for _, r := range t.rows {
		in.take(r)
	}
	e := newEstate(in.servers)
	in.doubtful(e)
	slices.SortStableFunc(in.problems, func(a, b Problem) int { return a.Line - b.Line })
	return e, in.problems, nil
}

// intake turns rows into servers.
type intake struct {
	*table
	servers []Server
	byKey   map[string]int  // line
	noted   map[string]bool // spellings; one note each
}

func (in *intake) take(r row) {
	s := Server{Line: r.line, Extra: map[string]string{}}
	for i, cell := range r.cells {
		switch column := in.columns[i]; column {
		case "name", "kind", "role", "addresses":
		case "os":
			s.OS = cell
		case "location":
			s.Location = cell
		case "notes":
			s.Notes = cell
		default:
			if cell != "" && column != "" {
				s.Extra[column] = cell
			}
		}
	}
	if !in.name(&s, in.cell(r, "name")) {
		return
	}
	s.Kind = in.word(r, "kind", Kinds, kindSpellings)
	s.Role = in.word(r, "role", Roles, roleSpellings)
	s.Addresses = in.addresses(r)
	if _, ok := parseAddress(s.Location); ok {
		in.problems = append(in.problems, Problem{Line: s.Line, Column: "location", Says: fmt.Sprintf("%q is an address", s.Location), Remedy: "put several addresses into quotes or separate them by ;"})
	}
	if h := parseHost(string(s.ID)); h.addr.IsValid() && !slices.Contains(s.Addresses, h.addr) {
		s.Addresses = append(s.Addresses, h.addr)
	}
	in.servers = append(in.servers, s)
}

// name sets the server's ID, and tells why the row cannot be taken if it cannot.
func (in *intake) name(s *Server, cell string) bool {
	h := parseHost(cell)
	lost := func(says, remedy string) bool {
		in.problems = append(in.problems, Problem{s.Line, "name", says, remedy, true})
		return false
	}
	if h.key == "" {
		return lost("the row has no name", "give the server's host name")
	}
	if len(cell) > maxName || !visible(cell) {
		return lost(fmt.Sprintf("%q cannot be a name: longer than %d bytes or with characters that do not show", h.text, maxName), "give the host name as the server itself writes it")
	}
	if h.nameless() {
		return lost(fmt.Sprintf("%q names every computer", cell), "give the name by which others know the server")
	}
	if line, ok := in.byKey[h.key]; ok {
		return lost(fmt.Sprintf("%q is already in line %d", cell, line), "remove one of the two, or give the full names with their domains")
	}
	in.byKey[h.key] = s.Line
	s.ID = event.ServerID(h.text)
	return true
}

// word reads a cell that must be one of a few words. Other spellings of them are taken, and noted at their first line.
func (in *intake) word(r row, column string, words []string, spellings map[string]string) string {
	cell := in.cell(r, column)
	plain := strings.Join(strings.FieldsFunc(lower(cell), func(c rune) bool { return strings.ContainsRune(" -_/", c) }), " ")
	word, ok := spellings[plain]
	if !ok {
		if i := slices.Index(words, lower(cell)); i >= 0 {
			return words[i]
		}
		if cell != "" {
			in.problems = append(in.problems, Problem{
				Line: r.line, Column: column, Says: fmt.Sprintf("%q is not known; the server is kept without it", cell), Remedy: "write one of " + strings.Join(words, ", "),
			})
		}
		return ""
	}
	if word != lower(cell) && !in.noted[column+plain] {
		in.noted[column+plain] = true
		in.problems = append(in.problems, Problem{Line: r.line, Column: column, Says: fmt.Sprintf("%q is read as %s, here and below", cell, word)})
	}
	return word
}

func (in *intake) addresses(r row) (list []netip.Addr) {
	for _, text := range strings.FieldsFunc(in.cell(r, "addresses"), func(c rune) bool { return strings.ContainsRune("; ,|\t\r\n\u00a0", c) }) {
		bare, _, _ := strings.Cut(text, "/")
		a, ok := parseAddress(bare)
		if !ok {
			in.problems = append(in.problems, Problem{Line: r.line, Column: "addresses", Says: fmt.Sprintf("%q is no IP address; the server is kept without it", text), Remedy: "write it like 10.0.2.4 and separate several by ;"})
			continue
		}
		if bare != text {
			in.problems = append(in.problems, Problem{Line: r.line, Column: "addresses", Says: fmt.Sprintf("%q is read as the address %s alone", text, a)})
		}
		if !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	return list
}

// doubtful reports what only the whole list shows: one address in two rows, a short name beside its full form.
func (in *intake) doubtful(e *Estate) {
	for i := range e.Servers {
		s := &e.Servers[i]
		for _, a := range s.Addresses {
			if lines, ok := e.shared[a]; ok && lines[0] != s.Line {
				in.problems = append(in.problems, Problem{Line: s.Line, Column: "addresses", Says: fmt.Sprintf("%s is also in line %d; it tells neither server in evidence", a, lines[0]), Remedy: "give it to the one server that uses it"})
			}
		}
		for _, j := range e.short[parseHost(string(s.ID)).short()] {
			o := &e.Servers[j]
			if o.Line < s.Line && !parseHost(string(s.ID)).addr.IsValid() {
				in.problems = append(in.problems, Problem{Line: s.Line, Column: "name", Says: fmt.Sprintf("%q and %q of line %d share a short name; they are kept as two servers", s.ID, o.ID, o.Line), Remedy: "remove one if they are the same server"})
			}
		}
	}
}

// kindSpellings and roleSpellings map what people write beside the words of the format, in lower case and with single
// spaces.
var kindSpellings = map[string]string{
	"phys": Physical, "p": Physical, "bare metal": Physical, "baremetal": Physical, "hardware": Physical, "physical server": Physical, "standalone": Physical, "blade": Physical, "rack": Physical,
	"v": Virtual, "vm": Virtual, "virtual machine": Virtual, "virtual server": Virtual, "guest": Virtual, "vmware": Virtual, "vmware vm": Virtual, "hyper v vm": Virtual,
}

var roleSpellings = map[string]string{
	"db": "database", "database server": "database", "db server": "database", "sql": "database", "sql server": "database", "oracle": "database", "mysql": "database", "postgresql": "database", "mssql": "database",
	"app": "application", "application server": "application", "app server": "application",
	"web server": "web", "webserver": "web", "www": "web", "iis": "web",
	"domain controller": "domain-controller", "dc": "domain-controller", "ad": "domain-controller", "active directory": "domain-controller", "adc": "domain-controller", "ad dc": "domain-controller",
	"file server": "file", "fileserver": "file", "nas": "file", "file share": "file",
	"bkp": "backup", "backup server": "backup",
	"pacs server": "pacs", "imaging": "pacs", "ris pacs": "pacs",
	"lis server": "lis", "laboratory": "lis", "lab": "lis", "lims": "lis",
	"esxi": "hypervisor", "esx": "hypervisor", "hyper v": "hypervisor", "esxi host": "hypervisor", "hypervisor host": "hypervisor", "vmware host": "hypervisor", "virtualisation host": "hypervisor", "virtualization host": "hypervisor",
	"mail server": "mail", "email": "mail", "e mail": "mail", "exchange": "mail", "smtp": "mail",
	"jump server": "jump", "jump host": "jump", "jumphost": "jump", "jump box": "jump", "bastion": "jump",
	"others": "other", "misc": "other",
}
