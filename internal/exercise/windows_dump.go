package exercise

import (
	"encoding/binary"

	"wardround/internal/event"
)

// minidump is the head of a memory dump as comsvcs.dll writes it: what was dumped, when, on which system, and no memory. The form is that of the
// Windows SDK's minidumpapiset.h.
func (s *server) minidump(at event.Time, modules []string) []byte {
	le := binary.LittleEndian
	version := map[int][3]uint32{2008: {6, 1, 7601}, 2012: {6, 3, 9600}, 2016: {10, 0, 14393}, 2019: {10, 0, 17763}, 2022: {10, 0, 20348}}[s.year]
	system := make([]byte, 56)
	le.PutUint16(system, 9) // AMD64
	system[6], system[7] = 4, 3
	for i, n := range append(version[:], 2) { // of Windows NT
		le.PutUint32(system[8+4*i:], n)
	}
	list := make([]byte, 4+108*len(modules))
	le.PutUint32(list, uint32(len(modules)))
	streams := []struct {
		kind uint32
		data []byte
	}{{7, system}, {4, list}, {9, make([]byte, 16)}, {10, []byte(event.ExerciseMark + ": the memory of LSASS stood here\x00")}}
	const header, entry = 32, 12
	texts := uint32(header + entry*len(streams))
	for _, x := range streams {
		texts += uint32(len(x.data))
	}
	var names []byte
	name := func(text string) uint32 {
		at := texts + uint32(len(names))
		wide := utf16le(text) // its zero is not counted
		names = append(le.AppendUint32(names, uint32(len(wide)-2)), wide...)
		return at
	}
	le.PutUint32(system[24:], name("")) // the service pack
	for i, m := range modules {
		b := list[4+108*i:]
		le.PutUint64(b, 0x7ff6_0000_0000+uint64(i)<<24)
		le.PutUint32(b[8:], 0x20_0000)
		le.PutUint32(b[20:], name(m))
	}
	le.PutUint64(streams[2].data[8:], uint64(texts)+uint64(len(names))) // where memory would begin
	out := []byte("MDMP\x93\xa7\x00\x00")
	for _, n := range []uint32{uint32(len(streams)), header, 0, uint32(s.local(at).Std().Unix()), 2, 0} {
		out = le.AppendUint32(out, n)
	}
	rva := uint32(header + entry*len(streams))
	for _, x := range streams {
		out = le.AppendUint32(le.AppendUint32(le.AppendUint32(out, x.kind), uint32(len(x.data))), rva)
		rva += uint32(len(x.data))
	}
	for _, x := range streams {
		out = append(out, x.data...)
	}
	return append(out, names...)
}
