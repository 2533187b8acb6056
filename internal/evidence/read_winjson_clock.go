package evidence

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"wardround/internal/event"
)

// winClock finds out when an event was written.
//
// The XML forms and Beats state it in UTC. The flat forms do not: NXLog writes the collector's local time without a
// zone, and scripts around Get-WinEvent write local time with a "Z" behind it, some by a clock of twelve hours. So in
// these the stated time is only a wall clock, and its distance from UTC is taken from what the artifact holds: from
// the two times at which the collector took the event (@timestamp in UTC, EventReceivedTime local), else from Sysmon's
// UtcTime, which the events of the same computer carry. UtcTime itself is not the event's time: it is the time of the
// act, and events of the network are written seconds after it.
type winClock struct {
	ctx    context.Context
	in     *input
	out    *output
	zone   *localZone
	looked bool
	shifts map[string]time.Duration // host → what must be added to its wall clock; "" for hosts without Sysmon
	noted  clockNote
	last   time.Duration // by which the collector's clock was last seen to differ
	known  bool          // last is
}

func newWinClock(ctx context.Context, in *input, out *output) *winClock {
	return &winClock{ctx: ctx, in: in, out: out, zone: newLocalZone(in, out)}
}

// time returns when the event was written.
func (c *winClock) time(j *jsonObjects, s *winShape, r *event.Record) event.Time {
	if t, _, ok := j.stamp(s.role[roleTime]); ok {
		return t
	}
	stamp, _, stamped := j.stamp(s.role[roleStamp])
	wall, zoned, ok := j.stamp(s.role[roleFlatTime])
	switch {
	case !ok && stamped:
		return stamp
	case !ok:
		return event.NoTime
	}
	if received, _, ok := j.stamp(s.role[roleReceived]); ok && stamped && !zoned {
		if d, ok := wholeZone(stamp.Sub(received), 2*time.Minute, 2*time.Minute); ok {
			c.last, c.known = d, true
			c.note(clockNote{"EventTime is the collector's local time: %s was added to it, as @timestamp is later than EventReceivedTime", d})
			return wall.Add(d)
		}
		if c.known {
			return wall.Add(c.last)
		}
	}
	return c.wall(wall, zoned, stamp, stamped, r.Host)
}

// wall turns a wall clock into UTC by Sysmon's word, else by the zone that it states, else by the collector's stamp.
func (c *winClock) wall(t event.Time, zoned bool, stamp event.Time, stamped bool, host string) event.Time {
	if !c.looked {
		c.looked = true
		c.look()
	}
	d, ok := c.shifts[host]
	if !ok {
		d, ok = c.shifts[""]
	}
	if ok {
		return t.Add(d)
	}
	if zoned {
		return t
	}
	if stamped {
		if d, ok := wholeZone(stamp.Sub(t), time.Minute, 5*time.Minute); ok {
			c.note(clockNote{"times state no zone: %s was added to them, as @timestamp is later", d})
			return t.Add(d)
		}
	}
	return c.zone.unstated(t)
}

// note says once per distance how it was found.
func (c *winClock) note(n clockNote) {
	if n == c.noted || n.added == 0 {
		return
	}
	c.noted = n
	c.out.note(n.why, n.added)
}

// clockNote is a distance between clocks and how it was found.
type clockNote struct {
	why   string
	added time.Duration
}

// wholeZone rounds a distance between two clocks to quarters of an hour, the grain of time zones. What is left over
// must lie between -before and after.
func wholeZone(d, before, after time.Duration) (time.Duration, bool) {
	const grain = 15 * time.Minute
	zone := (d + before).Truncate(grain)
	if d+before < 0 && zone != d+before {
		zone -= grain
	}
	if rest := d - zone; rest > after || zone > 26*time.Hour || zone < -26*time.Hour {
		return 0, false
	}
	return zone, true
}

// The bounds of the look ahead for Sysmon's times.
const (
	lookBytes   = 64 << 20
	lookSamples = 500
	lookHosts   = 1000
)

// look reads the artifact once more, from its beginning, for the distance between the stated times of Sysmon's events
// and the times in UTC that they carry as data.
func (c *winClock) look() {
	c.shifts = map[string]time.Duration{}
	stream, err := c.in.Again()
	if err != nil {
		return
	}
	defer stream.Close()
	seen := map[string]map[time.Duration]int{}
	j := newJSONObjects(c.ctx, stream, func(int64, int64, string) {})
	j.enter(isWinObject)
	shapes := newWinShapes(func(*event.Schema) bool { return false })
	for samples := 0; samples < lookSamples && j.next() && j.offset < lookBytes; {
		s := shapes.shape(j)
		if s == nil || s.role[roleUtcTime] < 0 || !s.flat {
			continue
		}
		host, d, ok := sample(j, s)
		if !ok {
			continue
		}
		for _, h := range []string{host, ""} {
			if seen[h] == nil && len(seen) < lookHosts {
				seen[h] = map[time.Duration]int{}
			}
			if len(seen[h]) < 200 {
				seen[h][d]++
			}
		}
		samples++
	}
	for _, host := range slices.Sorted(maps.Keys(seen)) {
		c.settle(host, seen[host])
	}
}

// sample compares the two times of one event of Sysmon. Those of the network are left out: they come from a source
// of their own, whose clock stands still while a virtual machine is paused.
func sample(j *jsonObjects, s *winShape) (host string, d time.Duration, ok bool) {
	if src := s.source(j); src.Provider != "Microsoft-Windows-Sysmon" || src.EventID == 3 || src.EventID == 22 {
		return "", 0, false
	}
	wall, _, ok := j.stamp(s.role[roleFlatTime])
	utc, _, known := j.stamp(s.role[roleUtcTime])
	if !ok || !known {
		return "", 0, false
	}
	d, ok = wholeZone(utc.Sub(wall), time.Minute, 10*time.Second)
	return string(j.plain(nil, s.role[roleHost])), d, ok
}

// settle takes the distance that most of a host's events show, if enough do.
func (c *winClock) settle(host string, counts map[time.Duration]int) {
	most, all := time.Duration(0), 0
	for _, d := range slices.Sorted(maps.Keys(counts)) {
		all += counts[d]
		if counts[d] > counts[most] {
			most = d
		}
	}
	if counts[most] < 3 || 2*counts[most] <= all {
		return
	}
	c.shifts[host] = most
	if most != 0 && host != "" {
		c.out.note("stated times of %q differ from Sysmon's UtcTime in %d of %d events: %s was added to them", host, counts[most], all, most)
	}
}

// stamp reads the time that token i holds: ISO 8601, "/Date(milliseconds)/" of PowerShell, or seconds since 1970 as a
// number. zoned tells whether it states its distance from UTC.
func (j *jsonObjects) stamp(i int) (t event.Time, zoned, ok bool) {
	if i < 0 {
		return event.NoTime, false, false
	}
	tok := &j.tokens[i]
	b := j.text[tok.at:tok.end]
	if tok.escaped {
		b = j.plain(nil, i)
	}
	if tok.kind == jsonNumber {
		t, ok = readSeconds(b)
		return t, true, ok
	}
	if rest, found := bytes.CutPrefix(b, []byte("/Date(")); found {
		if end := bytes.IndexAny(rest, ")+-"); end > 0 {
			t, ok = readSeconds(fmt.Appendf(nil, "%se-3", rest[:end]))
		}
		return t, true, ok
	}
	t, rest, ok := readStamp(b)
	if !ok {
		return t, false, false
	}
	if s, rest, ok := readOffset(rest); ok && len(rest) == 0 {
		return t.Add(-seconds(s)), true, true
	}
	return t, bytes.HasSuffix(rest, []byte("UTC")), true
}

// readSeconds reads seconds since 1970 with a fraction, exactly; "e-3" behind it, or a value too great for seconds,
// means milliseconds.
func readSeconds(b []byte) (event.Time, bool) {
	b, milli := bytes.CutSuffix(b, []byte("e-3"))
	whole, fraction, _ := bytes.Cut(b, []byte("."))
	if len(whole) == 0 || len(whole) > 14 {
		return event.NoTime, false
	}
	var n int64
	for _, c := range whole {
		if !isDigit(c) {
			return event.NoTime, false
		}
		n = n*10 + int64(c-'0')
	}
	if n >= 9e12 || n >= 9e9 && n <= 1e11 {
		return event.NoTime, false
	}
	if milli || n > 1e11 {
		return event.Time(n * 1e6), true
	}
	ns := int64(0)
	for i, unit := 0, int64(1e8); i < len(fraction) && unit > 0; i, unit = i+1, unit/10 {
		if !isDigit(fraction[i]) {
			return event.NoTime, false
		}
		ns += unit * int64(fraction[i]-'0')
	}
	return event.Time(n*1e9 + ns), true
}
