package patient

import (
	"bytes"
	"encoding/binary"
	"io"
	"path"
	"slices"
	"strings"
)

// Files of database servers are recognised and not parsed. What can be told without parsing is told: names of tables that speak of patients,
// from the file's own name or as plain words inside it. How many people they hold is not known, and so People is null.

func isMSSQLData(head []byte, p string) bool {
	// Page 0 of a data file: header version 1, type 15 (file header), page id 0.
	return len(head) >= 96 && head[0] == 1 && head[1] == 15 && suffix(p, ".mdf", ".ndf") && binary.LittleEndian.Uint32(head[32:]) == 0
}

func isMSSQLBackup(head []byte, p string) bool {
	return has(head, "TAPE\x00\x00") || has(head, "MSSQLBAK")
}

// isMySQLTable tells a tablespace of InnoDB, of one table or of all, by its first page: type 8 (file space header) at 24, page number 0. The rows of
// MyISAM and Aria begin with nothing of their own, and are told by their name.
func isMySQLTable(head []byte, p string) bool {
	if suffix(p, ".myd", ".mad") {
		return len(head) > 0 && head[0] <= 0x0f && bytes.IndexByte(head, 0) >= 0
	}
	return (suffix(p, ".ibd") || strings.HasPrefix(base(p), "ibdata")) && len(head) >= 38 && binary.BigEndian.Uint32(head[4:]) == 0 && binary.BigEndian.Uint16(head[24:]) == 8
}

func isMySQLDefinition(head []byte, p string) bool { return suffix(p, ".frm") && has(head, "\xfe\x01") }

func isAccess(head []byte, _ string) bool {
	return has(head, "\x00\x01\x00\x00Standard Jet DB\x00") || has(head, "\x00\x01\x00\x00Standard ACE DB\x00")
}

func isOracleExport(head []byte, _ string) bool {
	return len(head) > 16 && (bytes.Contains(head[:16], []byte("EXPORT:V")) || bytes.Contains(head[:min(len(head), 256)], []byte("SYS_EXPORT_")))
}

// isOracleData tells a data file by its block size and the type of its first block (0xa2 in byte 1 after 0x00, magic "}|{z" at 28).
func isOracleData(head []byte, _ string) bool {
	return len(head) >= 32 && head[0] == 0 && head[1] == 0xa2 && string(head[28:32]) == "}|{z"
}

// isMailStore tells a store of Outlook ([MS-PST]): .pst, .ost and .pab.
func isMailStore(head []byte, _ string) bool {
	return len(head) >= 12 && has(head, "!BDN") && (string(head[8:10]) == "SM" || string(head[8:10]) == "SO" || string(head[8:10]) == "AB")
}

// readMailStore tells a store, and leaves it: its texts are coded, its attachments packed.
func readMailStore(w *worker, c *content, t *tally) {
	t.opaque = true
	t.note("a mail store, not read: export its messages, and scan these")
	t.sure(low, "a mail store of Outlook, not read: whether it holds data of patients is not known")
}

// searched is how much of a database file is searched for words.
const searched = 64 << 20

// words that names of tables and columns hold when they are about patients.
var telling = []string{"patient", "aadhaar", "aadhar", "uhid", "abha_", "diagnosis", "prescription", "ipd_", "opd_", "discharge", "admission", "bloodgroup", "blood_group", "icd10"}

func readDatabase(w *worker, c *content, t *tally) {
	t.opaque = true
	found := wordsIn(c.r, tableName(c.path))
	if len(found) > 0 {
		t.kinds.add(Document)
		t.sure(low, "database file, contents not parsed; names in it that speak of patients: "+strings.Join(found, ", "))
		return
	}
	t.sure(low, "database file, contents not parsed; no name in it that speaks of patients was found")
}

// wordsIn finds the telling words in a file, in one byte or two a letter, and in its name. Only words of the list are ever told.
func wordsIn(r io.Reader, name string) []string {
	found := map[string]bool{}
	for _, w := range telling {
		found[w] = strings.Contains(strings.ToLower(name), strings.TrimSuffix(w, "_"))
	}
	buf, keep := make([]byte, 256<<10), 0
	flat := make([]byte, 0, len(buf))
	for total := 0; total < searched; {
		n, err := r.Read(buf[keep:])
		total += n
		b := bytes.ToLower(buf[:keep+n])
		flat = flat[:0]
		for _, c := range b {
			if c != 0 {
				flat = append(flat, c)
			}
		}
		for _, w := range telling {
			if !found[w] {
				found[w] = bytes.Contains(flat, []byte(w))
			}
		}
		if err != nil || n == 0 {
			break
		}
		keep = copy(buf, buf[max(0, keep+n-64):keep+n])
	}
	var out []string
	for _, w := range telling {
		if found[w] {
			out = append(out, strings.TrimSuffix(w, "_"))
		}
	}
	return out
}

// isPostgresData tells the heap of a table in a data directory of PostgreSQL: base/<database>/<number>, pages of 8 KB whose layout is version 4.
func isPostgresData(head []byte, p string) bool {
	if len(head) < 24 || binary.LittleEndian.Uint16(head[18:]) != 0x2004 {
		return false
	}
	dir, file := path.Split(strings.ReplaceAll(p, "!/", "/"))
	parts := strings.Split(strings.Trim(dir, "/"), "/")
	n := len(parts)
	return digits(file) == len(file) && n >= 2 && digits(parts[n-1]) == len(parts[n-1]) && parts[n-2] == "base"
}

// pgClass is the number of the file of pg_class, the catalog of tables, as initdb leaves it; pgFirstUser the first that is no catalog's.
const (
	pgClass     = "1259"
	pgFirstUser = 16384
	pgPage      = 8192
)

// readPostgresData reads the names of tables from the catalog; other files hold rows that only the catalog explains, and are passed over.
func readPostgresData(w *worker, c *content, t *tally) {
	if base(c.path) != pgClass {
		return
	}
	t.opaque = true
	var names []string
	page := make([]byte, pgPage)
	for range 4096 {
		if _, err := io.ReadFull(c.r, page); err != nil {
			break
		}
		for _, n := range relations(page) {
			if len(names) < 1000 && !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	slices.Sort(names)
	var about []string
	for _, n := range names {
		if ofPatients(n) || slices.ContainsFunc(telling, func(w string) bool { return strings.Contains(strings.ToLower(n), strings.TrimSuffix(w, "_")) }) {
			about = append(about, n)
		}
	}
	switch {
	case len(about) > 0:
		t.kinds.add(Document)
		t.sure(low, "database directory, contents not parsed; tables that speak of patients: "+strings.Join(about[:min(len(about), 20)], ", "))
	case len(names) > 0:
		t.sure(low, "database directory, contents not parsed; no table's name speaks of patients")
	}
}

// relations are the names of users' tables in a page of pg_class: heap tuples (PostgreSQL documentation, chapter Database Page Layout) that begin with
// oid and relname; relkind r or p stands at 111 behind the start of the data.
func relations(page []byte) (names []string) {
	lower := int(binary.LittleEndian.Uint16(page[12:]))
	for at := 24; at+4 <= lower && at+4 <= len(page); at += 4 {
		item := binary.LittleEndian.Uint32(page[at:])
		off, length := int(item&0x7fff), int(item>>17)
		if item>>15&3 != 1 || off+length > len(page) || length < 24 {
			continue
		}
		tuple := page[off : off+length]
		data := int(tuple[22])
		if data+68 > len(tuple) {
			continue
		}
		from := data + 4
		if tuple[20]&8 != 0 && data >= 4 { // up to version 11 the oid stands before the columns
			from = data
		}
		oid, name := binary.LittleEndian.Uint32(tuple[from-4:]), nameIn(tuple[from:from+64])
		if oid >= pgFirstUser && name != "" && !strings.HasPrefix(name, "pg_") && !strings.HasSuffix(name, "_pkey") && !strings.HasSuffix(name, "_seq") {
			names = append(names, name)
		}
	}
	return names
}

// nameIn is a NameData of PostgreSQL: letters, digits and underscores, filled up with zeros; "" if it is none.
func nameIn(b []byte) string {
	i := bytes.IndexByte(b, 0)
	if i < 1 {
		return ""
	}
	for _, c := range b[:i] {
		if !alphanumeric(c) && c != '_' {
			return ""
		}
	}
	for _, c := range b[i:] {
		if c != 0 {
			return ""
		}
	}
	return string(b[:i])
}
