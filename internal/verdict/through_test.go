package verdict

import (
	"testing"

	"wardround/internal/event"
)

// judged makes a world of watched servers and judges it after something was done.
func judged(servers []string, do func(*world)) map[event.ServerID]event.Verdict {
	w := newWorld(servers...)
	for _, s := range servers {
		w.watched(s, hour(80))
	}
	do(w)
	return w.judge()
}

// TestRelayed: S lies between two infiltrated servers. Somebody came to it from the one in a way never gone before, and from it the session
// was opened in which the other was attacked. Each alone makes suspected at most.
func TestRelayed(t *testing.T) {
	came := func(w *world) { w.move("T", "S", `HOSP\one`, "network logon", hour(4)) }
	went := func(w *world) {
		w.move("S", "U", `HOSP\two`, "network logon", hour(30))
		w.find("U", "remote service", hour(30.01), "SubjectDomainName", "HOSP", "SubjectUserName", "two", "ServiceName", "kISt")
		w.find("U", "credentials read", hour(31), "User", `HOSP\two`)
	}
	for _, c := range []struct {
		name string
		do   []func(*world)
		want event.Judgement
	}{
		{"came and went on", []func(*world){came, went}, event.Infiltrated},
		{"only came", []func(*world){came}, event.NoEvidence},
		{"only went on", []func(*world){went}, event.Suspected},
		{"came as he always did", []func(*world){came, went, func(w *world) { w.move("T", "S", `HOSP\one`, "rdp", hour(-200)) }}, event.Suspected},
		{"went as he always did", []func(*world){came, went, func(w *world) { w.move("S", "U", `HOSP\two`, "rdp", hour(-200)) }}, event.Suspected},
		{"came after he had gone on", []func(*world){went, func(w *world) { w.move("T", "S", `HOSP\one`, "network logon", hour(40)) }}, event.Suspected},
	} {
		got := judged([]string{"S", "T", "U"}, func(w *world) {
			w.find("T", "web shell", hour(1), "User", "www")
			for _, do := range c.do {
				do(w)
			}
		})
		if got["S"].Verdict != c.want {
			t.Errorf("%s: %s because %+v", c.name, got["S"].Verdict, got["S"].Because)
		}
	}
}

// TestToolSentOn: the intruder's account came to S, and from S a tool for running programs came to another server in a way never gone before.
// The visit alone may have been the owner's, the tool alone an administrator's.
func TestToolSentOn(t *testing.T) {
	for _, c := range []struct {
		name           string
		visit, tool    bool
		before         string // an account that had come from S to U weeks ago
		wantS, wantU   event.Judgement
		ticketApproved bool
	}{
		{"both", true, true, "", event.Infiltrated, event.Infiltrated, false},
		{"a visit", true, false, "", event.Suspected, event.NoEvidence, false},
		{"a tool", false, true, "", event.NoEvidence, event.Suspected, false},
		{"a tool of who came before", true, true, `HOSP\two`, event.Suspected, event.Suspected, false},
		{"approved work", true, true, "", event.Suspected, event.NoEvidence, true},
	} {
		got := judged([]string{"S", "T", "U"}, func(w *world) {
			w.find("T", "web shell", hour(1), "User", `HOSP\one`)
			if c.visit {
				w.move("T", "S", `HOSP\one`, "network logon", hour(4))
			}
			if c.tool {
				w.move("S", "U", `HOSP\two`, "network logon", hour(9))
				w.find("U", "remote service", hour(9.01), "SubjectDomainName", "HOSP", "SubjectUserName", "two", "ServiceName", "kISt")
			}
			if c.before != "" {
				w.move("S", "U", c.before, "network logon", hour(-300))
			}
			if c.ticketApproved {
				w.opt.Changes = []event.Change{{From: hour(8), To: hour(10), Account: `HOSP\two`, Targets: []string{"U"}, Line: 2}}
			}
		})
		if got["S"].Verdict != c.wantS || got["U"].Verdict != c.wantU {
			t.Errorf("%s: S %s because %+v; U %s because %+v", c.name, got["S"].Verdict, got["S"].Because, got["U"].Verdict, got["U"].Because)
		}
	}
}

// TestDesktopsOfTwoPersons: from S desktops were opened on two servers and attacks begun in them. With one account that may be an administrator
// whose password was used elsewhere; with two it is nobody's work.
func TestDesktopsOfTwoPersons(t *testing.T) {
	for account, want := range map[string]event.Judgement{`HOSP\two`: event.Infiltrated, `HOSP\one`: event.Suspected} {
		got := judged([]string{"S", "T", "U"}, func(w *world) {
			for i, s := range []struct{ id, who string }{{"T", `HOSP\one`}, {"U", account}} {
				at := float64(3 + 10*i)
				w.move("S", s.id, s.who, "rdp", hour(at))
				w.find(s.id, "credentials read", hour(at+1), "User", s.who)
				w.find(s.id, "protection off", hour(at+1.2), "User", s.who)
			}
		})
		if got["S"].Verdict != want {
			t.Errorf("%s: %s because %+v", account, got["S"].Verdict, got["S"].Because)
		}
	}
}

// TestFootholdOfAStranger: a stranger came from outside for the first time, and within a week passwords were read there.
func TestFootholdOfAStranger(t *testing.T) {
	for _, c := range []struct {
		name string
		came float64
		line string
		want event.Judgement
	}{
		{"days before", -60, "credentials read", event.Infiltrated},
		{"two weeks before", -24 * 14, "credentials read", event.Suspected},
		{"after it", 12, "credentials read", event.Suspected},
		{"before what is no aim", -60, "antivirus detection", event.Suspected},
	} {
		got := judged([]string{"S"}, func(w *world) {
			w.move("198.18.0.7", "S", `HOSP\supplier`, "rdp", hour(c.came))
			w.find("S", c.line, hour(10), "User", `HOSP\dba`)
		})
		if got["S"].Verdict != c.want {
			t.Errorf("%s: %s because %+v", c.name, got["S"].Verdict, got["S"].Because)
		}
	}
}

// TestAimOfUnknownTime: a script was called, and a tool for carrying files away lies there, nobody knows since when. Where traces were removed
// within the week, that is one story.
func TestAimOfUnknownTime(t *testing.T) {
	for cleared, want := range map[float64]event.Judgement{100: event.Infiltrated, -20: event.Suspected, 24 * 9: event.Suspected} {
		w := newWorld("S")
		w.watched("S", hour(24*10))
		w.find("S", "script called", hour(1), "src_ip", "198.18.3.3", "cs-uri-stem", "/up/a.php")
		w.find("S", "theft prepared", event.NoTime, "remote", "m")
		w.find("S", "anti-forensics", hour(cleared), "EventID", "1102")
		if got := w.judge()["S"]; got.Verdict != want {
			t.Errorf("cleared at %g: %s because %+v", cleared, got.Verdict, got.Because)
		}
	}
}

// TestTicketForALostLog: S lost its log of logons, the service set up there names no source. The domain controller knows for which computer the
// ticket was: the intruder went on from there.
func TestTicketForALostLog(t *testing.T) {
	for _, c := range []struct {
		name        string
		lost, other bool
		want        event.Judgement // of T
	}{{"lost", true, false, event.Infiltrated}, {"not lost", false, false, event.Suspected}, {"two computers had one", true, true, event.Suspected}} {
		w := newWorld("S", "T", "U")
		w.watched("T", hour(80))
		w.watched("U", hour(80))
		if !c.lost {
			w.watched("S", hour(80))
		}
		ticket := func(from string) {
			w.moves = append(w.moves, event.Movement{To: "S", Time: hour(4), How: "ticket", Account: `HOSP\adm`, Workstation: from, SeenFrom: event.FromController, By: "DC", Because: []event.Place{{Artifact: "k"}}})
		}
		ticket("T")
		if c.other {
			ticket("U")
		}
		w.find("S", "remote service", hour(4.01), "AccountName", `HOSP\adm`, "ServiceName", "kISt")
		w.find("S", "backups deleted", hour(5))
		w.find("T", "theft prepared", hour(40))
		got := w.judge()
		if got["S"].Verdict != event.Infiltrated || got["T"].Verdict != c.want {
			t.Errorf("%s: S %s; T %s because %+v", c.name, got["S"].Verdict, got["T"].Verdict, got["T"].Because)
		}
	}
}

// TestToolSeenAtBothEnds: T's logs are too young to say that the way was never gone, but S itself recorded the tool and whom it was aimed at.
func TestToolSeenAtBothEnds(t *testing.T) {
	for object, want := range map[string]event.Judgement{`ps.exe \\t -accepteula -r kISt cmd.exe`: event.Infiltrated, `ps.exe \\u -r kISt cmd.exe`: event.Suspected} {
		w := newWorld("S", "T", "U")
		w.watched("S", hour(80))
		w.watchedFrom("T", hour(20), hour(80))
		w.find("S", "remote service", hour(1), "SubjectDomainName", "HOSP", "SubjectUserName", "adm", "ServiceName", "kISt")
		w.find("S", "tool present", hour(24), "CommandLine", object)
		w.move("S", "T", `HOSP\dba`, "network logon", hour(24))
		w.find("T", "remote service", hour(24.001), "SubjectDomainName", "HOSP", "SubjectUserName", "dba", "ServiceName", "kISt")
		w.find("T", "backups deleted", hour(60))
		w.find("T", "protection off", hour(60.2))
		if got := w.judge()["S"]; got.Verdict != want {
			t.Errorf("%s: %s because %+v", object, got.Verdict, got.Because)
		}
	}
}

// TestMovementByTicket: the account came from an infiltrated server, which only the domain controller tells, and cleared the log that would.
func TestMovementByTicket(t *testing.T) {
	for _, c := range []struct {
		name, by string
		lost     bool
		want     event.Judgement
	}{{"by the account that came", `HOSP\adm`, true, event.Infiltrated}, {"by another", `HOSP\ops`, true, event.Suspected}, {"the log is there", `HOSP\adm`, false, event.Suspected}} {
		w := newWorld("S", "T")
		w.watched("T", hour(80))
		if !c.lost {
			w.watched("S", hour(80))
		}
		w.find("T", "web shell", hour(1), "User", "www")
		w.moves = append(w.moves, event.Movement{To: "S", Time: hour(4), How: ticket, Account: `HOSP\adm`, Workstation: "T", SeenFrom: event.FromController, By: "DC", Because: []event.Place{{Artifact: "k"}}})
		w.find("S", "anti-forensics", hour(6), "EventID", "1102", "User", c.by)
		if got := w.judge()["S"]; got.Verdict != c.want {
			t.Errorf("%s: %s because %+v", c.name, got.Verdict, got.Because)
		}
	}
}

// TestSessionFromWhereHeMoved: on U an account was raised to ruler in a session that was opened from S, where the intruder is thought to have
// moved to. The visit to S alone, or the act on U alone, is not enough.
func TestSessionFromWhereHeMoved(t *testing.T) {
	for _, c := range []struct {
		name   string
		visit  bool
		before float64
		want   event.Judgement
	}{{"visited before", true, 4, event.Infiltrated}, {"visited after", true, 40, event.Suspected}, {"never", false, 0, event.Suspected}} {
		got := judged([]string{"S", "T", "U"}, func(w *world) {
			w.find("T", "web shell", hour(1), "User", `HOSP\one`)
			if c.visit {
				w.move("T", "S", `HOSP\one`, "network logon", hour(c.before))
			}
			w.move("S", "U", `HOSP\adm`, "rdp", hour(20))
			w.find("U", "administrator made", hour(21), "SubjectDomainName", "HOSP", "SubjectUserName", "adm")
		})
		if got["U"].Verdict != c.want || (got["S"].Verdict == event.Infiltrated) != (c.want == event.Infiltrated) {
			t.Errorf("%s: S %s because %+v; U %s because %+v", c.name, got["S"].Verdict, got["S"].Because, got["U"].Verdict, got["U"].Because)
		}
	}
}

// TestDesktopThatWasLeft: the owner had a desktop on the infiltrated server two days ago. If he left it, it was not he who went on. What ended
// within a minute of his coming was what he came back to.
func TestDesktopThatWasLeft(t *testing.T) {
	for left, want := range map[float64]event.Judgement{-39: event.Suspected, -41: event.NoEvidence, -39.99: event.NoEvidence, 5: event.NoEvidence} {
		got := judged([]string{"S", "T"}, func(w *world) {
			w.find("T", "web shell", hour(1), "User", "www")
			w.move("10.0.0.9", "T", `HOSP\adm`, "rdp", hour(-40))
			w.moves = append(w.moves, event.Movement{To: "T", Time: hour(left), How: "rdp", Account: `HOSP\adm`, Ended: true, SeenFrom: event.FromDestination, Because: []event.Place{{Artifact: "e"}}})
			w.move("T", "S", `HOSP\adm`, "rdp", hour(4))
		})
		if got["S"].Verdict != want {
			t.Errorf("left at %g: %s because %+v", left, got["S"].Verdict, got["S"].Because)
		}
	}
}

// TestFootholdOfWhatIsProvenLater: passwords were read days before what proves the server infiltrated. The stranger who came before them is its
// beginning.
func TestFootholdOfWhatIsProvenLater(t *testing.T) {
	got := judged([]string{"S"}, func(w *world) {
		w.move("198.18.0.7", "S", `HOSP\supplier`, "rdp", hour(-72))
		w.find("S", "credentials read", hour(-70))
		w.find("S", "web shell", hour(5), "User", "www")
	})
	if s := got["S"].Since; s == nil || s.FirstProven != hour(-72) {
		t.Errorf("since %+v because %+v", s, got["S"].Because)
	}
}

// TestSinceReachesToANewWay: who did the first acts had come days before, from a server of which nothing else is known, in a way never gone
// before. A way gone before is his own.
func TestSinceReachesToANewWay(t *testing.T) {
	for before, want := range map[float64]bool{0: true, -200: false} {
		got := judged([]string{"S", "T", "U", "V"}, func(w *world) {
			w.move("V", "S", `HOSP\other`, "rdp", hour(-20)) // not the only way
			w.move("10.0.0.9", "S", `HOSP\adm`, "rdp", hour(-70))
			w.move("T", "S", `HOSP\adm`, "ssh", hour(-50))
			if before != 0 {
				w.move("T", "U", `HOSP\adm`, "ssh", hour(before))
			}
			w.find("S", "protection off", hour(5), "User", `HOSP\adm`)
			w.find("S", "backups deleted", hour(5.1), "User", `HOSP\adm`)
		})
		if s := got["S"].Since; s == nil || s.FirstProven != hour(5) || (s.EarliestPossible <= hour(-50)) != want || s.EarliestPossible < hour(-51) {
			t.Errorf("gone before at %g: since %+v", before, s)
		}
	}
}

// TestSinceOfWhoWentOnBeforeItsLogBegins: S's logs begin a day before what proves it infiltrated, and two days before that somebody had come from S
// to U, in a way never gone before: since when is not known.
func TestSinceOfWhoWentOnBeforeItsLogBegins(t *testing.T) {
	for before, want := range map[float64]string{0: "gap", -200: "log start"} {
		w := newWorld("S", "U", "V")
		w.watchedFrom("S", hour(-24), hour(80))
		w.watched("U", hour(80))
		w.watched("V", hour(80))
		w.find("S", "web shell", hour(1), "User", "www")
		w.find("U", "web shell", hour(5), "User", "www")
		w.move("S", "U", `HOSP\adm`, "ssh", hour(-48))
		if before != 0 {
			w.move("S", "V", `HOSP\adm`, "ssh", hour(before))
		}
		if s := w.judge()["S"].Since; s == nil || s.BoundedBy != want || (s.EarliestPossible == event.NoTime) != (want == "gap") {
			t.Errorf("gone before at %g: since %+v", before, s)
		}
	}
}

// TestArrivalAndAim: the intruder came with an account that he had taken, and within a week passwords were read there. A borrowed account's visit
// is not known to be his.
func TestArrivalAndAim(t *testing.T) {
	for _, c := range []struct {
		name    string
		account string
		came    float64
		line    string
		want    event.Judgement
	}{
		{"a day before", `HOSP\one`, 20, "theft prepared", event.Infiltrated},
		{"after it", `HOSP\one`, 60, "theft prepared", event.Suspected},
		{"before what is no aim", `HOSP\one`, 20, "antivirus detection", event.Suspected},
		{"a borrowed account", `HOSP\two`, 20, "theft prepared", event.Suspected},
	} {
		got := judged([]string{"S", "T"}, func(w *world) {
			w.find("T", "web shell", hour(1), "User", `HOSP\one`)
			w.move("T", "S", c.account, "network logon", hour(c.came))
			w.find("S", c.line, hour(44))
		})
		if got["S"].Verdict != c.want {
			t.Errorf("%s: %s because %+v", c.name, got["S"].Verdict, got["S"].Because)
		}
	}
}

// TestPassedThroughByTicket: S lost its log of logons. A domain controller tells that somebody came from the infiltrated T in a way never gone
// before, and from S the session was opened in which U was attacked.
func TestPassedThroughByTicket(t *testing.T) {
	for _, c := range []struct {
		name   string
		before float64 // an earlier ticket of the same way
		reach  float64 // the oldest ticket of all
		want   event.Judgement
	}{{"never before", 0, -300, event.Infiltrated}, {"as before", -200, -300, event.Suspected}, {"tickets of two days", 0, -48, event.Suspected}} {
		w := newWorld("S", "T", "U", "V")
		for _, s := range []string{"T", "U", "V"} {
			w.watched(s, hour(80))
		}
		ticket := func(from, to, account string, at float64) {
			w.moves = append(w.moves, event.Movement{To: event.ServerID(to), Time: hour(at), How: "ticket", Account: account, Workstation: from, SeenFrom: event.FromController, By: "DC", Because: []event.Place{{Artifact: "k"}}})
		}
		w.find("T", "web shell", hour(1), "User", "www")
		ticket("V", "U", `HOSP\other`, c.reach)
		ticket("T", "S", `HOSP\one`, 4)
		if c.before != 0 {
			ticket("T", "V", `HOSP\one`, c.before)
		}
		w.move("S", "U", `HOSP\two`, "network logon", hour(30))
		w.find("U", "remote service", hour(30.01), "SubjectDomainName", "HOSP", "SubjectUserName", "two", "ServiceName", "kISt")
		w.find("U", "backups deleted", hour(30.5))
		if got := w.judge()["S"]; got.Verdict != c.want {
			t.Errorf("%s: %s because %+v", c.name, got.Verdict, got.Because)
		}
	}
}

// TestLogOfDesktopsRemembers: the log of logons is a day old. That of desktops, whole by its record numbers, tells that the stranger never came
// before.
func TestLogOfDesktopsRemembers(t *testing.T) {
	const log = "windows/microsoft-windows-terminalservices-localsessionmanager/operational"
	for _, c := range []struct {
		name string
		from float64
		runs []event.Run
		how  string
		want event.Judgement
	}{
		{"whole", -24 * 20, []event.Run{{First: 1, Last: 40, From: hour(-24 * 20), To: hour(40)}}, "rdp", event.Infiltrated},
		{"young", -24 * 3, []event.Run{{First: 9, Last: 40, From: hour(-24 * 3), To: hour(40)}}, "rdp", event.Suspected},
		{"records missing", -24 * 20, []event.Run{{First: 1, Last: 9, From: hour(-24 * 20), To: hour(-24 * 6)}, {First: 30, Last: 40, From: hour(-24 * 2), To: hour(40)}}, "rdp", event.Suspected},
		{"no desktop", -24 * 20, []event.Run{{First: 1, Last: 40, From: hour(-24 * 20), To: hour(40)}}, "ssh", event.Suspected},
	} {
		w := newWorld("S")
		w.watchedFrom("S", hour(-24), hour(80))
		w.log("S", log, 0, hour(c.from), hour(40), 30*60*60e9).Runs = c.runs
		w.move("198.18.0.7", "S", `HOSP\supplier`, c.how, hour(-10))
		w.find("S", "credentials read", hour(10), "User", `HOSP\dba`)
		if got := w.judge()["S"]; got.Verdict != c.want {
			t.Errorf("%s: %s because %+v", c.name, got.Verdict, got.Because)
		}
	}
}

// TestAimOfNobody: an account that had never come from the infiltrated T came over the network, and half an hour later the domain's passwords were
// copied, by whom no log says.
func TestAimOfNobody(t *testing.T) {
	for _, c := range []struct {
		name   string
		before float64
		line   string
		at     float64
		want   event.Judgement
	}{
		{"soon after", 0, "credentials read", 20.5, event.Infiltrated},
		{"the next day", 0, "credentials read", 45, event.Suspected},
		{"no aim", 0, "antivirus detection", 20.5, event.Suspected},
		{"as before", -100, "credentials read", 20.5, event.Suspected},
	} {
		got := judged([]string{"DC", "T", "U"}, func(w *world) {
			w.find("T", "web shell", hour(1), "User", "www")
			w.move("T", "DC", `HOSP\adm`, "network logon", hour(20))
			if c.before != 0 {
				w.move("T", "U", `HOSP\adm`, "network logon", hour(c.before))
			}
			w.find("DC", c.line, hour(c.at))
		})
		if got["DC"].Verdict != c.want {
			t.Errorf("%s: %s because %+v", c.name, got["DC"].Verdict, got["DC"].Because)
		}
	}
}

// TestToolAndPayloadOfUnknownTime: the intruder's file lies on S, nobody knows since when, and a tool came to S from T with an account that had
// never come from there.
func TestToolAndPayloadOfUnknownTime(t *testing.T) {
	for before, want := range map[float64]event.Judgement{0: event.Infiltrated, -100: event.Suspected} {
		got := judged([]string{"S", "T", "U"}, func(w *world) {
			w.find("T", "web shell", hour(1), "User", "www")
			w.find("T", "tool present", hour(1.1), "ImageLoaded", `C:\ProgramData\x\lib.dll`, "Signed", "false", "User", "www")
			w.files = []File{{Server: "T", Path: "T.zip!/C/ProgramData/x/lib.dll", SHA256: "aa"}, {Server: "S", Path: "S/C/Hospital/lib2.dll", SHA256: "aa"}}
			w.move("10.0.0.9", "T", `HOSP\adm`, "rdp", hour(3)) // at work there: not borrowed
			w.move("T", "S", `HOSP\adm`, "network logon", hour(20))
			w.find("S", "remote service", hour(20.001), "SubjectDomainName", "HOSP", "SubjectUserName", "adm", "ServiceName", "kISt")
			if before != 0 {
				w.move("T", "U", `HOSP\adm`, "network logon", hour(before))
			}
		})
		if got["S"].Verdict != want {
			t.Errorf("before %g: %s because %+v", before, got["S"].Verdict, got["S"].Because)
		}
	}
}

// TestAccountMadeThere: whoever came from an infiltrated server in a way never gone before made an account within the hour.
func TestAccountMadeThere(t *testing.T) {
	for _, c := range []struct {
		name string
		at   float64
		by   string
		want event.Judgement
	}{
		{"within the hour", 4.5, "", event.Infiltrated},
		{"by the account that came", 4.5, "deploy", event.Infiltrated},
		{"by another", 4.5, "ops", event.Suspected},
		{"the next day", 28, "", event.Suspected},
		{"before", 3.5, "", event.Suspected},
	} {
		got := judged([]string{"S", "T"}, func(w *world) {
			w.find("T", "web shell", hour(1), "User", "www")
			w.move("T", "S", "deploy", "ssh", hour(4))
			if c.by != "" {
				w.find("S", "account made", hour(c.at), "SubjectUserName", c.by, "TargetUserName", "sysbackup")
			} else {
				w.find("S", "account made", hour(c.at), "user", "sysbackup")
			}
		})
		if got["S"].Verdict != c.want {
			t.Errorf("%s: %s because %+v", c.name, got["S"].Verdict, got["S"].Because)
		}
	}
}

// TestPlaceOfSeveralRecords: what several records show together is an act of its own, though the first of them is another's.
func TestPlaceOfSeveralRecords(t *testing.T) {
	got := judged([]string{"S"}, func(w *world) {
		w.find("S", "remote service", hour(4), "SubjectUserName", "adm", "SubjectDomainName", "HOSP", "ServiceName", "Mgmt")
		w.find("S", "tool present", hour(4.7), "SubjectUserName", "adm", "SubjectDomainName", "HOSP", "ServiceName", "Mgmt")
		last := &w.findings[len(w.findings)-1]
		last.At = append([]event.Place{w.findings[0].At[0]}, last.At...)
	})
	if got["S"].Verdict != event.Infiltrated {
		t.Errorf("%s because %+v", got["S"].Verdict, got["S"].Because)
	}
}

// TestSinceReachesToAServerProvenLater: S was reached from T in a way never gone before, days before anything proves T infiltrated.
func TestSinceReachesToAServerProvenLater(t *testing.T) {
	for how, want := range map[bool]event.Time{true: hour(3), false: hour(59.9)} {
		got := judged([]string{"S", "T"}, func(w *world) {
			w.find("T", "web shell", hour(60), "User", "www")
			w.move("T", "S", `HOSP\adm`, "rdp", hour(3))
			w.move("10.0.0.9", "S", `HOSP\nurse`, "rdp", hour(2)) // so that T is not the only way
			if !how {
				w.move("T", "S", `HOSP\adm`, "rdp", hour(-24*20))
			}
			w.find("S", "backups deleted", hour(60))
			w.find("S", "protection off", hour(60.2))
		})["S"]
		if got.Since == nil || got.Since.EarliestPossible > want || got.Since.EarliestPossible < want.Add(-15*60e9) {
			t.Errorf("new way %v: %+v, want %s", how, got.Since, want)
		}
	}
}
