package patient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var testKey = bytes.Repeat([]byte{7}, 32)

// scanFolder scans a folder and returns what is found by name.
func scanFolder(t testing.TB, dir string, o Options) (map[string]File, *Summary) {
	t.Helper()
	o.Key = testKey
	found := map[string]File{}
	sum, err := Scan(context.Background(), []string{dir}, o, func(f File) error {
		rel, _ := filepath.Rel(dir, f.Path)
		found[filepath.ToSlash(rel)] = f
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found, sum
}

func write(t testing.TB, dir, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestEveryFormat plants one patient in every format: each file is found, as what it is, with as many people.
func TestEveryFormat(t *testing.T) {
	dir := t.TempDir()
	list := samples(t)
	list = append(list, archives(list[0].content)...)
	for _, s := range list {
		write(t, dir, s.name, s.content)
	}
	found, sum := scanFolder(t, dir, Options{})
	for _, s := range list {
		var f File
		for name, x := range found {
			if name == s.name || strings.HasPrefix(name, s.name+"!/") {
				f = x
			}
		}
		switch {
		case f.Format != s.format:
			t.Errorf("%s: found as %q, want %q", s.name, f.Format, s.format)
		case s.people == 0 && f.People != nil:
			t.Errorf("%s: %d people, want not known", s.name, *f.People)
		case s.people > 0 && (f.People == nil || *f.People != s.people):
			t.Errorf("%s: people %v, want %d", s.name, f.People, s.people)
		}
	}
	// One planted, the second row of ris.sql, and 60 that are the same in the two databases: of these each has the UHID of one.
	if sum.People != 62 || !sum.Exact {
		t.Errorf("%d people over all, want 62", sum.People)
	}
}

// TestNoValueComesOut looks for every planted value in everything that a scan gives.
func TestNoValueComesOut(t *testing.T) {
	dir := t.TempDir()
	list := samples(t)
	list = append(list, archives(list[0].content)...)
	for i, s := range list {
		write(t, dir, s.name, s.content)
		// Broken ones may end up in reasons and problems.
		write(t, dir, fmt.Sprintf("cut%d-%s", i, s.name), s.content[:len(s.content)*2/3])
	}
	found, sum := scanFolder(t, dir, Options{Config: Config{HospitalNumbers: []string{`WRTEST\d{6}`}}})
	var out bytes.Buffer
	for _, f := range found {
		if err := json.NewEncoder(&out).Encode(f); err != nil {
			t.Fatal(err)
		}
	}
	sum.Print(&out)
	if len(found) < len(list) {
		t.Fatalf("%d files found of %d", len(found), len(list))
	}
	low := strings.ToLower(out.String())
	for _, v := range planted {
		if i := strings.Index(low, strings.ToLower(v)); i >= 0 {
			t.Errorf("a planted value comes out: …%s…", low[max(0, i-80):min(len(low), i+40)])
		}
	}
	if !strings.Contains(low, "xxxx xxxx 7737") {
		t.Error("no masked sample of the planted number: the test would not see a leak")
	}
}

func TestNotPatients(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"words.txt":       "570350807737 is a number, and 202211231230 a time\n",
		"definition.json": `{"resourceType":"StructureDefinition","id":"Patient","name":"Patient","differential":{"element":[{"id":"Patient.name","path":"Patient.name"}]}}`,
		"valueset.json":   `{"resourceType":"ValueSet","name":"gender","compose":{"include":[{"concept":[{"code":"male"}]}]}}`,
		"staff.csv":       "employee,department,salary\nA1,IT,100\nA2,OT,200\n",
		"parts.csv":       "sku,code,price\nABCPZ4821K,A41,12\nKLM9338203,B12,13\n",
		"time.csv":        "timestamp,value\n202211231230,1\n202211231240,2\n",
		"code.py":         "def patient(name: str, age: int):\n    patient_name = name\n    return {'diagnosis': None}\n",
		"readme.md":       "The PID segment holds Patient Name and MRN. MSH is the header.\n",
		"package.json":    `{"name":"x","author":{"name":"A B","email":"a@b.c"},"version":"1.2.3"}`,
		"audit.json":      `[{"test_name":"x","process":{"pid":"1234","name":"sshd"}},{"test_name":"y","process":{"pid":"99","name":"cron"}}]`,
		"contact.vcf":     "BEGIN:VCARD\nFN:A B\nTEL:9870012399\nEND:VCARD\n",
		"query.sql":       "CREATE TABLE wards (id int, name varchar(9));\nINSERT INTO wards VALUES (1,'W1');\n",
	} {
		write(t, dir, name, []byte(content))
	}
	found, sum := scanFolder(t, dir, Options{})
	for name, f := range found {
		t.Errorf("%s: %v %v", name, f.Confidence, f.Reasons)
	}
	if sum.Read != 12 {
		t.Errorf("%d files read, want 12", sum.Read)
	}
}

// TestPlantedPeople counts 200,000 people exactly that lie in several files, known there by different numbers.
func TestPlantedPeople(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 40 MB")
	}
	const n = 200_000
	dir := t.TempDir()
	var all, visits, dump, names bytes.Buffer
	all.WriteString("uhid,patient_name,dob,sex,abha\n")
	visits.WriteString("visit_id,uhid,ward,diagnosis\n")
	dump.WriteString("CREATE TABLE patients (id int, abha varchar(14), dob date);\nINSERT INTO patients VALUES ")
	names.WriteString("patient_name,dob,sex,mobile\n")
	for i := range n {
		name, birth := fmt.Sprintf("Given%d Family%d", i%977, i%1999), fmt.Sprintf("19%02d-%02d-%02d", i%90+10, i%12+1, i%28+1)
		fmt.Fprintf(&all, "H%07d,%s,%s,M,91%012d\n", i, name, birth, i+1)
		if i%3 == 0 {
			fmt.Fprintf(&visits, "%d,h %07d,W%d,A%02d\n", i, i, i%9, i%90)
		}
		if i%5 == 0 {
			fmt.Fprintf(&dump, "(%d,'91%012d','%s'),", i, i+1, birth)
		}
		if i%7 == 0 {
			fmt.Fprintf(&names, "%s,%s,Male,98%08d\n", name, birth, i)
		}
	}
	dump.WriteString("(0,'','');\n")
	write(t, dir, "a.csv", all.Bytes())
	write(t, dir, "b.csv", visits.Bytes())
	write(t, dir, "c.sql", dump.Bytes())
	write(t, dir, "d.csv", names.Bytes())
	for _, workers := range []int{1, 4} {
		_, sum := scanFolder(t, dir, Options{Workers: workers})
		if sum.People != n || !sum.Exact || sum.Held != 4 {
			t.Errorf("%d workers: %d people in %d files, want %d in 4", workers, sum.People, sum.Held, n)
		}
	}
}

// TestCodes tells a column of codes for what it is, beside patients only.
func TestCodes(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.csv", []byte("uhid,code\nA10001,E11.65\nA10002,J45\nA10003,I10\n"))
	write(t, dir, "b.csv", []byte("part,code\nA10001,E11.65\nA10002,J45\nA10003,I10\n"))
	found, _ := scanFolder(t, dir, Options{})
	if f, ok := found["a.csv"]; !ok || f.Identifiers["diagnosis"] != 3 || len(found) != 1 {
		t.Errorf("found %v", found)
	}
}

func TestConfig(t *testing.T) {
	if _, err := ReadConfig(strings.NewReader(`{"hospital_numbers":["("]}`)); err == nil {
		t.Error("a broken expression is taken")
	}
	if _, err := ReadConfig(strings.NewReader(`{"hospital_numbers":[".*"]}`)); err == nil {
		t.Error("an expression that fits everything is taken")
	}
	dir := t.TempDir()
	write(t, dir, "list.csv", []byte("ref,when\nHX-00123,2022\nHX-00124,2022\n"))
	write(t, dir, "note.txt", []byte("bed 4: HX-00125 stable\n"))
	if found, _ := scanFolder(t, dir, Options{}); len(found) != 0 {
		t.Errorf("without configuration %d files are found", len(found))
	}
	found, sum := scanFolder(t, dir, Options{Config: Config{HospitalNumbers: []string{`HX-\d{5}`}}})
	if len(found) != 2 || sum.People != 3 {
		t.Errorf("%d files with %d people, want 2 with 3", len(found), sum.People)
	}
}
