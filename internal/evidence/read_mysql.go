package evidence

import (
	"bytes"
	"context"
	"strconv"
	"strings"

	"wardround/internal/event"
)

// The logs of MySQL and MariaDB: the error log, the general query log, the slow query log, and MariaDB's audit log.
var (
	mysqlErrorReader   = reader{kind: "mysql-error", is: isMySQLError, read: readMySQLError}
	mysqlGeneralReader = reader{kind: "mysql-general", is: isMySQLGeneral, read: readMySQLGeneral}
	mysqlSlowReader    = reader{kind: "mysql-slow", is: isMySQLSlow, read: readMySQLSlow}
	mysqlAuditReader   = reader{kind: "mariadb-audit", is: isMySQLAudit, read: readMySQLAudit}
)

// mysqlStamp reads the times that these logs begin with: "2022-11-23T01:37:49.123456Z", "2022-11-23  7:07:49",
// "221123  7:07:49", "20221123 07:07:49". zoned tells whether UTC or an offset is stated, and then t is in UTC.
func mysqlStamp(b []byte) (t event.Time, rest []byte, zoned, ok bool) {
	if t, rest, ok = readStamp(b); ok && b[4] == '-' {
		if s, after, stated := readOffset(rest); stated && b[10] == 'T' {
			return t.Add(-seconds(s)), after, true, true
		}
		return t, rest, false, true
	}
	n := 0
	for n < len(b) && n < 11 && (isDigit(b[n]) || b[n] == '-') {
		n++
	}
	var year, month, day int
	switch {
	case n == 6:
		year, month, day = 2000+digits(b[0:2]), digits(b[2:4]), digits(b[4:6])
	case n == 8:
		year, month, day = digits(b[0:4]), digits(b[4:6]), digits(b[6:8])
	case n == 10:
		year, month, day = digits(b[0:4]), digits(b[5:7]), digits(b[8:10])
	}
	if len(b) < n+9 || n < 6 || b[n] != ' ' || year < 1970 || !validDate(year, month, day) {
		return event.NoTime, b, false, false
	}
	clock := append([]byte(nil), b[n+1:n+9]...)
	if clock[0] == ' ' {
		clock[0] = '0'
	}
	ns, _, ok := readDayTime(clock)
	return onDay(daysTo(year, month, day), ns), b[n+9:], false, ok
}

// mysqlErrorLine is a line of the error log taken apart.
type mysqlErrorLine struct {
	time      event.Time
	zoned     bool
	thread    []byte
	severity  []byte
	code      []byte
	subsystem []byte
	text      []byte
}

func (m *mysqlErrorLine) parse(line []byte) bool {
	t, rest, zoned, ok := mysqlStamp(line)
	if !ok {
		return false
	}
	*m = mysqlErrorLine{time: t, zoned: zoned}
	rest = bytes.TrimLeft(rest, " ")
	n := 0
	for n < len(rest) && (isDigit(rest[n]) || n == 1 && rest[n] == 'x' || n > 1 && rest[1] == 'x' && isHex(rest[n:n+1])) {
		n++
	}
	if n > 0 && n < len(rest) && rest[n] == ' ' {
		m.thread, rest = rest[:n], rest[n+1:]
	}
	if after, ok := bytes.CutPrefix(rest, []byte("mysqld_safe ")); ok {
		m.severity, m.subsystem, m.text = []byte("Note"), []byte("mysqld_safe"), after
		return true
	}
	severity, rest := cutBracket(rest)
	if severity == nil && digits(line[:min(len(line), 6)]) >= 0 && line[6] == ' ' && len(rest) > 0 && !isDigit(rest[0]) && rest[0] != '\t' {
		m.text = rest // plugins, and InnoDB in old versions
		return true
	}
	switch string(severity) {
	case "ERROR", "Error", "Warning", "Note", "System":
	default:
		return false
	}
	m.severity = severity
	rest = bytes.TrimLeft(rest, " ")
	if code, after := cutBracket(rest); bytes.HasPrefix(code, []byte("MY-")) {
		m.code, rest = code, bytes.TrimLeft(after, " ")
		if subsystem, after := cutBracket(rest); subsystem != nil {
			m.subsystem, rest = subsystem, bytes.TrimLeft(after, " ")
		}
	}
	m.text = rest
	return true
}

// isMySQLError asks for a line that no other program's log has beside lines that many have.
func isMySQLError(head []byte, _ string) bool {
	var m mysqlErrorLine
	own := false
	return mostLines(head, func(line []byte) bool {
		ok := m.parse(line)
		own = own || ok && (m.code != nil || m.subsystem != nil || string(m.severity) == "Note" || string(m.severity) == "Warning" && m.thread != nil)
		return ok
	}) && own
}

// mysqlProvider tells MariaDB from MySQL by the log's name and beginning.
func mysqlProvider(in *input) string {
	if strings.Contains(strings.ToLower(in.Path), "maria") {
		return "mariadb"
	}
	if again, err := in.Again(); err == nil {
		defer again.Close()
		head := make([]byte, headBytes)
		n, _ := again.Read(head)
		if bytes.Contains(head[:n], []byte("MariaDB")) {
			return "mariadb"
		}
	}
	return "mysql"
}

func readMySQLError(ctx context.Context, in *input, out *output) error {
	e := newDBEvent(out, "mysql", mysqlProvider(in))
	zone := newLocalZone(in, out)
	var m mysqlErrorLine
	at := event.NoTime
	l := newLines(ctx, in.Stream)
	for l.next() {
		switch {
		case m.parse(l.text):
			if at = m.time; !m.zoned {
				at = zone.unstated(m.time)
			}
			e.begin(at, l)
			e.set(dbSeverity, m.severity)
			e.name(dbSession, m.thread)
			e.set(dbCode, m.code)
			e.set(dbSubsystem, m.subsystem)
			e.part(dbMessage, m.text)
			e.mysqlMessage(m.text)
		case len(bytes.TrimSpace(l.text)) == 0:
		case e.open:
			e.more(l, l.text)
		default:
			out.damage(l.offset, l.size(), "not a message of MySQL")
		}
	}
	e.end()
	return l.fail()
}

// mysqlMessage reads what messages tell of sessions.
func (e *dbEvent) mysqlMessage(m []byte) {
	switch {
	case bytes.HasPrefix(m, []byte("Access denied for user ")), bytes.HasPrefix(m, []byte("Host ")) && bytes.Contains(m, []byte("is not allowed to connect")),
		bytes.HasPrefix(m, []byte("Unknown database ")):
		e.set(dbAction, []byte("login failed"))
		e.mysqlAccount(m)
		if host, ok := between(m, "Host '", "'"); ok {
			e.from(host)
		}
		if database, ok := between(m, "to database '", "'"); ok {
			e.name(dbDatabase, database)
		}
	case bytes.HasPrefix(m, []byte("Aborted connection ")):
		e.set(dbAction, []byte("disconnect"))
		for mark, slot := range map[string]int{"to db: '": dbDatabase, "user: '": dbUser, "connection ": dbSession} {
			if v, ok := between(m, mark, "'"); ok {
				v, _, _ = bytes.Cut(v, []byte(" "))
				e.name(slot, v)
			}
		}
		if host, ok := between(m, "host: '", "'"); ok {
			e.from(host)
		}
	case bytes.Contains(m, []byte("ready for connections")):
		e.set(dbAction, []byte("started"))
	case bytes.Contains(m, []byte("Shutdown complete")), bytes.Contains(m, []byte("Normal shutdown")):
		e.set(dbAction, []byte("shutdown"))
	}
}

// mysqlAccount reads 'user'@'host'.
func (e *dbEvent) mysqlAccount(m []byte) {
	i := bytes.Index(m, []byte("'@'"))
	if i < 0 {
		return
	}
	e.name(dbUser, m[bytes.LastIndexByte(m[:i], '\'')+1:i])
	if host, _, ok := bytes.Cut(m[i+3:], []byte("'")); ok {
		e.from(host)
	}
}

// mysqlGeneralLine is a line of the general query log: a time (or nothing, when it is that of the line before), the
// connection, a command and its argument.
type mysqlGeneralLine struct {
	time     event.Time
	zoned    bool
	thread   []byte
	command  []byte
	argument []byte
}

// mysqlCommands are the commands of the protocol as the log names them.
var mysqlCommands = setOf("Sleep", "Quit", "Init DB", "Query", "Field List", "Create DB", "Drop DB", "Refresh", "Shutdown", "Statistics", "Processlist",
	"Connect", "Kill", "Debug", "Ping", "Time", "Delayed insert", "Change user", "Binlog Dump", "Table Dump", "Connect Out", "Register Slave",
	"Register Replica", "Prepare", "Execute", "Long Data", "Close stmt", "Reset stmt", "Set option", "Fetch", "Daemon", "Binlog Dump GTID",
	"Reset Connection", "Bulk_execute", "Set db", "Slave_IO", "Slave_SQL")

func (m *mysqlGeneralLine) parse(line []byte) bool {
	t, rest, zoned, ok := mysqlStamp(line)
	if !ok {
		if rest, ok = bytes.CutPrefix(line, []byte("\t\t")); !ok {
			return false
		}
	} else if rest, ok = bytes.CutPrefix(rest, []byte("\t")); !ok {
		return false
	}
	head, argument, tab := bytes.Cut(bytes.TrimLeft(rest, " "), []byte("\t"))
	thread, command, ok := bytes.Cut(head, []byte(" "))
	if !ok || digits(thread) < 0 || !mysqlCommands[string(command)] || !tab && string(command) != "Quit" {
		return false
	}
	*m = mysqlGeneralLine{t, zoned, thread, command, argument}
	return true
}

func isMySQLGeneral(head []byte, _ string) bool {
	var m mysqlGeneralLine
	found, all := 0, 0
	mostLines(head, func(line []byte) bool {
		all++
		if m.parse(line) {
			found++
		}
		return true
	})
	return found > 1 || found == 1 && all <= 4
}

// maxMySQLSessions bounds the connections whose user is remembered.
const maxMySQLSessions = 10_000

type mysqlSession struct{ user, host, database string }

func readMySQLGeneral(ctx context.Context, in *input, out *output) error {
	e := newDBEvent(out, "mysql-general", mysqlProvider(in))
	zone := newLocalZone(in, out)
	sessions := map[string]mysqlSession{}
	var m mysqlGeneralLine
	at := event.NoTime
	l := newLines(ctx, in.Stream)
	for l.next() {
		switch {
		case m.parse(l.text):
			if m.time != event.NoTime {
				if at = m.time; !m.zoned {
					at = zone.unstated(m.time)
				}
			}
			e.begin(at, l)
			e.mysqlCommand(&m, sessions)
		case isMySQLHeader(l.text):
			e.end()
		case e.open:
			e.more(l, l.text)
		default:
			out.damage(l.offset, l.size(), "not a line of the general log")
		}
	}
	e.end()
	return l.fail()
}

// isMySQLHeader tells the three lines that a server writes when it opens a general or slow log.
func isMySQLHeader(b []byte) bool {
	return bytes.HasSuffix(b, []byte("started with:")) || bytes.HasPrefix(b, []byte("Tcp port: ")) || bytes.HasPrefix(b, []byte("TCP Port: ")) ||
		bytes.HasPrefix(b, []byte("Time")) && bytes.Contains(b, []byte("Id Command"))
}

// mysqlCommand puts a line of the general log, and what is known of its connection.
func (e *dbEvent) mysqlCommand(m *mysqlGeneralLine, sessions map[string]mysqlSession) {
	e.set(dbSession, m.thread)
	e.set(dbCommand, m.command)
	id := string(m.thread)
	s := sessions[id]
	switch string(m.command) {
	case "Connect":
		if bytes.HasPrefix(m.argument, []byte("Access denied")) {
			e.part(dbMessage, m.argument)
			e.mysqlMessage(m.argument)
			return
		}
		e.set(dbAction, []byte("connect")) // not yet a login: a refusal may be the next line
		s = mysqlConnect(m.argument)
		e.part(dbMessage, m.argument)
	case "Init DB":
		s.database = string(m.argument)
	case "Quit":
		e.set(dbAction, []byte("disconnect"))
		delete(sessions, id)
	case "Query", "Prepare", "Execute":
		e.set(dbAction, []byte("query"))
		e.part(dbStatement, m.argument)
	default:
		e.part(dbMessage, m.argument)
	}
	if _, ok := sessions[id]; string(m.command) != "Quit" && (ok || len(sessions) < maxMySQLSessions) && len(s.user)+len(s.host)+len(s.database) < 1000 {
		sessions[id] = s
	}
	e.name(dbUser, []byte(s.user))
	e.name(dbDatabase, []byte(s.database))
	e.from([]byte(s.host))
}

// mysqlConnect reads "user@host on database using TCP/IP", "user@host as anonymous on database".
func mysqlConnect(b []byte) mysqlSession {
	account, rest, _ := bytes.Cut(b, []byte(" "))
	i := bytes.LastIndexByte(account, '@')
	if i < 0 {
		return mysqlSession{}
	}
	s := mysqlSession{user: string(account[:i]), host: string(account[i+1:])}
	if database, ok := between(append([]byte(" "), rest...), " on ", " "); ok && string(database) != "using" {
		s.database = string(database)
	}
	return s
}

// isMySQLSlow looks for the line that every entry has.
func isMySQLSlow(head []byte, _ string) bool {
	l := newLines(context.Background(), bytes.NewReader(head))
	for n := 0; n < 20 && l.next(); n++ {
		if bytes.HasPrefix(l.text, []byte("# User@Host: ")) {
			return true
		}
		if len(l.text) > 0 && !isMySQLHeader(l.text) && !bytes.HasPrefix(l.text, []byte("# Time: ")) {
			return false
		}
	}
	return false
}

func readMySQLSlow(ctx context.Context, in *input, out *output) error {
	e := newDBEvent(out, "mysql-slow", mysqlProvider(in))
	zone := newLocalZone(in, out)
	stated, started := event.NoTime, false // "# Time" of the entry that begins; it stands before the other lines
	zoned := false
	l := newLines(ctx, in.Stream)
	for l.next() {
		line := l.text
		switch {
		case bytes.HasPrefix(line, []byte("# Time: ")):
			e.end()
			t, _, z, ok := mysqlStamp(line[len("# Time: "):])
			if stated, zoned = event.NoTime, z; ok {
				if stated = t; !z {
					stated = zone.unstated(t)
				}
			}
		case bytes.HasPrefix(line, []byte("# User@Host: ")):
			e.begin(stated, l)
			started = true
			e.set(dbAction, []byte("query"))
			e.slowUser(line[len("# User@Host: "):])
		case len(line) > 0 && line[0] == '#' && e.open && started:
			e.slowPairs(line[1:])
		case isMySQLHeader(line):
			e.end()
		case !e.open:
			if len(bytes.TrimSpace(line)) > 0 {
				out.damage(l.offset, l.size(), "not a line of the slow log")
			}
		case bytes.HasPrefix(line, []byte("SET timestamp=")) && started:
			if t, ok := readSeconds(bytes.TrimRight(line[len("SET timestamp="):], ";")); ok && !zoned {
				e.rec.Time = t
			}
		case bytes.HasPrefix(line, []byte("use ")) && started:
			e.name(dbDatabase, bytes.Trim(line[len("use "):], "`;"))
		case started:
			started = false
			e.part(dbStatement, line)
		default:
			e.more(l, line)
		}
	}
	e.end()
	return l.fail()
}

// slowUser reads "root[root] @ localhost [127.0.0.1]  Id:    35".
func (e *dbEvent) slowUser(b []byte) {
	user, host, _ := bytes.Cut(b, []byte(" @ "))
	user, _, _ = bytes.Cut(user, []byte("["))
	e.name(dbUser, user)
	if id, ok := between(host, "Id:", "\n"); ok {
		e.name(dbSession, bytes.TrimSpace(id))
	}
	name, address, _ := bytes.Cut(host, []byte("["))
	e.name(dbSrcHost, bytes.TrimSpace(name))
	address, _, _ = bytes.Cut(address, []byte("]"))
	e.name(dbSrcIP, address)
}

// slowPairs reads "Query_time: 1.2  Lock_time: 0.1 Rows_sent: 1" and its like.
func (e *dbEvent) slowPairs(b []byte) {
	words := bytes.Fields(b)
	for i := 0; i+1 < len(words); i++ {
		value := words[i+1]
		switch string(words[i]) {
		case "Query_time:":
			if s, err := strconv.ParseFloat(string(value), 64); err == nil {
				ms := strconv.AppendFloat(nil, s*1000, 'f', 3, 64)
				e.set(dbDuration, bytes.TrimRight(bytes.TrimRight(ms, "0"), "."))
			}
		case "Rows_sent:":
			e.set(dbRows, value)
		case "Thread_id:":
			e.name(dbSession, value)
		case "Schema:":
			if !bytes.HasSuffix(value, []byte(":")) {
				e.name(dbDatabase, value)
			}
		}
	}
}

// mysqlAuditLine cuts "20221123 07:07:49,host,user,client,35,123,QUERY,db,'select 1',0" into its ten words. The object may
// hold commas: it stands between single quotes, with backslashes.
func mysqlAuditLine(line []byte, words [][]byte) [][]byte {
	words = words[:0]
	for len(words) < 8 {
		word, rest, ok := bytes.Cut(line, []byte(","))
		if !ok {
			return nil
		}
		words = append(words, word)
		line = rest
	}
	i := bytes.LastIndexByte(line, ',')
	if i < 0 || digits(words[4]) < 0 || digits(line[i+1:]) < 0 {
		return nil
	}
	return append(words, line[:i], line[i+1:])
}

// unquoteMySQL takes the quotes off a value of the audit log, and undoes its escapes.
func unquoteMySQL(b []byte) []byte {
	if len(b) < 2 || b[0] != '\'' || b[len(b)-1] != '\'' {
		return b
	}
	out := make([]byte, 0, len(b))
	for b = b[1 : len(b)-1]; len(b) > 0; b = b[1:] {
		if b[0] == '\\' && len(b) > 1 {
			b = b[1:]
			if c := jsonEscapes[b[0]]; c != 0 {
				out = append(out, c)
				continue
			}
		}
		out = append(out, b[0])
	}
	return out
}

func isMySQLAudit(head []byte, _ string) bool {
	return mostLines(head, func(line []byte) bool {
		_, rest, _, ok := mysqlStamp(line)
		return ok && bytes.HasPrefix(rest, []byte(",")) && mysqlAuditLine(line, nil) != nil
	})
}

func readMySQLAudit(ctx context.Context, in *input, out *output) error {
	e := newDBEvent(out, "mysql-audit", "mariadb")
	zone := newLocalZone(in, out)
	var words [][]byte
	var hosts interned
	l := newLines(ctx, in.Stream)
	for l.next() {
		if len(bytes.TrimSpace(l.text)) == 0 {
			continue
		}
		t, _, _, ok := mysqlStamp(l.text)
		if words = mysqlAuditLine(l.text, words); !ok || words == nil {
			out.damage(l.offset, l.size(), "not a line of the audit log")
			continue
		}
		e.begin(zone.unstated(t), l)
		e.rec.Host = hosts.text(words[1])
		e.name(dbUser, words[2])
		e.from(words[3])
		e.set(dbSession, words[4])
		e.set(dbCommand, words[6])
		e.name(dbDatabase, words[7])
		if string(words[9]) != "0" {
			e.set(dbCode, words[9])
		}
		switch string(words[6]) {
		case "CONNECT":
			e.set(dbAction, []byte("login"))
			if string(words[9]) != "0" {
				e.set(dbAction, []byte("login failed"))
			}
		case "FAILED_CONNECT":
			e.set(dbAction, []byte("login failed"))
		case "DISCONNECT":
			e.set(dbAction, []byte("disconnect"))
		case "QUERY", "QUERY_DDL", "QUERY_DML", "QUERY_DCL":
			e.set(dbAction, []byte("query"))
			e.set(dbStatement, unquoteMySQL(words[8]))
			continue
		}
		e.set(dbObject, unquoteMySQL(words[8]))
	}
	e.end()
	return l.fail()
}
