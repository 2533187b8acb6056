package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"wardround/internal/event"
	"wardround/internal/policy"
)

// wouldChange says which source or fact would change a verdict.
func (j *Judge) wouldChange(s *server, o *opinion, v *event.Verdict, role policy.Role, w event.Window) []string {
	out := []string{}
	switch v.Verdict {
	case event.Infiltrated:
		if !slices.ContainsFunc(o.decisive, func(a *act) bool { return a.class == event.A }) {
			out = append(out, fmt.Sprintf("A row of approved work that explains all but one of the %s above, account, source and time included", plural(len(o.decisive), "act")))
		} else {
			out = append(out, "Proof that what is listed under class A is not the attacker's: a mistaken hash or a test by the hospital itself")
		}
	case event.Suspected:
		out = append(out, "Down: a row of approved work that explains what is listed above", "Up: a second, linked act in the sources that are missing below")
		out = append(out, missing(v, w, false)...)
	case event.NoEvidence:
		out = append(out, missing(v, w, false)...)
	default:
		if v.Examined == event.NothingCollected {
			out = append(out, "Any collection from it: event logs first")
			return out
		}
		out = append(out, missing(v, w, true)...)
	}
	if slices.Contains(v.Flags, "affected") {
		out = append(out, "A source that shows which process wrote the encrypted files: Sysmon 11, Security 4663, $UsnJrnl, or shares opened at that hour (Security 5145)")
	}
	return out
}

// sources says, in the words of whoever must fetch it, what answers a question.
var sources = map[string]string{
	"logon":            "Security.evtx (4624) or auth.log, secure, wtmp, journal",
	"process start":    "Sysmon 1 or Security 4688, or auditd execve",
	"service or task":  "System.evtx, TaskScheduler/Operational or syslog, journal",
	"file change":      "Sysmon 11 or Security 4663, or auditd",
	"network contact":  "Sysmon 3 and 22 or Security 5156",
	"cleared log":      "Security.evtx and System.evtx, or auth.log and syslog",
	"web request":      "the web server's access log",
	"database request": "the database's own log",
}

// missing lists the questions that are open, must-have ones first.
func missing(v *event.Verdict, w event.Window, all bool) []string {
	open := slices.Clone(v.Coverage.Questions)
	open = slices.DeleteFunc(open, func(q event.Question) bool { return q.Answered >= 0.9 && !(all && q.Must && len(q.Holes) > 0) })
	slices.SortStableFunc(open, func(a, b event.Question) int {
		if a.Must != b.Must {
			if a.Must {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Answered, b.Answered)
	})
	var out []string
	for _, q := range open {
		what := sources[q.Question]
		if what == "" {
			what = "a source of it"
		}
		switch {
		case q.Answered == 0:
			out = append(out, fmt.Sprintf("%s: not recorded in the window; %s", title(q.Question), what))
		case len(q.Holes) > 0:
			h := longest(q.Holes)
			out = append(out, fmt.Sprintf("%s: open for %.0f %% of the window, longest from %s to %s; %s", title(q.Question), 100*(1-q.Answered), h[0], h[1], what))
		}
	}
	return out
}

func longest(holes [][2]event.Time) [2]event.Time {
	return slices.MaxFunc(holes, func(a, b [2]event.Time) int { return cmp.Compare(a[1].Sub(a[0]), b[1].Sub(b[0])) })
}

func title(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
