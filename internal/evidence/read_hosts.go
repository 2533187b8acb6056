package evidence

import (
	"bytes"
	"context"
	"path"
	"strings"

	"wardround/internal/event"
)

// hostsReader reads what a system calls itself and others, and the addresses that it gives itself: hosts(5), hostname(5),
// netplan, ifcfg files, interfaces(5), NetworkManager's and systemd-networkd's files. The events have no time.
var hostsReader = reader{"names and addresses", isHosts, readHosts}

var hostsSchema = event.TextSchema(event.Source{Product: "linux", Channel: "hosts", Provider: ""}, "action", "name", "address", "aliases", "interface", "mac", "file")

var (
	actHostEntry = event.Text("name of address")
	actHostname  = event.Text("own name")
	actOwnIP     = event.Text("own address")
)

// hostsForm is how a file's lines are built.
type hostsForm uint8

const (
	noHosts hostsForm = iota
	hostsTable
	hostnameForm
	addressForm
)

func hostsPath(p string) hostsForm {
	p = "/" + strings.TrimPrefix(strings.ToLower(strings.ReplaceAll(p, `\`, "/")), "/")
	dir, base := path.Split(p)
	switch {
	case base == "hosts" && (strings.HasSuffix(dir, "/etc/") || dir == "/"):
		return hostsTable
	case base == "hostname" && strings.HasSuffix(dir, "/etc/"):
		return hostnameForm
	case strings.HasPrefix(base, "ifcfg-"), strings.HasSuffix(dir, "/netplan/") && (strings.HasSuffix(base, ".yaml") || strings.HasSuffix(base, ".yml")),
		base == "interfaces" && strings.HasSuffix(dir, "/network/"), strings.HasSuffix(dir, "/interfaces.d/"), strings.HasSuffix(dir, "/system-connections/"),
		strings.HasSuffix(base, ".network") && strings.Contains(dir, "/systemd/network/"), base == "network" && strings.HasSuffix(dir, "/sysconfig/"):
		return addressForm
	}
	return noHosts
}

func isHosts(head []byte, name string) bool {
	if !isText(head) {
		return false
	}
	switch hostsPath(name) {
	case hostsTable:
		return mostLines(head, func(line []byte) bool { a, _ := hostsEntry(line); return a != nil })
	case hostnameForm:
		w := bytes.Fields(head)
		return len(w) > 0 && len(w[0]) < 256 && hostnameBytes(w[0])
	case addressForm:
		return true
	}
	return false
}

func hostnameBytes(b []byte) bool {
	for _, c := range b {
		if !letter(c) && !digit(c) && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return len(b) > 0
}

// hostsEntry reads "10.0.0.5 db1.hosp.local db1 # comment".
func hostsEntry(line []byte) (address []byte, names [][]byte) {
	if i := bytes.IndexByte(line, '#'); i >= 0 {
		line = line[:i]
	}
	w := bytes.Fields(line)
	if len(w) < 2 || !isAddress(w[0]) {
		return nil, nil
	}
	return w[0], w[1:]
}

func readHosts(ctx context.Context, in *input, out *output) error {
	h := hostsFile{out: out, want: out.want(hostsSchema), file: textValue([]byte(in.Path)), form: hostsPath(in.Path), deep: -1}
	if base := path.Base(in.Path); strings.HasPrefix(base, "ifcfg-") {
		h.card = append(h.card, base[6:]...)
	}
	l := newLines(ctx, in.Stream)
	for l.next() {
		line := bytes.TrimSpace(l.text)
		if len(line) == 0 || line[0] == '#' || line[0] == ';' {
			continue
		}
		if !isText(line) {
			out.damage(l.offset, l.size(), "binary bytes in a text file")
			continue
		}
		h.rec = event.Record{Schema: hostsSchema, Time: event.NoTime, Number: l.number, Offset: l.offset}
		clear(h.slots[:])
		switch h.form {
		case hostsTable:
			address, names := hostsEntry(line)
			if address == nil {
				out.damage(l.offset, l.size(), "line without address and name")
				continue
			}
			h.yield(actHostEntry, names[0], address, bytes.Join(names[1:], []byte(" ")))
		case hostnameForm:
			if w := word(line); hostnameBytes(w) && len(w) < 256 {
				h.rec.Host = string(w)
				h.yield(actHostname, w, nil, nil)
			} else {
				out.damage(l.offset, l.size(), "no name of a host")
			}
		default:
			h.address(line, len(l.text)-len(bytes.TrimLeft(l.text, " \t")))
		}
	}
	return l.fail()
}

// hostsFile reads one file.
type hostsFile struct {
	out   *output
	form  hostsForm
	want  bool
	file  event.Value
	card  []byte // interface that the lines at hand are about
	list  bool   // below netplan's addresses:
	deep  int    // how far netplan's nameservers: stands in, -1 outside of it
	rec   event.Record
	slots [7]event.Value
}

func (h *hostsFile) yield(action event.Value, name, address, aliases []byte) {
	if h.want {
		h.slots = [7]event.Value{action, textValue(name), textValue(address), textValue(aliases), textValue(h.card), {}, h.file}
		h.rec.Slots = h.slots[:]
	}
	h.out.take(&h.rec)
}

// address reads one line of the files that set addresses: "IPADDR=10.0.0.5", "address 10.0.0.5/24", "- 10.0.0.5/24" below
// "addresses:", "address1=10.0.0.5/24,10.0.0.1", "Address=10.0.0.5/24"; and "HOSTNAME=db1" of sysconfig.
func (h *hostsFile) address(line []byte, indent int) {
	if string(line) == "nameservers:" {
		h.deep = indent
	} else if h.deep >= 0 && indent > h.deep {
		return // those addresses are others'
	} else {
		h.deep = -1
	}
	lower := bytes.ToLower(line)
	value := func(separators string) []byte {
		i := bytes.IndexAny(line, separators)
		if i < 0 {
			return nil
		}
		v := bytes.Trim(line[i+1:], "\"' \t[]")
		v = bytes.TrimRight(cut(v, "", ","), "\"' ]")
		return cut(v, "", "/")
	}
	took := false
	switch {
	case hasPrefix(lower, "hostname="):
		if v := value("="); hostnameBytes(v) {
			h.rec.Host = string(v)
			h.yield(actHostname, v, nil, nil)
		}
	case hasPrefix(lower, "ipaddr"), hasPrefix(lower, "ipv6addr="), hasPrefix(lower, "address") && !hasPrefix(lower, "addresses:"):
		if v := value("= \t"); isAddress(v) {
			h.yield(actOwnIP, nil, v, nil)
		}
	case hasPrefix(lower, "iface "):
		h.card = append(h.card[:0], word(bytes.TrimSpace(line[6:]))...)
	case hasPrefix(lower, "device="), hasPrefix(lower, "interface-name="), hasPrefix(lower, "name=") && h.form == addressForm:
		h.card = append(h.card[:0], value("=")...)
	case hasPrefix(lower, "addresses:"):
		took = true
		if v := value("["); isAddress(v) {
			h.yield(actOwnIP, nil, v, nil)
		}
	case h.list && hasPrefix(line, "- "):
		took = true
		if v := value("-"); isAddress(v) {
			h.yield(actOwnIP, nil, v, nil)
		}
	case bytes.HasSuffix(line, []byte(":")) && hostnameBytes(line[:len(line)-1]):
		switch string(line) {
		case "network:", "ethernets:", "nameservers:", "routes:", "bonds:", "vlans:", "match:", "wifis:", "bridges:", "parameters:", "search:":
		default:
			h.card = append(h.card[:0], line[:len(line)-1]...)
		}
	}
	h.list = took
}
