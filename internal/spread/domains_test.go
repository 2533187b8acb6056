package spread

import (
	"maps"
	"testing"
)

// TestDomains: a domain's NetBIOS name need not be the first label of its DNS name; that two accounts bear its SID says that both are its
// names. What clones share, and a DNS name that two domains claim, says nothing.
func TestDomains(t *testing.T) {
	const dom, other, clone = "S-1-5-21-1-2-3", "S-1-5-21-4-5-6", "S-1-5-21-7-8-9"
	for _, c := range []struct {
		name string
		told []string
		want map[string]string
	}{
		{"two spellings of one SID", []string{dom + `\AROGYADHAM`, dom + `\AD.Arogya.Example`}, map[string]string{"ad.arogya.example": "arogyadham"}},
		{"the first label needs no learning", []string{dom + `\HOSP`, dom + `\HOSP.LOCAL`}, map[string]string{}},
		{"another SID is another domain", []string{dom + `\AROGYADHAM`, other + `\ad.arogya.example`}, map[string]string{}},
		{"clones share a SID", []string{clone + `\DB1`, clone + `\DB2`, clone + `\ad.arogya.example`}, map[string]string{}},
		{"two domains of one DNS name", []string{dom + `\A`, dom + `\ad.example`, other + `\B`, other + `\ad.example`}, map[string]string{}},
	} {
		for turn := range c.told {
			d := Domains{}
			for i := range c.told {
				half := Domains{}
				half.Learn(c.told[(i+turn)%len(c.told)])
				d.Merge(half)
			}
			if got := d.Flat(); !maps.Equal(got, c.want) {
				t.Errorf("%s, from %d: %v", c.name, turn, got)
			}
		}
	}
	d := Domains{}
	d.Learn(dom + `\AROGYADHAM`)
	d.Learn(dom + `\ad.arogya.example`)
	for sid, want := range map[string]string{dom + "-1104": `arogyadham\svc`, other + "-1104": `ad\svc`} {
		if got := d.Account(sid, `ad\svc`); got != want {
			t.Errorf("%s is %q, want %q", sid, got, want)
		}
	}
	for spelled, want := range map[string]string{
		`AD.AROGYA.EXAMPLE\Svc`: `arogyadham\Svc`, "Svc@ad.arogya.example": `arogyadham\Svc`, `DB1\Svc`: `DB1\Svc`, "Svc": "Svc", "Svc@other.example": "Svc@other.example",
	} {
		if got := OneName(spelled, d.Flat()); got != want {
			t.Errorf("%s is spelled %q, want %q", spelled, got, want)
		}
	}
}

// TestDomainOfARecord: logons and tickets name a domain beside an account's SID.
func TestDomainOfARecord(t *testing.T) {
	const sid = "S-1-5-21-1617233882-916840248-2375115086-1303"
	for _, c := range []struct{ sid, domain, want string }{
		{sid, "AD.AROGYA.EXAMPLE", `S-1-5-21-1617233882-916840248-2375115086\AD.AROGYA.EXAMPLE`},
		{sid, "-", ""},
		{sid, "", ""},
		{"S-1-5-18", "NT AUTHORITY", ""},
	} {
		r := record(windows("Security", 4624), "DB1", "TargetUserSid", c.sid, "TargetDomainName", c.domain, "TargetUserName", "svc")
		p := PeopleOf(r.Schema)
		if got := string(p.Domain(r, p.SID(r, nil), nil)); got != c.want {
			t.Errorf("%s %s: %q", c.sid, c.domain, got)
		}
	}
}
