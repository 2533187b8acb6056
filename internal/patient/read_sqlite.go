package patient

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"strconv"
	"unicode/utf16"
)

// SQLite 3 (sqlite.org/fileformat2.html): the tables are found through sqlite_schema on page 1, and each is walked leaf by leaf. Pages are
// read one at a time, no page twice in one tree; cells that do not fit their page are passed over. What is only in the
// write-ahead log beside the file is not seen.

func isSQLite(head []byte, _ string) bool { return has(head, "SQLite format 3\x00") }

type sqlite struct {
	r        io.ReaderAt
	w        *worker
	t        *tally
	size     int64 // of a page
	usable   int
	pages    uint32
	encoding uint32
	damaged  bool
	seen     []uint64 // a bit for each page: none is read in two trees, or twice in one
	work     int64    // bytes of rows that may still be decoded: cells may point to one place over and over
}

const (
	maxSQLiteDepth = 30
	maxPayload     = 1 << 16 // of a row; what is beyond belongs to texts and pictures
)

func readSQLite(w *worker, c *content, t *tally) {
	at, size, err := c.random()
	if err != nil {
		t.note(errTooLarge.Error())
		return
	}
	var h [100]byte
	if _, err := at.ReadAt(h[:], 0); err != nil {
		t.note("the database breaks off in its head")
		return
	}
	d := &sqlite{r: at, w: w, t: t, size: int64(binary.BigEndian.Uint16(h[16:])), encoding: binary.BigEndian.Uint32(h[56:])}
	if d.size == 1 {
		d.size = 65536
	}
	d.usable = int(d.size) - int(h[20])
	if d.size < 512 || d.size&(d.size-1) != 0 || d.usable < 480 {
		t.note("the database has no sound head")
		return
	}
	d.pages = uint32(min(size/d.size+1, math.MaxUint32))
	d.seen = make([]uint64, d.pages/64+1)
	d.work = 16*size + 1<<20
	tables := 0
	d.walkRows(1, func(_ int64, row []string) {
		if tables++; len(row) < 5 || row[0] != "table" || tables > maxTables {
			return
		}
		root, err := strconv.ParseUint(row[3], 10, 32)
		if err != nil || root < 2 {
			return
		}
		q := newSQL(w, t)
		columns := q.columnsOf(row[4])
		b := newTable(t, &w.run.o, row[1], columns)
		rowid := -1
		for i, name := range columns {
			if folded(name) == "id" {
				rowid = i // an INTEGER PRIMARY KEY is stored as NULL
				break
			}
		}
		d.walkRows(uint32(root), func(id int64, row []string) {
			if rowid >= 0 && rowid < len(row) && row[rowid] == "" {
				row[rowid] = strconv.FormatInt(id, 10)
			}
			b.row(row)
		})
		b.end()
	})
	if d.damaged {
		t.note("some pages of the database are damaged")
	}
}

// walkRows hands over the rows of the tree at a page.
func (d *sqlite) walkRows(root uint32, take func(int64, []string)) {
	type level struct {
		page []byte
		cell int
		n    uint32
	}
	var stack []level
	push := func(n uint32) {
		if n == 0 || n > d.pages || len(stack) >= maxSQLiteDepth || d.seen[n/64]&(1<<(n%64)) != 0 {
			d.damaged = true
			return
		}
		d.seen[n/64] |= 1 << (n % 64)
		page := make([]byte, d.size)
		if k, _ := d.r.ReadAt(page, int64(n-1)*d.size); k < len(page) {
			d.damaged = true
			return
		}
		stack = append(stack, level{page: page, n: n})
	}
	push(root)
	for len(stack) > 0 && d.w.ctx.Err() == nil && d.work > 0 {
		l := &stack[len(stack)-1]
		head := 0
		if l.n == 1 {
			head = 100
		}
		kind, cells := l.page[head], int(binary.BigEndian.Uint16(l.page[head+3:]))
		pointers := head + 8
		if kind == 5 {
			pointers = head + 12
		}
		if kind != 5 && kind != 13 || pointers+2*cells > len(l.page) {
			d.damaged = d.damaged || kind != 10 && kind != 2 // indexes: a table without rowid
			stack = stack[:len(stack)-1]
			continue
		}
		if kind == 13 {
			for i := range cells {
				if id, row, ok := d.row(l.page, int(binary.BigEndian.Uint16(l.page[pointers+2*i:]))); ok {
					take(id, row)
				} else {
					d.damaged = true
				}
			}
			stack = stack[:len(stack)-1]
			continue
		}
		i := l.cell
		l.cell++
		switch {
		case i < cells:
			if at := int(binary.BigEndian.Uint16(l.page[pointers+2*i:])); at+4 <= len(l.page) {
				push(binary.BigEndian.Uint32(l.page[at:]))
			}
		case i == cells:
			push(binary.BigEndian.Uint32(l.page[head+8:]))
		default:
			stack = stack[:len(stack)-1]
		}
	}
}

// row decodes the record of a cell of a leaf.
func (d *sqlite) row(page []byte, at int) (id int64, row []string, ok bool) {
	if at >= len(page) {
		return 0, nil, false
	}
	b := page[at:]
	size, n := varint(b)
	if n == 0 || size == 0 {
		return 0, nil, false
	}
	b = b[n:]
	rowid, n := varint(b)
	if n == 0 {
		return 0, nil, false
	}
	payload := d.payload(b[n:], size)
	if d.work -= int64(len(payload)); d.work <= 0 {
		return 0, nil, false
	}
	length, n := varint(payload)
	if n == 0 || length > uint64(len(payload)) || int(length) < n {
		return 0, nil, false
	}
	types, body := payload[n:length], payload[length:]
	for len(types) > 0 && len(row) < maxColumns {
		kind, n := varint(types)
		if n == 0 {
			return 0, nil, false
		}
		types = types[n:]
		v, k := d.column(kind, body)
		row = append(row, v)
		body = body[min(k, len(body)):]
	}
	return int64(rowid), row, true
}

// payload gathers a record from its page and its overflow pages, up to a bound.
func (d *sqlite) payload(b []byte, size uint64) []byte {
	most := d.usable - 35
	if size <= uint64(most) {
		return b[:min(uint64(len(b)), size)]
	}
	least := (d.usable-12)*32/255 - 23
	local := least + int((size-uint64(least))%uint64(d.usable-4))
	if local > most {
		local = least
	}
	if local+4 > len(b) {
		return b
	}
	out := append([]byte{}, b[:local]...)
	next := binary.BigEndian.Uint32(b[local:])
	page := make([]byte, d.size)
	for uint64(len(out)) < size && len(out) < maxPayload && next != 0 && next <= d.pages {
		if k, _ := d.r.ReadAt(page, int64(next-1)*d.size); k < len(page) {
			break
		}
		next = binary.BigEndian.Uint32(page)
		out = append(out, page[4:min(d.usable, 4+int(min(size-uint64(len(out)), uint64(d.usable))))]...)
	}
	return out
}

// column decodes a value by its serial type, and tells how many bytes it takes.
func (d *sqlite) column(kind uint64, b []byte) (string, int) {
	sizes := [10]int{0, 1, 2, 3, 4, 6, 8, 8, 0, 0}
	switch {
	case kind == 8 || kind == 9:
		return strconv.Itoa(int(kind - 8)), 0
	case kind == 0:
		return "", 0
	case kind < 8:
		n := sizes[kind]
		if len(b) < n {
			return "", n
		}
		v := int64(int8(b[0]))
		for _, c := range b[1:n] {
			v = v<<8 | int64(c)
		}
		if kind == 7 {
			return plainNumber(strconv.FormatFloat(math.Float64frombits(uint64(v)), 'g', -1, 64)), n
		}
		return strconv.FormatInt(v, 10), n
	case kind < 12:
		return "", 0
	}
	n := int(min((kind-12)/2, math.MaxInt32))
	if kind%2 == 0 {
		return "", n // a blob
	}
	return d.text(b[:min(n, len(b), maxCell)]), n
}

func (d *sqlite) text(b []byte) string {
	if d.encoding != 2 && d.encoding != 3 {
		return string(bytes.TrimRight(b, "\x00"))
	}
	var order binary.ByteOrder = binary.LittleEndian
	if d.encoding == 3 {
		order = binary.BigEndian
	}
	u := make([]uint16, len(b)/2)
	for i := range u {
		u[i] = order.Uint16(b[2*i:])
	}
	return string(utf16.Decode(u))
}

// varint reads a big-endian number of one to nine bytes; n is 0 when it breaks off.
func varint(b []byte) (v uint64, n int) {
	for i := range min(len(b), 9) {
		if i == 8 {
			return v<<8 | uint64(b[i]), 9
		}
		v = v<<7 | uint64(b[i]&0x7f)
		if b[i] < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}
