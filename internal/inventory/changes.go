package inventory

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"wardround/internal/event"
)

// columns of approved work; docs/format/changes.md.
var changeColumns = columns{
	known: []string{"from", "to", "account", "source", "targets", "tool", "ticket"},
	spelled: map[string]string{
		"start": "from", "start time": "from", "begin": "from", "from time": "from",
		"end": "to", "end time": "to", "until": "to", "to time": "to",
		"user": "account", "username": "account", "user name": "account",
		"source host": "source", "source ip": "source", "source server": "source",
		"target": "targets", "target servers": "targets", "servers": "targets", "server": "targets",
		"tools": "tool", "program": "tool", "software": "tool",
		"change": "ticket", "change id": "ticket", "ticket no": "ticket", "reference": "ticket", "cr": "ticket",
	},
}

// ReadChanges takes approved work in CSV or JSON (docs/format/changes.md). Times without a zone are in zone; with a nil
// zone they are a problem. A row that would explain too much (no end, no account, source or tool) is left out. The error
// is for a file that is no such list at all.
func ReadChanges(r io.Reader, name string, zone *time.Location) ([]event.Change, []Problem, error) {
	t, err := readTable(r, name, "changes", changeColumns)
	if err != nil {
		return nil, t.problems, err
	}
	for _, must := range []string{"from", "to"} {
		if !slices.Contains(t.columns, must) {
			return nil, t.problems, fmt.Errorf("read %q: no column %q: the first line must be %s", name, must, strings.Join(changeColumns.known, ","))
		}
	}
	var changes []event.Change
	for _, r := range t.rows {
		if c, ok := t.change(r, zone); ok {
			changes = append(changes, c)
		}
	}
	slices.SortStableFunc(t.problems, func(a, b Problem) int { return a.Line - b.Line })
	return changes, t.problems, nil
}

func (t *table) change(r row, zone *time.Location) (event.Change, bool) {
	c := event.Change{
		Line: r.line, Account: t.given(r, "account"), Source: t.given(r, "source"), Tool: t.given(r, "tool"), Ticket: t.cell(r, "ticket"),
	}
	lost := func(column, says, remedy string) (event.Change, bool) {
		t.problems = append(t.problems, Problem{r.line, column, says, remedy, true})
		return c, false
	}
	for _, bound := range []struct {
		column string
		at     *event.Time
	}{{"from", &c.From}, {"to", &c.To}} {
		at, note, err := parseTime(t.cell(r, bound.column), zone, bound.column == "to")
		if err != nil {
			return lost(bound.column, err.Error(), "write it like 2022-11-23 07:00 +05:30")
		}
		if note != "" {
			t.problems = append(t.problems, Problem{Line: r.line, Column: bound.column, Says: note})
		}
		if at == event.NoTime {
			return lost(bound.column, "the year is out of reach", "write it like 2022-11-23 07:00 +05:30")
		}
		*bound.at = at
	}
	if c.To < c.From {
		return lost("to", "the work ends before it begins", "exchange the two times")
	}
	if c.Account == "" && c.Source == "" && c.Tool == "" {
		return lost("account", "the row names no account, source or tool, so it would explain everything", "give at least one of them")
	}
	targets := t.given(r, "targets")
	for _, target := range strings.FieldsFunc(targets, func(c rune) bool { return strings.ContainsRune(";,|\n", c) }) {
		if target = strings.TrimSpace(target); target == "*" {
			c.Targets = nil
			break
		} else if target != "" {
			c.Targets = append(c.Targets, target)
		}
	}
	return c, true
}

// given is a cell in which * stands for "any" and so for nothing said.
func (t *table) given(r row, column string) string {
	if cell := t.cell(r, column); cell != "*" {
		return cell
	}
	return ""
}

var (
	zoneName   = regexp.MustCompile(`(?i)\s*(?:\(?(IST|UTC|GMT|Z)\)?|(?:UTC|GMT)?\s*([+-])(\d\d?):?(\d\d)?)$`)
	yearFirst  = regexp.MustCompile(`^(\d{4})[-/.](\d\d?)[-/.](\d\d?)(?:[T ]+|$)`)
	dayFirst   = regexp.MustCompile(`^(\d\d?)[-/.](\d\d?)[-/.](\d{4})(?:[T ]+|$)`)
	monthNamed = regexp.MustCompile(`(?i)^(\d\d?)[- ](jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[- ,]+(\d{4})(?:[T ]+|$)`)
	ofDay      = regexp.MustCompile(`(?i)^(\d\d?)[:.](\d\d)(?:[:.](\d\d)(?:\.\d+)?)?\s*(am|pm)?$`)
)

// ist is the time of India. The zone database has no name for it that is short: IST there is Israel's or Ireland's.
var ist = time.FixedZone("IST", (5*60+30)*60)

// parseTime reads a time as people write it: year first, day first (never month first), or the month's name; a time of
// day on either clock; a zone as IST, UTC or an offset. A date alone means its first moment, or, at an end, its last.
// The note tells what was understood where it could have been something else.
func parseTime(s string, zone *time.Location, end bool) (at event.Time, note string, err error) {
	s = strings.TrimSpace(s)
	bad := func(why string) (event.Time, string, error) {
		return event.NoTime, "", fmt.Errorf("%q %s", s, why)
	}
	if s == "" {
		return bad("is no time")
	}
	day, clock, note, ok := cutDate(s)
	if !ok {
		return bad("is no date")
	}
	if m := zoneName.FindStringSubmatch(clock); m != nil {
		if zone, ok = zoneOf(m); !ok {
			return bad("has an offset that no zone has")
		}
		clock = clock[:len(clock)-len(m[0])]
	}
	if zone == nil {
		return bad("has no time zone")
	}
	y, mo, d := day.Date()
	if clock == "" {
		if end {
			return event.At(time.Date(y, mo, d+1, 0, 0, 0, -1, zone)), note, nil
		}
		return event.At(time.Date(y, mo, d, 0, 0, 0, 0, zone)), note, nil
	}
	h, mi, sec, ok := clockOf(clock)
	if !ok {
		return bad("is no time of day")
	}
	return event.At(time.Date(y, mo, d, h, mi, sec, 0, zone)), note, nil
}

// cutDate takes the date off the front; clock is the rest.
func cutDate(s string) (day time.Time, clock, note string, ok bool) {
	var y, mo, d string
	if m := yearFirst.FindStringSubmatch(s); m != nil {
		y, mo, d, clock = m[1], m[2], m[3], s[len(m[0]):]
	} else if m := dayFirst.FindStringSubmatch(s); m != nil {
		d, mo, y, clock = m[1], m[2], m[3], s[len(m[0]):]
		if atoi(d) <= 12 && d != mo {
			note = fmt.Sprintf("%q is read with the day first", s)
		}
	} else if m := monthNamed.FindStringSubmatch(s); m != nil {
		d, y, clock = m[1], m[3], s[len(m[0]):]
		mo = fmt.Sprint(1 + strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", lower(m[2]))/3)
	} else {
		return day, "", "", false
	}
	day = time.Date(atoi(y), time.Month(atoi(mo)), atoi(d), 0, 0, 0, 0, time.UTC)
	ok = day.Year() == atoi(y) && int(day.Month()) == atoi(mo) && day.Day() == atoi(d)
	return day, strings.TrimSpace(clock), note, ok
}

func zoneOf(m []string) (*time.Location, bool) {
	switch name := strings.ToUpper(m[1]); name {
	case "IST":
		return ist, true
	case "UTC", "GMT", "Z":
		return time.UTC, true
	}
	hours, minutes := atoi(m[3]), atoi(m[4])
	if hours > 14 || minutes > 59 {
		return nil, false
	}
	seconds := (hours*60 + minutes) * 60
	if m[2] == "-" {
		seconds = -seconds
	}
	return time.FixedZone("", seconds), true
}

func clockOf(s string) (hour, minute, second int, ok bool) {
	m := ofDay.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return 0, 0, 0, false
	}
	hour, minute, second = atoi(m[1]), atoi(m[2]), atoi(m[3])
	if half := lower(m[4]); half != "" {
		if hour < 1 || hour > 12 {
			return 0, 0, 0, false
		}
		hour %= 12
		if half == "pm" {
			hour += 12
		}
	}
	return hour, minute, second, hour < 24 && minute < 60 && second < 60
}

// atoi reads digits that a pattern has already found; nothing is zero.
func atoi(digits string) (n int) {
	for _, c := range digits {
		n = n*10 + int(c-'0')
	}
	return n
}
