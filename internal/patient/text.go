package patient

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// The formats of text. They have no signature, and so they are told by the look of their beginning.
var (
	textHL7  = &format{"hl7", nil, readText}
	textJSON = &format{"json", nil, readJSON}
	textXML  = &format{"xml", nil, readXML}
	textSQL  = &format{"sql dump", nil, readSQL}
	textCSV  = &format{"csv", nil, readCSV}
	textAny  = &format{"text", nil, readText}
)

// textFormat tells a format of text; nil if the content is no text.
func textFormat(head []byte, path string) *format {
	text := plainHead(head)
	if text == nil {
		return nil
	}
	start := bytes.TrimLeft(text, " \t\r\n\x0b")
	switch {
	case isHL7(start):
		return textHL7
	case isMail(start, path):
		return &format{"mail", nil, readMail}
	case len(start) == 0:
		return textAny
	case start[0] == '{', start[0] == '[' && !suffix(path, ".ini", ".conf", ".cfg", ".log", ".desktop", ".service"):
		return textJSON
	case isMarkup(start):
		return textXML
	case suffix(path, ".sql"), isSQL(start):
		return textSQL
	case looksCSV(start, path):
		return textCSV
	}
	return textAny
}

// plainHead is the beginning of a text in UTF-8 or a code page of one byte, nil if it is no text.
func plainHead(head []byte) []byte {
	if order := utf16Order(head); order != nil {
		out := make([]byte, 0, len(head))
		for i := 0; i+1 < len(head); i += 2 {
			if u := order.Uint16(head[i:]); u != 0xfeff {
				out = utf8.AppendRune(out, rune(u))
			}
		}
		return out
	}
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	control := 0
	for _, c := range head {
		if c == 0 {
			return nil
		}
		if c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != 0x0b && c != 0x1b && c != 0x1c {
			control++
		}
	}
	if control*50 > len(head) {
		return nil
	}
	return head
}

// utf16Order tells UTF-16 by its mark, or by zeros in every second byte; nil if the text is not UTF-16.
func utf16Order(head []byte) binary.ByteOrder {
	switch {
	case has(head, "\xff\xfe"):
		return binary.LittleEndian
	case has(head, "\xfe\xff"):
		return binary.BigEndian
	}
	n := min(len(head), 512) &^ 1
	if n < 8 {
		return nil
	}
	var zero [2]int
	for i := range n {
		switch c := head[i]; {
		case c == 0:
			zero[i&1]++
		case c < 0x20 && c != '\t' && c != '\n' && c != '\r':
			return nil
		}
	}
	switch {
	case zero[0] == 0 && zero[1]*10 > n/2*7:
		return binary.LittleEndian
	case zero[1] == 0 && zero[0]*10 > n/2*7:
		return binary.BigEndian
	}
	return nil
}

// plain is the text of a content in UTF-8, or in a code page of one byte as it is.
func (c *content) plain() *bufio.Reader {
	head, _ := c.r.Peek(headBytes)
	if order := utf16Order(head); order != nil {
		return bufio.NewReaderSize(&fromUTF16{r: c.r, order: order}, headBytes)
	}
	if has(head, "\xef\xbb\xbf") {
		c.r.Discard(3)
	}
	return c.r
}

// fromUTF16 turns UTF-16 into UTF-8.
type fromUTF16 struct {
	r     *bufio.Reader
	order binary.ByteOrder
	out   []byte
	half  rune // first of a surrogate pair
}

func (f *fromUTF16) Read(p []byte) (int, error) {
	var unit [2]byte
	for len(f.out) < len(p) {
		if _, err := io.ReadFull(f.r, unit[:]); err != nil {
			if len(f.out) > 0 {
				break
			}
			return 0, io.EOF
		}
		u := rune(f.order.Uint16(unit[:]))
		switch {
		case u == 0xfeff:
		case u >= 0xd800 && u < 0xdc00:
			f.half = u
		case u >= 0xdc00 && u < 0xe000:
			f.out = utf8.AppendRune(f.out, utf16.DecodeRune(f.half, u))
		default:
			f.out = utf8.AppendRune(f.out, u)
		}
	}
	n := copy(p, f.out)
	f.out = append(f.out[:0], f.out[n:]...)
	return n, nil
}

// maxLine is the longest piece of a text that is looked at as one: longer lines come in pieces.
const maxLine = 32 << 10

// eachLine hands over the lines of a text, ended by CR, LF or both. They are valid until the next.
func eachLine(r *bufio.Reader, take func([]byte)) {
	for {
		line, err := r.ReadSlice('\n')
		for len(line) > 0 {
			n, cut := bytes.IndexByte(line, '\r'), 1
			if n < 0 {
				n, cut = len(line), 0
			}
			if n > maxLine {
				n, cut = maxLine, 0
			}
			take(bytes.TrimRight(line[:n], "\n\x1c"))
			line = line[n+cut:]
		}
		if err != nil && err != bufio.ErrBufferFull {
			return
		}
	}
}

func readText(w *worker, c *content, t *tally) {
	s := newScanner(t, &w.run.o)
	eachLine(c.plain(), s.line)
	s.end()
}
