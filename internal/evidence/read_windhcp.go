package evidence

import (
	"bytes"
	"context"
	"path"
	"strings"

	"wardround/internal/event"
)

// winDHCPReader reads the audit log of Windows' DHCP server, DhcpSrvLog-*.log: which address was whose and when. A header
// explains the numbers of events, then a line names the columns of the comma-separated ones. Times are local.
var winDHCPReader = reader{"dhcp log", isWinDHCP, readWinDHCP}

var winDHCPSchema = event.NewSchema(event.Source{Product: "network", Channel: "dhcp", Provider: "windows-dhcp"}, []event.Field{
	{Name: "action", Slot: 0}, {Name: "address", Slot: 1}, {Name: "mac", Slot: 2}, {Name: "client_name", Slot: 3}, {Name: "event_id", Slot: 4}, {Name: "msg", Slot: 5},
	{Name: "user", Slot: 6}, {Name: "vendor_class", Slot: 7}, {Name: "assigned_ip", Slot: 1}, {Name: "outcome", Slot: 8},
}, 9)

// winDHCPActions are the events of Microsoft's list that tell of leases; the others keep the server's words.
var winDHCPActions = map[string]event.Value{
	"10": event.Text("lease"), "11": event.Text("renew"), "12": event.Text("release"), "13": event.Text("address in use"), "14": event.Text("no address left"),
	"15": event.Text("lease denied"), "16": event.Text("lease deleted"), "17": event.Text("lease expired"), "18": event.Text("lease expired"), "20": event.Text("lease"),
	"21": event.Text("lease"), "22": event.Text("no address left"), "30": event.Text("name update"), "31": event.Text("name update"), "32": event.Text("name update"),
	"00": event.Text("log started"), "01": event.Text("log stopped"), "02": event.Text("log paused"),
}

func isWinDHCP(head []byte, _ string) bool {
	head = head[:min(len(head), 16<<10)]
	for _, columns := range []string{"ID,Date,Time,Description,IP Address,Host Name,MAC Address", "ID,Date,Time,Description,IPv6 Address,Host Name"} {
		if bytes.Contains(head, []byte(columns)) {
			return true
		}
	}
	return false
}

func readWinDHCP(ctx context.Context, in *input, out *output) error {
	zone := newLocalZone(in, out)
	want, begun := out.want(winDHCPSchema), false
	var c [12][]byte
	var scratch []byte
	var slots [9]event.Value
	host := winDHCPHost(in.Path)
	l := newLines(ctx, in.Stream)
	for l.next() {
		line := bytes.TrimSpace(l.text)
		switch {
		case len(line) == 0:
			continue
		case hasPrefix(line, "ID,Date,Time,"):
			begun = true
			continue
		case !begun:
			continue
		}
		clear(c[:])
		words, s, _ := splitCSV(line, c[:0], scratch[:0], len(c))
		scratch = s
		t, ok := monthFirst(c[1], c[2])
		if len(words) < 5 || !ok || len(trimDigits(bytes.TrimSpace(c[0]))) > 0 || !isText(line) {
			out.damage(l.offset, l.size(), "line that is no event of a DHCP server")
			continue
		}
		rec := event.Record{Schema: winDHCPSchema, Time: zone.unstated(t), Number: l.number, Offset: l.offset, Host: host}
		if want {
			id := bytes.TrimSpace(c[0])
			action := winDHCPActions[string(id)]
			if action.IsNull() {
				action = textValue(c[3])
			}
			slots = [9]event.Value{action, textValue(c[4]), macValue(c[6]), textValue(c[5]), textValue(id), textValue(c[3]), textValue(c[7]), textValue(c[11]), success}
			if id[0] == '1' && len(id) == 2 && id[1] >= '3' && id[1] <= '5' || string(id) == "31" {
				slots[8] = failure
			}
			rec.Slots = slots[:]
		}
		out.take(&rec)
	}
	return l.fail()
}

// winDHCPHost is the server's name where somebody put it before the log's: the log itself names none.
func winDHCPHost(p string) string {
	name, _, _ := strings.Cut(path.Base(p), "_DhcpSrvLog")
	if name == path.Base(p) {
		return ""
	}
	return name
}

// macValue writes twelve hexadecimal digits as pairs with colons; anything else stays as it is.
func macValue(b []byte) event.Value {
	if len(b) != 12 {
		return textValue(b)
	}
	out := make([]byte, 0, 17)
	for i := 0; i < len(b); i += 2 {
		if i > 0 {
			out = append(out, ':')
		}
		out = append(out, bytes.ToLower(b[i:i+2])...)
	}
	return textValue(out)
}

// monthFirst reads "11/23/22" or "11/23/2022" and "07:07:49", as Windows' services write them in English; with a first number
// over 12 the day stands first.
func monthFirst(date, clock []byte) (t event.Time, ok bool) {
	p := bytes.SplitN(bytes.TrimSpace(date), []byte("/"), 3)
	if len(p) != 3 {
		return event.NoTime, false
	}
	month, day, year := digits(p[0]), digits(p[1]), digits(p[2])
	if month > 12 {
		month, day = day, month
	}
	if len(p[2]) == 2 {
		year += 2000
	}
	ns, _, ok := readDayTime(bytes.TrimSpace(clock))
	if !ok || year < 1990 || !validDate(year, month, day) {
		return event.NoTime, false
	}
	return onDay(daysTo(year, month, day), ns), true
}
