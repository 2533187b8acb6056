package evidence

import (
	"bytes"
	"context"
)

// daemonReader reads the logs that a few services keep for themselves beside syslog: vsftpd.log, xferlog, clamav.log,
// fail2ban.log, and those of OpenVPN, strongSwan, FreeRADIUS, Kea and BIND. Their messages become the events that the same messages become when they pass through syslog.
var daemonReader = reader{"daemon log", isDaemonLog, readDaemonLog}

// daemonLine reads one line of such a log into h; it answers no for a line that is none.
func daemonLine(line []byte, h *syslogLine) bool {
	*h = syslogLine{pri: -1, timed: true, tagged: true}
	if n := readCtime(line, &h.at); n > 0 && n+2 < len(line) && line[n] == ' ' {
		rest := line[n+1:]
		switch {
		case hasPrefix(rest, "[pid "):
			h.program, h.pid = []byte("vsftpd"), cut(rest, "[pid ", "]")
			h.message = bytes.TrimLeft(cut(rest, "]", ""), " ")
			return len(h.message) > 0
		case hasPrefix(rest, "-> "):
			h.program, h.message = []byte("clamd"), rest[3:]
			return true
		case digit(rest[0]) && isTransfer(rest):
			h.program, h.message = []byte("xferlog"), rest
			return true
		case hasPrefix(rest, ": ") && isRadius(rest[2:]):
			h.program, h.message = []byte("radiusd"), rest[2:]
			return true
		case isOpenVPNMessage(rest):
			h.program, h.message = []byte("openvpn"), rest
			return true
		}
		return false
	}
	if n := readISO(line, &h.at); n > 0 && n+2 < len(line) && line[n] == ' ' && line[10] == ' ' {
		switch rest := trimSpaces(line[n:]); {
		case isOpenVPNMessage(rest):
			h.program, h.message = []byte("openvpn"), rest
			return true
		case isCharonMessage(rest):
			h.program, h.message = []byte("charon"), rest
			return true
		case isKea(rest):
			h.level = word(rest)
			h.program, h.message = []byte("kea-dhcp4"), cut(rest, "] ", "")
			return true
		}
	}
	if n := readBindTime(line, &h.at); n > 0 {
		h.program, h.message = []byte("named"), trimSpaces(line[n:])
		for _, category := range []string{"queries: ", "query-errors: ", "security: ", "client: ", "update: ", "xfer-out: "} {
			h.message = bytes.TrimPrefix(h.message, []byte(category))
		}
		for _, level := range []string{"info: ", "notice: ", "error: ", "warning: ", "debug 1: "} {
			h.message = bytes.TrimPrefix(h.message, []byte(level))
		}
		return len(h.message) > 0
	}
	if n := readISO(line, &h.at); n == 23 && line[10] == ' ' && line[19] == ',' && hasPrefix(line[n:], " fail2ban.") {
		rest := line[n+1:]
		open, end := bytes.IndexByte(rest, '['), bytes.Index(rest, []byte("]: "))
		if open < 0 || end < open {
			return false
		}
		h.program, h.pid = bytes.TrimSpace(rest[:open]), bytes.TrimSpace(rest[open+1:end])
		h.level, h.message = word(rest[end+3:]), bytes.TrimLeft(rest[end+3:], " ")
		return true
	}
	return false
}

// isRadius recognises the classes that FreeRADIUS puts before its messages.
func isRadius(b []byte) bool {
	for _, class := range []string{"Auth: ", "Info: ", "Error: ", "Proxy: ", "Acct: ", "ERROR: ", "Warning: ", "Debug: "} {
		if hasPrefix(b, class) {
			return true
		}
	}
	return false
}

// isOpenVPNMessage recognises OpenVPN's server by how its messages begin: with a client, or with a word of its own.
func isOpenVPNMessage(b []byte) bool {
	head := word(b)
	if i := bytes.LastIndexByte(head, '/'); i > 0 {
		head = head[i+1:]
	}
	if i := bytes.LastIndexByte(head, ':'); i > 0 && i+1 < len(head) && len(trimDigits(head[i+1:])) == 0 && isAddress(bytes.TrimPrefix(head[:i], []byte("[AF_INET]"))) {
		return len(head) < len(b)
	}
	for _, start := range []string{"OpenVPN 2.", "MULTI", "TCP connection established with ", "UDPv4 link ", "TCPv4_SERVER link ", "Initialization Sequence Completed", "library versions: ", "TUN/TAP device ",
		"IFCONFIG POOL", "SIGUSR1[", "SIGTERM[", "SIGINT[", "VERIFY ", "Diffie-Hellman initialized", "TLS-Auth MTU", "Data Channel ", "Listening for incoming TCP", "net_", "do_ifconfig", "Control Channel Auth", "Outgoing Control Channel", "Incoming Control Channel", "event_wait", "PLUGIN_", "/sbin/ip ", "Could not determine IPv4"} {
		if hasPrefix(b, start) {
			return true
		}
	}
	return false
}

// isCharonMessage recognises "05[IKE] …".
func isCharonMessage(b []byte) bool {
	return len(b) > 7 && digit(b[0]) && digit(b[1]) && b[2] == '[' && bytes.IndexByte(b[3:8], ']') == 3
}

// isKea recognises "INFO  [kea-dhcp4.leases/1234.1400] DHCP4_LEASE_ALLOC …".
func isKea(b []byte) bool { return hasPrefix(trimSpaces(b[len(word(b)):]), "[kea-") }

// readBindTime reads "23-Nov-2022 07:07:49.123", as BIND's own logs have it.
func readBindTime(b []byte, s *logStamp) int {
	if len(b) < 24 || b[2] != '-' || b[6] != '-' || b[11] != ' ' {
		return 0
	}
	day, ok1 := readDigits(b, 2)
	year, ok2 := readDigits(b[7:], 4)
	month := monthName(b[3:])
	n := readClock(b[12:], s)
	if !ok1 || !ok2 || n == 0 || !calendarDate(year, month, day) || 12+n >= len(b) || b[12+n] != ' ' {
		return 0
	}
	s.year, s.month, s.day, s.zoned = year, month, day, false
	return 12 + n
}

// isTransfer checks the shape of xferlog(5): seconds, host, bytes, file, type, flag, direction, access, user, service,
// authentication, id, completion.
func isTransfer(b []byte) bool {
	w := bytes.Fields(b)
	if len(w) < 13 || len(trimDigits(w[0])) > 0 || len(trimDigits(w[2])) > 0 {
		return false
	}
	end, direction := w[len(w)-1], w[len(w)-7]
	return len(end) == 1 && (end[0] == 'c' || end[0] == 'i') && len(direction) == 1 && bytes.IndexByte([]byte("iod"), direction[0]) >= 0
}

// parseTransfer reads a line of xferlog behind its time.
func parseTransfer(m []byte, f fields) {
	w := bytes.Fields(m)
	if len(w) < 13 {
		return
	}
	f.say(actDownload, success)
	if w[len(w)-7][0] == 'i' {
		f[accAction] = actUpload
	}
	if w[len(w)-1][0] == 'i' {
		f[accOutcome] = failure
	}
	f.source(w[1])
	f.set(accBytes, w[2])
	f.set(accFile, cut(m, string(w[2])+" ", " "+string(w[len(w)-9])+" "))
	f.set(accUser, w[len(w)-5])
	f.set(accService, w[len(w)-4])
}

func isDaemonLog(head []byte, name string) bool {
	good, bad := 0, 0
	var h syslogLine
	for rest := head; len(rest) > 0 && good+bad < 10; {
		line := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			line, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		line = bytes.Trim(line, "\x00\r")
		switch {
		case len(line) == 0:
		case daemonLine(line, &h):
			good++
		default:
			bad++
		}
	}
	return good > bad
}

func readDaemonLog(ctx context.Context, in *input, out *output) error {
	m := newMessages(out)
	clock := newWallClock(in.Options.Zone)
	var h syslogLine
	l := newLines(ctx, in.Stream)
	for l.next() {
		if l.cut > 0 {
			out.damage(l.offset+maxLine, l.cut, "line longer than 8 MiB")
		}
		text := bytes.Trim(l.text, "\x00")
		if len(text) < len(l.text) {
			out.damage(l.offset, int64(len(l.text)-len(text)), "NUL bytes, as a crash leaves them")
		}
		switch {
		case len(text) == 0:
		case !isText(text):
			out.damage(l.offset, int64(len(l.text)), "binary bytes in a text log")
		case daemonLine(text, &h):
			m.take(&h, unknownChannel, clock.at(&h.at), l.number, l.offset, nil)
		default:
			out.damage(l.offset, int64(len(l.text)), "line that is no entry of a daemon's log")
		}
	}
	m.close()
	if out.facts.Records > 0 && in.Options.Zone == nil {
		out.note("times without a zone read as UTC")
	}
	return l.fail()
}
