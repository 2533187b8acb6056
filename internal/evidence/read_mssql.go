package evidence

import (
	"bytes"
	"context"

	"wardround/internal/event"
)

// mssqlReader reads SQL Server's ERRORLOG, in UTF-16 as a rule. Its times are local; the line "UTC adjustment" near the
// beginning tells the distance, and "Server name is" the computer.
var mssqlReader = reader{kind: "mssql-errorlog", is: isMSSQL, read: readMSSQL}

// mssqlLine is a line taken apart: "2022-11-23 07:07:49.12 spid51      message".
type mssqlLine struct {
	local  event.Time // as if UTC
	stamp  []byte
	source []byte
	text   []byte
}

func (m *mssqlLine) parse(line []byte) bool {
	t, rest, ok := readStamp(line)
	if !ok || len(rest) < 2 || rest[0] != ' ' || line[10] != ' ' || len(line)-len(rest) < 21 {
		return false
	}
	source, text, _ := bytes.Cut(rest[1:], []byte(" "))
	if number, isSpid := bytes.CutPrefix(source, []byte("spid")); isSpid {
		number = bytes.TrimSuffix(number, []byte("s"))
		ok = len(number) > 0 && digits(number) >= 0
	} else {
		switch string(source) {
		case "Server", "Logon", "Backup", "server", "logon", "backup":
		default:
			ok = false
		}
	}
	*m = mssqlLine{t, line[:len(line)-len(rest)], source, bytes.TrimLeft(text, " ")}
	return ok
}

func isMSSQL(head []byte, _ string) bool {
	var m mssqlLine
	found := false
	return mostLines(head, func(line []byte) bool {
		ok := m.parse(line)
		found = found || ok
		return ok || found && line[0] == '\t'
	}) && found
}

func readMSSQL(ctx context.Context, in *input, out *output) error {
	e := newDBEvent(out, "mssql", "mssql")
	zone := newLocalZone(in, out)
	offset, known, host := mssqlHead(ctx, in)
	if known {
		out.note("local times: the log states that they are %s from UTC", offsetText(float64(offset)/3600))
	}
	var m mssqlLine
	var stamp, source []byte // of the error number before
	l := newLines(ctx, in.Stream)
	for l.next() {
		switch {
		case m.parse(l.text):
			if e.open && len(stamp) > 0 && bytes.Equal(stamp, m.stamp) && bytes.Equal(source, m.source) {
				e.more(l, m.text)
				e.mssqlMessage(m.text)
				stamp = stamp[:0]
				continue
			}
			at := m.local.Add(-seconds(offset))
			if !known {
				at = zone.unstated(m.local)
			}
			e.begin(at, l)
			e.rec.Host = host
			e.set(dbSubsystem, m.source)
			if spid, ok := bytes.CutPrefix(m.source, []byte("spid")); ok {
				e.set(dbSession, bytes.TrimSuffix(spid, []byte("s")))
			}
			e.part(dbMessage, m.text)
			if stamp = stamp[:0]; e.mssqlMessage(m.text) {
				stamp, source = append(stamp, m.stamp...), append(source[:0], m.source...)
			}
		case len(bytes.TrimSpace(l.text)) == 0:
		case e.open:
			e.more(l, l.text)
		default:
			out.damage(l.offset, l.size(), "not a message of SQL Server")
		}
	}
	e.end()
	return l.fail()
}

// mssqlHead looks ahead for what the first lines tell of all: the distance from UTC in seconds, and the computer.
func mssqlHead(ctx context.Context, in *input) (offset int, known bool, host string) {
	again, err := in.Again()
	if err != nil {
		return 0, false, ""
	}
	defer again.Close()
	l := newLines(ctx, again)
	for n := 0; n < 500 && l.next(); n++ {
		if b, ok := between(l.text, "UTC adjustment: ", " "); ok && !known {
			h, m, _ := bytes.Cut(b, []byte(":"))
			negative := bytes.HasPrefix(h, []byte("-"))
			hours, minutes := digits(bytes.TrimPrefix(h, []byte("-"))), digits(m)
			if known = hours >= 0 && hours <= 15 && minutes >= 0 && minutes < 60; known {
				if offset = hours*3600 + minutes*60; negative {
					offset = -offset
				}
			}
		}
		if b, ok := between(l.text, "Server name is '", "'"); ok && host == "" {
			name, _, _ := bytes.Cut(b, []byte(`\`))
			host = string(name[:min(len(name), 255)])
		}
	}
	return offset, known, host
}

// mssqlMessage reads what a message tells; yes if it is the number of an error whose text follows in the next line.
func (e *dbEvent) mssqlMessage(m []byte) bool {
	if code, ok := bytes.CutPrefix(m, []byte("Error: ")); ok {
		number, rest, _ := bytes.Cut(code, []byte(","))
		e.set(dbCode, number)
		if s, ok := between(rest, "Severity: ", ","); ok {
			e.set(dbSeverity, s)
		}
		return true
	}
	switch {
	case bytes.HasPrefix(m, []byte("Login failed for user")):
		e.set(dbAction, []byte("login failed"))
		if reason, ok := between(m, "Reason: ", " [CLIENT"); ok {
			e.set(dbDetail, reason)
		}
	case bytes.HasPrefix(m, []byte("Login succeeded for user")):
		e.set(dbAction, []byte("login"))
		if method, ok := between(m, "Connection made using ", " authentication"); ok {
			e.set(dbMethod, method)
		}
	case bytes.HasPrefix(m, []byte("Configuration option '")):
		e.set(dbAction, []byte("configuration changed"))
		if option, ok := between(m, "option '", "'"); ok {
			e.set(dbObject, option)
		}
		if change, ok := between(m, "changed from ", "."); ok {
			e.set(dbDetail, change)
		}
	case bytes.HasPrefix(m, []byte("SQL Server is now ready for client connections")):
		e.set(dbAction, []byte("started"))
	case bytes.HasPrefix(m, []byte("SQL Server is terminating")), bytes.HasPrefix(m, []byte("SQL Trace was stopped due to server shutdown")):
		e.set(dbAction, []byte("shutdown"))
	case bytes.HasPrefix(m, []byte("Database backed up")), bytes.HasPrefix(m, []byte("Log was backed up")):
		e.set(dbAction, []byte("backup"))
		if database, ok := between(m, "Database: ", ","); ok {
			e.name(dbDatabase, database)
		}
		return false
	}
	if user, ok := between(m, "for user '", "'"); ok {
		e.name(dbUser, user)
	}
	if client, ok := between(m, "[CLIENT: ", "]"); ok && client[0] != '<' {
		e.from(client)
	}
	if database, ok := between(m, "database '", "'"); ok {
		e.name(dbDatabase, database)
	}
	return false
}
