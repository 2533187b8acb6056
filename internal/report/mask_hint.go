package report

import (
	"strings"
	"unicode/utf8"
)

// hints are what can be seen of a text in one pass, so that no expression is tried on a text that it cannot match: nearly every text
// that is shown is a path, a name or a digest. They count for texts of ASCII alone; in others a letter may be folded to one of it.
// mask_hint_test.go holds them against the expressions.
type hints struct {
	text  string
	known bool
	ascii bool
	pairs [64]uint64 // of bytes beside each other, in lower case: the place of a and b is a<<5 ^ b
}

// see looks at a text, once.
func (h *hints) see(s string) {
	if h.known && h.text == s {
		return
	}
	*h = hints{text: s, known: true, ascii: true}
	last := byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= utf8.RuneSelf {
			h.ascii = false
			return
		}
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		at := uint(last)<<5 ^ uint(c)
		h.pairs[at/64%64] |= 1 << (at % 64)
		last = c
	}
}

// may reports that the text may hold a hint, in any case: all of its pairs are there, or the text is not of ASCII.
func (h *hints) may(hint string) bool {
	if !h.ascii {
		return true
	}
	for i := 1; i < len(hint); i++ {
		at := uint(hint[i-1])<<5 ^ uint(hint[i])
		if h.pairs[at/64%64]&(1<<(at%64)) == 0 {
			return false
		}
	}
	return true
}

// has reports that the text holds a hint, which is in lower case.
func (h *hints) has(hint string) bool { return h.may(hint) && containsFold(h.text, hint) }

// behind reports that a byte of first stands in s with one of next, in either case, behind it.
func behind(s, first, next string) bool {
	for i := 0; i+1 < len(s); i++ {
		if strings.IndexByte(first, s[i]) >= 0 && strings.IndexByte(next, s[i+1]|0x20) >= 0 {
			return true
		}
	}
	return false
}

// keyIDs are the beginnings of the ids of keys of a cloud.
var keyIDs = [...]string{"A3T", "AKIA", "ASIA", "AROA", "AIDA", "AGPA", "ANPA", "ANVA"}

func mayBeKeyID(s string) bool {
	for i := 0; i+20 <= len(s); i++ {
		if s[i] != 'A' || i > 0 && isWordByte(s[i-1]) {
			continue
		}
		for _, id := range keyIDs {
			if strings.HasPrefix(s[i:], id) {
				return true
			}
		}
	}
	return false
}

func isWordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

func mayBeGitHub(s string) bool {
	for i := 0; i+4 <= len(s); i++ {
		if s[i] == 'g' && s[i+1] == 'h' && s[i+3] == '_' && strings.IndexByte("pousr", s[i+2]) >= 0 {
			return true
		}
	}
	return false
}

// mayBePassword: white space or a bracket stands behind the word.
func mayBePassword(s string) bool {
	for i := 0; i+8 < len(s); i++ {
		if s[i]|0x20 == 'p' && s[i+8] <= '(' && strings.EqualFold(s[i:i+8], "password") {
			return true
		}
	}
	return false
}

// mayBePairOfHashes: hexadecimal digits stand on both sides of a colon, 32 of each as far as a look at the ends tells.
func mayBePairOfHashes(s string) bool {
	for i := 32; i+33 <= len(s); i++ {
		if s[i] == ':' && isHex(s[i-1]) && isHex(s[i+1]) && isHex(s[i-32]) && isHex(s[i+32]) {
			return true
		}
	}
	return false
}

func mayBeCrypt(s string) bool { return behind(s, "$", "12567yagsmp") && strings.Count(s, "$") > 1 }

// announcesNumber reports that a name of a patient's number may stand in s, which is of ASCII.
func announcesNumber(s string) bool {
	for i := 0; i+1 < len(s); i++ {
		switch s[i] | 0x20 {
		case 'u':
			if foldedAt(s, i, "uhid") {
				return true
			}
		case 'm':
			if foldedAt(s, i, "mrn") {
				return true
			}
		case 'n', 'i':
			if i < 2 || !foldedAt(s, i, "no") && !foldedAt(s, i, "id") && !foldedAt(s, i, "number") {
				continue
			}
			end := i
			if c := s[end-1]; c == ' ' || c == '_' || c == '.' || c == '-' {
				end--
			}
			for _, w := range [...]string{"mr", "cr", "pd", "nt"} {
				if end >= 2 && foldedAt(s, end-2, w) {
					return true
				}
			}
		}
	}
	return false
}

// foldedAt reports that a word in lower case stands in s at i, in any case.
func foldedAt(s string, i int, word string) bool {
	if len(s)-i < len(word) {
		return false
	}
	for k := 0; k < len(word); k++ {
		if c := s[i+k]; c != word[k] && (c < 'A' || c > 'Z' || c|0x20 != word[k]) {
			return false
		}
	}
	return true
}

// numbers are the forms in which the digits of a text stand that may be a person's.
type numbers struct {
	groupedABHA, groupedAadhaar, plain, phone bool
}

func numbersIn(s string) (n numbers) {
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			continue
		}
		from := i
		for i < len(s) && isDigit(s[i]) {
			i++
		}
		switch i - from {
		case 12, 14:
			n.plain = true
		case 4:
			n.groupedAadhaar = n.groupedAadhaar || fourAt(s, i) && fourAt(s, i+5)
		case 2:
			n.groupedABHA = n.groupedABHA || fourAt(s, i) && fourAt(s, i+5) && fourAt(s, i+10)
		}
		for at := from; at+1 < i; at++ {
			n.phone = n.phone || s[at] == '9' && s[at+1] == '1' && (at > 0 && s[at-1] == '+' || at > 1 && s[at-1] == '0' && s[at-2] == '0')
		}
	}
	return n
}

// fourAt reports that a space or hyphen and four digits stand in s at i.
func fourAt(s string, i int) bool {
	return i+5 <= len(s) && (s[i] == ' ' || s[i] == '-') && isDigit(s[i+1]) && isDigit(s[i+2]) && isDigit(s[i+3]) && isDigit(s[i+4])
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
