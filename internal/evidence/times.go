package evidence

import (
	"time"

	"wardround/internal/event"
)

// logStamp is a time of day and date as a text log spells it. Zoned says that offset, in seconds east of UTC, was
// written beside it; otherwise it is a wall clock's reading.
type logStamp struct {
	year, month, day int // year 0: the line does not tell
	seconds          int // since midnight, up to 86,400 in a leap second
	nanos            int
	zoned            bool
	offset           int
}

// wallClock turns stamps into instants. It remembers the day it last saw, so that most lines cost an addition.
type wallClock struct {
	zone *time.Location

	day      int64 // 1970-01-01 is 0
	known    bool
	midnight int64 // Unix seconds at which the day begins
	steady   bool  // the zone's offset stays the same all day
}

func newWallClock(zone *time.Location) *wallClock {
	if zone == nil {
		zone = time.UTC
	}
	return &wallClock{zone: zone}
}

// at returns the instant of s; a logStamp without a year, or one that no calendar holds, has none.
func (c *wallClock) at(s *logStamp) event.Time {
	if s.year == 0 || !calendarDate(s.year, s.month, s.day) {
		return event.NoTime
	}
	day := daysSinceEpoch(s.year, s.month, s.day)
	if s.zoned {
		return unixTime(day*86400+int64(s.seconds-s.offset), s.nanos)
	}
	if !c.known || c.day != day {
		c.enter(day, s)
	}
	if c.steady {
		return unixTime(c.midnight+int64(s.seconds), s.nanos)
	}
	return event.At(time.Date(s.year, time.Month(s.month), s.day, 0, 0, s.seconds, s.nanos, c.zone))
}

func (c *wallClock) enter(day int64, s *logStamp) {
	begin := time.Date(s.year, time.Month(s.month), s.day, 0, 0, 0, 0, c.zone)
	end := time.Date(s.year, time.Month(s.month), s.day+1, 0, 0, 0, 0, c.zone)
	_, from := begin.Zone()
	_, to := end.Zone()
	c.day, c.known, c.midnight = day, true, begin.Unix()
	c.steady = from == to && end.Unix()-begin.Unix() == 86400
}

// date returns the year, month and day at which the wall clock stands at t.
func (c *wallClock) date(t event.Time) (year, month, day int) {
	y, m, d := t.Std().In(c.zone).Date()
	return y, int(m), d
}

// unixTime is the instant of Unix seconds and nanoseconds, NoTime where event.Time does not reach.
func unixTime(seconds int64, nanos int) event.Time {
	const reach = 9214646400 // 2261-12-31
	if seconds < -reach || seconds > reach {
		return event.NoTime
	}
	return event.Time(seconds*1e9 + int64(nanos))
}

// daysSinceEpoch counts days from 1970-01-01 in the Gregorian calendar.
func daysSinceEpoch(year, month, day int) int64 {
	if month <= 2 {
		year--
	}
	era := year / 400
	if year < 0 {
		era = (year - 399) / 400
	}
	yoe := year - era*400
	doy := (153*((month+9)%12)+2)/5 + day - 1
	return int64(era)*146097 + int64(yoe*365+yoe/4-yoe/100+doy) - 719468
}

var monthDays = [13]int{0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func leapYear(y int) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

func calendarDate(year, month, day int) bool {
	return month >= 1 && month <= 12 && day >= 1 && day <= monthDays[month] &&
		(month != 2 || day != 29 || leapYear(year))
}

// dayOfLeapYear numbers the days of a leap year from 0, so that a date has one number whatever its year.
func dayOfLeapYear(month, day int) int { return daysBefore[month] + day - 1 }

// daysBefore is how many days of a leap year precede a month.
var daysBefore = [13]int{0, 0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335}

func digit(c byte) bool { return c-'0' <= 9 }

// readDigits reads exactly n digits at the start of b.
func readDigits(b []byte, n int) (v int, ok bool) {
	if len(b) < n {
		return 0, false
	}
	for _, c := range b[:n] {
		if !digit(c) {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	return v, true
}

// monthName reads an English month of three letters, of any case; 0 if it is none.
func monthName(b []byte) int {
	if len(b) < 3 {
		return 0
	}
	switch uint32(b[0]|0x20)<<16 | uint32(b[1]|0x20)<<8 | uint32(b[2]|0x20) {
	case 'j'<<16 | 'a'<<8 | 'n':
		return 1
	case 'f'<<16 | 'e'<<8 | 'b':
		return 2
	case 'm'<<16 | 'a'<<8 | 'r':
		return 3
	case 'a'<<16 | 'p'<<8 | 'r':
		return 4
	case 'm'<<16 | 'a'<<8 | 'y':
		return 5
	case 'j'<<16 | 'u'<<8 | 'n':
		return 6
	case 'j'<<16 | 'u'<<8 | 'l':
		return 7
	case 'a'<<16 | 'u'<<8 | 'g':
		return 8
	case 's'<<16 | 'e'<<8 | 'p':
		return 9
	case 'o'<<16 | 'c'<<8 | 't':
		return 10
	case 'n'<<16 | 'o'<<8 | 'v':
		return 11
	case 'd'<<16 | 'e'<<8 | 'c':
		return 12
	}
	return 0
}

// readClock reads HH:MM:SS with an optional fraction after a point or comma, and returns the bytes read, 0 if it is
// no time of day.
func readClock(b []byte, s *logStamp) int {
	if len(b) < 8 || b[2] != ':' || b[5] != ':' {
		return 0
	}
	h, ok1 := readDigits(b, 2)
	m, ok2 := readDigits(b[3:], 2)
	sec, ok3 := readDigits(b[6:], 2)
	if !ok1 || !ok2 || !ok3 || h > 23 || m > 59 || sec > 60 {
		return 0
	}
	s.seconds, s.nanos = h*3600+m*60+sec, 0
	n := 8
	if n+1 < len(b) && (b[n] == '.' || b[n] == ',') && digit(b[n+1]) {
		n++
		for scale := 100_000_000; n < len(b) && digit(b[n]); n++ {
			s.nanos += int(b[n]-'0') * scale
			scale /= 10
		}
	}
	return n
}

// readISO reads 2022-11-23T01:37:49 with an optional fraction and zone; a space may stand for the T, slashes for the
// hyphens. It returns the bytes read, 0 if it is no such time.
func readISO(b []byte, s *logStamp) int {
	if len(b) < 19 || b[4] != b[7] || (b[4] != '-' && b[4] != '/') || (b[10] != 'T' && b[10] != ' ' && b[10] != 't') {
		return 0
	}
	y, ok1 := readDigits(b, 4)
	m, ok2 := readDigits(b[5:], 2)
	d, ok3 := readDigits(b[8:], 2)
	n := readClock(b[11:], s)
	if !ok1 || !ok2 || !ok3 || n == 0 || y == 0 || !calendarDate(y, m, d) {
		return 0
	}
	s.year, s.month, s.day = y, m, d
	n += 11
	return n + readZone(b[n:], s)
}

// readZone reads Z, +05:30, +0530 or +05.
func readZone(b []byte, s *logStamp) int {
	s.zoned, s.offset = false, 0
	if len(b) == 0 {
		return 0
	}
	if b[0] == 'Z' || b[0] == 'z' {
		s.zoned = true
		return 1
	}
	if b[0] != '+' && b[0] != '-' {
		return 0
	}
	h, ok := readDigits(b[1:], 2)
	if !ok || h > 15 {
		return 0
	}
	n, m := 3, 0
	if len(b) > n && b[n] == ':' {
		if v, ok := readDigits(b[n+1:], 2); ok && v < 60 {
			m, n = v, n+3
		}
	} else if v, ok := readDigits(b[n:], 2); ok && v < 60 {
		m, n = v, n+2
	}
	s.zoned, s.offset = true, h*3600+m*60
	if b[0] == '-' {
		s.offset = -s.offset
	}
	return n
}

// readMonthDay reads "Nov 23 " or "Nov  3 " and returns the bytes read with the space behind, 0 if it is no date. The
// month is 0 when its place holds three letters that name none.
func readMonthDay(b []byte, s *logStamp) int {
	if len(b) < 6 || b[3] != ' ' || !letter(b[0]) || !letter(b[1]) || !letter(b[2]) {
		return 0
	}
	n := 4
	if b[n] == ' ' {
		n++
	}
	if n >= len(b) || !digit(b[n]) {
		return 0
	}
	day := int(b[n] - '0')
	n++
	if n < len(b) && digit(b[n]) {
		day = day*10 + int(b[n]-'0')
		n++
	}
	if n >= len(b) || b[n] != ' ' {
		return 0
	}
	s.month, s.day = monthName(b), day
	return n + 1
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// readCtime reads "Mon Jun  6 18:43:28 2016", the form of ctime(3), with an optional zone name before the year.
func readCtime(b []byte, s *logStamp) int {
	if len(b) < 24 || b[3] != ' ' || !weekday(b) {
		return 0
	}
	*s = logStamp{}
	n := readMonthDay(b[4:], s)
	if n == 0 || s.month == 0 {
		return 0
	}
	n += 4
	c := readClock(b[n:], s)
	if c == 0 || n+c >= len(b) || b[n+c] != ' ' {
		return 0
	}
	n += c + 1
	if n+4 < len(b) && letter(b[n]) {
		for n < len(b) && b[n] != ' ' {
			n++
		}
		n++
	}
	if n > len(b) {
		return 0
	}
	y, ok := readDigits(b[n:], 4)
	if !ok || !calendarDate(y, s.month, s.day) {
		return 0
	}
	s.year = y
	return n + 4
}

func weekday(b []byte) bool {
	switch string(b[:3]) {
	case "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun":
		return true
	}
	return false
}
