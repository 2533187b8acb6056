package report

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// columns is how many columns of a terminal a text takes that visible has made plain.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

// runeColumns follows the East Asian Width of Unicode: wide and full-width characters take two columns, marks none.
func runeColumns(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && (r <= 0x115f || r >= 0x2e80 && r <= 0x303e || r >= 0x3041 && r <= 0x4dbf || r >= 0x4e00 && r <= 0xa4cf ||
		r >= 0xa960 && r <= 0xa97f || r >= 0xac00 && r <= 0xd7a3 || r >= 0xf900 && r <= 0xfaff || r >= 0xfe30 && r <= 0xfe6f ||
		r >= 0xff01 && r <= 0xff60 || r >= 0xffe0 && r <= 0xffe6 || r >= 0x1f300 && r <= 0x1f64f || r >= 0x1f680 && r <= 0x1f6ff ||
		r >= 0x1f900 && r <= 0x1faff || r >= 0x20000 && r <= 0x3fffd):
		return 2
	}
	return 1
}

// fit cuts s to width columns, with an ellipsis where something is lost.
func fit(s string, width int) string {
	if columns(s) <= width {
		return s
	}
	n := 0
	for i, r := range s {
		c := runeColumns(r)
		if n+c > width-1 {
			return strings.TrimRight(s[:i], " ") + "…"
		}
		n += c
	}
	return s
}

// wrap breaks s into lines of at most width columns, at spaces where it can; of more than most lines the last ends in "…".
func wrap(s string, width, most int) []string {
	var out []string
	for s = strings.TrimSpace(s); s != ""; {
		if columns(s) <= width {
			return append(out, s)
		}
		if len(out) == most-1 {
			return append(out, fit(s, width))
		}
		end, space, n := len(s), -1, 0
		for i, r := range s {
			c := runeColumns(r)
			if n+c > width {
				end = i
				break
			}
			if r == ' ' {
				space = i
			}
			n += c
		}
		if end < len(s) && s[end] == ' ' {
			space = end
		}
		if space > 0 {
			end = space
		}
		if end == 0 {
			_, end = utf8.DecodeRuneInString(s)
		}
		out = append(out, strings.TrimRight(s[:end], " "))
		s = strings.TrimLeft(s[end:], " ")
	}
	return out
}
