package verdict

import (
	"testing"

	"wardround/internal/event"
)

// TestDesktopLeftOpen: what an account did days after its last arrival it did in the desktop that it had left open. Another
// arrival since, or a way that leaves nothing open, and nobody knows.
func TestDesktopLeftOpen(t *testing.T) {
	for _, c := range []struct {
		name, how, since string
		want             bool
	}{{"a desktop", "rdp", "", true}, {"a logon over the network", "network logon", "", false}, {"and he came again", "rdp", "PC7", false}} {
		w := newWorld("S", "T")
		w.move("S", "T", `HOSP\dba`, c.how, hour(-50))
		if c.since != "" {
			w.move(c.since, "T", `HOSP\dba`, "network logon", hour(-20))
		}
		w.find("T", "credentials read", hour(2), "User", `HOSP\dba`)
		w.find("T", "protection off", hour(2.2), "User", `HOSP\dba`)
		if got := w.judge()["S"]; (lineOf(got, "departure") != nil) != c.want {
			t.Errorf("%s: %s because %+v", c.name, got.Verdict, got.Because)
		}
	}
}

// TestOnlyWay: an infiltrated server to which, by whole logs, nobody came in a new way but from one other: so did the intruder.
func TestOnlyWay(t *testing.T) {
	for _, c := range []struct {
		name, second string
		whole        bool
		own          string
		want         bool
	}{
		{"one", "", true, "credentials read", true},
		{"and another", "OTHER", true, "credentials read", false},
		{"and a stranger", "203.0.113.9", true, "credentials read", false},
		{"against which nothing speaks", "", true, "credentials read", false},
		{"with a gap", "", false, "credentials read", false},
		{"that had a way of its own", "", true, "script fetched", false},
	} {
		w := newWorld("S", "T", "OTHER")
		to := hour(48)
		if !c.whole {
			to = hour(-30)
		}
		w.watchedFrom("T", hour(-24*31), to)
		w.watched("S", hour(48))
		if c.name != "against which nothing speaks" {
			w.find("S", "antivirus detection", hour(-70), "Path", `D:\x.exe`)
		}
		w.move("S", "T", `HOSP\a`, "rdp", hour(-60))
		if c.second != "" {
			w.move(c.second, "T", `HOSP\b`, "rdp", hour(-50))
		}
		w.find("T", c.own, hour(2), "User", `HOSP\z`)
		w.find("T", "protection off", hour(2.2), "User", `HOSP\z`)
		if got := w.judge()["S"]; (lineOf(got, "departure") != nil) != c.want {
			t.Errorf("%s: %s because %+v", c.name, got.Verdict, got.Because)
		}
	}
}

// TestFromTheDoubtedServer: of all who came in time only one came from a server against which something speaks.
func TestFromTheDoubtedServer(t *testing.T) {
	for _, c := range []struct {
		name   string
		line   string
		at     float64
		way    float64 // when else the same way was gone
		second string
		want   event.Judgement
	}{
		{"the only one", "script fetched", -8, 0, "", event.Infiltrated},
		{"doubted later", "anti-forensics", 9, 0, "", event.Suspected},
		{"for what came to it", "remote service", -8, 0, "", event.Suspected},
		{"by an old way", "script fetched", -8, -24 * 12, "", event.Suspected},
		{"and from another such", "script fetched", -8, 0, "U", event.Suspected},
		{"and from the world", "script fetched", -8, 0, "203.0.113.9", event.Suspected},
	} {
		w := newWorld("S", "T", "U")
		w.find("S", c.line, hour(c.at), "EventID", "400")
		w.find("U", "antivirus detection", hour(-7), "Path", `D:\x.exe`)
		w.move("PC1", "T", `HOSP\staff`, "rdp", hour(0.5))
		w.move("S", "T", `HOSP\adm`, "network logon", hour(1))
		if c.way != 0 {
			w.move("S", "T", `HOSP\adm`, "network logon", hour(c.way))
		}
		if c.second != "" {
			w.move(c.second, "T", `HOSP\other`, "rdp", hour(1.2))
		}
		w.find("T", "credentials read", hour(2), "EventID", "325")
		w.find("T", "backups deleted", hour(3), "EventID", "524")
		if got := w.judge()["S"]; got.Verdict != c.want {
			t.Errorf("%s: %s because %+v", c.name, got.Verdict, got.Because)
		}
	}
}

// TestPassedOn: a database was attacked by the client of a web server, where a script among the uploads was called from
// outside. A detection there proves less: visitors' input passes through any such server.
func TestPassedOn(t *testing.T) {
	for line, want := range map[string]event.Judgement{"script called": event.Infiltrated, "anti-forensics": event.Infiltrated, "antivirus detection": event.Suspected} {
		w := newWorld("WEB", "DB")
		w.find("WEB", line, hour(-20), "c-ip", "198.51.100.7", "cs-uri-stem", "/uploads/x.aspx")
		w.find("DB", "database command of the attacker", hour(1), "ClientAddress", "WEB", "User", `HOSP\app`)
		if got := w.judge()["WEB"]; got.Verdict != want {
			t.Errorf("%s: %s because %+v", line, got.Verdict, got.Because)
		}
	}
}

// TestSinceReachesToTheDoubted: who came from a suspected server may have been the intruder, so that infiltration is possible
// from then on.
func TestSinceReachesToTheDoubted(t *testing.T) {
	for _, doubted := range []bool{true, false} {
		w := newWorld("S", "T")
		w.watched("T", hour(48))
		if doubted {
			w.find("S", "antivirus detection", hour(-60))
		}
		w.move("S", "T", `HOSP\a`, "ssh", hour(-40))
		w.find("T", "web shell", hour(2), "User", "z")
		since := w.judge()["T"].Since
		if since == nil || (since.EarliestPossible <= hour(-40)) != doubted {
			t.Errorf("doubted %v: %+v", doubted, since)
		}
	}
}

// TestOnlySession: nobody's name stands on what was done; in the half day before it only one server's session was opened.
func TestOnlySession(t *testing.T) {
	for _, c := range []struct {
		name, second, how string
		at                float64
		want              bool
	}{
		{"one", "", "", 0, true},
		{"and a ward's computer", "PC1", "rdp", 1.5, false},
		{"and one the day before", "PC1", "rdp", -20, true},
		{"and a visitor of its pages", "203.0.113.9", "web shell", 1.5, false},
	} {
		w := newWorld("S", "T")
		w.move("S", "T", `HOSP\adm`, "rdp", hour(1))
		if c.second != "" {
			w.move(c.second, "T", `HOSP\u`, c.how, hour(c.at))
		}
		w.find("T", "backups deleted", hour(2), "EventID", "524")
		w.find("T", "protection off", hour(2.3), "EventID", "5001")
		if got := w.judge()["S"]; (lineOf(got, "departure") != nil) != c.want {
			t.Errorf("%s: %s because %+v", c.name, got.Verdict, got.Because)
		}
	}
}
