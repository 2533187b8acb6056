package verdict

import (
	"slices"
	"strings"
	"testing"

	"wardround/internal/event"
)

// TestProgramsOfTheIntruder: what an antivirus names counts as executed only where that very file was started, and content
// only where the intruder is proven to have run it.
func TestProgramsOfTheIntruder(t *testing.T) {
	const sha = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"
	named := func(w *world, path string) {
		w.find("S", "antivirus detection", hour(9), "Path", `file:_`+path, "Threat Name", "Backdoor:Win32/X")
	}
	started := func(w *world, path string, h float64) {
		w.find("S", "program started", hour(h), "ImagePath", `"`+path+`" -k`)
	}
	for _, c := range []struct {
		name  string
		make  func(w *world)
		want  event.Judgement
		says  string
		flags string
	}{
		{"named, not started", func(w *world) { named(w, `C:\ProgramData\a.exe`) }, event.Suspected, "named malicious", ""},
		{"started, not named", func(w *world) { started(w, `C:\ProgramData\a.exe`, 3) }, event.NoEvidence, "", ""},
		{"named and started", func(w *world) { named(w, `C:\ProgramData\a.exe`); started(w, `C:\PROGRAMDATA\A.EXE`, 3) }, event.Infiltrated, "was started, and an antivirus named it", ""},
		{"started by a variable's path", func(w *world) { named(w, `C:\ProgramData\a.exe`); started(w, `%ProgramData%\a.exe`, 3) }, event.Infiltrated, "was started", ""},
		{"another file started", func(w *world) { named(w, `C:\ProgramData\a.exe`); started(w, `C:\ProgramData\b.exe`, 3) }, event.Suspected, "", ""},
		{"started long after it was taken away", func(w *world) { named(w, `C:\ProgramData\a.exe`); started(w, `C:\ProgramData\a.exe`, 20) }, event.Suspected, "", ""},
		{"content that the intruder ran elsewhere", func(w *world) {
			w.find("T", "web shell", hour(3), "User", "www")
			w.find("T", "program started", hour(3.05), "CommandLine", `rundll32 C:\ProgramData\x\lib.dll,#1`)
			w.files = []File{{Server: "T", Path: "T.zip!/C/ProgramData/x/lib.dll", SHA256: sha}, {Server: "S", Path: "S/C/Hospital/lib2.dll", SHA256: sha}}
		}, event.Suspected, "has the content (SHA-256 " + sha + ")", ""},
		{"content that was started there on another day", func(w *world) {
			w.find("T", "web shell", hour(3), "User", "www")
			w.find("T", "program started", hour(-40), "CommandLine", `rundll32 C:\ProgramData\x\lib.dll,#1`)
			w.files = []File{{Server: "T", Path: "T.zip!/C/ProgramData/x/lib.dll", SHA256: sha}, {Server: "S", Path: "S/C/Hospital/lib2.dll", SHA256: sha}}
		}, event.NoEvidence, "", ""},
		{"content of a system's program", func(w *world) {
			w.find("T", "web shell", hour(3), "User", "www")
			w.find("T", "tool present", hour(3.05), "Image", `C:\Windows\System32\lib.dll`)
			w.files = []File{{Server: "T", Path: "T.zip!/C/Windows/System32/lib.dll", SHA256: sha}, {Server: "S", Path: "S/C/Windows/System32/lib.dll", SHA256: sha}}
		}, event.NoEvidence, "", ""},
		{"a digest that Sysmon wrote", func(w *world) {
			w.find("T", "web shell", hour(3), "User", "www")
			w.find("T", "tool present", hour(3.05), "ImageLoaded", `C:\Windows\System32\oci.dll`, "Signed", "false", "Hashes", "MD5=00,SHA256="+strings.ToUpper(sha))
			w.files = []File{{Server: "S", Path: "S/C/Hospital/lib2.dll", SHA256: sha}}
		}, event.Suspected, "has the content", ""},
		{"encrypted files of an unknown time", func(w *world) {
			w.find("S", "affected from afar", event.NoTime, "TargetFilename", `D:\Data\a.mdf.x`)
		}, event.Suspected, "", "affected"},
		{"encrypted files, and shadow copies deleted", func(w *world) {
			w.find("S", "affected from afar", event.NoTime, "TargetFilename", `D:\Data\a.mdf.x`)
			w.find("S", "backups deleted", hour(3), "CommandLine", "vssadmin delete shadows /all")
		}, event.Suspected, "", "encrypted"},
		{"encrypted files, and shadow copies deleted in that hour", func(w *world) {
			w.find("S", "affected from afar", hour(3.5), "TargetFilename", `D:\Data\a.mdf.x`)
			w.find("S", "backups deleted", hour(3), "CommandLine", "vssadmin delete shadows /all")
		}, event.Infiltrated, "", "encrypted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld("S", "T")
			w.watched("S", hour(24))
			w.watched("T", hour(24))
			c.make(w)
			v := w.judge()["S"]
			if v.Verdict != c.want {
				t.Errorf("got %s, want %s; because %+v; against %+v", v.Verdict, c.want, v.Because, v.Against)
			}
			if c.says != "" && !slices.ContainsFunc(v.Because, func(r event.Reason) bool { return strings.Contains(r.Says, c.says) }) {
				t.Errorf("because %+v, want %q", v.Because, c.says)
			}
			if c.flags != "" && !slices.Contains(v.Flags, c.flags) {
				t.Errorf("flags %v, want %s", v.Flags, c.flags)
			}
			for _, r := range v.Because {
				if r.Line == "affected from afar" && slices.ContainsFunc(w.findings, func(f event.Finding) bool { return f.Corrected == event.NoTime }) && r.Time != event.NoTime {
					t.Errorf("a piece without a time is told with %s", r.Time)
				}
			}
		})
	}
}

// TestPayloadDeployed: a policy that has members start the very program by which one of them was encrypted is evidence against
// the controller that stores it, but not alone; another's program, or one that nobody was harmed by, is none.
func TestPayloadDeployed(t *testing.T) {
	const program = `\\hosp.example\NETLOGON\q1.exe`
	for _, c := range []struct {
		name   string
		stored string
		harmed bool
		mate   bool
		want   event.Judgement
	}{
		{"and another act", strings.ToUpper(program), true, true, event.Infiltrated},
		{"alone", program, true, false, event.Suspected},
		{"another program", `\\hosp.example\NETLOGON\viewer.exe`, true, false, event.NoEvidence},
		{"of a policy that harmed nobody", program, false, false, event.NoEvidence},
	} {
		w := newWorld("DC", "M")
		for _, s := range []string{"DC", "M"} {
			w.watched(s, hour(48))
		}
		w.find("M", "policy task", hour(3), "ActionName", program, "TaskName", `\Update`)
		if c.harmed {
			w.find("M", "backups deleted", hour(3.2), "CommandLine", "vssadmin delete shadows /all")
		} else {
			w.find("M", "antivirus detection", hour(3.2))
		}
		w.find("DC", "policy deploys", event.NoTime, "Command", c.stored, "Kind", "ScheduledTasks")
		if c.mate {
			w.find("DC", "administrator made", hour(1), "SubjectUserName", "adm", "TargetUserName", "temp", "rule", "x")
			w.find("DC", "credentials read", hour(1.5), "SubjectUserName", "adm")
		}
		got := w.judge()["DC"]
		if got.Verdict != c.want || (lineOf(got, "payload deployed") != nil) != (c.want != event.NoEvidence) {
			t.Errorf("%s: %s because %+v", c.name, got.Verdict, got.Because)
		}
	}
}

// TestSameExtension: files of no known form that bear the extension of an infiltrated server's encrypted files were encrypted
// too; one that programs add, that of a server which was not infiltrated, or of files that have a form, says nothing.
func TestSameExtension(t *testing.T) {
	for _, c := range []struct {
		name, nobody string
		unknown, bad bool
		want         bool
	}{
		{"the same", "true", true, true, true},
		{"a program's", "", true, true, false},
		{"files with a form", "true", false, true, false},
		{"of no infiltrated server", "true", true, false, false},
	} {
		w := newWorld("T", "S")
		w.watched("S", hour(48))
		w.find("T", "affected from afar", event.NoTime, "TargetFilename", `D:\a.mdf.bak9`, "AddedExtension", ".bak9", "AddedByNobody", c.nobody)
		if c.bad {
			w.find("T", "encrypted here", hour(3))
		}
		w.files = []File{{Server: "S", Path: "S/D/_1k.cfs.BAK9", SHA256: "a", Unknown: c.unknown}, {Server: "S", Path: "S/D/x.dat", SHA256: "b", Unknown: true}}
		got := w.judge()["S"]
		if r := lineOf(got, "affected from afar"); (r != nil) != c.want || r != nil && !strings.Contains(r.Says, "1 file without a form") {
			t.Errorf("%s: %s because %+v", c.name, got.Verdict, got.Because)
		}
	}
}

// TestClearedLogsHideNoEncryption: the intruder's program lies on an infiltrated server whose files are encrypted, and its logs
// were cleared: that they do not show it run says nothing for him. Where they were not, they would have shown it.
func TestClearedLogsHideNoEncryption(t *testing.T) {
	const sha = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"
	for _, cleared := range []bool{true, false} {
		w := newWorld("T", "S")
		w.watched("S", hour(48))
		w.find("T", "web shell", hour(3), "User", "www")
		w.find("T", "program started", hour(3.05), "CommandLine", `rundll32 C:\ProgramData\x\lib.dll,#1`)
		w.files = []File{{Server: "T", Path: "T/C/ProgramData/x/lib.dll", SHA256: sha}, {Server: "S", Path: "S/C/ProgramData/x/lib.dll", SHA256: sha}}
		w.find("S", "credentials read", hour(4), "User", "x")
		w.find("S", "protection off", hour(4.5), "User", "x")
		w.find("S", "affected from afar", event.NoTime, "TargetFilename", `D:\a.mdf.bak9`)
		if cleared {
			w.find("S", "anti-forensics", hour(5), "User", "x")
		}
		if got := w.judge()["S"]; slices.Contains(got.Flags, "encrypted") != cleared || slices.Contains(got.Flags, "affected") == cleared {
			t.Errorf("cleared %v: %v", cleared, got.Flags)
		}
	}
}
