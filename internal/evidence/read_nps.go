package evidence

import (
	"bytes"
	"context"

	"wardround/internal/event"
)

// npsReader reads the accounting logs of Windows' network policy server and of its routing and remote access service,
// IN*.log: who dialled or tunnelled in, and whether that was granted. Three forms are written: comma-separated for a
// database (ODBC), comma-separated pairs of numbers and values (IAS), and one XML element a line (DTS). Times are local.
var npsReader = reader{"nps log", isNPS, readNPS}

var npsSchema = event.TextSchema(event.Source{Product: "network", Channel: "vpn", Provider: "nps"},
	"action", "outcome", "user", "src_ip", "assigned_ip", "reason", "session", "method", "rule", "bytes_in", "bytes_out", "mac", "server", "type", "nat_ip")

// Slots of npsSchema.
const (
	npsAction = iota
	npsOutcome
	npsUser
	npsSource
	npsAssigned
	npsReason
	npsSession
	npsMethod
	npsRule
	npsBytesIn
	npsBytesOut
	npsMAC
	npsServer
	npsType
	npsClient // the access server that asked
	npsSlots
)

// npsTags are the elements of the XML form that have a field; npsNumbers the attributes of the pairs (RADIUS, RFC 2865 and
// 2866, and Microsoft's from 4108 on).
var (
	npsTags = map[string]int{"User-Name": npsUser, "SAM-Account-Name": npsUser, "Tunnel-Client-Endpt": npsSource, "Calling-Station-Id": npsMAC, "Framed-IP-Address": npsAssigned,
		"Reason-Code": npsReason, "Acct-Session-Id": npsSession, "Authentication-Type": npsMethod, "NP-Policy-Name": npsRule, "Acct-Input-Octets": npsBytesIn, "Acct-Output-Octets": npsBytesOut,
		"Computer-Name": npsServer, "Packet-Type": npsType, "Client-IP-Address": npsClient, "Acct-Status-Type": npsAction}
	npsNumbers = map[int]int{8: npsAssigned, 31: npsMAC, 42: npsBytesIn, 43: npsBytesOut, 44: npsSession, 66: npsSource, 4108: npsClient, 4127: npsMethod, 4132: npsRule,
		4136: npsType, 4142: npsReason, 40: npsAction, 4129: npsUser}
)

// npsODBC is the column of each field in the comma-separated form, from 0.
var npsODBC = [...]struct{ column, slot int }{{0, npsServer}, {4, npsType}, {5, npsUser}, {6, npsUser}, {8, npsMAC}, {10, npsAssigned}, {15, npsClient}, {23, npsMethod}, {24, npsRule}, {25, npsReason},
	{34, npsAction}, {36, npsBytesIn}, {37, npsBytesOut}, {38, npsSession}, {46, npsSource}}

// npsLine is one line taken apart; the parts point into it.
type npsLine struct {
	t     event.Time
	host  []byte
	value [npsSlots][]byte
	words [72][]byte
	text  []byte
}

func (n *npsLine) parse(line []byte) bool {
	n.t, n.host = event.NoTime, nil
	clear(n.value[:])
	if hasPrefix(line, "<Event>") {
		return n.parseXML(line)
	}
	clear(n.words[:])
	words, text, closed := splitCSV(line, n.words[:0], n.text[:0], len(n.words))
	n.text = text
	if len(words) < 6 || !closed {
		return false
	}
	if isAddress(words[0]) {
		return n.parsePairs(words)
	}
	return n.parseODBC(words)
}

// parseXML reads "<Event><Timestamp data_type="4">11/23/2022 07:07:49.123</Timestamp>…<Packet-Type data_type="0">2</Packet-Type></Event>".
func (n *npsLine) parseXML(line []byte) bool {
	for rest := line[7:]; ; {
		open := bytes.IndexByte(rest, '<')
		if open < 0 || open+1 >= len(rest) || rest[open+1] == '/' {
			break
		}
		rest = rest[open+1:]
		end := bytes.IndexByte(rest, '>')
		if end < 0 {
			break
		}
		name := word(rest[:end])
		closing := bytes.Index(rest[end:], []byte("</"))
		if closing < 0 {
			break
		}
		value := rest[end+1 : end+closing]
		rest = rest[end+closing:]
		if i := bytes.IndexByte(rest, '>'); i >= 0 {
			rest = rest[i+1:]
		}
		if string(name) == "Timestamp" {
			if i := bytes.IndexByte(value, ' '); i > 0 {
				n.t, _ = monthFirst(value[:i], value[i+1:])
			}
		} else if slot, ok := npsTags[string(name)]; ok && len(n.value[slot]) == 0 {
			n.value[slot] = value
		}
	}
	n.host = n.value[npsServer]
	return n.t != event.NoTime && len(n.value[npsType]) > 0
}

// parsePairs reads "10.0.0.1,dr.rao,11/23/2022,07:07:49,IAS,GW1,4136,1,8,10.9.0.5,…".
func (n *npsLine) parsePairs(words [][]byte) bool {
	var ok bool
	if n.t, ok = monthFirst(words[2], words[3]); !ok {
		return false
	}
	n.value[npsClient], n.value[npsUser], n.host = words[0], words[1], words[5]
	n.value[npsServer] = words[5]
	for i := 6; i+1 < len(words); i += 2 {
		if slot, ok := npsNumbers[digits(words[i])]; ok && len(n.value[slot]) == 0 {
			n.value[slot] = words[i+1]
		}
	}
	return true
}

func (n *npsLine) parseODBC(words [][]byte) bool {
	if service := string(words[1]); service != "IAS" && service != "RAS" && service != "NPS" {
		return false
	}
	var ok bool
	if n.t, ok = monthFirst(words[2], words[3]); !ok {
		return false
	}
	for _, c := range npsODBC {
		if c.column < len(words) && len(n.value[c.slot]) == 0 {
			n.value[c.slot] = words[c.column]
		}
	}
	n.host = words[0]
	return true
}

func isNPS(head []byte, _ string) bool {
	var n npsLine
	return mostLines(head, n.parse)
}

// npsPackets are the types of RADIUS packets that say what became of a request.
var npsPackets = map[string][2]event.Value{
	"1": {event.Text("authentication")}, "2": {event.Text("logon"), success}, "3": {event.Text("logon"), failure}, "4": {event.Text("accounting")}, "11": {event.Text("authentication")},
}

func readNPS(ctx context.Context, in *input, out *output) error {
	zone := newLocalZone(in, out)
	want := out.want(npsSchema)
	var n npsLine
	var hosts names
	var slots [npsSlots]event.Value
	l := newLines(ctx, in.Stream)
	for l.next() {
		line := bytes.TrimSpace(l.text)
		switch {
		case len(line) == 0:
			continue
		case !isText(line) || !n.parse(line):
			out.damage(l.offset, l.size(), "line that is no event of a policy server")
			continue
		}
		rec := event.Record{Schema: npsSchema, Time: zone.unstated(n.t), Number: l.number, Offset: l.offset, Host: hosts.of(n.host)}
		if want {
			n.fill(&slots)
			rec.Slots = slots[:]
		}
		out.take(&rec)
	}
	return l.fail()
}

// fill says what a packet did: 4 with status 1, 2, 3 is the start, end and state of a session.
func (n *npsLine) fill(slots *[npsSlots]event.Value) {
	for i, v := range n.value {
		slots[i] = numberValue(v)
	}
	what := npsPackets[string(n.value[npsType])]
	slots[npsAction], slots[npsOutcome] = what[0], what[1]
	if string(n.value[npsType]) == "4" {
		switch string(n.value[npsAction]) {
		case "1":
			slots[npsAction] = actOpen
			if len(n.value[npsAssigned]) > 0 {
				slots[npsAction] = actAssign
			}
			slots[npsOutcome] = success
		case "2":
			slots[npsAction] = actLogoff
		}
	}
	if from := n.value[npsMAC]; len(n.value[npsSource]) == 0 && isAddress(from) { // a tunnel's calling station is an address
		slots[npsSource], slots[npsMAC] = textValue(from), event.Value{}
	}
}
