package report

import (
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // the binary stands alone

	"wardround/internal/event"
)

// clock writes times for people in one zone, with UTC beside it.
type clock struct {
	loc   *time.Location
	named string // the zone as the header says it
	utc   bool
}

// newClock takes "IST", "Asia/Kolkata", "UTC" or any name of the IANA database; "" and a name that nothing knows are UTC.
func newClock(zone string) clock {
	switch strings.ToLower(zone) {
	case "ist", "asia/kolkata", "asia/calcutta":
		return clock{loc: time.FixedZone("IST", 19800), named: "IST (UTC+5:30)"}
	case "", "utc", "etc/utc", "z":
		return clock{loc: time.UTC, named: "UTC", utc: true}
	}
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "Local" {
		return clock{loc: time.UTC, named: "UTC (no zone is called " + show(zone, maxName) + ")", utc: true}
	}
	return clock{loc: loc, named: show(zone, maxName) + " (offset beside each time)"}
}

const day = "02 Jan 2006"

// abbreviation of the zone at t: a name, or the offset where the zone has no name.
func (c clock) abbreviation(t time.Time) string {
	name := t.Format("MST")
	if strings.HasPrefix(name, "+") || strings.HasPrefix(name, "-") || c.named != "UTC" && !strings.HasPrefix(c.named, "IST") && !c.utc {
		return "UTC" + t.Format("-07:00")
	}
	return name
}

// people writes "23 Nov 2022 07:07:49 IST".
func (c clock) people(t event.Time) string {
	if t == event.NoTime {
		return notKnown
	}
	l := t.Std().In(c.loc)
	return strings.TrimPrefix(l.Format(day), "0") + l.Format(" 15:04:05 ") + c.abbreviation(l)
}

// minute writes "23 Nov 07:07", for axes and short lines whose zone and year the header gives.
func (c clock) minute(t event.Time) string {
	if t == event.NoTime {
		return notKnown
	}
	return strings.TrimPrefix(t.Std().In(c.loc).Format("02 Jan 15:04"), "0")
}

// date writes "23 Nov".
func (c clock) date(t event.Time) string {
	return strings.TrimPrefix(t.Std().In(c.loc).Format("02 Jan"), "0")
}

// hour numbers the hours of the people's zone.
func (c clock) hour(t event.Time) event.Time {
	_, offset := t.Std().In(c.loc).Zone()
	return t.Add(time.Duration(offset)*time.Second) / 3.6e12
}

// beside writes what stands in brackets behind the time for people: UTC in the precision of the source, with the date
// when it is another. It is "" when people are given UTC.
func (c clock) beside(t event.Time) string {
	if t == event.NoTime || c.utc {
		return ""
	}
	u, l := t.Std(), t.Std().In(c.loc)
	s := u.Format("15:04:05.999999999")
	if u.Day() != l.Day() {
		s = strings.TrimPrefix(u.Format("02 Jan "), "0") + s
	}
	return "UTC " + s
}

// both writes the time for people with UTC beside it.
func (c clock) both(t event.Time) string {
	if b := c.beside(t); b != "" {
		return c.people(t) + " (" + b + ")"
	}
	return c.people(t)
}

var stamp = regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z\b`)

// inWords writes the times of a verdict's sentence, which files keep in UTC, as people read them. What the sentence quotes
// from evidence stays as it is.
func (c clock) inWords(s string) string {
	parts := strings.SplitAfter(s, "“")
	for i, part := range parts {
		quoted := ""
		if i > 0 {
			if end := strings.Index(part, "”"); end >= 0 {
				quoted, part = part[:end], part[end:]
			} else {
				continue
			}
		}
		parts[i] = quoted + stamp.ReplaceAllStringFunc(part, func(t string) string {
			at, err := time.Parse(time.RFC3339Nano, t)
			if err != nil {
				return t
			}
			return c.people(event.At(at))
		})
	}
	return strings.Join(parts, "")
}

// notKnown stands for a fact that nobody gave.
const notKnown = "not known"

// utcTime writes "18 Nov 2022 21:42:44", for a column whose head says UTC.
func (c clock) utcTime(t event.Time) string {
	if t == event.NoTime {
		return notKnown
	}
	return strings.TrimPrefix(t.Std().Format(day+" 15:04:05"), "0")
}
