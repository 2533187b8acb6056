package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Lengths at which texts are cut, in bytes before masking. What is cut is said, with the whole length.
const (
	maxName   = 120  // a server, an account, an address, a file name
	maxSay    = 1200 // a sentence
	maxValue  = 2000 // a field of a record
	maxPolicy = 400 << 10
)

// show makes text from evidence fit to be read by a person: masked, cut at limit, every byte and character that is
// not plainly visible spelled out. It is one line: line ends are spelled out too.
func show(s string, limit int) string { return visible(clip(Mask, s, limit, len(s)), false) }

// shownDigest is show for a SHA-256, which holds nothing to hide if it is one.
func shownDigest(s string) string {
	if len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "" {
		return s
	}
	return show(s, maxName)
}

// showField is show for the value of a named field, in a place where line ends do no harm. The value was size bytes
// long before it was cut to maxValue and margin.
func showField(name, value string, size int) string {
	return visible(clip(func(v string) string { return MaskField(name, v) }, value, maxValue, size), true)
}

// margin is how far behind the cut a text is masked, so that no secret is cut before it is known as one.
const margin = 2048

// clip masks s, which is the beginning of a text of all bytes, and cuts it at limit.
func clip(mask func(string) string, s string, limit, all int) string {
	s = mask(s[:min(len(s), limit+margin)])
	if len(s) <= limit && all <= limit+margin {
		return s
	}
	cut := min(limit, len(s))
	for cut > 0 && cut < len(s) && !utf8.RuneStart(s[cut]) {
		cut--
	}
	if open := strings.LastIndex(s[max(0, cut-20):cut], "[masked:"); open >= 0 && !strings.Contains(s[max(0, cut-20)+open:cut], "]") {
		cut = max(0, cut-20) + open
	}
	return s[:cut] + " … (cut: " + grouped(int64(all)) + " bytes in all)"
}

// visible spells out what would not be seen as it is or would change what is around it: control characters and ill-formed bytes,
// direction marks, characters without width, spaces other than the plain one, private and unassigned ones, and more
// than three marks on one letter. With lines, line ends and tabs stay.
func visible(s string, lines bool) string {
	clean := true
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= 0x7f {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	marks, indic := 4, false // a mark needs a letter before it
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, "<0x%02X>", s[i])
			marks = 4
		case lines && (r == '\n' || r == '\t'):
			b.WriteRune(r)
			marks = 4
		case lines && r == '\r' && i+1 < len(s) && s[i+1] == '\n':
		case unicode.In(r, unicode.Mn, unicode.Me) && marks < 3 && !hiding(r):
			b.WriteRune(r)
			marks++
		case (r == '\u200c' || r == '\u200d') && indic && joins(s[i+size:]):
			b.WriteRune(r) // the joiners of Indian scripts
		case r == ' ' || unicode.IsPrint(r) && !hiding(r) && !unicode.In(r, unicode.Mn, unicode.Me):
			b.WriteRune(r)
			marks = 0
		default:
			fmt.Fprintf(&b, "<U+%04X>", r)
			marks = 4
		}
		indic = r >= 0x0900 && r <= 0x0dff
		i += size
	}
	return b.String()
}

// joins reports that a letter of an Indian script follows a joiner.
func joins(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return r >= 0x0900 && r <= 0x0dff
}

// hiding are printable characters that show nothing, or mark up what follows.
func hiding(r rune) bool {
	switch r {
	case 0x034f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x2800, 0x3164, 0xffa0, 0xfffc:
		return true
	}
	return r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0100 && r <= 0xe01ef || r >= 0x180b && r <= 0x180f
}

// grouped writes a number as India groups digits: 12,34,567.
func grouped(n int64) string {
	sign := ""
	if n < 0 {
		sign = "-"
	}
	d := strings.TrimPrefix(strconv.FormatInt(n, 10), "-")
	if len(d) <= 3 {
		return sign + d
	}
	head, tail := d[:len(d)-3], d[len(d)-3:]
	for len(head) > 2 {
		tail = head[len(head)-2:] + "," + tail
		head = head[:len(head)-2]
	}
	return sign + head + "," + tail
}

// count writes a number with its noun: "1 server", "12 servers", "no server".
func count(n int, one, many string) string {
	switch n {
	case 0:
		return "no " + one
	case 1:
		return "1 " + one
	}
	return grouped(int64(n)) + " " + many
}

// percent writes a share so that it never claims more than was measured: rounded down, and neither 0 nor 100 unless exact.
func percent(share float64) string {
	switch {
	case !(share > 0):
		return "0\u00a0%"
	case share >= 1:
		return "100\u00a0%"
	case share < 0.01:
		return "under 1\u00a0%"
	}
	return strconv.Itoa(int(share*100+1e-9)) + "\u00a0%"
}

// sizeOf writes a number of bytes in decimal units.
func sizeOf(n int64) string {
	if n < 1000 {
		return count(int(n), "byte", "bytes")
	}
	f, unit := float64(n)/1000, 0
	for f >= 999.95 && unit < 4 {
		f /= 1000
		unit++
	}
	return strconv.FormatFloat(f, 'f', 1, 64) + " " + [...]string{"kB", "MB", "GB", "TB", "PB"}[unit]
}

// number64 writes a number that names something, such as a record: without grouping, as other programs show it.
func number64(n uint64) string { return strconv.FormatUint(n, 10) }
