package evidence

import (
	"bytes"

	"wardround/internal/event"
)

// deviceReader reads logs of firewalls, gateways and proxies that were exported or kept without a syslog header: the
// lines carry their own time. With a header, and between other messages in a hub's log, the same lines are read as syslog.
var deviceReader = reader{"device log", isDeviceLog, readSyslog}

func isDeviceLog(head []byte, _ string) bool {
	var h syslogLine
	return mostLines(head, func(line []byte) bool { return h.parse(line) && h.bare && h.pri < 0 })
}

// Indexes into programs of the appliances that are told by their messages.
var (
	fortigate, asa, panos, sonicwall = programIndex["fortigate"], programIndex["asa"], programIndex["panos"], programIndex["sonicwall"]
	sophos, cef, snort, squid        = programIndex["sophos"], programIndex["cef"], programIndex["snort"], programIndex["squid"]
)

// deviceStarts are how messages of appliances begin.
var deviceStarts = []struct {
	prefix string
	device *int
}{
	{"date=", &fortigate}, {"logver=", &fortigate}, {"itime=", &fortigate}, {"devname=", &fortigate}, {"id=firewall", &sonicwall},
	{`id="firewall`, &sonicwall}, {"device=\"SFW\"", &sophos}, {"device_name=", &sophos}, {"CEF:0|", &cef}, {"CEF:1|", &cef},
}

// deviceOf tells the appliance from the beginning of its message, 0 if it is none's.
func deviceOf(m []byte) int {
	if len(m) < 16 {
		return 0
	}
	switch m[0] {
	case 'd', 'l', 'i', 'C':
		for i := range deviceStarts {
			if hasPrefix(m, deviceStarts[i].prefix) {
				return *deviceStarts[i].device
			}
		}
	case '1', '0':
		switch {
		case m[1] == ',' && digit(m[2]) && m[6] == '/' && m[9] == '/' && m[12] == ' ':
			return panos
		case m[2] == '/' && digit(m[3]) && (m[5] == '-' || m[5] == '/') && indexOf(m[:min(len(m), 64)], " [**] ") > 0:
			return snort
		case m[10] == '.' && len(trimDigits(m[:10])) == 0 && digit(m[11]) && isSquid(m):
			return squid
		}
	}
	return 0
}

// isSquid checks the shape of a line of Squid behind its time: milliseconds, client, result and status.
func isSquid(m []byte) bool {
	var w [3][]byte
	rest := m[len(word(m)):]
	for i := range w {
		rest = trimSpaces(rest)
		w[i] = word(rest)
		rest = rest[len(w[i]):]
	}
	if len(w[0]) == 0 || len(trimDigits(bytes.TrimPrefix(w[0], []byte("-")))) > 0 || len(w[1]) == 0 {
		return false
	}
	slash := bytes.IndexByte(w[2], '/')
	return len(rest) == 0 || slash > 2 && w[2][0] >= 'A' && w[2][0] <= 'Z' && len(w[2]) == slash+4 && len(trimDigits(w[2][slash+1:])) == 0
}

// isDeviceStart reports whether a line begins as those that appliances write without a header.
func isDeviceStart(b []byte) bool { return deviceOf(trimSpaces(b)) > 0 }

// isDevicePair reports whether a word is the first of an appliance's message rather than a host's name.
func isDevicePair(w []byte) bool { return bytes.IndexByte(w, '=') > 0 }

// bareDevice reads a line that has no syslog header but its own time.
func (h *syslogLine) bareDevice(b []byte) bool {
	h.message = trimSpaces(b)
	h.deviceMessage()
	h.bare = true
	return h.device > 0 && h.timed
}

// deviceMessage finds out which appliance wrote a message, and takes the time from it where it states one: it has the
// year, and often the zone, that the header lacks.
func (h *syslogLine) deviceMessage() {
	if h.cisco {
		if hasPrefix(h.program, "ASA-") || hasPrefix(h.program, "FTD-") {
			h.device = asa
		}
		return
	}
	h.message = trimSpaces(h.message)
	h.device = deviceOf(h.message)
	if h.device == 0 && len(h.program) > 0 && h.program[0] == 'C' && hasPrefix(h.message, "0|") && string(h.program) == "CEF" {
		h.device = cef
	}
	var at logStamp
	switch h.device {
	case 0:
		return
	case fortigate:
		at = h.fortinetTime()
	case sophos:
		at = sophosTime(h.message)
	case sonicwall:
		at = sonicWallTime(h.message)
	case panos:
		at = panTime(h.message)
	case snort:
		at = snortTime(h.message)
	case squid:
		at = unixStamp(h.message)
	case cef:
		at = unixStamp(cut(h.message, " rt=", " "))
	}
	if at.month > 0 && (at.year == 0 || calendarDate(at.year, at.month, at.day)) {
		h.at, h.timed, h.iso = at, true, true
	}
}

// unixStamp reads seconds or milliseconds since 1970, with an optional fraction.
func unixStamp(b []byte) (s logStamp) {
	n := 0
	v := int64(0)
	for n < len(b) && n < 14 && digit(b[n]) {
		v = v*10 + int64(b[n]-'0')
		n++
	}
	nanos := 0
	switch {
	case n == 13:
		nanos = int(v%1000) * 1e6
		v /= 1000
	case n != 10:
		return s
	case len(b) > n+3 && b[n] == '.':
		if ms, ok := readDigits(b[n+1:], 3); ok {
			nanos = ms * 1e6
		}
	}
	t := unixTime(v, 0).Std()
	return logStamp{year: t.Year(), month: int(t.Month()), day: t.Day(), seconds: int(v % 86400), nanos: nanos, zoned: true}
}

// nextPair cuts the next key=value off b; a value in quotes may hold blanks, and quotes behind a backslash. Words without
// "=" are passed over. key is nil at the end.
func nextPair(b []byte) (key, value, rest []byte) {
	for len(b) > 0 {
		i := 0
		for i < len(b) && b[i] != '=' && b[i] != ' ' && b[i] != ',' {
			i++
		}
		if i == len(b) {
			return nil, nil, nil
		}
		if b[i] != '=' {
			b = b[i+1:]
			continue
		}
		key, b = b[:i], b[i+1:]
		if len(b) == 0 || b[0] != '"' {
			v := word(b)
			return key, bytes.TrimRight(v, ","), b[min(len(v)+1, len(b)):]
		}
		j := 1
		for j < len(b) && b[j] != '"' {
			if b[j] == '\\' && j+1 < len(b) {
				j++
			}
			j++
		}
		j = min(j, len(b))
		return key, b[1:j], b[min(j+1, len(b)):]
	}
	return nil, nil, nil
}

// pair returns the value of one key; it must stand at the start of b or behind a blank or comma.
func pair(b []byte, key string) []byte {
	for at := 0; ; {
		i := indexOf(b[at:], key)
		if i < 0 {
			return nil
		}
		i += at
		if (i == 0 || b[i-1] == ' ' || b[i-1] == ',') && i+len(key) < len(b) && b[i+len(key)] == '=' {
			_, v, _ := nextPair(b[i:])
			return v
		}
		at = i + len(key)
	}
}

// setPairs sets the slots of all keys that the table knows. Values that stand for none are left out.
func (f fields) setPairs(b []byte, slots map[string]int) {
	for {
		key, value, rest := nextPair(b)
		if key == nil {
			return
		}
		b = rest
		if slot, ok := slots[string(key)]; ok && f[slot].IsNull() {
			f.some(slot, value)
		}
	}
}

// some sets a slot unless the value says that there is none.
func (f fields) some(slot int, b []byte) {
	switch string(b) {
	case "", "N/A", "n/a", "(null)", "-", "undefined", "0.0.0.0", "::", "unknown":
		return
	}
	f[slot] = numberValue(b)
}

// endpoint sets address, or name, and port from "10.0.0.5:443" or "10.0.0.5/443".
func (f fields) endpoint(b []byte, separator byte, ip, host, port int) {
	if i := bytes.LastIndexByte(b, separator); i > 0 && len(trimDigits(b[i+1:])) == 0 {
		f.some(port, b[i+1:])
		b = b[:i]
	}
	if b = bytes.Trim(b, "[]"); isAddress(b) {
		f.some(ip, b)
	} else if host >= 0 {
		f.some(host, b)
	}
}

// blocked says whether what a device tells of was let through.
func (f fields) blocked(verb []byte) {
	f[flowVerb] = textValue(verb)
	var buf [64]byte
	lower := buf[:copy(buf[:], verb)]
	for i, c := range lower {
		if c >= 'A' && c <= 'Z' {
			lower[i] = c | 0x20
		}
	}
	switch {
	case len(lower) == 0:
	case bytes.Contains(lower, []byte("den")), bytes.Contains(lower, []byte("block")), bytes.Contains(lower, []byte("drop")), bytes.Contains(lower, []byte("reject")),
		bytes.Contains(lower, []byte("reset")), bytes.Contains(lower, []byte("violat")):
		f[flowBlocked], f[accOutcome] = yes, failure
	default:
		f[flowBlocked], f[accOutcome] = no, success
	}
}

var no = event.Text("false")

var (
	actAssign  = event.Text("address assigned")
	actMapping = event.Text("user mapped to address")
	actQuery   = event.Text("query")
	actRequest = event.Text("request")
	actAlert   = event.Text("alert")
	actConfig  = event.Text("configuration changed")
	actLease   = event.Text("lease")
)
