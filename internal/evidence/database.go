package evidence

import (
	"bytes"

	"wardround/internal/event"
)

// The slots of a database's event. The names are the same for PostgreSQL, MySQL, MariaDB, SQL Server and Oracle.
const (
	dbAction   = iota // connect, authenticated, login failed, disconnect, query …: what happened, as far as the line tells
	dbSeverity        // as the engine has it
	dbCode            // SQLSTATE, or the engine's error number
	dbUser
	dbDatabase
	dbSrcIP
	dbSrcPort
	dbSrcHost // where the log has a name instead of an address
	dbPid
	dbSession
	dbApplication
	dbMethod // of authentication
	dbCommand
	dbStatement // the SQL text that ran or failed
	dbQuery     // the query inside a function that failed
	dbMessage
	dbDetail
	dbHint
	dbContext
	dbDuration // milliseconds
	dbRows
	dbObject
	dbSubsystem
	dbSlots
)

var dbNames = []string{
	"action", "severity", "code", "user", "database", "src_ip", "src_port", "src_host", "pid", "session", "application", "method", "command",
	"statement", "query", "message", "detail", "hint", "context", "duration", "rows", "object", "subsystem",
}

// maxDatabaseText bounds one value: what a statement of many lines may grow to. The rest is passed over as damage.
const maxDatabaseText = 1 << 20

// dbEvent gathers an event that may stand in several lines, and hands it over when it is whole.
type dbEvent struct {
	out    *output
	schema *event.Schema
	text   [dbSlots][]byte
	slots  [dbSlots]event.Value
	rec    event.Record
	open   bool
	last   int // slot that a further line continues
	lost   int64
	lostAt int64
}

func newDBEvent(out *output, channel, provider string) *dbEvent {
	e := &dbEvent{out: out, schema: event.TextSchema(event.Source{Product: "database", Channel: channel, Provider: provider}, dbNames...)}
	out.want(e.schema)
	return e
}

// begin hands over the event before and starts a new one.
func (e *dbEvent) begin(t event.Time, l *lines) {
	e.end()
	for i := range e.text {
		e.text[i] = e.text[i][:0]
	}
	e.open, e.last = true, dbMessage
	e.rec = event.Record{Schema: e.schema, Time: t, Number: l.number, Offset: l.offset}
}

// end hands over the event, if there is one.
func (e *dbEvent) end() {
	if !e.open {
		return
	}
	e.open = false
	for i, b := range e.text {
		e.slots[i] = event.Value{}
		if len(b) > 0 {
			e.slots[i] = event.Value{Type: event.UTF8, Raw: b}
		}
	}
	if e.lost > 0 {
		e.out.damage(e.lostAt, e.lost, "value is too long")
		e.lost = 0
	}
	e.rec.Slots = e.slots[:]
	e.out.take(&e.rec)
}

// set gives a value to a slot.
func (e *dbEvent) set(slot int, b []byte) {
	e.text[slot] = append(e.text[slot][:0], b[:min(len(b), maxDatabaseText)]...)
}

// name is set for values that logs put between marks when they have none: "[unknown]", "[local]", "-".
func (e *dbEvent) name(slot int, b []byte) {
	switch string(b) {
	case "", "-", "[unknown]", "[local]", "unknown", "NULL":
		return
	}
	e.set(slot, b)
}

// more adds a line to the value that was last set through part.
func (e *dbEvent) more(l *lines, line []byte) {
	v := e.text[e.last]
	if len(v)+len(line)+1 > maxDatabaseText {
		if e.lost == 0 {
			e.lostAt = l.offset
		}
		e.lost = l.pos - e.lostAt
		return
	}
	if len(v) > 0 {
		v = append(v, '\n')
	}
	e.text[e.last] = append(v, line...)
}

// part sets a value that may go on in further lines.
func (e *dbEvent) part(slot int, b []byte) {
	e.set(slot, b)
	e.last = slot
}

// from puts where a client is: an address or a name, with a port in parentheses or behind a colon, if any.
func (e *dbEvent) from(b []byte) {
	host := b
	if i := bytes.IndexByte(b, '('); i > 0 && bytes.HasSuffix(b, []byte(")")) {
		host = b[:i]
		e.name(dbSrcPort, b[i+1:len(b)-1])
	} else if bytes.Count(b, []byte(":")) == 1 {
		var port []byte
		host, port = splitPort(b)
		e.name(dbSrcPort, port)
	}
	if host = bytes.Trim(host, "[]"); string(host) == "local" {
		return
	}
	if addressLike(host) {
		e.name(dbSrcIP, host)
	} else {
		e.name(dbSrcHost, host)
	}
}

// between returns what stands in b between two marks; the end of b counts as the second. ok is no without the first.
func between(b []byte, before, after string) (inside []byte, ok bool) {
	i := bytes.Index(b, []byte(before))
	if i < 0 {
		return nil, false
	}
	b = b[i+len(before):]
	if i = bytes.Index(b, []byte(after)); i >= 0 {
		b = b[:i]
	}
	return b, true
}
