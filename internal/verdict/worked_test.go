package verdict

import (
	"testing"

	"wardround/internal/event"
)

// TestSessionOfTheIntruder: a taken account opens a desktop or a shell, from an infiltrated server from which it never came before. That is
// the intruder at work; its owner, a visit to a share, or who repairs after the files are gone, is not.
func TestSessionOfTheIntruder(t *testing.T) {
	for _, c := range []struct {
		name  string
		how   string
		do    func(*world)
		want  event.Judgement
		fresh bool // T's logs begin with the night
	}{
		{name: "desktop", how: "rdp", want: event.Infiltrated},
		{name: "over the network only", how: "network logon", want: event.Suspected},
		{name: "a shell, as the source tells", how: "network logon", want: event.Infiltrated, do: func(w *world) {
			w.moves = append(w.moves, event.Movement{From: "S", To: "T", Time: hour(3), How: "winrm", SeenFrom: "source", Because: []event.Place{{Artifact: "s"}}})
		}},
		{name: "a shell of another time", how: "network logon", want: event.Suspected, do: func(w *world) {
			w.moves = append(w.moves, event.Movement{From: "S", To: "T", Time: hour(1), How: "winrm", SeenFrom: "source", Because: []event.Place{{Artifact: "s"}}})
		}},
		{name: "its owner came from there before, to another", how: "rdp", want: event.Suspected, do: func(w *world) { w.move("S", "U", `HOSP\dba`, "rdp", hour(-100)) }},
		{name: "nobody knows who came before", how: "rdp", want: event.Suspected, fresh: true},
		{name: "after files were encrypted", how: "rdp", want: event.Suspected, do: func(w *world) { w.find("U", "encrypted here", hour(2.5)) }},
		{name: "an account that was only exposed", how: "", want: event.Suspected, do: func(w *world) {
			w.move("U", "S", `HOSP\adm`, "rdp", hour(1))
			w.move("S", "T", `HOSP\adm`, "rdp", hour(3))
		}},
	} {
		w := newWorld("S", "T", "U")
		w.find("S", "credentials read", hour(2), "User", `HOSP\dba`)
		w.find("S", "protection off", hour(2.2), "User", `HOSP\dba`)
		if c.how != "" {
			w.move("S", "T", `HOSP\dba`, c.how, hour(3))
		}
		if c.fresh {
			w.log("T", "windows/Security", 4624, hour(0), hour(6), 10*60e9)
		} else {
			w.watched("T", hour(6))
		}
		if c.do != nil {
			c.do(w)
		}
		got := w.judge()["T"]
		if got.Verdict != c.want || (lineOf(got, "session of the intruder") != nil) != (c.want == event.Infiltrated) || lineOf(got, "movement") == nil {
			t.Errorf("%s: %s because %+v", c.name, got.Verdict, got.Because)
		}
	}
}

// TestBorrowed: somebody who sat on an infiltrated server used the password of an account whose owner was not at work there. The visit alone
// makes suspicious; with a tool's service, or anything else, it proves. What the owner may have done himself is nothing.
func TestBorrowed(t *testing.T) {
	service := func(w *world) {
		w.find("S", "remote service", hour(4.01), "SubjectDomainName", "HOSP", "SubjectUserName", "adm", "ServiceName", "kISt")
	}
	for _, c := range []struct {
		name string
		how  string
		do   func(*world)
		want event.Judgement
	}{
		{"a desktop", "rdp", nil, event.Suspected},
		{"only a share", "network logon", nil, event.NoEvidence},
		{"a tool", "network logon", service, event.Infiltrated},
		{"a tool of another account", "network logon", func(w *world) {
			w.find("S", "remote service", hour(4.01), "SubjectDomainName", "HOSP", "SubjectUserName", "other", "ServiceName", "kISt")
		}, event.Suspected},
		{"another act on that evening", "rdp", func(w *world) { w.find("S", "protection off", hour(7)) }, event.Infiltrated},
		{"from his own desktop", "rdp", func(w *world) { w.move("10.0.0.9", "T", `HOSP\adm`, "rdp", hour(-40)) }, event.NoEvidence},
		{"his program on a share there", "rdp", func(w *world) { w.move("10.0.0.9", "T", `HOSP\adm`, "network logon", hour(3)) }, event.Suspected},
		{"as he did before, to another", "rdp", func(w *world) { w.move("T", "U", `HOSP\adm`, "rdp", hour(-100)) }, event.NoEvidence},
		{"before the intruder came", "rdp", func(w *world) { w.moves = nil; w.move("T", "S", `HOSP\adm`, "rdp", hour(0.5)) }, event.NoEvidence},
		{"after files were encrypted", "rdp", func(w *world) { w.find("U", "encrypted here", hour(3)) }, event.NoEvidence},
	} {
		w := newWorld("S", "T", "U")
		for _, s := range []string{"S", "T", "U"} {
			w.watched(s, hour(48))
		}
		w.find("T", "web shell", hour(1), "User", "www")
		w.move("T", "S", `HOSP\adm`, c.how, hour(4))
		if c.do != nil {
			c.do(w)
		}
		got := w.judge()["S"]
		if got.Verdict != c.want {
			t.Errorf("%s: %s because %+v", c.name, got.Verdict, got.Because)
		}
	}
}

// TestBorrowedIsNotSaidOfAYoungLog: whose logs at the source reach back a day alone cannot say that the owner did not sit there.
func TestBorrowedIsNotSaidOfAYoungLog(t *testing.T) {
	for days, want := range map[float64]event.Judgement{31: event.Suspected, 1: event.NoEvidence} {
		w := newWorld("S", "T")
		w.watched("S", hour(48))
		w.watchedFrom("T", hour(-24*days), hour(48))
		w.find("T", "web shell", hour(1), "User", "www")
		w.move("T", "S", `HOSP\adm`, "rdp", hour(4))
		if got := w.judge()["S"]; got.Verdict != want {
			t.Errorf("%g days: %s because %+v", days, got.Verdict, got.Because)
		}
	}
}

// TestBorrowedProvesNothingElse: that an account was borrowed once does not make each of its visits the intruder's.
func TestBorrowedProvesNothingElse(t *testing.T) {
	w := newWorld("S", "T", "U")
	for _, s := range []string{"S", "T", "U"} {
		w.watched(s, hour(48))
	}
	w.find("T", "web shell", hour(1), "User", "www")
	w.move("T", "S", `HOSP\adm`, "rdp", hour(4))
	w.move("T", "U", `HOSP\adm`, "network logon", hour(8))
	got := w.judge()
	if got["S"].Verdict != event.Suspected || got["U"].Verdict != event.NoEvidence {
		t.Errorf("%s because %+v; %s because %+v", got["S"].Verdict, got["S"].Because, got["U"].Verdict, got["U"].Because)
	}
}
