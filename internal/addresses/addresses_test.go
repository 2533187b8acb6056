package addresses

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const sheet = `from,to,country,asn,holder,date
198.18.25.0,198.18.25.255,NL,AS64501,Exercise Virtual Servers,2022-11-01
198.18.0.0,198.18.255.255,in,64500,"Exercise, Broadband",2022-10-01
nonsense,198.18.0.9,IN,,,
2001:db8::,2001:db8::ffff,HK,AS64502,,2022-11-01
198.19.0.0/24,,US,,,
`

func TestCSV(t *testing.T) {
	var b Bases
	problems, err := b.Read("dir/addresses.csv", []byte(sheet))
	if err != nil || len(problems) != 1 || !strings.Contains(problems[0], "line 4") {
		t.Fatalf("%v, %q", err, problems)
	}
	for _, c := range []struct{ address, country, asn, holder, source string }{
		{"198.18.25.200", "NL", "AS64501", "Exercise Virtual Servers", "addresses.csv 2022-11-01"},
		{"::ffff:198.18.25.0", "NL", "AS64501", "Exercise Virtual Servers", "addresses.csv 2022-11-01"},
		{"198.18.26.0", "IN", "AS64500", "Exercise, Broadband", "addresses.csv 2022-10-01"},
		{"2001:db8::7", "HK", "AS64502", "", "addresses.csv 2022-11-01"},
		{"198.19.0.255", "US", "", "", "addresses.csv"},
		{"198.19.1.0", "", "", "", ""}, {"8.8.8.8", "", "", "", ""}, {"::1", "", "", "", ""},
	} {
		n := b.Look(netip.MustParseAddr(c.address))
		if n.Country.Value != c.country || n.ASN.Value != c.asn || n.Holder.Value != c.holder || n.Country.Source != c.source || n.Known() != (c.country != "") {
			t.Errorf("%s: %+v", c.address, n)
		}
	}
}

func TestOtherShapes(t *testing.T) {
	for _, c := range []struct{ content, want string }{
		{"198.18.0.0,198.18.255.255,IN\n", "IN  "},
		{"198.18.0.0,198.18.255.255,64500,Exercise Broadband\n", " AS64500 Exercise Broadband"},
		{"network,autonomous_system_number,autonomous_system_organization\n198.18.0.0/15,64500,Exercise\n", " AS64500 Exercise"},
		{"\xef\xbb\xbfstart_ip;end_ip;country_code\n198.18.0.0;198.18.255.255;in\n", "IN  "},
		{"country,from,to\nZZ,198.18.0.0,198.18.255.255\n", "  "},
		{"198.18.0.0\t198.18.255.255\tIN\n", "IN  "},
	} {
		var b Bases
		if _, err := b.Read("x.csv", []byte(c.content)); err != nil {
			t.Errorf("%q: %v", c.content, err)
			continue
		}
		n := b.Look(netip.MustParseAddr("198.18.7.7"))
		if got := n.Country.Value + " " + n.ASN.Value + " " + n.Holder.Value; got != c.want {
			t.Errorf("%q: %q; want %q", c.content, got, c.want)
		}
	}
	for _, content := range []string{"", "hello\n", "a,b,c\n1,2,3\n", "\x00\x01"} {
		var b Bases
		if _, err := b.Read("x.csv", []byte(content)); err == nil {
			t.Errorf("%q was read", content)
		}
	}
}

// TestTheFirstThatKnowsWins: field by field, each with its own source.
func TestTheFirstThatKnowsWins(t *testing.T) {
	var b Bases
	for i, content := range []string{"from,to,country\n198.18.0.0,198.18.0.255,NL\n", "from,to,country,asn\n198.18.0.0,198.18.1.255,HK,64501\n"} {
		if _, err := b.Read(fmt.Sprintf("%d.csv", i), []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	n := b.Look(netip.MustParseAddr("198.18.0.7"))
	if n.Country != (Fact{"NL", "0.csv"}) || n.ASN != (Fact{"AS64501", "1.csv"}) {
		t.Errorf("%+v", n)
	}
	if n := b.Look(netip.MustParseAddr("198.18.1.7")); n.Country.Value != "HK" {
		t.Errorf("%+v", n)
	}
}

// TestMMDB reads the country database that make addresses fetches, where it is at hand.
func TestMMDB(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("..", "..", "bin", "addresses.mmdb"))
	if err != nil {
		t.Skip("bin/addresses.mmdb is not here: make addresses fetches it")
	}
	var b Bases
	if _, err := b.Read("addresses.mmdb", content); err != nil {
		t.Fatal(err)
	}
	if n := b.Look(netip.MustParseAddr("164.100.1.1")); n.Country.Value != "IN" || !strings.Contains(n.Country.Source, "addresses.mmdb") || !strings.Contains(n.Country.Source, " 20") {
		t.Errorf("an address of the National Informatics Centre: %+v", n)
	}
	if n := b.Look(netip.MustParseAddr("10.1.2.3")); n.Country.Value != "" {
		t.Errorf("a private address: %+v", n)
	}
}

func FuzzAddresses(f *testing.F) {
	f.Add([]byte(sheet))
	f.Add([]byte("198.18.0.0,198.18.255.255,IN\n"))
	f.Add([]byte("network,org\n::/0,x\n"))
	f.Add(append(append([]byte("\x00\x00\x01\x00\x00\x01"), make([]byte, 16)...), "\xab\xcd\xefMaxMind.com\xe3"...))
	f.Add(smallMMDB())
	f.Fuzz(func(t *testing.T, content []byte) {
		var b Bases
		if _, err := b.Read("x", content); err != nil {
			return
		}
		for _, a := range []string{"198.18.0.7", "2001:db8::1", "0.0.0.0", "255.255.255.255", "::"} {
			n := b.Look(netip.MustParseAddr(a))
			if c := n.Country.Value; c != "" && len(c) != 2 || len(n.Holder.Value) > maxText+4 {
				t.Errorf("%s: %+v", a, n)
			}
		}
	})
}

// smallMMDB is a database of one network, 128.0.0.0/1, in the format's version 2.
func smallMMDB() []byte {
	word := func(s string) string { return string(rune(0x40|len(s))) + s }
	var b strings.Builder
	b.WriteString("\x00\x00\x01\x00\x00\x11") // one node: 0 leads nowhere, 1 to the data at 0
	b.WriteString(strings.Repeat("\x00", 16)) // separator
	b.WriteString("\xe1" + word("country_code") + word("IN"))
	b.WriteString(string(mmdbMark))
	b.WriteString("\xe9" + word("node_count") + "\xc1\x01" + word("record_size") + "\xa1\x18" + word("ip_version") + "\xa1\x04" + word("database_type") + word("test") +
		word("languages") + "\x00\x04" + word("binary_format_major_version") + "\xa1\x02" + word("binary_format_minor_version") + "\xa0" + word("build_epoch") + "\x04\x02\x63\x60\x00\x00" + word("description") + "\xe0")
	return []byte(b.String())
}

func TestSmallMMDB(t *testing.T) {
	var b Bases
	if _, err := b.Read("t.mmdb", smallMMDB()); err != nil {
		t.Fatal(err)
	}
	if n := b.Look(netip.MustParseAddr("198.18.0.7")); n.Country != (Fact{"IN", "t.mmdb (test) 2022-10-31"}) {
		t.Errorf("%+v", n)
	}
	if n := b.Look(netip.MustParseAddr("10.0.0.7")); n.Known() {
		t.Errorf("%+v", n)
	}
}
