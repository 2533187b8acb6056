package patient

import (
	"archive/zip"
	"bufio"
	"cmp"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// packed is a format of documents that are zip archives: Office Open XML (ECMA-376) and OpenDocument 1.3.
type packed struct {
	name string
	part string // that tells it
	read func(w *worker, z *zip.Reader, t *tally, path string)
}

var packedFormats = []packed{
	{"xlsx", "xl/workbook.xml", readXLSX}, {"docx", "word/document.xml", readDOCX}, {"pptx", "ppt/presentation.xml", readDOCX}, {"ods", "content.xml", readODF},
}

// sheetFormat is the format of a document, nil if the archive is none.
func sheetFormat(z *zip.Reader) *packed {
	for i := range packedFormats {
		f := &packedFormats[i]
		if part(z, f.part) != nil && (f.name != "ods" || part(z, "mimetype") != nil || part(z, "META-INF/manifest.xml") != nil) {
			return f
		}
	}
	return nil
}

func part(z *zip.Reader, name string) *zip.File {
	for _, f := range z.File {
		if strings.EqualFold(strings.TrimPrefix(f.Name, "/"), name) {
			return f
		}
	}
	return nil
}

// openPart opens a part within the budget of the file on disk.
func (w *worker) openPart(f *zip.File, t *tally) *bufio.Reader {
	if f == nil || !w.budget.entry() {
		return nil
	}
	if f.Flags&1 != 0 {
		t.note("encrypted in its archive")
		return nil
	}
	r, err := f.Open()
	if err != nil {
		t.note("a part cannot be unpacked")
		return nil
	}
	c := newContent("", &unpacking{r, &w.budget}, nil, 0, w.ctx)
	return bufio.NewReaderSize(&noting{c, r, t}, 16<<10)
}

// noting closes a part at its end, and notes when it breaks off.
type noting struct {
	c *content
	r io.Closer
	t *tally
}

func (n *noting) Read(p []byte) (int, error) {
	k, err := n.c.r.Read(p)
	if err != nil {
		n.r.Close()
		if n.c.fail != nil {
			n.t.note("a part is damaged or unpacks to too much")
		}
	}
	return k, err
}

// maxStrings bounds the table of strings of a workbook.
const maxStrings = 64 << 20

func readXLSX(w *worker, z *zip.Reader, t *tally, path string) {
	var shared sharedStrings
	if r := w.openPart(part(z, "xl/sharedStrings.xml"), t); r != nil {
		readMarkup(r, &shared)
		if shared.lost {
			t.note("more text than is held of one workbook: cells beyond are empty")
		}
	}
	var sheets []*zip.File
	for _, f := range z.File {
		if strings.HasPrefix(f.Name, "xl/worksheets/") && strings.HasSuffix(f.Name, ".xml") {
			sheets = append(sheets, f)
		}
	}
	slices.SortFunc(sheets, func(a, b *zip.File) int { return cmp.Or(len(a.Name)-len(b.Name), strings.Compare(a.Name, b.Name)) })
	for _, f := range sheets[:min(len(sheets), 500)] {
		if r := w.openPart(f, t); r != nil {
			text := newScanner(t, &w.run.o)
			s := &sheet{rows: newRows(t, &w.run.o, tableName(path), text), shared: shared.list}
			readMarkup(r, s)
			s.rows.end()
			text.end()
		}
	}
}

// sharedStrings is the table of strings that cells refer to.
type sharedStrings struct {
	list  []string
	now   []byte
	in    bool
	skip  bool // phonetic text
	bytes int
	lost  bool
}

func (s *sharedStrings) start(name string, _ []field) {
	switch name {
	case "si":
		s.now = s.now[:0]
	case "t":
		s.in = !s.skip
	case "rPh":
		s.skip = true
	}
}

func (s *sharedStrings) text(v string) {
	if s.in && len(s.now) < maxCell {
		s.now = append(s.now, v...)
	}
}

func (s *sharedStrings) stop(name string) {
	switch name {
	case "t":
		s.in = false
	case "rPh":
		s.skip = false
	case "si":
		v := string(s.now)
		if s.bytes += len(v) + 24; s.bytes > maxStrings {
			s.lost = true
			return
		}
		s.list = append(s.list, v)
	}
}

// sheet reads the rows of a worksheet.
type sheet struct {
	rows   *rows
	shared []string
	row    []string
	column int
	kind   string
	in     bool
	value  string
}

func (s *sheet) start(name string, attributes []field) {
	switch name {
	case "row":
		s.row, s.column = s.row[:0], 0
	case "c":
		s.kind, s.value = "", ""
		for _, a := range attributes {
			switch a.name {
			case "t":
				s.kind = a.value
			case "r":
				if n := columnOf(a.value); n >= 0 {
					s.column = n
				}
			}
		}
	case "v", "t":
		s.in = true
	}
}

// columnOf is the number of a column, from 0, in a reference like AB12; -1 if it is none.
func columnOf(ref string) int {
	n := 0
	for i := 0; i < len(ref) && ref[i] >= 'A' && ref[i] <= 'Z'; i++ {
		if n = n*26 + int(ref[i]-'A') + 1; n > 1<<20 {
			return -1
		}
	}
	return n - 1
}

func (s *sheet) text(v string) {
	if s.in && len(s.value) < maxCell {
		s.value += v
	}
}

func (s *sheet) stop(name string) {
	switch name {
	case "v", "t":
		s.in = false
	case "c":
		v := s.value
		if s.kind == "s" {
			i, err := strconv.Atoi(v)
			if v = ""; err == nil && i >= 0 && i < len(s.shared) {
				v = s.shared[i]
			}
		} else if s.kind == "" || s.kind == "n" {
			v = plainNumber(v)
		}
		for len(s.row) < s.column && s.column < maxColumns {
			s.row = append(s.row, "")
		}
		if len(s.row) < maxColumns {
			s.row = append(s.row, v)
		}
		s.column++
	case "row":
		s.rows.row(s.row)
	}
}

// plainNumber writes a number as people see it: 2.34567890123E11 is 234567890123.
func plainNumber(v string) string {
	if !strings.ContainsAny(v, "eE.") {
		return v
	}
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1e15 {
		return v
	}
	return strconv.FormatFloat(f, 'f', 0, 64)
}

// serialDate is the date of a number of days since 30 December 1899, as sheets count them; "" if it is none of a person alive.
func serialDate(v string) string {
	n, err := strconv.ParseFloat(v, 64)
	if err != nil || n < 3000 || n > 60_000 {
		return ""
	}
	return time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(n)).Format("20060102")
}

// rows finds the heading of a sheet, which titles may stand above, and hands what follows to a table. What turns out to hold no patients, and forms
// with a label and its value in each row, are looked at as text.
type rows struct {
	t      *tally
	o      *Options
	name   string
	b      *table
	first  []string // the heading, until the next row shows that it is one
	form   bool
	asText func([]string)
	s      *scanner
	n      int
}

func newRows(t *tally, o *Options, name string, s *scanner) *rows {
	return &rows{t: t, o: o, name: name, s: s, asText: textRows(s)}
}

func (r *rows) row(cells []string) {
	filled := 0
	for _, c := range cells {
		if c != "" {
			filled++
		}
	}
	switch {
	case filled == 0:
		return
	case r.form:
		r.asText(cells)
		return
	case r.b == nil && filled < 2:
		r.asText(cells)
		return
	case r.b == nil:
		r.begin(cells)
		return
	}
	if r.first != nil {
		if a, _ := roleOf(r.first[0]); a != noRole && len(cells) > 0 {
			if b, _ := roleOf(cells[0]); b != noRole {
				r.form, r.b = true, nil
				r.asText(r.first)
				r.asText(cells)
				return
			}
		}
		r.first = nil
	}
	r.b.row(cells)
}

// begin takes the first row that may be a heading.
func (r *rows) begin(cells []string) {
	r.n++
	b := newTable(r.t, r.o, r.name, cells)
	b.refused = r.asText
	told := slices.ContainsFunc(b.columns, func(c column) bool { return c.role != noRole })
	switch {
	case told && heading(b):
		r.b, r.first = b, slices.Clone(cells)
	case r.n <= 10 && heading(b):
		r.asText(cells) // a title, or a heading that tells nothing: the next row may
	default:
		b.columns = blank(maxColumns)
		r.b = b
		b.row(cells)
	}
}

// end decides over what is left; the scanner is ended by whoever made it.
func (r *rows) end() {
	if r.first != nil && r.b != nil && len(r.b.rows) == 0 {
		r.asText(r.first)
	}
	if r.b != nil {
		r.b.end()
	}
}

// readDOCX reads the text of a document: paragraphs are lines, tables are tables.
func readDOCX(w *worker, z *zip.Reader, t *tally, path string) {
	var parts []*zip.File
	for _, f := range z.File {
		n := f.Name
		if n == "word/document.xml" || strings.HasPrefix(n, "word/header") || strings.HasPrefix(n, "word/footer") || n == "word/footnotes.xml" || n == "word/comments.xml" || strings.HasPrefix(n, "ppt/slides/slide") {
			parts = append(parts, f)
		}
	}
	slices.SortFunc(parts, func(a, b *zip.File) int { return cmp.Or(len(a.Name)-len(b.Name), strings.Compare(a.Name, b.Name)) })
	for _, f := range parts[:min(len(parts), 2000)] {
		if r := w.openPart(f, t); r != nil {
			d := newDocument(t, &w.run.o, "tbl", "tr", "tc", "p")
			readMarkup(r, d)
			d.end()
		}
	}
}

// readODF reads a sheet or a text of OpenDocument.
func readODF(w *worker, z *zip.Reader, t *tally, path string) {
	if r := w.openPart(part(z, "content.xml"), t); r != nil {
		d := newDocument(t, &w.run.o, "table", "table-row", "table-cell", "p")
		d.name = tableName(path)
		readMarkup(r, d)
		d.end()
	}
}

// document reads text with tables in it, by the names of their elements.
type document struct {
	t                            *tally
	o                            *Options
	name                         string
	tableTag, rowTag, cellTag, p string
	s                            *scanner
	rows                         *rows
	row                          []string
	cell, line                   []byte
	repeat, depth                int
	valued                       bool // the cell's value stands in an attribute
}

func newDocument(t *tally, o *Options, tableTag, rowTag, cellTag, p string) *document {
	return &document{t: t, o: o, tableTag: tableTag, rowTag: rowTag, cellTag: cellTag, p: p, s: newScanner(t, o)}
}

func (d *document) start(name string, attributes []field) {
	switch name {
	case d.tableTag:
		if d.depth++; d.depth == 1 {
			d.rows = newRows(d.t, d.o, d.name, d.s)
		}
	case d.rowTag:
		d.row = d.row[:0]
	case d.cellTag:
		d.cell, d.repeat, d.valued = d.cell[:0], 1, false
		for _, a := range attributes {
			switch a.name {
			case "number-columns-repeated":
				if n, err := strconv.Atoi(a.value); err == nil && n > 1 {
					d.repeat = min(n, maxColumns)
				}
			case "Index": // of a workbook as XML: cells before it are left out
				for n, err := strconv.Atoi(a.value); err == nil && len(d.row) < min(n-1, maxColumns); {
					d.row = append(d.row, "")
				}
			case "date-value", "value":
				d.cell, d.valued = append(d.cell[:0], plainNumber(a.value)...), true
			}
		}
	case "tab", "line-break", "br":
		d.line = append(d.line, '\t')
	}
}

func (d *document) text(s string) {
	if d.depth > 0 {
		if !d.valued && len(d.cell) < maxCell {
			d.cell = append(d.cell, s...)
		}
		return
	}
	if len(d.line) < maxLine {
		d.line = append(d.line, s...)
	}
}

func (d *document) stop(name string) {
	switch name {
	case d.tableTag:
		if d.depth = max(d.depth-1, 0); d.depth == 0 && d.rows != nil {
			d.rows.end()
			d.rows = nil
		}
	case d.rowTag:
		if d.rows != nil {
			d.rows.row(d.row)
		}
	case d.cellTag:
		for range d.repeat {
			if len(d.row) < maxColumns {
				d.row = append(d.row, strings.TrimSpace(string(d.cell[:min(len(d.cell), maxCell)])))
			}
		}
		d.cell, d.repeat = d.cell[:0], 0
	case d.p:
		switch {
		case d.depth > 0:
			d.cell = append(d.cell, ' ')
		case len(d.line) > 0:
			d.s.line(d.line)
			d.line = d.line[:0]
		}
	}
}

func (d *document) end() {
	if d.rows != nil {
		d.rows.end()
	}
	d.s.line(d.line)
	d.s.end()
}
