package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardround/internal/event"
)

// Pictures are drawn here as numbers; the template puts them into SVG. All widths are shares of the drawing's, so that it fits
// paper and telephone alike and its text keeps its size.

// share is a position or width, 0 to 1, written in percent.
type share float64

func (s share) String() string {
	return strconv.FormatFloat(float64(s)*100, 'f', 2, 64) + "%"
}

// axis maps a stretch of time to 0 … 1.
type axis struct {
	from, to    event.Time
	Ticks       []tick
	First, Last string // labels of the ends
}

type tick struct {
	X     share
	Label string
	Odd   bool // left out where there is little room
}

// newAxis spans from … to; without both, or upside down, there is none.
func newAxis(from, to event.Time, c clock) *axis {
	if from == event.NoTime || to == event.NoTime || to <= from || from < to.Add(-maxAxis) {
		return nil
	}
	a := &axis{from: from, to: to, First: c.minute(from), Last: c.minute(to)}
	a.ticks(c)
	return a
}

// maxAxis is the longest stretch that is drawn: a longer one is the work of a forged time.
const maxAxis = 40 * 365 * 24 * time.Hour

func (a *axis) at(t event.Time) share {
	if t <= a.from {
		return 0
	}
	if t >= a.to {
		return 1
	}
	return share(float64(t.Sub(a.from)) / float64(a.to.Sub(a.from)))
}

// ticks puts at most eight marks on full hours or days of the people's zone.
func (a *axis) ticks(c clock) {
	length := a.to.Sub(a.from)
	const hour, day = time.Hour, 24 * time.Hour
	step := time.Duration(0)
	for _, s := range []time.Duration{5 * time.Minute, 15 * time.Minute, hour, 3 * hour, 6 * hour, 12 * hour, day, 2 * day, 5 * day, 7 * day, 14 * day, 30 * day, 91 * day, 365 * day, 5 * 365 * day} {
		if step = s; length/s <= 8 {
			break
		}
	}
	local := a.from.Std().In(c.loc)
	at := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, c.loc)
	for n := 0; n < 100_000; n++ {
		if step >= day {
			at = at.AddDate(0, 0, int(step/day))
		} else {
			at = at.Add(step)
		}
		t := event.At(at)
		if t >= a.to || t == event.NoTime {
			break
		}
		if t <= a.from {
			continue
		}
		x := a.at(t)
		if x < 0.04 || x > 0.96 {
			continue
		}
		a.Ticks = append(a.Ticks, tick{x, c.tickLabel(t, step), len(a.Ticks)%2 == 1})
	}
}

func (c clock) tickLabel(t event.Time, step time.Duration) string {
	switch l := t.Std().In(c.loc); {
	case step >= 91*24*time.Hour:
		return l.Format("Jan 2006")
	case step >= 24*time.Hour || l.Hour() == 0 && l.Minute() == 0:
		return c.date(t)
	default:
		return l.Format("15:04")
	}
}

// piece is a stretch of a strip.
type piece struct{ X, W share }

// narrowest is the least width of a drawn hole: a short one is drawn too wide rather than not at all.
const narrowest = 0.004

// stretches maps intervals to pieces that do not overlap, at most about 250.
func (a *axis) stretches(list [][2]event.Time) []piece {
	var in []piece
	for _, h := range list {
		from, to := h[0], h[1]
		if from == event.NoTime {
			from = a.from
		}
		if to == event.NoTime {
			to = a.to
		}
		if to < from || to < a.from || from > a.to {
			continue
		}
		x := a.at(from)
		w := max(a.at(to)-x, narrowest)
		in = append(in, piece{min(x, 1-w), w})
	}
	slices.SortFunc(in, func(p, q piece) int {
		return cmp.Or(cmp.Compare(p.X, q.X), cmp.Compare(p.W, q.W))
	})
	var out []piece
	for _, p := range in {
		if n := len(out); n > 0 && p.X <= out[n-1].X+out[n-1].W {
			out[n-1].W = max(out[n-1].W, p.X+p.W-out[n-1].X)
			continue
		}
		out = append(out, p)
	}
	return out
}

// hoursDrawing is the strip "seen, by hour".
type hoursDrawing struct {
	Bars     string // path in a box of Width × 100
	Marks    string // path in a box of Width × 10: critical hours
	Width    int
	Seen     []float64 // by bar
	Axis     *axis
	PerBar   string // "" or what a bar stands for when it is more than an hour
	Lowest   string
	Highest  string
	Critical string
}

const maxBars = 720

// drawHours draws a bar per hour, or per several: then the bar is the lowest of its hours, never a mean that hides a hole.
func drawHours(list []event.Hour, c clock) *hoursDrawing {
	hours := slices.DeleteFunc(slices.Clone(list), func(h event.Hour) bool { return h.From == event.NoTime })
	slices.SortStableFunc(hours, func(a, b event.Hour) int { return cmp.Compare(a.From, b.From) })
	if len(hours) == 0 {
		return nil
	}
	first, last := hours[0].From, hours[len(hours)-1].From.Add(time.Hour)
	ax := newAxis(first, last, c)
	if ax == nil {
		return nil
	}
	all := int((last.Sub(first) + time.Hour - 1) / time.Hour)
	per := (all + maxBars - 1) / maxBars
	d := &hoursDrawing{Width: (all + per - 1) / per, Axis: ax}
	if per > 1 {
		d.PerBar = "One bar is " + grouped(int64(per)) + " hours, drawn as the lowest of them."
	}
	seen := make([]float64, d.Width)
	known := make([]bool, d.Width)
	critical := make([]bool, d.Width)
	low, high, crit := 1.0, 0.0, 0
	for _, h := range hours {
		i := int(h.From.Sub(first)/time.Hour) / per
		v := min(max(h.Seen, 0), 1)
		if h.Seen != h.Seen {
			v = 0
		}
		if !known[i] || v < seen[i] {
			seen[i], known[i] = v, true
		}
		critical[i] = critical[i] || h.Critical
		low, high = min(low, v), max(high, v)
		if h.Critical {
			crit++
		}
	}
	var bars, marks strings.Builder
	for i := range d.Width {
		if seen[i] > 0 {
			bars.WriteString("M" + strconv.Itoa(i) + " 100v-" + strconv.Itoa(max(1, int(seen[i]*100+0.5))) + "h1V100z")
		}
		if critical[i] {
			marks.WriteString("M" + strconv.Itoa(i) + " 0h1v10h-1z")
		}
	}
	d.Seen = seen
	d.Bars, d.Marks = bars.String(), marks.String()
	d.Lowest, d.Highest = percent(low), percent(high)
	d.Critical = count(crit, "critical hour", "critical hours")
	return d
}

// sinceDrawing is one server's interval on the axis that all share.
type sinceDrawing struct {
	Axis     *axis
	Possible *piece // from the earliest possible to the first proven time
	Open     bool   // earlier cannot be ruled out
	Proven   *share
	Pieces   []share // times of the pieces of evidence
}

func drawSince(a *axis, s *server) *sinceDrawing {
	if a == nil || s.Since == nil {
		return nil
	}
	d := &sinceDrawing{Axis: a}
	from, proven := s.Since.EarliestPossible, s.Since.FirstProven
	if proven != event.NoTime {
		x := a.at(proven)
		d.Proven = &x
		if from == event.NoTime || from < proven {
			p := piece{0, x}
			if from != event.NoTime {
				p.X = a.at(from)
				p.W = x - p.X
			}
			d.Possible = &p
		}
	} else if from != event.NoTime {
		p := piece{a.at(from), 1 - a.at(from)}
		d.Possible = &p
	}
	d.Open = from == event.NoTime || s.Since.BoundedBy == "log start" || from < a.from
	for _, r := range s.Because {
		if r.Time != event.NoTime && r.Time >= a.from && r.Time <= a.to {
			d.Pieces = append(d.Pieces, a.at(r.Time))
		}
	}
	slices.Sort(d.Pieces)
	d.Pieces = slices.Compact(d.Pieces)
	d.Pieces = d.Pieces[:min(len(d.Pieces), 200)]
	return d
}

// commonAxis is the axis of all since-bars: the window, widened to what is drawn on it, but not beyond its own length
// before it: one forged time must not squeeze all others into a dot.
func (e *estate) commonAxis() *axis {
	from, to := e.v.Window.From, e.v.Window.To
	limit := event.NoTime
	if from != event.NoTime && to > from {
		limit = from.Add(-to.Sub(from))
	}
	widen := func(t event.Time) {
		if t == event.NoTime {
			return
		}
		if from == event.NoTime || t < from {
			from = max(t, limit)
		}
		if to == event.NoTime || t > to {
			to = t
		}
	}
	for _, s := range e.servers {
		if s.full() && s.Since != nil {
			widen(s.Since.EarliestPossible)
			widen(s.Since.FirstProven)
		}
	}
	return newAxis(from, to, e.clock)
}
