package evidence

import (
	"bytes"
	"context"
	"strconv"

	"wardround/internal/event"
)

// winJSONReader reads Windows events kept as JSON, in the forms that docs/format/events-windows.md lists. Whatever the
// form, records bear the field names of EVTX, so that one rule reads them all.
var winJSONReader = reader{kind: "windows-json", is: isWinJSON, read: readWinJSON}

// isWinJSON looks for an event among the first objects. One that the head cuts off counts as far as it goes.
func isWinJSON(head []byte, _ string) bool {
	if !startsLikeJSON(head) {
		return false
	}
	j := newJSONObjects(context.Background(), bytes.NewReader(head), func(int64, int64, string) {})
	if j.enter(isWinObject) {
		return true
	}
	for j.next() {
		if isWinObject(j.text, j.tokens) {
			return true
		}
	}
	return false
}

func isWinObject(text []byte, tokens []jsonToken) bool { return newWinShape(text, tokens) != nil }

// startsLikeJSON reports whether text begins with an object or an array, in UTF-8 or in marked UTF-16.
func startsLikeJSON(head []byte) bool {
	head = head[:min(len(head), 256)]
	for _, mark := range []string{"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"} {
		head = bytes.TrimPrefix(head, []byte(mark))
	}
	head = bytes.TrimLeft(head, " \t\r\n\x00")
	return len(head) > 0 && (head[0] == '{' || head[0] == '[' || bytes.HasPrefix(head, []byte("Record ")))
}

// winJSON turns the objects of one artifact into records.
type winJSON struct {
	j      *jsonObjects
	shapes *winShapes
	clock  *winClock
	out    *output
	rec    event.Record
	slots  []event.Value
	text   []byte // unescaped values of the record
	hosts  interned
	others uint64 // objects that are no events
}

func readWinJSON(ctx context.Context, in *input, out *output) error {
	w := &winJSON{
		j:      newJSONObjects(ctx, in.Stream, out.damage),
		shapes: newWinShapes(out.want),
		out:    out,
	}
	w.clock = newWinClock(ctx, in, out)
	w.j.enter(isWinObject)
	for w.j.next() {
		w.object()
	}
	if w.others > 0 {
		out.note("%d objects that are no Windows events were passed over", w.others)
	}
	if w.shapes.schemas.lost {
		out.note("more kinds of events than are told apart: some values were not read")
	}
	return w.j.fail()
}

func (w *winJSON) object() {
	s := w.shapes.shape(w.j)
	if s == nil {
		w.others++
		return
	}
	p := w.shapes.plan(w.j, s)
	r := &w.rec
	r.Schema, r.Slots, r.Offset = p.schema, nil, w.j.offset
	r.Number = w.j.number
	if t := s.role[roleNumber]; t >= 0 {
		if n, err := strconv.ParseUint(string(w.raw(t)), 10, 64); err == nil {
			r.Number = n
		}
	}
	r.Host = ""
	if t := s.role[roleHost]; t >= 0 && w.j.tokens[t].kind != jsonNull {
		r.Host = w.hosts.text(w.raw(t))
	}
	r.Time = w.clock.time(w.j, s, r)
	if p.wanted {
		w.fill(p)
	}
	w.out.take(r)
}

// fill puts the values of the object into the slots of the record.
func (w *winJSON) fill(p *winPlan) {
	if cap(w.slots) < p.schema.Slots {
		w.slots = make([]event.Value, p.schema.Slots)
	}
	w.slots = w.slots[:p.schema.Slots]
	if len(p.puts) < len(w.slots) {
		clear(w.slots)
	}
	w.text = w.text[:0]
	for _, put := range p.puts {
		w.slots[put.slot] = w.value(put)
	}
	w.rec.Slots = w.slots
}

// value is the value of a token: numbers as they are written, texts with their escapes undone and without the NULs
// that end some.
func (w *winJSON) value(put winPut) event.Value {
	t := &w.j.tokens[put.token]
	raw := w.j.text[t.at:t.end]
	switch {
	case t.kind == jsonNull:
		return event.Value{}
	case t.kind == jsonNumber && put.hex:
		return w.hex(raw)
	case t.kind == jsonNumber:
		return event.Value{Type: event.Number, Raw: raw}
	case t.escaped || put.before > 0:
		start := len(w.text)
		if put.before > 0 {
			w.text = append(w.j.plain(w.text, int(put.before)), '\\')
		}
		w.text = w.j.plain(w.text, int(put.token))
		raw = w.text[start:]
		if put.doubled {
			raw = bytes.ReplaceAll(raw, []byte(`\\`), []byte(`\`))
		}
		for len(raw) > 0 && raw[len(raw)-1] == 0 {
			raw = raw[:len(raw)-1]
		}
	}
	return event.Value{Type: event.UTF8, Raw: raw}
}

// hex writes a number as Windows does where it keeps a bit mask or a handle. Negative ones are those of exporters
// that take 64 bits for signed.
func (w *winJSON) hex(raw []byte) event.Value {
	digits, negative := bytes.CutPrefix(raw, []byte("-"))
	n, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		return event.Value{Type: event.Number, Raw: raw}
	}
	if negative {
		n = -n
	}
	start := len(w.text)
	w.text = strconv.AppendUint(append(w.text, "0x"...), n, 16)
	return event.Value{Type: event.UTF8, Raw: w.text[start:]}
}

// raw is the text of a token that needs no unescaping in practice: a name or a number.
func (w *winJSON) raw(t int) []byte {
	tok := &w.j.tokens[t]
	if tok.escaped {
		return w.j.plain(nil, t)
	}
	return w.j.text[tok.at:tok.end]
}

// interned makes strings of texts that recur, once each, up to a bound.
type interned struct {
	last string
	seen map[string]string
}

func (n *interned) text(b []byte) string {
	if n.last == string(b) {
		return n.last
	}
	s, ok := n.seen[string(b)]
	if !ok {
		s = string(b)
		if n.seen == nil {
			n.seen = map[string]string{}
		}
		if len(n.seen) < 4096 && len(s) < 1024 {
			n.seen[s] = s
		}
	}
	n.last = s
	return s
}
