package inventory

import (
	"fmt"
	"testing"
	"time"

	"wardround/internal/event"
)

// TestAddressesOverTime: an address is whose log shows it, at the time at which it does; one that two have at once is
// nobody's; the list of the hospital goes before.
func TestAddressesOverTime(t *testing.T) {
	at := func(h int) event.Time { return event.At(time.Date(2022, 11, 1, h, 0, 0, 0, time.UTC)) }
	artifact := func(name string) *event.Artifact {
		return &event.Artifact{Collection: name, Path: "Sysmon.evtx", Hint: name, Kind: "evtx"}
	}
	seen := func(name string) []Sighting {
		return []Sighting{{Channel: "windows/x", Host: name, First: at(0), Last: at(24), Count: 9, Low: 1, High: 9, Runs: 1}}
	}
	n := Join(nil, []Log{
		{artifact("A"), seen("A"), []Own{{"A", "10.0.0.1", at(0), at(5)}, {"A", "10.0.0.3", at(0), at(24)}, {"A", "172.17.0.1", at(0), at(24)}}},
		{artifact("B"), seen("B"), []Own{{"B", "10.0.0.1", at(10), at(20)}, {"B", "172.17.0.1", at(0), at(24)}}},
	})
	for _, c := range []struct {
		address string
		at      event.Time
		want    event.ServerID
	}{
		{"10.0.0.1", at(3), "A"}, {"10.0.0.1", at(7), "A"}, {"10.0.0.1", at(15), "B"}, {"10.0.0.1", at(40), "B"}, {"10.0.0.1", at(24 * 40), ""},
		{"10.0.0.1", event.NoTime, ""}, {"10.0.0.3", at(24 * 40), "A"}, {"10.0.0.3", event.NoTime, "A"}, {"172.17.0.1", at(3), ""}, {"10.0.0.9", at(3), ""},
	} {
		if id, ok := n.Find(c.address, c.at); id != c.want || ok != (c.want != "") {
			t.Errorf("%s at %s: %q, %v; want %q", c.address, c.at, id, ok, c.want)
		}
	}
}

func TestLeases(t *testing.T) {
	for _, c := range [][3]string{
		{"DHCPACK on 10.0.2.4 to 00:16:3e:00:00:01 (APP1) via eth0", "APP1", "10.0.2.4"},
		{"DHCPACK on 10.0.2.4 to 00:16:3e:00:00:01 via eth0", "", ""},
		{"DHCPACK(eth0) 10.0.2.4 00:16:3e:00:00:01 APP1", "APP1", "10.0.2.4"},
		{"DHCPACK(eth0) 10.0.2.4 00:16:3e:00:00:01", "", ""},
		{"DHCPREQUEST for 10.0.2.4 from 00:16:3e:00:00:01 (APP1) via eth0", "", ""}, {"", "", ""},
	} {
		if h, a := lease(c[0]); h != c[1] || a != c[2] {
			t.Errorf("%q: %q, %q", c[0], h, a)
		}
	}
}

func TestWatchNotesOwnAddresses(t *testing.T) {
	s := event.TextSchema(event.Source{Product: "windows", Channel: "Microsoft-Windows-Sysmon/Operational", EventID: 3}, "Initiated", "SourceIp", "DestinationIp")
	var w Watch
	for i, f := range [][3]string{{"true", "10.0.0.1", "10.0.0.2"}, {"false", "10.0.0.7", "10.0.0.1"}, {"true", "fe80::1", "fe80::2"}, {"true", "junk", "10.0.0.9"}, {"true", "127.0.0.1", "127.0.0.1"}} {
		w.See(&event.Record{Schema: s, Slots: []event.Value{event.Text(f[0]), event.Text(f[1]), event.Text(f[2])}, Time: event.Time(i + 1), Host: "A"})
	}
	if got := fmt.Sprint(w.Addresses()); got != fmt.Sprint([]Own{{"A", "10.0.0.1", 1, 2}}) {
		t.Errorf("got %s", got)
	}
}

// TestTicketsTellAddresses: a computer's own ticket says whose address it is; a person's, or one that was refused, does not.
func TestTicketsTellAddresses(t *testing.T) {
	s := event.TextSchema(event.Source{Product: "windows", Channel: "Security", EventID: 4768}, "TargetUserName", "IpAddress", "Status")
	var w Watch
	for i, f := range [][3]string{{"APP1$", "::ffff:10.0.2.4", "0x0"}, {"adm.rao", "::ffff:10.0.2.5", "0x0"}, {"APP2$", "::ffff:10.0.2.6", "0x18"}, {"DC1$", "::1", "0x0"}, {"$", "10.0.2.7", "0x0"}} {
		w.See(&event.Record{Schema: s, Slots: []event.Value{event.Text(f[0]), event.Text(f[1]), event.Text(f[2])}, Time: event.Time(i + 1), Host: "DC1"})
	}
	if got := fmt.Sprint(w.Addresses()); got != fmt.Sprint([]Own{{"APP1", "10.0.2.4", 1, 1}}) {
		t.Errorf("got %s", got)
	}
}
