package verdict

import (
	"slices"
	"strings"
	"time"

	"wardround/internal/event"
	"wardround/internal/policy"
)

// tampering makes pieces of what the logs themselves show to have been removed: holes in the record numbers of a whole
// original log, inside the window, that no crash explains.
func (s *server) tampering(p *policy.Policy, w event.Window) []*piece {
	line := p.Line("anti-forensics")
	if line == nil {
		return nil
	}
	var out []*piece
	for k, l := range s.logs {
		if k.id != 0 || k.provider != "" {
			continue
		}
		for _, h := range l.numberHoles() {
			if h.span[1] < w.From || h.span[0] > w.To || s.crashed(h.span) {
				continue
			}
			out = append(out, &piece{
				at: h.span[1], line: line, rule: "records removed", place: k.source + " " + fmtUint(h.nums[0]), object: k.source,
				says: "In " + k.source + ", " + h.why + ", between records that are whole",
			})
		}
	}
	return out
}

// crashed reports whether the server stopped without being shut down near a hole: System 41 and 6008.
func (s *server) crashed(span interval) bool {
	from, to := span[0].Add(-10*time.Minute), span[1].Add(10*time.Minute)
	for _, id := range []uint32{41, 6008} {
		if l := s.logs[logKey{source: "windows/system", id: id}]; l != nil && l.spans.Touches(from, to) {
			return true
		}
	}
	return false
}

// undeliberate says why an act of anti-forensics alone is not a deliberate one.
func (s *server) undeliberate(a *act, t *policy.Thresholds) string {
	if !slices.ContainsFunc(a.lines, func(l *policy.Line) bool { return l.Name == "anti-forensics" }) {
		return ""
	}
	near := func(p *piece) bool { return p.at <= a.last && p.at >= a.first.Add(-t.InstallGrace) }
	for _, p := range s.noted {
		if p.line.Name == "installed" && near(p) {
			return "the system was installed, renamed or prepared for cloning within a day before"
		}
	}
	return ""
}

// clockSet reads by how much a record says that a clock was set; no if it does not say so.
func clockSet(f map[string]string) (time.Duration, bool) {
	if f["PreviousTime"] == "" { // as in nearly all findings: a text that is no time is dear to parse
		return 0, false
	}
	before, ok := parseTime(f["PreviousTime"])
	after, ok2 := parseTime(f["NewTime"])
	if !ok || !ok2 {
		return 0, false
	}
	d := after.Sub(before)
	return max(d, -d), true
}

func parseTime(s string) (time.Time, bool) {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\u200e' || r == '\u200f' {
			return -1
		}
		return r
	}, s))
	for _, form := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(form, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
