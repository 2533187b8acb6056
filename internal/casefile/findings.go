package casefile

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"wardround/internal/event"
)

// findingWriter writes findings as encode does, byte for byte, and without looking at their types: on evidence that is all
// attack, findings.jsonl is a good part of the work.
type findingWriter struct {
	rules [][]byte // as JSON, by rule; made when first needed
	names []string // of the fields of the finding at hand
	buf   []byte
}

// line is a finding as one line of JSON, valid until the next call. Rule is its index into merged.rules.
func (w *findingWriter) line(f *event.Finding, rule int) ([]byte, error) {
	for len(w.rules) <= rule {
		w.rules = append(w.rules, nil)
	}
	if w.rules[rule] == nil {
		b, err := encode(f.Rule)
		if err != nil {
			return nil, err
		}
		w.rules[rule] = bytes.TrimSuffix(b, []byte("\n"))
	}
	b := appendValue(append(w.buf[:0], `{"id":`...), f.ID)
	b = appendTime(append(b, `,"time":`...), f.Time)
	b = appendTime(append(b, `,"corrected":`...), f.Corrected)
	b = appendValue(append(b, `,"server":`...), string(f.Server))
	b = appendValue(append(b, `,"class":`...), string(f.Class))
	b = append(append(b, `,"rule":`...), w.rules[rule]...)
	b = append(b, `,"at":[`...)
	for i := range f.At {
		p := &f.At[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = appendValue(append(b, `{"collection":`...), p.Collection)
		b = appendValue(append(b, `,"artifact":`...), p.Artifact)
		b = appendValue(append(b, `,"path":`...), p.Path)
		b = strconv.AppendUint(append(b, `,"record":`...), p.Record, 10)
		b = strconv.AppendInt(append(b, `,"offset":`...), p.Offset, 10)
		b = append(b, '}')
	}
	b = append(b, `],"fields":{`...)
	w.names = slices.AppendSeq(w.names[:0], maps.Keys(f.Fields))
	slices.Sort(w.names)
	for i, name := range w.names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, name), ':')
		b = appendValue(b, f.Fields[name])
	}
	w.buf = append(b, "}}\n"...)
	return w.buf, nil
}

// appendValue writes a text; the empty one is not known.
func appendValue(b []byte, s string) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	return appendText(b, s)
}

func appendTime(b []byte, t event.Time) []byte {
	if t == event.NoTime {
		return append(b, "null"...)
	}
	return append(t.Std().AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
}

// appendText writes a JSON string with the escapes of encoding/json, those for HTML left out.
func appendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0 // of what is not written yet
	for i := 0; i < len(s); {
		for i+8 <= len(s) && plainEight(s[i:i+8]) {
			i += 8
		}
		if i == len(s) {
			break
		}
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			switch {
			case r == utf8.RuneError && n == 1:
				b = append(append(b, s[from:i]...), `\ufffd`...)
			case r == '\u2028' || r == '\u2029':
				b = append(append(append(b, s[from:i]...), `\u202`...), hex[r&15])
			default:
				i += n
				continue
			}
			i += n
			from = i
			continue
		}
		b = append(b, s[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, `\b`...)
		case '\f':
			b = append(b, `\f`...)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		from = i
	}
	return append(append(b, s[from:]...), '"')
}

// plainEight reports that of the first eight bytes of s none needs an escape or a closer look: none is below a space, beyond ASCII, a
// quote or a backslash. The sums carry no byte's bit into the next as long as no high bit is set, and then the answer is no.
func plainEight(s string) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	_ = s[7]
	x := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	if x&high != 0 {
		return false
	}
	differs := func(c uint64) uint64 { return (x ^ c*ones) + 0x7f*ones } // the high bit of each byte that is not c
	return (x+(0x80-' ')*ones)&differs('"')&differs('\\')&high == high
}
