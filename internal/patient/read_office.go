package patient

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"unicode/utf8"
)

func isOLE(head []byte, path string) bool {
	return has(head, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") && suffix(path, ".doc", ".xls", ".msg", ".ppt", ".dot", ".xlt", ".wps", "content") || has(head, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") && !suffix(path, ".msi", ".db", ".suo")
}

// readOLE reads documents of Office 97 to 2003 and Outlook's messages: workbooks by their cells, all else, and a workbook
// whose tables of sectors are damaged, by the text that lies in it.
func readOLE(w *worker, c *content, t *tally) {
	at, size, err := c.random()
	if err != nil {
		readLoose(w, c.r, t)
		return
	}
	if o, err := openOLE(at, size); err == nil {
		for _, name := range []string{"Workbook", "Book"} {
			if r := o.open(name); r != nil {
				readWorkbook(w, &watched{r, c, w.ctx}, c.path, t)
				return
			}
		}
		if o.open("EncryptedPackage") != nil {
			t.note("an encrypted document")
			return
		}
	}
	readLoose(w, bufio.NewReaderSize(&watched{io.NewSectionReader(at, 0, size), c, w.ctx}, headBytes), t)
}

// readLoose reads the runs of text that lie in a document, in one byte or two a letter. Its tables are not understood: what stands behind a
// label or a word is found, what stands in columns is not.
func readLoose(w *worker, r *bufio.Reader, t *tally) {
	s := newScanner(t, &w.run.o)
	var one, two []byte
	flush := func(b *[]byte) {
		if len(*b) >= 4 {
			eachLine(newReader(*b), s.line)
		}
		*b = (*b)[:0]
	}
	odd := false
	var last byte
	for {
		b, err := r.ReadByte()
		if err != nil {
			break
		}
		if printable(b) {
			if one = append(one, b); len(one) > maxLine {
				flush(&one)
			}
		} else {
			flush(&one)
		}
		// Two bytes a letter, at even places.
		if odd = !odd; odd {
			last = b
			continue
		}
		r := rune(last) | rune(b)<<8
		if b == 0 && printable(last) || r >= 0x900 && r < 0xd80 {
			if two = utf8.AppendRune(two, r); len(two) > maxLine {
				flush(&two)
			}
		} else {
			flush(&two)
		}
	}
	flush(&one)
	flush(&two)
	s.end()
	if t.level > none {
		t.sure(low, "a document of an old format: found in its text, tables were not understood")
	}
}

func printable(c byte) bool { return c >= 0x20 && c < 0x7f || c == '\t' || c == '\r' || c == '\n' }

func newReader(b []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(b)) }

func isRTF(head []byte, _ string) bool { return has(head, `{\rtf`) }

// readRTF reads the text of a rich text document: control words out, paragraphs and cells as lines and tabs.
func readRTF(w *worker, c *content, t *tally) {
	s := newScanner(t, &w.run.o)
	var line []byte
	end := func() {
		if len(line) > 0 {
			s.line(line)
			line = line[:0]
		}
	}
	for {
		b, err := c.r.ReadByte()
		if err != nil {
			break
		}
		switch {
		case b == '\\':
			switch word := rtfWord(c.r); word {
			case "par", "line", "row", "sect", "page":
				end()
			case "cell", "tab":
				line = append(line, '\t')
			}
		case b == '{' || b == '}' || b == '\r' || b == '\n':
		default:
			if line = append(line, b); len(line) > maxLine {
				end()
			}
		}
	}
	end()
	s.end()
}

// rtfWord reads a control word with its number and the space behind it.
func rtfWord(r io.ByteScanner) string {
	var word strings.Builder
	for {
		b, err := r.ReadByte()
		if err != nil {
			return word.String()
		}
		switch {
		case b|0x20 >= 'a' && b|0x20 <= 'z' && word.Len() < 32:
			word.WriteByte(b)
		case b >= '0' && b <= '9' || b == '-':
		case b == ' ':
			return word.String()
		default:
			if word.Len() > 0 {
				r.UnreadByte()
			}
			return word.String()
		}
	}
}
