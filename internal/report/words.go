package report

import (
	"strings"

	"wardround/internal/event"
)

// The flags that the page knows; others are shown by their name alone.
const (
	flagEncrypted = "encrypted"
	flagAffected  = "affected"
	flagPatients  = "patient data"
)

// flagLetters are letters, not colours, so that they survive every printer and every eye.
var flagLetters = []struct{ flag, letter, means string }{
	{flagEncrypted, "E", "files on it were encrypted by a process of its own"},
	{flagAffected, "A", "files on it were encrypted or overwritten; that a process of its own did it is not shown"},
	{"relay", "R", "others were reached from it"},
	{"credentials exposed", "K", "passwords or keys on it could be read by the intruder"},
	{flagPatients, "P", "files on it hold data of patients, as far as they were looked at"},
	{"evidence tampered", "T", "logs on it were deliberately cleared or changed"},
	{"clock off", "C", "its clock was wrong; times are corrected where they are compared"},
	{"end of life", "L", "its operating system is no longer maintained (a note, never evidence)"},
}

func flagLetter(flag string) string {
	for _, f := range flagLetters {
		if f.flag == flag {
			return f.letter
		}
	}
	return ""
}

// headline is the one sentence with its denominator, and the few that keep it honest.
func (e *estate) headline() []string {
	t, beside := e.counted()
	group, plural := "listed server", "listed servers"
	if !e.inventory() {
		group, plural = "server seen in evidence", "servers seen in evidence"
	}
	if t.All == 0 {
		return []string{"No server is listed and none was seen in evidence: nothing can be said yet."}
	}
	var out []string
	say := func(parts ...string) { out = append(out, strings.Join(parts, "")) }
	switch {
	case t.All == 1 && t.Infiltrated == 1:
		say("The one ", group, " is infiltrated.")
	case t.Infiltrated == t.All:
		say("All ", grouped(int64(t.All)), " ", plural, " are infiltrated.")
	case t.Infiltrated > 0:
		say(grouped(int64(t.Infiltrated)), " of ", grouped(int64(t.All)), " ", plural, plain(t.Infiltrated, " is", " are"), " infiltrated.")
	case t.Inconclusive == t.All && t.All == 1:
		say("The one ", group, " cannot be judged yet.")
	case t.Inconclusive == t.All:
		say("None of the ", grouped(int64(t.All)), " ", plural, " can be judged yet.")
	case t.All == 1:
		say("On the one ", group, " infiltration is not proven.")
	default:
		say("On none of the ", grouped(int64(t.All)), " ", plural, " is infiltration proven.")
	}
	switch {
	case t.Infiltrated > 0 || t.Suspected == 0:
	case t.All == 1:
		say("It is suspected.")
	default:
		say(grouped(int64(t.Suspected)), plain(t.Suspected, " is suspected.", " are suspected."))
	}
	if t.Inconclusive > 0 && t.Inconclusive < t.All {
		say(grouped(int64(t.Inconclusive)), " cannot be judged yet.")
	}
	switch {
	case t.Encrypted == 1 && t.All == 1:
		say("Files on it were encrypted.")
	case t.Encrypted > 0:
		say("On ", grouped(int64(t.Encrypted)), ", files were encrypted.")
	}
	if beside.Infiltrated+beside.Suspected > 0 {
		say("Not in the inventory: ", joinAnd(nonzero(beside.Infiltrated, "infiltrated"), nonzero(beside.Suspected, "suspected")), ".")
	}
	return out
}

func plain(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func nonzero(n int, word string) string {
	if n == 0 {
		return ""
	}
	return grouped(int64(n)) + " " + word
}

// joinAnd joins what is not empty: "a", "a and b", "a, b and c".
func joinAnd(parts ...string) string {
	var some []string
	for _, p := range parts {
		if p != "" {
			some = append(some, p)
		}
	}
	switch len(some) {
	case 0:
		return ""
	case 1:
		return some[0]
	}
	return strings.Join(some[:len(some)-1], ", ") + " and " + some[len(some)-1]
}

// The questions of the first screen, in its order, as verdicts.json names them.
var questions = []string{"since when", "where first", "how far", "from where"}

// answers returns the answers in the order of the first screen. A question that nobody answered reads "not known".
func (e *estate) answers() []event.Answer {
	var out []event.Answer
	used := make([]bool, len(e.v.Answers))
	for _, q := range questions {
		a := event.Answer{Question: q, State: "unknown", Says: notKnown}
		for i := range e.v.Answers {
			if !used[i] && strings.EqualFold(e.v.Answers[i].Question, q) {
				a, used[i] = e.v.Answers[i], true
				break
			}
		}
		out = append(out, a)
	}
	for i, a := range e.v.Answers {
		if !used[i] {
			out = append(out, a)
		}
	}
	for i := range out {
		if strings.TrimSpace(out[i].Says) == "" {
			out[i].Says = notKnown
		}
	}
	return out
}

// stateWord is ANSWERED, PARTIAL or UNKNOWN; what is none of them claims nothing.
func stateWord(s string) string {
	switch {
	case strings.EqualFold(s, "answered"):
		return "ANSWERED"
	case strings.EqualFold(s, "partial"):
		return "PARTIAL"
	}
	return "UNKNOWN"
}

// verdictWord is the verdict as it stands beside its sign.
func (s *server) verdictWord() string {
	if s.notExamined() {
		return "not examined"
	}
	return string(s.Judgement)
}

// certainty is "certainty high", "certainty not known", or "" where a verdict has none.
func (s *server) certainty() string {
	if s.Confidence == nil || *s.Confidence == "" {
		if s.full() {
			return "certainty " + notKnown
		}
		return ""
	}
	return "certainty " + show(*s.Confidence, 20)
}

// certaintyWord says how sure a statement is: "certainty high". Other words stand as they are: "a claim".
func certaintyWord(s string) string {
	switch s {
	case "", notKnown:
		return "certainty " + notKnown
	case "high", "moderate", "low":
		return "certainty " + s
	}
	return show(s, 40)
}

// stated is an optional text, "" when it is absent or blank.
func stated(s *string) string {
	if s == nil || strings.TrimSpace(*s) == "" {
		return ""
	}
	return *s
}

// known shows an optional text; one that is absent reads "not known".
func known(s *string, limit int) string {
	if s == nil || strings.TrimSpace(*s) == "" {
		return notKnown
	}
	return show(*s, limit)
}

// bounded says what an interval's early end rests on.
func bounded(by string) string {
	switch by {
	case "gap":
		return "a gap in the logs begins there"
	case "log start":
		return "the logs begin there: earlier cannot be ruled out"
	case "answered":
		return "up to then the entry questions are answered and nothing unexplained is seen"
	case "":
		return "what bounds it is " + notKnown
	}
	return "bounded by " + show(by, maxName)
}

// since says the interval in one sentence. Of a suspected server nothing is proven: its late end is a first sign.
func (e *estate) since(s *event.Since, j event.Judgement) string {
	at, proven := "proven at ", "proven"
	if j != event.Infiltrated {
		at, proven = "first sign at ", "first sign"
	}
	switch {
	case s == nil || s.EarliestPossible == event.NoTime && s.FirstProven == event.NoTime:
		return notKnown
	case s.EarliestPossible == event.NoTime:
		return at + e.clock.both(s.FirstProven) + "; the earliest possible time is " + notKnown
	case s.FirstProven == event.NoTime:
		return "possible from " + e.clock.both(s.EarliestPossible) + " (" + bounded(s.BoundedBy) + "); not proven at any time"
	case s.EarliestPossible == s.FirstProven:
		return at + e.clock.both(s.FirstProven) + "; " + bounded(s.BoundedBy)
	}
	return "between " + e.clock.both(s.EarliestPossible) + " (" + bounded(s.BoundedBy) + ") and " + e.clock.both(s.FirstProven) + " (" + proven + ")"
}

// firstProven is the same for the head of a section.
func (e *estate) firstProven(s *server) string {
	switch {
	case s.Since == nil || s.Since.FirstProven == event.NoTime:
		return "since when is " + notKnown
	case s.Judgement == event.Infiltrated:
		return "since " + e.clock.people(s.Since.FirstProven) + " at the latest"
	}
	return "first sign " + e.clock.people(s.Since.FirstProven)
}

// origin says from where a server was reached: "EX-APP1 · HOSP\svc_bkp · 10.0.2.4".
func origin(o event.Origin) string {
	return strings.Join([]string{part(o.Server, "server"), part(o.Account, "account"), part(o.Address, "address")}, " · ")
}

func part(s *string, what string) string {
	if s == nil || *s == "" {
		return what + " " + notKnown
	}
	return show(*s, maxName)
}

// short writes a digest's beginning.
func short(digest *string) string {
	if digest == nil || *digest == "" {
		return "not given"
	}
	d := show(*digest, maxName)
	if len(d) > 8 && plainASCII(d) {
		return d[:8] + "…"
	}
	return d
}

// given writes a digest in full.
func given(digest *string) string {
	if digest == nil || *digest == "" {
		return "not given"
	}
	return show(*digest, maxName)
}

func plainASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// draftWord is the state of the report for its header.
func (c *Case) draftWord() string {
	switch c.State {
	case "reviewed", "released":
		return c.State
	}
	return "draft"
}

// stepServers names at most n servers of a step and says how many it leaves out.
func stepServers(list []event.ServerID, n int) (names []string, more int) {
	for _, s := range list[:min(len(list), n)] {
		names = append(names, show(string(s), maxName))
	}
	return names, max(0, len(list)-n)
}

// capital writes the first letter of our own short words large; texts in other scripts stay.
func capital(s string) string {
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}

// roleWord is a role as people write it, "" when it is not known.
func roleWord(role string) string {
	switch role {
	case "lis", "pacs", "ris", "his":
		return strings.ToUpper(role)
	}
	return show(strings.ReplaceAll(role, "-", " "), 40)
}

func kindWord(kind *string) string {
	if kind == nil || *kind == "" {
		return "kind " + notKnown
	}
	return show(*kind, 40)
}
