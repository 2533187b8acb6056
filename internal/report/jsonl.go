package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// JSONL writes the stream for programs, a message a line, as it comes. Values are raw, not masked. Characters that a
// terminal could obey are written as \u escapes, so that a line shown on one is only text.
func JSONL(w io.Writer) Handler { return &jsonl{w: bufio.NewWriter(w)} }

type jsonl struct{ w *bufio.Writer }

func (j *jsonl) Handle(m *Message) error {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(true)
	if err := e.Encode(m); err != nil {
		return fmt.Errorf("write message: %w", err)
	}
	_, err := j.w.Write(plainJSON(buf.Bytes()))
	return err
}

func (j *jsonl) Close() error { return j.w.Flush() }

// plainJSON spells out what is not printable: in JSON such characters stand only inside strings.
func plainJSON(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		switch {
		case r < utf8.RuneSelf && r != 0x7f || unicode.IsPrint(r):
			out = append(out, b[:size]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		b = b[size:]
	}
	return out
}
