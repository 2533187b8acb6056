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

// Tee is JSONL that also hands each message to a function, as Decode would read it from its line. A message of which there are many is
// handed on as it is where that makes no difference: it may be kept, but not changed.
func Tee(w io.Writer, to func(*Message) error) Handler { return &jsonl{w: bufio.NewWriter(w), to: to} }

type jsonl struct {
	w    *bufio.Writer
	to   func(*Message) error // nil: nobody else
	line bytes.Buffer
}

func (j *jsonl) Handle(m *Message) error {
	j.line.Reset()
	e := json.NewEncoder(&j.line)
	e.SetEscapeHTML(true)
	if err := e.Encode(m); err != nil {
		return fmt.Errorf("write message: %w", err)
	}
	line := plainJSON(j.line.Bytes())
	if _, err := j.w.Write(line); err != nil || j.to == nil {
		return err
	}
	if !m.readsAsItIs(line) {
		var read Message
		if err := json.Unmarshal(line, &read); err != nil {
			return fmt.Errorf("read message: %w", err)
		}
		m = &read
	}
	return j.to(m)
}

// readsAsItIs reports that a message is what Decode would read from its line. Bytes that are not UTF-8 are not, and are written as an
// escape. Messages that come once, and may hold anything, are not looked into.
func (m *Message) readsAsItIs(line []byte) bool {
	return (m.Finding != nil || m.Hits != nil || m.Movement != nil && !m.Movement.Ended || m.Evidence != nil || m.Artifact != nil || m.Unused != nil) && !bytes.Contains(line, []byte(`\ufffd`))
}

func (j *jsonl) Close() error { return j.w.Flush() }

// plainJSON spells out what is not printable: in JSON such characters stand only inside strings.
func plainJSON(b []byte) []byte {
	plain := true
	for _, c := range b {
		if c >= 0x7f {
			plain = false
			break
		}
	}
	if plain {
		return b
	}
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
