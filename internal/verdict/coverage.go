package verdict

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"wardround/internal/event"
	"wardround/internal/policy"
)

// interval is a stretch of time, both ends included.
type interval [2]event.Time

// union sorts intervals and joins those that touch.
func union(in []interval) []interval {
	slices.SortFunc(in, func(a, b interval) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	out := in[:0]
	for _, x := range in {
		if n := len(out); n > 0 && x[0] <= out[n-1][1] {
			out[n-1][1] = max(out[n-1][1], x[1])
		} else if x[0] <= x[1] {
			out = append(out, x)
		}
	}
	return out
}

// gaps is what the intervals, joined and in order, leave of the whole.
func gaps(of []interval, whole interval) []interval {
	var out []interval
	at := whole[0]
	for _, x := range of {
		if x[1] < whole[0] || x[0] > whole[1] {
			continue
		}
		if x[0] > at {
			out = append(out, interval{at, x[0]})
		}
		at = max(at, x[1])
	}
	if at < whole[1] {
		out = append(out, interval{at, whole[1]})
	}
	return out
}

func length(in []interval) (d time.Duration) {
	for _, x := range in {
		d += x[1].Sub(x[0])
	}
	return d
}

// log is one source of one server, over all artifacts.
type log struct {
	spans event.Spans
	runs  []event.Run
}

// logKey tells logs apart; with an event id or a provider it is the part of a log that bears it.
type logKey struct {
	source   string
	provider string // lower case
	id       uint32
}

// logs is what a server wrote.
type logs map[logKey]*log

func (l logs) add(a event.Activity) {
	k := logKey{a.Source.Name(), strings.ToLower(a.Source.Provider), a.Source.EventID}
	if l[k] == nil {
		l[k] = &log{spans: event.Spans{Gap: a.Spans.Gap}}
	}
	l[k].spans.Merge(a.Spans)
	l[k].runs = append(l[k].runs, a.Runs...)
}

// covered is when a source answered, within the window.
func (l logs) covered(s policy.Source, window interval, t *policy.Thresholds) []interval {
	whole := l[logKey{source: s.Name}]
	if whole == nil || len(whole.spans.List) == 0 {
		return nil
	}
	hull := interval{whole.spans.First(), whole.spans.Last().Add(usualSilence(&whole.spans, t.Silence))}
	if len(s.Witness) > 0 || s.Provider != "" {
		var ok bool
		if hull, ok = l.witnessed(s, hull); !ok {
			return nil
		}
	}
	hull = interval{max(hull[0], window[0]), min(hull[1], window[1])}
	if hull[0] >= hull[1] {
		return nil
	}
	var holes []interval
	for _, h := range append(whole.numberHoles(), l.silences(s.Name, whole, t.Silence)...) {
		if h.span[0] <= hull[1] && h.span[1] >= hull[0] {
			holes = append(holes, h.span)
		}
	}
	return gaps(union(holes), hull)
}

// witnessed is from the first to the last witness of a source: before and after, nobody knows whether the events were
// switched on.
func (l logs) witnessed(s policy.Source, whole interval) (interval, bool) {
	hull, ok := interval{math.MaxInt64, event.NoTime}, false
	put := func(k logKey) {
		if x := l[k]; x != nil && len(x.spans.List) > 0 {
			hull = interval{min(hull[0], x.spans.First()), max(hull[1], x.spans.Last())}
			ok = true
		}
	}
	for _, id := range s.Witness {
		put(logKey{source: s.Name, id: id})
	}
	if s.Provider != "" {
		put(logKey{source: s.Name, provider: s.Provider})
	}
	// To the end of the log the last witness speaks for what follows, unless it has long been silent.
	if ok && whole[1] > hull[1] && whole[1].Sub(hull[1]) < max(24*time.Hour, hull[1].Sub(hull[0])/10) {
		hull[1] = whole[1]
	}
	return hull, ok
}

// usualSilence is how long a log may be silent without a question: four times all but its longest twentieth of silences,
// at least the threshold.
func usualSilence(s *event.Spans, least time.Duration) time.Duration {
	var gaps []time.Duration
	for i := 1; i < len(s.List); i++ {
		gaps = append(gaps, s.List[i].First.Sub(s.List[i-1].Last))
	}
	if len(gaps) < 20 {
		return least
	}
	slices.Sort(gaps)
	return max(least, 4*gaps[len(gaps)*95/100])
}

// hole is a stretch that a log does not answer, and why.
type hole struct {
	span interval
	why  string
	nums [2]uint64 // missing record numbers, of holes in the numbering
}

// numberHoles are the stretches between runs of record numbers of an original log.
func (l *log) numberHoles() []hole {
	runs := slices.Clone(l.runs)
	slices.SortFunc(runs, func(a, b event.Run) int { return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Last, b.Last)) })
	var out []hole
	for i := 1; i < len(runs); i++ {
		prev, next := &runs[i-1], &runs[i]
		if next.First <= prev.Last+1 {
			if next.Last < prev.Last { // inside: keep the longer one for the next comparison
				*next = *prev
			}
			continue
		}
		if prev.To == event.NoTime || next.From == event.NoTime {
			continue
		}
		out = append(out, hole{
			span: interval{min(prev.To, next.From), max(prev.To, next.From)}, nums: [2]uint64{prev.Last + 1, next.First - 1},
			why: fmt.Sprintf("records %d to %d are missing", prev.Last+1, next.First-1),
		})
	}
	return out
}

// silences are the stretches in which a log is silent for longer than is usual for it, and a sister log of the same server
// is not, or there is no other log to ask.
func (l logs) silences(name string, whole *log, least time.Duration) []hole {
	usual := usualSilence(&whole.spans, least)
	var out []hole
	for i := 1; i < len(whole.spans.List); i++ {
		gap := interval{whole.spans.List[i-1].Last, whole.spans.List[i].First}
		if gap[1].Sub(gap[0]) > usual && (l.alone(name) || l.sisterSpeaks(name, gap)) {
			out = append(out, hole{span: gap, why: "the log is silent"})
		}
	}
	return out
}

func (l logs) alone(name string) bool {
	for k := range l {
		if k.source != name {
			return false
		}
	}
	return true
}

// sisterSpeaks reports whether another log has records well inside a gap.
func (l logs) sisterSpeaks(name string, gap interval) bool {
	margin := event.Time(gap[1].Sub(gap[0]) / 10)
	for k, x := range l {
		if k.source == name || k.id != 0 || k.provider != "" {
			continue
		}
		for _, s := range x.spans.List {
			if s.Last > gap[0]+margin && s.First < gap[1]-margin {
				return true
			}
		}
	}
	return false
}

// maxHoles bounds the holes of a question that are listed, longest first kept.
const maxHoles = 50

// question answers one question of coverage for a server.
func (l logs) question(q *policy.Question, must bool, window interval, t *policy.Thresholds) (event.Question, []interval) {
	out := event.Question{Question: q.Name, Must: must, By: []string{}, Holes: [][2]event.Time{}}
	var all []interval
	for _, s := range q.Sources {
		if c := l.covered(s, window, t); len(c) > 0 {
			if !slices.Contains(out.By, s.Name) {
				out.By = append(out.By, s.Name)
			}
			all = append(all, c...)
		}
	}
	all = union(all)
	open := gaps(all, window)
	if whole := window[1].Sub(window[0]); whole > 0 {
		out.Answered = round(float64(whole-length(open)) / float64(whole))
	}
	listed := slices.Clone(open)
	if len(listed) > maxHoles {
		slices.SortStableFunc(listed, func(a, b interval) int { return cmp.Compare(b[1].Sub(b[0]), a[1].Sub(a[0])) })
		listed = listed[:maxHoles]
		slices.SortFunc(listed, func(a, b interval) int { return cmp.Compare(a[0], b[0]) })
	}
	for _, g := range listed {
		out.Holes = append(out.Holes, g)
	}
	return out, open
}

// round keeps four digits: enough, and the same on every machine.
func round(x float64) float64 { return math.Round(x*1e4) / 1e4 }
