package evidence

import (
	"bytes"
	"context"

	"wardround/internal/event"
)

// postgresCSVReader reads PostgreSQL's csvlog; postgresJSONReader its jsonlog.
var (
	postgresCSVReader  = reader{kind: "postgresql-csv", is: isPostgresCSV, read: readPostgresCSV}
	postgresJSONReader = reader{kind: "postgresql-json", is: isPostgresJSON, read: readPostgresJSON}
)

// postgresColumns are the columns of csvlog; version 9.0 added the 23rd, 13 the 24th, 14 two more. -1 is not kept.
var postgresColumns = []int{
	-1, dbUser, dbDatabase, dbPid, -1, dbSession, -1, dbCommand, -1, -1, -1, dbSeverity, dbCode, dbMessage, dbDetail, dbHint, dbQuery, -1,
	dbContext, dbStatement, -1, -1, dbApplication, dbSubsystem, -1, -1,
}

const (
	postgresFrom       = 4
	postgresSeverityAt = 11
	postgresMessageAt  = 13
	minPostgresColumns = 22
)

func isPostgresCSV(head []byte, _ string) bool {
	l := newLines(context.Background(), bytes.NewReader(head))
	if !l.next() {
		return false
	}
	words, _, closed := splitCSV(l.text, nil, nil, 30)
	_, _, ok := readStamp(words[0])
	return ok && (len(words) >= minPostgresColumns || !closed && len(words) > postgresSeverityAt+1) && isSeverity(string(words[postgresSeverityAt]))
}

func readPostgresCSV(ctx context.Context, in *input, out *output) error {
	e := newDBEvent(out, "postgresql", "postgresql")
	zone := newLocalZone(in, out)
	var words [][]byte
	var scratch, record []byte // record: lines of a statement so far
	var number uint64
	var offset int64
	open := false // a quoted value goes on in the next line
	l := newLines(ctx, in.Stream)
	drop := func(end int64) {
		if len(record) > 0 {
			out.damage(offset, end-offset, "not a row of PostgreSQL's log")
			record, open = record[:0], false
		}
	}
	for l.next() {
		if len(record) > 0 && plausibleRow(l.text) {
			drop(l.offset) // the row before was cut off
		}
		if len(record) == 0 {
			number, offset = l.number, l.offset
		} else {
			record = append(record, '\n')
		}
		if record = append(record, l.text...); len(bytes.TrimSpace(record)) == 0 {
			record = record[:0]
			continue
		}
		if open = open != (bytes.Count(l.text, []byte(`"`))%2 == 1); open && len(record) < 2*maxDatabaseText {
			continue
		}
		words, scratch, _ = splitCSV(record, words[:0], scratch[:0], 40)
		t, rest, ok := readStamp(words[0])
		if !ok || open || len(words) < minPostgresColumns {
			drop(l.pos)
			continue
		}
		e.begin(zone.named(t, bytes.TrimSpace(rest)), l)
		e.rec.Number, e.rec.Offset = number, offset
		e.postgresRow(words)
		e.end()
		record = record[:0]
	}
	drop(l.pos)
	return l.fail()
}

// plausibleRow reports whether a line begins a row: its first columns are a time, names and a process.
func plausibleRow(line []byte) bool {
	if _, _, ok := readStamp(line); !ok {
		return false
	}
	words, _, _ := splitCSV(line, nil, nil, 7)
	return len(words) >= 7 && digits(words[3]) > 0 && bytes.IndexByte(words[5], '.') > 0
}

func (e *dbEvent) postgresRow(words [][]byte) {
	for i, w := range words[:min(len(words), len(postgresColumns))] {
		if slot := postgresColumns[i]; slot >= 0 {
			e.set(slot, w)
		}
	}
	host, port := splitPort(words[postgresFrom])
	e.from(host)
	e.name(dbSrcPort, port)
	statement := words[19]
	e.postgresMessage(words[postgresMessageAt])
	if len(statement) > 0 {
		e.set(dbStatement, statement)
	}
}

// postgresKeys are the keys of jsonlog.
var postgresKeys = map[string]int{
	"user": dbUser, "dbname": dbDatabase, "pid": dbPid, "remote_host": dbSrcHost, "remote_port": dbSrcPort, "session_id": dbSession, "ps": dbCommand,
	"error_severity": dbSeverity, "state_code": dbCode, "message": dbMessage, "detail": dbDetail, "hint": dbHint, "internal_query": dbQuery,
	"context": dbContext, "statement": dbStatement, "application_name": dbApplication, "backend_type": dbSubsystem,
}

func isPostgresJSON(head []byte, _ string) bool {
	if !startsLikeJSON(head) {
		return false
	}
	j := newJSONObjects(context.Background(), bytes.NewReader(head), func(int64, int64, string) {})
	return j.next() && isPostgresObject(j)
}

func isPostgresObject(j *jsonObjects) bool {
	found := 0
	for _, t := range j.tokens {
		switch string(j.text[t.key:t.keyEnd]) {
		case "timestamp", "pid", "error_severity", "message":
			found++
		}
	}
	return found >= 4
}

func readPostgresJSON(ctx context.Context, in *input, out *output) error {
	e := newDBEvent(out, "postgresql", "postgresql")
	zone := newLocalZone(in, out)
	j := newJSONObjects(ctx, in.Stream, out.damage)
	for j.next() {
		if !isPostgresObject(j) {
			out.damage(j.offset, j.l.pos-j.offset, "not a message of PostgreSQL")
			continue
		}
		e.begin(event.NoTime, j.l)
		e.rec.Number, e.rec.Offset = j.number, j.offset
		var scratch []byte
		for i, t := range j.tokens {
			key := string(j.text[t.key:t.keyEnd])
			scratch = j.plain(scratch[:0], i)
			switch slot, ok := postgresKeys[key]; {
			case t.kind == jsonNull || t.kind == jsonObject || t.kind == jsonArray || t.kind == jsonClose:
			case key == "timestamp":
				if stamp, rest, ok := readStamp(scratch); ok {
					e.rec.Time = zone.named(stamp, bytes.TrimSpace(rest))
				}
			case key == "remote_host":
				e.from(scratch)
			case ok:
				e.set(slot, scratch)
			}
		}
		statement := bytes.Clone(e.text[dbStatement])
		e.postgresMessage(bytes.Clone(e.text[dbMessage]))
		if len(statement) > 0 {
			e.set(dbStatement, statement)
		}
		e.end()
	}
	return j.fail()
}
