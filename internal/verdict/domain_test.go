package verdict

import (
	"testing"

	"wardround/internal/event"
)

// TestDomainOfTwoNames: approved work names an account with the domain's NetBIOS name, the log with its DNS name. They are one account
// where it is known that both are one domain's, and another's first label says nothing.
func TestDomainOfTwoNames(t *testing.T) {
	for _, c := range []struct {
		name, domain string
		known        bool
		want         event.Judgement
	}{
		{"one domain", "AD.AROGYA.EXAMPLE", true, event.Inconclusive},
		{"not known to be one", "AD.AROGYA.EXAMPLE", false, event.Suspected},
		{"another domain", "AD.OTHER.EXAMPLE", true, event.Suspected},
	} {
		w := newWorld("DB1")
		w.opt.Domain = func(dns string) string {
			if c.known && dns == "ad.arogya.example" {
				return "arogyadham"
			}
			return ""
		}
		w.opt.Changes = []event.Change{{Line: 2, From: hour(0), To: hour(4), Account: `AROGYADHAM\adm`}}
		w.find("DB1", "remote service", hour(2), "ServiceName", "PSEXESVC", "SubjectDomainName", c.domain, "SubjectUserName", "adm")
		if got := w.judge()["DB1"]; got.Verdict != c.want {
			t.Errorf("%s: %s because %+v, against %+v", c.name, got.Verdict, got.Because, got.Against)
		}
	}
}
