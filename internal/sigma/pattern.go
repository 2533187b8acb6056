package sigma

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// literal is the pattern of a text without wildcards.
func literal(s string) Pattern {
	if s == "" {
		return nil
	}
	return Pattern{{Text: s}}
}

// parsePattern reads a value as the specification's section "Escape Character" has it: * and ? are wildcards; a
// backslash before one of them or before another backslash makes it plain; any other backslash stands for itself.
func parsePattern(s string) Pattern {
	var p Pattern
	from := 0 // of the text that is not in p yet
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && strings.IndexByte(`*?\`, s[i+1]) >= 0:
			p.add(Part{Text: s[from:i]})
			from = i + 1
			i++
		case c == '*', c == '?':
			wild := Many
			if c == '?' {
				wild = One
			}
			p.add(Part{Text: s[from:i]}, Part{Wild: wild})
			from = i + 1
		}
	}
	p.add(Part{Text: s[from:]})
	return p
}

// add appends parts and keeps the pattern in its normal form.
func (p *Pattern) add(parts ...Part) {
	for _, part := range parts {
		last := len(*p) - 1
		switch {
		case part.Wild == None && part.Text == "":
		case last >= 0 && part.Wild == None && (*p)[last].Wild == None:
			(*p)[last].Text += part.Text
		case last >= 0 && part.Wild == Many && (*p)[last].Wild == Many:
		default:
			*p = append(*p, part)
		}
	}
}

// join puts patterns behind one another.
func join(patterns ...Pattern) Pattern {
	var out Pattern
	for _, p := range patterns {
		out.add(p...)
	}
	return out
}

// around lets the pattern begin, end, or both with any run of characters.
func (p Pattern) around(before, after bool) Pattern {
	out := make(Pattern, 0, len(p)+2)
	if before {
		out = append(out, Part{Wild: Many})
	}
	out.add(p...)
	if after {
		out.add(Part{Wild: Many})
	}
	return out
}

// plain is the text of a pattern without wildcards.
func (p Pattern) plain() (string, bool) {
	if len(p) == 0 {
		return "", true
	}
	return p[0].Text, len(p) == 1 && p[0].Wild == None
}

// regexp is the pattern as a regular expression that matches the same, not anchored.
func (p Pattern) regexp() string {
	var b strings.Builder
	for _, part := range p {
		switch part.Wild {
		case Many:
			b.WriteString(`(?s:.*)`)
		case One:
			b.WriteString(`(?s:.)`)
		default:
			b.WriteString(regexp.QuoteMeta(part.Text))
		}
	}
	return b.String()
}

// encode replaces every text by its UTF-16 form; the bytes are no longer UTF-8 if a character was not ASCII.
func (p Pattern) encode(bigEndian bool) Pattern {
	out := slices.Clone(p)
	for i, part := range out {
		var b strings.Builder
		for _, u := range utf16.Encode([]rune(part.Text)) {
			if bigEndian {
				u = u<<8 | u>>8
			}
			b.WriteByte(byte(u))
			b.WriteByte(byte(u >> 8))
		}
		out[i].Text = b.String()
	}
	return out
}

const (
	markUTF16 = "\xff\xfe" // byte order mark of UTF-16LE
	markUTF8  = "\ufeff"
)

// text turns an encoded pattern back into one that records can match: the byte order mark becomes the character that
// it is. It fails on bytes that are not UTF-8, which no text of a record holds.
func (p Pattern) text() (Pattern, bool) {
	for i, part := range p {
		if rest, ok := strings.CutPrefix(part.Text, markUTF16); ok {
			p = slices.Clone(p)
			p[i].Text = markUTF8 + rest
		}
		if !utf8.ValidString(p[i].Text) {
			return nil, false
		}
	}
	return p, true
}

// offsets are the forms that s takes inside a Base64 text: one for each position in a group of three bytes, without
// the characters at either end that neighbouring bytes have a part in.
func offsets(s string) [3]string {
	var out [3]string
	for i := range out {
		whole := base64.StdEncoding.EncodeToString(append(make([]byte, i), s...))
		from := [3]int{0, 2, 3}[i]
		to := len(whole) - [3]int{0, 3, 2}[(i+len(s))%3]
		out[i] = whole[min(from, to):to]
	}
	return out
}

// dashes are the characters that Windows programs take for one another before an option.
var dashes = []rune{'-', '/', '–', '—', '―'}

// maxDashes is how many dashes of a value windash exchanges: more would unfold into over 125 values.
const maxDashes = 3

// exchange returns the pattern with every dash that begins a word replaced by each of dashes, in all combinations.
// It fails if there are more than maxDashes of them.
func (p Pattern) exchange() ([]Pattern, bool) {
	out, found := []Pattern{nil}, 0
	for _, part := range p {
		from, before := 0, ' '
		for i := 0; i < len(part.Text); {
			r, size := utf8.DecodeRuneInString(part.Text[i:])
			next, _ := utf8.DecodeRuneInString(part.Text[i+size:])
			if slices.Contains(dashes, r) && !wordRune(before) && wordRune(next) {
				if found++; found > maxDashes {
					return nil, false
				}
				out = multiply(out, part.Text[from:i])
				from = i + size
			}
			before = r
			i += size
		}
		part.Text = part.Text[from:]
		for i := range out {
			out[i].add(part)
		}
	}
	return out, true
}

// multiply appends text and each of the dashes to every pattern.
func multiply(patterns []Pattern, text string) []Pattern {
	out := make([]Pattern, 0, len(patterns)*len(dashes))
	for _, p := range patterns {
		for _, d := range dashes {
			out = append(out, join(p, literal(text+string(d))))
		}
	}
	return out
}

func wordRune(r rune) bool {
	return r == '_' || r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsNumber(r))
}
