package patient

import (
	"bytes"
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// longDigits is what no output may hold: more digits in a row than a mask leaves.
var longDigits = regexp.MustCompile(`\d{5,}`)

// fuzzed runs one reader over bytes, without the guard that a scan has.
func fuzzed(f *testing.F, path string, formats []string, read func(*worker, *content, *tally)) {
	for _, s := range samples(f) {
		for _, want := range formats {
			if s.format == want {
				f.Add(s.content)
				f.Add(s.content[:len(s.content)/2])
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &run{o: Options{Key: testKey, Limits: Limits{4, 100, 64 << 20, 1100}}, people: newPeople(exactKeys), groups: map[group]*holding{}}
		if err := r.o.compile(); err != nil {
			t.Fatal(err)
		}
		w := &worker{run: r, ctx: context.Background(), hasher: newHasher(testKey), budget: budget{limits: r.o.Limits, packed: int64(len(b))}}
		tl := newTally(w.hasher, "x", func(string, []key) {})
		read(w, newContent(path, bytes.NewReader(b), bytes.NewReader(b), int64(len(b)), w.ctx), tl)
		file := tl.file("x")
		if file == nil {
			return
		}
		for _, s := range file.Samples {
			if longDigits.MatchString(s.Masked) || len(s.Masked) > 80 {
				t.Errorf("sample %q", s.Masked)
			}
		}
		if out, err := json.Marshal(file); err != nil || strings.Count(string(out), "\n") > 0 {
			t.Errorf("marshal: %v", err)
		}
	})
}

func FuzzText(f *testing.F)   { fuzzed(f, "x.txt", []string{"text"}, readText) }
func FuzzHL7(f *testing.F)    { fuzzed(f, "x.hl7", []string{"hl7", "text"}, readText) }
func FuzzJSON(f *testing.F)   { fuzzed(f, "x.json", []string{"json", "fhir json"}, readJSON) }
func FuzzXML(f *testing.F)    { fuzzed(f, "x.xml", []string{"fhir xml", "cda", "html"}, readXML) }
func FuzzCSV(f *testing.F)    { fuzzed(f, "x.csv", []string{"csv"}, readCSV) }
func FuzzSQL(f *testing.F)    { fuzzed(f, "x.sql", []string{"sql dump"}, readSQL) }
func FuzzPGDump(f *testing.F) { fuzzed(f, "x.dump", []string{"pg_dump"}, readPGDump) }
func FuzzSQLite(f *testing.F) { fuzzed(f, "x.db", []string{"sqlite"}, readSQLite) }
func FuzzDICOM(f *testing.F)  { fuzzed(f, "x.dcm", []string{"dicom"}, readDICOM) }
func FuzzPDF(f *testing.F)    { fuzzed(f, "x.pdf", []string{"pdf"}, readPDF) }
func FuzzOffice(f *testing.F) { fuzzed(f, "x.doc", []string{"office 97"}, readOLE) }
func FuzzXLS(f *testing.F) {
	fuzzed(f, "x.xls", []string{"xls"}, func(w *worker, c *content, _ *tally) { w.examine(c, 0) })
}
func FuzzDBF(f *testing.F)      { fuzzed(f, "x.dbf", []string{"dbf"}, readDBF) }
func FuzzHTML(f *testing.F)     { fuzzed(f, "x.html", []string{"html"}, readXML) }
func FuzzMail(f *testing.F)     { fuzzed(f, "x.eml", []string{"mail"}, readMail) }
func FuzzRTF(f *testing.F)      { fuzzed(f, "x.rtf", []string{"rtf"}, readRTF) }
func FuzzDatabase(f *testing.F) { fuzzed(f, "x.ibd", []string{"mysql table"}, readDatabase) }

func FuzzPostgres(f *testing.F) {
	f.Add(make([]byte, 2*pgPage))
	fuzzed(f, "base/1/1259", nil, readPostgresData)
}

// FuzzArchive lets the whole of examine loose on archives and documents inside archives.
func FuzzArchive(f *testing.F) {
	for _, s := range archives([]byte("uhid,name\nA123,Rama\n")) {
		f.Add(s.content)
	}
	fuzzed(f, "x.zip", []string{"xlsx", "ods", "docx"}, func(w *worker, c *content, _ *tally) { w.examine(c, 0) })
}

// FuzzContent lets the whole of examine loose on anything.
func FuzzContent(f *testing.F) {
	fuzzed(f, "x", []string{"dicom", "text", "csv", "pdf", "json", "cda"}, func(w *worker, c *content, _ *tally) { w.examine(c, 0) })
}
