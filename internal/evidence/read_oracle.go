package evidence

import (
	"bytes"
	"context"
	"strconv"
	"strings"

	"wardround/internal/event"
)

// The text logs of Oracle Database: the alert log, the listener's log, and the audit trail's .aud files.
var (
	oracleAlertReader    = reader{kind: "oracle-alert", is: isOracleAlert, read: readOracleAlert}
	oracleListenerReader = reader{kind: "oracle-listener", is: isOracleListener, read: readOracleListener}
	oracleAuditReader    = reader{kind: "oracle-audit", is: isOracleAudit, read: readOracleAudit}
)

// oracleStamp reads a line that is nothing but a time: "Wed Nov 23 07:07:49 2022", with "+05:30" behind it in audit
// files, or "2022-11-23T07:07:49.123456+05:30". zoned tells whether t is in UTC.
func oracleStamp(line []byte) (t event.Time, zoned, ok bool) {
	line = bytes.TrimRight(line, " ")
	if t, rest, ok := readStamp(line); ok && line[10] == 'T' {
		s, rest, zoned := readOffset(rest)
		return t.Add(-seconds(s)), zoned, len(rest) == 0
	}
	if len(line) < 24 || len(line) > 40 || !strings.Contains("Sun Mon Tue Wed Thu Fri Sat", string(line[:3])) {
		return event.NoTime, false, false
	}
	t, ok = apacheStamp(line[:24])
	if s, _, zoned := readOffset(line[24:]); zoned && ok {
		return t.Add(-seconds(s)), true, true
	}
	return t, false, ok && len(line) <= 32
}

// isOracleAlert looks for a time alone on its line, and for words of the alert log.
func isOracleAlert(head []byte, name string) bool {
	l := newLines(context.Background(), bytes.NewReader(head))
	stamps := 0
	for n := 0; n < 40 && l.next(); n++ {
		if _, _, ok := oracleStamp(l.text); ok {
			stamps++
		} else if n == 0 {
			return false
		}
	}
	if stamps == 0 {
		return false
	}
	base := strings.ToLower(name[strings.LastIndexByte(name, '/')+1:])
	for _, mark := range []string{"ORA-", "ORACLE instance", "ALTER DATABASE", "ALTER SYSTEM", "advanced to log sequence", "Oracle Database"} {
		if bytes.Contains(head, []byte(mark)) {
			return true
		}
	}
	return strings.HasPrefix(base, "alert_")
}

func readOracleAlert(ctx context.Context, in *input, out *output) error {
	e := newDBEvent(out, "oracle", "oracle")
	zone := newLocalZone(in, out)
	l := newLines(ctx, in.Stream)
	for l.next() {
		t, zoned, ok := oracleStamp(l.text)
		switch {
		case ok:
			if !zoned {
				t = zone.unstated(t)
			}
			e.begin(t, l)
		case e.open:
			e.oracleLine(l)
		case len(bytes.TrimSpace(l.text)) > 0:
			out.damage(l.offset, l.size(), "no time precedes the line")
		}
	}
	e.end()
	return l.fail()
}

// oracleLine adds a line to a message of the alert log.
func (e *dbEvent) oracleLine(l *lines) {
	m := l.text
	e.more(l, m)
	if code, ok := oracleCode(m); ok && len(e.text[dbCode]) == 0 {
		e.set(dbCode, code)
	}
	for begin, action := range oracleActions {
		if bytes.HasPrefix(m, []byte(begin)) && len(e.text[dbAction]) == 0 {
			e.set(dbAction, []byte(action))
		}
	}
	if bytes.HasPrefix(m, []byte("ALTER ")) && len(e.text[dbStatement]) == 0 {
		e.set(dbStatement, m)
	}
}

// oracleActions are the beginnings of lines that tell an action; none begins another.
var oracleActions = map[string]string{
	"Starting ORACLE instance": "started", "Shutting down ORACLE instance": "shutdown", "Instance shutdown complete": "shutdown",
	"Shutting down instance": "shutdown", "ALTER SYSTEM SET": "configuration changed",
}

// oracleCode finds "ORA-00600".
func oracleCode(b []byte) ([]byte, bool) {
	i := bytes.Index(b, []byte("ORA-"))
	if i < 0 || len(b) < i+9 || digits(b[i+4:i+9]) < 0 {
		return nil, false
	}
	return b[i : i+9], true
}

// listenerStamp reads "23-NOV-2022 07:07:49".
func listenerStamp(b []byte) (event.Time, bool) {
	if len(b) < 20 || b[2] != '-' || b[6] != '-' || b[11] != ' ' {
		return event.NoTime, false
	}
	year, month, day := digits(b[7:11]), monthNumber(b[3:6]), digits(b[0:2])
	ns, _, ok := readDayTime(b[12:])
	if !ok || year < 0 || !validDate(year, month, day) {
		return event.NoTime, false
	}
	return onDay(daysTo(year, month, day), ns), true
}

func isOracleListener(head []byte, _ string) bool {
	l := newLines(context.Background(), bytes.NewReader(head))
	for n := 0; n < 100 && l.next(); n++ {
		if _, ok := listenerStamp(l.text); ok && bytes.HasPrefix(l.text[20:], []byte(" * ")) {
			return true
		}
	}
	return false
}

// readOracleListener reads "time * connect data * protocol address * event * service * return code"; parts may be missing.
func readOracleListener(ctx context.Context, in *input, out *output) error {
	e := newDBEvent(out, "oracle-listener", "oracle")
	zone := newLocalZone(in, out)
	l := newLines(ctx, in.Stream)
	for l.next() {
		t, ok := listenerStamp(l.text)
		if !ok || !bytes.HasPrefix(l.text[20:], []byte(" * ")) {
			if e.open && bytes.Contains(l.text, []byte("TNS-")) {
				e.more(l, bytes.TrimSpace(l.text))
			}
			continue // banners, and the times that newer versions write on lines of their own
		}
		e.begin(zone.unstated(t), l)
		e.part(dbMessage, l.text[23:])
		e.listener(bytes.Split(l.text[23:], []byte(" * ")))
	}
	e.end()
	return l.fail()
}

func (e *dbEvent) listener(parts [][]byte) {
	var plain [][]byte
	for _, p := range parts {
		p = bytes.TrimSpace(p)
		switch {
		case bytes.HasPrefix(p, []byte("(CONNECT_DATA=")):
			for mark, slot := range map[string]int{"(PROGRAM=": dbApplication, "(USER=": dbUser, "(HOST=": dbSrcHost, "(COMMAND=": dbCommand} {
				if v, ok := between(p, mark, ")"); ok {
					e.name(slot, v)
				}
			}
			for _, mark := range []string{"(SID=", "(SERVICE_NAME="} {
				if v, ok := between(p, mark, ")"); ok {
					e.name(dbDatabase, v)
				}
			}
		case bytes.HasPrefix(p, []byte("(ADDRESS=")):
			if v, ok := between(p, "(HOST=", ")"); ok {
				e.from(v)
			}
			if v, ok := between(p, "(PORT=", ")"); ok {
				e.name(dbSrcPort, v)
			}
		default:
			plain = append(plain, p)
		}
	}
	if n := len(plain); n >= 2 {
		e.set(dbCommand, plain[0])
		code := plain[n-1]
		if string(plain[0]) == "establish" {
			e.set(dbAction, []byte("connect"))
		}
		if string(code) != "0" && digits(code) > 0 {
			e.set(dbCode, code)
			e.set(dbAction, []byte("connect failed"))
		}
		if n >= 3 {
			e.name(dbObject, plain[1])
		}
	}
}

func isOracleAudit(head []byte, name string) bool {
	l := newLines(context.Background(), bytes.NewReader(head))
	return l.next() && bytes.HasPrefix(l.text, []byte("Audit file ")) || bytes.Contains(head, []byte("ACTION :[")) && bytes.Contains(head, []byte("DATABASE USER:["))
}

// oracleAuditNames are the names of values in .aud files.
var oracleAuditNames = map[string]int{
	"ACTION": dbStatement, "DATABASE USER": dbUser, "USERID": dbUser, "PRIVILEGE": dbMethod, "CLIENT USER": dbContext, "OS$USERID": dbContext,
	"CLIENT TERMINAL": dbSrcHost, "USERHOST": dbSrcHost, "STATUS": dbCode, "RETURNCODE": dbCode, "SESSIONID": dbSession, "OBJ$NAME": dbObject,
	"COMMENT$TEXT": dbDetail, "TERMINAL": -1, "SQL_TEXT": dbStatement,
}

// readOracleAudit reads blocks of a time and of values "NAME :[length] 'value'", behind a header that names the computer.
func readOracleAudit(ctx context.Context, in *input, out *output) error {
	e := newDBEvent(out, "oracle-audit", "oracle")
	zone := newLocalZone(in, out)
	host := ""
	var block []byte
	flush := func() {
		if e.open {
			e.auditBlock(block)
			e.end()
		}
		block = block[:0]
	}
	l := newLines(ctx, in.Stream)
	for l.next() {
		t, zoned, ok := oracleStamp(l.text)
		switch {
		case ok:
			flush()
			if !zoned {
				t = zone.unstated(t)
			}
			e.begin(t, l)
			e.rec.Host = host
		case e.open && len(block)+len(l.text) < maxDatabaseText:
			block = append(append(block, l.text...), '\n')
		case e.open:
			out.damage(l.offset, l.size(), "value is too long")
		case bytes.HasPrefix(l.text, []byte("Node name:")):
			host = string(bytes.TrimSpace(l.text[len("Node name:"):]))
		}
	}
	flush()
	return l.fail()
}

// auditBlock cuts a block into its values by the lengths that it states, so that a value cannot pretend to be another.
func (e *dbEvent) auditBlock(b []byte) {
	for {
		i := bytes.Index(b, []byte(":["))
		if i < 0 {
			break
		}
		name := strings.TrimSpace(string(b[bytes.LastIndexAny(b[:i], "\n\"'")+1 : i]))
		end := bytes.IndexByte(b[i:], ']')
		if end < 0 {
			break
		}
		length, err := strconv.Atoi(string(b[i+2 : i+end]))
		b = b[i+end+1:]
		if err != nil || length < 0 || len(b) < 3+length {
			continue
		}
		value := b[2 : 2+length]
		if closing := b[2+length]; closing != b[1] || closing != '\'' && closing != '"' {
			continue
		}
		b = b[3+length:]
		if slot, ok := oracleAuditNames[name]; ok && slot >= 0 {
			e.name(slot, value)
		}
	}
	e.auditActions()
}

// auditActions tells what the action of a block amounts to.
func (e *dbEvent) auditActions() {
	failed := len(e.text[dbCode]) > 0 && string(e.text[dbCode]) != "0"
	statement := strings.ToUpper(strings.TrimSpace(string(e.text[dbStatement][:min(len(e.text[dbStatement]), 20)])))
	action := "query"
	switch {
	case (statement == "CONNECT" || statement == "100") && failed:
		action = "login failed"
	case statement == "CONNECT" || statement == "100":
		action = "login"
	case statement == "101" || statement == "102" || statement == "DISCONNECT":
		action = "disconnect"
	}
	e.set(dbAction, []byte(action))
	if address, ok := between(e.text[dbDetail], "(HOST=", ")"); ok {
		e.from(bytes.Clone(address))
	}
}
