package report

import (
	"bufio"
	"cmp"
	"io"
	"strconv"
	"strings"

	"wardround/internal/event"
)

// CSV writes the sheet of servers when the stream is closed: RFC 4180 with a header, one row per server in the order
// of the page. It begins with a byte order mark, because the spreadsheet on a hospital's desk takes a file without one
// for its own code page and ruins Hindi names. A cell that a spreadsheet could take for a formula begins with an apostrophe;
// line ends in cells are spelled out, so a row is a line. Times are given twice, in UTC and in the zone for people.
func CSV(w io.Writer) Handler {
	g := &gather{}
	g.render = func(e *estate) error {
		out := bufio.NewWriter(w)
		out.WriteString("\ufeff")
		writeRow(out, sheetHead(e))
		for _, s := range e.servers {
			writeRow(out, e.sheetRow(s))
		}
		return out.Flush()
	}
	return g
}

func sheetHead(e *estate) []string {
	zone := strings.Fields(e.clock.named)[0]
	head := []string{"server", "verdict", "certainty", "examined", "in the inventory", "kind", "role", "operating system", "location", "addresses", "aliases",
		"earliest possible (UTC)", "earliest possible (" + zone + ")", "bounded by", "first proven; if only suspected, first sign (UTC)", "first proven; if only suspected, first sign (" + zone + ")",
		"from", "flags", "findings class A", "findings class B", "findings class C", "because", "against", "coverage (share of the window)", "questions", "would change it",
		"may be reconnected", "reconnect because", "conflicts", "case"}
	if e.Exercise {
		head = append(head, "EXERCISE")
	}
	return head
}

// maxCell is below the 32,767 characters that a cell of a spreadsheet holds.
const maxCell = 30_000

func (e *estate) sheetRow(s *server) []string {
	since := event.Since{EarliestPossible: event.NoTime, FirstProven: event.NoTime}
	if s.Since != nil {
		since = *s.Since
	}
	var from, because, against, asked []string
	for _, o := range s.From {
		from = append(from, origin(o))
	}
	for _, r := range s.Because {
		because = append(because, cmp.Or(show(string(r.Class), 20), "-")+": "+e.says(r.Says)+" ["+e.clock.both(r.Time)+"]")
	}
	for _, a := range s.Against {
		against = append(against, e.says(a.Says)+" (set aside: "+e.says(a.Why)+")")
	}
	for _, q := range s.Coverage.Questions {
		asked = append(asked, show(q.Question, maxName)+" "+percent(q.Answered))
	}
	coverage := ""
	if len(s.Coverage.Questions) > 0 {
		coverage = strconv.FormatFloat(min(max(s.Coverage.Overall, 0), 1), 'f', 3, 64)
	}
	row := []string{show(string(s.Server), maxName), string(s.Judgement), known(s.Confidence, 20), cmp.Or(show(s.Examined, maxName), notKnown), yesNo(s.Listed), known(s.Kind, maxName), known(s.Verdict.Role, maxName),
		known(s.OS, maxName), known(s.Location, maxName), names(s.Addresses, 50), names(s.Aliases, 50),
		e.utc(since.EarliestPossible), e.people(since.EarliestPossible), show(since.BoundedBy, maxName), e.utc(since.FirstProven), e.people(since.FirstProven),
		strings.Join(from, " | "), names(s.Flags, 50), strconv.Itoa(s.Findings["A"]), strconv.Itoa(s.Findings["B"]), strconv.Itoa(s.Findings["C"]),
		strings.Join(because, " | "), strings.Join(against, " | "), coverage, strings.Join(asked, " | "), strings.Join(e.sayAll(s.WouldChangeIt), " | "),
		yesNo(s.Reconnect.Allowed), e.says(s.Reconnect.Because), strings.Join(say(s.Conflicts), " | "), show(e.Name, maxName)}
	if e.Exercise {
		row = append(row, "EXERCISE: nothing in it happened")
	}
	return row
}

func (e *estate) utc(t event.Time) string { return t.String() }

func (e *estate) people(t event.Time) string {
	if t == event.NoTime {
		return ""
	}
	return e.clock.people(t)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func writeRow(w *bufio.Writer, cells []string) {
	for i, c := range cells {
		if i > 0 {
			w.WriteByte(',')
		}
		w.WriteString(cell(c))
	}
	w.WriteString("\r\n")
}

// cell guards against formulas and quotes. The full-width forms of = + - @ are formulas too in Asian editions.
func cell(s string) string {
	s = strings.ReplaceAll(s, "\u00a0", " ")
	if len(s) > maxCell {
		s = clip(func(t string) string { return t }, s, maxCell, len(s))
	}
	if t := strings.TrimLeft(s, " '\""); t != "" {
		switch r := []rune(t[:min(len(t), 4)])[0]; r {
		case '=', '+', '-', '@', '|', '%', '\t', '\r', '\n', '＝', '＋', '－', '＠', '﹢', '﹣', '−':
			s = "'" + s
		}
	}
	if strings.ContainsAny(s, ",\"\r\n;") || strings.HasPrefix(s, " ") || strings.HasSuffix(s, " ") {
		return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return s
}
