package patient

import (
	"archive/tar"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// gzipped packs text that repeats.
func gzipped(text string, times int) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, flate.BestCompression)
	for range times {
		io.WriteString(z, text)
	}
	z.Close()
	return b.Bytes()
}

// TestHostile scans files made to cost as much as they can. Each costs itself: the file of a patient beside them is found, and memory stays
// within the bounds that docs/design/patient.md states.
func TestHostile(t *testing.T) {
	dir := t.TempDir()
	line := strings.Repeat("a,", 4000) + "\n"
	nest := zipped("note.txt", "UHID: 12345\n")
	for range 12 {
		nest = zipped("inner.zip", string(nest))
	}
	var sparse bytes.Buffer
	tw := tar.NewWriter(&sparse)
	tw.WriteHeader(&tar.Header{Name: "short", Size: 1 << 40, Mode: 0o600})
	tw.Write([]byte("uhid,name\n"))
	deepSet := append(make([]byte, 128), "DICM"...)
	for range 100_000 {
		deepSet = append(deepSet, 0x08, 0, 0x15, 0x11, 'S', 'Q', 0, 0, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0, 0xe0, 0xff, 0xff, 0xff, 0xff)
	}
	lie := append(make([]byte, 128), "DICM\x10\x00\x10\x00PN\xff\xff\x10\x00\x20\x00UT\x00\x00\xfe\xff\xff\xffA"...)
	loop := make([]byte, 4096*4)
	copy(loop, "SQLite format 3\x00\x10\x00")
	binary.BigEndian.PutUint32(loop[56:], 1)
	for i, at := range []int{100, 4096, 8192} {
		loop[at] = 5
		binary.BigEndian.PutUint16(loop[at+3:], 200)
		binary.BigEndian.PutUint32(loop[at+8:], uint32(i%3+1))
	}
	var pages strings.Builder
	pages.WriteString("%PDF-1.4\n1 0 obj << /Type /Font /Parent 1 0 R /Resources 1 0 R /Font 1 0 R /Length 4000000 >>\nstream\n" + strings.Repeat("(x) Tj ", 100_000) + "\nendstream\n")
	for i := range 5_000 {
		fmt.Fprintf(&pages, "%d 0 obj << /Type /Page /Parent %d 0 R /Contents [%s] >>\n", i+2, i+2, strings.Repeat("1 0 R ", 50))
	}
	strings97 := slices.Concat(biffRecord(0x0809, uint16(0x0600), uint16(5), make([]byte, 12)), biffRecord(0x00fc, ^uint32(0), ^uint32(0), uint16(0xffff), uint8(0xd), uint16(0xffff), ^uint32(0), "x"))
	for range 200 {
		strings97 = append(strings97, biffRecord(0x003c, bytes.Repeat([]byte{0, 0, 0}, 2000))...)
	}
	chained := compound("Workbook", make([]byte, 40<<10))
	for i := range 80 {
		binary.LittleEndian.PutUint32(chained[512+12+4*i:], 3) // each sector of the stream is followed by its first
	}
	binary.LittleEndian.PutUint32(chained[1024+128+120:], ^uint32(0))
	for name, b := range map[string][]byte{
		"strings.xls":  compound("Workbook", strings97[:60<<10]),
		"loop.xls":     chained,
		"nest.eml":     []byte(strings.Repeat("From: a\nMIME-Version: 1.0\nContent-Type: x\nContent-Transfer-Encoding: quoted-printable\n\n", 20_000)),
		"wide.dbf":     append([]byte("\x03\x7a\x0b\x17\xff\xff\xff\xff\xff\xff\xff\xff"), bytes.Repeat([]byte("A\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00C\x00\x00\x00\x00\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), 4000)...),
		"rows.html":    []byte("<html><table>" + strings.Repeat("<tr><td>a<td>b<table>", 100_000)),
		"bomb.csv.gz":  gzipped(line, 1000),
		"bomb.json.gz": gzipped(strings.Repeat(`{"a":[`, 1000), 500),
		"bomb.xml.gz":  gzipped(strings.Repeat("<a b='c'>", 1000), 400),
		"bomb.sql.gz":  gzipped("INSERT INTO t VALUES ((((((((((", 100_000),
		"string.json":  []byte(`{"a":"` + strings.Repeat("x", 4<<20)),
		"quote.csv":    []byte("a,b\n\"" + strings.Repeat("x,\n", 1<<20)),
		"tag.xml":      []byte("<?xml version='1.0'?><a " + strings.Repeat("b='", 1<<20)),
		"colons.txt":   bytes.Repeat([]byte(strings.Repeat(":a", 2000)+"\n"), 200),
		"digits.txt":   bytes.Repeat([]byte(strings.Repeat("2 ", 16000)+"\n"), 200),
		"deep.zip":     nest,
		"sparse.tar":   sparse.Bytes(),
		"deep.dcm":     deepSet,
		"lie.dcm":      lie,
		"loop.db":      loop,
		"loop.pdf":     []byte(pages.String()),
		"toc.dump":     append([]byte("PGDMP\x01\x0e\x00\x04\x08\x01"), bytes.Repeat([]byte{0, 0xff, 0xff, 0xff, 0x7f}, 100)...),
		"segments.hl7": []byte("MSH|^~\\&|" + strings.Repeat("|", 1<<20) + "\rPID" + strings.Repeat("|~^", 1<<20)),
		"z-true.csv":   []byte("UHID,Patient Name,DOB\nWR-10001,Rama Q,1970-01-02\n"),
	} {
		write(t, dir, name, b)
	}
	stop, peak := make(chan bool), make(chan uint64)
	go func() {
		var m runtime.MemStats
		for most := uint64(0); ; {
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
			select {
			case <-stop:
				peak <- most
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	found, sum := scanFolder(t, dir, Options{Workers: 2})
	close(stop)
	if _, ok := found["z-true.csv"]; !ok {
		t.Error("the patient beside hostile files is not found")
	}
	for _, p := range sum.Problems {
		if strings.Contains(p.Why, "a fault of this program") {
			t.Errorf("%s: %s", p.Path, p.Why)
		}
	}
	if held := <-peak; held > 700<<20 {
		t.Errorf("%d MB were taken", held>>20)
	} else {
		t.Logf("at most %d MB were in use; %d problems told", held>>20, len(sum.Problems))
	}
}
