package evtx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"

	"wardround/internal/event"
)

// The tokens of BinXML, [MS-EVEN6] 2.2.12. The bit 0x40 says that more of the same kind follows.
const (
	tokEnd          = 0x00
	tokOpen         = 0x01
	tokCloseStart   = 0x02
	tokCloseEmpty   = 0x03
	tokCloseElement = 0x04
	tokValue        = 0x05
	tokAttribute    = 0x06
	tokCDATA        = 0x07
	tokCharRef      = 0x08
	tokEntityRef    = 0x09
	tokPITarget     = 0x0a
	tokPIData       = 0x0b
	tokTemplate     = 0x0c
	tokSub          = 0x0d
	tokOptionalSub  = 0x0e
	tokFragment     = 0x0f
	tokMore         = 0x40
)

const (
	maxDepth = 64    // of elements
	maxNodes = 20000 // of one definition or fragment; a chunk has no room for more
)

var errShort = errors.New("BinXML ends too early")

// node is a piece of a parsed definition: an element, a literal text or the place of a value.
type node struct {
	kind  nodeKind
	name  string // element
	attrs []attr
	kids  []node
	text  string // literal
	slot  int    // value
}

type nodeKind uint8

const (
	element nodeKind = iota
	literal
	slot
)

type attr struct {
	name  string
	parts []node
}

// nameRef is where a definition names an element or attribute: an offset into the chunk, which differs from chunk to
// chunk, and at the first use in a chunk the name itself right behind it.
type nameRef struct {
	at     int // of the offset, counted from the body's first byte
	inline bool
	name   []byte // hash, length and characters
}

// parser reads one definition or one fragment of a chunk.
type parser struct {
	c        []byte // the chunk
	pos, end int
	base     int // first byte of the body
	depth    int
	nodes    int
	refs     []nameRef

	// In a fragment, literals become slots, so that fragments of one structure share a schema: values takes them, shape
	// spells the structure.
	loose  bool
	values []event.Value
	shape  []byte
}

// document parses what stands between a fragment header and its end.
func (p *parser) document() ([]node, error) {
	if p.pos+4 <= p.end && p.c[p.pos] == tokFragment {
		p.pos += 4
	}
	var out []node
	for p.pos < p.end {
		switch tok := p.c[p.pos] &^ tokMore; tok {
		case tokEnd:
			return out, nil
		case tokOpen:
			n, err := p.element()
			if err != nil {
				return nil, err
			}
			out = append(out, n)
		case tokPITarget, tokPIData:
			if err := p.instruction(tok); err != nil {
				return nil, err
			}
		case tokFragment:
			p.pos += 4
		default:
			n, err := p.part(tok, false)
			if err != nil {
				return nil, err
			}
			out = append(out, n)
		}
	}
	return out, nil
}

// element parses from an open-element token to the element's end.
func (p *parser) element() (node, error) {
	p.nodes++
	if p.depth++; p.depth > maxDepth || p.nodes > maxNodes {
		return node{}, errors.New("BinXML is nested too deep")
	}
	defer func() { p.depth-- }()
	hasAttrs := p.c[p.pos]&tokMore != 0
	p.pos++
	if !p.loose {
		p.pos += 2 // dependency id
	}
	p.pos += 4 // size
	name, err := p.name()
	if err != nil {
		return node{}, err
	}
	n := node{kind: element, name: name}
	p.sign('<', name)
	if hasAttrs {
		p.pos += 4 // size of the attributes
		if n.attrs, err = p.attributes(name); err != nil {
			return node{}, err
		}
	}
	if p.pos >= p.end {
		return node{}, errShort
	}
	switch tok := p.c[p.pos]; tok {
	case tokCloseEmpty:
		p.pos++
		p.sign('/', "")
		return n, nil
	case tokCloseStart:
		p.pos++
		n.kids, err = p.content()
		p.sign('/', "")
		return n, err
	default:
		return node{}, fmt.Errorf("unexpected BinXML token 0x%02x", tok)
	}
}

func (p *parser) attributes(elem string) ([]attr, error) {
	var attrs []attr
	for p.pos < p.end && p.c[p.pos]&^tokMore == tokAttribute {
		p.pos++
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		p.sign('@', name)
		a := attr{name: name}
		for p.pos < p.end {
			tok := p.c[p.pos] &^ tokMore
			if tok < tokValue || tok == tokAttribute || tok > tokOptionalSub || tok == tokTemplate {
				break
			}
			// The name of a datum is structure, its value is not.
			part, err := p.part(tok, name == "Name" && elem == "Data" || name == "xmlns")
			if err != nil {
				return nil, err
			}
			a.parts = append(a.parts, part)
		}
		if p.nodes++; p.nodes > maxNodes {
			return nil, errors.New("BinXML has too many attributes")
		}
		attrs = append(attrs, a)
	}
	return attrs, nil
}

func (p *parser) content() ([]node, error) {
	var kids []node
	for p.pos < p.end {
		switch tok := p.c[p.pos] &^ tokMore; tok {
		case tokCloseElement:
			p.pos++
			return kids, nil
		case tokOpen:
			n, err := p.element()
			if err != nil {
				return nil, err
			}
			kids = append(kids, n)
		case tokPITarget, tokPIData:
			if err := p.instruction(tok); err != nil {
				return nil, err
			}
		default:
			n, err := p.part(tok, false)
			if err != nil {
				return nil, err
			}
			kids = append(kids, n)
		}
	}
	return nil, errShort
}

// part parses a piece of text or the place of a value. In a fragment a text becomes a slot, unless it is structure.
func (p *parser) part(tok byte, structure bool) (node, error) {
	if p.nodes++; p.nodes > maxNodes {
		return node{}, errors.New("BinXML has too many parts")
	}
	p.pos++
	switch tok {
	case tokValue:
		if p.pos >= p.end {
			return node{}, errShort
		}
		t := event.Type(p.c[p.pos])
		p.pos++
		if t != event.UTF16 {
			return node{}, fmt.Errorf("unexpected type 0x%02x of a BinXML text", uint8(t))
		}
		return p.text(structure)
	case tokCDATA:
		return p.text(structure)
	case tokCharRef:
		n, err := p.uint16()
		return p.put(string(rune(n))), err
	case tokEntityRef:
		name, err := p.name()
		return p.put(entity(name)), err
	case tokSub, tokOptionalSub:
		if p.loose {
			return node{}, errors.New("BinXML substitution outside of a template")
		}
		n, err := p.uint16()
		if p.pos++; p.pos > p.end {
			return node{}, errShort
		}
		return node{kind: slot, slot: int(n)}, err
	}
	return node{}, fmt.Errorf("unexpected BinXML token 0x%02x", tok)
}

func (p *parser) text(structure bool) (node, error) {
	raw, err := p.counted()
	if err != nil {
		return node{}, err
	}
	v := event.Value{Type: event.UTF16, Raw: raw}
	if !p.loose || structure {
		return p.put(v.String()), nil
	}
	p.sign('#', "")
	p.values = append(p.values, v)
	return node{kind: slot, slot: len(p.values) - 1}, nil
}

// put makes a literal that is part of the structure.
func (p *parser) put(s string) node {
	p.sign('"', s)
	return node{kind: literal, text: s}
}

func (p *parser) sign(kind byte, s string) {
	if p.loose {
		p.shape = append(append(append(p.shape, kind), s...), 0)
	}
}

func (p *parser) instruction(tok byte) error {
	p.pos++
	if tok == tokPITarget {
		_, err := p.name()
		return err
	}
	_, err := p.counted()
	return err
}

func (p *parser) uint16() (uint16, error) {
	if p.pos+2 > p.end {
		return 0, errShort
	}
	n := binary.LittleEndian.Uint16(p.c[p.pos:])
	p.pos += 2
	return n, nil
}

// counted reads a number of UTF-16 units and the units.
func (p *parser) counted() ([]byte, error) {
	n, err := p.uint16()
	if err != nil {
		return nil, err
	}
	if p.pos+2*int(n) > p.end {
		return nil, errShort
	}
	raw := p.c[p.pos : p.pos+2*int(n)]
	p.pos += 2 * int(n)
	return raw, nil
}

// name reads the offset of a name, and passes over the name where it stands right here.
func (p *parser) name() (string, error) {
	if p.pos < 0 || p.pos+4 > p.end {
		return "", errShort
	}
	at := p.pos
	off := int(binary.LittleEndian.Uint32(p.c[p.pos:]))
	p.pos += 4
	raw, ok := nameAt(p.c, off)
	if !ok {
		return "", errors.New("BinXML name lies outside of its chunk")
	}
	inline := off == p.pos
	if inline {
		if p.pos += 4 + len(raw) + 2; p.pos > p.end {
			return "", errShort
		}
	}
	if !p.loose {
		p.refs = append(p.refs, nameRef{at - p.base, inline, raw})
	}
	return decodeName(raw), nil
}

// nameAt returns hash, length and characters of the name at an offset of the chunk. Before it stands the offset of the
// next name with the same hash, behind it a NUL.
func nameAt(c []byte, off int) ([]byte, bool) {
	if off < 0 || off+8 > len(c) {
		return nil, false
	}
	n := 4 + 2*int(binary.LittleEndian.Uint16(c[off+6:]))
	if off+4+n+2 > len(c) {
		return nil, false
	}
	return c[off+4 : off+4+n], true
}

func decodeName(raw []byte) string {
	units := make([]uint16, (len(raw)-4)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(raw[4+2*i:])
	}
	return string(utf16.Decode(units))
}

func entity(name string) string {
	switch name {
	case "amp":
		return "&"
	case "lt":
		return "<"
	case "gt":
		return ">"
	case "quot":
		return `"`
	case "apos":
		return "'"
	}
	return "&" + name + ";"
}
