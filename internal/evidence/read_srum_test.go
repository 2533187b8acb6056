package evidence

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// eseSample builds a database of pages of 4096 bytes, the smallest that the engine makes.
type eseSample struct{ file []byte }

func newESESample(pages int) *eseSample {
	s := &eseSample{make([]byte, 4096*(pages+2))}
	for _, h := range [][]byte{s.file, s.file[4096:]} {
		copy(h[4:], eseSignature)
		binary.LittleEndian.PutUint32(h[8:], 0x620)
		binary.LittleEndian.PutUint32(h[52:], 3)
		binary.LittleEndian.PutUint32(h[232:], 0x14)
		binary.LittleEndian.PutUint32(h[236:], 4096)
	}
	return s
}

// page writes a page whose entries have an empty key.
func (s *eseSample) page(number int, flags uint32, entries ...[]byte) {
	p := s.file[4096*(number+1):][:4096]
	binary.LittleEndian.PutUint32(p[36:], flags)
	binary.LittleEndian.PutUint16(p[34:], uint16(len(entries)+1))
	at := 0
	for i, e := range append([][]byte{nil}, entries...) {
		if i > 0 {
			e = append([]byte{0, 0}, e...)
		}
		copy(p[40+at:], e)
		binary.LittleEndian.PutUint16(p[4096-4*(i+1):], uint16(len(e)))
		binary.LittleEndian.PutUint16(p[4096-4*(i+1)+2:], uint16(at))
		at += len(e)
	}
}

// eseRecord writes a record: fixed columns, which all have values, a variable column 128, a tagged column 256.
func eseRecord(fixed []byte, count int, variable string, tagged []byte) []byte {
	nulls := make([]byte, (count+7)/8)
	r := []byte{byte(count), 127, 0, 0}
	r = append(append(r, fixed...), nulls...)
	binary.LittleEndian.PutUint16(r[2:], uint16(len(r)))
	if variable != "" {
		r[1] = 128
		r = append(binary.LittleEndian.AppendUint16(r, uint16(len(variable))), variable...)
	}
	if tagged != nil {
		r = binary.LittleEndian.AppendUint16(r, 256)
		r = append(binary.LittleEndian.AppendUint16(r, 4), tagged...)
	}
	return r
}

// catalogRow describes a table (kind 1: number is its first page) or a column (kind 2: number is its type).
func catalogRow(table uint32, kind uint16, id, number uint32, name string) []byte {
	var b []byte
	b = binary.LittleEndian.AppendUint32(b, table)
	b = binary.LittleEndian.AppendUint16(b, kind)
	b = binary.LittleEndian.AppendUint32(b, id)
	b = binary.LittleEndian.AppendUint32(b, number)
	return eseRecord(b, 4, name, nil)
}

func sampleSRUM() []byte {
	s := newESESample(9)
	network := srumTables[0].name
	s.page(4, esePageRoot|esePageLeaf,
		catalogRow(10, 1, 10, 6, srumIDTable), catalogRow(10, 2, 1, 2, "IdType"), catalogRow(10, 2, 2, 4, "IdIndex"), catalogRow(10, 2, 256, 11, "IdBlob"),
		catalogRow(11, 1, 11, 7, network), catalogRow(11, 2, 1, 4, "AutoIncId"), catalogRow(11, 2, 2, 8, "TimeStamp"), catalogRow(11, 2, 3, 4, "AppId"),
		catalogRow(11, 2, 4, 4, "UserId"), catalogRow(11, 2, 5, 15, "BytesSent"), catalogRow(11, 2, 6, 15, "BytesRecvd"), catalogRow(12, 1, 12, 9, "{something else}"))
	id := func(kind byte, index uint32, blob []byte) []byte {
		return eseRecord(binary.LittleEndian.AppendUint32([]byte{kind}, index), 2, "", blob)
	}
	s.page(6, esePageRoot|esePageLeaf, id(0, 7, wide(`\Device\HarddiskVolume3\ProgramData\rclone.exe`)), id(3, 8, []byte{1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0}))
	row := func(number uint32, day float64, app, user uint32, sent, received uint64) []byte {
		b := binary.LittleEndian.AppendUint32(nil, number)
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(day))
		b = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(b, app), user)
		return eseRecord(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(b, sent), received), 6, "", nil)
	}
	const night = 44888 + 1.0/24 // 2022-11-23 01:00
	s.page(7, esePageRoot|esePageBranch, []byte{8, 0, 0, 0}, []byte{9, 0, 0, 0})
	s.page(8, esePageLeaf, row(1, night, 7, 8, 98765432100, 1234))
	s.page(9, esePageLeaf, row(2, night+1.0/24, 9, 8, 1, 2))
	return s.file
}

func TestSRUM(t *testing.T) {
	rows, facts := readAll(t, readSRUM, "C/Windows/System32/sru/SRUDB.dat", sampleSRUM(), time.Time{})
	if len(rows) != 2 || len(facts.Damaged) > 0 || len(facts.Notes) > 0 {
		t.Fatalf("%d rows, damage %v, notes %q", len(rows), facts.Damaged, facts.Notes)
	}
	rows[0].want(t, "sent", "@=2022-11-23T01:00:00Z", "source=windows/srum network/", `Image=\Device\HarddiskVolume3\ProgramData\rclone.exe`, "User=S-1-5-18", "BytesSent=98765432100",
		"BytesReceived=1234", "AppId=7", "TimeStamp=2022-11-23T01:00:00Z")
	rows[1].want(t, "unknown program", "@=2022-11-23T02:00:00Z", "Image=", "AppId=9", "User=S-1-5-18", "RecordId=2")
	if rows[0].Number != 1 || rows[0].Offset != 9*4096 {
		t.Errorf("record %d at %d", rows[0].Number, rows[0].Offset)
	}
}

func TestDamagedSRUM(t *testing.T) {
	b := sampleSRUM()
	s := &eseSample{b}
	s.page(7, esePageRoot|esePageBranch, []byte{7, 0, 0, 0}, []byte{8, 0, 0, 0}, []byte{0xff, 0xff, 0, 0}) // a circle, a page that is not there
	binary.LittleEndian.PutUint16(b[9*4096+40+2+2:], 0xffff)                                               // a row that begins beyond itself
	binary.LittleEndian.PutUint32(b[52:], 2)
	rows, facts := readAll(t, readSRUM, "SRUDB.dat", b, time.Time{})
	var got []string
	for _, d := range facts.Damaged {
		got = append(got, fmt.Sprintf("%d %s", d.Offset/4096, d.Why))
	}
	want := "8 page of a table cannot be reached, 9 row makes no sense, 65536 page of a table cannot be reached"
	if len(rows) != 0 || strings.Join(got, ", ") != want || len(facts.Notes) != 1 {
		t.Errorf("%d rows, damage %s, notes %q", len(rows), strings.Join(got, ", "), facts.Notes)
	}
}

func FuzzSRUM(f *testing.F) {
	f.Add(sampleSRUM())
	f.Fuzz(func(t *testing.T, b []byte) {
		rows, facts := readAll(t, readSRUM, "SRUDB.dat", b, time.Time{})
		if uint64(len(rows)) != facts.Records {
			t.Error(len(rows), facts.Records)
		}
	})
}
