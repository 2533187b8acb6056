package casefile

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"wardround/internal/patient"
)

// TestFindPatients keeps what is found in the case, readable by nobody else, under one key.
func TestFindPatients(t *testing.T) {
	dir, data := filepath.Join(t.TempDir(), "case"), t.TempDir()
	if err := os.WriteFile(filepath.Join(data, "a.csv"), []byte("UHID,Patient Name,DOB\nA1001,Rama Q,1970-01-02\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var kept [2][2]string
	for i := range kept {
		files := 0
		sum, err := FindPatients(context.Background(), dir, "", []string{data}, patient.Options{}, func(patient.File) error { files++; return nil })
		if err != nil || files != 1 || sum.People != 1 {
			t.Fatalf("%d files, %+v, %v", files, sum, err)
		}
		for j, name := range []string{patientFile, patientKey} {
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v %v", name, info, err)
			}
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			kept[i][j] = string(b)
		}
	}
	if kept[0] != kept[1] || len(kept[0][1]) != 32 {
		t.Error("the second scan keeps something else")
	}
	if err := os.WriteFile(filepath.Join(dir, patientKey), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := FindPatients(context.Background(), dir, "", []string{data}, patient.Options{}, nil); err == nil {
		t.Error("a broken key is taken")
	}
}
