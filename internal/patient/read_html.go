package patient

import (
	"bufio"
	"bytes"
	"slices"
	"strings"
)

// isHTML tells HTML, and parts of pages that programs write under other names: a table called .xls is a common export.
func isHTML(lower []byte) bool {
	if bytes.Contains(lower, []byte("<html")) || bytes.Contains(lower, []byte("<!doctype html")) {
		return true
	}
	start := bytes.TrimLeft(lower, " \t\r\n")
	return slices.ContainsFunc([]string{"<table", "<body", "<head", "<meta", "<style", "<div", "<center", "<p>", "<font"}, func(tag string) bool { return has(start, tag) })
}

func readHTML(w *worker, c *content, t *tally) {
	t.format = "html"
	h := &htmlText{t: t, o: &w.run.o, name: tableName(c.path), s: newScanner(t, &w.run.o)}
	readMarkup(c.plain(), h)
	h.endTable()
	h.breakLine()
	h.s.end()
}

// htmlText makes lines of HTML as they look, a block with a line, and rows of its tables: what turns out to hold no patients is a line with tabs. A table
// in another is one of its own. Cells that are too long are the layout of a page, and their rows are lines.
type htmlText struct {
	t    *tally
	o    *Options
	name string
	s    *scanner
	line []byte

	rows  *rows
	row   []string
	cell  []byte
	inRow bool
	in    bool // a cell
}

func (h *htmlText) text(s string) {
	if h.in {
		if len(h.cell)+len(s) <= maxCell {
			h.cell = append(append(h.cell, s...), ' ')
			return
		}
		h.spill()
	}
	h.line = append(append(h.line, s...), ' ')
	if len(h.line) > maxLine {
		h.breakLine()
	}
}

// spill makes a line of what was read of a row.
func (h *htmlText) spill() {
	for _, c := range append(h.row, string(h.cell)) {
		h.line = append(append(h.line, c...), '\t')
	}
	h.row, h.cell, h.in, h.inRow = h.row[:0], h.cell[:0], false, false
}

func (h *htmlText) start(name string, _ []field) {
	switch name = strings.ToLower(name); name {
	case "table":
		h.endTable()
	case "tr":
		h.endRow()
		h.breakLine()
		h.inRow = true
	case "td", "th":
		if h.endCell(); h.inRow {
			h.in = true
			return
		}
	}
	h.tag(name)
}

func (h *htmlText) stop(name string) {
	switch name = strings.ToLower(name); name {
	case "table":
		h.endTable()
	case "tr":
		h.endRow()
	case "td", "th":
		if h.in {
			h.endCell()
			return
		}
	}
	h.tag(name)
}

func (h *htmlText) endCell() {
	if h.in && len(h.row) < maxColumns {
		h.row = append(h.row, string(bytes.TrimSpace(h.cell)))
	}
	h.cell, h.in = h.cell[:0], false
}

func (h *htmlText) endRow() {
	h.endCell()
	if h.inRow && len(h.row) > 0 {
		if h.rows == nil {
			h.rows = newRows(h.t, h.o, h.name, h.s)
		}
		h.rows.row(h.row)
	}
	h.row, h.inRow = h.row[:0], false
}

func (h *htmlText) endTable() {
	h.endRow()
	if h.rows != nil {
		h.rows.end()
		h.rows = nil
	}
}

func (h *htmlText) tag(name string) {
	switch name {
	case "td", "th":
		h.line = append(bytes.TrimRight(h.line, " \t"), '\t')
	case "br", "p", "div", "tr", "li", "h1", "h2", "h3", "h4", "table", "script", "style", "body", "ul", "section", "dd", "dt", "pre":
		h.breakLine()
	}
}

func (h *htmlText) breakLine() {
	if len(h.line) > 0 {
		eachLine(bufio.NewReader(bytes.NewReader(h.line)), h.s.line)
		h.line = h.line[:0]
	}
}
