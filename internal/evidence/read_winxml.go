package evidence

import (
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"strconv"
	"strings"

	"wardround/internal/event"
)

// winXMLReader reads Windows events exported as XML: by the Event Viewer, wevtutil, Get-WinEvent's ToXml, evtx_dump or
// python-evtx. Elements are those of [MS-EVEN6] and of the event schema; what stands around <Event> does not matter.
var winXMLReader = reader{kind: "windows-xml", is: isWinXML, read: readWinXML}

var (
	eventOpen  = []byte("<Event")
	eventClose = []byte("</Event>")
)

// isWinXML looks for an event with the parts that every event has.
func isWinXML(head []byte, _ string) bool {
	l := newLines(context.Background(), bytes.NewReader(head))
	for l.err == nil && l.n < len(head) {
		l.fill()
	}
	text := bytes.TrimLeft(l.buf[l.at:l.n], " \t\r\n")
	if !bytes.HasPrefix(text, []byte("<")) && !bytes.HasPrefix(text, []byte("Record ")) {
		return false
	}
	i := eventAt(text)
	return i >= 0 && bytes.Contains(text[i:], []byte("<System>")) && bytes.Contains(text[i:], []byte("<EventID"))
}

// eventAt finds the start of an Event element; elements whose names only begin so are passed over. -1 if there is none.
func eventAt(b []byte) int {
	for at := 0; ; {
		i := bytes.Index(b[at:], eventOpen)
		if i < 0 {
			return -1
		}
		at += i
		if end := at + len(eventOpen); end < len(b) && (b[end] <= ' ' || b[end] == '>') {
			return at
		}
		at++
	}
}

// winXML turns the events of one artifact into records.
type winXML struct {
	out     *output
	schemas *winSchemas
	rec     event.Record
	hosts   interned
	names   []string
	values  []string
	role    [winRoles]string
	count   uint64
}

func readWinXML(ctx context.Context, in *input, out *output) error {
	w := &winXML{out: out, schemas: newWinSchemas()}
	l := newLines(ctx, in.Stream)
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		b := l.buf[l.at:l.n]
		start := eventAt(b)
		if start < 0 && len(b) > len(eventOpen) {
			l.skip(len(b) - len(eventOpen))
		} else if start >= 0 {
			l.skip(start)
			if end := bytes.Index(l.buf[l.at:l.n], eventClose); end >= 0 {
				w.event(l, l.buf[l.at:l.at+end+len(eventClose)])
				l.skip(end + len(eventClose))
				continue
			}
			if l.n-l.at > maxJSONObject || l.err != nil {
				w.cut(l)
				continue
			}
		}
		if l.err != nil {
			break
		}
		l.fill()
	}
	if w.schemas.lost {
		out.note("more kinds of events than are told apart: some values were not read")
	}
	return l.fail()
}

// cut passes over an event that does not end: to the next one, as far as it is in sight.
func (w *winXML) cut(l *lines) {
	n := eventAt(l.buf[l.at+1 : l.n])
	if n++; n <= 0 {
		n = l.n - l.at
	}
	start := l.pos
	l.skip(n)
	w.out.damage(start, l.pos-start, "event does not end")
}

// event makes a record of one Event element, which is next in l.
func (w *winXML) event(l *lines, text []byte) {
	offset := l.pos
	if i := eventAt(text[1:]); i >= 0 {
		n := l.measure(text[:i+1])
		w.out.damage(offset, n, "event does not end")
		text, offset = text[i+1:], offset+n
	}
	w.names, w.values, w.role = w.names[:0], w.values[:0], [winRoles]string{}
	if err := w.parse(bytes.Map(printable, text)); err != nil || w.role[roleEventID] == "" {
		w.out.damage(offset, l.measure(text), "not an event in XML")
		return
	}
	w.count++
	src := event.Source{Product: "windows", Provider: w.role[roleProvider]}
	src.Channel = winChannel(w.role[roleChannel], src.Provider)
	if id := digits([]byte(w.role[roleEventID])); id >= 0 {
		src.EventID = uint32(id & 0xffff)
	}
	schema, slots := w.schemas.schema(src, w.names)
	r := &w.rec
	*r = event.Record{Schema: schema, Offset: offset, Number: w.count, Host: w.hosts.text([]byte(w.role[roleHost])), Slots: make([]event.Value, schema.Slots), Time: event.NoTime}
	for i, v := range w.values {
		if slots[i] >= 0 {
			r.Slots[slots[i]] = event.Text(v)
		}
	}
	if n, err := strconv.ParseUint(w.role[roleNumber], 10, 64); err == nil {
		r.Number = n
	}
	if t, rest, ok := readStamp([]byte(w.role[roleTime])); ok {
		r.Time = t // UTC by definition, whether or not a zone follows
		if s, _, ok := readOffset(rest); ok {
			r.Time = t.Add(-seconds(s))
		}
	}
	w.out.want(schema)
	w.out.take(r)
}

// printable replaces the control characters that XML forbids, and that exporters write all the same.
func printable(r rune) rune {
	if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
		return '\ufffd'
	}
	return r
}

// parse collects the fields of an Event element.
func (w *winXML) parse(text []byte) error {
	d := xml.NewDecoder(bytes.NewReader(text))
	d.Strict = false
	var path []string
	var name string // of the Data element that is open
	var inner strings.Builder
	leaf := false
	for {
		tok, err := d.RawToken()
		switch {
		case err == io.EOF && len(path) == 0:
			return nil
		case err != nil:
			return err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if len(path) >= maxJSONDepth || len(w.names) > maxWinFields {
				return errJSONDeep
			}
			path = append(path, tok.Name.Local)
			leaf = true
			inner.Reset()
			name = w.attributes(path[1:], tok.Attr)
		case xml.CharData:
			inner.Write(tok)
		case xml.EndElement:
			if len(path) == 0 || path[len(path)-1] != tok.Name.Local {
				return errJSONBroken
			}
			if leaf && len(path) > 1 {
				w.text(path[1:], name, inner.String())
			}
			path, leaf, name = path[:len(path)-1], false, ""
		}
	}
}

// attributes adds the attributes of an element as fields, and returns the name that it gives its text.
func (w *winXML) attributes(path []string, attrs []xml.Attr) (name string) {
	for _, a := range attrs {
		switch {
		case a.Name.Space == "xmlns" || a.Name.Local == "xmlns" || len(path) == 0:
		case a.Name.Local == "Name" && path[len(path)-1] == "Data":
			name = a.Value
		default:
			w.add(strings.Join(path, ".")+"."+a.Name.Local, true, a.Value)
		}
	}
	return name
}

// text adds the text of an element that has no elements in it.
func (w *winXML) text(path []string, name, text string) {
	if strings.TrimSpace(text) == "" {
		text = "" // indentation
	}
	switch {
	case name != "" && path[0] == "EventData":
		w.names, w.values = append(w.names, name), append(w.values, text)
		return
	case text == "" && (len(path) == 1 || path[0] != "EventData" && path[0] != "UserData"):
		return
	}
	w.add(strings.Join(path, "."), false, text)
}

func (w *winXML) add(path string, attribute bool, value string) {
	f := winFieldOf(path, attribute, func(string) bool { return false })
	if f.role != plainField && w.role[f.role] == "" {
		w.role[f.role] = value
	}
	if f.name != "" {
		w.names, w.values = append(w.names, f.name), append(w.values, value)
	}
}
