package match

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"wardround/internal/event"
)

// spelling is how the text of a value looks. Most texts that rules look for cannot lie in a number, and those that can are
// numbers themselves: so a number is compared with those, and not spelled.
type spelling uint8

const (
	anyhow  spelling = iota
	decimal          // unsigned
	hexadecimal
	figures // digits, and what stands between those of a SID and a GUID
)

// spellings are those of the types, as event.Value.AppendText has them.
var spellings = [256]spelling{
	event.Uint8: decimal, event.Uint16: decimal, event.Uint32: decimal, event.Uint64: decimal,
	event.Hex32: hexadecimal, event.Hex64: hexadecimal, event.Size: hexadecimal,
	event.SID: figures, event.GUID: figures,
}

// widths are the bytes of the types that are numbers; fewer are a smaller number, more are not looked at.
var widths = [256]int{
	event.Uint8: 1, event.Uint16: 2, event.Uint32: 4, event.Uint64: 8, event.Hex32: 4, event.Hex64: 8, event.Size: 8,
}

// figured are what a number, a SID or a GUID is made of, in lower case.
var figured = func() (set [256]bool) {
	for _, c := range []byte("0123456789abcdefsx-{}") {
		set[c] = true
	}
	return set
}()

// numbers are the needles of a scanner that can lie in the text of a number.
type numbers struct {
	whole []wholeNumber // texts that are a number as it would be spelled, and nothing else is; by size
	more  bool          // there are others
}

type wholeNumber struct {
	as     spelling
	n      uint64
	needle int32
}

// add sorts out a needle.
func (l *numbers) add(i int32, n *needle) {
	if n.text == "" {
		return // it is looked for elsewhere: in empty values and in what is not ASCII
	}
	for i := range len(n.text) {
		if !figured[n.text[i]] {
			return
		}
	}
	if n.form == exact {
		if x, ok := numberOf(n.text); ok {
			x.needle = i
			l.whole = append(l.whole, x)
			return
		}
	}
	l.more = true
}

// sort makes ready for number, once all are added.
func (l *numbers) sort() {
	slices.SortStableFunc(l.whole, func(a, b wholeNumber) int { return cmp.Compare(a.n, b.n) })
}

// numberOf is the number of which a text is the spelling.
func numberOf(s string) (x wholeNumber, ok bool) {
	base := 10
	x.as = decimal
	digits, hex := strings.CutPrefix(s, "0x")
	if hex {
		x.as, base = hexadecimal, 16
	}
	n, err := strconv.ParseUint(digits, base, 64)
	x.n = n
	return x, err == nil && strconv.FormatUint(n, base) == digits
}

// number notes what is found in a value that is no text, without spelling it. It reports whether that could be done.
func (s *Scratch) number(c *column, v event.Value) bool {
	l := &c.scanner.numbers
	if l.more {
		return false
	}
	as, raw := spellings[v.Type], v.Raw
	if long := widths[v.Type]; len(raw) > long && as != figures {
		raw = raw[:long]
	}
	if as == figures {
		return wellFormed(&v)
	}
	var n uint64
	switch len(raw) {
	case 1:
		n = uint64(raw[0])
	case 2:
		n = uint64(binary.LittleEndian.Uint16(raw))
	case 4:
		n = uint64(binary.LittleEndian.Uint32(raw))
	case 8:
		n = binary.LittleEndian.Uint64(raw)
	default:
		return false
	}
	s.seen = s.seen[:0]
	at, _ := slices.BinarySearchFunc(l.whole, n, func(x wholeNumber, n uint64) int { return cmp.Compare(x.n, n) })
	for _, x := range l.whole[at:] {
		if x.n != n {
			break
		}
		if x.as == as {
			s.seen = c.signs(s.seen, x.needle)
		}
	}
	for _, n := range s.seen {
		s.note(n)
	}
	return true
}

// wellFormed reports whether a SID or a GUID has the bytes that it needs; what has fewer is spelled as the bytes are.
func wellFormed(v *event.Value) bool {
	return v.Type == event.GUID && len(v.Raw) >= 16 || v.Type == event.SID && len(v.Raw) >= 8 && len(v.Raw) >= 8+4*int(v.Raw[1])
}
