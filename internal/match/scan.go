package match

import (
	"encoding/binary"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"

	"wardround/internal/event"
)

// scanner finds, in one pass over a folded text, which of its needles lie in it. Whole values are looked up by a hash;
// ends by their last path component or last four bytes; beginnings by their first four bytes; all else by its rarest
// four bytes, which a bitmap small enough for the first-level cache tells from the rest.
//
// Infixes of fewer than four bytes are looked for one by one: those that are not ASCII in values that are not, which are few;
// others only where a rule has nothing else to wait for. The atoms that have none longer are evaluated when asked.
type scanner struct {
	needles []needle
	least   int // bytes of the shortest, in UTF-16 and whatever its case

	whole map[string][]int32 // by text
	comp  map[string][]int32 // suffixes, by their last path component with its separator
	tail  map[uint32][]int32 // suffixes without a separator, by their last four bytes
	head  map[uint32][]int32 // prefixes, by their first four bytes
	short []int32            // prefixes and suffixes of fewer than four bytes, compared one by one
	tiny  []int32            // ASCII infixes of fewer than four bytes, looked for one by one: see planner.anchor
	alien []int32            // infixes of fewer than four bytes, looked for in what is not ASCII; the empty one is found in all of that

	wholes, comps lengths // of the keys above
	tails, heads  sieve

	numbers numbers
	quick   quick

	bitmap []uint64 // of gram hashes
	shift  uint
	slots  []int32 // by gram hash, then the next free one: where the gram's places begin, below 0 for none
	room   uint    // shift of a hash to its slot
	places []place // those of a gram side by side
}

// lengths is a set of lengths of texts, those of 63 bytes and more as one: most values have none, and need no look into a map.
type lengths uint64

func (l *lengths) put(n int)     { *l |= 1 << min(n, 63) }
func (l lengths) has(n int) bool { return l>>min(n, 63)&1 != 0 }

// sieve is a set of grams that may hold more than was put in.
type sieve [16]uint64

func (s *sieve) put(g uint32) { h := hash(g) >> 22; s[h/64] |= 1 << (h % 64) }
func (s *sieve) has(g uint32) bool {
	h := hash(g) >> 22
	return s[h/64]>>(h%64)&1 != 0
}

// needle is a text to look for and the atom that it serves.
type needle struct {
	text string
	form form
	sure bool  // finding it answers the atom; otherwise the atom must still be evaluated
	atom int32 // its place among those of the scanner
}

// place says at which offset of which needle a gram lies.
type place struct {
	gram   uint32
	needle int32
	offset int32
}

const gramBytes = 4

func gram[T string | []byte](s T, i int) uint32 {
	return uint32(s[i]) | uint32(s[i+1])<<8 | uint32(s[i+2])<<16 | uint32(s[i+3])<<24
}

func newScanner(needles []needle) *scanner {
	s := &scanner{
		needles: needles, whole: map[string][]int32{}, comp: map[string][]int32{}, tail: map[uint32][]int32{}, head: map[uint32][]int32{},
	}
	often := countGrams(needles)
	for i, n := range needles {
		s.add(int32(i), n, often)
		s.numbers.add(int32(i), &needles[i])
		if size := 2 * utf8.RuneCountInString(n.text); i == 0 || size < s.least {
			s.least = size
		}
	}
	s.numbers.sort()
	s.fill()
	s.quick = newQuick(s)
	return s
}

func (s *scanner) add(i int32, n needle, often gramCounts) {
	switch {
	case n.form == exact:
		s.whole[n.text] = append(s.whole[n.text], i)
		s.wholes.put(len(n.text))
	case n.form == infix && len(n.text) < gramBytes && n.text != "" && !foreign([]byte(n.text)):
		s.tiny = append(s.tiny, i)
	case n.form == infix && len(n.text) < gramBytes:
		s.alien = append(s.alien, i)
	case n.form != infix && len(n.text) < gramBytes:
		s.short = append(s.short, i)
	case n.form == prefix:
		g := gram(n.text, 0)
		s.head[g] = append(s.head[g], i)
		s.heads.put(g)
	case n.form == suffix:
		if at := lastSeparator(n.text); at >= 0 && at+1 < len(n.text) {
			s.comp[n.text[at:]] = append(s.comp[n.text[at:]], i)
			s.comps.put(len(n.text) - at)
		} else {
			g := gram(n.text, len(n.text)-gramBytes)
			s.tail[g] = append(s.tail[g], i)
			s.tails.put(g)
		}
	default:
		best := often.rarest(n.text)
		s.places = append(s.places, place{gram(n.text, best), i, int32(best)})
	}
}

func lastSeparator[T string | []byte](s T) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '\\' || s[i] == '/' {
			return i
		}
	}
	return -1
}

// gramCounts tell how often grams are met, by their hash: among the needles, and in what log texts hold much of. Two that
// share a hash share a count.
type gramCounts struct {
	counts []uint16
	shift  uint
}

func countGrams(needles []needle) gramCounts {
	total := 0
	for i := range needles {
		if needles[i].form == infix {
			total += max(0, len(needles[i].text)-gramBytes+1)
		}
	}
	if total == 0 {
		return gramCounts{}
	}
	size := min(max(bits.Len(uint(total))+2, 12), 18)
	c := gramCounts{make([]uint16, 1<<size), uint(32 - size)}
	for _, g := range commonGramList {
		c.counts[hash(g)>>c.shift] = commonCount
	}
	for i := range needles {
		if n := &needles[i]; n.form == infix {
			for at := 0; at+gramBytes <= len(n.text); at++ {
				if k := &c.counts[hash(gram(n.text, at))>>c.shift]; *k < math.MaxUint16 {
					*k++
				}
			}
		}
	}
	return c
}

// commonCount is how often a gram counts that log texts hold much of.
const commonCount = 1000

// rarest finds the gram of a needle that stands for it: fewer needles that share it, and what log texts hold less of.
func (c gramCounts) rarest(text string) (best int) {
	least := uint16(math.MaxUint16)
	for at := 0; at+gramBytes <= len(text) && least > 1; at++ {
		if n := c.counts[hash(gram(text, at))>>c.shift]; n < least {
			best, least = at, n
		}
	}
	return best
}

// commonGrams are runs that nearly every command line and path holds.
var commonGrams = func() map[uint32]bool {
	m := map[uint32]bool{}
	for _, word := range []string{
		`c:\windows\system32\`, `\program files`, `(x86)\`, `\users\`, `\appdata\local\`, `\roaming\`, `\microsoft\`, `.exe"`, ".exe -", ".exe /",
		`.dll`, `.exe`, "powershell", "microsoft", "windows", `\registry\machine\`, `\currentversion\`, `hklm\software\`, `\currentcontrolset\`,
		`\services\`, "system.", "http", "https://", "www.", ".com/", "/usr/bin/", "/usr/lib", "/etc/", "/var/", "object", "string", "function", "    ",
		"param", "write-", "import", "module", "return", "=====", "-----", "00000", "svchost",
	} {
		for i := 0; i+gramBytes <= len(word); i++ {
			m[gram(word, i)] = true
		}
	}
	return m
}()

var commonGramList = slices.Sorted(maps.Keys(commonGrams))

// common reports that nearly every command line and path holds the text.
func common(text string) bool {
	for i := 0; i+gramBytes <= len(text); i++ {
		if !commonGrams[gram(text, i)] {
			return false
		}
	}
	return true
}

// fill makes the bitmap and the table of the places: sixteen bits for each gram, 32 KiB of them at most, so that they stay in
// the first-level cache; a set of rules far larger than is usual has eight, in the second.
func (s *scanner) fill() {
	n := len(s.places)
	if n == 0 {
		return
	}
	size := min(max(bits.Len(uint(n))+4, 16), 18)
	if n > 1<<15 {
		size = min(bits.Len(uint(n))+3, 21)
	}
	s.shift = uint(32 - size)
	s.bitmap = make([]uint64, 1<<size/64)
	slots := bits.Len(uint(n)) + 1
	s.room = uint(32 - slots)
	s.slots = make([]int32, 1<<slots)
	for i := range s.slots {
		s.slots[i] = -1
	}
	s.sortPlaces()
	for i, p := range s.places {
		if i > 0 && p.gram == s.places[i-1].gram {
			continue
		}
		h := hash(p.gram) >> s.shift
		s.bitmap[h/64] |= 1 << (h % 64)
		slot := hash(p.gram) >> s.room
		for s.slots[slot] >= 0 {
			slot = (slot + 1) % uint32(len(s.slots))
		}
		s.slots[slot] = int32(i)
	}
}

// sortPlaces brings together the places of a gram, of which no needle has two.
func (s *scanner) sortPlaces() {
	offsets := make([]int32, len(s.needles))
	order := make([]uint64, len(s.places))
	for i, p := range s.places {
		offsets[p.needle], order[i] = p.offset, uint64(p.gram)<<32|uint64(p.needle)
	}
	slices.Sort(order)
	for i, x := range order {
		n := int32(uint32(x))
		s.places[i] = place{uint32(x >> 32), n, offsets[n]}
	}
}

// placesOf are those of a gram.
func (s *scanner) placesOf(g uint32) []place {
	for slot := hash(g) >> s.room; s.slots[slot] >= 0; slot = (slot + 1) % uint32(len(s.slots)) {
		if from := int(s.slots[slot]); s.places[from].gram == g {
			to := from + 1
			for to < len(s.places) && s.places[to].gram == g {
				to++
			}
			return s.places[from:to]
		}
	}
	return nil
}

func hash(g uint32) uint32 { return g * 0x9e3779b1 }

// passes reports that nothing is found in a value, where that is seen at once. Empty says that something is found in the empty text.
func (s *scanner) passes(v *event.Value, empty bool) bool {
	switch t := v.Type; {
	case t&event.Array != 0:
		return false
	case len(v.Raw) == 0 || t == event.Null:
		return !empty
	case t == event.UTF16:
		if len(v.Raw) < s.least {
			return true
		}
		if raw := withoutNULs(v.Raw); len(raw) > 0 {
			return s.quick.on && s.quick.refusesUTF16(raw)
		}
		return !empty
	case t == event.UTF8:
		return s.quick.on && s.quick.refusesUTF8(v.Raw)
	case spellings[t] != anyhow:
		return !s.numbers.more && (spellings[t] == figures && wellFormed(v) || spellings[t] != figures && len(s.numbers.whole) == 0)
	}
	return false
}

// scan calls found for each needle, by its index, that lies in the text; it may call more than once for one.
func (s *scanner) scan(text []byte, found func(int32)) {
	if s.wholes.has(len(text)) {
		for _, i := range s.whole[string(text)] {
			found(i)
		}
	}
	for _, i := range s.short {
		if s.needles[i].lies(text, 0) {
			found(i)
		}
	}
	if s.comps != 0 {
		if at := lastSeparator(text); at >= 0 && s.comps.has(len(text)-at) {
			s.check(s.comp[string(text[at:])], text, found)
		}
	}
	for _, i := range s.tiny {
		if strings.Contains(unsafeString(text), s.needles[i].text) {
			found(i)
		}
	}
	if len(s.alien) > 0 && foreign(text) {
		for _, i := range s.alien {
			if strings.Contains(unsafeString(text), s.needles[i].text) {
				found(i)
			}
		}
	}
	if len(text) < gramBytes {
		return
	}
	if g := gram(text, len(text)-gramBytes); s.tails.has(g) {
		s.check(s.tail[g], text, found)
	}
	if g := gram(text, 0); s.heads.has(g) {
		s.check(s.head[g], text, found)
	}
	if len(s.places) > 0 {
		s.scanGrams(text, found)
	}
}

func (s *scanner) check(needles []int32, text []byte, found func(int32)) {
	for _, i := range needles {
		if s.needles[i].lies(text, 0) {
			found(i)
		}
	}
}

// lies reports whether the needle lies in the text: at the place given for an infix, where its form says otherwise.
func (n *needle) lies(text []byte, at int) bool {
	switch n.form {
	case prefix:
		at = 0
	case suffix:
		at = len(text) - len(n.text)
	}
	return at >= 0 && at+len(n.text) <= len(text) && string(text[at:at+len(n.text)]) == n.text
}

func (s *scanner) scanGrams(text []byte, found func(int32)) {
	bitmap, shift := s.bitmap, s.shift
	last := len(text) - gramBytes
	for i := 0; i <= last; i++ {
		g := binary.LittleEndian.Uint32(text[i:])
		h := hash(g) >> shift
		if bitmap[h/64]>>(h%64)&1 == 0 {
			continue
		}
		for _, p := range s.placesOf(g) {
			if s.needles[p.needle].lies(text, i-int(p.offset)) {
				found(p.needle)
			}
		}
	}
}

// useful reports whether a scanner can look for texts of that form.
func useful(f form, texts ...string) bool {
	return !slices.ContainsFunc(texts, func(t string) bool {
		return f != exact && len(t) < gramBytes && (t == "" || f == infix && !foreign([]byte(t)))
	})
}
