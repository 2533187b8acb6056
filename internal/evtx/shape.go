package evtx

import (
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"wardround/internal/event"
)

// shape is what records of the same instances have in common: their fields, and where the system fields are.
type shape struct {
	key    string // of its instances
	fields []event.Field
	paths  []string // of each field in the document, for comparison with other decoders
	mixed  []mixed
	slots  int // before the mixed ones

	time, number, computer, eventID, channel, provider int // indexes into fields, -1 if there is none
	host                                               string

	schemas map[string]*event.Schema
	lastKey []byte
	last    *event.Schema
}

// mixed is a field of several parts, texts and values, that must be put together. Its slot lies past the record's own.
type mixed struct{ parts []node }

// build makes the shape of the instances at hand.
func (d *Decoder) build() *shape {
	s := &shape{
		slots: len(d.slots), schemas: map[string]*event.Schema{},
		time: -1, number: -1, computer: -1, eventID: -1, channel: -1, provider: -1,
	}
	b := builder{d: d, s: s}
	b.instance(0, nil)
	for i, f := range s.fields {
		switch s.paths[i] {
		case "Event/System/TimeCreated@SystemTime":
			s.time = i
		case "Event/System/EventRecordID":
			s.number = i
		case "Event/System/Computer":
			s.computer = i
			if f.Slot < 0 {
				s.host = f.Const.String()
			}
		case "Event/System/EventID":
			s.eventID = i
		case "Event/System/Channel":
			s.channel = i
		case "Event/System/Provider@Name":
			s.provider = i
		}
	}
	return s
}

// builder walks the trees of a record's instances.
type builder struct {
	d *Decoder
	s *shape
}

// maxFields bounds one record's fields.
const maxFields = 8192

func (b *builder) instance(i int, path []string) {
	in := &b.d.inst[i]
	for _, n := range in.t.roots {
		if n.kind == element {
			b.element(in, n, path)
		} else if n.kind == slot {
			b.nested(in, n.slot, path)
		}
	}
}

// nested walks the instance that a value of another one holds, and reports whether there is one.
func (b *builder) nested(in *instance, slot int, path []string) bool {
	for i := range b.d.inst {
		if b.d.inst[i].parent == in.base+slot && slot < in.count {
			b.instance(i, path)
			return true
		}
	}
	return false
}

func (b *builder) element(in *instance, n node, path []string) {
	path = append(slices.Clip(path), n.name)
	dataName := ""
	for _, a := range n.attrs {
		if a.name == "xmlns" || strings.HasPrefix(a.name, "xmlns:") {
			continue
		}
		if a.name == "Name" && n.name == "Data" {
			dataName = literalText(a.parts)
			if dataName != "" {
				continue
			}
		}
		b.field(in, a.parts, path, a.name, "")
	}
	var text []node
	children := false
	for _, k := range n.kids {
		switch {
		case k.kind == element:
			b.element(in, k, path)
			children = true
		case k.kind == slot && b.nested(in, k.slot, path):
			children = true
		default:
			text = append(text, k)
		}
	}
	if len(text) == 0 && (children || len(n.attrs) > 0 && dataName == "") || children && blank(text) {
		return
	}
	b.field(in, text, path, "", dataName)
}

func blank(parts []node) bool {
	return !slices.ContainsFunc(parts, func(n node) bool { return n.kind == slot }) &&
		strings.TrimSpace(literalText(parts)) == ""
}

func literalText(parts []node) string {
	var sb strings.Builder
	for _, p := range parts {
		if p.kind == literal {
			sb.WriteString(p.text)
		}
	}
	return sb.String()
}

// field adds the field of an element's text or of an attribute.
func (b *builder) field(in *instance, parts []node, path []string, attr, dataName string) {
	if len(b.s.fields) >= maxFields {
		return
	}
	f := event.Field{Name: fieldName(path, attr, dataName), Slot: -1}
	slots := 0
	for _, p := range parts {
		if p.kind == slot {
			slots++
		}
	}
	switch {
	case slots == 0:
		f.Const = event.Text(literalText(parts))
	case slots == 1 && len(parts) == 1:
		if parts[0].slot < in.count {
			f.Slot = in.base + parts[0].slot
		}
	default:
		own := slices.Clone(parts)
		for i := range own {
			if own[i].kind == slot {
				own[i].slot += in.base
			}
		}
		f.Slot = b.s.slots + len(b.s.mixed)
		b.s.mixed = append(b.s.mixed, mixed{own})
	}
	p := strings.Join(path, "/")
	if dataName != "" {
		p += "[" + dataName + "]"
	}
	if attr != "" {
		p += "@" + attr
	}
	b.s.fields = append(b.s.fields, f)
	b.s.paths = append(b.s.paths, p)
}

// fieldName is the name under which rules know an element or attribute: docs/format/events-windows.md.
func fieldName(path []string, attr, dataName string) string {
	local := func(s string) string { return s[strings.LastIndexByte(s, ':')+1:] }
	last := local(path[len(path)-1])
	part := ""
	if len(path) > 1 {
		part = path[1]
	}
	if part == "System" {
		switch last + "@" + attr {
		case "EventID@Qualifiers":
			return "Qualifiers"
		case "TimeCreated@SystemTime":
			return "TimeCreated"
		case "Correlation@ActivityID", "Correlation@RelatedActivityID":
			return attr
		}
	}
	if part == "RenderingInfo" && last != "Message" && attr == "" {
		return "RenderingInfo_" + last
	}
	if attr != "" {
		return last + "_" + local(attr)
	}
	if dataName != "" {
		return dataName
	}
	return last
}

// schema returns the schema of the record at hand: the shape's fields with event id, channel and provider fixed, so
// that a plan for it can settle whatever asks for them.
func (d *Decoder) schema(s *shape) *event.Schema {
	var buf [256]byte
	key := buf[:0]
	for _, i := range [3]int{s.eventID, s.channel, s.provider} {
		if i < 0 || s.fields[i].Slot < 0 || s.fields[i].Slot >= len(d.slots) {
			continue
		}
		v := d.slots[s.fields[i].Slot]
		key = append(binary.LittleEndian.AppendUint16(append(key, byte(v.Type)), uint16(len(v.Raw))), v.Raw...)
	}
	if s.last != nil && string(s.lastKey) == string(key) {
		return s.last
	}
	e := s.schemas[string(key)]
	if e == nil {
		e = d.fix(s)
		s.schemas[string(key)] = e
		d.cache.schemas++
	}
	s.last, s.lastKey = e, append(s.lastKey[:0], key...)
	return e
}

// fix makes a schema of the shape with the system fields of the record at hand as constants.
func (d *Decoder) fix(s *shape) *event.Schema {
	fields := slices.Clone(s.fields)
	constant := func(i int) event.Value {
		if i < 0 {
			return event.Value{}
		}
		v := fields[i].Const
		if n := fields[i].Slot; n >= 0 && n < len(d.slots) {
			v = event.Value{Type: d.slots[n].Type, Raw: slices.Clone(d.slots[n].Raw)}
			fields[i].Slot, fields[i].Const = -1, v
		}
		return v
	}
	id, _ := constant(s.eventID).Uint()
	src := event.Source{
		Product: "windows", EventID: uint32(id),
		Channel: constant(s.channel).String(), Provider: constant(s.provider).String(),
	}
	return event.NewSchema(src, fields, s.slots+len(s.mixed))
}

// compute puts the mixed fields of a record together.
func (d *Decoder) compute(r *event.Record) {
	for _, m := range d.shape.mixed {
		start := len(d.scratch)
		for _, p := range m.parts {
			if p.kind == literal {
				d.scratch = append(d.scratch, p.text...)
			} else if p.slot < d.shape.slots {
				d.scratch = d.slots[p.slot].AppendText(d.scratch)
			}
		}
		d.slots = append(d.slots, event.Value{Type: event.UTF8, Raw: d.scratch[start:len(d.scratch):len(d.scratch)]})
	}
	r.Slots = d.slots
}

// timeOf reads a time as a template's value or as the text of a record without template.
func timeOf(v event.Value) event.Time {
	if v.Type == event.FileTime && len(v.Raw) == 8 {
		return event.FromFileTime(binary.LittleEndian.Uint64(v.Raw))
	}
	if v.IsText() || v.Type == event.SysTime {
		if t, err := time.Parse(time.RFC3339Nano, v.String()); err == nil {
			return event.At(t)
		}
	}
	return event.NoTime
}
