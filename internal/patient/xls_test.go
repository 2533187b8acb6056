package patient

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"
)

// biffRecord is a record of a workbook.
func biffRecord(id int, parts ...any) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		if s, ok := p.(string); ok {
			b.WriteString(s)
		} else {
			binary.Write(&b, binary.LittleEndian, p)
		}
	}
	out := binary.LittleEndian.AppendUint16(nil, uint16(id))
	return append(binary.LittleEndian.AppendUint16(out, uint16(b.Len())), b.Bytes()...)
}

// sheetsBIFF is a workbook of Excel 97 (8), 95 (5) or 3 whose second sheet is a register: a title, the heading, the row; numbers as every kind of number, a
// formula's text last, the rows in the wrong order.
func sheetsBIFF(version int, heading, row []string) []byte {
	begin := func(kind uint16) []byte {
		switch version {
		case 8:
			return biffRecord(0x0809, uint16(0x0600), kind, make([]byte, 12))
		case 5:
			return biffRecord(0x0809, uint16(0x0500), kind, make([]byte, 4))
		}
		return biffRecord(0x0209, uint16(0), kind, uint16(0))
	}
	var texts []string
	text := func(line, column int, v string) []byte {
		if version != 8 {
			return biffRecord(0x0204, uint16(line), uint16(column), uint16(0), uint16(len(v)), v)
		}
		texts = append(texts, v)
		return biffRecord(0x00fd, uint16(line), uint16(column), uint16(0), uint32(len(texts)-1))
	}
	var body []byte
	for j, v := range row {
		at := []any{uint16(3), uint16(j), uint16(0)}
		switch {
		case v == plantAadhaar:
			body = append(body, biffRecord(0x0203, append(at, math.Float64bits(570350807737))...)...)
		case v == plantICD:
			body = append(body, biffRecord(0x0006, append(at, uint32(0), uint16(0), uint16(0xffff), make([]byte, 8))...)...)
			if version == 8 {
				body = append(body, biffRecord(0x0207, uint16(len(v)), uint8(0), v)...)
			} else {
				body = append(body, biffRecord(0x0207, uint16(len(v)), v)...)
			}
		default:
			body = append(body, text(3, j, v)...)
		}
	}
	body = append(body, biffRecord(0x00bd, uint16(3), uint16(len(row)), uint16(0), uint32(77<<2|2), uint16(0), uint32(7700<<2|3), uint16(len(row)+1))...)
	body = append(body, begin(0x20)...) // a chart, and a copy in it
	body = append(body, biffRecord(0x0203, uint16(3), uint16(0), uint16(0), math.Float64bits(1))...)
	body = append(body, biffRecord(0x000a)...)
	for j, v := range heading {
		body = append(body, text(2, j, v)...)
	}
	body = append(body, text(0, 0, "IPD register")...)
	register := slices.Concat(begin(0x10), body, biffRecord(0x000a))
	if version == 3 {
		return register
	}
	empty := slices.Concat(begin(0x10), biffRecord(0x027e, uint16(0), uint16(0), uint16(0), uint32(4|2)), biffRecord(0x000a))
	first := slices.Concat(begin(5), biffRecord(0x0085, uint32(0), uint16(0), uint8(2), "\x00AB"))
	if version == 8 {
		first = append(first, sharedBIFF(texts)...)
	}
	return slices.Concat(first, biffRecord(0x000a), empty, register, make([]byte, 4096+3))
}

// sharedBIFF is a table of texts that breaks off in the middle of each and goes on two bytes a letter, with runs of formats and more behind some.
func sharedBIFF(texts []string) []byte {
	part := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, uint32(len(texts))), uint32(len(texts)))
	var out []byte
	id := 0x00fc
	for i, v := range texts {
		flags, behind := byte(0), ""
		part = binary.LittleEndian.AppendUint16(part, uint16(len(v)))
		if i%3 == 1 {
			flags, behind = 8|4, "runs"+"runs"+"extra"
			part = append(part, flags, 2, 0, 5, 0, 0, 0)
		} else {
			part = append(part, flags)
		}
		half := len(v) / 2
		out = append(out, biffRecord(id, append(part, v[:half]...))...)
		id, part = 0x003c, []byte{1}
		for _, c := range []byte(v[half:]) {
			part = append(part, c, 0)
		}
		part = append(part, behind...)
	}
	return append(out, biffRecord(id, part)...)
}

// compound is a compound file with one stream: short ones lie among the small.
func compound(name string, stream []byte) []byte {
	const sector = 512
	pad := func(b []byte, n int) []byte { return append(b, make([]byte, (n-len(b)%n)%n)...) }
	size, small := len(stream), len(stream) < 4096
	h := make([]byte, sector)
	copy(h, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
	for at, v := range map[int]uint16{24: 0x3e, 26: 3, 28: 0xfffe, 30: 9, 32: 6} {
		binary.LittleEndian.PutUint16(h[at:], v)
	}
	for i := range 109 {
		binary.LittleEndian.PutUint32(h[76+4*i:], 0xffffffff)
	}
	entry := func(name string, kind byte, start, size int) []byte {
		b := make([]byte, 128)
		copy(b, utf16LE(name)[2:])
		binary.LittleEndian.PutUint16(b[64:], uint16(2*len(name)+2))
		b[66] = kind
		binary.LittleEndian.PutUint32(b[116:], uint32(start))
		binary.LittleEndian.PutUint32(b[120:], uint32(size))
		return b
	}
	chain := func(from, n int) (b []byte) {
		for i := range n {
			next := uint32(from + i + 1)
			if i == n-1 {
				next = 0xfffffffe
			}
			b = binary.LittleEndian.AppendUint32(b, next)
		}
		return b
	}
	// Sectors: table, directory, table of small ones, stream.
	data := pad(slices.Clone(stream), sector)
	root, start := entry("Root Entry", 5, 0, 0), 3
	if small {
		root, start = entry("Root Entry", 5, 3, len(data)), 0
	}
	table := slices.Concat([]byte{0xfd, 0xff, 0xff, 0xff}, chain(1, 1), chain(2, 1), chain(3, len(data)/sector))
	for len(table) < sector {
		table = append(table, 0xff)
	}
	for at, v := range map[int]uint32{44: 1, 48: 1, 56: 4096, 60: 2, 64: 1, 68: 0xfffffffe, 76: 0} {
		binary.LittleEndian.PutUint32(h[at:], v)
	}
	units := (size + 63) / 64
	smalls := pad(chain(0, min(units, 128)), sector)
	return slices.Concat(h, table, pad(slices.Concat(root, entry(name, 2, start, size)), sector), smalls, data)
}

// TestWorkbook reads cells of every kind, in the order of their rows, from a compound file's large and small streams.
func TestWorkbook(t *testing.T) {
	row := []string{"A-1", "Quillanth Zorvane", plantAadhaar, plantICD}
	for _, version := range []int{8, 5} {
		for _, cut := range []int{0, 4099} {
			stream := sheetsBIFF(version, []string{"UHID", "Patient Name", "Aadhaar", "ICD"}, row)
			o, err := openOLE(bytes.NewReader(compound("Book", stream[:len(stream)-cut])), 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if _, err := got.ReadFrom(o.open("Book")); err != nil || !bytes.Equal(got.Bytes(), stream[:len(stream)-cut]) {
				t.Errorf("version %d: %d bytes, %v, want %d", version, got.Len(), err, len(stream)-cut)
			}
		}
	}
	for v, want := range map[uint32]string{77<<2 | 2: "77", 7700<<2 | 3: "77", 0x40534000: "77", 0x40534001: "0.77", 0xfffffffe: "-1"} {
		b := binary.LittleEndian.AppendUint32(nil, v)
		if got := xlsRK(b); got != want {
			t.Errorf("%#x is %q, want %q", v, got, want)
		}
	}
}

// TestEncryptedWorkbook says so, and reads nothing of it.
func TestEncryptedWorkbook(t *testing.T) {
	dir := t.TempDir()
	stream := slices.Concat(biffRecord(0x0809, uint16(0x0600), uint16(5), make([]byte, 12)), biffRecord(0x002f, make([]byte, 54)), []byte(strings.Repeat("UHID: 12345\n", 400)))
	write(t, dir, "a.xls", compound("Workbook", stream))
	write(t, dir, "b.xlsx", compound("EncryptedPackage", []byte(strings.Repeat("UHID: 12345\n", 400))))
	found, sum := scanFolder(t, dir, Options{})
	if len(found) != 0 || len(sum.Problems) != 2 || sum.Problems[0].Why != "an encrypted document" || sum.Problems[1].Why != "an encrypted document" {
		t.Errorf("%v, %v", found, sum.Problems)
	}
}
