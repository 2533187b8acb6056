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
