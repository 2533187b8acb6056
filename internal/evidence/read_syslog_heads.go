package evidence

import "bytes"

// syslogHeads are what the last lines of a log began with: in one second many are written, by few programs of few hosts. What is known by
// its bytes is not read again.
type syslogHeads struct {
	stamp  [15]byte // "Dec 10 06:55:46", as the last line had it
	at     logStamp
	bodies [16]syslogHead
}

// syslogHead is what stands between the time and the number of a process: " LabSZ sshd[".
type syslogHead struct {
	text          []byte
	iso           bool
	host, hostEnd int // in text
	program       int // in text, to its bracket
}

const maxHead = 96

// knownTime is time for a line of the same second as the one before.
func (h *syslogLine) knownTime(b []byte) int {
	k := h.heads
	if k == nil || !plainStamp(b) || [15]byte(b) != k.stamp {
		return 0
	}
	h.at, h.timed = k.at, true
	return len(k.stamp)
}

// plainStamp reports whether neither a fraction nor a year can stand behind the first 15 bytes.
func plainStamp(b []byte) bool { return len(b) > 16 && b[15] == ' ' && !digit(b[16]) }

func (h *syslogLine) learnTime(b []byte, n int) {
	if h.heads != nil && n == len(h.heads.stamp) && h.timed && !h.iso && plainStamp(b) {
		h.heads.stamp, h.heads.at = [15]byte(b), h.at
	}
}

// knownBody is body for a line whose host and program are known. B is what follows the time.
func (h *syslogLine) knownBody(b []byte) bool {
	if h.heads == nil {
		return false
	}
	end := bytes.IndexByte(b[:min(len(b), maxHead)], '[')
	if end < 2 {
		return false
	}
	k := h.heads.of(b, end)
	if k.iso != h.iso || string(k.text) != string(b[:end]) {
		return false
	}
	n := processEnd(b, end+1)
	if n == 0 {
		return false
	}
	h.host, h.program, h.pid, h.tagged = b[k.host:k.hostEnd], b[k.program:end], b[end+1:n], true
	h.message = trimSpaces(b[n+3:])
	h.finish()
	return true
}

// of is the place for a head that ends there.
func (k *syslogHeads) of(b []byte, end int) *syslogHead {
	return &k.bodies[(end+int(b[end-1])*3+int(b[end-2])*5)%len(k.bodies)]
}

// processEnd is where the bracket stands that closes the number of a process which begins at n; 0 unless there is a number and ": " follows.
func processEnd(b []byte, n int) int {
	end := n
	for end < len(b) && end < n+10 && digit(b[end]) {
		end++
	}
	if end == n || !hasPrefix(b[end:], "]: ") {
		return 0
	}
	return end
}

// learnBody remembers the head of a line that was read, if nothing behind it has a say in how it is read.
func (h *syslogLine) learnBody(b []byte) {
	if h.heads == nil || !h.tagged || h.level != nil || h.esxi || h.cisco || len(h.host) == 0 || len(h.program) == 0 || h.program[0] == '%' {
		return
	}
	end := bytes.IndexByte(b[:min(len(b), maxHead)], '[')
	if end < 2 || processEnd(b, end+1) == 0 || len(h.pid) == 0 || bytes.HasPrefix(h.host, []byte("cpu")) {
		return
	}
	host := len(b) - len(trimSpaces(b))
	program := end - len(h.program)
	if !hasPrefix(b[host:end], string(h.host)) || program <= host+len(h.host) || string(b[program:end]) != string(h.program) || leveled(h.host) {
		return
	}
	if len(trimSpaces(b[host+len(h.host):program])) > 0 { // the program stood before, and what ends here is of its message
		return
	}
	k := h.heads.of(b, end)
	*k = syslogHead{append(k.text[:0], b[:end]...), h.iso, host, host + len(h.host), program}
}

// leveled reports whether a word can be a severity, so that what follows decides what it is.
func leveled(word []byte) bool {
	line := append(bytes.Clone(word), " x: y"...)
	return new(syslogLine).levelWord(&line)
}
