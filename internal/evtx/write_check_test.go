package evtx

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"unicode/utf16"

	"wardround/internal/event"
)

// checkedRecord is a record as the checker below reads it back.
type checkedRecord struct {
	id      uint64
	written uint64 // FILETIME in the header
	leaves  []leaf
}

// leaf is a text, an attribute or a substituted value, with the path to it: Event/EventData/Data[Name].
type leaf struct {
	path string
	typ  event.Type
	raw  []byte
}

// value returns the leaf at the path.
func (r checkedRecord) value(path string) (leaf, bool) {
	for _, l := range r.leaves {
		if l.path == path {
			return l, true
		}
	}
	return leaf{}, false
}

// checker reads a log that is whole, strictly by the description of the format, and fails the test at the first thing
// that is not as it must be. It shares no code with the writer, nor with the decoder, which must forgive.
type checker struct {
	t           failer
	b           []byte         // one chunk
	names       map[int]string // by offset, as the string table lists them
	definitions map[int]bool   // by offset, as the template table lists them
	seenNames   map[int]bool   // those that stand in records
	seenDefs    map[int]bool
}

// failer is the part of *testing.T that the checker needs; Fatalf does not return.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func (c *checker) fail(format string, args ...any) {
	c.t.Helper()
	c.t.Fatalf(format, args...)
}

func (c *checker) u16(at int) int { return int(binary.LittleEndian.Uint16(c.b[at:])) }
func (c *checker) u32(at int) int { return int(binary.LittleEndian.Uint32(c.b[at:])) }
func (c *checker) u64(at int) uint64 {
	return binary.LittleEndian.Uint64(c.b[at:])
}

// check reads the log back, oldest chunk first.
func check(t failer, log []byte) []checkedRecord {
	t.Helper()
	h := &checker{t: t, b: log}
	if string(log[:8]) != "ElfFile\x00" || h.u32(32) != 128 || h.u16(38) != 3 || h.u16(40) != 4096 {
		t.Fatalf("file header: % x", log[:48])
	}
	noChecksum := h.u32(120)&4 != 0
	if sum := int(crc32.ChecksumIEEE(log[:120])); sum != h.u32(124) && !noChecksum {
		t.Fatalf("file header checksum %08x, computed %08x", h.u32(124), sum)
	}
	oldest, newest, count := int(h.u64(8)), int(h.u64(16)), h.u16(42)
	if newest != (oldest+count-1)%count || len(log) < 4096+count*65536 || (len(log)-4096)%65536 != 0 {
		t.Fatalf("file header: oldest chunk %d, newest %d of %d in %d bytes", oldest, newest, count, len(log))
	}
	for at := 4096 + count*65536; at < len(log); at++ {
		if log[at] != 0 {
			t.Fatalf("byte at %d behind the last chunk is not zero", at)
		}
	}
	var records []checkedRecord
	for i := range count {
		at := 4096 + (oldest+i)%count*65536
		records = append(records, checkChunk(t, log[at:at+65536], noChecksum)...)
	}
	for i := 1; i < len(records); i++ {
		if records[i].id <= records[i-1].id {
			t.Fatalf("record id %d follows %d", records[i].id, records[i-1].id)
		}
	}
	dirty := h.u32(120)&1 != 0
	if next := h.u64(24); len(records) > 0 && next != records[len(records)-1].id+1 && !dirty {
		t.Fatalf("next record id %d behind %d", next, records[len(records)-1].id)
	}
	return records
}

func checkChunk(t failer, b []byte, noChecksum bool) []checkedRecord {
	t.Helper()
	c := &checker{t: t, b: b, names: map[int]string{}, definitions: map[int]bool{}, seenNames: map[int]bool{}, seenDefs: map[int]bool{}}
	free := c.u32(48)
	if string(b[:8]) != "ElfChnk\x00" || c.u32(40) != 128 || free < 512 || free > 65536 || (c.u32(120)&4 != 0) != noChecksum {
		c.fail("chunk header: % x", b[:128])
	}
	if sum := int(crc32.ChecksumIEEE(b[512:free])); !noChecksum && sum != c.u32(52) {
		c.fail("checksum of records %08x, computed %08x", c.u32(52), sum)
	}
	sum := crc32.NewIEEE()
	sum.Write(b[:120])
	sum.Write(b[128:512])
	if !noChecksum && int(sum.Sum32()) != c.u32(124) {
		c.fail("checksum of chunk header %08x, computed %08x", c.u32(124), sum.Sum32())
	}
	c.tables()
	var records []checkedRecord
	last := 0
	for at := 512; at < free; {
		size := c.u32(at + 4)
		if string(b[at:at+4]) != "**\x00\x00" || size%8 != 0 || at+size > free || c.u32(at+size-4) != size {
			c.fail("record at %d: % x", at, b[at:at+24])
		}
		r := checkedRecord{id: c.u64(at + 8), written: c.u64(at + 16)}
		end := c.fragment(at+24, "", &r.leaves)
		if pad := at + size - 4 - end; pad < 0 || pad > 7 {
			c.fail("record at %d: %d bytes between its XML and its end", at, pad)
		}
		records, last, at = append(records, r), at, at+size
	}
	c.header(records, last)
	if len(c.seenNames) != len(c.names) || len(c.seenDefs) != len(c.definitions) {
		c.fail("tables list %d names and %d definitions, records hold %d and %d", len(c.names), len(c.definitions), len(c.seenNames), len(c.seenDefs))
	}
	return records
}

// header checks what the header says of the records.
func (c *checker) header(records []checkedRecord, last int) {
	number, first, final := uint64(1), ^uint64(0), ^uint64(0)
	if n := len(records); n > 0 {
		number, first, final = records[0].id, records[0].id, records[n-1].id
	}
	if c.u64(8) != number || c.u64(16) != final || c.u64(24) != first || c.u64(32) != final || c.u32(44) != last {
		c.fail("chunk header does not fit its %d records: % x", len(records), c.b[:56])
	}
}

// tables follows the chains of names and definitions: the latest first, each in the bucket of its hash.
func (c *checker) tables() {
	hash := func(at, units int) (h uint32) {
		for i := range units {
			h = h*65599 + uint32(c.u16(at+2*i))
		}
		return h & 0xffff
	}
	spelled := map[string]bool{}
	for bucket := range 64 {
		for at, before := c.u32(128+4*bucket), 65536; at != 0; at, before = c.u32(at), at {
			n := c.u16(at + 6)
			h := hash(at+8, n)
			if at >= before || int(h) != c.u16(at+4) || int(h%64) != bucket || c.u16(at+8+2*n) != 0 {
				c.fail("bucket %d: name at %d, hash %04x", bucket, at, h)
			}
			s := c.text(at+8, n)
			if spelled[s] {
				c.fail("name %q stands twice", s)
			}
			spelled[s], c.names[at] = true, s
		}
	}
	guids := map[string]bool{}
	for bucket := range 32 {
		for at, before := c.u32(384+4*bucket), 65536; at != 0; at, before = c.u32(at), at {
			guid := string(c.b[at+4 : at+20])
			if at >= before || int(hash(at+4, 8)%32) != bucket || guids[guid] {
				c.fail("bucket %d: definition at %d", bucket, at)
			}
			guids[guid], c.definitions[at] = true, true
		}
	}
}

func (c *checker) text(at, units int) string {
	u := make([]uint16, units)
	for i := range u {
		u[i] = uint16(c.u16(at + 2*i))
	}
	return string(utf16.Decode(u))
}

// name reads a name's offset and, if it follows, the name.
func (c *checker) name(at int) (string, int) {
	off := c.u32(at)
	s, ok := c.names[off]
	if !ok || off > at+4 {
		c.fail("name at %d is not in the table, or behind its use at %d", off, at)
	}
	if at += 4; off != at {
		return s, at
	}
	c.seenNames[off] = true
	return s, at + 8 + 2*c.u16(at+6) + 2
}

// fragment reads a document: a template instance or elements, up to and with the end token.
func (c *checker) fragment(at int, path string, out *[]leaf) int {
	if c.b[at] == 0x0f {
		if c.u32(at) != 0x0001010f {
			c.fail("fragment header at %d", at)
		}
		at += 4
	}
	if c.b[at] == 0x0c {
		at = c.instance(at, path, out)
	} else {
		at = c.nodes(at, nil, false, path, out)
	}
	if c.b[at] != 0 {
		c.fail("no end of fragment at %d: %02x", at, c.b[at])
	}
	return at + 1
}

func (c *checker) instance(at int, path string, out *[]leaf) int {
	id, off := c.u32(at+2), c.u32(at+6)
	if c.b[at+1] != 1 || !c.definitions[off] || c.u32(off+4) != id || off > at+10 {
		c.fail("template instance at %d: definition at %d", at, off)
	}
	if at += 10; off == at {
		c.seenDefs[off] = true
		at += 24 + c.u32(off+20)
	}
	count := c.u32(at)
	at += 4
	values := make([]event.Value, count)
	data := at + 4*count
	offsets := map[int]int{}
	for i := range values {
		n := c.u16(at + 4*i)
		values[i] = event.Value{Type: event.Type(c.b[at+4*i+2]), Raw: c.b[data : data+n]}
		offsets[i] = data
		data += n
	}
	body := &body{values: values, offsets: offsets}
	if c.u32(off+24) != 0x0001010f {
		c.fail("definition at %d has no fragment header", off)
	}
	end := c.nodes(off+28, body, true, path, out)
	if c.b[end] != 0 || end+1 != off+24+c.u32(off+20) {
		c.fail("definition at %d ends at %d, its size is %d", off, end, c.u32(off+20))
	}
	return data
}

// body is the values of the instance whose definition is being read.
type body struct {
	values  []event.Value
	offsets map[int]int
	skip    bool // inside an element that a null leaves out
}

// nodes reads content until something closes it.
func (c *checker) nodes(at int, in *body, definition bool, path string, out *[]leaf) int {
	for {
		switch tok := c.b[at]; tok &^ 0x40 {
		case 0x01:
			at = c.element(at, in, definition, path, out)
		case 0x05:
			if c.b[at+1] != 1 {
				c.fail("text of type %02x at %d", c.b[at+1], at)
			}
			n := 2 * c.u16(at+2)
			c.leaf(in, path, event.UTF16, c.b[at+4:at+4+n], out)
			at += 4 + n
		case 0x07:
			n := 2 * c.u16(at+1)
			c.leaf(in, path+"/cdata", event.UTF16, c.b[at+3:at+3+n], out)
			at += 3 + n
		case 0x08:
			c.leaf(in, path+"/char", event.Uint16, c.b[at+1:at+3], out)
			at += 3
		case 0x09:
			s, end := c.name(at + 1)
			c.leaf(in, path+"/entity", event.UTF8, []byte(s), out)
			at = end
		case 0x0a:
			s, end := c.name(at + 1)
			n := 2 * c.u16(end+1)
			c.leaf(in, path+"?"+s, event.UTF16, c.b[end+3:end+3+n], out)
			at = end + 3 + n
		case 0x0d, 0x0e:
			c.substitute(tok, c.u16(at+1), in, path, out)
			at += 4
		case 0x00, 0x02, 0x03, 0x04, 0x06:
			return at
		default:
			c.fail("token %02x at %d", tok, at)
		}
	}
}

func (c *checker) leaf(in *body, path string, t event.Type, raw []byte, out *[]leaf) {
	if in == nil || !in.skip {
		*out = append(*out, leaf{path, t, raw})
	}
}

func (c *checker) substitute(tok byte, slot int, in *body, path string, out *[]leaf) {
	if slot >= len(in.values) {
		c.fail("%s: slot %d of %d", path, slot, len(in.values))
	}
	switch v := in.values[slot]; {
	case v.Type == event.BinXML:
		start := in.offsets[slot]
		if end := c.fragment(start, path, out); end != start+len(v.Raw) {
			c.fail("%s: nested XML ends %d bytes early", path, start+len(v.Raw)-end)
		}
	case tok == 0x0d || v.Type != event.Null:
		c.leaf(in, path, v.Type, v.Raw, out)
	}
}

func (c *checker) element(at int, in *body, definition bool, path string, out *[]leaf) int {
	hasAttributes := c.b[at]&0x40 != 0
	at++
	if definition {
		if d := c.u16(at); d != 0xffff {
			was := in.skip
			defer func() { in.skip = was }()
			in.skip = was || in.values[d].Type == event.Null
		}
		at += 2
	}
	end := at + 4 + c.u32(at)
	name, at := c.name(at + 4)
	path = joinPath(path, name)
	if hasAttributes {
		stop := at + 4 + c.u32(at)
		at += 4
		for more := true; more; {
			more = c.b[at]&0x40 != 0
			if c.b[at]&^0x40 != 0x06 {
				c.fail("no attribute at %d", at)
			}
			key, next := c.name(at + 1)
			start := len(*out)
			at = c.nodes(next, in, definition, path+"@"+key, out)
			if key == "Name" && name == "Data" && len(*out) == start+1 {
				path += fmt.Sprintf("[%s]", event.Value{Type: event.UTF16, Raw: (*out)[start].raw})
				*out = (*out)[:start]
			}
		}
		if at != stop {
			c.fail("%s: attributes end at %d, stated %d", path, at, stop)
		}
	}
	switch c.b[at] {
	case 0x03:
		at++
	case 0x02:
		at = c.nodes(at+1, in, definition, path, out)
		if c.b[at] != 0x04 {
			c.fail("%s: closed by %02x", path, c.b[at])
		}
		at++
	default:
		c.fail("%s: start tag ends with %02x", path, c.b[at])
	}
	if at != end {
		c.fail("%s: ends at %d, stated %d", path, at, end)
	}
	return at
}

func joinPath(path, name string) string {
	if path == "" {
		return name
	}
	return path + "/" + name
}
