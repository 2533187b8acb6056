package verdict

import (
	"slices"
	"testing"

	"wardround/internal/event"
)

// TestDamage: what a look at files tells weighs by how sure it is. What is only plausible is never decisive, and a few plausible files are nothing.
func TestDamage(t *testing.T) {
	at := hour(1.7)
	for name, c := range map[string]struct {
		d     Damage
		want  event.Judgement
		class event.Class
		flag  string
	}{
		"proven, and a process wrote":            {Damage{Proven: 5, LookedAt: 100, First: at, Process: `C:\Windows\System32\msdtc.exe`, Written: 30}, event.Infiltrated, event.A, "encrypted"},
		"proven":                                 {Damage{Proven: 5, LookedAt: 100, First: at}, event.Suspected, event.B, "affected"},
		"proven, without a time":                 {Damage{Proven: 5, LookedAt: 100, First: event.NoTime}, event.Suspected, event.B, "affected"},
		"two proven: their owner may have":       {Damage{Proven: 2, LookedAt: 100, First: at, Process: "x.exe", Written: 30}, "", "", ""},
		"plausible, and a process wrote":         {Damage{Plausible: 500, LookedAt: 600, First: at, Process: "x.exe", Written: 300}, event.Suspected, event.B, "affected"},
		"plausible, few of many: numbers do err": {Damage{Plausible: 9, LookedAt: 1000, First: at}, "", "", ""},
		"plausible, seven":                       {Damage{Plausible: 7, LookedAt: 7, First: at}, "", "", ""},
	} {
		w := newWorld("DB1")
		j := New(w.policy, w.opt)
		j.AddServer(w.servers[0])
		c.d.Server, c.d.Example = "DB1", "D:/data/visits.mdf.bak9"
		j.AddDamage(c.d)
		c.d.Server = "nobody"
		j.AddDamage(c.d)
		v := j.Verdicts().Servers[0]
		grave := v.Verdict == event.Infiltrated || v.Verdict == event.Suspected
		if c.want == "" && (grave || len(v.Because) > 0 || len(v.Flags) > 0) || c.want != "" && v.Verdict != c.want {
			t.Errorf("%s: %s, %v, %+v", name, v.Verdict, v.Flags, v.Because)
		}
		if c.want != "" && (len(v.Because) != 1 || v.Because[0].Class != c.class || !slices.Contains(v.Flags, c.flag)) {
			t.Errorf("%s: %v, %+v", name, v.Flags, v.Because)
		}
	}
}
