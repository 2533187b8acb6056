package match

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"wardround/internal/sigma"
)

// form is how an atom's literal lies in the value.
type form uint8

const (
	exact  form = iota // is the whole value
	prefix             // begins it
	suffix             // ends it
	infix              // lies anywhere
	other              // the atom must be evaluated; literals, if any, say when
)

// atom is one question about a value, shared by all rules that ask it of whatever field.
type atom struct {
	id      int
	leaf    *sigma.Leaf
	op      sigma.Op // of the leaf
	form    form
	lit     string   // folded; the whole of the question unless form is other
	guard   guard    // form other: when it need be evaluated at all
	more    []guard  // what else a value must hold before the expression is tried: looked for when it would be
	needles []needle // what a scanner must find for it to hold; none when that cannot be told
	tiny    bool     // some of them are too short to be looked for with the others
	cost    int8     // of the answer, in steps
	weight  float64  // see anchorWeight
	glob    []sigma.Part
	re      func() *regexp.Regexp // compiled when it is first needed: most never are

	length int        // an expression that only asks for so many characters on one line: .{1000,}
	class  *[128]bool // an expression that only asks for one character of these, or one that is not ASCII
}

// guard are texts, folded, of which one is in every value that answers yes; none when nothing is known.
type guard struct {
	texts   []string
	foreign bool // only of values that are ASCII: others may answer yes without
}

// refuses reports that a folded value cannot answer yes.
func (g guard) refuses(folded []byte) bool {
	if len(g.texts) == 0 {
		return false
	}
	for _, t := range g.texts {
		if strings.Contains(unsafeString(folded), t) {
			return false
		}
	}
	return !g.foreign || !foreign(folded)
}

// foreign reports that a text is not ASCII.
func foreign(text []byte) bool {
	for len(text) >= 8 {
		if binary.LittleEndian.Uint64(text)&highs != 0 {
			return true
		}
		text = text[8:]
	}
	for _, c := range text {
		if c >= utf8.RuneSelf {
			return true
		}
	}
	return false
}

// appendKey appends what tells atoms apart; the field is not part of it.
func appendKey(b []byte, l *sigma.Leaf) []byte {
	put := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	b = strconv.AppendBool(append(b, byte(l.Op)), l.Cased)
	for _, part := range l.Pattern {
		b = append(b, 1+byte(part.Wild))
		put(part.Text)
	}
	b = append(b, 0)
	if l.Op == sigma.Like {
		return b
	}
	b = strconv.AppendBool(append(b, byte(l.Shape), byte(l.Part)), l.Want)
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(l.Number))
	put(l.Regexp)
	put(l.Ref)
	if l.Op == sigma.InNetwork {
		put(l.Network.String())
	}
	return b
}

func newAtom(id int, l *sigma.Leaf) (*atom, error) {
	a := &atom{id: id, leaf: l, op: l.Op, form: other}
	switch l.Op {
	case sigma.Like:
		a.like(l)
	case sigma.Matches:
		re, err := syntax.Parse(l.Regexp, syntax.Perl)
		if err != nil {
			return nil, fmt.Errorf("regular expression %q: %w", l.Regexp, err)
		}
		a.re = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(l.Regexp) })
		a.length, a.class = lengthOf(re), classOf(re)
		facts := factsOf(re.Simplify(), 0)
		a.guard, a.more = facts.best(), facts.more
	case sigma.Expand:
		return nil, fmt.Errorf("placeholder %q has no values: give a placeholder file", l.Holder)
	}
	a.findNeedles()
	a.cost, a.weight = a.findCost(), weight(a)
	return a, nil
}

// lengthOf is n of an expression .{n,}, which may be written . or .+, else 0. As an automaton it would be n states wide.
func lengthOf(re *syntax.Regexp) int {
	switch {
	case re.Op == syntax.OpAnyCharNotNL, re.Op == syntax.OpPlus && re.Sub[0].Op == syntax.OpAnyCharNotNL:
		return 1
	case re.Op == syntax.OpRepeat && re.Max < 0 && re.Sub[0].Op == syntax.OpAnyCharNotNL:
		return re.Min
	}
	return 0
}

// classOf is the ASCII part of an expression that is one class of characters, nil for others.
func classOf(re *syntax.Regexp) *[128]bool {
	if re.Op != syntax.OpCharClass {
		return nil
	}
	var c [128]bool
	for i := 0; i+1 < len(re.Rune); i += 2 {
		for r := re.Rune[i]; r <= re.Rune[i+1] && r < utf8.RuneSelf; r++ {
			c[r] = true
		}
	}
	return &c
}

// matches answers an expression for a value given as it is; what its guards ask was found.
func (a *atom) matches(raw []byte) bool {
	switch {
	case a.length > 0:
		return longLine(raw, a.length)
	case a.class != nil && !foreign(raw):
		return slices.ContainsFunc(raw, func(b byte) bool { return a.class[b] })
	}
	return a.re().Match(raw)
}

// slow reports whether the question is worth remembering its answer.
func (a *atom) slow() bool {
	switch a.leaf.Op {
	case sigma.Like:
		return a.form == other
	case sigma.Matches:
		return a.length == 0 && a.class == nil
	}
	return false
}

// refuses reports that a folded value cannot match the expression.
func (a *atom) refuses(folded []byte) bool {
	return a.guard.refuses(folded) || a.refusesMore(folded)
}

func (a *atom) refusesMore(folded []byte) bool {
	return slices.ContainsFunc(a.more, func(g guard) bool { return g.refuses(folded) })
}

// longLine reports whether a line of the text has n characters; what is not UTF-8 counts as expressions count it, each byte as one.
func longLine(text []byte, n int) bool {
	for len(text) >= n {
		line, rest, more := bytes.Cut(text, []byte{'\n'})
		if len(line) >= n && utf8.RuneCount(line) >= n {
			return true
		}
		if !more {
			return false
		}
		text = rest
	}
	return false
}

// like classifies a pattern by where its text must lie.
func (a *atom) like(l *sigma.Leaf) {
	p := l.Pattern
	texts := 0
	for _, part := range p {
		if part.Wild == sigma.None {
			texts++
		}
	}
	starts := len(p) > 0 && p[0].Wild == sigma.Many
	ends := len(p) > 0 && p[len(p)-1].Wild == sigma.Many
	text := func(i int) string { return foldString(p[i].Text) }
	switch {
	case len(p) == 0:
		a.form = exact
	case texts == 1 && len(p) == 1:
		a.form, a.lit = exact, text(0)
	case texts == 1 && len(p) == 2 && ends:
		a.form, a.lit = prefix, text(0)
	case texts == 1 && len(p) == 2 && starts:
		a.form, a.lit = suffix, text(1)
	case texts == 1 && len(p) == 3 && starts && ends:
		a.form, a.lit = infix, text(1)
	default:
		a.glob = slices.Clone(p)
		longest := ""
		for i, part := range p {
			t := foldString(part.Text)
			if len(t) > len(longest) {
				longest = t
			}
			if !l.Cased {
				a.glob[i].Text = t
			}
		}
		if longest != "" {
			a.guard.texts = []string{longest}
		}
	}
	if l.Cased && a.form != other {
		if a.lit != "" {
			a.guard.texts = []string{a.lit}
		}
		a.glob, a.form = p, other
	}
}

// maxGuards bounds the alternatives that stand guard for one expression.
const maxGuards = 64

// facts are what is known of the texts that an expression matches.
type facts struct {
	all    []string // folded; all of them, nil when they are not known or too many
	starts []string // when all is nil: each begins with one of these; nil when nothing is known
	alien  bool     // all or starts are those of ASCII; others may match beside
	guard  guard    // of every value that holds a match, when all is nil
	more   []guard  // others of every such value
}

// maxMore bounds the guards that are asked beside the best.
const maxMore = 4

// require notes a guard of every value.
func (f *facts) require(g guard) {
	if better(g, f.guard) {
		g, f.guard = f.guard, g
	}
	if g.texts != nil && len(f.more) < maxMore {
		f.more = append(f.more, g)
	}
}

// begins are texts of which one begins each match: the empty text when nothing is known.
func (f facts) begins() []string {
	switch {
	case f.all != nil:
		return f.all
	case f.starts != nil:
		return f.starts
	}
	return []string{""}
}

// best is the guard that follows.
func (f facts) best() guard {
	if f.all != nil && !slices.Contains(f.all, "") {
		return guard{f.all, f.alien}
	}
	return f.guard
}

// factsOf joins what stands side by side, so that /(img|tmp)/ is known by "/img/" and "/tmp/".
func factsOf(re *syntax.Regexp, depth int) facts {
	if depth > 100 {
		return facts{}
	}
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return facts{all: []string{""}}
	case syntax.OpLiteral:
		if t, alien, whole := certain(re); whole {
			return facts{all: []string{t}, alien: alien}
		} else if t != "" {
			return facts{guard: guard{[]string{t}, alien}} // where in it is not kept
		}
	case syntax.OpCharClass:
		return facts{all: classTexts(re.Rune)}
	case syntax.OpCapture:
		return factsOf(re.Sub[0], depth+1)
	case syntax.OpPlus, syntax.OpRepeat:
		if re.Op == syntax.OpPlus || re.Min > 0 {
			f := factsOf(re.Sub[0], depth+1)
			return facts{starts: f.begins(), alien: f.alien, guard: f.best(), more: f.more}
		}
	case syntax.OpQuest:
		if f := factsOf(re.Sub[0], depth+1); f.all != nil && len(f.all) < maxGuards {
			return facts{all: distinct(append(slices.Clone(f.all), "")), alien: f.alien}
		}
	case syntax.OpConcat:
		return factsOfRow(re.Sub, depth)
	case syntax.OpAlternate:
		return factsOfAlternatives(re.Sub, depth)
	}
	return facts{}
}

func factsOfRow(row []*syntax.Regexp, depth int) (out facts) {
	run := facts{all: []string{""}} // of the parts since the last that is not known
	gap := func() {
		if out.starts == nil {
			out.starts, out.alien = run.all, run.alien
		}
		out.require(run.best())
		run = facts{all: []string{""}}
	}
	for _, part := range row {
		f := factsOf(part, depth+1)
		begins := f.begins()
		if len(run.all)*len(begins) > maxGuards {
			gap()
		}
		run = facts{all: crossed(run.all, begins), alien: run.alien || f.alien}
		if f.all == nil {
			out.require(f.guard)
			for _, g := range f.more {
				out.require(g)
			}
			gap()
		}
	}
	if out.starts == nil {
		return run
	}
	gap()
	return out
}

func factsOfAlternatives(list []*syntax.Regexp, depth int) (out facts) {
	known := true
	guards := make([][]guard, len(list))
	for i, alternative := range list {
		f := factsOf(alternative, depth+1)
		known = known && f.all != nil
		out.starts, out.alien = append(out.starts, f.begins()...), out.alien || f.alien
		guards[i] = append([]guard{f.best()}, f.more...)
	}
	out.guard = ofEach(guards, 0)
	for n := 1; n <= maxMore && slices.ContainsFunc(guards, func(list []guard) bool { return n < len(list) }); n++ {
		if g := ofEach(guards, n); g.texts != nil {
			out.more = append(out.more, g)
		}
	}
	switch out.starts = distinct(out.starts); {
	case len(out.starts) > maxGuards:
		out.starts, out.alien = nil, false
	case known:
		out.all, out.starts = out.starts, nil
	}
	return out
}

// ofEach is the guard that follows from one guard of each alternative: its n-th, or its last.
func ofEach(alternatives [][]guard, n int) (out guard) {
	for _, list := range alternatives {
		g := list[min(n, len(list)-1)]
		if g.texts == nil || len(out.texts)+len(g.texts) > maxGuards {
			return guard{}
		}
		out.texts, out.foreign = append(out.texts, g.texts...), out.foreign || g.foreign
	}
	if n > 0 {
		out.texts = distinct(out.texts)
	}
	return out
}

// maxClass is how many characters of a class are spelt out: blanks, digits and letters are more.
const maxClass = 4

// classTexts spells out a class of a few characters, given as ranges; nil for others.
func classTexts(ranges []rune) (out []string) {
	for i := 0; i+1 < len(ranges); i += 2 {
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			if out = append(out, foldString(string(r))); len(out) > maxClass {
				return nil
			}
		}
	}
	return distinct(out)
}

// crossed is each text of a with each of b behind it.
func crossed(a, b []string) (out []string) {
	for _, x := range a {
		for _, y := range b {
			out = append(out, x+y)
		}
	}
	return distinct(out)
}

func distinct(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// certain returns the longest run of a literal, folded, that lies in every text it matches, or in every ASCII text, and
// whether that is the whole of it. Where case is ignored, some runes have another beside their lower case: an expression
// takes the long s for an s.
func certain(re *syntax.Regexp) (text string, foreign, whole bool) {
	if re.Flags&syntax.FoldCase == 0 {
		return foldString(string(re.Rune)), false, true
	}
	run := ""
	whole = true
	for _, r := range re.Rune {
		low, sure, ascii := unicode.ToLower(r), true, r < utf8.RuneSelf
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			sure = sure && unicode.ToLower(f) == low
			ascii = ascii || f < utf8.RuneSelf
		}
		switch {
		case sure:
			run += string(low)
		case ascii && low < utf8.RuneSelf:
			run += string(low)
			foreign = true
		default:
			run, whole = "", false
		}
		if len(run) > len(text) {
			text = run
		}
	}
	return text, foreign, whole
}

// better reports whether a guards more narrowly than b: texts that the scan can look for go before others, then those that
// are found less often.
func better(a, b guard) bool {
	if a.texts == nil || b.texts == nil {
		return a.texts != nil
	}
	if ua, ub := useful(infix, a.texts...), useful(infix, b.texts...); ua != ub {
		return ua
	}
	return a.weight() < b.weight()
}

// weight guesses how often one of the texts is found.
func (g guard) weight() (sum float64) {
	for _, t := range g.texts {
		w := rarity(len(t))
		if common(t) || len(t) < gramBytes {
			w *= 64
		}
		sum += w
	}
	return sum
}

// holds answers the question for a value given folded and as it is. It is the plain meaning of an atom; Null values
// come as the empty text.
func (a *atom) holds(folded, raw []byte) bool {
	switch a.form {
	case exact:
		return string(folded) == a.lit
	case prefix:
		return len(folded) >= len(a.lit) && string(folded[:len(a.lit)]) == a.lit
	case suffix:
		return len(folded) >= len(a.lit) && string(folded[len(folded)-len(a.lit):]) == a.lit
	case infix:
		return strings.Contains(unsafeString(folded), a.lit)
	}
	l := a.leaf
	switch l.Op {
	case sigma.Like:
		if l.Cased {
			return like(a.glob, raw)
		}
		return like(a.glob, folded)
	case sigma.Matches:
		return !a.refuses(folded) && a.matches(raw)
	case sigma.InNetwork:
		return inNetwork(l.Network, raw)
	case sigma.Less, sigma.LessEqual, sigma.Greater, sigma.GreaterEqual:
		return compare(l.Op, raw, l.Number)
	case sigma.TimeIs:
		return timeIs(l.Part, raw, int(l.Number))
	}
	return false
}

// unsafeString views bytes as a string for as long as the call lasts that it is handed to.
func unsafeString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// like matches a pattern against a whole text. To ignore case, both must be folded.
func like(p []sigma.Part, text []byte) bool {
	if len(p) == 0 {
		return len(text) == 0
	}
	switch head := p[0]; head.Wild {
	case sigma.One:
		if len(text) == 0 {
			return false
		}
		_, n := utf8.DecodeRune(text)
		return like(p[1:], text[n:])
	case sigma.Many:
		return likeMany(p[1:], text)
	default:
		return strings.HasPrefix(unsafeString(text), head.Text) && like(p[1:], text[len(head.Text):])
	}
}

// likeMany matches the rest of a pattern at any place of the text. After a text part, only the first place at which it
// fits need be tried: what another "*" could skip, that one can as well.
func likeMany(rest []sigma.Part, text []byte) bool {
	if len(rest) == 0 {
		return true
	}
	// The segment up to the next "*" must fit somewhere; the last one, at the end.
	end := 0
	for end < len(rest) && rest[end].Wild != sigma.Many {
		end++
	}
	segment, last := rest[:end], end == len(rest)
	for i := 0; ; {
		if last {
			if like(segment, text[i:]) {
				return true
			}
		} else if n, ok := fits(segment, text[i:]); ok {
			return likeMany(rest[end+1:], text[i+n:])
		}
		if i >= len(text) {
			return false
		}
		_, n := utf8.DecodeRune(text[i:])
		i += n
	}
}

// fits matches a segment without "*" at the beginning of the text and returns how far it reaches.
func fits(segment []sigma.Part, text []byte) (int, bool) {
	at := 0
	for _, part := range segment {
		if part.Wild == sigma.One {
			if at >= len(text) {
				return 0, false
			}
			_, n := utf8.DecodeRune(text[at:])
			at += n
			continue
		}
		if !strings.HasPrefix(unsafeString(text[at:]), part.Text) {
			return 0, false
		}
		at += len(part.Text)
	}
	return at, true
}

func inNetwork(network netip.Prefix, text []byte) bool { return contains(network, addressOf(text)) }

// addressOf reads an address; none for what is not one.
func addressOf(text []byte) netip.Addr {
	s := strings.TrimSpace(string(text))
	if len(s) > 64 {
		return netip.Addr{}
	}
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return addr.WithZone("")
}

func contains(network netip.Prefix, addr netip.Addr) bool {
	return network.Contains(addr) || addr.Is4In6() && network.Contains(addr.Unmap())
}

// number reads a decimal number, or a hexadecimal integer after 0x.
func number(text []byte) (float64, bool) {
	if n, ok := digits(text); ok {
		return float64(n), true
	}
	s := strings.TrimSpace(string(text))
	if len(s) == 0 || len(s) > 64 {
		return 0, false
	}
	if len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' {
		n, err := strconv.ParseUint(s[2:], 16, 64)
		return float64(n), err == nil
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil && !math.IsNaN(n)
}

// digits reads a whole number without sign that a float64 holds exactly.
func digits(text []byte) (n int64, ok bool) {
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, len(text) > 0 && len(text) <= 15
}

func compare(op sigma.Op, text []byte, want float64) bool {
	n, ok := number(text)
	if !ok {
		return false
	}
	switch op {
	case sigma.Less:
		return n < want
	case sigma.LessEqual:
		return n <= want
	case sigma.Greater:
		return n > want
	}
	return n >= want
}

var timeForms = []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05Z07:00", "2006-01-02"}

// timeIs compares a part of the time that a text spells, in UTC.
func timeIs(part sigma.TimePart, text []byte, want int) bool {
	s := strings.TrimSpace(string(text))
	if len(s) > 64 {
		return false
	}
	for _, form := range timeForms {
		t, err := time.Parse(form, s)
		if err != nil {
			continue
		}
		t = t.UTC()
		switch part {
		case sigma.Minute:
			return t.Minute() == want
		case sigma.Hour:
			return t.Hour() == want
		case sigma.Day:
			return t.Day() == want
		case sigma.Week:
			_, week := t.ISOWeek()
			return week == want
		case sigma.Month:
			return int(t.Month()) == want
		}
		return t.Year() == want
	}
	return false
}
