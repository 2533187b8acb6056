package verdict

import (
	"strings"
	"testing"

	"wardround/internal/event"
)

// TestOfOneCourse: files were encrypted here, nobody knows when, and this server's copies were deleted by command. On one
// server alone that may be chance; with an intruder in the estate, or where it befell another server too, it is not. Copies
// that were deleted long before are none of his.
func TestOfOneCourse(t *testing.T) {
	for _, c := range []struct {
		name     string
		intruder bool
		another  string // extension of another server's files, whose copies were deleted as well
		at       float64
		want     event.Judgement
	}{
		{"alone", false, "", 3, event.Suspected},
		{"and an intruder elsewhere", true, "", 3, event.Infiltrated},
		{"and another server like it", false, ".x9", 3, event.Infiltrated},
		{"and another server, of another extension", false, ".y7", 3, event.Suspected},
		{"deleted weeks before", true, "", -24 * 20, event.Suspected},
	} {
		w := newWorld("S", "T", "U")
		for _, s := range []string{"S", "T", "U"} {
			w.watched(s, hour(24))
		}
		w.find("S", "affected from afar", event.NoTime, "TargetFilename", `D:\a.mdf.x9`, "AddedExtension", ".x9", "AddedByNobody", "true")
		w.find("S", "backups deleted", hour(c.at), "CommandLine", "vssadmin delete shadows /all")
		if c.intruder {
			w.find("T", "web shell", hour(1), "User", "www")
		}
		if c.another != "" {
			w.find("U", "affected from afar", event.NoTime, "TargetFilename", `D:\b.mdf`+c.another, "AddedExtension", c.another, "AddedByNobody", "true")
			w.find("U", "backups deleted", hour(4), "EventID", "524")
		}
		if got := w.judge()["S"]; got.Verdict != c.want {
			t.Errorf("%s: %s because %+v", c.name, got.Verdict, got.Because)
		}
	}
}

// TestPolicyAfterThePasswordsWereCopied: what was done on the controller before its policy started the intruder's program
// goes with that; what was done after does not, nor does an arrival.
func TestPolicyAfterThePasswordsWereCopied(t *testing.T) {
	const program = `\\hosp.example\NETLOGON\q1.exe`
	for _, c := range []struct {
		line string
		at   float64
		want event.Judgement
	}{{"credentials read", -40, event.Infiltrated}, {"anti-forensics", 20, event.Suspected}, {"remote service", -40, event.Suspected}, {"credentials read", -24 * 20, event.Suspected}} {
		w := newWorld("DC", "M")
		w.watched("DC", hour(48))
		w.watched("M", hour(48))
		w.find("M", "policy task", hour(3), "ActionName", program, "TaskName", `\Update`)
		w.find("M", "backups deleted", hour(3.2), "CommandLine", "vssadmin delete shadows /all")
		w.find("DC", "policy deploys", event.NoTime, "Command", program, "Kind", "ScheduledTasks")
		w.find("DC", c.line, hour(c.at), "EventID", "1")
		if got := w.judge()["DC"]; got.Verdict != c.want {
			t.Errorf("%s at %v: %s because %+v; against %+v", c.line, c.at, got.Verdict, got.Because, got.Against)
		}
	}
}

// TestPolicyAfterATool: a tool came to the controller from an infiltrated server, with an account that had never come from there, before its
// policy started the intruder's program.
func TestPolicyAfterATool(t *testing.T) {
	for _, c := range []struct {
		name, from string
		before     float64 // an earlier visit with that account from there
		want       event.Judgement
	}{{"from an infiltrated server", "T", 0, event.Infiltrated}, {"from another", "U", 0, event.Suspected}, {"as before", "T", -100, event.Suspected}} {
		const program = `\\hosp.example\NETLOGON\q1.exe`
		got := judged([]string{"DC", "M", "T", "U"}, func(w *world) {
			w.find("T", "web shell", hour(-60), "User", "www")
			w.find("M", "policy task", hour(3), "ActionName", program, "TaskName", `\Update`)
			w.find("M", "backups deleted", hour(3.2), "CommandLine", "vssadmin delete shadows /all")
			w.find("DC", "policy deploys", event.NoTime, "Command", program, "Kind", "ScheduledTasks")
			w.move(c.from, "DC", `HOSP\adm`, "network logon", hour(-40))
			w.find("DC", "remote service", hour(-39.999), "SubjectDomainName", "HOSP", "SubjectUserName", "adm", "ServiceName", "kISt")
			if c.before != 0 {
				w.move(c.from, "U", `HOSP\adm`, "network logon", hour(c.before))
			}
			w.move("10.0.0.9", "T", `HOSP\adm`, "rdp", hour(-41)) // at work there: the account is not borrowed
		})
		if got["DC"].Verdict != c.want {
			t.Errorf("%s: %s because %+v", c.name, got["DC"].Verdict, got["DC"].Because)
		}
	}
}

// TestPolicyAfterADesktop: somebody sat at the controller, with an account that he had taken, before its policy started the intruder's program.
// One who only read its files did not.
func TestPolicyAfterADesktop(t *testing.T) {
	for how, want := range map[string]event.Judgement{"rdp": event.Infiltrated, "network logon": event.Suspected} {
		const program = `\\hosp.example\NETLOGON\q1.exe`
		got := judged([]string{"DC", "M", "T", "V"}, func(w *world) {
			w.find("T", "web shell", hour(-60), "User", `HOSP\adm`)
			w.find("M", "policy task", hour(3), "ActionName", program, "TaskName", `\Update`)
			w.find("M", "backups deleted", hour(3.2), "CommandLine", "vssadmin delete shadows /all")
			w.find("DC", "policy deploys", event.NoTime, "Command", program, "Kind", "ScheduledTasks")
			w.move("T", "V", `HOSP\adm`, "rdp", hour(-200)) // a way gone before: no session of the intruder's is told of it
			w.move("T", "DC", `HOSP\adm`, how, hour(-40))
		})
		if got["DC"].Verdict != want {
			t.Errorf("%s: %s because %+v", how, got["DC"].Verdict, got["DC"].Because)
		}
	}
}

// TestAimedTool: on an infiltrated server the intruder's tool names another, where a service of such a tool appears, installed
// from there with an account of which nothing else is known. Another target, another hour or another source say nothing.
func TestAimedTool(t *testing.T) {
	for _, c := range []struct {
		name, command, from string
		at                  float64
		want                event.Judgement
	}{
		{"aimed here", `ps.exe \\t -s cmd.exe`, "S", 2, event.Infiltrated},
		{"aimed elsewhere", `ps.exe \\u -s cmd.exe`, "S", 2, event.Suspected},
		{"an hour later", `ps.exe \\t -s cmd.exe`, "S", 3, event.Suspected},
		{"from another server", `ps.exe \\t -s cmd.exe`, "JUMP", 2, event.Suspected},
	} {
		w := newWorld("S", "T", "U", "JUMP")
		w.find("S", "web shell", hour(1), "User", "www")
		w.find("S", "tool present", hour(2), "CommandLine", c.command, "User", "www")
		w.move(c.from, "T", `HOSP\backup`, "network logon", hour(c.at)+1)
		w.find("T", "remote service", hour(c.at)+2, "ServiceName", "x", "User", `HOSP\backup`)
		if got := w.judge()["T"]; got.Verdict != c.want {
			t.Errorf("%s: %s because %+v", c.name, got.Verdict, got.Because)
		}
	}
}

// TestAccountThatHeMade: whoever comes to work with an account that the intruder made for the domain is the intruder. Who
// only opens files with it did nothing on the server itself; a namesake on another server is somebody else.
func TestAccountThatHeMade(t *testing.T) {
	for _, c := range []struct {
		how, made string
		want      event.Judgement
	}{{"rdp", `HOSP\temp`, event.Infiltrated}, {"admin share", `HOSP\temp`, event.Suspected}, {"ssh", "temp", event.Suspected}} {
		w := newWorld("DC", "T")
		w.find("DC", "web shell", hour(1), "User", `HOSP\adm`)
		domain, name, ok := strings.Cut(c.made, `\`)
		if !ok {
			domain, name = "", c.made
		}
		w.find("DC", "account made", hour(2), "SubjectDomainName", "HOSP", "SubjectUserName", "adm", "TargetDomainName", domain, "TargetUserName", name)
		w.move("DC", "T", c.made, c.how, hour(3))
		if got := w.judge()["T"]; got.Verdict != c.want {
			t.Errorf("%s as %s: %s because %+v", c.how, c.made, got.Verdict, got.Because)
		}
	}
}

// TestFootholdAndAim: a foothold and, days later, what one is wanted for are linked though neither time nor a trait joins them.
func TestFootholdAndAim(t *testing.T) {
	for _, c := range []struct {
		name          string
		first, second string
		hours         float64
		want          event.Judgement
	}{
		{"after days", "script called", "theft prepared", 100, event.Infiltrated},
		{"after more than a week", "script called", "theft prepared", 170, event.Suspected},
		{"the other way round", "theft prepared", "script called", 100, event.Suspected},
		{"two footholds", "script called", "script fetched", 100, event.Suspected},
		{"two aims", "credentials read", "theft prepared", 100, event.Suspected},
		{"no foothold", "protection off", "theft prepared", 100, event.Suspected},
	} {
		w := newWorld("S")
		w.find("S", c.first, hour(0), "User", `HOSP\one`)
		w.find("S", c.second, hour(c.hours), "User", `HOSP\two`)
		if got := w.judge()["S"]; got.Verdict != c.want {
			t.Errorf("%s: %s because %+v", c.name, got.Verdict, got.Because)
		}
	}
}
