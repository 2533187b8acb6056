package event

import "strings"

// Source says which log a record stands in, in the terms that detection rules and coverage questions ask in.
type Source struct {
	Product  string // windows, linux, esxi, web, database
	Channel  string // Windows channel ("Security"); elsewhere the log: auth, syslog, auditd, journal, access, postgresql …
	Provider string // Windows provider; elsewhere the program or server that wrote: sshd, nginx …
	EventID  uint32 // Windows only
}

// Name is the source as coverage and reports call it: "windows/security", "linux/auth".
func (s Source) Name() string { return s.Product + "/" + strings.ToLower(s.Channel) }

// Field says where a record of a schema keeps the value of that name. Slot indexes Record.Slots; with Slot < 0 the
// value is Const in every record. A name may stand in several fields: they are its values.
type Field struct {
	Name  string
	Slot  int
	Const Value
}

// Schema is what records of one template or log format have in common. It is made once, never changes, and its
// address is its identity: rules are planned, and slots resolved, once per schema instead of once per record.
type Schema struct {
	Source Source
	Fields []Field
	Slots  int // length of Record.Slots
	Whole  int // slot of a text from which others are cut, 0 if there is none: what lies in them lies in it

	byName map[string][]int
}

// NewSchema makes a schema; slots is the length of Record.Slots.
func NewSchema(src Source, fields []Field, slots int) *Schema {
	s := &Schema{Source: src, Fields: fields, Slots: slots, byName: make(map[string][]int, len(fields))}
	for i, f := range fields {
		s.byName[f.Name] = append(s.byName[f.Name], i)
	}
	return s
}

// TextSchema makes the schema of a line format whose fields are the slots, in order.
func TextSchema(src Source, names ...string) *Schema {
	fields := make([]Field, len(names))
	for i, n := range names {
		fields[i] = Field{Name: n, Slot: i}
	}
	return NewSchema(src, fields, len(names))
}

// Lookup returns the indexes into Fields that bear the name, in order.
func (s *Schema) Lookup(name string) []int { return s.byName[name] }

// Record is one event as it lies in the evidence. It and all that it points to are valid only until the next one is
// read.
type Record struct {
	Schema *Schema
	Slots  []Value
	Time   Time
	Number uint64 // EventRecordID, or the line's number counted from 1
	Offset int64  // byte in the artifact (after decompression of an outer archive)
	Host   string // the computer that the record itself names, as it names it; "" if it names none
	Slack  bool   // recovered from unused space; it may be of any earlier life of the log
}

// Value returns the first non-null value of the field of that name.
func (r *Record) Value(name string) (Value, bool) {
	v := r.First(r.Schema.byName[name])
	return v, !v.IsNull()
}

// First returns the first non-null value of some fields, as Schema.Lookup gives them; null if there is none.
func (r *Record) First(fields []int) Value {
	for _, i := range fields {
		if v := r.Field(i); !v.IsNull() {
			return v
		}
	}
	return Value{}
}

// Field returns the value of Schema.Fields[i].
func (r *Record) Field(i int) Value {
	f := &r.Schema.Fields[i]
	if f.Slot < 0 {
		return f.Const
	}
	if f.Slot < len(r.Slots) {
		return r.Slots[f.Slot]
	}
	return Value{}
}

// Text returns the field of that name as text, "" if the record has none.
func (r *Record) Text(name string) string {
	v, ok := r.Value(name)
	if !ok {
		return ""
	}
	return v.String()
}
