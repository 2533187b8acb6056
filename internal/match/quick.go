package match

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// quick tells of most texts, as they lie in the file, that no needle of a scanner is in them: without lowering them, and for
// long needles without a look at each place. A needle of n bytes holds n-3 grams, so one of any n-3 places that follow one
// another is looked at. It speaks of ASCII alone, of which the lower case is ASCII and no needle beyond it a part.
type quick struct {
	on     bool
	wholes lengths   // of whole values
	closes sieve     // last grams of those
	shorts [2]uint64 // last bytes of those too short for one
	firsts [2]uint64 // first bytes of short beginnings
	lasts  [2]uint64 // last ones of short ends
	heads  sieve     // first grams
	tails  sieve     // last ones
	ends   bool      // some of these four are not empty
	least  int       // bytes of the shortest needle that may lie anywhere; more than a text has where there is none
	step   int       // from one place to the next
	marks  []byte    // one of them is in each needle that is too short for a gram and may lie anywhere
	grams  []uint64  // bitmap of hashes; nil if there are too many
	shift  uint
	all    *scanner // whose bitmap and table are used in UTF-8 if each place is looked at; UTF-16 would be unpacked twice
}

const (
	maxQuickEnds  = 16   // of paths: of many, one is nearly always there
	maxQuickGrams = 2048 // that stand in the bitmap
	maxQuickMarks = 4
)

func newQuick(s *scanner) (q quick) {
	needles := s.needles
	shortest, paths := 0, 0
	for i := range needles {
		n := &needles[i]
		size := len(n.text)
		switch {
		case foreign([]byte(n.text)) || size == 0:
		case n.form == exact:
			q.wholes.put(size)
			if size < gramBytes {
				put(&q.shorts, n.text[size-1])
			} else {
				q.closes.put(gram(n.text, size-gramBytes))
			}
		case n.form == infix && size < gramBytes:
			if !q.mark(n.text) {
				return quick{}
			}
		case n.form == infix:
			if shortest == 0 || size < shortest {
				shortest = size
			}
		case n.form == prefix && size < gramBytes:
			put(&q.firsts, n.text[0])
			q.ends = true
		case n.form == prefix:
			q.heads.put(gram(n.text, 0))
			q.ends = true
		case size < gramBytes:
			put(&q.lasts, n.text[size-1])
			q.ends = true
		default:
			q.tails.put(gram(n.text, size-gramBytes))
			q.ends = true
			paths++
		}
	}
	if paths > maxQuickEnds {
		return quick{}
	}
	q.on, q.least = true, math.MaxInt
	if shortest > 0 {
		q.least = shortest
		q.step = min(shortest-gramBytes+1, 16)
		q.on = q.within(s)
	}
	return q
}

// mark makes sure that a short text is not passed over: by a byte of it that has no case.
func (q *quick) mark(text string) bool {
	at := strings.IndexFunc(text, func(c rune) bool { return !unicode.IsLetter(c) })
	if at < 0 {
		return false
	}
	if !slices.Contains(q.marks, text[at]) {
		q.marks = append(q.marks, text[at])
	}
	return len(q.marks) <= maxQuickMarks
}

// marked reports that a short needle may lie in a text.
func (q *quick) marked(raw []byte) bool {
	for _, c := range q.marks {
		if bytes.IndexByte(raw, c) >= 0 {
			return true
		}
	}
	return false
}

// within fills the bitmap, and reports whether there is one that tells much.
func (q *quick) within(s *scanner) bool {
	if q.step == 1 {
		q.all = s
	}
	seen := map[uint32]bool{}
	for i := range s.needles {
		if n := &s.needles[i]; n.form == infix && len(n.text) >= gramBytes && !foreign([]byte(n.text)) {
			for at := range q.step {
				seen[gram(n.text, at)] = true
			}
			if len(seen) > maxQuickGrams {
				return q.all != nil
			}
		}
	}
	size := max(bits.Len(uint(len(seen)))+5, 10)
	q.shift = uint(32 - size)
	q.grams = make([]uint64, 1<<size/64)
	for g := range seen {
		h := hash(g) >> q.shift
		q.grams[h/64] |= 1 << (h % 64)
	}
	return true
}

// may reports whether the bitmap has a gram.
func (q *quick) may(g uint32) bool { return inBitmap(q.grams, q.shift, g) }

func inBitmap(grams []uint64, shift uint, g uint32) bool {
	h := hash(g) >> shift
	return grams[h/64]>>(h%64)&1 != 0
}

const wide = 0xff80ff80ff80ff80 // set in units beyond ASCII

// refusesUTF16 reports that nothing lies in a text that does not end with a NUL.
func (q *quick) refusesUTF16(raw []byte) bool {
	size := len(raw) / 2
	if len(raw)&1 != 0 || size == 0 {
		return false
	}
	if size < gramBytes {
		var some uint64
		for i := 0; i < len(raw); i += 2 {
			some |= uint64(raw[i+1]) | uint64(raw[i]&0x80)
		}
		return some == 0 && !q.shortEnds(size, raw[0], raw[len(raw)-2]) && !q.marked(raw)
	}
	last := binary.LittleEndian.Uint64(raw[len(raw)-8:])
	some := last
	for i := 0; i+8 <= len(raw); i += 8 {
		some |= binary.LittleEndian.Uint64(raw[i:])
	}
	if some&wide != 0 || q.anEnd(size, lower4(pack4(binary.LittleEndian.Uint64(raw))), lower4(pack4(last))) || q.marked(raw) {
		return false
	}
	if size >= q.least {
		if q.grams == nil {
			return false
		}
		for i := 0; i+8 <= len(raw); i += 2 * q.step {
			if q.may(lower4(pack4(binary.LittleEndian.Uint64(raw[i:])))) {
				return false
			}
		}
	}
	return true
}

func (q *quick) refusesUTF8(raw []byte) bool {
	size := len(raw)
	if size == 0 {
		return false
	}
	if size < gramBytes {
		some := byte(0)
		for _, c := range raw {
			some |= c
		}
		return some < utf8.RuneSelf && !q.shortEnds(size, raw[0], raw[size-1]) && !q.marked(raw)
	}
	if foreign(raw) || q.anEnd(size, lower4(uint64(gram(raw, 0))), lower4(uint64(gram(raw, size-gramBytes)))) || q.marked(raw) {
		return false
	}
	if size < q.least {
		return true
	}
	if q.all != nil {
		return q.all.holdsNoGram(raw)
	}
	for i := 0; i+gramBytes <= size; i += q.step {
		if q.may(lower4(uint64(binary.LittleEndian.Uint32(raw[i:])))) {
			return false
		}
	}
	return true
}

// holdsNoGram reports that no gram of a needle lies in an ASCII text.
func (s *scanner) holdsNoGram(raw []byte) bool {
	may := func(x uint64) bool { return inBitmap(s.bitmap, s.shift, uint32(x)) }
	i := 0
	for ; i+8 <= len(raw); i += 5 {
		x := lower8(binary.LittleEndian.Uint64(raw[i:]))
		if !may(x) && !may(x>>8) && !may(x>>16) && !may(x>>24) && !may(x>>32) {
			continue
		}
		for n := range 5 {
			if g := uint32(x >> (8 * n)); may(uint64(g)) && s.placesOf(g) != nil {
				return false
			}
		}
	}
	for ; i+gramBytes <= len(raw); i++ {
		if g := lower4(uint64(binary.LittleEndian.Uint32(raw[i:]))); may(uint64(g)) && s.placesOf(g) != nil {
			return false
		}
	}
	return true
}

// lower4 lowers four ASCII bytes.
func lower4(x uint64) uint32 { return uint32(lower8(x)) }

// anEnd reports whether a text of that size, first and last gram may be a needle, or begin or end with one.
func (q *quick) anEnd(size int, head, tail uint32) bool {
	return q.wholes.has(size) && q.closes.has(tail) ||
		q.ends && (q.heads.has(head) || q.tails.has(tail) || has(&q.firsts, byte(head)) || has(&q.lasts, byte(tail>>24)))
}

// shortEnds is anEnd for a text that is shorter than a gram.
func (q *quick) shortEnds(size int, first, last byte) bool {
	first, last = lowerASCII(first), lowerASCII(last)
	return q.wholes.has(size) && has(&q.shorts, last) || q.ends && (has(&q.firsts, first) || has(&q.lasts, last))
}

func has(set *[2]uint64, c byte) bool { return set[c/64]>>(c%64)&1 != 0 }

func put(set *[2]uint64, c byte) { set[c/64] |= 1 << (c % 64) }
