package damage

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// walkText takes text: UTF-8, UTF-16 with its mark or with every other byte zero, and single-byte encodings. Text is
// followed as long as it goes on; what follows that is no text breaks it only in a file that is text at its beginning.
func walkText(x *exam) form {
	kind, seen := "text", 0
	at := int64(0)
	for _, w := range x.v.windows {
		n, k := textRun(w.b, w.off > 0)
		if w.off == 0 {
			kind = k
		}
		seen += n
		if n < len(w.b) {
			at = w.off + int64(n)
			break
		}
	}
	if kind == "" {
		return form{}
	}
	if seen < int(x.v.seen()) {
		if at < 64 || at < 512 && len(x.b) > 2048 {
			return form{}
		}
		f := bad(at, "text that ends in what is none")
		f.kind, f.text = kind, true
		return f
	}
	return form{kind: kind, shape: followed, seen: x.size, text: true}
}

// textRun is how many bytes from the beginning are text, and in which encoding ("" for none at all).
func textRun(b []byte, inside bool) (n int, kind string) {
	switch {
	case !inside && (bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff"))):
		return wideRun(b[2:], b[0] == 0xff) + 2, "text"
	case !inside && len(b) >= 16 && everyOther(b[:16], 1):
		return wideRun(b, true), "text"
	case !inside && len(b) >= 16 && everyOther(b[:16], 0):
		return wideRun(b, false), "text"
	}
	odd := 0
	for n < len(b) {
		c := b[n]
		if c < utf8.RuneSelf {
			if c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != 0x1b && c != 0x1a && c != '\v' && c != '\b' && c != 0x0e && c != 0x0f && (c < 0x1c || c > 0x1e) || c == 0x7f {
				if odd++; odd > 1+n/512 || n < 32 { // logs hold a stray control character
					return n, word(n, inside)
				}
			}
			n++
			continue
		}
		r, size := utf8.DecodeRune(b[n:])
		if r == utf8.RuneError && size == 1 {
			if len(b)-n < utf8.UTFMax || inside && n < utf8.UTFMax {
				n++
				continue
			}
			k := latinRun(b[n:])
			if k == 0 {
				return n, word(n, inside)
			}
			n += k
			continue
		}
		n += size
	}
	return n, "text"
}

func word(n int, inside bool) string {
	if n < 64 && !inside {
		return ""
	}
	return "text"
}

// latinRun takes a few bytes of a single-byte or East Asian encoding among plain ones.
func latinRun(b []byte) int {
	high, n := 0, min(len(b), 64)
	for i, c := range b[:n] {
		if c >= 0x80 {
			high++
			continue
		}
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			if high*2 > i && i > 8 {
				return 0
			}
			return min(i, 1)
		}
		if i >= 8 {
			break
		}
	}
	var h histogram
	h.add(b[:n])
	if h.share(0, 8)+h.share(14, 31)+h.share(127, 127) > .02 {
		return 0
	}
	return 1
}

func everyOther(b []byte, odd int) bool {
	for i := odd; i < len(b); i += 2 {
		if b[i] != 0 || b[i^1] == 0 {
			return false
		}
	}
	return true
}

// wideRun is how many bytes are UTF-16.
func wideRun(b []byte, little bool) int {
	x := exam{}
	order := x.order(little)
	odd := 0
	for i := 0; i+1 < len(b); i += 2 {
		u := order.Uint16(b[i:])
		switch {
		case u < ' ' && u != '\n' && u != '\r' && u != '\t' && u != 0 && u != '\f' && u != '\v':
			odd++
		case utf16.IsSurrogate(rune(u)):
			if i+3 >= len(b) {
				return len(b)
			}
			if utf16.DecodeRune(rune(u), rune(order.Uint16(b[i+2:]))) == utf8.RuneError {
				odd++
			} else {
				i += 2
			}
		case u >= 0xfdd0 && u <= 0xfdef || u >= 0xfffe:
			odd++
		}
		if odd > 1+i/512 {
			return i
		}
	}
	return len(b)
}
