package evidence

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf16"
)

// eseDatabase reads the tables of an Extensible Storage Engine database: format 0x620 as Windows 7 and later write it,
// after the notes of the libesedb project and Microsoft's published source. It is read as it lies: what stands in
// transaction logs beside it and was never written back is not in it.
//
// Trees are walked with a mark for each page that was visited, so pages that point in a circle end.
type eseDatabase struct {
	pages   *pages
	ctx     context.Context
	size    int // of a page
	large   bool
	dirty   bool
	header  int // bytes of a page's header
	count   uint32
	damage  func(offset, n int64, why string)
	page    []byte // the one at hand
	visited []uint64
}

const (
	eseSignature  = "\xef\xcd\xab\x89"
	esePageRoot   = 1
	esePageLeaf   = 2
	esePageBranch = 4
	eseTagDeleted = 2
	eseTagCommon  = 4
	eseCatalog    = 4 // the page at which the catalog's tree begins
	maxESEDepth   = 16
)

// openESE reads the header of a database. why is "" if it can be read.
func openESE(ctx context.Context, p *pages) (db *eseDatabase, why string) {
	h := p.bytes(0, 668)
	if len(h) < 240 || string(h[4:8]) != eseSignature {
		return nil, "no header of a database"
	}
	size, revision := int(binary.LittleEndian.Uint32(h[236:])), binary.LittleEndian.Uint32(h[232:])
	if binary.LittleEndian.Uint32(h[8:]) != 0x620 || size < 4096 || size > 32768 || size&(size-1) != 0 {
		return nil, "database of an unknown version"
	}
	db = &eseDatabase{pages: p, ctx: ctx, size: size, dirty: binary.LittleEndian.Uint32(h[52:]) != 3, header: 40}
	if revision >= 0x11 && size >= 16384 {
		db.large, db.header = true, 80
	}
	db.count = uint32(min(max(p.size/int64(size)-1, 0), 1<<30))
	return db, ""
}

// load makes a page the one at hand. Page numbers count from 1, behind the header and its copy.
func (db *eseDatabase) load(number uint32) bool {
	b := db.pages.bytes(int64(number+1)*int64(db.size), db.size)
	if number == 0 || number >= db.count+1 || len(b) < db.size {
		return false
	}
	db.page = append(db.page[:0], b...)
	return true
}

// tag returns a tag's bytes and flags; the tags stand at the end of a page, the first last.
func (db *eseDatabase) tag(i int) (b []byte, flags byte) {
	at := len(db.page) - 4*(i+1)
	n, from := int(binary.LittleEndian.Uint16(db.page[at:])), int(binary.LittleEndian.Uint16(db.page[at+2:]))
	if db.large {
		n, from = n&0x7fff, from&0x7fff
	} else {
		flags = byte(from >> 13)
		n, from = n&0x1fff, from&0x1fff
	}
	from += db.header
	if from+n > at {
		return nil, 0
	}
	b = db.page[from : from+n]
	if db.large && len(b) >= 2 {
		flags = b[1] >> 5
	}
	return b, flags
}

// tags is how many tags the page at hand has, those that fit.
func (db *eseDatabase) tags() int {
	return min(int(binary.LittleEndian.Uint16(db.page[34:])&0xfff), (len(db.page)-db.header)/4)
}

// eseEntry takes the key off an entry and returns its data.
func eseEntry(b []byte, flags byte) []byte {
	at := 0
	if flags&eseTagCommon != 0 {
		at = 2
	}
	if len(b) < at+2 {
		return nil
	}
	key := int(binary.LittleEndian.Uint16(b[at:]) & 0x1fff)
	if at += 2 + key; at > len(b) {
		return nil
	}
	return b[at:]
}

// records calls f with the data of each record of the tree that begins at a page, in the order of keys, and with the
// page's offset in the file.
func (db *eseDatabase) records(root uint32, f func(record []byte, offset int64)) {
	db.visited = make([]uint64, db.count/64+1)
	type place struct{ page, depth uint32 }
	stack := []place{{root, 0}}
	for len(stack) > 0 && db.pages.err == nil && db.ctx.Err() == nil {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		offset := int64(at.page+1) * int64(db.size)
		if at.page > db.count || at.depth > maxESEDepth || db.visited[at.page/64]&(1<<(at.page%64)) != 0 || !db.load(at.page) {
			db.damage(offset, int64(db.size), "page of a table cannot be reached")
			continue
		}
		db.visited[at.page/64] |= 1 << (at.page % 64)
		flags := binary.LittleEndian.Uint32(db.page[36:])
		switch {
		case flags&esePageLeaf != 0:
			for i := 1; i < db.tags(); i++ {
				if b, flags := db.tag(i); flags&eseTagDeleted == 0 {
					if b = eseEntry(b, flags); len(b) > 0 {
						f(b, offset)
					}
				}
			}
		case flags&(esePageBranch|esePageRoot) != 0:
			for i := db.tags() - 1; i > 0; i-- {
				b, flags := db.tag(i)
				if b = eseEntry(b, flags); len(b) >= 4 && flags&eseTagDeleted == 0 {
					stack = append(stack, place{binary.LittleEndian.Uint32(b), at.depth + 1})
				}
			}
		default:
			db.damage(offset, int64(db.size), "page of a table that is neither leaf nor branch")
		}
	}
}

// eseTable is a table as the catalog describes it.
type eseTable struct {
	id      uint32
	root    uint32
	name    string
	columns []eseColumn // by rising id
}

type eseColumn struct {
	id    uint16 // up to 127 fixed, up to 255 variable, else tagged
	kind  uint16
	name  string
	bytes int // of a fixed column
}

// Bounds of what a catalog may ask for.
const (
	maxESETables  = 1024
	maxESEColumns = 256
)

// eseWidths are the bytes of fixed columns by type: bit, byte, short, long, currency, single, double, time, …, unsigned
// long, long long, GUID, unsigned short.
var eseWidths = [18]int{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 4, 7: 8, 8: 8, 14: 4, 15: 8, 16: 16, 17: 2}

// catalogColumns are the fixed columns of the catalog itself, as far as they are read.
var catalogColumns = []eseColumn{
	{1, 4, "ObjidTable", 4}, {2, 3, "Type", 2}, {3, 4, "Id", 4}, {4, 4, "ColtypOrPgnoFDP", 4}, {5, 4, "SpaceUsage", 4}, {6, 4, "Flags", 4},
	{7, 4, "PagesOrLocale", 4}, {8, 1, "RootFlag", 1}, {9, 3, "RecordOffset", 2}, {10, 4, "LCMapFlags", 4}, {11, 17, "KeyMost", 2}, {128, 10, "Name", 0},
}

// tables reads the catalog: the tables whose names are asked for, the first of each, with their columns.
func (db *eseDatabase) tables(wanted func(name string) bool) []eseTable {
	var list []eseTable
	catalog := eseRow{columns: catalogColumns}
	db.records(eseCatalog, func(rec []byte, _ int64) {
		if !catalog.decode(rec, db.large) {
			return
		}
		name := catalog.text(11)
		switch table := uint32(catalog.integer(0)); catalog.integer(1) {
		case 1:
			again := slices.ContainsFunc(list, func(t eseTable) bool { return t.name == name })
			if wanted(name) && !again && len(list) < maxESETables {
				list = append(list, eseTable{id: table, root: uint32(catalog.integer(3)), name: name})
			}
		case 2:
			kind := uint16(catalog.integer(3))
			if n := len(list); n > 0 && list[n-1].id == table && len(list[n-1].columns) < maxESEColumns && int(kind) < len(eseWidths) {
				t := &list[n-1]
				t.columns = append(t.columns, eseColumn{uint16(catalog.integer(2)), kind, name, eseWidths[kind]})
			}
		}
	})
	return list
}

// eseRow is a record taken apart: a value for each column, nil where it has none.
type eseRow struct {
	columns []eseColumn
	values  [][]byte
}

// decode takes a record apart. It answers no where the record's own lengths make no sense.
func (r *eseRow) decode(rec []byte, large bool) bool {
	r.values = append(r.values[:0], make([][]byte, len(r.columns))...)
	if len(rec) < 4 {
		return false
	}
	lastFixed, lastVariable, at := uint16(rec[0]), uint16(rec[1]), int(binary.LittleEndian.Uint16(rec[2:]))
	variables := max(int(lastVariable)-127, 0)
	data := at + 2*variables
	if at < 4 || data > len(rec) {
		return false
	}
	nulls := at - (int(lastFixed)+7)/8
	end := data
	if variables > 0 {
		end += int(binary.LittleEndian.Uint16(rec[data-2:]) & 0x7fff)
	}
	tagged := []byte{}
	if end < len(rec) {
		tagged = rec[end:]
	}
	from := 4
	for i, c := range r.columns {
		switch {
		case c.id <= 127:
			if c.id <= lastFixed && from+c.bytes <= nulls && nulls+int(c.id-1)/8 < at && rec[nulls+int(c.id-1)/8]&(1<<((c.id-1)%8)) == 0 {
				r.values[i] = rec[from : from+c.bytes]
			}
			from += c.bytes
		case c.id <= 255:
			if c.id <= lastVariable {
				r.values[i] = eseVariable(rec[at:], int(c.id-128), 2*variables)
			}
		default:
			r.values[i] = eseTagged(tagged, c.id, large)
		}
	}
	return true
}

// eseVariable finds a variable column: the ends of all stand in front of their data.
func eseVariable(b []byte, i, data int) []byte {
	start := 0
	if i > 0 {
		start = int(binary.LittleEndian.Uint16(b[2*i-2:]) & 0x7fff)
	}
	end := binary.LittleEndian.Uint16(b[2*i:])
	if end&0x8000 != 0 || start > int(end) || data+int(end) > len(b) {
		return nil
	}
	return b[data+start : data+int(end)]
}

// eseTagged finds a tagged column. One that is stored apart or compressed is not read.
func eseTagged(b []byte, id uint16, large bool) []byte {
	mask := 0x3fff
	if large {
		mask = 0x7fff
	}
	if len(b) < 4 {
		return nil
	}
	count := int(binary.LittleEndian.Uint16(b[2:])) & mask / 4
	for i := 0; i < count && 4*i+4 <= len(b); i++ {
		if binary.LittleEndian.Uint16(b[4*i:]) != id {
			continue
		}
		raw := int(binary.LittleEndian.Uint16(b[4*i+2:]))
		from, to := raw&mask, len(b)
		if i+1 < count && 4*i+8 <= len(b) {
			to = int(binary.LittleEndian.Uint16(b[4*i+6:])) & mask
		}
		if from > to || to > len(b) {
			return nil
		}
		v := b[from:to]
		if large || raw&0x4000 != 0 {
			const apart, packed, several = 0x4, 0x2, 0x8 | 0x10
			if len(v) == 0 || v[0]&(apart|packed|several) != 0 {
				return nil
			}
			v = v[1:]
		}
		return v
	}
	return nil
}

// integer is a fixed column's value, 0 if it has none.
func (r *eseRow) integer(i int) (n uint64) {
	for at := min(len(r.values[i]), 8) - 1; at >= 0; at-- {
		n = n<<8 | uint64(r.values[i][at])
	}
	return n
}

// text is a column of the catalog as text: ASCII, or UTF-16 in later versions.
func (r *eseRow) text(i int) string {
	b := r.values[i]
	if len(b) >= 4 && b[1] == 0 && b[3] == 0 {
		u := make([]uint16, len(b)/2)
		for k := range u {
			u[k] = binary.LittleEndian.Uint16(b[2*k:])
		}
		return string(utf16.Decode(u))
	}
	return strings.ToValidUTF8(string(b), "\ufffd")
}
