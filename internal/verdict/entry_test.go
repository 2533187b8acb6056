package verdict

import (
	"slices"
	"testing"

	"wardround/internal/event"
)

// vpn says that a gateway lent an address to an account.
func (w *world) vpn(account, inner string, at event.Time) {
	w.moves = append(w.moves, event.Movement{To: "GATE", Time: at, How: "vpn", Account: account, Address: "198.18.7.7", Session: inner, SeenFrom: "destination", Because: []event.Place{{Artifact: "v"}}})
}

// helped says that somebody took a screen over with a tool for remote help.
func (w *world) helped(server, by string, at event.Time) {
	w.move(by, server, "supplier", "remote control", at)
}

// TestEntryFromOutside: the intruder went on from a server on which nothing else is found. Who came to it from outside for the first time
// right before makes it infiltrated; the regulars, who comes from inside, or a stranger where nobody knows who came before, do not.
func TestEntryFromOutside(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*world)
		dark bool
		want event.Judgement
	}{
		{"from an address that a VPN had lent", func(w *world) {
			w.vpn("lis", "10.20.200.9", hour(-0.1))
			w.move("10.20.200.9", "S", `HOSP\lis`, "rdp", hour(0))
		}, false, event.Infiltrated},
		{"from the world at large", func(w *world) { w.move("198.18.7.7", "S", `HOSP\lis`, "rdp", hour(0)) }, false, event.Infiltrated},
		{"by a tool for remote help that others had used", func(w *world) {
			for d := range 4 {
				w.helped("S", "SUPPLIER1", hour(float64(-24*(10+d))))
			}
			w.helped("S", "DESKTOP-7", hour(0))
		}, false, event.Infiltrated},
		{"as every week by that tool", func(w *world) {
			for d := range 4 {
				w.helped("S", "SUPPLIER1", hour(float64(-24*7*d)))
			}
		}, false, event.Suspected},
		{"from an address inside", func(w *world) { w.move("10.20.200.9", "S", `HOSP\lis`, "rdp", hour(0)) }, false, event.Suspected},
		{"from an address that a VPN had lent to another", func(w *world) {
			w.vpn("nurse", "10.20.200.9", hour(-0.1))
			w.move("10.20.200.9", "S", `HOSP\lis`, "rdp", hour(0))
		}, false, event.Suspected},
		{"as by VPN three weeks ago", func(w *world) {
			for _, h := range []float64{-24 * 21, 0} {
				w.vpn("lis", "10.20.200.9", hour(h-0.1))
				w.move("10.20.200.9", "S", `HOSP\lis`, "rdp", hour(h))
			}
		}, false, event.Suspected},
		{"two strangers", func(w *world) {
			w.move("198.18.7.7", "S", `HOSP\lis`, "rdp", hour(0))
			w.move("198.18.9.9", "S", `HOSP\nurse`, "rdp", hour(-30))
		}, false, event.Suspected},
		{"nobody knows who came before", func(w *world) { w.move("198.18.7.7", "S", `HOSP\lis`, "rdp", hour(0)) }, true, event.Suspected},
		{"after the intruder had gone on", func(w *world) { w.move("198.18.7.7", "S", `HOSP\lis`, "rdp", hour(4)) }, false, event.Suspected},
	} {
		w := newWorld("S", "T", "GATE")
		if !c.dark {
			w.watched("S", hour(6))
		}
		w.move("S", "T", `HOSP\dba`, "rdp", hour(1))
		w.find("T", "credentials read", hour(2), "User", `HOSP\dba`)
		w.find("T", "protection off", hour(2.2), "User", `HOSP\dba`)
		c.do(w)
		got := w.judge()["S"]
		if got.Verdict != c.want || (lineOf(got, "entry from outside") != nil) != (c.want == event.Infiltrated) {
			t.Errorf("%s: %s because %+v", c.name, got.Verdict, got.Because)
		}
	}
}

// TestStrangerAlone: that somebody came from outside for the first time is nothing by itself.
func TestStrangerAlone(t *testing.T) {
	w := newWorld("S")
	w.watched("S", hour(6))
	w.move("198.18.7.7", "S", `HOSP\lis`, "rdp", hour(0))
	if got := w.judge()["S"]; got.Verdict != event.NoEvidence {
		t.Errorf("%s because %+v", got.Verdict, got.Because)
	}
}

// TestCourse: sessions in ways that were never gone before lead from a stranger's entry, over a server on which nothing is found, to one that
// holds what is needed to carry files away. All three are infiltrated; a way that is not new, or out of order, or a second one, breaks it.
func TestCourse(t *testing.T) {
	for _, c := range []struct {
		name   string
		do     func(*world)
		broken bool
	}{
		{"in order", func(*world) {}, false},
		{"one way was gone before", func(w *world) { w.move("B", "X", `HOSP\dba`, "rdp", hour(-24*20)) }, true},
		{"a tool was sent to the first", func(w *world) {
			w.moves = slices.DeleteFunc(w.moves, func(m event.Movement) bool { return m.To == "A" })
			w.find("A", "remote service", hour(-50), "SubjectUserName", "adm", "SubjectDomainName", "HOSP", "ServiceName", "kISt")
		}, false},
		{"nothing was done on the first", func(w *world) {
			w.moves = slices.DeleteFunc(w.moves, func(m event.Movement) bool { return m.To == "A" })
		}, true},
		{"the last act is a command by a database engine", func(w *world) {
			w.findings, w.lines = nil, nil
			w.find("C", "database command", hour(-2), "statement", "COPY t TO PROGRAM 'gzip'")
		}, false},
		{"the last act is a command by a database engine for a client", func(w *world) {
			w.findings, w.lines = nil, nil
			w.find("C", "database command", hour(-2), "statement", "COPY t TO PROGRAM 'gzip'", "src_ip", "10.4.4.4")
		}, true},
		{"two ways lead there", func(w *world) {
			w.helped("X", "SUPPLIER1", hour(-24*20))
			w.helped("X", "DESKTOP-8", hour(-60))
			w.move("X", "C", `HOSP\adm`, "rdp", hour(-30))
		}, true},
		{"the stranger had come before", func(w *world) { w.helped("A", "DESKTOP-7", hour(-24*20)) }, true},
		{"files were carried away before", func(w *world) {
			w.findings = slices.DeleteFunc(w.findings, func(f event.Finding) bool { return f.Server == "C" })
			w.lines = nil
			w.find("C", "bytes out", hour(-100))
		}, true},
	} {
		w := newWorld("A", "B", "C", "X")
		for _, s := range []string{"A", "B", "C", "X"} {
			w.watched(s, hour(6))
		}
		w.helped("A", "SUPPLIER1", hour(-24*21))
		w.helped("A", "DESKTOP-7", hour(-72))
		w.move("A", "B", `HOSP\supplier`, "rdp", hour(-48))
		w.move("B", "C", `HOSP\dba`, "rdp", hour(-24))
		w.find("C", "bytes out", hour(-2))
		c.do(w)
		got := w.judge()
		for _, s := range []event.ServerID{"A", "B", "C"} {
			if (got[s].Verdict == event.Infiltrated) == c.broken {
				t.Errorf("%s: %s is %s because %+v", c.name, s, got[s].Verdict, got[s].Because)
			}
		}
	}
}
