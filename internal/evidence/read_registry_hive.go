package evidence

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"wardround/internal/event"
)

// A hive is a base block of 4,096 bytes and then cells, eight bytes aligned, that point at one another by their offset
// behind the base block: keys (nk), values (vk), lists of subkeys (lf, lh, li, ri) and big data (db). The format is
// that of msuhanov's "Windows registry file format specification"; the numbers below are offsets in a cell's content.
//
// Nothing here follows a pointer without end: a path has as many keys as the reader asks for, lists of lists are two
// deep, and all cells and bytes together are bounded by the size of the file.

const (
	hiveBase      = 4096
	hiveNone      = 0xffffffff // an offset that points nowhere
	hivePrimary   = 0          // file type in the base block; others are transaction logs
	keySize       = 76         // of a key's content before its name
	bigSegment    = 16344      // bytes of data in each segment of a db cell
	maxHiveValue  = 4 << 20    // what is longer is cut
	maxHiveString = 1 << 20
)

// hive is one hive being read.
type hive struct {
	*pages
	out  *output
	end  int64 // of the cells
	root hiveKey

	cells  int64 // that may still be looked at
	budget int64 // bytes of data that may still be copied
	spent  bool
	bad    map[int64]bool // where damage was told of; bounded by maxDamage
}

// hiveKey is a key. The zero value is none: it has no subkeys and no values.
type hiveKey struct {
	at      int64 // of its cell in the file
	name    string
	written event.Time
	subkeys uint32 // offset of the list
	values  uint32 // offset of the list
	count   uint32 // of values
}

// hiveValue is a value whose data is not yet read.
type hiveValue struct {
	at   int64
	name string
	kind uint32
	size uint32
	data [4]byte // an offset, or the data itself
}

// isHive knows the base block of a hive from those of its transaction logs, which have the same signature.
func isHive(head []byte, _ string) bool {
	return len(head) >= 512 && string(head[:4]) == "regf" && binary.LittleEndian.Uint32(head[28:]) == hivePrimary
}

// newHive reads the base block. It answers no if that is none.
func newHive(p *pages, out *output) (*hive, bool) {
	b := p.bytes(0, 512)
	if len(b) < 512 || string(b[:4]) != "regf" {
		out.damage(0, p.size, "hive shorter than its base block")
		return nil, false
	}
	u := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	h := &hive{pages: p, out: out, bad: map[int64]bool{}, cells: p.size/8 + 4096, budget: p.size + 64<<20}
	if u(4) != u(8) {
		out.note("the hive was open when it was copied: changes that stand in its transaction logs alone were not applied")
	}
	if sum := baseSum(b); sum != u(508) {
		out.damage(0, 512, "base block does not match its checksum")
	}
	if h.end = hiveBase + int64(u(40)); h.end > p.size {
		out.damage(p.size, h.end-p.size, "hive cut short")
		h.end = p.size
	}
	root := u(36)
	h.root = h.key(root)
	return h, true
}

// baseSum is the checksum of the base block's first 508 bytes.
func baseSum(b []byte) (sum uint32) {
	for i := 0; i < 508; i += 4 {
		sum ^= binary.LittleEndian.Uint32(b[i:])
	}
	switch sum {
	case 0:
		return 1
	case 0xffffffff:
		return 0xfffffffe
	}
	return sum
}

// cell returns the content of the cell at that offset, at most n bytes of it, and where it lies. It is valid until the
// next read. What is no cell is damage.
func (h *hive) cell(offset uint32, n int) (b []byte, at int64) {
	if offset == hiveNone || h.spent || h.err != nil {
		return nil, 0
	}
	if h.cells--; h.cells < 0 || h.budget < 0 {
		h.spent = true
		h.out.damage(0, -1, "keys and values refer to more than the hive can hold: reading stopped")
		return nil, 0
	}
	at = hiveBase + int64(offset)
	head := h.pages.bytes(at, 4)
	if len(head) < 4 || at+4 > h.end || offset%8 != 0 {
		h.damaged(min(at, h.size), 4, "reference to a cell outside of the hive")
		return nil, at
	}
	size := -int64(int32(binary.LittleEndian.Uint32(head)))
	if size < 8 || at+size > h.end {
		h.damaged(at, 4, "reference to what is no cell in use")
		return nil, at
	}
	return h.pages.bytes(at+4, int(min(size-4, int64(n)))), at
}

// damaged tells once of what is wrong at a place, however often it is met.
func (h *hive) damaged(at, n int64, why string) {
	if len(h.bad) < maxDamage && !h.bad[at] {
		h.bad[at] = true
		h.out.damage(at, n, why)
	}
}

// key reads the key at that offset; none if there is none.
func (h *hive) key(offset uint32) (k hiveKey) {
	b, at := h.cell(offset, keySize+512)
	if b == nil {
		return k
	}
	u := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	if len(b) < keySize || string(b[:2]) != "nk" {
		h.damaged(at, int64(len(b)), "no key where one is referred to")
		return k
	}
	size := int(binary.LittleEndian.Uint16(b[72:]))
	if keySize+size > len(b) {
		h.damaged(at, int64(len(b)), "key whose name is longer than its cell")
		size = len(b) - keySize
	}
	k = hiveKey{at: at, written: event.FromFileTime(binary.LittleEndian.Uint64(b[4:])), subkeys: hiveNone, values: hiveNone}
	k.name = hiveName(b[keySize:keySize+size], binary.LittleEndian.Uint16(b[2:])&0x20 != 0)
	if u(20) > 0 {
		k.subkeys = u(28)
	}
	if k.count = u(36); k.count > 0 {
		k.values = u(40)
	}
	return k
}

// hiveName reads a name: one byte for each character, in Latin-1, or UTF-16.
func hiveName(b []byte, narrow bool) string {
	t := event.UTF16
	if narrow {
		t = event.Ansi
	}
	return event.Value{Type: t, Raw: b}.String()
}

func (k hiveKey) exists() bool { return k.at != 0 }

// each calls f for the subkeys in their order until it answers no.
func (h *hive) each(k hiveKey, f func(hiveKey) bool) {
	if k.exists() {
		h.list(k.subkeys, true, f)
	}
}

// list goes through a list of subkeys, or of such lists. It answers no when f did.
func (h *hive) list(offset uint32, deep bool, f func(hiveKey) bool) bool {
	b, at := h.cell(offset, 4+8*0xffff)
	if b == nil {
		return true
	}
	if len(b) < 4 {
		h.damaged(at, int64(len(b))+4, "list of subkeys shorter than its head")
		return true
	}
	kind, count, width := string(b[:2]), int(binary.LittleEndian.Uint16(b[2:])), 4
	switch {
	case kind == "lf" || kind == "lh":
		width = 8
	case kind == "li" || kind == "ri" && deep:
	default:
		h.damaged(at, int64(len(b))+4, "no list of subkeys where one is referred to")
		return true
	}
	if 4+count*width > len(b) {
		h.damaged(at, int64(len(b))+4, "list of subkeys longer than its cell")
		count = (len(b) - 4) / width
	}
	list := bytes.Clone(b[4 : 4+count*width])
	h.budget -= int64(len(list))
	for ; len(list) > 0 && !h.spent && h.err == nil; list = list[width:] {
		next := binary.LittleEndian.Uint32(list)
		if kind == "ri" {
			if !h.list(next, false, f) {
				return false
			}
		} else if k := h.key(next); k.exists() && !f(k) {
			return false
		}
	}
	return true
}

// open follows a path of names joined by backslashes; none if a part of it is missing.
func (h *hive) open(k hiveKey, path string) hiveKey {
	for name := range strings.SplitSeq(path, `\`) {
		var found hiveKey
		h.each(k, func(sub hiveKey) bool {
			if strings.EqualFold(sub.name, name) {
				found = sub
			}
			return !found.exists()
		})
		k = found
	}
	return k
}

// values returns the values of a key in their order, at most 65,536.
func (h *hive) values(k hiveKey) []hiveValue {
	if !k.exists() {
		return nil
	}
	b, at := h.cell(k.values, 4<<16)
	if b == nil {
		return nil
	}
	count := int(min(k.count, 1<<16))
	if 4*count > len(b) {
		h.damaged(at, int64(len(b))+4, "list of values longer than its cell")
		count = len(b) / 4
	}
	list := bytes.Clone(b[:4*count])
	h.budget -= int64(len(list))
	var all []hiveValue
	for ; len(list) > 0 && !h.spent && h.err == nil; list = list[4:] {
		if v, ok := h.value(binary.LittleEndian.Uint32(list)); ok {
			all = append(all, v)
		}
	}
	return all
}

func (h *hive) value(offset uint32) (v hiveValue, ok bool) {
	b, at := h.cell(offset, 20+0xffff)
	if b == nil {
		return v, false
	}
	if len(b) < 20 || string(b[:2]) != "vk" {
		h.damaged(at, int64(len(b)), "no value where one is referred to")
		return v, false
	}
	size := int(binary.LittleEndian.Uint16(b[2:]))
	if 20+size > len(b) {
		h.damaged(at, int64(len(b)), "value whose name is longer than its cell")
		size = len(b) - 20
	}
	v = hiveValue{at: at, kind: binary.LittleEndian.Uint32(b[12:]), size: binary.LittleEndian.Uint32(b[4:]), data: [4]byte(b[8:])}
	v.name = hiveName(b[20:20+size], binary.LittleEndian.Uint16(b[16:])&1 != 0)
	h.budget -= int64(size)
	return v, true
}

// data returns a copy of a value's data, cut at maxHiveValue.
func (h *hive) data(v hiveValue) []byte {
	if size := v.size &^ (1 << 31); size != v.size {
		return bytes.Clone(v.data[:min(size, 4)])
	}
	if v.size == 0 {
		return nil
	}
	size := int(min(v.size, maxHiveValue))
	if v.size > maxHiveValue {
		h.out.note("values longer than 4 MiB are cut")
	}
	offset := binary.LittleEndian.Uint32(v.data[:])
	b, at := h.cell(offset, size)
	if b == nil {
		return nil
	}
	if isBig(b, v.size) {
		return h.big(v, bytes.Clone(b[:8]), size)
	}
	if len(b) < size {
		h.damaged(at, int64(len(b))+4, "data shorter than its value states")
	}
	h.budget -= int64(len(b))
	return bytes.Clone(b)
}

// isBig knows the head of big data by its count of segments too. Hives of every version have them, whatever the
// specification says of versions.
func isBig(b []byte, size uint32) bool {
	return size > bigSegment && len(b) >= 8 && len(b) <= 64 && string(b[:2]) == "db" &&
		uint32(binary.LittleEndian.Uint16(b[2:])) == (size+bigSegment-1)/bigSegment
}

// big joins the segments of big data.
func (h *hive) big(v hiveValue, head []byte, size int) []byte {
	b, at := h.cell(binary.LittleEndian.Uint32(head[4:]), 4*int(binary.LittleEndian.Uint16(head[2:])))
	list := bytes.Clone(b)
	var data []byte
	for ; len(list) >= 4 && len(data) < size; list = list[4:] {
		part, _ := h.cell(binary.LittleEndian.Uint32(list), min(bigSegment, size-len(data)))
		if part == nil {
			break
		}
		h.budget -= int64(len(part))
		data = append(data, part...)
	}
	if len(data) < size {
		h.damaged(at, int64(len(b)), fmt.Sprintf("big data of value %q shorter than stated", clip(v.name)))
	}
	return data
}

// clip keeps names in reasons short.
func clip(s string) string { return strings.ToValidUTF8(s[:min(len(s), 100)], "") }
