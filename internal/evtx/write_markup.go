package evtx

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"unicode/utf16"
	"unicode/utf8"

	"wardround/internal/event"
)

// Element is ready XML for Event.Body: attributes, then text, then child elements.
type Element struct {
	Name       string
	Attributes []Attribute
	Text       string
	Elements   []Element
}

// Attribute of an Element.
type Attribute struct{ Name, Value string }

// markup converts the element.
func (e *Element) markup() (markup, error) {
	name, err := encodeName(e.Name)
	if err != nil {
		return markup{}, err
	}
	m := markup{token: tokOpen, name: name}
	for _, a := range e.Attributes {
		name, err := encodeName(a.Name)
		if err != nil {
			return markup{}, err
		}
		value, err := spell(a.Value)
		if err != nil {
			return markup{}, err
		}
		m.attributes = append(m.attributes, attribute{name, []markup{value}})
	}
	if e.Text != "" {
		value, err := spell(e.Text)
		if err != nil {
			return markup{}, err
		}
		m.content = append(m.content, value)
	}
	for i := range e.Elements {
		child, err := e.Elements[i].markup()
		if err != nil {
			return markup{}, err
		}
		m.content = append(m.content, child)
	}
	return m, nil
}

// markup is a piece of BinXML that does not yet lie anywhere: names are spelled, sizes open.
type markup struct {
	token      byte   // tokOpen, tokValue, tokCDATA, tokCharRef, tokEntityRef, tokPITarget, tokSub or tokOptionalSub
	name       []byte // of an element, entity or instruction, as encodeName makes it
	text       []byte // UTF-16; of an instruction its data
	slot       uint16 // of a substitution; the code of a character reference
	typ        event.Type
	depends    uint16 // slot whose null leaves the element out, plus one; 0 is none
	attributes []attribute
	content    []markup
	empty      bool // an element without content is <a/> instead of <a></a>
}

type attribute struct {
	name    []byte
	content []markup
}

// outline is a template definition, ready to be written out into any chunk.
type outline struct {
	guid [16]byte
	root markup
}

// newOutline gives the definition its GUID. Windows' own way of making one is not known; here it is a digest of the
// definition as it would stand in an empty chunk, so that equal definitions have equal GUIDs, in any file.
func newOutline(root markup) *outline {
	o := &outline{root: root}
	d := draft{buf: make([]byte, chunkHeaderBytes, chunkBytes)}
	d.outline(o)
	sum := sha256.Sum256(d.buf[chunkHeaderBytes:])
	copy(o.guid[:], sum[:])
	return o
}

// outline writes the body of a definition.
func (d *draft) outline(o *outline) {
	d.buf = append(d.buf, tokFragment, 1, 1, 0)
	d.markup(&o.root, true, false)
	d.buf = append(d.buf, tokEnd)
}

// markup writes m. Only the elements of a definition have a dependency; more says that text of the same parent follows.
func (d *draft) markup(m *markup, definition, more bool) {
	flag := byte(0)
	if more {
		flag = tokMore
	}
	switch m.token {
	case tokOpen:
		d.element(m, definition)
	case tokValue:
		d.buf = append(d.buf, tokValue|flag, byte(event.UTF16))
		d.counted(m.text)
	case tokCDATA:
		d.buf = append(d.buf, tokCDATA|flag)
		d.counted(m.text)
	case tokCharRef:
		d.buf = append(d.buf, tokCharRef|flag)
		d.uint16(m.slot)
	case tokEntityRef:
		d.buf = append(d.buf, tokEntityRef|flag)
		d.name(m.name)
	case tokPITarget:
		d.buf = append(d.buf, tokPITarget)
		d.name(m.name)
		d.buf = append(d.buf, tokPIData)
		d.counted(m.text)
	case tokSub, tokOptionalSub:
		d.buf = append(d.buf, m.token)
		d.uint16(m.slot)
		d.buf = append(d.buf, byte(m.typ))
	}
}

func (d *draft) element(m *markup, definition bool) {
	token := byte(tokOpen)
	if len(m.attributes) > 0 {
		token |= tokMore
	}
	d.buf = append(d.buf, token)
	if definition {
		d.uint16(m.depends - 1)
	}
	d.uint32(0)
	start := len(d.buf)
	d.name(m.name)
	if len(m.attributes) > 0 {
		d.uint32(0)
		first := len(d.buf)
		d.attributes(m.attributes, definition)
		d.patch(first)
	}
	if m.empty {
		d.buf = append(d.buf, tokCloseEmpty)
	} else {
		d.buf = append(d.buf, tokCloseStart)
		d.contents(m.content, definition)
		d.buf = append(d.buf, tokCloseElement)
	}
	d.patch(start)
}

func (d *draft) attributes(list []attribute, definition bool) {
	for i, a := range list {
		token := byte(tokAttribute)
		if i < len(list)-1 {
			token |= tokMore
		}
		d.buf = append(d.buf, token)
		d.name(a.name)
		d.contents(a.content, definition)
	}
}

func (d *draft) contents(list []markup, definition bool) {
	for i := range list {
		d.markup(&list[i], definition, i < len(list)-1)
	}
}

// counted appends text behind its number of UTF-16 units.
func (d *draft) counted(text []byte) {
	d.uint16(uint16(len(text) / 2))
	d.buf = append(d.buf, text...)
}

// patch sets the size before start to what was written since.
func (d *draft) patch(start int) {
	binary.LittleEndian.PutUint32(d.buf[start-4:], uint32(len(d.buf)-start))
}

// encodeName makes a name as chunks keep it behind the pointer to the next: hash, number of characters, UTF-16, NUL.
func encodeName(s string) ([]byte, error) {
	text := encodeUTF16(nil, []byte(s))
	if len(text) == 0 || len(text)/2 > 255 {
		return nil, fmt.Errorf("name %q has not 1 to 255 characters", s)
	}
	n := binary.LittleEndian.AppendUint16(nil, bucketHash(text))
	n = binary.LittleEndian.AppendUint16(n, uint16(len(text)/2))
	return append(append(n, text...), 0, 0), nil
}

// bucketHash is the hash of both tables of a chunk, over 16-bit units.
func bucketHash(units []byte) uint16 {
	var h uint32
	for ; len(units) > 1; units = units[2:] {
		h = h*65599 + uint32(binary.LittleEndian.Uint16(units))
	}
	return uint16(h)
}

var errLongText = errors.New("text of more than 32,767 characters in a definition")

// spell makes text that stands in a definition or in ready XML.
func spell(s string) (markup, error) {
	text := encodeUTF16(nil, []byte(s))
	if len(text) > 65535 {
		return markup{}, errLongText
	}
	return markup{token: tokValue, text: text}, nil
}

// encodeUTF16 appends UTF-8 text as UTF-16; what is ill-formed becomes U+FFFD.
func encodeUTF16(dst, s []byte) []byte {
	dst = slices.Grow(dst, 2*len(s))
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			dst = append(dst, c, 0)
			i++
			continue
		}
		r, n := utf8.DecodeRune(s[i:])
		i += n
		if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
			dst = binary.LittleEndian.AppendUint16(dst, uint16(high))
			r = low
		}
		dst = binary.LittleEndian.AppendUint16(dst, uint16(r))
	}
	return dst
}
