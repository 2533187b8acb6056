package inventory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// columns is what a list may hold: the names of the format, and other spellings that people use for them.
type columns struct {
	known   []string
	spelled map[string]string
}

// table is a list of either form with its columns told: "" for one without a name. Every row has as many cells.
type table struct {
	columns  []string
	rows     []row
	problems []Problem
}

// cell is the cell of that column, "" without it.
func (t *table) cell(r row, column string) string {
	if i := slices.Index(t.columns, column); i >= 0 {
		return r.cells[i]
	}
	return ""
}

var errEmpty = errors.New("the file is empty")

// readTable reads a list as CSV, or as JSON if it begins like JSON: an array of objects, or an object that holds it
// under the key given.
func readTable(r io.Reader, name, key string, cols columns) (*table, error) {
	text, problems, err := readText(r, name)
	t := &table{problems: problems}
	if err != nil {
		return t, err
	}
	start := strings.TrimLeft(text, " \t\r\n")
	switch {
	case start == "":
		err = errEmpty
	case start[0] == '[' || start[0] == '{':
		err = t.fromJSON(text, key, cols)
	default:
		t.fromSheet(text, cols)
	}
	if err != nil {
		return t, fmt.Errorf("read %q: %w", name, err)
	}
	return t, nil
}

func (t *table) fromSheet(text string, cols columns) {
	header, rows, problems := readSheet(text)
	t.problems = append(t.problems, problems...)
	t.name(header, cols)
	for _, r := range rows {
		if t.fit(&r) {
			t.rows = append(t.rows, r)
		}
	}
}

// name tells the columns from the header. A known name wins over another spelling of it; of two alike the first.
func (t *table) name(header row, cols columns) {
	t.columns = make([]string, len(header.cells))
	for i, cell := range header.cells {
		if c := lower(cell); slices.Contains(cols.known, c) && !slices.Contains(t.columns, c) {
			t.columns[i] = c
		}
	}
	for i, cell := range header.cells {
		if t.columns[i] != "" || cell == "" {
			continue
		}
		meant, ok := cols.spelled[strings.ReplaceAll(lower(cell), "_", " ")]
		switch {
		case ok && !slices.Contains(t.columns, meant):
			t.columns[i] = meant
			t.problems = append(t.problems, Problem{Line: header.line, Column: cell, Says: "read as the column " + meant})
		case slices.Contains(t.columns, cell):
			t.problems = append(t.problems, Problem{Line: header.line, Column: cell, Says: "the column stands twice; only the first is read", Remedy: "rename one of the two"})
		default:
			t.columns[i] = cell
		}
	}
}

// fit gives the row as many cells as there are columns. Cells that are missing at its end are empty if those that are
// there reach to the third column; a row that is too long, or shorter, cannot be told apart into its cells.
func (t *table) fit(r *row) bool {
	want := len(t.columns)
	for len(r.cells) > want && r.cells[len(r.cells)-1] == "" {
		r.cells = r.cells[:len(r.cells)-1]
	}
	got := len(r.cells)
	if got == want {
		return true
	}
	p := Problem{Line: r.line, Says: fmt.Sprintf("the row has %d cells, the header has %d", got, want)}
	if got > want {
		p.Remedy, p.Lost = "put a cell that holds the separator into quotes", true
	} else if got < min(3, want) {
		p.Remedy, p.Lost = "add the missing separators", true
	} else {
		p.Says += "; the missing ones are taken as empty"
		r.cells = append(r.cells, make([]string, want-got)...)
	}
	t.problems = append(t.problems, p)
	return !p.Lost
}

// fromJSON reads an array of objects. An element that is no object is a problem; text that is no JSON ends the list
// there with an error, since what follows cannot be told.
func (t *table) fromJSON(text, key string, cols columns) error {
	raw := json.RawMessage(text)
	base := 0
	if strings.TrimLeft(text, " \t\r\n")[0] == '{' {
		at, ok := t.under(text, key)
		if !ok {
			return fmt.Errorf("no list %q in it: write an array of objects, or {%q: […]}", key, key)
		}
		base = at
		raw = json.RawMessage(text[at:])
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	lineAt := func(offset int64) int {
		rest := strings.TrimLeft(text[base+int(offset):], " \t\r\n,")
		return 1 + strings.Count(text[:len(text)-len(rest)], "\n")
	}
	if tok, err := dec.Token(); err != nil || tok != json.Delim('[') {
		return fmt.Errorf("line %d: no array of objects", lineAt(0))
	}
	var objects []map[string]string
	var lines []int
	for dec.More() {
		line := lineAt(dec.InputOffset())
		var element json.RawMessage
		if err := dec.Decode(&element); err != nil {
			return fmt.Errorf("line %d: %w", lineAt(dec.InputOffset()), err)
		}
		var o map[string]any
		d := json.NewDecoder(bytes.NewReader(element))
		d.UseNumber()
		if d.Decode(&o) != nil || o == nil {
			t.problems = append(t.problems, Problem{Line: line, Says: "the element is no object", Remedy: `write {"name": "…", …}`, Lost: true})
			continue
		}
		objects, lines = append(objects, texts(o)), append(lines, line)
	}
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("line %d: the array does not end", lineAt(dec.InputOffset()))
	}
	t.fromObjects(objects, lines, cols)
	return nil
}

// fromObjects makes rows of objects; the columns are the keys of all of them, in order.
func (t *table) fromObjects(objects []map[string]string, lines []int, cols columns) {
	seen := map[string]bool{}
	header := row{}
	for _, o := range objects {
		for k := range o {
			if !seen[k] {
				seen[k] = true
				header.cells = append(header.cells, k)
			}
		}
	}
	slices.Sort(header.cells)
	t.name(header, cols)
	for i, o := range objects {
		r := row{lines[i], make([]string, len(header.cells))}
		for j, k := range header.cells {
			r.cells[j] = strings.Trim(o[k], " \t\r\n\u00a0")
		}
		t.rows = append(t.rows, r)
	}
}

// under finds where the value of the key begins in an object.
func (t *table) under(text, key string) (offset int, ok bool) {
	dec := json.NewDecoder(strings.NewReader(text))
	if _, err := dec.Token(); err != nil {
		return 0, false
	}
	for dec.More() {
		k, err := dec.Token()
		if err != nil {
			return 0, false
		}
		if s, _ := k.(string); lower(s) == key {
			at := int(dec.InputOffset())
			return at + strings.IndexByte(text[at:], ':') + 1, true
		}
		var skip json.RawMessage
		if dec.Decode(&skip) != nil {
			return 0, false
		}
	}
	return 0, false
}

// texts writes the values of an object as cells: a list joined by ; and anything deeper as JSON.
func texts(o map[string]any) map[string]string {
	cells := make(map[string]string, len(o))
	for k, v := range o {
		if list, ok := v.([]any); ok {
			parts := make([]string, len(list))
			for i, e := range list {
				parts[i] = cellOf(e)
			}
			cells[k] = strings.Join(parts, ";")
			continue
		}
		cells[k] = cellOf(v)
	}
	return cells
}

func cellOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
