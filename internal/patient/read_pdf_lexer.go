package patient

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// pdfLexer reads values of PDF: numbers as float64, names, strings, arrays, dictionaries, references, and words.
type pdfLexer struct {
	b  []byte
	at int
}

func (l *pdfLexer) end() bool { return l.at >= len(l.b) }

func pdfSpace(c byte) bool { return c <= ' ' }

func pdfDelimiter(c byte) bool { return c <= ' ' || bytes.IndexByte([]byte("()<>[]{}/%"), c) >= 0 }

// value reads the next value; nil at the end, and for null and what is closed too often.
func (l *pdfLexer) value(depth int) any {
	l.space()
	if l.end() {
		return nil
	}
	switch c := l.b[l.at]; {
	case c == '/':
		l.at++
		return pdfName(l.word())
	case c == '(':
		return l.literal()
	case c == '<' && l.at+1 < len(l.b) && l.b[l.at+1] == '<':
		l.at += 2
		return l.dict(depth)
	case c == '<':
		return l.hex()
	case c == '[':
		l.at++
		return l.array(depth)
	case pdfDelimiter(c):
		l.at++
		return nil
	}
	w := l.word()
	f, err := strconv.ParseFloat(w, 64)
	if err != nil {
		if w == "null" {
			return nil
		}
		return pdfWord(w)
	}
	// "12 0 R"
	if save := l.at; f >= 0 && f == float64(int(f)) && f < 1<<31 {
		l.space()
		if g := l.word(); len(g) > 0 && len(g) < 6 && g[0] >= '0' && g[0] <= '9' {
			l.space()
			if l.at < len(l.b) && l.b[l.at] == 'R' && (l.at+1 == len(l.b) || pdfDelimiter(l.b[l.at+1])) {
				l.at++
				return pdfRef(int(f))
			}
		}
		l.at = save
	}
	return f
}

func (l *pdfLexer) space() {
	for l.at < len(l.b) {
		switch c := l.b[l.at]; {
		case c == '%':
			for l.at < len(l.b) && l.b[l.at] != '\n' && l.b[l.at] != '\r' {
				l.at++
			}
		case pdfSpace(c):
			l.at++
		default:
			return
		}
	}
}

func (l *pdfLexer) word() string {
	from := l.at
	for l.at < len(l.b) && !pdfDelimiter(l.b[l.at]) && l.at-from < 128 {
		l.at++
	}
	return string(l.b[from:l.at])
}

func (l *pdfLexer) array(depth int) any {
	out := []any{}
	for {
		l.space()
		if l.end() {
			return out
		}
		if l.b[l.at] == ']' {
			l.at++
			return out
		}
		if depth >= maxPDFDepth {
			l.at++
			continue
		}
		if v := l.value(depth + 1); v != nil && len(out) < 100_000 {
			out = append(out, v)
		}
	}
}

func (l *pdfLexer) dict(depth int) any {
	out := pdfDict{}
	for {
		l.space()
		switch {
		case l.end():
			return out
		case bytes.HasPrefix(l.b[l.at:], []byte(">>")):
			l.at += 2
			return out
		case l.b[l.at] != '/' || depth >= maxPDFDepth:
			l.at++
			continue
		}
		l.at++
		key := l.word()
		l.space()
		if bytes.HasPrefix(l.b[l.at:], []byte(">>")) {
			continue
		}
		if v := l.value(depth + 1); len(out) < 5000 {
			out[key] = v
		}
	}
}

// literal reads a string in parentheses.
func (l *pdfLexer) literal() any {
	out := pdfString{}
	depth := 0
	for ; l.at < len(l.b); l.at++ {
		c := l.b[l.at]
		switch c {
		case '(':
			if depth++; depth == 1 {
				continue
			}
		case ')':
			if depth--; depth == 0 {
				l.at++
				return out
			}
		case '\\':
			l.at++
			if l.end() {
				return out
			}
			switch c = l.b[l.at]; {
			case c == 'n' || c == 'r' || c == 't':
				c = ' '
			case c == '\n' || c == '\r':
				continue
			case c >= '0' && c <= '7':
				n := 0
				for i := 0; i < 3 && l.at < len(l.b) && l.b[l.at] >= '0' && l.b[l.at] <= '7'; i++ {
					n = n*8 + int(l.b[l.at]-'0')
					l.at++
				}
				l.at--
				c = byte(n)
			}
		}
		out = append(out, c)
	}
	return out
}

func (l *pdfLexer) hex() any {
	l.at++
	out := pdfString{}
	half, have := byte(0), false
	for ; l.at < len(l.b); l.at++ {
		c := l.b[l.at]
		switch {
		case c == '>':
			l.at++
			if have {
				out = append(out, half<<4)
			}
			return out
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			continue
		}
		if have {
			out = append(out, half<<4|c)
		}
		half, have = c, !have
	}
	return out
}

// cmap tells which letters the codes of a font are (ISO 32000, 9.10.3).
type cmap struct {
	width int // bytes of a code
	chars map[int]string
}

const maxCMap = 70_000

func (m *cmap) parse(b []byte) {
	m.chars = map[int]string{}
	l := pdfLexer{b: b}
	var args []any
	for !l.end() {
		v := l.value(0)
		w, ok := v.(pdfWord)
		if !ok {
			if v != nil && len(args) < 3*maxCMap {
				args = append(args, v)
			}
			continue
		}
		switch w {
		case "endcodespacerange":
			if s, ok := last(args).(pdfString); ok && len(s) > 0 && len(s) <= 2 {
				m.width = len(s)
			}
		case "endbfchar":
			for i := 0; i+1 < len(args) && len(m.chars) < maxCMap; i += 2 {
				if to, ok := args[i+1].(pdfString); ok {
					m.chars[code(args[i])] = unicodeText(to)
				}
			}
		case "endbfrange":
			for i := 0; i+2 < len(args); i += 3 {
				m.addRange(code(args[i]), code(args[i+1]), args[i+2])
			}
		}
		args = args[:0]
	}
}

func last(args []any) any {
	if len(args) == 0 {
		return nil
	}
	return args[len(args)-1]
}

func code(v any) int {
	s, _ := v.(pdfString)
	n := 0
	for _, c := range s[:min(len(s), 2)] {
		n = n<<8 | int(c)
	}
	return n
}

func (m *cmap) addRange(from, to int, v any) {
	switch v := v.(type) {
	case pdfString:
		r, _ := utf8.DecodeRuneInString(unicodeText(v))
		for c := from; c <= to && len(m.chars) < maxCMap; c++ {
			m.chars[c] = string(r + rune(c-from))
		}
	case []any:
		for i, x := range v {
			if s, ok := x.(pdfString); ok && from+i <= to && len(m.chars) < maxCMap {
				m.chars[from+i] = unicodeText(s)
			}
		}
	}
}

func unicodeText(s pdfString) string {
	u := make([]uint16, len(s)/2)
	for i := range u {
		u[i] = uint16(s[2*i])<<8 | uint16(s[2*i+1])
	}
	return string(utf16.Decode(u[:min(len(u), 16)]))
}

// text adds the letters of a string.
func (m *cmap) text(out []byte, s pdfString) []byte {
	for i := 0; i+m.width <= len(s); i += m.width {
		c := int(s[i])
		if m.width == 2 {
			c = c<<8 | int(s[i+1])
		}
		out = m.letter(out, c)
	}
	return out
}

func (m *cmap) letter(out []byte, c int) []byte {
	if t, ok := m.chars[c]; ok {
		return append(out, t...)
	}
	if m.width == 1 && c >= 0x20 {
		return utf8.AppendRune(out, rune(c))
	}
	return out
}
