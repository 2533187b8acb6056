package report

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardround/internal/event"
)

// What was done to the data, and whose data it was: a row for each server, and a treemap of what was looked at.

// Bounds of the two sections. What they leave out is counted on the page.
const (
	keptHarm  = 2000 // servers and trees
	harmRows  = 300
	heldRows  = 300
	mostRects = 240
)

type (
	dataView struct {
		Known      bool // files were looked at
		Harm       []harmView
		HarmNote   string
		Tree       *treemap
		Held       []heldView
		HeldNote   string
		People     string
		LookedAt   string
		NoFileHeld bool
	}
	harmView struct {
		Server                linkView
		Tree                  string // a tree that was scanned after the verdicts
		States                []stateView
		Listed                []string
		From, To              whenView
		Times, WhyNot, Course string
		Process, How, Says    string
		Families              []string
		Recover               []string
		Refs                  []refView
	}
	stateView struct{ Class, Word, Files, Sure string }
	heldView  struct {
		Server                               linkView
		Tree                                 string
		People, Files, Kinds, Certainty, Not string
		Hurt                                 string
	}
)

// states in the order of the page: the words that people read, and the class of their fill.
var states = []struct{ state, class, word string }{
	{"encrypted", "d-enc", "encrypted"}, {"partly-encrypted", "d-par", "encrypted in part"}, {"overwritten", "d-ovr", "overwritten"}, {"deleted", "d-del", "deleted"},
	{"renamed", "d-ren", "renamed only"}, {"note", "d-not", "ransom note"}, {"unknown", "d-unk", "not known"}, {"intact", "d-int", "not damaged"},
}

func stateRank(s string) int {
	for i := range states {
		if states[i].state == s {
			return i
		}
	}
	return len(states) - 2 // what is not known
}

// told reports whether a server's row says anything: files were hurt, or verdicts say that they were.
func told(h *event.Harm) bool {
	for _, s := range h.States {
		if s.State != "intact" && s.State != "unknown" && s.Files > 0 {
			return true
		}
	}
	return h.Burst != nil || h.WhyNoBurst != nil || len(h.Listed) > 0
}

func (p *page) data(e *estate, l *layout) {
	d := &p.Data
	d.Known = len(e.harm) > 0 || len(e.held) > 0
	harm := slices.Clone(e.harm)
	slices.SortStableFunc(harm, func(a, b *event.Harm) int {
		return cmp.Or(e.order(a.Server, b.Server), compareBool(a.FromAfter, b.FromAfter), strings.Compare(strings.Join(a.Roots, "\x00"), strings.Join(b.Roots, "\x00")))
	})
	files, more := int64(0), 0
	for _, h := range harm {
		files += max(0, h.Files)
		switch {
		case !told(h):
		case len(d.Harm) == harmRows:
			more++
		default:
			d.Harm = append(d.Harm, l.harm(h, p))
		}
	}
	d.LookedAt = count64(files, "file", "files")
	if more += e.harmMore; more > 0 {
		d.HarmNote = grouped(int64(more)) + " more in data.json."
	}
	d.Tree = drawTree(e, harm)
	p.held(e)
}

// order is that of the page.
func (e *estate) order(a, b event.ServerID) int {
	place := func(id event.ServerID) int {
		if n := e.byName[string(id)]; n > 0 {
			return n
		}
		return math.MaxInt
	}
	return cmp.Or(cmp.Compare(place(a), place(b)), strings.Compare(string(a), string(b)))
}

func count64(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(n) + " " + many
}

func trees(roots []string, after bool) string {
	if !after {
		return ""
	}
	return "scanned after the verdicts: " + list(roots, 4)
}

func (l *layout) harm(h *event.Harm, p *page) harmView {
	e := l.e
	v := harmView{Server: e.link(h.Server), Tree: trees(h.Roots, h.FromAfter), Says: cmp.Or(e.says(h.Says), notKnown), Process: known(h.Process, maxSay), From: e.when(event.NoTime), To: e.when(event.NoTime)}
	v.States = statesOf(h.States)
	for _, x := range h.Listed[:min(len(h.Listed), 3)] {
		says := count64(x.Files, "file", "files") + " listed with " + show(x.Extension, maxName) + " added"
		if x.From != event.NoTime && x.To != event.NoTime {
			says += ", most changed " + e.clock.people(second(x.From)) + " to " + e.clock.people(second(x.To))
		}
		v.Listed = append(v.Listed, says+"; their content was not looked at")
	}
	switch h.How {
	case "local":
		v.How = "on the server itself"
		if h.Process != nil {
			v.Says = ""
		}
	case "smb":
		v.How = "from afar"
		if h.Source != nil {
			v.How = "from " + show(*h.Source, maxName)
		}
		v.Process = "none of this server"
	default:
		v.How = notKnown
	}
	if b := h.Burst; b != nil {
		v.From, v.To = e.second(b.From), e.second(b.To)
		v.Times = "by " + show(b.By, maxSay)
		if b.Outside > 0 {
			v.Times += "; " + count64(b.Outside, "file", "files") + " at other times"
		}
	} else if h.WhyNoBurst != nil {
		v.WhyNot = known(h.WhyNoBurst, maxSay)
		if c := h.Course; c != nil {
			v.Course = "This server’s own acts in that course (" + show(c.By, maxSay) + "): " + e.clock.people(second(c.From)) + " to " + e.clock.people(second(c.To))
		}
	}
	for _, f := range h.Families[:min(len(h.Families), 3)] {
		v.Families = append(v.Families, show(f.Family, maxName)+", by "+cmp.Or(show(f.How, maxName), notKnown)+": "+count64(f.Files, "file", "files"))
	}
	if h.Parts > 0 {
		v.Recover = append(v.Recover, count64(h.Parts, "file", "files")+" in part")
	}
	if h.Renamed > 0 {
		v.Recover = append(v.Recover, count64(h.Renamed, "file", "files")+" renamed only")
	}
	if h.Past > 0 {
		v.Recover = append(v.Recover, count64(h.Past, "file", "files")+" in an earlier copy")
	}
	for _, id := range h.Because[:min(len(h.Because), shownPerReason)] {
		if c := e.find(id); c != nil {
			if c.N == 0 {
				p.Loose = append(p.Loose, l.finding(c))
			}
			v.Refs = append(v.Refs, refView{c.N, len(v.Refs) + 1})
		}
	}
	return v
}

// statesOf are the counts of a row, by state, with how sure each is.
func statesOf(list []event.HarmCount) (out []stateView) {
	files := make([]map[string]int64, len(states))
	for _, c := range list {
		i := stateRank(c.State)
		if files[i] == nil {
			files[i] = map[string]int64{}
		}
		files[i][c.Confidence] += max(0, c.Files)
	}
	for i, by := range files {
		var sure []string
		var n int64
		for _, c := range []string{"proven", "plausible", "unknown"} {
			if by[c] > 0 {
				sure = append(sure, grouped(by[c])+" "+strings.Replace(c, "unknown", notKnown, 1))
			}
			n += by[c]
		}
		if n == 0 {
			continue
		}
		s := stateView{Class: states[i].class, Word: states[i].word, Files: grouped(n)}
		if states[i].state != "intact" && states[i].state != "unknown" {
			if s.Sure = strings.Join(sure, ", "); len(sure) == 1 {
				_, s.Sure, _ = strings.Cut(s.Sure, " ")
			}
		}
		out = append(out, s)
	}
	return out
}

func (p *page) held(e *estate) {
	d := &p.Data
	held := slices.Clone(e.held)
	slices.SortStableFunc(held, func(a, b *event.Held) int {
		return cmp.Or(e.order(a.Server, b.Server), compareBool(a.FromAfter, b.FromAfter), strings.Compare(strings.Join(a.Roots, "\x00"), strings.Join(b.Roots, "\x00")))
	})
	more := 0
	for _, h := range held {
		switch {
		case h.Files <= 0:
		case len(d.Held) == heldRows:
			more++
		default:
			d.Held = append(d.Held, e.heldRow(h))
		}
	}
	d.NoFileHeld = len(d.Held) == 0
	if more += e.heldMore; more > 0 {
		d.HeldNote = grouped(int64(more)) + " more in data.json."
	}
	if x := e.everybody; x != nil && x.People != nil {
		d.People = peopleWord(*x.People, x.Exact, 0.008)
	}
}

// peopleWord is a number of people: exact, or an estimate with its error.
func peopleWord(n uint64, exact bool, share float64) string {
	if exact {
		return count64(int64(min(n, math.MaxInt64)), "person", "people")
	}
	if share <= 0 {
		return "at least " + grouped(int64(min(n, math.MaxInt64))) + " people"
	}
	return "about " + grouped(int64(min(n, math.MaxInt64))) + " people (estimate, standard error " + strconv.FormatFloat(share*100, 'f', 1, 64) + " %)"
}

func (e *estate) heldRow(h *event.Held) heldView {
	v := heldView{Server: e.link(h.Server), Tree: trees(h.Roots, h.FromAfter), People: notKnown, Files: grouped(h.Files), Kinds: list(h.Kinds, 40), Certainty: cmp.Or(show(h.Confidence, 20), notKnown)}
	if h.People != nil {
		v.People = peopleWord(*h.People, h.Exact, h.Error)
	}
	var not []string
	if h.NotKnown > 0 {
		not = append(not, "of "+count64(h.NotKnown, "file", "files")+" the number of people is not known")
	}
	if h.InPart > 0 {
		not = append(not, count64(h.InPart, "file was", "files were")+" not read whole")
	}
	v.Not = strings.Join(not, "; ")
	if h.Hurt > 0 {
		v.Hurt = grouped(h.Hurt) + " of them damaged"
	}
	return v
}

// treemap is the picture of what was looked at: server, in it folder, in it state. Areas are bytes, or files where no size is known.
type treemap struct {
	Width, Height int
	Rects         []rect
	Legend        []stateView
	By            string // what an area stands for
	Merged        string
	Summary       string
}

// rect is a rectangle with its text, if it has room for one.
type rect struct {
	X, Y, W, H  string
	Class       string
	TX, TY      string
	Text, Title string
}

// leaf is a part of the treemap before it is laid out.
type leaf struct {
	name  string
	class string // of a state
	title string
	size  float64
	of    []*leaf
}

const (
	treeWidth  = 960 // little more than paper has, so that its text is large enough there
	treeHeight = 440
	treeHead   = 18 // of a server, for its name
)

// drawTree lays out servers that have damage, then in one further part all others.
func drawTree(e *estate, harm []*event.Harm) *treemap {
	t := &treemap{Width: treeWidth, Height: treeHeight}
	byBytes := false
	for _, h := range harm {
		byBytes = byBytes || h.Bytes > 0
	}
	size := func(files, bytes int64) float64 {
		if byBytes {
			return float64(max(0, bytes))
		}
		return float64(max(0, files))
	}
	t.By = "bytes"
	if !byBytes {
		t.By = "files, since no size is known"
	}
	top, merged := leavesOf(e, harm, size, byBytes)
	if top.size <= 0 {
		return nil
	}
	if merged > 0 {
		t.Merged = count64(int64(merged), "small part is", "small parts are") + " drawn as one with others of their state; data.json has them."
	}
	seen := map[string]bool{}
	t.lay(top, 0, 0, treeWidth, treeHeight, 0, seen)
	for _, s := range states {
		if seen[s.class] {
			t.Legend = append(t.Legend, stateView{Class: s.class, Word: s.word})
		}
	}
	t.Summary = "Treemap of " + count64(int64(len(harm)), "server", "servers") + " by state of their files; the table above says the same."
	return t
}

// leavesOf makes the tree: at most mostRects leaves, the largest of all; the rest of a server are one for each state.
func leavesOf(e *estate, harm []*event.Harm, size func(files, bytes int64) float64, byBytes bool) (top *leaf, merged int) {
	type cell struct {
		server int
		event.HarmFolder
	}
	var cells []cell
	for i, h := range harm {
		for _, f := range h.Folders {
			if size(f.Files, f.Bytes) > 0 {
				cells = append(cells, cell{i, f})
			}
		}
	}
	slices.SortStableFunc(cells, func(a, b cell) int { return cmp.Compare(size(b.Files, b.Bytes), size(a.Files, a.Bytes)) })
	servers := make([]*leaf, len(harm))
	folders := map[string]*leaf{}
	rest := map[string]*leaf{}
	top = &leaf{}
	calm, calmServers := &leaf{class: "d-int"}, map[int]bool{}
	for n, c := range cells {
		h := harm[c.server]
		if !told(h) {
			calm.size += size(c.Files, c.Bytes)
			calmServers[c.server] = true
			continue
		}
		if servers[c.server] == nil {
			servers[c.server] = &leaf{name: e.link(h.Server).Name}
			top.of = append(top.of, servers[c.server])
		}
		s := servers[c.server]
		state := states[stateRank(c.State)]
		amount := count64(c.Files, "file", "files")
		if byBytes {
			amount += ", " + sizeOf(c.Bytes)
		}
		key := strconv.Itoa(c.server) + "\x00"
		if n >= mostRects || c.Path == "" {
			merged++
			r := rest[key+state.class]
			if r == nil {
				r = &leaf{class: state.class, name: state.word, title: s.name + ": other folders, " + state.word}
				rest[key+state.class] = r
				s.of = append(s.of, r)
			}
			r.size += size(c.Files, c.Bytes)
			continue
		}
		path := show(c.Path, maxName)
		if c.Path == "." {
			path = "top folder"
		}
		f := folders[key+c.Path]
		if f == nil {
			f = &leaf{name: path}
			folders[key+c.Path] = f
			s.of = append(s.of, f)
		}
		f.of = append(f.of, &leaf{class: state.class, name: path, title: s.name + ": " + path + ", " + state.word + ": " + amount, size: size(c.Files, c.Bytes)})
	}
	if len(calmServers) > 0 {
		calm.name = count64(int64(len(calmServers)), "server", "servers") + " without damage that is seen"
		calm.title = calm.name
		top.of = append(top.of, calm)
	}
	total(top)
	return top, merged
}

// total adds up sizes and puts the largest first.
func total(l *leaf) {
	for _, c := range l.of {
		total(c)
		l.size += c.size
	}
	slices.SortStableFunc(l.of, func(a, b *leaf) int { return cmp.Compare(b.size, a.size) })
}

// lay puts the parts of a leaf into a box: squarified (Bruls, Huizing and van Wijk 2000), rows along the shorter side.
func (t *treemap) lay(l *leaf, x, y, w, h float64, depth int, seen map[string]bool) {
	if w < 1 || h < 1 {
		return
	}
	if len(l.of) == 0 {
		seen[l.class] = true
		r := rect{X: num(x), Y: num(y), W: num(w), H: num(h), Class: l.class, Title: l.title}
		if text := fitting(l.name, w-8); text != "" && h >= 18 {
			r.Text, r.TX, r.TY = text, num(x+4), num(y+13)
		}
		t.Rects = append(t.Rects, r)
		return
	}
	if depth == 1 { // a server
		t.Rects = append(t.Rects, rect{X: num(x), Y: num(y), W: num(w), H: num(h), Class: "d-srv", Title: l.name})
		if text := fitting(l.name, (w-8)*glyph/boldGlyph); text != "" && h >= 2*treeHead {
			last := &t.Rects[len(t.Rects)-1]
			last.Text, last.TX, last.TY = text, num(x+4), num(y+13)
			y, h = y+treeHead, h-treeHead
		}
		x, y, w, h = x+2, y+2, w-4, h-4
	}
	rest, left := l.of, l.size
	for len(rest) > 0 && w >= 1 && h >= 1 && left > 0 {
		short := min(w, h)
		scale := w * h / left
		n, sum := 1, rest[0].size
		for n < len(rest) && worst(rest[:n+1], sum+rest[n].size, short, scale) <= worst(rest[:n], sum, short, scale) {
			sum += rest[n].size
			n++
		}
		thick := sum * scale / short
		at := 0.0
		for _, c := range rest[:n] {
			long := short * c.size / sum
			if w >= h {
				t.lay(c, x, y+at, thick, long, depth+1, seen)
			} else {
				t.lay(c, x+at, y, long, thick, depth+1, seen)
			}
			at += long
		}
		if w >= h {
			x, w = x+thick, w-thick
		} else {
			y, h = y+thick, h-thick
		}
		rest, left = rest[n:], left-sum
	}
}

// worst is the largest ratio of sides in a row of leaves.
func worst(row []*leaf, sum, short, scale float64) float64 {
	thick := sum * scale / short
	ratio := 0.0
	for _, c := range row {
		long := c.size * scale / thick
		ratio = max(ratio, thick/long, long/thick)
	}
	return ratio
}

// num is a coordinate with one decimal: the conversion keeps processors from differing in what no eye sees.
func num(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }

// How wide a letter of the drawings is taken to be: wider than most are, so that text never leaves its box.
const (
	glyph     = 7.4
	boldGlyph = 8.8
)

// fitting is a text for a width: whole, or its end behind "…" where that is at least eight letters, or "".
func fitting(s string, width float64) string {
	most := int(width / glyph)
	runes := []rune(s)
	switch {
	case len(runes) <= most:
		return s
	case most >= 9:
		return "…" + string(runes[len(runes)-most+1:])
	}
	return ""
}

// flagWord is a flag with what it is about: of data of patients, how many people and which kinds.
func (e *estate) flagWord(s *server, flag string) string {
	if flag != flagPatients {
		return ""
	}
	for _, h := range e.held {
		if h.Server == s.Server && !h.FromAfter && h.People != nil {
			return flagPatients + ": " + peopleWord(*h.People, h.Exact, h.Error) + "; " + list(h.Kinds, 6)
		}
	}
	return ""
}

func second(t event.Time) event.Time {
	if t == event.NoTime {
		return t
	}
	return event.At(t.Std().Truncate(time.Second))
}
