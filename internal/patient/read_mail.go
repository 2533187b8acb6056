package patient

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"io"
	"mime/quotedprintable"
	"strings"
)

// isMail tells messages of mail (RFC 5322, MIME) and mailboxes of them: the beginning is a header, and MIME is named in it.
func isMail(head []byte, _ string) bool {
	head = head[:min(len(head), 16<<10)]
	line, _, _ := bytes.Cut(head, []byte("\n"))
	name, _, ok := bytes.Cut(line, []byte(":"))
	if !(ok && len(name) > 1 && bytes.IndexAny(name, " \t<{[\"'=/") < 0 || has(line, "From ")) {
		return false
	}
	lower := bytes.ToLower(head)
	return bytes.Contains(lower, []byte("from")) && bytes.Contains(lower, []byte("\ncontent-type:")) && (has(lower, "mime-version:") || bytes.Contains(lower, []byte("\nmime-version:")))
}

// readMail reads the texts of messages as text, and examines each coded part as a file of its own: attachments are where the registers are.
func readMail(w *worker, c *content, t *tally) {
	m := &mail{w: w, c: c, t: t, s: newScanner(t, &w.run.o)}
	for {
		line, err := c.r.ReadSlice('\n')
		if len(line) == 0 && err != nil {
			break
		}
		m.line(line)
	}
	m.s.end()
}

// mail is a message, or many after one another, line by line. Where headers begin is not believed: a coded part begins behind any empty line before which
// a line said so.
type mail struct {
	w      *worker
	c      *content
	t      *tally
	s      *scanner
	coding string // of the part whose header is read
	name   string // of its file
}

func (m *mail) line(line []byte) {
	text := bytes.TrimRight(line, "\r\n")
	switch lower := bytes.ToLower(text); {
	case len(text) == 0 && m.coding != "":
		m.part()
		m.coding, m.name = "", ""
		return
	case has(text, "--"):
		m.coding, m.name = "", ""
	case has(lower, "content-transfer-encoding:"):
		if m.coding = string(bytes.TrimSpace(lower[26:])); m.coding != "base64" && m.coding != "quoted-printable" {
			m.coding = ""
		}
	case bytes.Contains(lower, []byte("name=")) && len(text) < 1000:
		if n := strings.Trim(string(text[bytes.Index(lower, []byte("name="))+5:]), `" ;`); m.name == "" && n != "" {
			m.name, _, _ = strings.Cut(n, `"`)
		}
	case m.name == "" && has(lower, "content-type: text/html"):
		m.name = "part.html"
	}
	m.s.line(text)
}

// part examines what is coded up to the boundary behind it.
func (m *mail) part() {
	lines := &partLines{r: m.c.r}
	var r io.Reader = base64.NewDecoder(base64.StdEncoding, lines)
	if m.coding == "quoted-printable" {
		r = quotedprintable.NewReader(lines)
	}
	w, name := m.w, m.name
	if name == "" {
		name = "part.txt"
	}
	path := m.c.path + "!/" + cleanName(name)
	switch {
	case m.c.depth >= w.budget.limits.Depth:
		w.run.problem(path, "archives lie too deep in one another")
	case !w.budget.entry():
		w.run.problem(path, errLimit.Error())
	default:
		inner := newContent(path, &unpacking{r, &w.budget}, nil, 0, w.ctx)
		w.examine(inner, m.c.depth+1)
		if inner.fail != nil {
			w.broken(path, inner.fail)
		}
	}
	io.Copy(io.Discard, lines)
}

// partLines gives the lines of a part, up to a boundary or a new message.
type partLines struct {
	r    *bufio.Reader
	left []byte
	end  bool
}

func (p *partLines) Read(b []byte) (int, error) {
	for len(p.left) == 0 {
		if head, _ := p.r.Peek(5); p.end || has(head, "--") || string(head) == "From " {
			p.end = true
			return 0, io.EOF
		}
		line, err := p.r.ReadSlice('\n')
		if len(line) == 0 && err != nil {
			p.end = true
			return 0, io.EOF
		}
		p.left = append(p.left[:0], line...)
	}
	n := copy(b, p.left)
	p.left = p.left[n:]
	return n, nil
}
