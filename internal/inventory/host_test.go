package inventory

import (
	"strings"
	"testing"
)

func TestParseHost(t *testing.T) {
	for _, c := range []struct{ in, text, short, domain string }{
		{"EHOSP-DB1", "EHOSP-DB1", "ehosp-db1", ""},
		{" Ehosp-DB1.Hosp.Local. ", "Ehosp-DB1.Hosp.Local", "ehosp-db1", "hosp.local"},
		{`\\APP1`, "APP1", "app1", ""},
		{"APP1\x00\x00", "APP1", "app1", ""},
		{"10.0.2.4", "10.0.2.4", "10.0.2.4", ""},
		{"10.0.2.4:514", "10.0.2.4", "10.0.2.4", ""},
		{"::ffff:10.0.2.4", "10.0.2.4", "10.0.2.4", ""},
		{"[2001:DB8:0::1]:443", "2001:db8::1", "2001:db8::1", ""},
		{"fe80::1%eth0", "fe80::1", "fe80::1", ""},
		{"10.0.2.4.", "10.0.2.4", "10.0.2.4", ""},
		{"010.0.2.4", "010.0.2.4", "010", "0.2.4"},
		{"../../x", "../../x", "", "./../x"},
		{"अस्पताल", "अस्पताल", "अस्पताल", ""},
		{"", "", "", ""},
	} {
		h := parseHost(c.in)
		if h.text != c.text || h.short() != c.short || h.domain() != c.domain {
			t.Errorf("%q: got %q, %q, %q", c.in, h.text, h.short(), h.domain())
		}
	}
}

// TestLookalikesStayApart: no two of these names are one, whatever a page may make of them.
func TestLookalikesStayApart(t *testing.T) {
	seen := map[string]string{}
	for _, s := range []string{
		"DB1", "D\u04121", "D\u03921", "DB\uff11", "DB1\u200b", "DB1\u202e", "DB1\x1b[0m", "DB1\x1b[1m", "DB1\xff", "DB1\xfe", "DB1\ufffd", "DB1\x7f", "\u212aB1", "KB1", "DB1\u0301", "DB1\x00x",
		strings.Repeat("x", 300), strings.Repeat("x", 301), strings.Repeat("x", 64<<10), strings.Repeat("x", 299) + "y",
	} {
		h := parseHost(s)
		if old, ok := seen[h.key]; ok {
			t.Errorf("%.20q and %.20q are both %q", old, s, h.key)
		}
		seen[h.key] = s
		if len(h.text) > maxName+9 || !visible(h.text) || strings.ContainsAny(h.text, "\n\r\x1b") {
			t.Errorf("%.20q: shown as %q", s, h.text)
		}
		if again := parseHost(h.text); again.key != h.key && len(h.text) <= maxName {
			t.Errorf("%q is not stable: %q", h.text, again.text)
		}
	}
}

func TestNamesWithoutMeaning(t *testing.T) {
	for s, want := range map[string][2]bool{ // nameless, setup
		"localhost": {true, false}, "LOCALHOST.localdomain": {true, false}, "127.0.0.1": {true, false}, "::1": {true, false}, "(none)": {true, false}, "-": {true, false}, "": {true, false}, "0.0.0.0": {true, false},
		"localhost.hosp.in": {false, false}, "WIN-A1B2C3D4E5F": {false, true}, "win-a1b2c3d4e5f.hosp.local": {false, true}, "DESKTOP-1A2B3C4": {false, true}, "MININT-ABCDEF1": {false, true},
		"37L4247F27-25": {false, true}, "26L2233B1-02": {false, true}, "WIN-PACS": {false, false}, "DESKTOP-RECEPTION": {false, false}, "ip-10-0-2-4": {false, true}, "EHOSP-DB1": {false, false},
	} {
		if h := parseHost(s); h.nameless() != want[0] || h.setup() != want[1] {
			t.Errorf("%q: nameless %v, setup %v", s, h.nameless(), h.setup())
		}
	}
}

func TestFind(t *testing.T) {
	e := estate(t, "DB1,10.0.0.1", "APP1.hosp.local,10.0.0.2;10.0.0.9", "APP1.lab.local,10.0.0.3", "WEB1.hosp.local,10.0.0.9", "RADIOLOGY-PACS-01,", "LABORATORYSERVE,", "LONGSERVERNAME-AA,", "LONGSERVERNAME-AB,")
	for _, c := range []struct {
		name string
		how  matched
		want string
	}{
		{"db1", byName, "DB1"},
		{"DB1.hosp.local", byFull, "DB1"},
		{"db1.", byName, "DB1"},
		{"10.0.0.1:514", byAddress, "DB1"},
		{"::ffff:10.0.0.2", byAddress, "APP1.hosp.local"},
		{"10.0.0.9", notListed, ""},
		{"10.0.0.7", notListed, ""},
		{"app1.HOSP.local", byName, "APP1.hosp.local"},
		{"app1", severally, "APP1.hosp.local APP1.lab.local"},
		{"app1.other.local", notListed, ""},
		{"web1", byShort, "WEB1.hosp.local"},
		{"web1.lab.local", notListed, ""},
		{"RADIOLOGY-PACS-", byNetBIOS, "RADIOLOGY-PACS-01"},
		{"RADIOLOGY-PACS-02", notListed, ""},
		{"RADIOLOGY-PACS", notListed, ""},
		{"laboratoryserver7.hosp.local", byNetBIOS, "LABORATORYSERVE"},
		{"LONGSERVERNAME-", severally, "LONGSERVERNAME-AA LONGSERVERNAME-AB"},
		{"longservername-ab", byName, "LONGSERVERNAME-AB"},
		{"D\u04121", notListed, ""},
		{"../../x", notListed, ""},
	} {
		i, how, others := e.find(parseHost(c.name))
		var got []string
		switch how {
		case notListed:
		case severally:
			for _, id := range ids(e, others) {
				got = append(got, string(id))
			}
		default:
			got = []string{string(e.Servers[i].ID)}
		}
		if how != c.how || strings.Join(got, " ") != c.want {
			t.Errorf("%q: got %d %v", c.name, how, got)
		}
	}
}
