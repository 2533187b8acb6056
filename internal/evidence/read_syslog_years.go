package evidence

import (
	"bytes"
	"context"
	"path"
	"time"

	"wardround/internal/event"
)

// yearWalk gives years to the lines of a log that tells months and days only. Lines follow one another in time but
// for small disorder, so a step back by more than a month is the turn of a year, and a step forward by more than
// eleven months is a late line from before the turn. Which year the first line belongs to comes from base.
type yearWalk struct {
	rel     int // years since the first line
	pos     int // day of a leap year, of the last line
	started bool

	base     int // year of the first line, once something has told it
	based    bool
	first    int // the base that the first dated line told
	anchored bool

	// A computer whose clock is not yet set at boot writes January 1; what follows returns to the day before.
	reset              bool
	beforePos, beforeR int

	leaps   []int // values of rel at which February 29 was seen
	latest  event.Time
	settled bool // the look-ahead found no absolute times: none need be sought again
}

const (
	disorderDays = 31
	lastDay      = 365 // of a leap year, counted from 0
)

// step moves on to a line of that month and day.
func (w *yearWalk) step(month, day int) {
	pos := dayOfLeapYear(month, day)
	if !w.started {
		w.started, w.pos = true, pos
	} else if pos == w.pos {
		return
	}
	delta, rel := pos-w.pos, w.rel
	newYear := pos == 0 || pos == lastDay
	switch {
	case w.reset && !newYear && pos >= w.beforePos-1 && pos-w.beforePos <= disorderDays:
		rel, w.reset = w.beforeR, false
	case delta < -disorderDays:
		rel++
	case delta > lastDay-disorderDays:
		rel--
	}
	if newYear && rel != w.rel {
		w.reset, w.beforePos, w.beforeR = true, w.pos, w.rel
	} else if !newYear {
		w.reset = false
	}
	w.pos, w.rel = pos, rel
	if pos == 59 && len(w.leaps) < 16 && (len(w.leaps) == 0 || w.leaps[len(w.leaps)-1] != rel) {
		w.leaps = append(w.leaps, rel)
	}
}

// anchor says that the line last stepped to belongs to the year.
func (w *yearWalk) anchor(year int) {
	w.base, w.based = year-w.rel, true
	if !w.anchored {
		w.anchored, w.first = true, w.base
	}
}

// year of the line last stepped to, 0 when nothing tells it.
func (w *yearWalk) year() int {
	if !w.based {
		return 0
	}
	return w.base + w.rel
}

// walk takes the next line into account: its time, which may bear a year, and its text, in which the kernel and
// the audit system state absolute times.
func (w *yearWalk) walk(s *logStamp, line []byte, clock *wallClock) {
	if !calendarDate(2000, s.month, s.day) {
		return
	}
	w.step(s.month, s.day)
	if s.year != 0 {
		w.anchor(s.year)
		return
	}
	if !w.settled && statesTime(line) {
		if y := statedYear(line, s, clock); y != 0 {
			w.anchor(y)
		}
	}
}

// statesTime passes over the lines of programs other than the kernel and the audit dispatcher: behind the time, or the
// host after it, stands "kernel:" or "aud…".
func statesTime(line []byte) bool {
	if len(line) < 40 {
		return false
	}
	if line[0] == '<' {
		line = line[bytes.IndexByte(line[:8], '>')+1:]
	}
	b := line[16:]
	if b[0] == 'k' && hasPrefix(b, "kernel:") {
		return true
	}
	i := 1
	for i < len(b) && b[i-1] != ' ' {
		i++
	}
	b = b[i:]
	return len(b) > 8 && (b[0] == 'k' && hasPrefix(b, "kernel:") || b[0] == 'a' && hasPrefix(b, "aud"))
}

// statedYear finds an absolute time that agrees with the line's own month and day: audit(1669167469.123:45), or the
// kernel's "setting system clock to 2022-11-23".
func statedYear(line []byte, s *logStamp, clock *wallClock) int {
	y, m, d := 0, 0, 0
	if i := bytes.Index(line, []byte("audit(1")); i >= 0 {
		seconds, n := 0, i+6
		for ; n < len(line) && digit(line[n]) && seconds < 1e11; n++ {
			seconds = seconds*10 + int(line[n]-'0')
		}
		y, m, d = clock.date(unixTime(int64(seconds), 0))
	} else if i := bytes.Index(line, []byte("setting system clock to ")); i >= 0 {
		var t logStamp
		if readISO(line[i+24:], &t) == 0 {
			return 0
		}
		y, m, d = t.year, t.month, t.day
	} else {
		return 0
	}
	// The kernel's clock is UTC, the line's perhaps not: they may stand on different sides of midnight.
	switch dayOfLeapYear(s.month, s.day) - dayOfLeapYear(m, d) {
	case 0, 1, -1, 2, -2:
		return y
	case lastDay:
		return y - 1
	case -lastDay:
		return y + 1
	}
	return 0
}

// lookAhead reads the whole artifact once to learn where in its years it begins and ends.
func (w *yearWalk) lookAhead(ctx context.Context, in *input, out *output, clock *wallClock) {
	if in.Again == nil {
		return
	}
	r, err := in.Again()
	if err != nil {
		return
	}
	defer r.Close()
	ahead := yearWalk{}
	var s logStamp
	var day [7]byte
	l := newLines(ctx, r)
	for l.next() && !ahead.anchored {
		if len(l.text) > 16 && l.text[0] != '<' && [7]byte(l.text[:7]) == day && !statesTime(l.text) {
			continue // the day of the line before
		}
		if readLineStamp(l.text, &s) {
			ahead.walk(&s, l.text, clock)
			day = [7]byte(l.text)
		}
	}
	w.settle(&ahead, in, out, clock)
}

// settle fixes the year of the first line from what the look-ahead saw.
func (w *yearWalk) settle(ahead *yearWalk, in *input, out *output, clock *wallClock) {
	if ahead.anchored {
		w.base, w.based = ahead.first, true
		out.note("years of lines without one taken from dated lines of the same log")
		return
	}
	w.settled = true
	until, basis := lastMoment(in, clock)
	if until == event.NoTime {
		out.note("lines without a year have no time: neither the log, its name nor its date of change tells the year")
		return
	}
	last := *ahead
	year, _, _ := clock.date(until)
	_, month, day := civil(last.pos)
	if !calendarDate(year, month, day) || clock.at(&logStamp{year: year, month: month, day: day}) > until {
		year--
	}
	base := year - last.rel
	for tries := 0; tries < 8 && !leapsHold(base, last.leaps); tries++ {
		base--
	}
	if base != year-last.rel && leapsHold(base, last.leaps) {
		basis += " and its February 29"
	} else {
		base = year - last.rel
	}
	w.base, w.based, w.latest = base, true, until.Add(24*time.Hour)
	out.note("years of lines without one taken from %s: the last line is of %d", basis, base+last.rel)
}

func leapsHold(base int, rels []int) bool {
	for _, r := range rels {
		if !leapYear(base + r) {
			return false
		}
	}
	return true
}

// civil is the date of a day of a leap year.
func civil(pos int) (year, month, day int) {
	t := time.Date(2000, 1, 1+pos, 0, 0, 0, 0, time.UTC)
	return 2000, int(t.Month()), t.Day()
}

// lastMoment is the latest time at which the log can have been written, and what says so: the date that log rotation
// put into the file's name, or the time at which the file was last changed, whichever is earlier.
func lastMoment(in *input, clock *wallClock) (event.Time, string) {
	until, basis := event.NoTime, ""
	if !in.Modified.IsZero() {
		until, basis = event.At(in.Modified).Add(24*time.Hour), "the file's time of change "+in.Modified.UTC().Format(time.DateOnly)
	}
	if y, m, d := nameDate(path.Base(in.Path)); y != 0 {
		named := clock.at(&logStamp{year: y, month: m, day: d}).Add(48 * time.Hour)
		if until == event.NoTime || named < until {
			until, basis = named, "the date in the file's name"
		}
	}
	return until, basis
}

// nameDate finds the date of a rotated log's name: messages-20221127, syslog.2022-11-27.gz.
func nameDate(name string) (y, m, d int) {
	b := []byte(name)
	for i := 0; i+8 <= len(b); i++ {
		if i > 0 && (digit(b[i-1]) || letter(b[i-1])) {
			continue
		}
		part := b[i:]
		n, ok := readDigits(part, 8)
		y, m, d = n/10000, n/100%100, n%100
		end := 8
		if !ok && len(part) >= 10 && part[4] == '-' && part[7] == '-' {
			var ok1, ok2, ok3 bool
			y, ok1 = readDigits(part, 4)
			m, ok2 = readDigits(part[5:], 2)
			d, ok3 = readDigits(part[8:], 2)
			ok, end = ok1 && ok2 && ok3, 10
		}
		if ok && (len(part) == end || !digit(part[end])) && y >= 1990 && y < 2100 && calendarDate(y, m, d) {
			return y, m, d
		}
	}
	return 0, 0, 0
}
