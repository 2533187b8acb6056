package casefile

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"wardround/internal/event"
	"wardround/internal/evtx"
)

// kape is the folder that testdata/*_LIS-DB1.7z and .rar were packed of, by 7-Zip 26.02 and RAR 7.01.
func kape(t testing.TB, dir string) {
	t.Helper()
	const logs = "2022-11-23T013749_Target_LIS-DB1/C/Windows/System32/winevt/Logs/"
	for name, content := range map[string][]byte{
		logs + "Security.evtx": logOf(t, "LIS-DB1.hosp.local", func(put func(m evtx.Manifest, at event.Time, values func(*evtx.Values))) {
			put(logonManifest, at(30), logon("svc_bkp", "HOSP", 3, "10.0.2.4"))
			put(clearedManifest, at(31), func(v *evtx.Values) {
				v.Raw(event.SID, systemSID)
				v.Text("svc_bkp")
				v.Text("HOSP")
				v.Number(event.Hex64, 0x51a2)
			})
		}),
		logs + "System.evtx": logOf(t, "LIS-DB1.hosp.local", func(put func(m evtx.Manifest, at event.Time, values func(*evtx.Values))) {
			put(serviceManifest, at(30.001), service("PSEXESVC", `%SystemRoot%\PSEXESVC.exe`))
		}),
		logs + "Setup.evtx": nil,
		"2022-11-23T013749_Target_LIS-DB1/C/ProgramData/ward.log": authLog("lis-db1", 200),
	} {
		collect(t, filepath.Join(dir, filepath.FromSlash(name)), content)
	}
}

// TestPackedAlike: a collection of KAPE gives the same findings as a folder, packed by 7-Zip, and packed by RAR.
func TestPackedAlike(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "usb")
	kape(t, folder)
	want, files := foundIn(t, folder, "")
	if len(files) != 4 || strings.Count(want, "\n") < 4 || !strings.Contains(want, "LIS-DB1") {
		t.Fatalf("%d files, findings:\n%s", len(files), want)
	}
	for _, ext := range []string{".7z", ".rar"} {
		name := "2022-11-23T013749_Target_LIS-DB1" + ext
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "usb")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
		got, packed := foundIn(t, dir, name+"!/")
		if got != want {
			t.Errorf("%s: findings\n%s\nas a folder\n%s", name, got, want)
		}
		for path, sum := range files {
			if packed[path] != sum {
				t.Errorf("%s: %s has SHA-256 %q, as a folder %s", name, path, packed[path], sum)
			}
		}
		if len(packed) != len(files)+1 {
			t.Errorf("%s: %d artifacts", name, len(packed))
		}
	}
}

// foundIn examines a folder: its findings, without what an archive adds to a path, and the SHA-256 of its files.
func foundIn(t *testing.T, dir, archive string) (findings string, files map[string]string) {
	t.Helper()
	o := testOptions(t, filepath.Join(t.TempDir(), "case"), dir)
	list := "name,kind,role,os,addresses\nLIS-DB1,physical,database,Windows Server 2012,10.0.2.9\n"
	if err := os.WriteFile(o.Inventory, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	mustExamine(t, o)
	all := results(t, o.Case)
	files = map[string]string{}
	for line := range strings.Lines(all[evidenceFile]) {
		var a event.Artifact
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		if a.Error != nil || len(a.Damaged) > 0 {
			t.Errorf("%s: %s", dir, line)
		}
		files[strings.TrimPrefix(a.Path, archive)] = a.SHA256
	}
	findings = strings.ReplaceAll(all[findingsFile], archive, "")
	return regexp.MustCompile(`"id":"[0-9a-f]+"`).ReplaceAllString(findings, `"id":""`), files
}
