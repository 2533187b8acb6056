package evidence

import (
	"bytes"
	"context"

	"wardround/internal/event"
)

// openVPNReader reads OpenVPN's status file in its three versions: who is connected, from where, since when, with which
// address. The file is written anew every minute; what lies in it was so when it was last written.
var openVPNReader = reader{"openvpn status", isOpenVPN, readOpenVPN}

var openVPNSchema = event.TextSchema(event.Source{Product: "network", Channel: "vpn", Provider: "openvpn"},
	"action", "outcome", "user", "src_ip", "src_port", "assigned_ip", "bytes_in", "bytes_out", "method")

func isOpenVPN(head []byte, _ string) bool {
	return hasPrefix(head, "OpenVPN CLIENT LIST") || hasPrefix(head, "TITLE,OpenVPN ") || hasPrefix(head, "TITLE\tOpenVPN ")
}

func readOpenVPN(ctx context.Context, in *input, out *output) error {
	zone := newLocalZone(in, out)
	want := out.want(openVPNSchema)
	routes := false
	l := newLines(ctx, in.Stream)
	for l.next() {
		line := bytes.TrimSpace(l.text)
		separator := []byte(",")
		if bytes.IndexByte(line, '\t') > 0 {
			separator = []byte("\t")
		}
		c := bytes.Split(line, separator)
		var name, peer, virtual, in, outBytes, since []byte
		switch {
		case len(line) == 0, len(c) < 2, string(c[0]) == "HEADER", string(c[0]) == "TITLE", string(c[0]) == "TIME", string(c[0]) == "Updated", string(c[0]) == "GLOBAL_STATS":
			continue
		case string(line) == "ROUTING TABLE", string(c[0]) == "Virtual Address":
			routes = true
			continue
		case string(c[0]) == "Common Name", string(c[0]) == "Max bcast/mcast queue length":
			continue
		case string(c[0]) == "CLIENT_LIST" && len(c) >= 8:
			name, peer, virtual = c[1], c[2], c[3]
			in, outBytes, since = openVPNTail(c)
		case string(c[0]) == "ROUTING_TABLE" && len(c) >= 5:
			virtual, name, peer, since = c[1], c[2], c[3], c[len(c)-1]
		case routes && len(c) == 4:
			virtual, name, peer, since = c[0], c[1], c[2], c[3]
		case len(c) == 5:
			name, peer, in, outBytes, since = c[0], c[1], c[2], c[3], c[4]
		default:
			out.damage(l.offset, l.size(), "line that is no client")
			continue
		}
		rec := event.Record{Schema: openVPNSchema, Time: openVPNTime(since, zone), Number: l.number, Offset: l.offset}
		if want {
			own := make(fields, flowSlots)
			own.endpoint(peer, ':', accSrcIP, -1, accSrcPort)
			rec.Slots = []event.Value{actLogon, success, textValue(name), own[accSrcIP], own[accSrcPort], textValue(virtual), numberValue(in), numberValue(outBytes), {}}
			if len(virtual) > 0 && len(in) == 0 {
				rec.Slots[0] = actAssign
			}
		}
		out.take(&rec)
	}
	return l.fail()
}

// openVPNTail finds bytes received, bytes sent and the time of a CLIENT_LIST, whose middle differs by version: they stand before
// and after the time in words, which the time in seconds follows.
func openVPNTail(c [][]byte) (received, sent, since []byte) {
	for i := 4; i+3 < len(c); i++ {
		if len(c[i]) > 0 && len(c[i+1]) > 0 && len(c[i+3]) >= 9 && len(trimDigits(c[i])) == 0 && len(trimDigits(c[i+1])) == 0 && len(trimDigits(c[i+3])) == 0 && len(c[i+2]) > 12 {
			return c[i], c[i+1], c[i+3]
		}
	}
	return nil, nil, nil
}

// openVPNTime reads seconds since 1970, "2022-11-23 07:07:49" and "Wed Nov 23 07:07:49 2022".
func openVPNTime(b []byte, zone *localZone) event.Time {
	if n := digits(b); len(b) == 10 && n > 0 {
		return unixTime(int64(n), 0)
	}
	if t, _, ok := readStamp(b); ok {
		return zone.unstated(t)
	}
	var s logStamp
	if readCtime(append(bytes.Clone(b), ' '), &s) > 0 {
		return zone.unstated(onDay(daysTo(s.year, s.month, s.day), int64(s.seconds)*1e9))
	}
	return event.NoTime
}
