package casefile

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wardround/internal/event"
	"wardround/internal/evtx"
)

// fileManifest is Sysmon's event of a file that was created or written anew.
var fileManifest = evtx.Manifest{
	Provider: "Microsoft-Windows-Sysmon", GUID: "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}", Channel: "Microsoft-Windows-Sysmon/Operational", ID: 11, Version: 2, Level: 4,
	Keywords: 0x8000000000000000, Task: 11,
	Fields: []evtx.Field{
		{Name: "RuleName", Type: event.UTF16}, {Name: "UtcTime", Type: event.UTF16}, {Name: "ProcessGuid", Type: event.UTF16}, {Name: "ProcessId", Type: event.Uint32},
		{Name: "Image", Type: event.UTF16}, {Name: "TargetFilename", Type: event.UTF16}, {Name: "CreationUtcTime", Type: event.UTF16}, {Name: "User", Type: event.UTF16},
	},
}

// writesOf is Sysmon's log of one program that writes files with a second extension.
func writesOf(t *testing.T, image string, files int) []byte {
	return logOf(t, "DB1", func(put func(m evtx.Manifest, at event.Time, values func(*evtx.Values))) {
		for i := range files {
			when := at(25.75 + float64(i)/3600)
			put(fileManifest, when, func(v *evtx.Values) {
				utc := when.Std().UTC().Format("2006-01-02 15:04:05.000")
				for _, s := range []string{"-", utc, "{12345678-9abc-def0-0000-00000000aaaa}"} {
					v.Text(s)
				}
				v.Number(event.Uint32, 4711)
				for _, s := range []string{image, fmt.Sprintf(`D:\data\visit_%02d.docx.bak9`, i), utc, `HOSP\dba`} {
					v.Text(s)
				}
			})
		}
	})
}

// documentOf is a document whose parts are sums vouched for.
func documentOf(t *testing.T, i int) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{"[Content_Types].xml", "word/document.xml"} {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(strings.Repeat(fmt.Sprintf("<w:t>visit %d of ward %d</w:t>", i*7919, i), 40)))
		}
		if err == nil {
			_, err = w.Write(noiseOf(uint64(i), 9000)) // a picture, as packed as it can be
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestDamageInVerdict: from a log and a tree beside its backup to the verdict. Only files whose past proves them encrypted, together with writes by a process of the
// server itself, are of class A; from afar, without a past, without a log, or two files alone, are not.
func TestDamageInVerdict(t *testing.T) {
	const stray, afar = `C:\Users\Public\lock.exe`, "System"
	for name, c := range map[string]struct {
		image    string // "" for no log
		writes   int
		damaged  int
		past     bool
		want     event.Judgement
		class    event.Class
		flag     string
		how, by  string
		sureness string
		copied   bool // the files have the time of a copy, long after the logs
	}{
		"proven, and a process of its own":          {stray, 30, 5, true, event.Infiltrated, event.A, "encrypted", "local", stray, "proven", false},
		"proven on a copy of later":                 {stray, 30, 5, true, event.Infiltrated, event.A, "encrypted", "local", stray, "proven", true},
		"proven, written from afar":                 {afar, 60, 5, true, event.Suspected, event.B, "affected", "not known", "", "proven", false},
		"proven, and few writes that are its own":   {stray, 4, 5, true, event.Suspected, event.B, "affected", "not known", "", "proven", false},
		"proven, without a log":                     {"", 0, 5, true, event.Suspected, event.B, "affected", "not known", "", "proven", false},
		"plausible alone, and a process of its own": {stray, 30, 12, false, event.Suspected, event.B, "affected", "local", stray, "plausible", false},
		"two proven: their owner may have":          {stray, 30, 2, true, "", "", "", "local", stray, "proven", false},
	} {
		t.Run(name, func(t *testing.T) {
			evidence := map[string][]byte{"C/Windows/System32/winevt/Logs/Security.evtx": securityLog(t, "DB1", nil)}
			if c.image != "" {
				evidence["C/Windows/System32/winevt/Logs/Microsoft-Windows-Sysmon%4Operational.evtx"] = writesOf(t, c.image, c.writes)
			}
			dir := filepath.Join(t.TempDir(), "case")
			mustExamine(t, testOptions(t, dir, collected(t, "DB1", evidence, dayOne.Add(49*time.Hour))))
			if v := verdictOn(t, dir, "DB1"); v.Verdict == event.Infiltrated || slices.Contains(v.Flags, "encrypted") {
				t.Fatalf("before any file was looked at: %s, %v, %+v", v.Verdict, v.Flags, v.Because)
			}

			top := t.TempDir()
			tree, past := filepath.Join(top, "now", "DB1"), filepath.Join(top, "before", "DB1")
			for i := range 12 {
				b := documentOf(t, i)
				file := fmt.Sprintf("visit_%02d.docx", i)
				writeFile(t, filepath.Join(past, file), b)
				if i < c.damaged {
					file, b = file+".bak9", noiseOf(uint64(100+i), len(b)+200)
				}
				writeFile(t, filepath.Join(tree, file), b)
				when := at(25.75 + float64(i)/60).Std()
				if c.copied {
					when = when.AddDate(0, 2, 0)
				}
				if err := os.Chtimes(filepath.Join(tree, file), when, when); err != nil {
					t.Fatal(err)
				}
			}
			o := DamageOptions{Roots: []string{tree}, Case: dir, Server: "DB1"}
			if c.past {
				o.Before = past
			}
			if _, err := Damage(context.Background(), o); err != nil {
				t.Fatal(err)
			}
			mustExamine(t, testOptions(t, dir))

			h := dataOf(t, dir).Harm[0]
			if h.Server != "DB1" || h.Hurt() != int64(c.damaged) || h.How != c.how || c.by != "" && (h.Process == nil || *h.Process != c.by) {
				t.Errorf("%+v", h)
			}
			for _, s := range h.States {
				if event.HurtState(s.State) && s.Confidence != c.sureness {
					t.Errorf("%+v", s)
				}
			}
			v := verdictOn(t, dir, "DB1")
			if c.want == "" {
				if v.Verdict == event.Infiltrated || v.Verdict == event.Suspected || len(v.Because) > 0 {
					t.Errorf("%s, %v, %+v", v.Verdict, v.Flags, v.Because)
				}
				return
			}
			told := slices.ContainsFunc(v.Because, func(r event.Reason) bool {
				return r.Class == c.class && strings.Contains(r.Says, "files are encrypted")
			})
			decisive := slices.ContainsFunc(v.Because, func(r event.Reason) bool { return r.Class == event.A })
			if v.Verdict != c.want || !slices.Contains(v.Flags, c.flag) || !told || decisive != (c.class == event.A) {
				t.Errorf("%s, %v, %+v", v.Verdict, v.Flags, v.Because)
			}
		})
	}
}

func verdictOn(t *testing.T, dir string, id event.ServerID) event.Verdict {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, verdictsFile))
	var v event.Verdicts
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(v.Servers, func(s event.Verdict) bool { return s.Server == id })
	if i < 0 {
		t.Fatalf("no verdict on %s", id)
	}
	return v.Servers[i]
}

func writeFile(t *testing.T, name string, b []byte) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(name), 0o755)
	if err == nil {
		err = os.WriteFile(name, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
