package evidence

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"wardround/internal/event"
)

const (
	mftRoot       = 5 // number of the root folder's record
	mftInUse      = 1
	mftIsFolder   = 2
	referenceMask = 1<<48 - 1 // of a file reference: the record's number, below its sequence number
)

// mftEntry is one record of the table. Its bytes belong to the buffer that was decoded.
type mftEntry struct {
	number     uint64
	sequence   uint16
	flags      uint16
	base       uint64 // reference of the record that this one is a further part of; 0 if it stands for a file
	times      [4]uint64
	attributes uint32
	usn        uint64
	name       mftName
	size       uint64
	sized      bool
	listed     bool   // attributes of it stand in further records
	streams    []byte // names of alternate data streams, UTF-16, each closed by a NUL
	zone       []byte // content of Zone.Identifier, which a browser leaves beside what it downloads
}

// mftName is a $FILE_NAME attribute.
type mftName struct {
	parent uint64 // file reference of the folder
	times  [4]uint64
	text   []byte // UTF-16
	rank   uint8  // 3: the long name, 2: a POSIX name, 1: a short name of DOS; 0: none
}

func (e *mftEntry) named() bool { return e.name.rank > 0 }

// Types of attribute.
const (
	attrStandard = 0x10
	attrList     = 0x20
	attrName     = 0x30
	attrData     = 0x80
	attrEnd      = 0xffffffff
)

// decode reads a record, whose sectors it puts in order in place. It returns why the record, or its rest, cannot be
// read; what was read before counts.
func (e *mftEntry) decode(number uint64, rec []byte) (why string) {
	streams := e.streams[:0]
	*e = mftEntry{number: number, streams: streams}
	if len(rec) < 48 || len(rec)%512 != 0 {
		return "truncated record"
	}
	switch string(rec[:4]) {
	case "FILE":
	case "BAAD":
		return "record that the system marked as bad"
	default:
		return "no record of the table"
	}
	if why := mendSectors(rec); why != "" {
		return why
	}
	u16, u32, u64 := binary.LittleEndian.Uint16, binary.LittleEndian.Uint32, binary.LittleEndian.Uint64
	e.sequence, e.flags, e.base = u16(rec[16:]), u16(rec[22:]), u64(rec[32:])
	used := int(u32(rec[24:]))
	if used > len(rec) {
		return "record is longer than its place"
	}
	for at := int(u16(rec[20:])); ; {
		if at+4 > used || at%4 != 0 {
			return "attributes without an end"
		}
		kind := u32(rec[at:])
		if kind == attrEnd {
			return ""
		}
		if at+24 > used {
			return "attribute reaches beyond its record"
		}
		size := int(u32(rec[at+4:]))
		if size < 24 || size > used-at {
			return "attribute reaches beyond its record"
		}
		e.attribute(kind, rec[at:at+size])
		at += size
	}
}

// mendSectors puts back the last two bytes of each sector, which NTFS replaces by a number to find records that were
// written in part.
func mendSectors(rec []byte) (why string) {
	at, count := int(binary.LittleEndian.Uint16(rec[4:])), int(binary.LittleEndian.Uint16(rec[6:]))
	if count != len(rec)/512+1 || at < 40 || at+2*count > 510 {
		return "update sequence makes no sense"
	}
	for i := 1; i < count; i++ {
		end := rec[i*512-2 : i*512]
		if !bytes.Equal(end, rec[at:at+2]) {
			return "torn record: its sectors were written at different times"
		}
		copy(end, rec[at+2*i:])
	}
	return ""
}

// attribute takes what is wanted of one attribute of at least 24 bytes. What makes no sense is passed over: others of
// the record may.
func (e *mftEntry) attribute(kind uint32, a []byte) {
	u16, u32, u64 := binary.LittleEndian.Uint16, binary.LittleEndian.Uint32, binary.LittleEndian.Uint64
	resident := a[8] == 0
	var value []byte
	if n, from := uint64(u32(a[16:])), uint64(u16(a[20:])); resident && from+n <= uint64(len(a)) {
		value = a[from : from+n]
	}
	switch kind {
	case attrList:
		e.listed = true
	case attrStandard:
		if len(value) >= 48 {
			for i := range e.times {
				e.times[i] = u64(value[8*i:])
			}
			e.attributes = u32(value[32:])
		}
		if len(value) >= 72 {
			e.usn = u64(value[64:])
		}
	case attrName:
		e.fileName(value)
	case attrData:
		n, from := 2*int(a[9]), int(u16(a[10:]))
		if n > 0 && from+n <= len(a) {
			e.stream(a[from:from+n], value)
		} else if n == 0 && resident {
			e.size, e.sized = uint64(len(value)), true
		} else if n == 0 && len(a) >= 56 && u64(a[16:]) == 0 { // the first part tells the size of all
			e.size, e.sized = u64(a[48:]), true
		}
	}
}

// nameRanks are by namespace: POSIX, Win32, DOS, Win32 and DOS.
var nameRanks = [4]uint8{2, 3, 1, 3}

func (e *mftEntry) fileName(v []byte) {
	if len(v) < 66 || len(v) < 66+2*int(v[64]) || v[64] == 0 {
		return
	}
	rank := nameRanks[v[65]&3]
	if rank <= e.name.rank {
		return
	}
	e.name = mftName{parent: binary.LittleEndian.Uint64(v), text: v[66 : 66+2*int(v[64])], rank: rank}
	for i := range e.name.times {
		e.name.times[i] = binary.LittleEndian.Uint64(v[8+8*i:])
	}
}

// maxStreams bounds the bytes of the names of a file's streams.
const maxStreams = 4096

var zoneIdentifier = []byte("Z\x00o\x00n\x00e\x00.\x00I\x00d\x00e\x00n\x00t\x00i\x00f\x00i\x00e\x00r\x00")

func (e *mftEntry) stream(name, value []byte) {
	if len(e.streams)+len(name) < maxStreams && !hasWideNUL(name) {
		e.streams = append(append(e.streams, name...), 0, 0)
	}
	if len(value) > 0 && bytes.Equal(name, zoneIdentifier) {
		e.zone = value
	}
}

// hasWideNUL reports whether text in UTF-16 holds a NUL, which would part the names of a list.
func hasWideNUL(b []byte) bool {
	for i := 0; i+1 < len(b); i += 2 {
		if b[i] == 0 && b[i+1] == 0 {
			return true
		}
	}
	return false
}

var (
	stompedBefore = event.Text("created before its name")
	stompedRound  = event.Text("no fraction of a second")
	stompedBoth   = event.Text("created before its name, no fraction of a second")
)

// stomped tells the signs that the times of a file were set. $STANDARD_INFORMATION, which any program may set, says that
// it was created before $FILE_NAME, which only the kernel writes; or its creation lies on a whole second and that of the
// name does not, as tools leave it that know no fractions. Archives unpacked and installers leave the same signs.
func (e *mftEntry) stomped() event.Value {
	si, fn := e.times[0], e.name.times[0]
	if si == 0 || fn == 0 {
		return event.Value{}
	}
	before, round := si < fn, si%1e7 == 0 && fn%1e7 != 0
	switch {
	case before && round:
		return stompedBoth
	case before:
		return stompedBefore
	case round:
		return stompedRound
	}
	return event.Value{}
}

// The bounds of what the first reading keeps of a table: about 100 MB at most.
const (
	maxFolderNames = 64 << 20 // bytes of all names
	maxMFTFolders  = 1 << 20
	maxMFTParts    = 1 << 17
)

// mftFolders is what of a table stays in memory: the folders, and parts of files that stand in records of their own.
type mftFolders struct {
	folders []mftDirectory // by number, once settled
	parts   []mftPart      // by number of the base record, once settled
	text    []byte         // names, UTF-16
	full    bool
}

type mftDirectory struct {
	number, parent           uint32
	sequence, parentSequence uint16
	at                       uint32 // of the name in text
	chars                    uint8
	rank                     uint8 // of the name
	deleted                  bool
}

// mftPart is what a further record adds to its base record.
type mftPart struct {
	base    uint32
	name    mftName // without its text
	at      uint32  // of the name's text in mftFolders.text
	chars   uint8
	size    uint64
	sized   bool
	streams []byte
}

// keep copies a name and returns where it is.
func (m *mftFolders) keep(name []byte) (at uint32, ok bool) {
	if len(m.text)+len(name) > maxFolderNames {
		m.full = true
		return 0, false
	}
	at = uint32(len(m.text))
	m.text = append(m.text, name...)
	return at, true
}

func (m *mftFolders) addFolder(e *mftEntry) {
	parent := e.name.parent & referenceMask
	if len(m.folders) >= maxMFTFolders || e.number >= 1<<32 || parent >= 1<<32 {
		m.full = true
		return
	}
	at, ok := m.keep(e.name.text)
	if !ok {
		return
	}
	m.folders = append(m.folders, mftDirectory{
		number: uint32(e.number), parent: uint32(parent), sequence: e.sequence, parentSequence: uint16(e.name.parent >> 48),
		at: at, chars: uint8(len(e.name.text) / 2), rank: e.name.rank, deleted: e.flags&mftInUse == 0,
	})
}

func (m *mftFolders) addPart(e *mftEntry) {
	base := e.base & referenceMask
	if base >= 1<<32 || !e.named() && !e.sized && len(e.streams) == 0 {
		return
	}
	if len(m.parts) >= maxMFTParts {
		m.full = true
		return
	}
	at, ok := m.keep(e.name.text)
	if !ok {
		return
	}
	p := mftPart{base: uint32(base), name: e.name, at: at, chars: uint8(len(e.name.text) / 2), size: e.size, sized: e.sized}
	p.name.text = nil
	if len(e.streams) > 0 {
		p.streams = bytes.Clone(e.streams)
	}
	m.parts = append(m.parts, p)
}

// settle puts what was learned in order, so that it can be looked up. Folders whose names stand in a further record get
// them.
func (m *mftFolders) settle() {
	slices.SortStableFunc(m.folders, func(a, b mftDirectory) int { return cmp.Compare(a.number, b.number) })
	slices.SortStableFunc(m.parts, func(a, b mftPart) int { return cmp.Compare(a.base, b.base) })
	for i := range m.folders {
		f := &m.folders[i]
		rank := f.rank
		for _, p := range m.partsOf(uint64(f.number)) {
			if parent := p.name.parent & referenceMask; p.name.rank > rank && parent < 1<<32 {
				rank = p.name.rank
				f.parent, f.parentSequence, f.at, f.chars = uint32(parent), uint16(p.name.parent>>48), p.at, p.chars
			}
		}
	}
}

// partsOf are the further parts of a record.
func (m *mftFolders) partsOf(number uint64) []mftPart {
	if number >= 1<<32 {
		return nil
	}
	at := func(p mftPart, n uint64) int { return cmp.Compare(uint64(p.base), n) }
	from, _ := slices.BinarySearchFunc(m.parts, number, at)
	to, _ := slices.BinarySearchFunc(m.parts[from:], number+1, at)
	return m.parts[from : from+to]
}

// complete adds to a base record what its further parts hold.
func (m *mftFolders) complete(e *mftEntry) {
	for _, p := range m.partsOf(e.number) {
		if p.name.rank > e.name.rank {
			e.name = p.name
			e.name.text = m.text[p.at : int(p.at)+2*int(p.chars)]
		}
		if p.sized && !e.sized {
			e.size, e.sized = p.size, true
		}
		if len(e.streams)+len(p.streams) <= maxStreams {
			e.streams = append(e.streams, p.streams...)
		}
	}
}

// maxFolderDepth bounds a path: Windows' own limit of 32,767 characters allows more, no real volume has it.
const maxFolderDepth = 256

var orphanFiles = appendUTF16Text(nil, `\$OrphanFiles`)

// appendPath appends the path of the folder of that reference, "" for the root. A folder that is not known, or whose
// record is used for another by now, is \$OrphanFiles.
func (m *mftFolders) appendPath(b []byte, ref uint64) []byte {
	var up [maxFolderDepth]*mftDirectory
	n := 0
	for number, sequence := ref&referenceMask, uint16(ref>>48); number != mftRoot; n++ {
		f := m.folder(number, sequence)
		if f == nil || n == maxFolderDepth {
			b = append(b, orphanFiles...)
			break
		}
		up[n] = f
		number, sequence = uint64(f.parent), f.parentSequence
	}
	for n--; n >= 0; n-- {
		f := up[n]
		b = append(b, '\\', 0)
		b = append(b, m.text[f.at:int(f.at)+2*int(f.chars)]...)
	}
	return b
}

// folder finds a folder. Deleting one counts its sequence number up.
func (m *mftFolders) folder(number uint64, sequence uint16) *mftDirectory {
	if number >= 1<<32 {
		return nil
	}
	i, ok := slices.BinarySearchFunc(m.folders, uint32(number), func(f mftDirectory, n uint32) int { return cmp.Compare(f.number, n) })
	if !ok {
		return nil
	}
	f := &m.folders[i]
	if sequence != f.sequence && !(f.deleted && sequence+1 == f.sequence) && sequence != 0 {
		return nil
	}
	return f
}
