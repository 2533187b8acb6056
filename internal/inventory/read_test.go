package inventory

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"wardround/internal/event"
)

// show writes an estate as one line per server, in order.
func show(e *Estate) string {
	var b strings.Builder
	for _, s := range e.Servers {
		var addresses []string
		for _, a := range s.Addresses {
			addresses = append(addresses, a.String())
		}
		fmt.Fprintf(&b, "%s|%s|%s|%s|%s|%s|%s", s.ID, s.Kind, s.Role, s.OS, strings.Join(addresses, " "), s.Location, s.Notes)
		for _, k := range slices.Sorted(mapKeys(s.Extra)) {
			fmt.Fprintf(&b, "|%s=%s", k, s.Extra[k])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func mapKeys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func utf16LE(s string) string {
	b := []byte("\xff\xfe")
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return string(b)
}

func utf16BE(s string) string {
	b := []byte("\xfe\xff")
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.BigEndian.AppendUint16(b, u)
	}
	return string(b)
}

// small is one list in every form that Excel and people give it.
const small = "EHOSP-DB1|physical|database|Windows Server 2012 R2|10.0.2.4 10.0.3.4|Server room, first floor|\n" +
	"EHOSP-WEB|virtual|web|Ubuntu 18.04|10.0.2.9||behind “the” proxy\n"

func TestReadForms(t *testing.T) {
	comma := "name,kind,role,os,addresses,location,notes\n" +
		"EHOSP-DB1,physical,database,Windows Server 2012 R2,10.0.2.4;10.0.3.4,\"Server room, first floor\",\n" +
		"EHOSP-WEB,virtual,web,Ubuntu 18.04,10.0.2.9,,behind “the” proxy\n"
	semicolon := "Name;Kind;Role;OS;Addresses;Location;Notes\r\n" +
		"EHOSP-DB1;physical;database;Windows Server 2012 R2;\"10.0.2.4;10.0.3.4\";Server room, first floor;\r\n" +
		"EHOSP-WEB;virtual;web;Ubuntu 18.04;10.0.2.9;;behind “the” proxy"
	for name, in := range map[string]string{
		"comma": comma, "semicolon, CRLF, no last line end": semicolon, "UTF-8 mark": "\xef\xbb\xbf" + comma,
		"tab, UTF-16": utf16LE(strings.NewReplacer(";", "\t").Replace(strings.ReplaceAll(semicolon, `"10.0.2.4;10.0.3.4"`, "10.0.2.4 10.0.3.4"))),
		"UTF-16BE":    utf16BE(comma),
		"Excel's sep": "sep=;\r\n" + semicolon,
		"other order": "notes,role,addresses,kind,os,location,NAME\n" +
			",database,\"10.0.2.4, 10.0.3.4\",physical,Windows Server 2012 R2,\"Server room, first floor\",EHOSP-DB1\n\n,,,,,,\n" +
			"behind “the” proxy,web,10.0.2.9,virtual,Ubuntu 18.04,,EHOSP-WEB\n",
		"JSON": `[{"name":"EHOSP-DB1","kind":"physical","role":"database","os":"Windows Server 2012 R2","addresses":["10.0.2.4","10.0.3.4"],"location":"Server room, first floor","notes":null},
			{"role":"web","kind":"virtual","name":"EHOSP-WEB","os":"Ubuntu 18.04","addresses":"10.0.2.9","notes":"behind “the” proxy"}]`,
		"JSON under servers": `{"version":1,"servers":[{"Name":"EHOSP-DB1","kind":"physical","role":"database","os":"Windows Server 2012 R2","addresses":"10.0.2.4;10.0.3.4","location":"Server room, first floor"},
			{"role":"web","kind":"virtual","Name":"EHOSP-WEB","os":"Ubuntu 18.04","addresses":"10.0.2.9","notes":"behind “the” proxy"}]}`,
	} {
		e, problems, err := Read(strings.NewReader(in), name)
		if err != nil || len(problems) > 0 {
			t.Errorf("%s: %v, %v", name, err, problems)
			continue
		}
		if got := show(e); got != small {
			t.Errorf("%s: got\n%swant\n%s", name, got, small)
		}
	}
}

func TestReadProblems(t *testing.T) {
	const head = "name,kind,role,os,addresses,location,notes\n"
	for _, c := range []struct{ name, in, servers, problems string }{
		{"unknown column kept", "name,kind,role,Asset Tag\nA,physical,web,T-1\n", "A|physical|web|||||Asset Tag=T-1\n", ""},
		{"spellings", "Server Name,Type,Role,IP Address\nA,VM,Domain Controller,10.0.0.1\nB,Virtual,dc,\nC,VM,Other,\n",
			"A|virtual|domain-controller||10.0.0.1||\nB|virtual|domain-controller||||\nC|virtual|other||||\n",
			`line 1: column "Server Name": read as the column name
line 1: column "Type": read as the column kind
line 1: column "IP Address": read as the column addresses
line 2: column "kind": "VM" is read as virtual, here and below
line 2: column "role": "Domain Controller" is read as domain-controller, here and below
line 3: column "role": "dc" is read as domain-controller, here and below`},
		{"no name", head + ",physical,web,,,,\nB,physical,web,,,,\n", "B|physical|web||||\n",
			`line 2: column "name": the row has no name; give the server's host name (row left out)`},
		{"bad cells stay apart", head + "A,phisical,web,,10.0.0.999;10.0.0.2,,\n", "A||web||10.0.0.2||\n",
			`line 2: column "kind": "phisical" is not known; the server is kept without it; write one of physical, virtual
line 2: column "addresses": "10.0.0.999" is no IP address; the server is kept without it; write it like 10.0.2.4 and separate several by ;`},
		{"bad role", head + "A,virtual,kitchen,,,,\n", "A|virtual|||||\n",
			`line 2: column "role": "kitchen" is not known; the server is kept without it; write one of database, application, web, domain-controller, file, backup, pacs, lis, hypervisor, mail, jump, other`},
		{"twice the name", head + "A,physical,web,,,,\na.,virtual,file,,,,\n", "A|physical|web||||\n",
			`line 3: column "name": "a." is already in line 2; remove one of the two, or give the full names with their domains (row left out)`},
		{"twice the address", head + "B,physical,web,,10.0.0.1,,\nA,virtual,web,,::ffff:10.0.0.1,,\n", "A|virtual|web||10.0.0.1||\nB|physical|web||10.0.0.1||\n",
			`line 3: column "addresses": 10.0.0.1 is also in line 2; it tells neither server in evidence; give it to the one server that uses it`},
		{"too many cells", head + "A,physical,web,,10.0.0.1,10.0.0.2,,first floor\nB,physical,web,,,,,,,\nC,physical,web,,10.0.0.3,10.0.0.4,,\n", "B|physical|web||||\nC|physical|web||10.0.0.3|10.0.0.4|\n",
			`line 2: the row has 8 cells, the header has 7; put a cell that holds the separator into quotes (row left out)
line 4: column "location": "10.0.0.4" is an address; put several addresses into quotes or separate them by ;`},
		{"too few cells", head + "A,physical,web\nnobody\n", "A|physical|web||||\n",
			`line 2: the row has 3 cells, the header has 7; the missing ones are taken as empty
line 3: the row has 1 cells, the header has 7; add the missing separators (row left out)`},
		{"open quotes lose one line", head + "A,physical,web,,,,\"two\nlines\"\nB,physical,web,,,\"open,\nC,virtual,web,,,,\nD,\"virtual\" ,web,,,,\"say \"\"aah\"\"\"\nE,virtual,web,\"x\"y,,,\n",
			"A|physical|web||||two\nlines\nC|virtual|web||||\nD|virtual|web||||say \"aah\"\n",
			`line 4: the quotes of a cell do not close; write a quote inside a quoted cell twice ("") (row left out)
line 7: the quotes of a cell do not close; write a quote inside a quoted cell twice ("") (row left out)`},
		{"network and port", head + "A,physical,web,,10.0.0.1/16;[2001:DB8::1]:443,,\n", "A|physical|web||10.0.0.1 2001:db8::1||\n",
			`line 2: column "addresses": "10.0.0.1/16" is read as the address 10.0.0.1 alone`},
		{"an address for a name", head + "10.0.0.1,physical,web,,,,\n", "10.0.0.1|physical|web||10.0.0.1||\n", ""},
		{"names that name nobody", head + "localhost,physical,web,,,,\n127.0.0.1,physical,web,,,,\n\"a\x1b[2J\",physical,web,,,,\n", "",
			`line 2: column "name": "localhost" names every computer; give the name by which others know the server (row left out)
line 3: column "name": "127.0.0.1" names every computer; give the name by which others know the server (row left out)
line 4: column "name": "a·[2J~3f365b4b" cannot be a name: longer than 253 bytes or with characters that do not show; give the host name as the server itself writes it (row left out)`},
		{"short beside full", head + "A,physical,web,,,,\nA.hosp.local,virtual,web,,,,\nA.lab.local,virtual,web,,,,\n", "A|physical|web||||\nA.hosp.local|virtual|web||||\nA.lab.local|virtual|web||||\n",
			`line 3: column "name": "A.hosp.local" and "A" of line 2 share a short name; they are kept as two servers; remove one if they are the same server
line 4: column "name": "A.lab.local" and "A" of line 2 share a short name; they are kept as two servers; remove one if they are the same server
line 4: column "name": "A.lab.local" and "A.hosp.local" of line 3 share a short name; they are kept as two servers; remove one if they are the same server`},
		{"Windows-1252", "name,notes\nA,caf\xe9\n", "A||||||café\n", "the file is not UTF-8: read as Windows-1252; save it as “CSV UTF-8” if a name looks wrong"},
		{"JSON lines", "[\n{\"name\":\"A\"},\n7,\n{\"kind\":\"virtual\"},\n\n{\"name\":\"B\",\"rack\":{\"row\":3}}]", "A||||||\nB|||||||rack={\"row\":3}\n",
			`line 3: the element is no object; write {"name": "…", …} (row left out)
line 4: column "name": the row has no name; give the server's host name (row left out)`},
		{"the same column twice", "name,os,OS\nA,x,y\n", "A|||x||||OS=y\n", ""},
	} {
		e, problems, err := Read(strings.NewReader(c.in), "list")
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var says []string
		for _, p := range problems {
			says = append(says, p.String())
		}
		if got := strings.Join(says, "\n"); got != c.problems {
			t.Errorf("%s: problems\n%s\nwant\n%s", c.name, got, c.problems)
		}
		if got := show(e); got != c.servers {
			t.Errorf("%s: servers\n%swant\n%s", c.name, got, c.servers)
		}
	}
}

func TestReadNoInventory(t *testing.T) {
	for in, want := range map[string]string{
		"":                        `read "x": the file is empty`,
		" \r\n":                   `read "x": the file is empty`,
		"A,physical,web\n":        `read "x": no column "name": the first line must be name,kind,role,os,addresses,location,notes`,
		`{"hosts":[]}`:            `read "x": no list "servers" in it: write an array of objects, or {"servers": […]}`,
		"[\n{\"name\":\"A\"},\n{": `read "x": line 3: unexpected EOF`,
		`{"servers":{"a":1}}`:     `read "x": line 1: no array of objects`,
	} {
		if _, _, err := Read(strings.NewReader(in), "x"); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", in, err, want)
		}
	}
}

func TestEstateServer(t *testing.T) {
	e, _, err := Read(strings.NewReader("name\nEHOSP-DB1\n"), "x")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := e.Server("EHOSP-DB1"); !ok {
		t.Error("not found")
	}
	if _, ok := e.Server("ehosp-db1"); ok {
		t.Error("a ServerID is exact")
	}
}

func FuzzRead(f *testing.F) {
	f.Add("name,kind,role\nA,vm,dc\n\"B\n\"C\",,\n")
	f.Add("sep=;\nname;addresses\nA;\"1.2.3.4;::1\"\n")
	f.Add(`{"servers":[{"name":"A","addresses":["10.0.0.1",2,null]},[],{}]}`)
	f.Add(utf16LE("name\tos\nA\tB"))
	f.Fuzz(func(t *testing.T, in string) {
		e, problems, err := Read(strings.NewReader(in), "fuzz")
		for _, p := range problems {
			if p.Says == "" || p.Line < 0 || p.Line > 1+strings.Count(in, "\n")+strings.Count(in, "\x00") {
				t.Errorf("problem %+v", p)
			}
		}
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, s := range e.Servers {
			key := parseHost(string(s.ID)).key
			if seen[key] || key == "" || !visible(string(s.ID)) {
				t.Errorf("name %q", s.ID)
			}
			seen[key] = true
			if id, how, _ := e.find(parseHost(string(s.ID))); how != byName || e.Servers[id].ID != s.ID {
				t.Errorf("%q is not found under its own name", s.ID)
			}
		}
	})
}

// estate makes a list of servers by name alone.
func estate(t testing.TB, names ...string) *Estate {
	t.Helper()
	rows := strings.Fields(strings.Join(names, "\n"))
	for i, r := range rows {
		if !strings.Contains(r, ",") {
			rows[i] += ","
		}
	}
	e, problems, err := Read(strings.NewReader("name,addresses\n"+strings.Join(rows, "\n")+"\n"), "estate")
	for _, p := range problems {
		if p.Lost {
			t.Fatal(p)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func ids(e *Estate, list []int) (out []event.ServerID) {
	for _, i := range list {
		out = append(out, e.Servers[i].ID)
	}
	return out
}
