package evidence

import (
	"bytes"
	"context"

	"wardround/internal/event"
)

// winDNSReader reads the debug log of Windows' DNS server, dns.log: a line a packet, with the name asked for as lengths and
// labels, "(4)evil(7)example(0)". Details of packets between the lines are passed over. Times are local.
var winDNSReader = reader{"dns log", isWinDNS, readWinDNS}

var winDNSSchema = event.TextSchema(event.Source{Product: "network", Channel: "dns", Provider: "windows-dns"},
	"action", "query", "record_type", "src_ip", "dst_ip", "protocol", "answer", "flags", "thread")

// winDNSLine is one line taken apart.
type winDNSLine struct {
	t                              event.Time
	thread, protocol, way, address []byte
	response                       bool
	code, kind, flags, name        []byte
}

// parse reads "11/23/2022 7:07:49 AM 0F48 PACKET  000001D3 UDP Rcv 10.0.0.5  3bc4   Q [0001   D   NOERROR] A      (4)evil(7)example(0)".
func (d *winDNSLine) parse(line []byte) bool {
	*d = winDNSLine{}
	t, rest, ok := dateOfLocale(line)
	if !ok {
		return false
	}
	d.t = t
	i := bytes.Index(rest, []byte(" PACKET "))
	if i < 0 || i > 12 {
		return false
	}
	d.thread = bytes.TrimSpace(rest[:i])
	w := bytes.Fields(rest[i+8 : min(len(rest), i+8+120)])
	if len(w) < 5 || string(w[2]) != "Rcv" && string(w[2]) != "Snd" {
		return false
	}
	d.protocol, d.way, d.address = w[1], w[2], w[3]
	open, end := bytes.IndexByte(rest, '['), bytes.IndexByte(rest, ']')
	if open < 0 || end < open || !isAddress(d.address) {
		return false
	}
	d.response = bytes.Contains(rest[i:open], []byte(" R Q"))
	in := bytes.Fields(rest[open+1 : end])
	if len(in) > 0 {
		d.code, d.flags = in[len(in)-1], rest[open+1:end]
	}
	tail := bytes.TrimSpace(rest[end+1:])
	d.kind = word(tail)
	d.name = bytes.TrimSpace(tail[len(d.kind):])
	return len(d.kind) > 0
}

// dateOfLocale reads the times of Windows' services, which follow the server's language: "11/23/2022 7:07:49 AM", "23.11.2022
// 07:07:49", "23-11-2022 07:07:49", "2022-11-23 07:07:49", "20221123 07:07:49". Which of two numbers is the day cannot be told from
// one line: with slashes the month stands first unless it is over 12, else the day.
func dateOfLocale(b []byte) (t event.Time, rest []byte, ok bool) {
	sp := bytes.IndexByte(b[:min(len(b), 12)], ' ')
	if sp < 6 {
		return event.NoTime, b, false
	}
	date, rest := b[:sp], b[sp+1:]
	var n [3]int
	sep := byte(0)
	part, size := 0, 0
	for _, c := range date {
		switch {
		case digit(c):
			n[part] = n[part]*10 + int(c-'0')
			size++
		case part < 2 && size > 0 && (sep == 0 || c == sep) && (c == '/' || c == '.' || c == '-'):
			sep, size = c, 0
			part++
		default:
			return event.NoTime, b, false
		}
	}
	year, month, day := n[2], n[0], n[1]
	switch {
	case part == 0 && len(date) == 8:
		year, month, day = n[0]/10000, n[0]/100%100, n[0]%100
	case part != 2:
		return event.NoTime, b, false
	case n[0] > 31:
		year, month, day = n[0], n[1], n[2]
	case sep != '/' || n[0] > 12:
		month, day = n[1], n[0]
	}
	if year < 100 {
		year += 2000
	}
	if len(rest) > 7 && rest[1] == ':' { // an hour of one digit
		rest = append([]byte{'0'}, rest...)
	}
	ns, rest, ok := readDayTime(rest)
	if !ok || year < 1990 || !validDate(year, month, day) {
		return event.NoTime, b, false
	}
	const half = 12 * 3600 * int64(1e9)
	switch {
	case hasPrefix(rest, " PM") && ns < half:
		ns, rest = ns+half, rest[3:]
	case hasPrefix(rest, " AM"):
		rest = rest[3:]
		if ns >= half {
			ns -= half
		}
	case hasPrefix(rest, " PM"):
		rest = rest[3:]
	}
	return onDay(daysTo(year, month, day), ns), rest, true
}

// labels turns "(4)evil(7)example(0)" into "evil.example".
func labels(dst, b []byte) []byte {
	dst = dst[:0]
	for len(b) > 0 {
		end := bytes.IndexByte(b, ')')
		if b[0] != '(' || end < 0 {
			break
		}
		n := digits(b[1:end])
		b = b[end+1:]
		if n <= 0 || n > len(b) {
			break
		}
		if len(dst) > 0 {
			dst = append(dst, '.')
		}
		dst = append(dst, b[:n]...)
		b = b[n:]
	}
	return dst
}

func isWinDNS(head []byte, _ string) bool {
	if !bytes.Contains(head, []byte(" PACKET ")) {
		return false
	}
	var d winDNSLine
	l := newLines(context.Background(), bytes.NewReader(head))
	for n := 0; n < 400 && l.next(); n++ {
		if d.parse(l.text) {
			return true
		}
	}
	return false
}

func readWinDNS(ctx context.Context, in *input, out *output) error {
	zone := newLocalZone(in, out)
	want := out.want(winDNSSchema)
	query, response := event.Text("query"), event.Text("response")
	var d winDNSLine
	var slots [9]event.Value
	var name []byte
	l := newLines(ctx, in.Stream)
	for l.next() {
		if !d.parse(l.text) {
			if len(l.text) > 0 && !isText(l.text) {
				out.damage(l.offset, l.size(), "binary bytes in a text log")
			}
			continue // details, other sorts of events
		}
		rec := event.Record{Schema: winDNSSchema, Time: zone.unstated(d.t), Number: l.number, Offset: l.offset}
		if want {
			clear(slots[:])
			name = labels(name, d.name)
			slots[0], slots[1], slots[2], slots[5], slots[7], slots[8] = query, textValue(name), textValue(d.kind), textValue(d.protocol), textValue(d.flags), textValue(d.thread)
			if d.response {
				slots[0], slots[6] = response, textValue(d.code)
			}
			slots[3] = textValue(d.address)
			if string(d.way) == "Snd" {
				slots[3], slots[4] = event.Value{}, textValue(d.address)
			}
			rec.Slots = slots[:]
		}
		out.take(&rec)
	}
	return l.fail()
}
