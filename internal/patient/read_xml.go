package patient

import (
	"bufio"
	"bytes"
	"html"
	"strings"
)

func isMarkup(start []byte) bool {
	if len(start) < 4 || start[0] != '<' {
		return false
	}
	c := start[1]
	return c == '?' || c == '!' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// readXML reads XML (FHIR, CDA, exports of programs) as a tree, and HTML as text.
func readXML(w *worker, c *content, t *tally) {
	head, _ := c.r.Peek(headBytes)
	plain := plainHead(head)
	lower := bytes.ToLower(plain[:min(len(plain), 2048)])
	switch {
	case isHTML(lower):
		readHTML(w, c, t)
		return
	case bytes.Contains(lower, []byte("urn:schemas-microsoft-com:office:spreadsheet")): // a workbook as XML, of Excel 2003 and of many programs
		t.format = "xls"
		d := newDocument(t, &w.run.o, "Table", "Row", "Cell", "p")
		d.name = tableName(c.path)
		readMarkup(c.plain(), d)
		d.end()
		return
	}
	x := &xmlTree{to: newTree(t, &w.run.o)}
	readMarkup(c.plain(), x)
	for x.deep = 0; len(x.open) > 0; {
		x.stop(x.open[len(x.open)-1].name)
	}
}

// elements takes what readMarkup reads. Names go by their local part; attributes are valid until start returns.
type elements interface {
	start(name string, attributes []field)
	text(s string)
	stop(name string)
}

// markup reads tags and text. It is no validating reader: what is not well formed is taken as it comes, external entities do not exist, and
// tags and text longer than a bound are cut.
type markup struct {
	r     *bufio.Reader
	to    elements
	data  []byte
	body  []byte
	attrs []field
}

const maxTag = 16 << 10

func readMarkup(r *bufio.Reader, to elements) {
	m := markup{r: r, to: to}
	for {
		m.data = m.data[:0]
		more := m.until('<', &m.data, maxValue)
		m.chars(m.data)
		if !more || !m.tag() {
			return
		}
	}
}

// until reads up to a byte, of which it keeps so much; false at the end.
func (m *markup) until(end byte, keep *[]byte, limit int) bool {
	for {
		b, err := m.r.ReadSlice(end)
		piece := b
		if err == nil {
			piece = b[:len(b)-1]
		}
		if room := limit - len(*keep); room > 0 {
			*keep = append(*keep, piece[:min(len(piece), room)]...)
		}
		if err == nil {
			return true
		}
		if err != bufio.ErrBufferFull {
			return false
		}
	}
}

func (m *markup) chars(b []byte) {
	if len(bytes.TrimSpace(b)) > 0 {
		m.to.text(html.UnescapeString(string(b)))
	}
}

// tag reads a tag whose "<" is read; false at the end.
func (m *markup) tag() bool {
	first, err := m.r.ReadByte()
	if err != nil {
		return false
	}
	if first == '!' {
		if next, _ := m.r.Peek(7); has(next, "[CDATA[") {
			m.r.Discard(7)
			return m.section("]]>", true)
		} else if has(next, "--") {
			m.r.Discard(2)
			return m.section("-->", false)
		}
	}
	m.body = append(m.body[:0], first)
	for {
		if !m.until('>', &m.body, maxTag) {
			return false
		}
		// A ">" inside quotes does not end the tag.
		if bytes.Count(m.body, []byte(`"`))%2 == 0 || len(m.body) >= maxTag || first == '!' {
			break
		}
		m.body = append(m.body, '>')
	}
	switch first {
	case '?', '!', '>':
	case '/':
		m.to.stop(local(string(bytes.TrimSpace(m.body[1:]))))
	default:
		m.start(m.body)
	}
	return true
}

// section reads a comment or CDATA up to its end.
func (m *markup) section(end string, keep bool) bool {
	m.data = m.data[:0]
	for !bytes.HasSuffix(m.data, []byte(end)) {
		c, err := m.r.ReadByte()
		if err != nil {
			return false
		}
		if m.data = append(m.data, c); len(m.data) > 2*maxValue {
			m.data = append(m.data[:maxValue], m.data[len(m.data)-2:]...)
		}
	}
	if keep {
		m.chars(m.data[:min(len(m.data)-3, maxValue)])
	}
	return true
}

func local(name string) string { return name[strings.LastIndexByte(name, ':')+1:] }

func (m *markup) start(body []byte) {
	closed := body[len(body)-1] == '/'
	if closed {
		body = body[:len(body)-1]
	}
	name, rest := body, []byte(nil)
	if i := bytes.IndexAny(body, " \t\r\n"); i >= 0 {
		name, rest = body[:i], body[i:]
	}
	m.attributes(rest)
	short := local(string(name))
	m.to.start(short, m.attrs)
	if closed {
		m.to.stop(short)
	}
}

const maxAttributes = 16

// attributes reads the attributes of a tag. A declaration of a name space comes as the name xmlns.
func (m *markup) attributes(b []byte) {
	for m.attrs = m.attrs[:0]; len(m.attrs) < maxAttributes; {
		name, rest, ok := bytes.Cut(b, []byte("="))
		rest = bytes.TrimLeft(rest, " \t\r\n")
		if !ok || len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
			return
		}
		end := bytes.IndexByte(rest[1:], rest[0])
		if end < 0 {
			return
		}
		value := string(rest[1 : 1+min(end, maxValue)])
		b = rest[end+2:]
		full := string(bytes.TrimSpace(name))
		short := local(full)
		if strings.HasPrefix(full, "xmlns") {
			short = "xmlns"
		}
		m.attrs = append(m.attrs, field{"", short, html.UnescapeString(value)})
	}
}

// xmlTree hands elements to a tree: those that hold others, or several attributes, as objects; others as values.
type xmlTree struct {
	to   *tree
	open []element
	deep int
}

type element struct {
	name     string
	children bool
	value    string
	attrs    []field
}

func (x *xmlTree) start(name string, attributes []field) {
	if x.deep > 0 || len(x.open) >= 4*maxDepth {
		x.deep++
		return
	}
	if n := len(x.open); n > 0 && !x.open[n-1].children {
		x.open[n-1].children = true
		x.begin(&x.open[n-1])
	}
	e := element{name: name}
	for _, a := range attributes {
		if a.name == "xmlns" {
			if a.value == "http://hl7.org/fhir" {
				x.to.fhir, x.to.t.format = true, "fhir xml"
			}
		} else {
			e.attrs = append(e.attrs, a)
		}
	}
	if name == "ClinicalDocument" {
		x.to.cda, x.to.t.format = true, "cda"
	}
	x.open = append(x.open, e)
}

// begin makes an object of an element.
func (x *xmlTree) begin(e *element) {
	x.to.open(e.name)
	for _, a := range e.attrs {
		x.to.value(a.name, a.value)
	}
}

func (x *xmlTree) text(s string) {
	if n := len(x.open); n > 0 && x.deep == 0 && x.open[n-1].value == "" {
		x.open[n-1].value = strings.TrimSpace(s)
	}
}

func (x *xmlTree) stop(string) {
	if x.deep > 0 {
		x.deep--
		return
	}
	n := len(x.open)
	if n == 0 {
		return
	}
	e := &x.open[n-1]
	x.open = x.open[:n-1]
	switch {
	case e.children:
		x.to.close()
	case len(e.attrs) == 0:
		x.to.value(e.name, e.value)
	case len(e.attrs) == 1 && e.attrs[0].name == "value":
		x.to.value(e.name, e.attrs[0].value)
	default:
		x.begin(e)
		x.to.value("", e.value)
		x.to.close()
	}
}
