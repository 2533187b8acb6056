package verdict

import (
	"testing"

	"wardround/internal/event"
)

// TestOnward: from S, which keeps no log of what was done there, services were set up on two servers days before files were lost there.
// That his tools came from S, in a way never gone before, is evidence against it; that they came to two servers proves it. A server that he
// came to S from is asked for by the same days.
func TestOnward(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*world)
		want [2]event.Judgement // of S and D
	}{
		{"to two servers", func(*world) {}, [2]event.Judgement{event.Infiltrated, event.Infiltrated}},
		{"to one", func(w *world) { w.moves = w.moves[1:] }, [2]event.Judgement{event.Suspected, event.Suspected}},
		{"its account had come from there before", func(w *world) { w.move("S", "U", `HOSP\adm`, "network logon", hour(-24*20)) }, [2]event.Judgement{event.Inconclusive, event.Suspected}},
		{"through a gateway", func(w *world) {
			w.moves = append(w.moves, event.Movement{To: "S", Time: hour(-200), How: "vpn", Account: "x", Address: "198.18.7.7", Session: "10.20.200.4", SeenFrom: "destination", Because: []event.Place{{Artifact: "v"}}})
		}, [2]event.Judgement{event.Suspected, event.Suspected}},
	} {
		w := newWorld("S", "T", "U", "D")
		for i, s := range []string{"T", "U"} {
			w.watched(s, hour(80))
			w.move("S", s, `HOSP\adm`, "network logon", hour(float64(i)))
			w.find(s, "remote service", hour(float64(i)+0.01), "SubjectDomainName", "HOSP", "SubjectUserName", "adm", "ServiceName", "kISt")
			w.find(s, "backups deleted", hour(72))
			w.find(s, "protection off", hour(72.2))
		}
		w.watched("S", hour(80))
		w.find("D", "antivirus detection", hour(-60))
		w.move("D", "S", `HOSP\dba`, "network logon", hour(-48))
		c.do(w)
		got := w.judge()
		for i, s := range []event.ServerID{"S", "D"} {
			if v := got[s].Verdict; v != c.want[i] && !(c.want[i] == event.Inconclusive && v == event.NoEvidence) {
				t.Errorf("%s: %s is %s because %+v", c.name, s, v, got[s].Because)
			}
		}
	}
}
