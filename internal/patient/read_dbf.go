package patient

import (
	"bytes"
	"encoding/binary"
	"io"
	"strconv"
)

// isDBF tells a table of dBase, FoxPro and Clipper: its version, the date of its last change, and a header whose fields fit its length.
func isDBF(head []byte, p string) bool {
	if len(head) < 65 || !suffix(p, ".dbf", "content") || bytes.IndexByte([]byte{0x02, 0x03, 0x04, 0x05, 0x30, 0x31, 0x32, 0x43, 0x63, 0x83, 0x8b, 0x8e, 0xcb, 0xf5, 0xfb}, head[0]) < 0 {
		return false
	}
	header, row := binary.LittleEndian.Uint16(head[8:]), binary.LittleEndian.Uint16(head[10:])
	return head[2] <= 12 && head[3] <= 31 && header >= 65 && row > 1
}

const dbfField = 32

// readDBF reads the rows of a table, those that are marked as deleted too: they are there.
func readDBF(w *worker, c *content, t *tally) {
	var h [dbfField]byte
	if _, err := io.ReadFull(c.r, h[:]); err != nil {
		t.note("it breaks off")
		return
	}
	header, row := int(binary.LittleEndian.Uint16(h[8:])), int(binary.LittleEndian.Uint16(h[10:]))
	if header < dbfField || row < 2 {
		return
	}
	list := make([]byte, header-dbfField)
	if _, err := io.ReadFull(c.r, list); err != nil {
		t.note("it breaks off")
		return
	}
	var headings []string
	var kinds []byte
	var lengths []int
	for ; len(list) >= dbfField && list[0] != '\r'; list = list[dbfField:] {
		name, _, _ := bytes.Cut(list[:11], []byte{0})
		headings, kinds, lengths = append(headings, decodeCharset("", name)), append(kinds, list[11]), append(lengths, int(list[16]))
	}
	b := newTable(t, &w.run.o, tableName(c.path), headings)
	record := make([]byte, row)
	cells := make([]string, 0, len(headings))
	for {
		if n, err := io.ReadFull(c.r, record); err != nil {
			if n > 1 && c.at != nil {
				t.note("it breaks off")
			}
			break
		}
		cells = cells[:0]
		at := 1 // behind the mark of deletion
		for i, n := range lengths {
			if at+n > len(record) {
				break
			}
			cells = append(cells, dbfCell(kinds[i], record[at:at+n]))
			at += n
		}
		b.row(cells)
	}
	b.end()
}

// dbfCell is a value: text, but for FoxPro's whole numbers. Memos lie in another file, and only their place stands here.
func dbfCell(kind byte, v []byte) string {
	switch {
	case kind == 'I' && len(v) == 4:
		return strconv.Itoa(int(int32(binary.LittleEndian.Uint32(v))))
	case kind == 'M' || kind == 'G' || kind == 'P' || kind == 'T' || kind == 'B' || kind == '0':
		return ""
	}
	return string(bytes.Trim(v, " \x00"))
}
