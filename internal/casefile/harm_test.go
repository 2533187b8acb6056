package casefile

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"wardround/internal/event"
	"wardround/internal/patient"
	"wardround/internal/report"
)

// noiseOf is what encryption leaves.
func noiseOf(seed uint64, n int) []byte {
	b, source := make([]byte, n), rand.New(rand.NewPCG(seed, 7))
	for i := range b {
		b[i] = byte(source.Uint32())
	}
	return b
}

// patientsOf is a table of patients from one to another.
func patientsOf(from, to int) []byte {
	var b bytes.Buffer
	b.WriteString("UHID,Patient Name,Date of Birth,Diagnosis\n")
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "SECRET%06d,Hidden Person%s,%02d/03/1971,E11.9\n", i, strings.Repeat("a", i%7+1), i%28+1)
	}
	return b.Bytes()
}

// collected packs files of a server as a collector does, which keeps their times.
func collected(t *testing.T, server string, files map[string][]byte, changed time.Time) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for n := range files {
			if !yield(n) {
				return
			}
		}
	}) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: changed})
		if err == nil {
			_, err = w.Write(files[name])
		}
		if err != nil {
			t.Fatal(err)
		}
		changed = changed.Add(20 * time.Second)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), server+".zip")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestReasonsNameFindings: what a reader's mark says of a file names a finding that findings.jsonl holds.
func TestReasonsNameFindings(t *testing.T) {
	note := "!!! Your files are encrypted !!!\n\nAll your files are protected by strong encryption with RSA-2048. There is no public decryption software.\n" +
		"What is the price? It depends on how fast you write to us: 50 Bitcoin on the first day.\nOur contacts: help-one@mail.example or HELP-TWO@mail.example\n"
	dir := filepath.Join(t.TempDir(), "case")
	mustExamine(t, testOptions(t, dir, collected(t, "DB1", map[string][]byte{"C/data/HOW TO RESTORE FILES.txt": []byte(note)}, dayOne)))
	out := results(t, dir)
	ids := regexp.MustCompile(`"finding ([^"]*)"`).FindAllStringSubmatch(out[damageFile], -1)
	if len(ids) == 0 {
		t.Fatalf("no reason names a finding: %s\n%s", out[damageFile], out["findings.jsonl"])
	}
	for _, id := range ids {
		if !strings.Contains(out["findings.jsonl"], `{"id":"`+id[1]+`"`) {
			t.Errorf("there is no finding %q", id[1])
		}
	}
}

// TestExamineLooks: examine alone says what was done to the files of a collection and whose data they hold, the same at once or in parts; a scan of a
// tree is added, counted with it, and shown before and after the next verdicts. No value is written anywhere.
func TestExamineLooks(t *testing.T) {
	at := time.Date(2022, 11, 23, 1, 44, 0, 0, time.UTC)
	files := map[string][]byte{"C/data/patients.csv": patientsOf(0, 120), "C/data/readme.txt": []byte("ward 4, bed 12\nward 5, bed 1\n")}
	for i := range 12 {
		files[fmt.Sprintf("C/data/visit_%02d.docx.bak9", i)] = noiseOf(uint64(i), 20_000)
	}
	one, two := collected(t, "DB1", files, at), collected(t, "APP1", map[string][]byte{"C/data/ipd.csv": patientsOf(100, 150)}, at)
	dir := filepath.Join(t.TempDir(), "case")
	mustExamine(t, testOptions(t, dir, one, two))
	want := results(t, dir)
	d := dataOf(t, dir)
	h, held := d.Harm[slices.IndexFunc(d.Harm, func(h event.Harm) bool { return h.Server == "DB1" })], d.Held[slices.IndexFunc(d.Held, func(h event.Held) bool { return h.Server == "DB1" })]
	if h.Hurt() != 12 || h.Files != 14 || h.Burst == nil || h.Burst.From < event.At(at) || h.Burst.To > event.At(at.Add(5*time.Minute)) || h.How != "not known" || h.Says == "" {
		t.Errorf("%+v, burst %+v", h, h.Burst)
	}
	if held.People == nil || *held.People != 120 || !held.Exact || held.Files != 1 || d.People == nil || *d.People != 150 {
		t.Errorf("%+v, over all %v", held, d.People)
	}
	var v event.Verdicts
	if err := json.Unmarshal([]byte(want[verdictsFile]), &v); err != nil {
		t.Fatal(err)
	}
	for _, s := range v.Servers {
		if s.Server == "DB1" && (s.Verdict != event.Suspected || !slices.Contains(s.Flags, "affected") || !slices.Contains(s.Flags, "patient data")) {
			t.Errorf("%s, %v: content alone proves no process", s.Verdict, s.Flags)
		}
	}
	for _, says := range []string{"What was done to the data", "12 encrypted", "Whose data was there", "120 people", "150 people"} {
		if !strings.Contains(want[reportFile], says) {
			t.Errorf("the report lacks %q", says)
		}
	}
	noValue(t, dir)

	parts := filepath.Join(t.TempDir(), "case")
	mustExamine(t, testOptions(t, parts, two))
	o := testOptions(t, parts, one)
	mustExamine(t, o)
	sameResults(t, "in parts", results(t, parts), want)
	o.Collections = nil
	mustExamine(t, o)
	sameResults(t, "judged again", results(t, parts), want)

	tree := filepath.Join(t.TempDir(), "DB1", "share")
	if err := os.MkdirAll(tree, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"wiped.docx": make([]byte, 5000), "more.csv": patientsOf(110, 130)} {
		if err := os.WriteFile(filepath.Join(tree, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the second scan replaces the first
		if _, err := Damage(context.Background(), DamageOptions{Roots: []string{tree}, Case: dir}); err != nil {
			t.Fatal(err)
		}
		if _, err := FindPatients(context.Background(), dir, "", []string{tree}, patient.Options{}, func(patient.File) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if err := Render(dir, "html"); err != nil {
		t.Fatal(err)
	}
	if page := results(t, dir)[reportFile]; !strings.Contains(page, "scanned after the verdicts") {
		t.Error("the report does not show what was scanned since")
	}
	o = testOptions(t, dir)
	mustExamine(t, o)
	d = dataOf(t, dir)
	for _, h := range d.Harm {
		if h.Server == "DB1" && (h.Hurt() != 13 || h.Files != 16 || len(h.Roots) != 1) {
			t.Errorf("with the tree: %+v", h)
		}
	}
	for _, h := range d.Held {
		if h.Server == "DB1" && (*h.People != 130 || !h.Exact || h.Files != 2) {
			t.Errorf("with the tree: %+v, %d people", h, *h.People)
		}
	}
	got := results(t, dir)
	if strings.Contains(got[reportFile], "scanned after") || strings.Count(got[damageFile], "wiped.docx") != 1 || strings.Count(got[patientFile], "more.csv") != 1 || strings.Count(got[patientFile], "\n") != 3 {
		t.Errorf("%s%s", got[damageFile], got[patientFile])
	}
	noValue(t, dir)
	sum, err := Damage(context.Background(), DamageOptions{Case: dir})
	if err != nil || sum.Files != 13 || len(sum.Servers) != 1 || sum.Servers[0].Files != 13 {
		t.Errorf("%+v, %v", sum, err)
	}
}

// TestFilesWithoutLogs: of a server of which nothing but files was collected it is said what was done to them, and that nobody knows by whom.
func TestFilesWithoutLogs(t *testing.T) {
	files := map[string][]byte{}
	for i := range 9 {
		files[fmt.Sprintf("D/data/%d.xlsx", i)] = noiseOf(uint64(i), 9000)
	}
	dir := filepath.Join(t.TempDir(), "case")
	o := testOptions(t, dir, collected(t, "NOBODY7", files, time.Time{}))
	o.Inventory = ""
	mustExamine(t, o)
	d := dataOf(t, dir)
	if len(d.Harm) != 1 || d.Harm[0].Hurt() != 9 || d.Harm[0].Burst != nil || d.Harm[0].WhyNoBurst == nil || !strings.Contains(d.Harm[0].Says, "not known") {
		t.Fatalf("%+v", d.Harm)
	}
	if strings.Contains(results(t, dir)[damageFile], "--server") {
		t.Error("it asks for the name of a server that it names")
	}
}

func dataOf(t *testing.T, dir string) *caseData {
	t.Helper()
	d, err := readData(dir)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// noValue looks for values of patients in everything that a case holds, the cache included, and on the terminal.
func noValue(t *testing.T, dir string) {
	t.Helper()
	var screen bytes.Buffer
	if err := Text(dir, &screen, report.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	texts := map[string][]byte{"the terminal": screen.Bytes()}
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			texts[p], err = os.ReadFile(p)
		}
		return err
	})
	if err != nil || len(texts) < 12 {
		t.Fatal(len(texts), err)
	}
	for name, b := range texts {
		for _, value := range []string{"SECRET0", "Hidden Person", "SECRET"} {
			if bytes.Contains(b, []byte(value)) {
				t.Errorf("%s holds %q", name, value)
			}
		}
	}
}
