package report

import (
	"bufio"
	"cmp"
	"io"
	"slices"
	"strings"

	"wardround/internal/event"
)

// TextOptions fit the first screen to a terminal.
type TextOptions struct {
	Columns int  // 80 to 160; 0 is 80
	Lines   int  // of the terminal, the prompt's included; 0 is 24, fewer than 16 is 16
	Colour  bool // SGR sequences of our own; nothing from evidence is ever one
}

// Text writes the first screen of a terminal when the stream is closed: at most one line less than it has, so that the
// prompt fits below. What does not fit is counted and stands in report.html.
func Text(w io.Writer, opts TextOptions) Handler {
	opts.Columns = min(max(cmp.Or(opts.Columns, 80), 80), 160)
	opts.Lines = max(cmp.Or(opts.Lines, 24), 16)
	g := &gather{}
	g.render = func(e *estate) error {
		out := bufio.NewWriter(w)
		for _, l := range (&screen{e: e, TextOptions: opts}).lines() {
			out.WriteString(l + "\n")
		}
		return out.Flush()
	}
	return g
}

type screen struct {
	e *estate
	TextOptions
}

// block is a part of the screen: its label and one of a text, ready lines, or items that are shown whole or counted.
type block struct {
	label  string
	text   string
	lines  []string
	items  []string
	join   string
	most   int  // lines it may take
	needed bool // is given all the lines it wants before others get more than one
	n      int  // lines it gets
}

// labelWidth is the column at which texts begin.
const labelWidth = 13

// lines lays out the screen: every block gets one line, those that are needed all they want, and the rest go round.
func (c *screen) lines() []string {
	blocks := c.blocks()
	free := c.Lines - 1
	grow := func(b *block) bool {
		if free == 0 || b.n >= min(b.most, c.wants(b)) {
			return false
		}
		b.n++
		free--
		return true
	}
	for i := range blocks {
		grow(&blocks[i])
	}
	for i := range blocks {
		for blocks[i].needed && grow(&blocks[i]) {
		}
	}
	for grown := true; grown; {
		grown = false
		for i := range blocks {
			grown = grow(&blocks[i]) || grown
		}
	}
	var out []string
	for i := range blocks {
		if blocks[i].n > 0 {
			out = append(out, c.labelled(blocks[i].label, c.render(&blocks[i]))...)
		}
	}
	return out
}

// wants is how many lines a block would fill.
func (c *screen) wants(b *block) int {
	switch {
	case b.lines != nil:
		return len(b.lines)
	case b.items != nil:
		return len(wrap(strings.Join(b.items, b.join), c.Columns-c.indent(b), 1000))
	}
	return len(wrap(b.text, c.Columns-c.indent(b), 1000))
}

func (c *screen) indent(b *block) int {
	if b.label == "" {
		return 0
	}
	return labelWidth
}

// render fills the lines that a block got. What is left out is counted.
func (c *screen) render(b *block) []string {
	width := c.Columns - c.indent(b)
	switch {
	case b.lines != nil:
		shown := b.lines[:b.n]
		if more := len(b.lines) - b.n; more > 0 {
			tail := " (+ " + grouped(int64(more)) + " more)"
			shown = append(shown[:b.n-1:b.n-1], fit(shown[b.n-1], width-columns(tail))+tail)
		}
		return shown
	case b.items != nil:
		for k := min(len(b.items), 200); k > 0; k-- {
			text := strings.Join(b.items[:k], b.join)
			if k < len(b.items) {
				text += " + " + grouped(int64(len(b.items)-k)) + " more"
			}
			if l := wrap(text, width, 1000); len(l) <= b.n {
				return l
			}
		}
		return wrap(b.items[0], width, b.n)
	}
	return wrap(b.text, width, b.n)
}

func (c *screen) labelled(label string, lines []string) []string {
	if label == "" {
		return lines
	}
	var out []string
	for i, l := range lines {
		head := strings.Repeat(" ", labelWidth)
		if i == 0 {
			head = c.bold(label) + strings.Repeat(" ", max(1, labelWidth-columns(label)))
		}
		out = append(out, head+l)
	}
	return out
}

func (c *screen) blocks() []block {
	e := c.e
	head := "Case " + cmp.Or(show(e.Name, maxName), "without a name") + " (" + e.draftWord() + ")"
	if e.Exercise {
		head = "EXERCISE  " + head
	}
	tail := "Times: " + e.clock.named
	if gap := c.Columns - columns(head) - columns(tail); gap >= 2 {
		head += strings.Repeat(" ", gap) + tail
	} else {
		head = fit(head, c.Columns-columns(tail)-2) + "  " + tail
	}
	out := []block{
		{lines: []string{c.bold(fit(head, c.Columns))}, most: 1},
		{text: strings.Join(e.headline(), " "), most: 3, needed: true},
	}
	if d := e.disagreement(); d != "" {
		out = append(out, block{text: d, most: 2})
	}
	counts := c.counts()
	out = append(out, block{lines: counts, most: len(counts), needed: true})
	for i, label := range []string{"Infiltrated", "Suspected"} {
		if names := c.named([]event.Judgement{event.Infiltrated, event.Suspected}[i]); names != nil {
			out = append(out, block{label: label, items: names, join: ", ", most: 3})
		}
	}
	for _, a := range e.answers() {
		out = append(out, block{label: fit(capital(show(a.Question, maxName)), labelWidth-1), text: stateWord(a.State) + "  " + e.says(a.Says), most: 3})
	}
	if way := c.way(); way != nil {
		out = append(out, block{label: "Spread", items: way, join: " · ", most: 2})
	}
	out = append(out, block{label: "Do next", lines: c.steps(), most: stepsShown, needed: true},
		block{label: "Not known", items: c.unknown(), join: " · ", most: 3})
	out = append(out, block{label: "Seen by hour", lines: []string{c.hours()}, most: 1})
	return append(out, block{label: "All of it", text: "report.html in the case folder; findings.jsonl holds every finding", most: 1})
}

var signs = map[string]string{"inf": "■", "sus": "▲", "noe": "○", "inc": "▨", "nex": "┄"}

func (c *screen) counts() []string {
	var p page
	p.counts(c.e)
	var parts []string
	for _, k := range p.Counts {
		part := signs[k.Class] + " " + k.N + " " + k.Word
		if x := k.Extra; x != nil {
			part += " (" + signs[x.Class] + " " + x.N + " " + x.Word + ")"
		}
		parts = append(parts, part)
	}
	sum := "= " + p.Total + " " + p.Denominator
	if p.Beside != "" {
		sum += " + " + p.Beside
	}
	line := strings.Join(parts, "   ")
	if columns(line)+3+columns(sum) <= c.Columns {
		return []string{c.paint(line + "   " + sum)}
	}
	lines := []string{line}
	if columns(line) > c.Columns {
		lines = []string{strings.Join(parts[:2], "   "), strings.Join(parts[2:], "   ")}
	}
	for i := range lines {
		lines[i] = c.paint(lines[i])
	}
	return append(lines, wrap(sum, c.Columns, 2)...)
}

// named lists the servers of a verdict with the letters of their flags.
func (c *screen) named(j event.Judgement) []string {
	var out []string
	for _, s := range c.e.servers {
		if s.Judgement != j {
			continue
		}
		name := show(string(s.Server), 60)
		if s.flag(flagEncrypted) {
			name += " (encrypted)"
		}
		out = append(out, name)
	}
	return out
}

func (c *screen) steps() []string {
	var out []string
	for i, s := range c.e.v.DoNext[:min(len(c.e.v.DoNext), stepsShown)] {
		names, more := stepServers(s.Servers, 3)
		line := string(rune('1'+i)) + " " + capital(show(s.Do, maxName))
		if len(names) > 0 {
			line += " " + strings.Join(names, ", ")
		}
		if more > 0 {
			line += " and " + grouped(int64(more)) + " more"
		}
		if s.Why != "" {
			line += ": " + show(s.Why, maxSay)
		}
		out = append(out, fit(line, c.Columns-labelWidth))
	}
	if len(out) == 0 {
		return []string{notKnown}
	}
	return out
}

func (c *screen) unknown() []string {
	if len(c.e.v.NotKnown) == 0 {
		return []string{"no list was made: that proves nothing"}
	}
	return say(c.e.v.NotKnown)
}

// way is the story in short: each server with its way in, in order.
func (c *screen) way() (out []string) {
	hops, _ := c.e.hops()
	for i := range hops {
		h := &hops[i]
		entry := *h
		entry.edges = slices.DeleteFunc(slices.Clone(h.edges), func(x *event.Edge) bool { return !x.Entry })
		if len(entry.edges) > 0 && len(out) < 200 {
			out = append(out, c.e.clock.minute(h.first)+" "+c.e.place(h.from).Name+" → "+list(serverNames(entry.targets()), 3))
		}
	}
	return out
}

// hours draws the strip with blocks; each is the lowest hour of its stretch, and a space is none seen at all.
func (c *screen) hours() string {
	d := drawHours(c.e.v.SeenByHour, c.e.clock)
	if d == nil {
		return notKnown
	}
	tail := " " + d.Lowest + " to " + d.Highest + " of servers"
	width := c.Columns - labelWidth - columns(tail)
	n := min(width, d.Width)
	var b strings.Builder
	for i := range n {
		low := 1.0
		for _, v := range d.Seen[i*d.Width/n : max((i+1)*d.Width/n, i*d.Width/n+1)] {
			low = min(low, v)
		}
		b.WriteString([]string{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}[min(8, int(low*8+0.999))])
	}
	return b.String() + tail
}

func (c *screen) bold(s string) string {
	if !c.Colour {
		return s
	}
	return "\x1b[1m" + s + "\x1b[0m"
}

// paint colours the signs of the counts; the word beside each says the same.
func (c *screen) paint(line string) string {
	if !c.Colour {
		return line
	}
	return strings.NewReplacer("■", "\x1b[1;31m■\x1b[0m", "▲", "\x1b[1;33m▲\x1b[0m", "○", "\x1b[1;34m○\x1b[0m").Replace(line)
}
