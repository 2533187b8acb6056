package evidence

import (
	"bytes"
	"context"

	"wardround/internal/event"
)

// postgresReader reads the log that PostgreSQL writes to standard error, with whatever log_line_prefix the administrator
// has chosen: its parts are told by their shape.
var postgresReader = reader{kind: "postgresql", is: isPostgres, read: readPostgres}

// postgresSeverities begin a message; what a server set to another language writes is not known.
var postgresSeverities = []string{"LOG", "ERROR", "FATAL", "PANIC", "WARNING", "NOTICE", "INFO", "DEBUG", "DEBUG1", "DEBUG2", "DEBUG3", "DEBUG4", "DEBUG5"}

// postgresParts are the lines that follow a message and belong to it.
var postgresParts = map[string]int{
	"DETAIL": dbDetail, "HINT": dbHint, "QUERY": dbQuery, "CONTEXT": dbContext, "STATEMENT": dbStatement, "LOCATION": -1, "BACKTRACE": -1,
}

// postgresLine is a line taken apart.
type postgresLine struct {
	local    event.Time // as if UTC
	zone     []byte
	before   []byte // of the prefix, before the time
	rest     []byte // of the prefix, behind the time
	pid      []byte
	severity []byte
	text     []byte
}

func isPostgres(head []byte, _ string) bool {
	var p postgresLine
	found := false
	return mostLines(head, func(line []byte) bool {
		ok := p.parse(line) && len(p.zone) > 0 // the server always names it
		found = found || ok
		return ok || found && (line[0] == '\t' || line[0] == ' ')
	}) && found
}

func readPostgres(ctx context.Context, in *input, out *output) error {
	e := newDBEvent(out, "postgresql", "postgresql")
	zone := newLocalZone(in, out)
	var p postgresLine
	var pid []byte
	at := event.NoTime
	l := newLines(ctx, in.Stream)
	for l.next() {
		switch {
		case p.parse(l.text):
			slot, isPart := postgresParts[string(p.severity)]
			if p.local != event.NoTime {
				at = zone.named(p.local, p.zone)
			}
			if isPart && e.open && bytes.Equal(pid, p.pid) {
				e.last = dbContext
				if slot >= 0 {
					e.part(slot, p.text)
				}
				continue
			}
			e.begin(at, l)
			pid = append(pid[:0], p.pid...)
			p.fill(e)
			if isPart && slot >= 0 {
				e.part(slot, p.text)
				continue
			}
			e.part(dbMessage, p.text)
			e.postgresMessage(p.text)
		case e.open && len(l.text) > 0 && (l.text[0] == '\t' || l.text[0] == ' '):
			e.more(l, bytes.TrimPrefix(l.text, []byte("\t")))
		case len(bytes.TrimSpace(l.text)) == 0:
		case at == event.NoTime:
			out.damage(l.offset, l.size(), "not a message of PostgreSQL")
		default: // what a program that the server started wrote to standard error
			e.begin(at, l)
			e.part(dbMessage, l.text)
		}
	}
	e.end()
	return l.fail()
}

// parse takes a line apart; no if it has no severity.
func (p *postgresLine) parse(line []byte) bool {
	*p = postgresLine{local: event.NoTime}
	at := postgresSeverity(line, p)
	if at < 0 {
		return false
	}
	prefix := line[:at]
	for i := 0; i+19 <= len(prefix) && i < 64; i++ {
		if t, rest, ok := readStamp(prefix[i:]); ok {
			p.local, p.before, p.rest = t, prefix[:i], rest
			p.takeZone()
			break
		}
	}
	if p.local == event.NoTime {
		p.rest = prefix
		if t, ok := epochIn(prefix); ok {
			p.local, p.zone = t, []byte("UTC")
		}
	}
	p.pid = bracketNumber(p.rest)
	return len(prefix) == 0 || p.local != event.NoTime || p.pid != nil
}

// postgresSeverity finds "LOG:  " and its like, and what stands behind it. -1 if there is none in the first kilobyte.
func postgresSeverity(line []byte, p *postgresLine) int {
	head := line[:min(len(line), 1024)]
	for at := 0; ; {
		i := bytes.Index(head[at:], []byte(":  "))
		if i < 0 {
			return -1
		}
		i += at
		start := i
		for start > 0 && ('A' <= head[start-1] && head[start-1] <= 'Z' || isDigit(head[start-1])) {
			start--
		}
		word := string(head[start:i])
		if _, part := postgresParts[word]; part || isSeverity(word) {
			p.severity, p.text = line[start:i], line[i+3:]
			return start
		}
		at = i + 1
	}
}

func isSeverity(word string) bool {
	for _, s := range postgresSeverities {
		if s == word {
			return true
		}
	}
	return false
}

// takeZone cuts the name of the time zone off the rest of the prefix.
func (p *postgresLine) takeZone() {
	r := bytes.TrimPrefix(p.rest, []byte(" "))
	n := 0
	for n < len(r) && (r[n] == '/' || r[n] == '_' || r[n] == '+' || r[n] == '-' || isDigit(r[n]) || 'a' <= r[n]|0x20 && r[n]|0x20 <= 'z') {
		n++
	}
	if n > 0 && n < 40 && len(r) < len(p.rest) {
		p.zone, p.rest = r[:n], r[n:]
	}
}

// epochIn finds a time of %n, seconds since 1970 with milliseconds.
func epochIn(b []byte) (event.Time, bool) {
	for _, word := range bytes.FieldsFunc(b, func(r rune) bool { return r == ' ' || r == '[' || r == ']' || r == ',' }) {
		if len(word) == 14 && word[10] == '.' {
			return readSeconds(word)
		}
	}
	return event.NoTime, false
}

// bracketNumber finds the process in "[1234]", "[1234-1]" or "[1234:5]".
func bracketNumber(b []byte) []byte {
	for {
		i := bytes.IndexByte(b, '[')
		if i < 0 {
			return nil
		}
		b = b[i+1:]
		n := 0
		for n < len(b) && isDigit(b[n]) {
			n++
		}
		if n > 0 && n < len(b) && (b[n] == ']' || b[n] == '-' || b[n] == ':') {
			return b[:n]
		}
	}
}

// fill puts what the prefix tells.
func (p *postgresLine) fill(e *dbEvent) {
	e.set(dbSeverity, p.severity)
	e.set(dbPid, p.pid)
	if bytes.IndexByte(p.rest, '=') >= 0 {
		e.postgresPairs(p.rest)
		return
	}
	rest := p.rest
	if i := bytes.IndexByte(rest, '@'); i >= 0 {
		start, end := i, i+1
		for start > 0 && !prefixBreak(rest[start-1]) {
			start--
		}
		for end < len(rest) && !prefixBreak(rest[end]) {
			end++
		}
		e.name(dbUser, rest[start:i])
		e.name(dbDatabase, rest[i+1:end])
	}
	// "time zone:host(port):user@database:[pid]:" has its parts between colons; an address may hold some itself.
	e.postgresWords(p.before)
	e.postgresWords(bytes.TrimPrefix(rest, []byte(":")))
}

// postgresWords puts the parts of a prefix that are told by their shape: client, state, session.
func (e *dbEvent) postgresWords(b []byte) {
	for _, word := range bytes.FieldsFunc(b, func(r rune) bool { return r == ' ' || r == ',' || r == '|' }) {
		if open := bytes.IndexByte(word, '('); open > 0 {
			if end := bytes.IndexByte(word, ')'); end > open && digits(word[open+1:end]) > 0 {
				e.from(word[:end+1])
			}
			continue
		}
		word = bytes.TrimRight(word, ":")
		switch {
		case len(word) > 6 && addressLike(word) && bytes.Count(word, []byte(".")) == 3 || bytes.Count(word, []byte(":")) >= 2 && addressLike(word):
			e.from(word)
		case len(word) == 5 && isSQLState(word):
			e.name(dbCode, word)
		case len(word) > 9 && word[8] == '.' && isHex(word[:8]) && isHex(word[9:]):
			e.name(dbSession, word)
		}
	}
}

// postgresPairs reads prefixes such as "user=u,db=d,app=a,client=c", the habit of report writers.
func (e *dbEvent) postgresPairs(b []byte) {
	for _, pair := range bytes.FieldsFunc(b, func(r rune) bool { return r == ',' || r == ' ' || r == ';' || r == '|' }) {
		key, value, ok := bytes.Cut(pair, []byte("="))
		if !ok {
			continue
		}
		value = bytes.TrimRight(value, ":")
		switch string(bytes.Trim(key, "[(")) {
		case "user", "u":
			e.name(dbUser, value)
		case "db", "database", "d":
			e.name(dbDatabase, value)
		case "app", "application", "a":
			e.name(dbApplication, value)
		case "client", "host", "remote", "ip", "h", "r", "src":
			e.from(value)
		case "pid", "p":
			e.name(dbPid, value)
		case "session", "sess", "sid", "c":
			e.name(dbSession, value)
		case "code", "state", "sqlstate", "e", "err":
			e.name(dbCode, value)
		}
	}
}

func prefixBreak(c byte) bool { return c == ' ' || c == ':' || c == ',' || c == '|' }

// isSQLState tells the five characters of SQLSTATE from a word: class and subclass hold a digit at least.
func isSQLState(b []byte) bool {
	number := 0
	for _, c := range b {
		if !isDigit(c) && (c < 'A' || c > 'Z') {
			return false
		}
		number += btoi(isDigit(c))
	}
	return number >= 2
}

func isHex(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return len(b) > 0
}

// postgresMessage puts what a message tells of sessions and statements.
func (e *dbEvent) postgresMessage(m []byte) {
	if rest, ok := bytes.CutPrefix(m, []byte("duration: ")); ok {
		ms, after, _ := bytes.Cut(rest, []byte(" ms"))
		e.set(dbDuration, ms)
		if m = bytes.TrimLeft(after, " "); len(m) == 0 {
			return
		}
	}
	for _, form := range postgresForms {
		rest, ok := bytes.CutPrefix(m, []byte(form.begins))
		if !ok {
			continue
		}
		e.set(dbAction, []byte(form.action))
		if form.action == "query" {
			_, statement, _ := bytes.Cut(m, []byte(": "))
			e.part(dbStatement, statement)
			return
		}
		e.postgresSession(rest)
		return
	}
	e.postgresFailure(m)
}

// postgresForms are the beginnings of messages that tell an action.
var postgresForms = []struct{ begins, action string }{
	{"statement: ", "query"},
	{"execute ", "query"},
	{"parse ", "query"},
	{"bind ", "query"},
	{"fastpath function call: ", "query"},
	{"AUDIT: ", "audit"},
	{"connection received: ", "connect"},
	{"connection authenticated: ", "authenticated"},
	{"connection authorized: ", "login"},
	{"replication connection authorized: ", "login"},
	{"disconnection: ", "disconnect"},
	{"parameter ", "configuration changed"},
	{"received SIGHUP, reloading configuration files", "configuration reloaded"},
	{"received fast shutdown request", "shutdown"},
	{"received smart shutdown request", "shutdown"},
	{"received immediate shutdown request", "shutdown"},
	{"database system is shut down", "shutdown"},
	{"database system is ready to accept", "started"},
	{"database system was not properly shut down", "crash recovery"},
	{"database system was interrupted", "crash recovery"},
}

// postgresSession reads the pairs of messages on sessions: "user=u database=d host=h port=5".
func (e *dbEvent) postgresSession(rest []byte) {
	if string(e.text[dbAction]) == "audit" {
		e.pgaudit(rest)
		return
	}
	for _, pair := range bytes.Fields(rest) {
		key, value, ok := bytes.Cut(pair, []byte("="))
		if !ok {
			continue
		}
		value = bytes.Trim(value, `"`)
		switch string(key) {
		case "host":
			e.from(value)
		case "port":
			e.name(dbSrcPort, value)
		case "user", "identity":
			e.name(dbUser, value)
		case "database":
			e.name(dbDatabase, value)
		case "application_name":
			e.name(dbApplication, value)
		case "method":
			e.name(dbMethod, value)
		}
	}
}

// pgaudit reads "SESSION,1,1,DDL,CREATE TABLE,TABLE,public.t,create table …,<none>".
func (e *dbEvent) pgaudit(rest []byte) {
	words, _, _ := splitCSV(rest, nil, nil, 9)
	if len(words) < 8 {
		return
	}
	e.set(dbSubsystem, words[3])
	e.set(dbCommand, words[4])
	e.set(dbObject, words[6])
	e.part(dbStatement, words[7])
}

// postgresFailure reads the refusals of a login.
func (e *dbEvent) postgresFailure(m []byte) {
	switch {
	case bytes.Contains(m, []byte("authentication failed for user ")):
		method, _, _ := bytes.Cut(m, []byte(" "))
		e.set(dbMethod, bytes.ToLower(method))
	case bytes.HasPrefix(m, []byte("no pg_hba.conf entry for ")), bytes.HasPrefix(m, []byte("pg_hba.conf rejects ")):
		e.set(dbMethod, []byte("pg_hba.conf"))
	case bytes.HasPrefix(m, []byte(`role "`)) && bytes.HasSuffix(m, []byte(`does not exist`)) && string(e.text[dbSeverity]) == "FATAL":
		if role, ok := between(m, `role "`, `"`); ok {
			e.name(dbUser, role)
		}
	case bytes.HasPrefix(m, []byte("too many connections")), bytes.HasPrefix(m, []byte("sorry, too many clients")):
	default:
		return
	}
	e.set(dbAction, []byte("login failed"))
	if user, ok := between(m, `user "`, `"`); ok {
		e.name(dbUser, user)
	}
	if database, ok := between(m, `database "`, `"`); ok {
		e.name(dbDatabase, database)
	}
	if host, ok := between(m, `host "`, `"`); ok {
		e.from(host)
	}
}
