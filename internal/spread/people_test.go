package spread

import (
	"testing"

	"wardround/internal/event"
)

// TestPeople: a logon names who bears a SID; that of a computer, or of every Windows, is nobody's.
func TestPeople(t *testing.T) {
	const sid = "S-1-5-21-1617233882-916840248-2375115086-1303"
	for _, c := range []struct {
		name         string
		r            *event.Record
		sid, account string
	}{
		{"logon", record(windows("Security", 4624), "DB1", "TargetUserSid", sid, "TargetDomainName", "HOSP", "TargetUserName", "svc_site"), sid, `HOSP\svc_site`},
		{"ticket", record(windows("Security", 4768), "DC1", "TargetSid", sid, "TargetDomainName", "HOSP", "TargetUserName", "svc_site"), sid, `HOSP\svc_site`},
		{"account made", record(windows("Security", 4720), "DC1", "TargetSid", sid, "TargetDomainName", "HOSP", "TargetUserName", "temp"), sid, `HOSP\temp`},
		{"computer", record(windows("Security", 4624), "DB1", "TargetUserSid", sid, "TargetDomainName", "HOSP", "TargetUserName", "APP1$"), sid, ""},
		{"the system", record(windows("Security", 4624), "DB1", "TargetUserSid", "S-1-5-18", "TargetDomainName", "NT AUTHORITY", "TargetUserName", "SYSTEM"), "", ""},
	} {
		p := PeopleOf(c.r.Schema)
		if got := string(p.SID(c.r, nil)); !p.Any() || got != c.sid || p.Account(c.r) != c.account {
			t.Errorf("%s: %q is %q", c.name, got, p.Account(c.r))
		}
	}
	for id, want := range map[uint32]bool{4624: true, 4768: false, 4720: false} {
		s := record(windows("Security", id), "DB1", "TargetUserSid", sid, "TargetSid", sid, "TargetDomainName", "HOSP", "TargetUserName", "x").Schema
		if e := Of(s); PeopleOf(s).Within(&e) != want {
			t.Errorf("%d: a way tells who it is of: %t, want %t", id, !want, want)
		}
	}
	if PeopleOf(record(windows("System", 7045), "DB1").Schema).Any() {
		t.Error("a service names nobody")
	}
}

// TestSIDs: in whatever order they are met, a SID that two computers share is known by name alone, or not at all.
func TestSIDs(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  string
	}{
		{[]string{`HOSP\adm`, `hosp.local\adm`}, `hosp\adm`},
		{[]string{`DB1\Administrator`, `DB2\Administrator`, `DB1\administrator`}, "administrator"},
		{[]string{`DB1\one`, `DB2\two`, `DB2\two`}, ""},
	} {
		for turn := range c.names {
			a := Accounts{}
			for i := range c.names {
				a.Learn("S-1-5-21-1-2-3-500", c.names[(i+turn)%len(c.names)])
			}
			if got := a["S-1-5-21-1-2-3-500"]; got != c.want {
				t.Errorf("%v from %d: %q", c.names, turn, got)
			}
		}
	}
}
