package evtx

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"wardround/internal/event"
)

// Manifest says what all events of one provider, id and version have in common: what the provider's manifest says, or
// for a classic event, its call to ReportEvent.
type Manifest struct {
	Provider string
	GUID     string // {…}, spelled as it shall stand in the log; "" for a classic provider that has none
	Source   string // EventSourceName of a classic provider that has a manifest too
	Channel  string

	ID         uint16
	Qualifiers uint16 // classic events only
	Version    uint8
	Level      uint8
	Task       uint16
	Opcode     uint8
	Keywords   uint64

	// Classic says that the event comes through the old interface, or from the event log service itself: provider and
	// channel then stand in the template. Everything else comes from a provider with a manifest, and needs a GUID.
	Classic bool
	// Fields are those of EventData, or of UserData. A classic event without fields has unnamed Data elements and
	// Binary.
	Fields   []Field
	Binary   bool   // EventData ends with a Binary element
	DataName string // attribute Name of EventData; mostly none

	// UserData names the element inside UserData that holds the fields; "" means EventData. Namespace is its xmlns.
	UserData  string
	Namespace string
}

// Field is one datum of an event. In UserData the name is an element's, or "Element@Attribute" for an attribute of it;
// fields of the same element follow one another, its attributes first.
type Field struct {
	Name string
	Type event.Type // as the template states it; a value may have another: for Size Windows writes Hex64 (or Hex32)
}

// Kind is a Manifest made ready for writing. It never changes; all Writers may share it.
type Kind struct {
	provider, channel []byte // UTF-16
	guid              [16]byte
	id, qualifiers    uint16
	level, opcode     uint8
	task              uint16
	version           uint8
	keywords          uint64
	classic           bool
	qualified         bool // EventID has Qualifiers
	unnamed           bool // strings in unnamed Data elements
	binary            bool
	fields            []Field
	inner             *outline // in the log of a machine
	export            *outline // in an export
	manifest          Manifest
}

const (
	eventNamespace = "http://schemas.microsoft.com/win/2004/08/events/event"
	typesNamespace = "http://schemas.microsoft.com/win/2004/08/events"
)

// The number of values of the outer template.
const (
	manifestValues = 18
	classicValues  = 20
)

// Compile prepares a manifest.
func Compile(m Manifest) (*Kind, error) {
	k, err := compile(m)
	if err != nil {
		return nil, fmt.Errorf("compile event %d of %q: %w", m.ID, m.Provider, err)
	}
	return k, nil
}

func compile(m Manifest) (*Kind, error) {
	m.Fields = slices.Clone(m.Fields)
	k := &Kind{
		provider: encodeUTF16(nil, []byte(m.Provider)), channel: encodeUTF16(nil, []byte(m.Channel)),
		id: m.ID, qualifiers: m.Qualifiers, level: m.Level, opcode: m.Opcode, task: m.Task, version: m.Version,
		keywords: m.Keywords, classic: m.Classic, fields: m.Fields, manifest: m,
		qualified: m.Classic && (m.GUID == "" || m.Source != "" || m.Qualifiers != 0),
		unnamed:   m.Classic && len(m.Fields) == 0 && m.UserData == "",
	}
	k.binary = m.Binary || k.unnamed
	if m.GUID != "" {
		var err error
		if k.guid, err = ParseGUID(m.GUID); err != nil {
			return nil, err
		}
	}
	switch {
	case len(k.provider) > 1024 || len(k.channel) > 1024:
		return nil, errors.New("name of provider or channel of more than 512 characters")
	case !m.Classic && m.GUID == "":
		return nil, errors.New("no GUID, and not classic")
	case !m.Classic && m.Qualifiers != 0:
		return nil, errors.New("qualifiers, but not classic")
	}
	body, err := k.bodyMarkup("")
	if err != nil {
		return nil, err
	}
	k.export = newOutline(body)
	prefix := "xmlns:auto-ns2"
	if m.Classic {
		prefix = "xmlns:auto-ns3"
	}
	if body, err = k.bodyMarkup(prefix); err != nil {
		return nil, err
	}
	k.inner = newOutline(body)
	return k, nil
}

// bodyMarkup is the body of the inner template. In the log of a machine an element of UserData carries one more
// attribute than in an export, of the given name.
func (k *Kind) bodyMarkup(extra string) (markup, error) {
	m := &k.manifest
	b := &assembly{}
	var root markup
	if m.UserData == "" {
		var attributes []attribute
		if m.DataName != "" {
			attributes = []attribute{b.attribute("Name", b.text(m.DataName))}
		}
		root = b.element("EventData", attributes, b.dataElements(k)...)
	} else {
		var attributes []attribute
		if m.Namespace != "" {
			if extra != "" {
				attributes = append(attributes, b.attribute(extra, b.text(typesNamespace)))
			}
			attributes = append(attributes, b.attribute("xmlns", b.text(m.Namespace)))
		}
		root = b.element(m.UserData, attributes, b.userElements(k)...)
	}
	return root, b.err
}

// valueError says which field is wrong.
func (k *Kind) valueError(i, n int, err error) error {
	if err != nil {
		return fmt.Errorf("field %q: %w", k.fields[i].Name, err)
	}
	return fmt.Errorf("field %q of %d bytes: %w", k.fields[i].Name, n, ErrTooLarge)
}

// outer is the outer template of the kind on a computer, whose name stands in it.
func (k *Kind) outer(computer string, minor uint16) (*outline, error) {
	b := &assembly{}
	content := []markup{b.element("System", nil, b.system(k, computer, minor)...)}
	last := uint16(manifestValues - 1)
	if k.classic {
		last = classicValues - 1
	}
	body := b.value(last, event.BinXML)
	root := b.element("Event", []attribute{b.attribute("xmlns", b.text(eventNamespace))})
	if k.manifest.UserData != "" {
		content = append(content, b.when(last, b.element("UserData", nil, body)))
	} else {
		content = append(content, body)
		root = b.when(last, root)
	}
	root.content = content
	if b.err != nil {
		return nil, b.err
	}
	return newOutline(root), nil
}

// system is the content of the System element, as Windows has it. Providers without a manifest have the short form of
// Windows XP in logs of minor version 1.
func (b *assembly) system(k *Kind, computer string, minor uint16) []markup {
	full := minor > 1 || k.manifest.GUID != ""
	related, channel := uint16(13), b.when(16, b.element("Channel", nil, b.value(16, event.UTF16)))
	if k.classic {
		related, channel = 18, b.element("Channel", nil, b.text(k.manifest.Channel))
	}
	list := []markup{
		b.closed("Provider", b.provider(k)...),
		b.when(3, b.element("EventID", []attribute{b.attribute("Qualifiers", b.value(4, event.Uint16))},
			b.value(3, event.Uint16))),
	}
	if full {
		list = append(list, b.when(11, b.element("Version", nil, b.value(11, event.Uint8))))
	}
	list = append(list,
		b.when(0, b.element("Level", nil, b.value(0, event.Uint8))),
		b.when(2, b.element("Task", nil, b.value(2, event.Uint16))))
	if full {
		list = append(list, b.when(1, b.element("Opcode", nil, b.value(1, event.Uint8))))
	}
	list = append(list,
		b.when(5, b.element("Keywords", nil, b.value(5, event.Hex64))),
		b.closed("TimeCreated", b.attribute("SystemTime", b.value(6, event.FileTime))),
		b.when(10, b.element("EventRecordID", nil, b.value(10, event.Uint64))))
	if full {
		list = append(list,
			b.closed("Correlation", b.attribute("ActivityID", b.value(7, event.GUID)),
				b.attribute("RelatedActivityID", b.value(related, event.GUID))),
			b.closed("Execution", b.attribute("ProcessID", b.value(8, event.Uint32)),
				b.attribute("ThreadID", b.value(9, event.Uint32))))
	}
	return append(list, channel,
		b.element("Computer", nil, b.text(computer)),
		b.closed("Security", b.attribute("UserID", b.value(12, event.SID))))
}

func (b *assembly) provider(k *Kind) []attribute {
	if !k.classic {
		return []attribute{b.attribute("Name", b.value(14, event.UTF16)), b.attribute("Guid", b.value(15, event.GUID))}
	}
	list := []attribute{b.attribute("Name", b.text(k.manifest.Provider))}
	if k.manifest.GUID != "" {
		list = append(list, b.attribute("Guid", b.text(k.manifest.GUID)))
	}
	if k.manifest.Source != "" {
		list = append(list, b.attribute("EventSourceName", b.text(k.manifest.Source)))
	}
	return list
}

// dataElements are the children of EventData.
func (b *assembly) dataElements(k *Kind) []markup {
	if k.unnamed {
		return []markup{
			b.when(0, b.element("Data", nil, b.value(0, event.UTF16|event.Array))),
			b.when(2, b.element("Binary", nil, b.value(2, event.Binary))),
		}
	}
	var list []markup
	for i, f := range k.fields {
		list = append(list, b.element("Data", []attribute{b.attribute("Name", b.text(f.Name))}, b.field(i, f)))
	}
	if k.binary {
		list = append(list, b.element("Binary", nil, b.field(len(k.fields)+1, Field{Type: event.Binary})))
	}
	return list
}

// userElements are the children of the element in UserData.
func (b *assembly) userElements(k *Kind) []markup {
	var list []markup
	open := "" // the element of which attributes are being gathered
	for i, f := range k.fields {
		name, attr, isAttr := strings.Cut(f.Name, "@")
		if open != name || open == "" {
			list = append(list, b.element(name, nil))
		}
		e := &list[len(list)-1]
		open = ""
		if isAttr {
			e.attributes = append(e.attributes, b.attribute(attr, b.field(i, f)))
			open = name
		} else {
			e.content = append(e.content, b.field(i, f))
		}
	}
	return list
}

// assembly builds markup and keeps the first error.
type assembly struct{ err error }

func (b *assembly) element(name string, attributes []attribute, content ...markup) markup {
	return markup{token: tokOpen, name: b.name(name), attributes: attributes, content: content}
}

func (b *assembly) closed(name string, attributes ...attribute) markup {
	m := b.element(name, attributes)
	m.empty = true
	return m
}

// when makes an element that is left out when the slot is null.
func (b *assembly) when(slot uint16, m markup) markup {
	m.depends = slot + 1
	return m
}

func (b *assembly) attribute(name string, content ...markup) attribute {
	return attribute{b.name(name), content}
}

func (b *assembly) text(s string) markup {
	m, err := spell(s)
	b.fail(err)
	return m
}

// value is what is left out, with its attribute or element, when it is null.
func (b *assembly) value(slot uint16, t event.Type) markup {
	return markup{token: tokOptionalSub, slot: slot, typ: t}
}

// field is the value of a field: there even when it is null.
func (b *assembly) field(i int, f Field) markup {
	t := f.Type
	if t == event.UTF8 || t == event.Number {
		t = event.UTF16
	}
	if t&^event.Array >= event.UTF8 || t == event.BinXML {
		b.fail(fmt.Errorf("field %q: type 0x%02x is none of a Windows event log", f.Name, uint8(t)))
	}
	return markup{token: tokSub, slot: uint16(i), typ: t}
}

func (b *assembly) name(s string) []byte {
	n, err := encodeName(s)
	b.fail(err)
	return n
}

func (b *assembly) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (e *Event) provider() string {
	if e.Kind == nil {
		return ""
	}
	return e.Kind.manifest.Provider
}
