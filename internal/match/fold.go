package match

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"

	"wardround/internal/event"
)

// fold appends the text of a value in lower case, as UTF-8: what every comparison that ignores case works on. Runes are
// lowered one by one by Unicode's simple mapping, on both sides of a comparison.
func fold(dst []byte, v event.Value) []byte {
	switch v.Type {
	case event.UTF16:
		return foldUTF16(dst, v.Raw)
	case event.UTF8:
		return foldUTF8(dst, v.Raw)
	}
	start := len(dst)
	dst = v.AppendText(dst)
	return lowerInPlace(dst, start)
}

// foldString is fold for a pattern's text.
func foldString(s string) string { return string(foldUTF8(nil, []byte(s))) }

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// lower8 lowers eight ASCII bytes at once.
func lower8(x uint64) uint64 {
	geA := x + (0x80-'A')*ones
	gtZ := x + (0x80-'Z'-1)*ones
	return x | (geA&^gtZ&highs)>>2
}

// pack4 drops the zero high bytes of four UTF-16 units below 0x80.
func pack4(x uint64) uint64 {
	x = (x | x>>8) & 0x0000ffff0000ffff
	return (x | x>>16) & 0xffffffff
}

// withoutNULs is a text in UTF-16 without the NULs that some writers end it with.
func withoutNULs(raw []byte) []byte {
	for len(raw) >= 2 && raw[len(raw)-1] == 0 && raw[len(raw)-2] == 0 {
		raw = raw[:len(raw)-2]
	}
	return raw
}

func foldUTF16(dst, raw []byte) []byte {
	raw = withoutNULs(raw)
	n := len(dst)
	dst = grow(dst, len(raw)/2+8)
	out := dst[:cap(dst)]
	for len(raw) >= 16 {
		a, b := binary.LittleEndian.Uint64(raw), binary.LittleEndian.Uint64(raw[8:])
		if (a|b)&0xff80ff80ff80ff80 != 0 {
			break
		}
		binary.LittleEndian.PutUint64(out[n:], lower8(pack4(a)|pack4(b)<<32))
		n += 8
		raw = raw[16:]
	}
	for len(raw) >= 2 {
		if raw[1] != 0 || raw[0] >= utf8.RuneSelf {
			start := n
			return lowerInPlace(event.Value{Type: event.UTF16, Raw: raw}.AppendText(dst[:n]), start)
		}
		out[n] = lowerASCII(raw[0])
		n++
		raw = raw[2:]
	}
	return dst[:n]
}

func foldUTF8(dst, raw []byte) []byte {
	n := len(dst)
	dst = grow(dst, len(raw)+8)
	out := dst[:cap(dst)]
	for len(raw) >= 8 {
		x := binary.LittleEndian.Uint64(raw)
		if x&highs != 0 {
			break
		}
		binary.LittleEndian.PutUint64(out[n:], lower8(x))
		n += 8
		raw = raw[8:]
	}
	for i, c := range raw {
		if c >= utf8.RuneSelf {
			start := n
			return lowerInPlace(append(dst[:n], raw[i:]...), start)
		}
		out[n] = lowerASCII(c)
		n++
	}
	return dst[:n]
}

func lowerASCII(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// lowerInPlace lowers the text from start on.
func lowerInPlace(b []byte, start int) []byte {
	ascii := true
	for i := start; i < len(b); i++ {
		if b[i] >= utf8.RuneSelf {
			ascii = false
			break
		}
		b[i] = lowerASCII(b[i])
	}
	if ascii {
		return b
	}
	text := string(b[start:])
	b = b[:start]
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && n == 1 {
			b = append(b, text[i])
		} else {
			b = utf8.AppendRune(b, unicode.ToLower(r))
		}
		i += n
	}
	return b
}

func grow(b []byte, n int) []byte {
	if cap(b)-len(b) >= n {
		return b
	}
	out := make([]byte, len(b), 2*cap(b)+n)
	copy(out, b)
	return out
}
