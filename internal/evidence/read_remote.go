package evidence

import (
	"bytes"
	"context"
	"path"
	"strings"

	"wardround/internal/event"
)

// remoteReader reads the logs of remote-control tools, by which suppliers, and intruders, come: TeamViewer's
// connections_incoming.txt, Connections.txt and its log, AnyDesk's connection_trace.txt, ad.trace and ad_svc.trace.
var remoteReader = reader{"remote control log", isRemote, readRemote}

var remoteNames = []string{"action", "outcome", "user", "src_ip", "src_port", "src_host", "remote_id", "remote_name", "method", "session", "ended", "program", "pid", "message", "file", "dst_host"}

// Slots of remoteNames.
const (
	remAction = iota
	remOutcome
	remUser // of this computer, whose screen was shared
	remSrcIP
	remSrcPort
	remSrcHost
	remID
	remName
	remMethod
	remSession
	remEnded
	remProgram
	remPid
	remMessage
	remFile
	remTo
	remSlots
)

var (
	teamViewerSchema = event.TextSchema(event.Source{Product: "network", Channel: "remote control", Provider: "teamviewer"}, remoteNames...)
	anyDeskSchema    = event.TextSchema(event.Source{Product: "network", Channel: "remote control", Provider: "anydesk"}, remoteNames...)
)

// remoteForm is which of the logs a file is.
type remoteForm uint8

const (
	noRemote remoteForm = iota
	teamViewerTable
	teamViewerLog
	anyDeskTable
	anyDeskTrace
)

// remoteLine is one line taken apart.
type remoteLine struct {
	t     event.Time
	utc   bool
	value [remSlots][]byte
	act   event.Value
	out   event.Value
	ended event.Time // of tables: when the session ended
}

// parse reads a line in the form that it has.
func (r *remoteLine) parse(line []byte, name string) remoteForm {
	*r = remoteLine{t: event.NoTime, ended: event.NoTime}
	switch {
	case r.teamViewerRow(line, strings.Contains(strings.ToLower(path.Base(name)), "incoming")):
		return teamViewerTable
	case r.teamViewerEntry(line):
		return teamViewerLog
	case r.anyDeskRow(line):
		return anyDeskTable
	case r.anyDeskEntry(line):
		return anyDeskTrace
	}
	return noRemote
}

// teamViewerRow reads "1660360496<TAB>Supplier<TAB>16-02-2024 14:16:32<TAB>16-02-2024 14:18:36<TAB>User<TAB>RemoteControl<TAB>{…}", and the
// outgoing form, which lacks the other side's name. Times are UTC.
func (r *remoteLine) teamViewerRow(line []byte, incoming bool) bool {
	if len(line) < 40 || !digit(line[0]) || line[len(line)-1] != '}' {
		return false
	}
	var c [7][]byte
	n := 0
	for rest := line; len(rest) > 0 && n < len(c); n++ {
		i := bytes.IndexByte(rest, '\t')
		if i < 0 {
			i = indexOf(rest, "  ")
		}
		if i < 0 {
			i = len(rest)
		}
		c[n] = rest[:i]
		if rest = rest[i:]; len(rest) > 0 && rest[0] == '\t' {
			rest = rest[1:]
		} else {
			rest = trimSpaces(rest)
		}
	}
	at := 2
	if _, ok := dayFirst(c[1]); ok {
		at = 1
	}
	from, ok1 := dayFirst(c[at])
	to, ok2 := dayFirst(c[at+1])
	if !ok1 || !ok2 || len(trimDigits(c[0])) > 0 {
		return false
	}
	r.t, r.ended, r.utc = from, to, true
	r.act, r.out = actLogon, success
	r.value[remID] = c[0]
	if at == 2 {
		r.value[remName] = c[1]
	} else if !incoming {
		r.act = event.Text("outgoing session")
	}
	r.value[remUser], r.value[remMethod], r.value[remSession] = c[at+2], c[at+3], c[min(at+4, 6)]
	return true
}

// dayFirst reads "16-02-2024 14:16:32".
func dayFirst(b []byte) (event.Time, bool) {
	if len(b) < 19 || b[2] != '-' || b[5] != '-' || b[10] != ' ' {
		return event.NoTime, false
	}
	day, month, year := digits(b[:2]), digits(b[3:5]), digits(b[6:10])
	ns, _, ok := readDayTime(b[11:])
	if !ok || !validDate(year, month, day) {
		return event.NoTime, false
	}
	return onDay(daysTo(year, month, day), ns), true
}

// teamViewerEntry reads "2024/02/16 06:16:47.312  1084       3644 D1   AuthenticationPasswordLogin_Passive::… was successful". Times are local.
func (r *remoteLine) teamViewerEntry(line []byte) bool {
	t, rest, ok := readStamp(line)
	if !ok || line[4] != '/' || len(rest) < 4 || rest[0] != ' ' {
		return false
	}
	rest = trimSpaces(rest)
	pid := word(rest)
	rest = trimSpaces(rest[len(pid):])
	thread := word(rest)
	rest = trimSpaces(rest[len(thread):])
	level := word(rest)
	mark := bytes.TrimRight(level, "!+-")
	if len(pid) == 0 || len(trimDigits(pid)) > 0 || len(thread) == 0 || len(trimDigits(thread)) > 0 || len(mark) == 0 || len(mark) > 3 || !digit(mark[len(mark)-1]) {
		return false
	}
	m := trimSpaces(rest[len(level):])
	r.t, r.value[remPid], r.value[remProgram], r.value[remMessage] = t, pid, level, m
	r.teamViewerMessage(m)
	return true
}

func (r *remoteLine) teamViewerMessage(m []byte) {
	switch {
	case indexOf(m, "CreatePassiveSession(): incoming session via ") >= 0:
		r.act = actConnect
		r.value[remTo] = bytes.TrimRight(word(cut(m, " via ", "")), ",")
	case indexOf(m, "_Passive::RunAuthenticationMethod: authentication using ") >= 0:
		r.act, r.out = actLogon, failure
		if indexOf(m, "was successful") >= 0 {
			r.out = success
		}
		r.value[remMethod] = cut(m, "authentication using ", " was")
	case indexOf(m, "AuthenticationBlocker::Allocate: ") >= 0:
		r.act = actAuth
		r.value[remID] = bytes.TrimRight(word(cut(m, "DyngateID ", "")), ",")
	case hasPrefix(m, "New Participant added in CParticipantManager "):
		r.act = actOpen
		who := m[45:]
		if i := bytes.LastIndexByte(who, '('); i > 0 {
			r.value[remName] = bytes.TrimSpace(who[:i])
			r.value[remID] = cut(who[i:], "[", ",")
		}
	case indexOf(m, "punch received a=") >= 0, indexOf(m, "UDPv4: punch received") >= 0:
		r.act = actConnect
		r.address(word(cut(m, "a=", "")))
	case indexOf(m, "Connection incoming, sessionID = ") >= 0:
		r.act = actConnect
		r.value[remSession] = word(cut(m, "sessionID = ", ""))
	case indexOf(m, "Session to ") >= 0 && indexOf(m, " ended") >= 0, hasPrefix(m, "SessionTerminated"):
		r.act = actLogoff
	case indexOf(m, "Write file ") >= 0:
		r.act = actUpload
		r.value[remFile] = cut(m, "Write file ", "")
	case indexOf(m, "Download from \"") >= 0:
		r.act = actDownload
		r.value[remFile] = cut(m, "\"", "\"")
	}
}

func (r *remoteLine) address(b []byte) {
	b = bytes.Trim(b, ",.;()\"")
	if i := bytes.LastIndexByte(b, ':'); i > 0 && len(trimDigits(b[i+1:])) == 0 && bytes.Count(b, []byte(":")) == 1 {
		r.value[remSrcPort], b = b[i+1:], b[:i]
	}
	if b = bytes.Trim(b, "[]"); isAddress(b) {
		r.value[remSrcIP] = b
	}
}

// anyDeskRow reads "Incoming    2022-11-23, 01:37    User    123456789    123456789": direction, minute, how it was granted, alias, number.
func (r *remoteLine) anyDeskRow(line []byte) bool {
	w := bytes.Fields(line)
	if len(w) < 4 || string(w[0]) != "Incoming" && string(w[0]) != "Outgoing" || len(w[1]) != 11 || w[1][10] != ',' || len(w[2]) < 5 {
		return false
	}
	var stamp [19]byte
	copy(stamp[:], w[1][:10])
	stamp[10] = ' '
	copy(stamp[11:], w[2][:5])
	copy(stamp[16:], ":00")
	t, _, ok := readStamp(stamp[:])
	if !ok {
		return false
	}
	r.t, r.utc = t, true
	r.act, r.out = actLogon, success
	r.value[remMethod] = w[3]
	if string(w[3]) == "REJECTED" {
		r.out = failure
	}
	if w[0][0] == 'O' {
		r.act = event.Text("outgoing session")
	}
	if len(w) > 4 {
		r.value[remName], r.value[remID] = w[4], w[len(w)-1]
	}
	return true
}

// anyDeskEntry reads "   info 2022-11-23 01:37:49.123       gsvc   4628   5344   42   anynet.any_socket - Logged in from 198.18.0.7:51234 on
// relay x." The times are UTC.
func (r *remoteLine) anyDeskEntry(line []byte) bool {
	rest := trimSpaces(line)
	level := word(rest)
	switch string(level) {
	case "info", "warning", "error", "debug", "fatal", "trace":
	default:
		return false
	}
	t, rest, ok := readStamp(trimSpaces(rest[len(level):]))
	if !ok {
		return false
	}
	i := indexOf(rest, " - ")
	if i < 0 {
		return false
	}
	head := bytes.Fields(rest[:min(i, 400)])
	if len(head) < 3 {
		return false
	}
	m := rest[i+3:]
	r.t, r.utc = t, true
	r.value[remProgram], r.value[remPid], r.value[remMessage] = head[0], head[1], m
	r.anyDeskMessage(m)
	return true
}

func (r *remoteLine) anyDeskMessage(m []byte) {
	switch {
	case indexOf(m, "Logged in from ") >= 0:
		r.act, r.out = actConnect, success
		r.address(word(cut(m, "Logged in from ", "")))
	case hasPrefix(m, "Accept request from "):
		r.act = actConnect
		r.value[remID] = word(m[20:])
	case hasPrefix(m, "Client-ID: "):
		r.act = actConnect
		r.value[remID] = word(m[11:])
	case hasPrefix(m, "Incoming session request: "):
		r.act = actConnect
		who := m[26:]
		r.value[remName] = who
		if i := bytes.LastIndexByte(who, '('); i > 0 {
			r.value[remName], r.value[remID] = bytes.TrimSpace(who[:i]), cut(who[i:], "(", ")")
		}
	case hasPrefix(m, "Authenticated "), indexOf(m, "authenticated by ") >= 0:
		r.act, r.out = actLogon, success
		r.value[remMethod] = bytes.TrimRight(m[min(14, len(m)):], ".")
	case hasPrefix(m, "Remote OS: "), hasPrefix(m, "Remote version: "):
	case indexOf(m, "uthentication failed") >= 0, indexOf(m, "assword is incorrect") >= 0, indexOf(m, "Session rejected") >= 0, indexOf(m, "was rejected") >= 0:
		r.act, r.out = actLogon, failure
	case indexOf(m, "Session closed") >= 0, indexOf(m, "Session stopped") >= 0:
		r.act = actLogoff
	case hasPrefix(m, "Preparing files in '"):
		r.act = actDownload
		r.value[remFile] = cut(m, "'", "'")
	case indexOf(m, "Download started (") >= 0, indexOf(m, "download ") >= 0 && indexOf(m, "started") >= 0:
		r.act = actDownload
	}
}

func isRemote(head []byte, name string) bool {
	var r remoteLine
	form := noRemote
	return mostLines(head, func(line []byte) bool {
		f := r.parse(bytes.TrimSpace(line), name)
		if form == noRemote {
			form = f
		}
		return f != noRemote && f == form
	})
}

func readRemote(ctx context.Context, in *input, out *output) error {
	zone := newLocalZone(in, out)
	var r remoteLine
	var slots [remSlots]event.Value
	last := noRemote
	l := newLines(ctx, in.Stream)
	for l.next() {
		line := bytes.TrimSpace(l.text)
		if len(line) == 0 {
			continue
		}
		form := noRemote
		if isText(line) {
			form = r.parse(line, in.Path)
		}
		if form == noRemote {
			if last != teamViewerLog && last != anyDeskTrace || !isText(line) { // logs have blocks of text between their lines
				out.damage(l.offset, l.size(), "line that is no entry of a remote-control log")
			}
			continue
		}
		last = form
		schema := teamViewerSchema
		if form == anyDeskTable || form == anyDeskTrace {
			schema = anyDeskSchema
		}
		t := r.t
		if !r.utc {
			t = zone.unstated(t)
		}
		rec := event.Record{Schema: schema, Time: t, Number: l.number, Offset: l.offset}
		if out.want(schema) {
			for i, v := range r.value {
				slots[i] = textValue(v)
			}
			slots[remAction], slots[remOutcome] = r.act, r.out
			if r.ended != event.NoTime {
				slots[remEnded] = event.Text(r.ended.String())
			}
			rec.Slots = slots[:]
		}
		out.take(&rec)
	}
	return l.fail()
}
