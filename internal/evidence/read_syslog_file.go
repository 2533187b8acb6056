package evidence

import (
	"bytes"
	"context"
	"path"
	"strings"

	"wardround/internal/event"
)

// maxMessage bounds a message of several lines; what follows it is damage.
const maxMessage = 64 << 10

// syslogFile is one log being read.
type syslogFile struct {
	in       *input
	out      *output
	messages *messages
	clock    *wallClock
	channel  logChannel
	years    yearWalk
	settled  bool // the years' look-ahead is done
	started  bool // a message has been read
	joined   []byte
	line     syslogLine
	untimed  int
	local    bool // a time without a zone was met

	stamp logStamp // of the last message, if it stated no year
	told  event.Time
}

func readSyslog(ctx context.Context, in *input, out *output) error {
	f := &syslogFile{in: in, out: out, messages: newMessages(out), clock: newWallClock(in.Options.Zone), channel: fileChannel(in.Path)}
	f.line.heads = &syslogHeads{}
	l := newLines(ctx, in.Stream)
	for more := l.next(); more; {
		if l.cut > 0 {
			out.damage(l.offset+maxLine, l.cut, "line longer than 8 MiB")
		}
		text, number, offset := l.text, l.number, l.offset
		if l.aheadStarts() {
			f.take(ctx, text, number, offset)
			more = l.next()
			continue
		}
		f.joined = append(f.joined[:0], text...)
		whole := isText(text) && len(text) > 0
		for more = l.next(); more && whole && len(f.joined)+len(l.text) < maxMessage && continues(l.text); more = l.next() {
			f.joined = append(append(f.joined, '\n'), l.text...)
		}
		f.take(ctx, f.joined, number, offset)
	}
	f.messages.close()
	f.notes()
	return l.fail()
}

func (f *syslogFile) notes() {
	if f.local && f.in.Options.Zone == nil {
		f.out.note("times without a zone read as UTC")
	}
	if f.untimed > 0 {
		f.out.note("%d lines whose time cannot be read have none", f.untimed)
	}
}

// take reads one line, or several that are one message.
func (f *syslogFile) take(ctx context.Context, text []byte, number uint64, offset int64) {
	size := int64(len(text))
	if len(text) > 0 && text[0] == 0 {
		trimmed := bytes.TrimLeft(text, "\x00")
		f.out.damage(offset, size-int64(len(trimmed)), "NUL bytes, as a crash leaves them")
		offset += size - int64(len(trimmed))
		text = trimmed
	}
	if len(text) > 0 && text[len(text)-1] == 0 {
		trimmed := bytes.TrimRight(text, "\x00")
		f.out.damage(offset+int64(len(trimmed)), int64(len(text)-len(trimmed)), "NUL bytes, as a crash leaves them")
		text = trimmed
	}
	for len(text) > 0 {
		part := text
		if text[0] == '<' {
			part = text[:packedEnd(text)]
		}
		f.message(ctx, part, number, offset)
		text, offset = text[len(part):], offset+int64(len(part))
	}
}

func (f *syslogFile) message(ctx context.Context, text []byte, number uint64, offset int64) {
	h := &f.line
	if !h.parse(text) {
		switch {
		case len(bytes.TrimSpace(text)) == 0:
		case !isText(text):
			f.out.damage(offset, int64(len(text)), "binary bytes in a text log")
		default:
			f.out.damage(offset, int64(len(text)), "text without a syslog header")
		}
		return
	}
	if !isText(h.host) || h.rfc5424 && !isText(h.program) {
		f.out.damage(offset, int64(len(text)), "binary bytes in a text log")
		return
	}
	f.started = true
	f.messages.take(h, f.channel, f.instant(ctx, h, text), number, offset, nil)
}

// instant is the time of the message, its year inferred where the line has none.
func (f *syslogFile) instant(ctx context.Context, h *syslogLine, text []byte) event.Time {
	if !h.timed {
		f.untimed++
		return event.NoTime
	}
	if !h.at.zoned {
		f.local = true
	}
	if h.at.year == 0 {
		if h.at == f.stamp && (f.years.settled || !statesTime(text)) {
			return f.told // the same second as the message before
		}
		f.stamp = h.at
		f.told = f.instantInYear(ctx, h, text)
		return f.told
	}
	f.stamp = logStamp{}
	f.years.walk(&h.at, nil, f.clock)
	return f.clock.at(&h.at)
}

// instantInYear is instant for a line that states no year.
func (f *syslogFile) instantInYear(ctx context.Context, h *syslogLine, text []byte) event.Time {
	if !f.settled {
		f.settled = true
		if f.years.anchored {
			f.out.note("years of lines without one taken from dated lines of the same log")
		} else {
			f.years.lookAhead(ctx, f.in, f.out, f.clock)
		}
	}
	f.years.walk(&h.at, text, f.clock)
	h.at.year = f.years.year()
	t := f.clock.at(&h.at)
	if f.years.latest != 0 && t > f.years.latest {
		f.out.note("lines dated after the file was last written have no time: their year cannot be told")
		return event.NoTime
	}
	return t
}

// packedEnd is where the next message begins when a stream without framing put several on one line: at <PRI> and a time.
func packedEnd(b []byte) int {
	for i := 1; ; {
		j := bytes.IndexByte(b[i:], '<')
		if j < 0 {
			return len(b)
		}
		i += j
		var h syslogLine
		if rest := h.priority(b[i:min(len(b), i+64)]); len(rest) < min(len(b), i+64)-i {
			if hasPrefix(rest, "1 ") {
				rest = rest[2:]
			}
			if h.time(rest) > 0 && h.timed {
				return i
			}
		}
		i++
	}
}

// aheadStarts reports whether the next line is known to begin a message, or to be no part of this one. It answers no
// when the buffer does not hold enough to tell; then text must be copied before the next line is read.
func (l *lines) aheadStarts() bool {
	b := l.buf[l.at:l.n]
	if len(b) < 64 {
		return l.err != nil && len(b) == 0
	}
	return !continues(b[:64])
}

// continues reports whether a line belongs to the message before it: text that does not look like the beginning of
// another, whether or not that can be read.
func continues(b []byte) bool {
	if len(b) > 15 && (b[3] == ' ' && b[6] == ' ' && b[9] == ':' && b[12] == ':' || b[4] == '-' && b[7] == '-' && b[10] == 'T' && b[13] == ':') {
		return false
	}
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		b = b[:i]
	}
	if len(b) == 0 || b[0] == 0 || b[0] == '\r' {
		return false
	}
	if isDeviceStart(b) {
		return false
	}
	if digit(b[0]) || b[0] == '<' || letter(b[0]) {
		var s logStamp
		if h := (syslogLine{pri: -1}); readLineStamp(b, &s) || h.time(b) > 0 {
			return false
		}
	}
	return isText(b)
}

// isText reports whether b is free of control bytes other than tab, line ends, escape and the separators that programs
// do write to logs.
func isText(b []byte) bool {
	for _, c := range b {
		if c < ' ' && controlByte[c] {
			return false
		}
	}
	return true
}

var controlByte = [32]bool{0: true, 1: true, 2: true, 3: true, 4: true, 5: true, 6: true, 14: true, 15: true, 16: true, 17: true, 18: true, 19: true,
	20: true, 21: true, 22: true, 23: true, 24: true, 25: true, 26: true}

// fileChannel tells the log from a file's name, where the name is of one that holds no other.
func fileChannel(p string) logChannel {
	name := strings.ToLower(path.Base(p))
	for _, c := range []struct {
		prefix  string
		channel logChannel
	}{{"auth", authChannel}, {"secure", authChannel}, {"sshd", authChannel}, {"sudo", authChannel}, {"cron", cronChannel}, {"kern", kernChannel},
		{"mail", mailChannel}} {
		if strings.HasPrefix(name, c.prefix) && !strings.HasPrefix(name, "authd") {
			return c.channel
		}
	}
	return unknownChannel
}

// isSyslog looks at the first lines: half of them must begin as messages do, and not as other logs with like times.
func isSyslog(head []byte, name string) bool {
	if len(head) == 0 {
		return syslogName(name)
	}
	good, bad, more := 0, 0, 0
	rest := head
	if bytes.HasPrefix(rest, []byte("\xef\xbb\xbf")) {
		rest = rest[3:]
	}
	for good+bad < 40 && len(rest) > 0 {
		line := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			line, rest = rest[:i], rest[i+1:]
		} else if rest = nil; len(head) == headBytes && good+bad > 0 {
			break
		}
		line = bytes.Trim(line, "\x00\r")
		if len(line) == 0 {
			continue
		}
		switch {
		case convincing(line):
			good++
		case isText(line) && good > 0 && !looksStamped(line):
			more++ // lines of a message
		default:
			bad += 1 + len(line)/256
		}
	}
	if good == 0 {
		return syslogName(name) && isZero(head)
	}
	return more <= 20*good && (good > bad || good == bad && syslogName(name))
}

func looksStamped(line []byte) bool {
	h := syslogLine{pri: -1}
	return h.time(line) > 0
}

// convincing reports whether a line is a syslog message rather than one of another log that begins with a like time.
func convincing(line []byte) bool {
	var h syslogLine
	if !h.parse(line) || !h.timed && !h.rfc5424 {
		return false
	}
	if h.pri >= 0 || h.esxi || h.cisco {
		return true
	}
	if h.device > 0 {
		return !h.bare
	}
	if !h.iso {
		switch string(h.program) {
		case "Installed", "Updated", "Erased", "Dep-Installed", "Cleanup": // yum.log
			return h.host != nil
		}
		return h.host != nil || h.tagged || len(line) > 15 && line[15] == ':'
	}
	if !h.tagged || len(line) > 19 && line[19] == ',' || bytes.IndexByte(h.program, '@') >= 0 {
		return false
	}
	spaced := line[10] == ' '
	compactZone := h.at.zoned && !h.zulu && bytes.IndexByte(line[19:min(len(line), 35)], ':') < 0
	switch string(h.host) {
	case "INFO", "DEBUG", "DDEBUG", "SUBDEBUG", "WARNING", "ERROR", "CRITICAL", "WARN", "TRACE", "stdout", "stderr":
		return false
	}
	if h.level != nil && (compactZone || spaced) { // dnf, log4j
		return false
	}
	if spaced {
		return h.host != nil && h.pid != nil
	}
	return true
}

// syslogName tells the usual names of logs that syslog writes.
func syslogName(name string) bool {
	base := strings.ToLower(path.Base(name))
	for _, n := range []string{"auth.log", "secure", "syslog", "messages", "kern.log", "daemon.log", "mail.log", "maillog", "cron.log", "user.log",
		"boot.log", "vmkernel.log", "hostd.log", "shell.log", "vobd.log", "vpxa.log"} {
		if base == n || strings.HasPrefix(base, n) && strings.IndexByte(".-_", base[len(n)]) >= 0 {
			return true
		}
	}
	return base == "cron" || strings.HasPrefix(base, "cron-2")
}
