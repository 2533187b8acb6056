package casefile

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wardround/internal/damage"
	"wardround/internal/event"
)

// caseOf writes what damage reads of a case.
func caseOf(t *testing.T, v event.Verdicts, findings ...event.Finding) string {
	t.Helper()
	dir := t.TempDir()
	if err := replaceJSON(filepath.Join(dir, verdictsFile), v); err != nil {
		t.Fatal(err)
	}
	var lines []byte
	for i := range findings {
		b, err := encode(&findings[i])
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, b...)
	}
	if err := os.WriteFile(filepath.Join(dir, findingsFile), lines, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestWhoWrote(t *testing.T) {
	from, account := "APP1", `HOSP\svc`
	write := event.Finding{ID: "aaaaaaaaaaaaaaaa", Fields: map[string]string{"Image": `C:\x\lock.exe`, "User": `HOSP\adm`}}
	share := event.Finding{ID: "bbbbbbbbbbbbbbbb", Fields: map[string]string{"IpAddress": "10.1.1.9", "SubjectUserName": "svc"}}
	mark := event.Finding{ID: "cccccccccccccccc", Fields: map[string]string{"Mark": "encrypted"}}
	copies := event.Finding{ID: "dddddddddddddddd", Fields: map[string]string{"Image": `C:\Windows\System32\vssadmin.exe`, "User": `HOSP\dba`}}
	server := func(name, line, id string, flags ...string) event.Verdict {
		return event.Verdict{Server: event.ServerID(name), Flags: flags, Because: []event.Reason{{Line: line, Findings: []string{id}}}}
	}
	bare := server("FILE2", "affected from afar", mark.ID, "affected")
	reached := server("FILE3", "affected from afar", mark.ID, "affected")
	course := server("DB2", "affected from afar", mark.ID, "encrypted")
	course.Because = append(course.Because, event.Reason{Line: "backups deleted", Findings: []string{copies.ID}})
	dir := caseOf(t, event.Verdicts{Servers: []event.Verdict{
		server("DB1", "encrypted here", write.ID, "encrypted"), server("FILE1", "affected from afar", share.ID, "affected"), bare, reached, course,
	}}, write, share, mark, copies)
	story := event.Story{Edges: []event.Edge{{From: &from, To: "FILE3", Account: &account}, {To: "FILE2"}, {From: &from, To: "DB2"}}}
	if err := replaceJSON(filepath.Join(dir, spreadFile), story); err != nil {
		t.Fatal(err)
	}
	w, err := readWriters(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ server, how, process, account, source string }{
		{"DB1", "local", `C:\x\lock.exe`, `HOSP\adm`, ""}, {"FILE1", "smb", "", "svc", "10.1.1.9"}, {"FILE2", "not known", "", "", ""},
		{"FILE3", "smb", "", account, from}, {"DB2", "local", "", `HOSP\dba`, ""}, {"nobody", "not known", "", "", ""},
	} {
		by := w.who(w.serverOf("", "mnt/"+c.server+"/D/data/x.mdf"))
		got := func(s *string) string {
			if s == nil {
				return ""
			}
			return *s
		}
		if by.How != c.how || got(by.Process) != c.process || got(by.Account) != c.account || got(by.Source) != c.source || by.Says == "" {
			t.Errorf("%s: %+v", c.server, by)
		}
	}
}

func TestDamageIntoCase(t *testing.T) {
	dir := caseOf(t, event.Verdicts{Servers: []event.Verdict{{Server: "FILE1", Flags: []string{"affected"}}}})
	share := filepath.Join(t.TempDir(), "FILE1")
	if err := os.MkdirAll(share, 0o755); err != nil {
		t.Fatal(err)
	}
	for n, b := range map[string]string{"wiped.docx": strings.Repeat("\x00", 4096), "ok.txt": "ward 4, bed 12\n"} {
		if err := os.WriteFile(filepath.Join(share, n), []byte(b), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var lines bytes.Buffer
	sum, err := Damage(context.Background(), DamageOptions{Roots: []string{share}, Case: dir, Lines: &lines})
	if err != nil || sum.Files != 2 {
		t.Fatal(sum, err)
	}
	kept, err := os.ReadFile(filepath.Join(dir, damageFile))
	if err != nil || bytes.Count(kept, []byte("\n")) != 1 || bytes.Count(lines.Bytes(), []byte("\n")) != 2 {
		t.Fatalf("%v: kept %s, wrote %s", err, kept, lines.Bytes())
	}
	var f damage.File
	if err := json.Unmarshal(kept, &f); err != nil || f.State != damage.Overwritten || f.By == nil || f.By.How != "not known" {
		t.Errorf("%v: %s", err, kept)
	}
	if _, err := Damage(context.Background(), DamageOptions{Roots: []string{share}, Case: dir, Server: "OTHER"}); err == nil {
		t.Error("a server that the case does not have is taken")
	}
}
