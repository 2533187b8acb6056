package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardround/internal/event"
)

// The lanes: one for each server that the intruder left or reached and for each address from outside, in the order in
// which they come up; one column for each step. Time goes to the right, but by step and not by minute: a long silence
// is a column of its own. Sizes are in CSS pixels.
const (
	laneHeight   = 28
	chartHead    = 38 // dates and times above the lanes
	leadWidth    = 26 // before the first step: what was proven before it
	silenceWidth = 30
	chartWidth   = 1140 // of a screen, beside the names of the lanes
	paperWidth   = 540  // of A4, beside them: the chart is cut there and goes on below
	narrowStep   = 27
	stepsDrawn   = 90
	lanesDrawn   = 150
	silentFrom   = 6 * time.Hour
)

// chart is the drawing; its bands stand beside each other on a screen and below each other on paper.
type chart struct {
	Lanes   []laneView
	Height  int
	Bands   []band
	Steps   int
	Summary string // for those who cannot see it
	Note    string
}

type laneView struct {
	linkView
	Class, Word string // of the verdict; "" for what is no server
	Outside     bool
}

type band struct {
	Width   int
	Columns []column
}

// column is one step, or a silence.
type column struct {
	X, Width int
	Step     int // a silence has that of the step behind it; 0 is what lies before the first
	Silence  string
	Mid      int // of the silence's words: half of the height
	Says     string
	Calm     string // lanes that the intruder has not reached, as a path
	Held     string // lanes that are reached
	Ways     []way
	Dots     []dot
	Signs    []proof
	Date     string
	Again    bool // the date is there only because paper begins a new band
	DateY    int
	Clock    string
	Number   string
	Center   int
}

// way is the line from one lane to another.
type way struct {
	Line, Head    string
	Entry, OneEnd bool
}

type dot struct{ X, Y int }

// proof is the sign of a verdict where it is first proven.
type proof struct {
	X, Y  int
	Class string
}

// drawer keeps what is known while columns are drawn from left to right.
type drawer struct {
	e     *estate
	hops  []hop
	index map[end]int
	lanes []end
	held  []bool
	width int // of a step
	day   string
	drawn int // x of the last date
	row   int
	x     int // over all bands
}

// drawLanes draws the first steps; nil when there is none.
func (e *estate) drawLanes(hops []hop) *chart {
	if len(hops) == 0 {
		return nil
	}
	d := &drawer{e: e, hops: hops[:min(len(hops), stepsDrawn)]}
	missing := d.arrange()
	c := &chart{Height: chartHead + laneHeight*len(d.lanes) + 8, Steps: len(d.hops)}
	for _, l := range d.lanes {
		c.Lanes = append(c.Lanes, e.lane(l))
	}
	d.width = d.stepWidth()
	for _, col := range d.columns() {
		n := len(c.Bands)
		if n == 0 || c.Bands[n-1].Width+col.Width > paperWidth && col.Silence == "" {
			c.Bands = append(c.Bands, band{})
			n++
			if col.Step > 0 && col.Date == "" {
				col.Date, col.DateY, col.Again = e.clock.date(d.hops[col.Step-1].first), 12, true
			}
		}
		b := &c.Bands[n-1]
		col.X = b.Width
		b.Width += col.Width
		b.Columns = append(b.Columns, col)
	}
	c.Summary = "Lanes of " + count(len(d.lanes), "server or address", "servers and addresses") + " and " + count(len(d.hops), "step", "steps") + " between them. The table below says the same."
	var notes []string
	if len(hops) > len(d.hops) {
		notes = append(notes, "The first "+grouped(int64(len(d.hops)))+" of "+grouped(int64(len(hops)))+" steps are drawn.")
	}
	if missing > 0 {
		notes = append(notes, count(missing, "more server or address is", "more servers and addresses are")+" in the table only.")
	}
	c.Note = strings.Join(notes, " ")
	return c
}

// arrange orders the lanes: not known, addresses, servers, each as they come up. It returns how many have no room.
func (d *drawer) arrange() (missing int) {
	var found [3][]end
	seen := map[end]bool{}
	add := func(x end) {
		if seen[x] {
			return
		}
		seen[x] = true
		k := slices.Index([]string{"", event.NodeAddress, event.NodeServer}, x.kind)
		found[k] = append(found[k], x)
	}
	for i := range d.hops {
		add(d.hops[i].from)
		for _, to := range d.hops[i].targets() {
			add(end{event.NodeServer, string(to)})
		}
	}
	all := slices.Concat(found[0], found[1], found[2])
	d.lanes = all[:min(len(all), lanesDrawn)]
	d.index = make(map[end]int, len(d.lanes))
	for i, l := range d.lanes {
		d.index[l] = i
	}
	d.held = make([]bool, len(d.lanes))
	return len(all) - len(d.lanes)
}

func (e *estate) lane(x end) laneView {
	v := laneView{linkView: e.place(x), Outside: x.kind != event.NodeServer}
	if n := e.byName[x.name]; x.kind == event.NodeServer && n > 0 {
		v.Class, v.Word = e.servers[n-1].class(), e.servers[n-1].verdictWord()
	}
	if x.kind == "" {
		v.Name = notKnown
	}
	return v
}

// stepWidth gives few steps more room, so that a small story is not a dot on a wide page.
func (d *drawer) stepWidth() int {
	n := len(d.hops)
	if n <= 12 {
		return min(84, (paperWidth-leadWidth)/n-6)
	}
	return min(64, max(narrowStep, (chartWidth-leadWidth)/n))
}

func (d *drawer) y(lane int) int { return chartHead + laneHeight*lane + laneHeight/2 }

// columns draws from left to right: what was proven before, then the steps with the silences between them.
func (d *drawer) columns() []column {
	lead := column{Width: leadWidth}
	d.run(&lead, nil)
	d.prove(&lead, 0)
	out := []column{lead}
	d.x = leadWidth
	for i := range d.hops {
		if s := d.silence(i); s != "" {
			c := column{Width: silenceWidth, Step: i + 1, Silence: s, Mid: (chartHead + d.y(len(d.lanes))) / 2, Center: silenceWidth / 2}
			d.run(&c, nil)
			out = append(out, c)
			d.x += c.Width
		}
		out = append(out, d.step(i))
		d.x += d.width
	}
	return out
}

// silence is the time between a step and the one before, "" when it is short or not known.
func (d *drawer) silence(i int) string {
	if i == 0 {
		return ""
	}
	before, after := d.hops[i-1].last, d.hops[i].first
	if before == event.NoTime || after == event.NoTime || after < before || after.Sub(before) < silentFrom {
		return ""
	}
	return spell(after - before)
}

func (d *drawer) step(i int) column {
	h := &d.hops[i]
	c := column{Width: d.width, Step: i + 1, Says: d.e.sentence(h), Number: strconv.Itoa(i + 1), Center: d.width / 2}
	from, known := d.index[h.from]
	if known {
		c.Dots = append(c.Dots, dot{c.Center, d.y(from)})
	}
	reached := map[int]bool{}
	if known && h.from.kind == event.NodeServer {
		reached[from] = true // what it moves on from, it has reached, however that was
	}
	for _, x := range byWeight(h.edges) {
		to, ok := d.index[end{event.NodeServer, string(x.To)}]
		if !ok || !known {
			continue
		}
		reached[to] = true
		if to != from {
			c.Ways = append(c.Ways, d.way(c.Center, from, to, x))
		}
	}
	d.run(&c, reached)
	d.prove(&c, i+1)
	d.label(&c, h)
	return c
}

// byWeight puts the strongest line on top: a way that brought the intruder, seen from both ends.
func byWeight(edges []*event.Edge) []*event.Edge {
	out := slices.Clone(edges)
	slices.SortStableFunc(out, func(a, b *event.Edge) int {
		return cmp.Or(compareBool(a.Entry, b.Entry), compareBool(a.SeenFrom == event.BothEnds, b.SeenFrom == event.BothEnds))
	})
	return out
}

func (d *drawer) way(x, from, to int, edge *event.Edge) way {
	dir := 1
	if to < from {
		dir = -1
	}
	n := strconv.Itoa
	tip, neck := d.y(to)-2*dir, d.y(to)-9*dir
	return way{Line: "M" + n(x) + " " + n(d.y(from)+9*dir) + "V" + n(neck), Head: "M" + n(x-5) + " " + n(neck) + "H" + n(x+5) + "L" + n(x) + " " + n(tip) + "z",
		Entry: edge.Entry, OneEnd: edge.SeenFrom != event.BothEnds}
}

// run draws the lanes through a column; those of reached are the intruder's from its middle on.
func (d *drawer) run(c *column, reached map[int]bool) {
	var calm, held strings.Builder
	line := func(b *strings.Builder, x, y, width int) {
		b.WriteString("M" + strconv.Itoa(x) + " " + strconv.Itoa(y) + "h" + strconv.Itoa(width))
	}
	for i := range d.lanes {
		y := d.y(i)
		switch {
		case d.held[i]:
			line(&held, 0, y, c.Width)
		case reached[i]:
			line(&calm, 0, y, c.Center)
			line(&held, c.Center, y, c.Width-c.Center)
			d.held[i] = true
		default:
			line(&calm, 0, y, c.Width)
		}
	}
	c.Calm, c.Held = calm.String(), held.String()
}

// prove puts the sign of a verdict behind the last step that is not later than its first proof.
func (d *drawer) prove(c *column, step int) {
	for i, l := range d.lanes {
		n := d.e.byName[l.name]
		if l.kind != event.NodeServer || n == 0 {
			continue
		}
		s := d.e.servers[n-1]
		if !s.full() || s.Since == nil || s.Since.FirstProven == event.NoTime || d.lastBefore(s.Since.FirstProven) != step {
			continue
		}
		c.Signs = append(c.Signs, proof{max(0, c.Width-10), d.y(i) - 5, s.class()})
	}
}

// lastBefore is the number of steps up to and with the last that is not later than t.
func (d *drawer) lastBefore(t event.Time) int {
	for i := len(d.hops) - 1; i >= 0; i-- {
		if at := d.hops[i].first; at != event.NoTime && at <= t {
			return i + 1
		}
	}
	return 0
}

// label writes the day where it changes, and the time where there is room.
func (d *drawer) label(c *column, h *hop) {
	if h.first == event.NoTime {
		return
	}
	if day := d.e.clock.date(h.first); day != d.day {
		if d.day == "" || d.x-d.drawn >= 46 {
			d.row = 0
		} else {
			d.row = 1 - d.row
		}
		c.Date, c.DateY = day, 12+12*d.row
		d.day, d.drawn = day, d.x
	}
	if d.width >= 36 {
		c.Clock = d.e.clock.minute(h.first)
		c.Clock = c.Clock[len(c.Clock)-5:]
	}
}
