package patient

import (
	"bufio"
	"bytes"
	"io"
	"strings"
)

func isSQL(start []byte) bool {
	for _, w := range []string{"-- MySQL dump", "-- MariaDB dump", "--\n-- PostgreSQL database dump", "-- PostgreSQL database dump", "-- phpMyAdmin SQL Dump", "/*!40", "-- Dump", "PRAGMA foreign_keys", "USE [", "SET IDENTITY_INSERT", "INSERT INTO ", "CREATE TABLE ", "REM INSERTING into", "/*M!999999"} {
		if len(start) >= len(w) && strings.EqualFold(string(start[:len(w)]), w) {
			return true
		}
	}
	return bytes.Contains(start, []byte("\nINSERT INTO ")) && bytes.Contains(start, []byte("VALUES"))
}

// readSQL reads dumps of databases in plain text: mysqldump, pg_dump, scripts of SQL Server and Oracle. It understands CREATE TABLE as far as
// names of columns go, INSERT and COPY; it runs nothing.
func readSQL(w *worker, c *content, t *tally) {
	q := newSQL(w, t)
	q.r = c.plain()
	q.read()
	q.finish()
}

// sqlReader reads statements. Tables that were seen are kept by name, up to a number.
type sqlReader struct {
	r       *bufio.Reader
	w       *worker
	t       *tally
	columns map[string][]string
	name    string
	b       *table
	token   []byte
	row     []string
	kept    int // bytes of names of columns
}

// maxTables bounds how many tables' columns are kept of one dump.
const maxTables = 5000

func newSQL(w *worker, t *tally) *sqlReader {
	return &sqlReader{w: w, t: t, columns: map[string][]string{}}
}

// Tokens: a word or number, a string, or one character.
type sqlToken uint8

const (
	sqlEnd sqlToken = iota
	sqlWord
	sqlString
	sqlSign
)

// maxToken is how much of a word or string is kept.
const maxToken = maxCell

func (q *sqlReader) next() sqlToken {
	q.token = q.token[:0]
	for {
		c, err := q.r.ReadByte()
		if err != nil {
			return sqlEnd
		}
		switch {
		case c <= ' ':
		case c == '-' && q.peek('-'), c == '#':
			q.skipLine()
		case c == '/' && q.peek('*'):
			q.skipComment()
		case c == '\'':
			return q.quoted(c, true)
		case c == '"', c == '`':
			q.quoted(c, false)
			return sqlWord
		case c == '[':
			q.quoted(']', false)
			return sqlWord
		case alphanumeric(c) || c == '_' || c == '-' || c == '+' || c == '.' || c == '$' || c == '@' || c == '\\' || c >= 0x80:
			q.word(c)
			return sqlWord
		default:
			q.token = append(q.token, c)
			return sqlSign
		}
	}
}

func (q *sqlReader) peek(want byte) bool {
	b, err := q.r.Peek(1)
	return err == nil && b[0] == want
}

func (q *sqlReader) skipLine() {
	for {
		if _, err := q.r.ReadSlice('\n'); err != bufio.ErrBufferFull {
			return
		}
	}
}

// skipComment passes over a comment, but not over what MySQL runs of it: the text of /*!40000 … */ is read.
func (q *sqlReader) skipComment() {
	q.r.ReadByte()
	if q.peek('!') {
		return
	}
	last := byte(0)
	for {
		c, err := q.r.ReadByte()
		if err != nil || last == '*' && c == '/' {
			return
		}
		last = c
	}
}

func (q *sqlReader) keep(c byte) {
	if len(q.token) < maxToken {
		q.token = append(q.token, c)
	}
}

func (q *sqlReader) quoted(end byte, escapes bool) sqlToken {
	for {
		c, err := q.r.ReadByte()
		if err != nil {
			return sqlString
		}
		switch {
		case c == end:
			if !q.peek(end) {
				return sqlString
			}
			q.r.ReadByte()
			q.keep(c)
		case c == '\\' && escapes:
			if c, err = q.r.ReadByte(); err != nil {
				return sqlString
			}
			switch c {
			case 'n', 'r', 't', '0':
				c = ' '
			}
			q.keep(c)
		default:
			q.keep(c)
		}
	}
}

func (q *sqlReader) word(c byte) {
	q.keep(c)
	for {
		b, err := q.r.Peek(1)
		if err != nil {
			return
		}
		if c = b[0]; !alphanumeric(c) && c != '_' && c != '.' && c != '$' && c != '-' && c != '+' && c != ':' && c < 0x80 {
			return
		}
		q.r.ReadByte()
		q.keep(c)
	}
}

func (q *sqlReader) is(word string) bool { return strings.EqualFold(string(q.token), word) }

// read reads statements up to the end.
func (q *sqlReader) read() {
	for k := q.next(); k != sqlEnd; {
		switch { // what ends a statement may begin the next: SQL Server's scripts have no semicolons
		case k == sqlWord && q.is("CREATE"):
			k = q.create()
		case k == sqlWord && (q.is("INSERT") || q.is("REPLACE")):
			k = q.insert()
		case k == sqlWord && q.is("COPY"):
			k = q.copy()
		default:
			k = q.next() // a word of another statement
		}
	}
}

// skipStatement passes over the rest of a statement.
func (q *sqlReader) skipStatement(k sqlToken) sqlToken {
	for k != sqlEnd && !(k == sqlSign && q.token[0] == ';') {
		k = q.next()
	}
	return k
}

// tableName reads a name with its schema and leaves the token behind it.
func (q *sqlReader) tableName() (string, sqlToken) {
	name := string(q.token)
	k := q.next()
	for k == sqlSign && q.token[0] == '.' || k == sqlWord && len(q.token) > 0 && q.token[0] == '.' {
		if len(q.token) > 1 {
			name = string(q.token[1:])
			k = q.next()
			continue
		}
		if k = q.next(); k == sqlWord {
			name = string(q.token)
			k = q.next()
		}
	}
	return strings.ToLower(name[strings.LastIndexByte(name, '.')+1:]), k
}

// create reads CREATE TABLE name (column type, …).
func (q *sqlReader) create() sqlToken {
	k := q.next()
	for k == sqlWord && !q.is("TABLE") {
		if q.is("FUNCTION") || q.is("PROCEDURE") || q.is("VIEW") || q.is("TRIGGER") || q.is("INDEX") {
			return k
		}
		k = q.next()
	}
	if k = q.next(); k != sqlWord {
		return k
	}
	for k == sqlWord && (q.is("IF") || q.is("NOT") || q.is("EXISTS")) {
		k = q.next()
	}
	name, k := q.tableName()
	if k != sqlSign || q.token[0] != '(' {
		return k
	}
	columns, k := q.names(true)
	for _, c := range columns {
		q.kept += len(c) + 16
	}
	if len(q.columns) < maxTables && q.kept < 16<<20 {
		q.columns[name] = columns
	}
	return q.skipStatement(k)
}

// names reads a list in parentheses of which one is open: the first word of each part.
func (q *sqlReader) names(types bool) ([]string, sqlToken) {
	var names []string
	depth, first := 1, true
	for {
		k := q.next()
		switch {
		case k == sqlEnd:
			return names, k
		case k == sqlSign && q.token[0] == '(':
			depth++
		case k == sqlSign && q.token[0] == ')':
			if depth--; depth == 0 {
				return names, q.next()
			}
		case k == sqlSign && q.token[0] == ',' && depth == 1:
			first = true
		case k == sqlSign && q.token[0] == ';':
			return names, k
		case k == sqlWord && first && depth == 1:
			first = false
			if types && (q.is("PRIMARY") || q.is("KEY") || q.is("UNIQUE") || q.is("CONSTRAINT") || q.is("FOREIGN") || q.is("INDEX") || q.is("CHECK") || q.is("FULLTEXT")) {
				continue
			}
			if len(names) < maxColumns {
				names = append(names, string(q.token))
			}
		}
	}
}

// insert reads INSERT INTO name [(columns)] VALUES (…), (…).
func (q *sqlReader) insert() sqlToken {
	k := q.next()
	for k == sqlWord && (q.is("INTO") || q.is("IGNORE") || q.is("LOW_PRIORITY") || q.is("DELAYED") || q.is("OR") || q.is("REPLACE")) {
		k = q.next()
	}
	if k != sqlWord {
		return k
	}
	name, k := q.tableName()
	columns := q.columns[name]
	if k == sqlSign && q.token[0] == '(' {
		columns, k = q.names(false)
	}
	for k == sqlWord && !q.is("VALUES") && !q.is("VALUE") {
		k = q.next()
	}
	if k != sqlWord {
		return k
	}
	q.table(name, columns)
	for {
		k = q.next()
		switch {
		case k == sqlSign && q.token[0] == '(':
			if k = q.values(); k == sqlEnd {
				return k
			}
			q.b.row(q.row)
		case k == sqlSign && q.token[0] == ',':
		default:
			return k
		}
	}
}

// values reads the values of one row, of which the parenthesis is open.
func (q *sqlReader) values() sqlToken {
	q.row = q.row[:0]
	depth, value, any := 1, "", false
	text := false // value is a string: what follows it in a call, such as a form of dates, is not
	put := func() {
		if any && len(q.row) < maxColumns {
			q.row = append(q.row, value)
		}
		value, any, text = "", false, false
	}
	for {
		k := q.next()
		switch {
		case k == sqlEnd:
			return k
		case k == sqlString:
			if depth == 1 || !text {
				value, any, text = string(q.token), true, true
			}
		case k == sqlWord:
			if any = true; q.is("NULL") || q.is("N") || q.is("E") || q.is("_binary") || q.is("CAST") {
				value = ""
			} else if value == "" {
				value = string(q.token)
			}
		case q.token[0] == '(':
			depth++
		case q.token[0] == ')':
			if depth--; depth == 0 {
				put()
				return k
			}
		case q.token[0] == ',' && depth == 1:
			any = true
			put()
		}
	}
}

// table begins the rows of a table, or goes on with the one before.
func (q *sqlReader) table(name string, columns []string) {
	if q.b != nil && q.name == name {
		return
	}
	q.finish()
	q.name = name
	q.b = newTable(q.t, &q.w.run.o, name, columns)
	if len(columns) == 0 {
		q.b.columns = blank(maxColumns)
		q.b.nameless = true
	}
}

// finish ends the rows of a table.
func (q *sqlReader) finish() {
	if q.b != nil {
		q.b.end()
		q.b = nil
	}
}

// copy reads COPY name (columns) FROM stdin; and the rows up to \.
func (q *sqlReader) copy() sqlToken {
	k := q.next()
	if k != sqlWord {
		return k
	}
	name, k := q.tableName()
	columns := q.columns[name]
	if k == sqlSign && q.token[0] == '(' {
		columns, k = q.names(false)
	}
	stdin := false
	for k == sqlWord {
		stdin = stdin || q.is("stdin")
		k = q.next()
	}
	if !stdin {
		return q.skipStatement(k)
	}
	q.skipLine()
	q.table(name, columns)
	q.copyRows()
	return k
}

// copyRows reads rows in the text format of COPY: tabs between values, \N for none.
func (q *sqlReader) copyRows() {
	ended := false
	for !ended {
		ended = true
		if b, err := q.r.Peek(2); err == nil && string(b) == `\.` {
			q.skipLine()
			return
		} else if err == io.EOF && len(b) == 0 {
			return
		}
		q.row, q.token = q.row[:0], q.token[:0]
		for {
			c, err := q.r.ReadByte()
			if err != nil {
				break
			}
			if c == '\n' {
				ended = false
				break
			}
			switch {
			case c == '\t':
				q.putCell()
			case c == '\\':
				next, _ := q.r.ReadByte()
				switch next {
				case 'N':
				case 'n', 't', 'r', 'b', 'f', 'v':
					q.keep(' ')
				default:
					q.keep(next)
				}
			default:
				q.keep(c)
			}
		}
		q.putCell()
		q.b.row(q.row)
	}
}

func (q *sqlReader) putCell() {
	if len(q.row) < maxColumns {
		q.row = append(q.row, string(q.token))
	}
	q.token = q.token[:0]
}

// columnsOf are the names of the columns that a CREATE TABLE statement gives.
func (q *sqlReader) columnsOf(statement string) []string {
	q.r = bufio.NewReader(strings.NewReader(statement))
	if q.next() == sqlWord && q.is("CREATE") {
		q.create()
	}
	for _, c := range q.columns {
		return c
	}
	return nil
}
