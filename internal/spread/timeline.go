package spread

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"wardround/internal/event"
)

// tactics are ATT&CK's, in the order of its matrix.
var tactics = []string{"reconnaissance", "resource development", "initial access", "execution", "persistence", "privilege escalation", "defense evasion",
	"credential access", "discovery", "lateral movement", "collection", "command and control", "exfiltration", "impact"}

// tacticOfLine is the tactic of a line of the table, where a rule's tags do not tell.
var tacticOfLine = map[string]string{
	"encrypted here": "impact", "payload executed": "execution", "command and control": "command and control", "code in memory": "defense evasion",
	"account of the attacker": "persistence", "web shell": "persistence", "payload persists": "persistence", "hypervisor encryptor": "impact",
	"database command of the attacker": "execution", "movement": "lateral movement", "departure": "lateral movement", "remote service": "lateral movement", "admin share": "lateral movement",
	"credentials read": "credential access", "backups deleted": "impact", "anti-forensics": "defense evasion", "protection off": "defense evasion",
	"antivirus detection": "execution", "tool present": "command and control", "database command": "execution", "bytes out": "exfiltration", "affected from afar": "impact",
}

// tactic is what a rule's tags say the act was for: the line's own tactic if the tags have it, else their first in the
// order of the matrix.
func tactic(line string, tags []string) *string {
	own := tacticOfLine[line]
	var found string
	for _, name := range tactics {
		for _, tag := range tags {
			word := strings.NewReplacer("-", " ", "_", " ").Replace(strings.TrimPrefix(strings.ToLower(tag), "attack."))
			if word == "stealth" || word == "defense impairment" {
				word = "defense evasion" // ATT&CK 18 splits the tactic
			}
			if word == name && (found == "" || name == own) {
				found = name
			}
		}
	}
	if found = cmp.Or(found, own); found == "" {
		return nil
	}
	return &found
}

// maxMoments bounds the timeline.
const maxMoments = 5000

// timeline lists what is cited, in order of time.
func (t *Teller) timeline() []event.Moment {
	out := []event.Moment{}
	for i := range t.facts.Acts {
		a := &t.facts.Acts[i]
		for _, r := range a.Reasons {
			if len(out) >= maxMoments {
				break
			}
			m := event.Moment{Time: r.Time, Recorded: t.recorded(a.Server, r.Time), Server: a.Server, Class: r.Class, Says: r.Says, Because: r.Findings}
			var tags []string
			for _, id := range r.Findings {
				if f := t.cited[id]; f != nil {
					tags = append(tags, f.Rule.Tags...)
					if f.Corrected == r.Time {
						m.Recorded = f.Time
					}
				}
			}
			m.Tactic = tactic(r.Line, tags)
			if len(a.Accounts) > 0 {
				account := ParseAccount(a.Accounts[0]).Display()
				m.Account = &account
			}
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(a, b event.Moment) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Server, b.Server), strings.Compare(a.Says, b.Says))
	})
	return out
}

// recorded is what a server's clock showed at a time of the estate.
func (t *Teller) recorded(id event.ServerID, at event.Time) event.Time {
	for _, c := range t.facts.Clocks {
		if c.Server == id && c.Corrected {
			return at.Add(time.Duration(c.OffsetSeconds * float64(time.Second)).Round(time.Millisecond))
		}
	}
	return at
}

// span writes a length of time for people.
func span(d time.Duration) string {
	d = d.Abs()
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
