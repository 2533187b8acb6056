package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"wardround/internal/event"
)

// wouldChange says which source or fact would change a verdict.
func (s *server) wouldChange(o *opinion, v *event.Verdict) []string {
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
		out = append(out, s.missing(v, false)...)
	case event.NoEvidence:
		out = append(out, s.missing(v, false)...)
	default:
		if v.Examined == event.NothingCollected {
			out = append(out, "Any collection from it: event logs first")
			return out
		}
		out = append(out, s.missing(v, true)...)
	}
	if slices.Contains(v.Flags, "affected") {
		out = append(out, "A source that shows which process wrote the encrypted files: Sysmon 11, Security 4663, $UsnJrnl, or shares opened at that hour (Security 5145)")
	}
	return out
}

// sources says, in the words of whoever must fetch it, what answers a question: on Windows, and elsewhere.
var sources = map[string][2]string{
	"logon":            {"Security.evtx", "auth.log, secure, wtmp or the journal"},
	"process start":    {"Sysmon, or Security.evtx with process auditing", "audit.log with execve"},
	"service or task":  {"System.evtx", "syslog, messages or the journal"},
	"file change":      {"Sysmon, or Security.evtx with object auditing", "audit.log with file rules"},
	"network contact":  {"Sysmon, or Security.evtx with connection auditing", "Sysmon for Linux"},
	"cleared log":      {"Security.evtx and System.evtx", "auth.log and syslog, or the journal"},
	"web request":      {"the web server's access log", "the web server's access log"},
	"database request": {"the database's own log", "the database's own log"},
}

// sourceOfQuestion names the source for the systems that the server's logs show.
func sourceOfQuestion(question string, windows, other bool) string {
	s := sources[question]
	switch {
	case s[0] == s[1] || windows && !other:
		return s[0]
	case other && !windows:
		return s[1]
	}
	return s[0] + " (Windows); " + s[1] + " (Linux)"
}

// missing lists the questions that are open, must-have ones first; those that nothing answers at all in one sentence.
func (s *server) missing(v *event.Verdict, all bool) []string {
	windows, other := false, false
	for k := range s.logs {
		windows = windows || strings.HasPrefix(k.source, "windows/")
		other = other || strings.HasPrefix(k.source, "linux/") || strings.HasPrefix(k.source, "esxi/")
	}
	var never, sourcesOfNever, out []string
	for _, must := range []bool{true, false} {
		for _, q := range v.Coverage.Questions {
			if q.Must != must || q.Answered >= 0.9 && !(all && must && len(q.Holes) > 0) {
				continue
			}
			source := sourceOfQuestion(q.Question, windows, other)
			if q.Answered == 0 {
				never = append(never, q.Question)
				if !slices.Contains(sourcesOfNever, source) {
					sourcesOfNever = append(sourcesOfNever, source)
				}
				continue
			}
			h := longest(q.Holes)
			share := ""
			if open := 100 * (1 - q.Answered); open >= 1 {
				share = fmt.Sprintf(" for %.0f %% of the window, longest", open)
			}
			out = append(out, fmt.Sprintf("%s is open%s from %s to %s: %s", title(q.Question), share, h[0], h[1], source))
		}
	}
	if len(never) > 0 {
		out = append([]string{fmt.Sprintf("Not recorded in the window: %s. It would stand in: %s", strings.Join(never, ", "), strings.Join(sourcesOfNever, "; "))}, out...)
	}
	return out
}

func longest(holes [][2]event.Time) [2]event.Time {
	return slices.MaxFunc(holes, func(a, b [2]event.Time) int { return cmp.Compare(a[1].Sub(a[0]), b[1].Sub(b[0])) })
}

func title(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
