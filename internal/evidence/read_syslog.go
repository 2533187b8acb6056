package evidence

import (
	"bytes"
	"strings"
)

// syslogReader reads the text logs that syslog daemons write or forward: RFC 3164 in the variants of sysklogd,
// rsyslog, syslog-ng, macOS and Cisco, RFC 5424, lines with RFC 3339 times, and the logs of ESXi, which look alike.
var syslogReader = reader{"syslog", isSyslog, readSyslog}

// syslogLine is one message taken apart. The parts point into the line.
type syslogLine struct {
	pri     int // facility*8 + severity, -1 if the line does not tell
	at      logStamp
	timed   bool // at holds a time of day
	iso     bool
	zulu    bool // the time ended in Z
	rfc5424 bool
	esxi    bool
	cisco   bool
	tagged  bool // a program stood before the message as syslog writes it
	host    []byte
	program []byte
	pid     []byte
	level   []byte // severity where it is written as a word
	msgid   []byte
	data    []byte // structured data of RFC 5424
	message []byte
	device  int  // index into programs of the appliance that wrote, 0 if none did
	bare    bool // no header stood before its message

	heads *syslogHeads // what lines before began with; nil if none is remembered
}

// parse takes a line apart; it answers no when the line does not begin as a message does.
func (h *syslogLine) parse(line []byte) bool {
	*h = syslogLine{pri: -1, heads: h.heads}
	rest := h.priority(skipOctetCount(line))
	if h.pri >= 0 {
		if len(rest) > 2 && rest[0] == '1' && rest[1] == ' ' && (digit(rest[2]) || rest[2] == '-') {
			return h.parse5424(rest[2:])
		}
		rest = h.ciscoPrefix(rest)
	}
	n := h.knownTime(rest)
	if n == 0 {
		n = h.time(rest)
		h.learnTime(rest, n)
	}
	if n == 0 {
		return h.bareDevice(rest)
	}
	if !h.knownBody(rest[n:]) {
		h.body(rest[n:])
		h.learnBody(rest[n:])
	}
	h.deviceMessage()
	return true
}

// readLineStamp reads no more of a line than its time.
func readLineStamp(line []byte, s *logStamp) bool {
	h := syslogLine{pri: -1}
	rest := h.priority(bytes.TrimLeft(skipOctetCount(line), "\x00"))
	if h.pri >= 0 {
		if len(rest) > 2 && rest[0] == '1' && rest[1] == ' ' {
			rest = rest[2:]
		} else {
			rest = h.ciscoPrefix(rest)
		}
	}
	if h.time(rest) == 0 && !h.bareDevice(rest) || !h.timed {
		return false
	}
	*s = h.at
	return true
}

// skipOctetCount passes over the length that RFC 6587 framing puts before a message.
func skipOctetCount(b []byte) []byte {
	n := 0
	if len(b) == 0 || !digit(b[0]) || len(b) > 4 && b[4] == '-' {
		return b
	}
	for n < len(b) && n < 6 && digit(b[n]) {
		n++
	}
	if n > 0 && n+1 < len(b) && b[n] == ' ' && b[n+1] == '<' {
		return b[n+1:]
	}
	return b
}

func (h *syslogLine) priority(b []byte) []byte {
	if len(b) < 3 || b[0] != '<' {
		return b
	}
	pri, n := 0, 1
	for n < len(b) && n < 4 && digit(b[n]) {
		pri = pri*10 + int(b[n]-'0')
		n++
	}
	if n == 1 || n == len(b) || b[n] != '>' || pri > 191 {
		return b
	}
	h.pri = pri
	return b[n+1:]
}

// ciscoPrefix passes over "123: host: *" before a time: sequence number, origin, and the mark of a clock that is not
// synchronised.
func (h *syslogLine) ciscoPrefix(b []byte) []byte {
	if hasPrefix(b, ": ") { // Nexus
		b = b[2:]
	}
	n := 0
	for n < len(b) && digit(b[n]) {
		n++
	}
	if n > 0 && n+1 < len(b) && b[n] == ':' && b[n+1] == ' ' {
		b = b[n+2:]
		if i := bytes.IndexByte(b, ' '); i > 1 && b[i-1] == ':' && b[0] != '*' && b[0] != '.' {
			h.host, b = b[:i-1], b[i+1:]
		}
	}
	if len(b) > 0 && (b[0] == '*' || b[0] == '.') {
		b = b[1:]
	}
	return b
}

// time reads the time at the start of b in any of its forms and returns the bytes read, 0 if there is none. A line
// whose letters and digits stand as in a time but mean none keeps timed false.
func (h *syslogLine) time(b []byte) int {
	s := &h.at
	if len(b) < 15 {
		return 0
	}
	if digit(b[0]) {
		if n := readISO(b, s); n > 0 {
			h.iso, h.timed, h.zulu = true, true, b[n-1] == 'Z'
			return n
		}
		if y, ok := readDigits(b, 4); ok && b[4] == ' ' { // 2022 Nov 23 01:37:49
			if n := readMonthDay(b[5:], s); n > 0 {
				if c := readClock(b[5+n:], s); c > 0 {
					s.year = y
					h.timed = calendarDate(y, s.month, s.day)
					return 5 + n + c
				}
			}
		}
		return 0
	}
	n := readMonthDay(b, s)
	if n == 0 {
		return 0
	}
	if y, ok := readDigits(b[n:], 4); ok && len(b) > n+4 && b[n+4] == ' ' { // Nov 23 2022 01:37:49
		s.year = y
		n += 5
	}
	c := readClock(b[n:], s)
	if c == 0 {
		if len(b) >= n+8 && b[n+2] == ':' && b[n+5] == ':' && digit(b[n]) {
			return n + 8
		}
		return 0
	}
	n += c
	if y, ok := readDigits(b[min(n+1, len(b)):], 4); ok && s.year == 0 && b[n] == ' ' && y >= 1990 && y < 2100 && len(b) > n+5 && b[n+5] == ' ' {
		s.year = y // Nov 23 01:37:49 2022
		n += 5
	}
	year := s.year
	if year == 0 {
		year = 2000
	}
	h.timed = calendarDate(year, s.month, s.day)
	return n
}

// body reads host, program, process and message behind the time.
func (h *syslogLine) body(b []byte) {
	if len(b) > 0 && b[0] == ':' {
		h.message = bytes.TrimLeft(b[1:], " ")
		if h.iso && (bytes.Contains(b, []byte("[esx.")) || bytes.Contains(b, []byte("[vob."))) {
			h.esxi, h.program = true, vobd
		}
		h.ciscoMessage()
		return
	}
	b = trimSpaces(b)
	if h.iso && (h.levelWord(&b) || h.vmkernel(b)) && h.message != nil {
		return
	}
	n := readTag(b, h)
	if host := word(b); n == 0 && len(host) <= 255 && h.level == nil && string(host) != "---" && !isDevicePair(host) {
		if after := trimSpaces(b[len(host):]); len(after) > 0 {
			h.host, b = host, after
			n = readTag(b, h)
		}
	}
	h.message = trimSpaces(b[n:])
	if n > 0 && h.program[0] == '%' {
		h.message = b
	}
	h.finish()
}

// finish reads what the message tells of its sender.
func (h *syslogLine) finish() {
	h.bracketLevel()
	h.ciscoMessage()
	if h.iso && !h.esxi {
		h.esxi = h.host == nil && h.tagged && h.level == nil && h.zulu ||
			bytes.Contains(h.message, []byte("[Originator@6876"))
	}
}

// vobd is ESXi's daemon that watches for notable events; its log does not name it.
var vobd = []byte("vobd")

// levelWord reads the severity that stands before the program in ChromeOS's logs (INFO) and in ESXi's (info, In(14)).
func (h *syslogLine) levelWord(b *[]byte) bool {
	w := word(*b)
	switch string(w) {
	case "EMERG", "ALERT", "CRIT", "ERR", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG":
	case "panic", "error", "warning", "info", "verbose", "trivia":
		h.esxi = true
	default:
		if len(w) < 5 || w[2] != '(' || w[len(w)-1] != ')' || !letter(w[0]) {
			return false
		}
		pri := 0
		for _, c := range w[3 : len(w)-1] {
			if !digit(c) || pri > 191 {
				return false
			}
			pri = pri*10 + int(c-'0')
		}
		if pri <= 191 {
			h.pri = pri
		}
		h.esxi = true
		w = w[:2]
	}
	rest := bytes.TrimLeft((*b)[len(word(*b)):], " ")
	probe := syslogLine{}
	if readTag(rest, &probe) == 0 {
		h.esxi = false
		return false
	}
	h.level, *b = w, rest
	return true
}

// vmkernel reads "cpu3:2097152)WARNING: …" of ESXi's kernel; the number is the world, ESXi's process.
func (h *syslogLine) vmkernel(b []byte) bool {
	colon, paren := bytes.IndexByte(b, ':'), bytes.IndexByte(b, ')')
	if !hasPrefix(b, "cpu") || colon < 4 || paren < colon || paren > 40 {
		return false
	}
	h.esxi, h.tagged = true, true
	h.program, h.pid, h.message = []byte("vmkernel"), bytes.TrimSpace(b[colon+1:paren]), b
	return true
}

// bracketLevel takes macOS's "<Error>" off the front of the message.
func (h *syslogLine) bracketLevel() {
	m := h.message
	if len(m) < 4 || m[0] != '<' || !letter(m[1]) || h.level != nil {
		return
	}
	end := bytes.IndexByte(m[:min(len(m), 12)], '>')
	if end < 0 {
		return
	}
	switch string(m[1:end]) {
	case "Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Info", "Debug":
		h.level = m[1:end]
		h.message = bytes.TrimLeft(bytes.TrimPrefix(m[end+1:], []byte(":")), " ")
	}
}

// ciscoMessage recognises %FACILITY-SEVERITY-MNEMONIC, which stays in the message because rules look for it.
func (h *syslogLine) ciscoMessage() {
	if hasPrefix(h.message, ": %") { // ASA sets its name off with a blank before the colon
		h.message = h.message[2:]
	}
	m := h.message
	if len(m) == 0 || m[0] != '%' && m[0] != '*' && m[0] != '.' && !digit(m[0]) && (len(h.program) == 0 || !digit(h.program[0])) {
		return
	}
	if m[0] != '%' {
		i := bytes.Index(m[:min(len(m), 96)], []byte(": %"))
		if i < 0 {
			return
		}
		m = m[i+2:]
	}
	tag := word(m)
	if len(tag) < 6 || tag[len(tag)-1] != ':' || bytes.Count(tag, []byte("-")) < 2 {
		return
	}
	h.cisco, h.message, h.program = true, m, tag[1:len(tag)-1]
}

// readTag reads "sshd[24200]: " into h and returns the bytes read with the space behind it, 0 if b does not begin
// with a program. A name without a process needs its colon.
func readTag(b []byte, h *syslogLine) int {
	n := 0
	for n < len(b) && n < 128 && tagByte[b[n]] {
		n++
	}
	if n == 0 || n == len(b) {
		return 0
	}
	program, pid := b[:n], []byte(nil)
	if b[n] == '[' {
		end := bytes.IndexByte(b[n:min(len(b), n+48)], ']')
		if end < 0 {
			return 0
		}
		pid = b[n+1 : n+end]
		n += end + 1
		if n < len(b) && b[n] == ':' {
			n++
		}
	} else if b[n] == ':' {
		n++
	} else {
		return 0
	}
	if n < len(b) && b[n] != ' ' && b[n] != '\t' {
		return 0
	}
	h.program, h.pid, h.tagged = program, pid, true
	return min(n+1, len(b))
}

// tagByte tells the characters of program names.
var tagByte = func() (t [256]bool) {
	for c := range 256 {
		t[c] = letter(byte(c)) || digit(byte(c)) || strings.IndexByte("-_./()@+%~*#$", byte(c)) >= 0
	}
	return t
}()

func trimSpaces(b []byte) []byte {
	for len(b) > 0 && b[0] == ' ' {
		b = b[1:]
	}
	return b
}

// word is b up to its first space.
func word(b []byte) []byte {
	if i := bytes.IndexByte(b, ' '); i >= 0 {
		return b[:i]
	}
	return b
}

// parse5424 reads what stands behind the version of an RFC 5424 message.
func (h *syslogLine) parse5424(b []byte) bool {
	h.rfc5424, h.iso = true, true
	next := func() []byte {
		w := word(b)
		b = b[min(len(w)+1, len(b)):]
		if string(w) == "-" {
			return nil
		}
		return w
	}
	if t := next(); t != nil {
		if n := readISO(t, &h.at); n == 0 || n != len(t) {
			return false
		}
		h.timed = true
	}
	h.host, h.program, h.pid, h.msgid = next(), next(), next(), next()
	h.tagged = true
	if n := structuredData(b); n > 0 {
		h.data, b = b[:n], b[n:]
	} else if len(b) > 0 && b[0] == '-' {
		b = b[1:]
	}
	b = bytes.TrimLeft(b, " ")
	h.message = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	h.esxi = bytes.Contains(h.data, []byte("Originator@6876"))
	h.deviceMessage()
	return true
}

// structuredData returns the length of the elements in brackets at the start of b. In a quoted value a backslash
// escapes the quote, the backslash and the closing bracket.
func structuredData(b []byte) int {
	n := 0
	for n < len(b) && b[n] == '[' {
		quoted := false
		i := n + 1
		for ; i < len(b); i++ {
			if c := b[i]; c == '\\' && quoted {
				i++
			} else if c == '"' {
				quoted = !quoted
			} else if c == ']' && !quoted {
				break
			}
		}
		if i >= len(b) {
			return n
		}
		n = i + 1
	}
	return n
}
