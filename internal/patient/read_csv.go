package patient

import (
	"bufio"
	"bytes"
	"io"
	"strings"
)

// delimiters of tables in text, the likelier first.
var delimiters = []byte{',', '\t', ';', '|'}

// looksCSV reports whether a text is a table: by its name, or by a delimiter that every one of its first lines holds equally often.
func looksCSV(start []byte, path string) bool {
	if suffix(path, ".csv", ".tsv", ".tab", ".psv") {
		return true
	}
	return delimiterOf(start, 2) != 0 && !bytes.HasPrefix(start, []byte("#!"))
}

// delimiterOf is the delimiter that the first lines agree on, with at least so many columns more than one; 0 if there is none.
func delimiterOf(start []byte, least int) byte {
	lines := bytes.Split(start, []byte("\n"))
	if len(lines) > 1 {
		lines = lines[:len(lines)-1] // the last may be cut
	}
	if len(lines) > 20 {
		lines = lines[:20]
	}
	best, most := byte(0), 0
	for _, d := range delimiters {
		n := cells(lines[0], d)
		if n < least {
			continue
		}
		same := 0
		for _, l := range lines {
			if cells(l, d) == n {
				same++
			}
		}
		if same*10 >= len(lines)*8 && len(lines) > 1 && n > most {
			best, most = d, n
		}
	}
	return best
}

// cells counts the delimiters of a line that stand outside quotes.
func cells(line []byte, d byte) (n int) {
	quoted := false
	for _, c := range line {
		if c == '"' {
			quoted = !quoted
		} else if c == d && !quoted {
			n++
		}
	}
	return n
}

// readCSV reads a table of text (RFC 4180, and what programs make of it). The first row is its heading, unless it looks like data.
func readCSV(w *worker, c *content, t *tally) {
	r := c.plain()
	head, _ := r.Peek(headBytes)
	head = bytes.TrimLeft(head, "\r\n")
	d := delimiterOf(head, 1)
	first, rest, _ := bytes.Cut(head, []byte("\n"))
	if bytes.HasPrefix(bytes.ToLower(first), []byte("sep=")) && len(first) > 4 { // Excel's own line
		d = first[4]
		r.ReadSlice('\n')
		head = rest
	}
	if d == 0 {
		for _, try := range delimiters {
			if cells(first, try) > 0 {
				d = try
				break
			}
		}
	}
	if d == 0 {
		readText(w, c, t)
		return
	}
	rows := csvRows{r: r, delimiter: d}
	var b *table
	s := newScanner(t, &w.run.o)
	asText := textRows(s)
	for n := 0; ; n++ {
		row, ok := rows.next()
		if !ok {
			break
		}
		if b != nil {
			b.row(row)
			continue
		}
		if len(row) < 2 && n < 20 { // a title above the table
			asText(row)
			continue
		}
		b = newTable(t, &w.run.o, tableName(c.path), row)
		b.refused = asText
		if !heading(b) {
			b.columns = blank(len(row))
			b.row(row)
		}
	}
	if b != nil {
		b.end()
	}
	s.end()
}

// maxTextRows is how many rows of a table without patients are looked at as text.
const maxTextRows = 20_000

// textRows looks at rows as at lines of text.
func textRows(s *scanner) func([]string) {
	n := 0
	return func(cells []string) {
		if n++; n <= maxTextRows {
			s.line([]byte(strings.Join(cells, "\t")))
		}
	}
}

// heading reports whether a row may be the heading of the table: none of its cells is a number or a date.
func heading(b *table) bool {
	for _, c := range b.columns {
		if c.role == noRole && digits(c.heading) > 0 && (bare(c.heading) != "" || birthOf(c.heading) != "" || isPAN(c.heading)) {
			return false
		}
	}
	return true
}

func blank(n int) []column { return make([]column, min(n, maxColumns)) }

// tableName is what the name of a file says of its rows.
func tableName(path string) string {
	name := base(path)
	if i := strings.IndexByte(name, '.'); i > 0 {
		name = name[:i]
	}
	return name
}

// csvRows reads rows with bounded memory: a cell is cut at maxCell, a quote that is not closed ends with a bound too.
type csvRows struct {
	r         *bufio.Reader
	delimiter byte
	row       []string
	cell      []byte
}

const maxQuoted = 1 << 20

func (c *csvRows) next() ([]string, bool) {
	c.row, c.cell = c.row[:0], c.cell[:0]
	quoted, any, n := false, false, 0
	for {
		b, err := c.r.ReadByte()
		if err != nil {
			if err != io.EOF && !any {
				return nil, false
			}
			if !any {
				return nil, false
			}
			c.put()
			return c.row, true
		}
		any = true
		switch {
		case b == '"' && quoted:
			if next, _ := c.r.Peek(1); len(next) == 1 && next[0] == '"' {
				c.r.Discard(1)
				c.keep(b)
			} else {
				quoted = false
			}
		case b == '"' && len(c.cell) == 0:
			quoted, n = true, 0
		case quoted:
			if n++; n > maxQuoted {
				quoted = false
			}
			c.keep(b)
		case b == c.delimiter:
			c.put()
		case b == '\n':
			c.put()
			if len(c.row) == 1 && c.row[0] == "" {
				c.row = c.row[:0]
				any = false
				continue
			}
			return c.row, true
		case b == '\r':
			if next, _ := c.r.Peek(1); len(next) == 1 && next[0] != '\n' {
				c.put()
				return c.row, true
			}
		default:
			c.keep(b)
		}
	}
}

func (c *csvRows) keep(b byte) {
	if len(c.cell) < maxCell {
		c.cell = append(c.cell, b)
	}
}

func (c *csvRows) put() {
	if len(c.row) < maxColumns {
		c.row = append(c.row, strings.TrimSpace(string(c.cell)))
	}
	c.cell = c.cell[:0]
}
