package evidence

import (
	"strings"
	"time"

	"wardround/internal/event"
)

// readStamp reads a date and time at the start of b, year first ("2022-11-23 07:07:49.123", "2022/11/23T07:07:49,5"), as
// if it were UTC, and returns what follows it. Up to nine fractional digits count; more are passed over.
func readStamp(b []byte) (t event.Time, rest []byte, ok bool) {
	if len(b) < 19 || b[4] != b[7] || b[4] != '-' && b[4] != '/' && b[4] != '.' || b[10] != ' ' && b[10] != 'T' {
		return event.NoTime, b, false
	}
	year, month, day := digits(b[0:4]), digits(b[5:7]), digits(b[8:10])
	second, rest, ok := readDayTime(b[11:])
	if !ok || year < 0 || !validDate(year, month, day) {
		return event.NoTime, b, false
	}
	return onDay(daysTo(year, month, day), second), rest, true
}

// readDayTime reads "07:07:49.123" at the start of b, in nanoseconds since midnight.
func readDayTime(b []byte) (ns int64, rest []byte, ok bool) {
	if len(b) < 8 || b[2] != ':' || b[5] != ':' {
		return 0, b, false
	}
	h, m, s := digits(b[0:2]), digits(b[3:5]), digits(b[6:8])
	if h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 60 {
		return 0, b, false
	}
	ns = int64(h*3600+m*60+s) * 1e9
	rest = b[8:]
	if len(rest) > 1 && (rest[0] == '.' || rest[0] == ',') && isDigit(rest[1]) {
		i := 1
		for unit := int64(1e8); i < len(rest) && isDigit(rest[i]); i++ {
			ns += unit * int64(rest[i]-'0')
			unit /= 10
		}
		rest = rest[i:]
	}
	return ns, rest, true
}

// readOffset reads a distance from UTC at the start of b: "Z", "+05:30", "+0530", "+05", a blank before it allowed,
// and returns it in seconds.
func readOffset(b []byte) (seconds int, rest []byte, ok bool) {
	r := b
	if len(r) > 1 && r[0] == ' ' {
		r = r[1:]
	}
	if len(r) > 0 && r[0] == 'Z' {
		return 0, r[1:], true
	}
	if len(r) < 3 || r[0] != '+' && r[0] != '-' {
		return 0, b, false
	}
	h, m, n := digits(r[1:3]), 0, 3
	switch {
	case len(r) >= 6 && r[3] == ':':
		m, n = digits(r[4:6]), 6
	case len(r) >= 5 && isDigit(r[3]) && isDigit(r[4]):
		m, n = digits(r[3:5]), 5
	}
	if h < 0 || h > 15 || m < 0 || m > 59 {
		return 0, b, false
	}
	seconds = h*3600 + m*60
	if r[0] == '-' {
		seconds = -seconds
	}
	return seconds, r[n:], true
}

// onDay is the instant ns nanoseconds into the day that is days after 1970-01-01.
func onDay(days int, ns int64) event.Time {
	s := int64(days)*86400 + ns/1e9
	if s < -9214646400 || s > 9214646400 {
		return event.NoTime
	}
	return event.Time(s*1e9 + ns%1e9)
}

// daysTo counts the days from 1970-01-01 to a date of the Gregorian calendar.
func daysTo(year, month, day int) int {
	if month <= 2 {
		year--
		month += 12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 719469
}

func validDate(year, month, day int) bool {
	if month < 1 || month > 12 || day < 1 || day > 31 {
		return false
	}
	leap := year%4 == 0 && (year%100 != 0 || year%400 == 0)
	return day <= int("\x1f\x1c\x1f\x1e\x1f\x1e\x1f\x1f\x1e\x1f\x1e\x1f"[month-1]) || month == 2 && day == 29 && leap
}

// digits reads a decimal number that fills b; -1 if it holds anything else.
func digits(b []byte) int {
	n := 0
	for _, c := range b {
		if !isDigit(c) || n > 1e9 {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// monthNumber reads the English abbreviation of a month; 0 if it is none.
func monthNumber(b []byte) int {
	if len(b) != 3 {
		return 0
	}
	return monthName(b)
}

// zoneHours are the abbreviations that logs write, in hours east of UTC. Many are used twice in the world; the ones
// below are those that a hospital in India, or its suppliers, would mean.
var zoneHours = map[string]float64{
	"UTC": 0, "GMT": 0, "UCT": 0, "Z": 0, "WET": 0,
	"IST": 5.5, "NPT": 5.75, "PKT": 5, "BDT": 6, "MMT": 6.5, "GST": 4, "AST": 3, "MSK": 3,
	"BST": 1, "CET": 1, "WEST": 1, "CEST": 2, "EET": 2, "SAST": 2, "EEST": 3,
	"SGT": 8, "HKT": 8, "WIB": 7, "ICT": 7, "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11,
	"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}

// localZone turns local times of one artifact into UTC, and notes how.
type localZone struct {
	zone   *time.Location
	noted  map[string]bool
	loaded map[string]*time.Location // nil for names that are no zones
	out    *output
}

func newLocalZone(in *input, out *output) *localZone {
	return &localZone{zone: in.Options.Zone, noted: map[string]bool{}, loaded: map[string]*time.Location{}, out: out}
}

// unstated turns a time whose zone the log does not state into UTC, by the zone of the options.
func (z *localZone) unstated(t event.Time) event.Time {
	zone := z.zone
	if zone == nil {
		zone = time.UTC
	}
	if z.first("") {
		z.out.note("times state no zone: read as %s", zone)
	}
	return inZone(t, zone)
}

// named turns a time into UTC by the zone that the log names: an abbreviation, an offset, or a name of the IANA database.
func (z *localZone) named(t event.Time, name []byte) event.Time {
	if len(name) == 0 {
		return z.unstated(t)
	}
	if s, rest, ok := readOffset(name); ok && len(rest) == 0 {
		return t.Add(-seconds(s))
	}
	if h, ok := zoneHours[string(name)]; ok {
		if h != 0 && z.first(string(name)) {
			z.out.note("times in %s: read as %s from UTC", name, offsetText(h))
		}
		return t.Add(-time.Duration(h * float64(time.Hour)))
	}
	if len(name) > 40 || !strings.Contains(string(name), "/") {
		return z.unstated(t)
	}
	loc, ok := z.loaded[string(name)]
	if !ok && len(z.loaded) < 50 {
		loc, _ = time.LoadLocation(string(name))
		z.loaded[string(name)] = loc
	}
	if loc == nil {
		return z.unstated(t)
	}
	return inZone(t, loc)
}

// first reports whether a zone is met for the first time.
func (z *localZone) first(name string) bool {
	if z.noted[name] || len(z.noted) >= 50 {
		return false
	}
	z.noted[name] = true
	return true
}

func offsetText(hours float64) string {
	t := time.Unix(0, 0).In(time.FixedZone("", int(hours*3600)))
	return t.Format("-07:00")
}

// inZone turns a wall clock, given as if it were UTC, into the instant at which clocks of the zone showed it.
func inZone(t event.Time, zone *time.Location) event.Time {
	if t == event.NoTime {
		return t
	}
	u := t.Std()
	return event.At(time.Date(u.Year(), u.Month(), u.Day(), u.Hour(), u.Minute(), u.Second(), u.Nanosecond(), zone))
}

// seconds is a span of n seconds.
func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
