package spread

import "testing"

func TestAccounts(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{`HOSP\svc_bkp`, "svc_bkp@hosp.local", true},
		{`HOSP\svc_bkp`, `hosp.local\SVC_BKP`, true},
		{`HOSP\svc_bkp`, "svc_bkp", true},
		{`HOSP\Administrator`, `DB1\Administrator`, false},
		{`LIS\adm`, `HOSP\adm`, false},
		{`HOSP\adm`, `HOSP\adm2`, false},
		{`.\deploy`, "deploy", true},
		{"", "", false},
	} {
		if got := ParseAccount(c.a).Same(ParseAccount(c.b)); got != c.same {
			t.Errorf("%q and %q: %v", c.a, c.b, got)
		}
	}
	if got := ParseAccount("Svc@HOSP.local").String(); got != `hosp\svc` {
		t.Errorf("got %q", got)
	}
}
