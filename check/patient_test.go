//go:build check

package check_test

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"wardround/internal/outside"
	"wardround/internal/patient"
)

// patientBars are the bars of patients' data, on what others made up.
var patientBars = []bar{
	{"patients: numbers judged as python-stdnum", patientNumbers},
	{"patients: DICOM files of pydicom", patientDICOM},
	{"patients: HL7 messages of hl7 and hl7apy", patientHL7},
	{"patients: files of Synthea", patientSynthea},
	{"patients: people of Synthea, over all formats", patientSyntheaPeople},
	{"patients: FHIR in programs of medplum", patientMedplum},
	{"patients: HL7's examples of FHIR R4", patientFHIR},
	{"patients: false alarms on a Linux system", patientFalse},
	{"patients: 200,000 planted people", patientPlanted},
	{"patients: planted values that come out", patientLeaks},
}

var samplesOnce sync.Once

// samplesDir fetches the samples of others, and returns the folder of one kind.
func samplesDir(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("WARDROUND_SAMPLES")
	if dir == "" {
		dir = filepath.Join(outside.Root(t), ".judges", "samples")
	}
	samplesOnce.Do(func() {
		if out, err := exec.Command(filepath.Join(outside.Root(t), "scripts", "samples.sh")).CombinedOutput(); err != nil || len(out) > 0 {
			t.Logf("samples: %v\n%s", err, out)
		}
	})
	if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
		t.Skipf("no samples %q: scripts/samples.sh could not fetch them", name)
	}
	return filepath.Join(dir, name)
}

// patientsIn are the files that wardround patient --json finds, by path.
func patientsIn(t testing.TB, paths ...string) map[string]patient.File {
	t.Helper()
	cmd := exec.Command(built(t), append([]string{"patient", "--json", "--quiet"}, paths...)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("patient: %v", err)
	}
	found := map[string]patient.File{}
	for line := range strings.Lines(string(out)) {
		var f patient.File
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatal(err)
		}
		found[f.Path] = f
	}
	return found
}

// recallOf counts which of the files that hold patients are found.
func recallOf(t testing.TB, hold []string, found map[string]patient.File, least int) reading {
	got := 0
	for _, p := range hold {
		if _, ok := found[p]; ok {
			got++
		} else {
			t.Errorf("%s is not found", p)
		}
	}
	share := 0.0
	if len(hold) > 0 {
		share = float64(got) / float64(len(hold))
	}
	return atLeast(share, 0.98, "by file").and(len(hold) >= least, "%d of %d files", got, len(hold))
}

func patientNumbers(t testing.TB) reading {
	samplesDir(t, "stdnum")
	says, ok := told(t, "patient", "TestNumbersJudged")
	n := figures(t, says, `(\d+) of (\d+) numbers are judged alike, (\d+) of them valid`)
	return allOf(n[0], n[1], 300_000).and(ok, "Aadhaar, PAN and EPIC, 100,000 each; %g valid", n[2])
}

// headersOf prints the files of a folder whose data set or directory names a patient, as pydicom reads them.
const headersOf = `
import logging, os, sys, warnings
warnings.simplefilter("ignore"); logging.disable(50)
sys.path.insert(0, sys.argv[1])
import pydicom
for root, _, names in os.walk(os.path.join(sys.argv[1], "pydicom", "data")):
    for name in names:
        path = os.path.join(root, name)
        try:
            ds = pydicom.dcmread(path, force=True, stop_before_pixels=True)
            told = str(ds.get("PatientName", "") or "") or str(ds.get("PatientID", "") or "") or any("PatientID" in r for r in ds.get("DirectoryRecordSequence", []))
        except Exception:
            continue
        if told:
            print(path)
`

func patientDICOM(t testing.TB) reading {
	dir := samplesDir(t, "pydicom")
	out, err := exec.Command("python3", "-c", headersOf, dir).Output()
	if err != nil {
		t.Skipf("no judge: pydicom does not run: %v", err)
	}
	return recallOf(t, strings.Fields(string(out)), patientsIn(t, dir), 155)
}

// messagesOf writes each string of Python files that is a message of HL7 with a PID segment into a file of its own.
const messagesOf = `
import ast, os, sys
n = 0
for root in sys.argv[2:]:
    for folder, _, names in os.walk(root):
        for name in names:
            if not name.endswith(".py"):
                continue
            try:
                tree = ast.parse(open(os.path.join(folder, name), encoding="utf-8").read())
            except Exception:
                continue
            env = {}
            for node in ast.walk(tree):
                value = None
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    value = node.value
                elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "join":
                    try:
                        value = ast.literal_eval(node.func.value).join(ast.literal_eval(node.args[0]))
                    except Exception:
                        pass
                if not value:
                    continue
                text = value.lstrip("\x0b\r\n ")
                if text[:3] in ("MSH", "FHS", "BHS") and text[3:4] == "|" and any(s.startswith("PID|") and (s.split("|") + [""] * 6)[5] + (s.split("|") + [""] * 4)[3] + (s.split("|") + [""] * 4)[2] for s in text.replace("\n", "\r").split("\r")):
                    n += 1
                    open(os.path.join(sys.argv[1], "%03d.hl7" % n), "wb").write(value.encode("utf-8"))
`

func patientHL7(t testing.TB) reading {
	dir := t.TempDir()
	if out, err := exec.Command("python3", "-c", messagesOf, dir, samplesDir(t, "hl7"), samplesDir(t, "hl7apy")).CombinedOutput(); err != nil {
		t.Skipf("no judge: python3: %v: %s", err, out)
	}
	return recallOf(t, below(t, dir, ".hl7"), patientsIn(t, dir), 30)
}

// patientSynthea asks for every bundle, document and table of Synthea that is about patients: of the tables those with a column of patients and a row.
func patientSynthea(t testing.TB) reading {
	dir := samplesDir(t, "synthea")
	var hold []string
	for _, f := range append(below(t, filepath.Join(dir, "fhir"), ".json"), below(t, filepath.Join(dir, "ccda"), ".xml")...) {
		if !strings.HasPrefix(filepath.Base(f), "hospitalInformation") && !strings.HasPrefix(filepath.Base(f), "practitionerInformation") {
			hold = append(hold, f)
		}
	}
	others := 0
	found := patientsIn(t, dir)
	for _, f := range below(t, filepath.Join(dir, "csv"), ".csv") {
		rows := table(t, f)
		switch {
		case len(rows) < 2:
		case strings.Contains(strings.Join(rows[0], ","), "PATIENT"), filepath.Base(f) == "patients.csv":
			hold = append(hold, f)
		default:
			if _, ok := found[f]; ok {
				t.Errorf("%s is found, and holds no patients", f)
				others++
			}
		}
	}
	r := recallOf(t, hold, found, 20)
	return r.and(r.holds && others == 0, "%s; %d tables of others taken for patients", r.note, others)
}

func table(t testing.TB, name string) [][]string {
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

var peopleCounted = `distinct people in`

// patientSyntheaPeople asks that the patients that lie in tables, bundles and documents are counted once.
func patientSyntheaPeople(t testing.TB) reading {
	dir := samplesDir(t, "synthea")
	want := len(table(t, filepath.Join(dir, "csv", "patients.csv"))) - 1
	out, err := exec.Command(built(t), "patient", dir).Output()
	if err != nil || !strings.Contains(string(out), peopleCounted) {
		t.Fatalf("patient: %v\n%s", err, out)
	}
	n := figures(t, string(out), `at least ([\d,]+) distinct people`)
	return allOf(n[0], float64(want), 3)
}

func patientMedplum(t testing.TB) reading {
	dir := samplesDir(t, "medplum")
	var hold []string
	for _, ext := range []string{".mjs", ".cjs"} {
		hold = append(hold, below(t, dir, ext)...)
	}
	return recallOf(t, hold, patientsIn(t, dir), 2)
}

// patientFHIR asks for every example of a resource that HL7's own definition of the compartment of a patient lists and that refers to a patient, is one,
// or bundles one.
func patientFHIR(t testing.TB) reading {
	dir := filepath.Join(samplesDir(t, "fhir-r4"), "package")
	var compartment struct {
		Resource []struct {
			Code  string   `json:"code"`
			Param []string `json:"param"`
		} `json:"resource"`
	}
	b, err := os.ReadFile(filepath.Join(dir, "CompartmentDefinition-patient.json"))
	if err == nil {
		err = json.Unmarshal(b, &compartment)
	}
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{"Patient": true}
	for _, r := range compartment.Resource {
		listed[r.Code] = listed[r.Code] || len(r.Param) > 0
	}
	var hold []string
	for _, f := range below(t, dir, ".json") {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var x map[string]any
		if json.Unmarshal(b, &x) == nil && aboutPatient(x, listed) {
			hold = append(hold, f)
		}
	}
	return recallOf(t, hold, patientsIn(t, dir), 400)
}

func aboutPatient(x map[string]any, listed map[string]bool) bool {
	kind, _ := x["resourceType"].(string)
	for _, list := range []string{"entry", "contained"} {
		items, _ := x[list].([]any)
		for _, item := range items {
			m, _ := item.(map[string]any)
			if r, ok := m["resource"].(map[string]any); ok && kind == "Bundle" {
				m = r
			}
			if k, _ := m["resourceType"].(string); k != "" && aboutPatient(m, listed) {
				return true
			}
		}
	}
	return kind == "Patient" || listed[kind] && refersToPatient(x)
}

func refersToPatient(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if s, ok := x.(string); ok && k == "reference" && strings.Contains(s, "Patient/") || k != "contained" && refersToPatient(x) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, refersToPatient)
	}
	return false
}

// patientFalse looks through the programs, libraries and documents of this machine. Go's own tests hold a patient of Synthea: that one is right.
func patientFalse(t testing.TB) reading {
	cmd := exec.Command(built(t), "patient", "--json", "/usr")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("patient: %v", err)
	}
	n := figures(t, stderr.String(), `([\d,]+) files read, ([\d,]+) skipped`)
	wrong := 0
	for line := range strings.Lines(string(out)) {
		var f patient.File
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(f.Path, "synthea") {
			continue
		}
		wrong++
		t.Errorf("%s: %s %q", f.Path, f.Confidence, f.Reasons)
	}
	all := n[0] + n[1]
	return atMost(float64(wrong)/all*100, 0.1, "%").and(all >= 50_000, "%d of %s files, %s of them read", wrong, grouped(int64(all)), grouped(int64(n[0])))
}

func patientPlanted(t testing.TB) reading {
	_, ok := told(t, "patient", "TestPlantedPeople")
	return atMost(0, 0, "miscounted").and(ok, "in four files, known there by different numbers; one worker and four")
}

func patientLeaks(t testing.TB) reading {
	_, out := told(t, "patient", "TestNoValueComesOut")
	_, kept := told(t, "casefile", "TestNoValueOfPatients")
	return atMost(0, 0, "").and(out && kept, "in every format, whole and cut; in every byte of a case, its cache included")
}
