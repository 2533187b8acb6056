package evtx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"wardround/internal/event"
)

// template is a parsed definition, or the structure of a fragment that has none.
type template struct {
	id    uint32 // number in the cache
	roots []node
	body  []byte // the definition's own bytes
	refs  []nameRef
}

// cache holds what was learned of templates and shapes. Definitions are found by GUID and size and then compared with
// the bytes at hand: a GUID is not to be trusted alone, and where names stand differs from chunk to chunk.
type cache struct {
	next      uint32 // id of the next template; none is given twice, since a chunk still holds old ones
	first     uint32 // after what was forgotten
	templates map[templateKey][]*template
	loose     map[string]*template // by structure
	shapes    map[string]*shape    // by instance key
	schemas   int
}

type templateKey struct {
	guid [16]byte
	size uint32
}

// maxCached bounds templates, shapes and schemas of a decoder together; a real estate has some thousands. A log made to
// exhaust memory makes the decoder forget, not grow.
const maxCached = 40000

func newCache() cache {
	return cache{templates: map[templateKey][]*template{}, loose: map[string]*template{}, shapes: map[string]*shape{}}
}

// trim forgets everything when there is too much of it. Instances in hand stay valid.
func (c *cache) trim() {
	if int(c.next-c.first)+len(c.shapes)+c.schemas > maxCached {
		next := c.next
		*c = newCache()
		c.first, c.next = next, next
	}
}

var errNoDefinition = errors.New("template definition is missing or overwritten")

const definitionHeader = 24 // next definition, GUID, size of the body

// definition returns the template whose definition stands at an offset of the chunk.
func (d *Decoder) definition(off int, id uint32) (*template, int, error) {
	c := d.chunk[:]
	if off < chunkHeaderBytes || off+definitionHeader > chunkBytes {
		return nil, 0, errNoDefinition
	}
	size := int(binary.LittleEndian.Uint32(c[off+20:]))
	body := off + definitionHeader
	if size < 4 || body+size > chunkBytes {
		return nil, 0, errNoDefinition
	}
	if t := d.at[uint32(off)]; t != nil {
		return t, size, nil
	}
	if binary.LittleEndian.Uint32(c[off+4:]) != id {
		return nil, 0, errNoDefinition
	}
	key := templateKey{[16]byte(c[off+4 : off+20]), uint32(size)}
	t := d.known(key, body)
	if t == nil {
		p := parser{c: c, pos: body, end: body + size, base: body}
		roots, err := p.document()
		if err != nil {
			return nil, 0, fmt.Errorf("template definition is damaged: %w", err)
		}
		t = &template{roots: roots, body: bytes.Clone(c[body : body+size]), refs: p.refs}
		for i := range t.refs {
			t.refs[i].name = bytes.Clone(t.refs[i].name)
		}
		t.id = d.cache.next
		d.cache.next++
		d.cache.templates[key] = append(d.cache.templates[key], t)
	}
	d.at[uint32(off)] = t
	return t, size, nil
}

// known finds the template of that key whose body is the one at hand.
func (d *Decoder) known(key templateKey, body int) *template {
	for _, t := range d.cache.templates[key] {
		if t.equals(d.chunk[:], body) {
			return t
		}
	}
	return nil
}

// equals compares a body in a chunk with the template's, name by name and byte by byte between the names.
func (t *template) equals(c []byte, body int) bool {
	from := 0
	for i := range t.refs {
		ref := &t.refs[i]
		if !bytes.Equal(t.body[from:ref.at], c[body+from:body+ref.at]) {
			return false
		}
		off := int(binary.LittleEndian.Uint32(c[body+ref.at:]))
		name, ok := nameAt(c, off)
		if !ok || !bytes.Equal(name, ref.name) || ref.inline != (off == body+ref.at+4) {
			return false
		}
		if from = ref.at + 4; ref.inline {
			from += 4 + len(name) + 2
		}
	}
	return bytes.Equal(t.body[from:], c[body+from:body+len(t.body)])
}

// instance is a template with values: which part of the record's slots are its own.
type instance struct {
	t      *template
	at     int // where its definition stands in the chunk; 0 for a fragment without one
	base   int // first slot
	count  int
	parent int // slot that holds it, -1 for the outermost
}

const (
	maxInstances = 64
	maxNesting   = 8
	maxValues    = 8192
)

// decode reads the BinXML of a record into instances and slots, and returns its schema.
func (d *Decoder) decode(pos, end int) (*event.Schema, error) {
	d.cache.trim()
	d.inst, d.slots, d.scratch = d.inst[:0], d.slots[:0], d.scratch[:0]
	if err := d.fragment(pos, end, -1, 0); err != nil {
		return nil, err
	}
	var buf [16 * 8]byte
	key := buf[:0]
	for i := range d.inst {
		in := &d.inst[i]
		key = binary.LittleEndian.AppendUint32(key, in.t.id)
		key = binary.LittleEndian.AppendUint32(key, uint32(in.parent))
		key = binary.LittleEndian.AppendUint32(key, uint32(in.count))
	}
	recent := &d.recent[0]
	if n := len(d.inst); n > 0 {
		recent = &d.recent[d.inst[n-1].t.id%recentShapes]
	}
	s := *recent
	if s == nil || s.key != string(key) {
		if s = d.cache.shapes[string(key)]; s == nil {
			s = d.build()
			s.key = string(key)
			d.cache.shapes[s.key] = s
		}
		*recent = s
	}
	d.shape = s
	return d.schema(s), nil
}

// fragment reads a template instance, or elements without a template, and what is nested in its values.
func (d *Decoder) fragment(pos, end, parent, depth int) error {
	if depth > maxNesting || len(d.inst) >= maxInstances {
		return errors.New("BinXML instances are nested too deep")
	}
	c := d.chunk[:]
	start := pos
	if pos+4 <= end && c[pos] == tokFragment {
		pos += 4
	}
	if pos >= end {
		return errShort
	}
	if c[pos]&^tokMore != tokTemplate {
		return d.loose(start, end, parent)
	}
	if pos+10 > end {
		return errShort
	}
	id, off := binary.LittleEndian.Uint32(c[pos+2:]), int(binary.LittleEndian.Uint32(c[pos+6:]))
	pos += 10
	t, size, err := d.definition(off, id)
	if err != nil {
		return err
	}
	if off == pos {
		pos += definitionHeader + size
	}
	base := len(d.slots)
	if err := d.values(pos, end); err != nil {
		return err
	}
	count := len(d.slots) - base
	d.inst = append(d.inst, instance{t, off, base, count, parent})
	for i := base; i < base+count; i++ {
		if v := d.slots[i]; v.Type == event.BinXML && !allZero(v.Raw) {
			at := chunkBytes - cap(v.Raw)
			if err := d.fragment(at, at+len(v.Raw), i, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// values appends the values of an instance to the slots.
func (d *Decoder) values(pos, end int) error {
	c := d.chunk[:]
	if pos+4 > end {
		return errShort
	}
	n := int(binary.LittleEndian.Uint32(c[pos:]))
	data := pos + 4 + 4*n
	if n < 0 || n > maxValues || data > end {
		return errors.New("number of values is implausible")
	}
	for p := pos + 4; p < pos+4+4*n; p += 4 {
		size := int(binary.LittleEndian.Uint16(c[p:]))
		if data+size > end {
			return errors.New("value reaches beyond its record")
		}
		d.slots = append(d.slots, event.Value{Type: event.Type(c[p+2]), Raw: c[data : data+size]})
		data += size
	}
	return nil
}

// loose reads elements without a template.
func (d *Decoder) loose(pos, end, parent int) error {
	p := parser{c: d.chunk[:], pos: pos, end: end, loose: true}
	roots, err := p.document()
	if err != nil {
		return err
	}
	if len(roots) == 0 {
		return errShort
	}
	t := d.cache.loose[string(p.shape)]
	if t == nil {
		t = &template{id: d.cache.next, roots: roots}
		d.cache.next++
		d.cache.loose[string(p.shape)] = t
	}
	d.inst = append(d.inst, instance{t, 0, len(d.slots), len(p.values), parent})
	d.slots = append(d.slots, p.values...)
	return nil
}
