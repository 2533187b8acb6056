package patient

import (
	"bufio"
	"encoding/binary"
	"io"
	"math"
	"slices"
	"strconv"
	"unicode/utf16"
)

// Records of a workbook ([MS-XLS], and the same of older versions); versions 2 to 4 number some of theirs in other ways.
const (
	xlsFormula    = 0x0006
	xlsEnd        = 0x000a
	xlsEncrypted  = 0x002f
	xlsContinue   = 0x003c
	xlsSheet      = 0x0085
	xlsNumbers    = 0x00bd // MULRK: cells of a row
	xlsRichText   = 0x00d6
	xlsStrings    = 0x00fc
	xlsShared     = 0x00fd
	xlsNumber     = 0x0203
	xlsLabel      = 0x0204
	xlsResult     = 0x0207 // the text that a formula came to
	xlsShort      = 0x027e // RK: a number in four bytes
	xlsBegin      = 0x0809
	xlsWorksheet  = 0x0010
	maxSheets     = 500
	maxXLSNesting = 8
)

// isBIFF tells a workbook of Excel 2 to 4, and of programs that write as these did: the records alone, without a compound file around them.
func isBIFF(head []byte, p string) bool {
	if len(head) < 8 || head[0] != 9 || !suffix(p, ".xls", ".xlw", ".xlt", "content") {
		return false
	}
	n, kind := binary.LittleEndian.Uint16(head[2:]), binary.LittleEndian.Uint16(head[6:])
	return (head[1] == 0 || head[1] == 2 || head[1] == 4 || head[1] == 8) && n >= 4 && n <= 16 && (kind == xlsWorksheet || kind == 5 || kind == 0x100)
}

func readBIFF(w *worker, c *content, t *tally) { readWorkbook(w, c.r, c.path, t) }

// xlsReader reads the cells of the sheets of an .xls file, row by row.
type xlsReader struct {
	w      *worker
	t      *tally
	path   string
	r      *bufio.Reader
	at     int64 // where the record at hand begins
	end    int64 // where it ends
	id     uint16
	data   []byte
	buf    [1 << 16]byte
	eight  bool // texts are those of Excel 97 and later
	oldest bool // the workbook is of Excel 2
	known  bool // which of these it is
	shared sharedStrings
	names  map[int64]string // of sheets, by where they begin
	kinds  []uint16         // of the parts around the record at hand
	sheets int

	rows    *rows
	text    *scanner
	row     []string
	line    int
	formula int // the column of a formula whose text is still to come; -1 for none

	held      []xlsRow // rows of the sheet, until they are too many
	cellsHeld int
	inOrder   bool // rows are handed on as they come
}

type xlsRow struct {
	line  int
	cells []string
}

// maxCellsHeld bounds the cells of a sheet that are held to put its rows in order: some 4,000 rows of 30.
const maxCellsHeld = 1 << 17

// readWorkbook reads a stream of records.
func readWorkbook(w *worker, r io.Reader, path string, t *tally) {
	t.format = "xls"
	b := &xlsReader{w: w, t: t, path: path, r: bufio.NewReaderSize(r, 16<<10), names: map[int64]string{}, formula: -1}
	for b.next() {
		if b.id == xlsEncrypted {
			t.note("an encrypted document")
			return
		}
		b.record()
	}
	b.endSheet()
	if b.shared.lost {
		t.note("more text than is held of one workbook: cells beyond are empty")
	}
}

// next moves to the next record. One that breaks off is the last.
func (b *xlsReader) next() bool {
	var h [4]byte
	if _, err := io.ReadFull(b.r, h[:]); err != nil {
		b.brokenOff()
		return false
	}
	b.id, b.data = binary.LittleEndian.Uint16(h[:]), b.buf[:binary.LittleEndian.Uint16(h[2:])]
	n, err := io.ReadFull(b.r, b.data)
	b.data = b.data[:n]
	if err != nil {
		b.brokenOff()
	}
	b.at, b.end = b.end, b.end+4+int64(n)
	return n > 0 || err == nil
}

// brokenOff tells an end inside of a part; behind the last part lies what fills a sector.
func (b *xlsReader) brokenOff() {
	if len(b.kinds) > 0 {
		b.t.note("it breaks off")
	}
}

// continued moves on where a record is continued by the next.
func (b *xlsReader) continued() bool {
	h, err := b.r.Peek(2)
	return err == nil && binary.LittleEndian.Uint16(h) == xlsContinue && b.next()
}

// record takes the record at hand.
func (b *xlsReader) record() {
	switch b.id {
	case xlsBegin, 0x0009, 0x0209, 0x0409:
		b.begin()
		return
	case xlsEnd:
		if n := len(b.kinds); n > 0 {
			if b.kinds = b.kinds[:n-1]; n == 1 || len(b.kinds) == 1 && b.kinds[0] == 0x100 {
				b.endSheet()
			}
		}
		return
	case xlsSheet:
		b.sheet()
		return
	case xlsStrings:
		b.strings()
		return
	}
	if b.rows != nil && len(b.kinds) > 0 && b.kinds[len(b.kinds)-1] == xlsWorksheet {
		b.cells()
	}
}

// begin begins a part: the workbook itself, a sheet, or a chart in one, whose cells are copies.
func (b *xlsReader) begin() {
	if len(b.data) < 4 {
		return
	}
	kind := binary.LittleEndian.Uint16(b.data[2:])
	if len(b.kinds) >= maxXLSNesting {
		return
	}
	if !b.known { // sheets may say another version than the workbook, which is right
		b.known = true
		b.eight = b.id == xlsBegin && binary.LittleEndian.Uint16(b.data) == 0x0600
		b.oldest = b.id == 0x0009
	}
	b.kinds = append(b.kinds, kind)
	if kind != xlsWorksheet || b.rows != nil || b.sheets >= maxSheets {
		return
	}
	b.sheets++
	name := tableName(b.path)
	if own := b.names[b.at]; ofPatients(own) {
		name = own
	}
	b.text = newScanner(b.t, &b.w.run.o)
	b.rows, b.row, b.line, b.inOrder = newRows(b.t, &b.w.run.o, name, b.text), b.row[:0], -1, false
}

func (b *xlsReader) endSheet() {
	if b.rows != nil {
		b.endRow()
		b.order()
		b.rows.end()
		b.text.end()
		b.rows = nil
	}
}

// endRow ends the row at hand. Programs may write rows, and columns, in any order: as many as are held come out in theirs.
func (b *xlsReader) endRow() {
	switch {
	case b.line < 0:
	case b.inOrder:
		b.rows.row(b.row)
	default:
		b.held = append(b.held, xlsRow{b.line, slices.Clone(b.row)})
		if b.cellsHeld += len(b.row) + 4; b.cellsHeld > maxCellsHeld {
			b.order()
			b.inOrder = true
		}
	}
	b.row, b.formula = b.row[:0], -1
}

// order hands on the rows that are held.
func (b *xlsReader) order() {
	slices.SortStableFunc(b.held, func(x, y xlsRow) int { return x.line - y.line })
	for i := 0; i < len(b.held); {
		row := b.held[i].cells
		for line := b.held[i].line; i < len(b.held) && b.held[i].line == line; i++ {
			for k, v := range b.held[i].cells {
				if k >= len(row) {
					row = append(row, v)
				} else if row[k] == "" {
					row[k] = v
				}
			}
		}
		b.rows.row(row)
	}
	b.held, b.cellsHeld = nil, 0
}

// sheet takes the name of a sheet and where it begins.
func (b *xlsReader) sheet() {
	if d := b.data; len(d) >= 8 && len(b.names) < maxSheets {
		n, name := int(d[6]), d[7:]
		if b.eight {
			b.names[int64(binary.LittleEndian.Uint32(d))] = wideText(name[1:], n, name[0]&1 == 1)
		} else {
			b.names[int64(binary.LittleEndian.Uint32(d))] = wideText(name, n, false)
		}
	}
}

// wideText is a text of at most n letters, of one byte each, or of two.
func wideText(b []byte, n int, wide bool) string {
	letters := make([]uint16, 0, min(n, len(b), maxCell))
	for n = min(n, maxCell); n > 0 && len(b) > 0; n-- {
		if !wide {
			letters, b = append(letters, uint16(b[0])), b[1:]
			continue
		}
		if len(b) < 2 {
			break
		}
		letters, b = append(letters, binary.LittleEndian.Uint16(b)), b[2:]
	}
	return string(utf16.Decode(letters))
}

// strings reads the table of texts, over all records that continue it.
func (b *xlsReader) strings() {
	if len(b.data) < 8 || len(b.shared.list) > 0 {
		return
	}
	count := binary.LittleEndian.Uint32(b.data[4:])
	b.data = b.data[8:]
	for range count {
		letters, ok := b.sharedText()
		if !ok {
			return
		}
		b.shared.now = append(b.shared.now[:0], string(utf16.Decode(letters))...)
		if b.shared.stop("si"); b.shared.lost {
			return
		}
	}
}

// more has bytes of the record at hand ready, or of the one that continues it.
func (b *xlsReader) more() bool {
	for len(b.data) == 0 {
		if !b.continued() {
			return false
		}
	}
	return true
}

// number takes n bytes as a number; more says first that there are any.
func (b *xlsReader) number(n int) (v uint32, ok bool) {
	for i := range n {
		if !b.more() {
			return 0, false
		}
		v, b.data = v|uint32(b.data[0])<<(8*i), b.data[1:]
	}
	return v, true
}

// sharedText reads one text of the table. Where its letters go on in another record, that says anew how wide they are.
func (b *xlsReader) sharedText() (letters []uint16, ok bool) {
	left, ok := b.number(2)
	flags, more := b.number(1)
	if !ok || !more {
		return nil, false
	}
	behind := int64(0) // runs of formats, and what else stands behind the letters
	for _, x := range []struct{ flag, size, each uint32 }{{8, 2, 4}, {4, 4, 1}} {
		if flags&x.flag != 0 {
			n, ok := b.number(int(x.size))
			if !ok {
				return nil, false
			}
			behind += int64(n) * int64(x.each)
		}
	}
	for left > 0 {
		if len(b.data) == 0 {
			if !b.more() {
				return letters, false
			}
			flags, b.data = uint32(b.data[0]), b.data[1:]
			continue
		}
		letter := uint16(b.data[0])
		if flags&1 == 1 {
			if len(b.data) < 2 {
				return letters, false
			}
			letter, b.data = letter|uint16(b.data[1])<<8, b.data[1:]
		}
		b.data = b.data[1:]
		if left--; len(letters) < maxCell {
			letters = append(letters, letter)
		}
	}
	for behind > 0 {
		if !b.more() {
			return letters, false
		}
		n := min(behind, int64(len(b.data)))
		b.data, behind = b.data[n:], behind-n
	}
	return letters, true
}

// cells takes the cell or cells of a record.
func (b *xlsReader) cells() {
	d := b.data
	if b.id == xlsResult || b.id == 0x0007 {
		if b.formula >= 0 {
			b.put(b.formula, b.label(d))
		}
		b.formula = -1
		return
	}
	if len(d) < 6 {
		return
	}
	row, column := int(binary.LittleEndian.Uint16(d)), int(binary.LittleEndian.Uint16(d[2:]))
	value := d[6:]
	if b.oldest { // its cells have their format in three bytes
		if len(d) < 7 {
			return
		}
		value = d[7:]
	}
	switch b.id {
	case xlsFormula, 0x0206, 0x0406, xlsNumbers, xlsRichText, xlsShared, xlsNumber, xlsLabel, xlsShort:
	case 0x0002, 0x0003, 0x0004:
		if !b.oldest {
			return
		}
	default:
		return
	}
	if row != b.line {
		b.endRow()
		b.line = row
	}
	switch b.id {
	case xlsShared:
		if len(value) >= 4 {
			if i := binary.LittleEndian.Uint32(value); int64(i) < int64(len(b.shared.list)) {
				b.put(column, b.shared.list[i])
			}
		}
	case xlsLabel, xlsRichText, 0x0004:
		b.put(column, b.label(value))
	case xlsNumber, 0x0003:
		b.put(column, xlsFloat(value))
	case 0x0002:
		if len(value) >= 2 {
			b.put(column, strconv.Itoa(int(binary.LittleEndian.Uint16(value))))
		}
	case xlsShort:
		b.put(column, xlsRK(value))
	case xlsNumbers:
		for v := d[4:]; len(v) >= 8; v, column = v[6:], column+1 {
			b.put(column, xlsRK(v[2:]))
		}
	default: // a formula, and what it came to
		if len(value) >= 8 && value[6] == 0xff && value[7] == 0xff {
			if value[0] == 0 {
				b.formula = column
			}
			return
		}
		b.put(column, xlsFloat(value))
	}
}

// label is a text with its length before it.
func (b *xlsReader) label(d []byte) string {
	switch {
	case b.oldest && len(d) >= 1:
		return wideText(d[1:], int(d[0]), false)
	case len(d) < 3:
		return ""
	case b.eight:
		return wideText(d[3:], int(binary.LittleEndian.Uint16(d)), d[2]&1 == 1)
	}
	return wideText(d[2:], int(binary.LittleEndian.Uint16(d)), false)
}

// put sets a cell of the row at hand.
func (b *xlsReader) put(column int, v string) {
	if column >= maxColumns {
		return
	}
	for len(b.row) <= column {
		b.row = append(b.row, "")
	}
	b.row[column] = v
}

func xlsFloat(v []byte) string {
	if len(v) < 8 {
		return ""
	}
	f := math.Float64frombits(binary.LittleEndian.Uint64(v))
	if math.IsNaN(f) || math.Abs(f) > 1e15 {
		return ""
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// xlsRK is a number in four bytes: the upper half of a float, or a whole number; a hundredth of it if bit 0 says so.
func xlsRK(v []byte) string {
	if len(v) < 4 {
		return ""
	}
	n := binary.LittleEndian.Uint32(v)
	f := math.Float64frombits(uint64(n&^3) << 32)
	if n&2 != 0 {
		f = float64(int32(n) >> 2)
	}
	if n&1 != 0 {
		f /= 100
	}
	if math.IsNaN(f) || math.Abs(f) > 1e15 {
		return ""
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}
