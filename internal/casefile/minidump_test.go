package casefile

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"wardround/internal/event"
	"wardround/internal/evtx"
)

// dumpOf is a minidump of a program with these modules, of Windows Server 2019 on AMD64, without any memory.
func dumpOf(at time.Time, modules ...string) []byte {
	const header, directory, system = 32, 2 * 12, 56
	le := binary.LittleEndian
	text := header + directory + system + 4 + 108*len(modules)
	b := []byte("MDMP\x93\xa7\x00\x00")
	for _, v := range []uint32{2, header, 0, uint32(at.Unix()), 2, 0} {
		b = le.AppendUint32(b, v)
	}
	for _, v := range []uint32{7, system, header + directory, 4, uint32(4 + 108*len(modules)), header + directory + system} {
		b = le.AppendUint32(b, v)
	}
	b = append(b, 9, 0, 6, 0, 0, 0, 2, 3)
	for _, v := range []uint32{10, 0, 17763, 2} {
		b = le.AppendUint32(b, v)
	}
	b = append(b, make([]byte, system-24)...)
	b = le.AppendUint32(b, uint32(len(modules)))
	var names []byte
	for _, m := range modules {
		module := make([]byte, 108)
		le.PutUint32(module[20:], uint32(text+len(names)))
		b = append(b, module...)
		names = le.AppendUint32(names, uint32(2*len(m)))
		for _, u := range utf16.Encode([]rune(m + "\x00")) {
			names = le.AppendUint16(names, u)
		}
	}
	return append(b, names...)
}

// TestDumpOfLsassInAFolder: a dump of LSASS among what was collected is a piece of class B at the time that the dump states, and counts as any other;
// one that Windows wrote after a crash, and a dump of another program, are none.
func TestDumpOfLsassInAFolder(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, content []byte) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	taken := at(31).Std()
	lsass := dumpOf(taken, `C:\Windows\System32\lsass.exe`, `C:\Windows\System32\lsasrv.dll`)
	const logs = "/C/Windows/System32/winevt/Logs/"
	for _, server := range []string{"DB1", "APP1", "PACS1"} {
		put(server+logs+"Security.evtx", securityLog(t, server+".hosp.local", nil))
	}
	put("DB1/C/Users/Public/notes.txt", lsass)
	put("PACS1/C/Users/Public/notes.txt", lsass)
	put("PACS1"+logs+"System.evtx", logOf(t, "PACS1.hosp.local", func(put func(m evtx.Manifest, at event.Time, values func(*evtx.Values))) {
		put(serviceManifest, at(30.5), service("PSEXESVC", `%SystemRoot%\PSEXESVC.exe`))
	}))
	put("APP1/C/ProgramData/Microsoft/Windows/WER/ReportQueue/AppCrash_lsass.exe_1/minidump.mdmp", lsass)
	put("APP1/C/Windows/Temp/lsass.dmp", dumpOf(taken, `D:\pacs\viewer.exe`, `C:\Windows\System32\ntdll.dll`))
	o := testOptions(t, filepath.Join(t.TempDir(), "case"), dir)
	res := mustExamine(t, o)

	var found []string
	for line := range strings.Lines(results(t, o.Case)[findingsFile]) {
		var f event.Finding
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(f.Rule.Title, "LSASS") {
			continue
		}
		found = append(found, string(f.Server))
		if f.Class != event.B || !f.Time.Std().Equal(taken.Truncate(time.Second)) || f.Fields["TargetFilename"] != `C:\Users\Public\notes.txt` {
			t.Errorf("%s: class %s at %s, %v", f.Server, f.Class, f.Time, f.Fields)
		}
	}
	if strings.Join(found, " ") != "DB1 PACS1" {
		t.Errorf("found on %q", found)
	}
	for _, v := range res.Verdicts.Servers {
		want := map[event.ServerID]event.Judgement{"DB1": event.Suspected, "PACS1": event.Infiltrated}[v.Server]
		says := ""
		for _, b := range v.Because {
			says += b.Says + "\n"
		}
		switch {
		case want == "":
			if v.Verdict == event.Infiltrated || v.Verdict == event.Suspected {
				t.Errorf("%s: %s, %s", v.Server, v.Verdict, says)
			}
		case v.Verdict != want || !strings.Contains(says, "The memory of logons or a store of passwords was read or copied"):
			t.Errorf("%s: %s, want %s: %s", v.Server, v.Verdict, want, says)
		}
		t.Log(v.Server, v.Verdict, says)
	}
}
