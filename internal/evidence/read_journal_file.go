package evidence

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// A journal file is a header and then objects, one behind another, each eight bytes aligned: field values (DATA), log
// entries that refer to them (ENTRY), hash tables and indexes. The format is that of systemd's JOURNAL_FILE_FORMAT.
//
// The objects are read in the order in which they lie, not through the indexes: so a broken index hides nothing, and
// what is broken is found. Each value's hash is checked, which shows what was changed in place afterwards.

const (
	journalData = 1 + iota
	journalFieldObject
	journalEntryObject
	journalDataHash
	journalFieldHash
	journalEntryArray
	journalTag
)

const (
	flagXZ  = 1
	flagLZ4 = 2
	flagZST = 4

	incompatKeyed   = 4
	incompatCompact = 16

	stateOnline = 1

	maxJournalItems  = 4096    // fields of one entry; journald writes at most 1024
	maxJournalObject = 1 << 30 // journald's own bound is 768 MiB
	maxHashed        = 4 << 20 // a value longer than this is not checked against its hash
)

// journalMinimum is the smallest size of each type of object.
var journalMinimum = [8]uint64{journalData: 64, journalFieldObject: 40, journalEntryObject: 64, journalDataHash: 16, journalFieldHash: 16, journalEntryArray: 24, journalTag: 64}

// journalFile is one file being read.
type journalFile struct {
	entry *journalEntry
	out   *output
	pages *pages
	size  int64

	key     [16]byte // of the hashes: the file's id
	keyed   bool
	compact bool
	begin   int64 // of the first object
	end     int64 // of the last, as the header tells

	lastSeq  uint64
	entries  uint64
	missing  uint64 // sequence numbers that no entry bears
	broken   bool   // damage was met since the last entry
	scratch  []byte
	unpacked []byte
	budget   int64 // bytes of values still to be taken: hostile entries may all refer to one large value
	zst      *zstd.Decoder
}

func readJournalFile(ctx context.Context, in *input, e *journalEntry) error {
	p, err := in.pages(ctx)
	if err != nil {
		return err
	}
	size := p.size
	f := &journalFile{entry: e, out: e.out, size: size, pages: p, budget: 1<<30 + 64*size}
	if !f.header() {
		return f.pages.err
	}
	for off, polled := f.begin, 0; off+16 <= size; polled++ {
		if polled&1023 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		next := f.object(off)
		if f.pages.err != nil {
			return f.pages.err
		}
		off = next
	}
	f.close()
	return f.pages.err
}

func (f *journalFile) header() bool {
	b := f.pages.bytes(0, 208)
	if len(b) < 208 {
		f.out.damage(0, f.size, "journal shorter than its header")
		return false
	}
	incompatible := binary.LittleEndian.Uint32(b[12:])
	f.keyed, f.compact = incompatible&incompatKeyed != 0, incompatible&incompatCompact != 0
	f.key = [16]byte(b[24:40])
	f.begin = int64(min((binary.LittleEndian.Uint64(b[88:])+7)&^7, uint64(f.size)))
	if f.begin < 208 || f.begin > 4096 {
		f.out.damage(88, 8, "header size that no journal has")
		f.begin = 208
	}
	if incompatible&^31 != 0 {
		f.out.note("the journal uses features that are not known: what can be read is")
	}
	if b[16] == stateOnline {
		f.out.note("the journal was not closed: copied while in use, or after a crash")
	}
	f.end = int64(min(binary.LittleEndian.Uint64(b[136:]), uint64(1<<62)))
	if f.end > f.size {
		f.out.damage(f.size, -1, "journal cut short: its last object lies behind the end")
	}
	f.entries = binary.LittleEndian.Uint64(b[152:])
	return true
}

// object reads the object at off and returns where the next begins.
func (f *journalFile) object(off int64) int64 {
	b := f.pages.bytes(off, 16)
	kind, flags, size := b[0], b[1], binary.LittleEndian.Uint64(b[8:])
	if !plausibleObject(b, f.size-off) {
		next := f.resync(off)
		if next < f.size || off < f.end {
			f.broken = true
			f.out.damage(off, next-off, "no journal object")
		}
		return next
	}
	switch kind {
	case journalData:
		f.check(off, int64(size), flags)
	case journalEntryObject:
		f.readEntry(off, int64(size))
	}
	return off + int64((size+7)&^7)
}

// plausibleObject checks an object's head: type, flags, zeros and size.
func plausibleObject(b []byte, room int64) bool {
	if b[0] < journalData || b[0] > journalTag || b[1] > flagXZ|flagLZ4|flagZST || !isZero(b[2:8]) {
		return false
	}
	size := binary.LittleEndian.Uint64(b[8:])
	return size >= journalMinimum[b[0]] && size <= uint64(room) && size <= maxJournalObject
}

// resync looks for the next object behind off that has another, or the end, behind it.
func (f *journalFile) resync(off int64) int64 {
	for off += 8; off+16 <= f.size; off += 8 {
		b := f.pages.bytes(off, 16)
		if len(b) < 16 {
			return f.size
		}
		if !plausibleObject(b, f.size-off) {
			continue
		}
		behind := off + int64((binary.LittleEndian.Uint64(b[8:])+7)&^7)
		if behind+16 > f.size {
			return off
		}
		if b = f.pages.bytes(behind, 16); plausibleObject(b, f.size-behind) || isZero(b) {
			return off
		}
	}
	return f.size
}

// readEntry reads an entry and the values that it refers to.
func (f *journalFile) readEntry(off, size int64) {
	item, le := int64(16), binary.LittleEndian
	if f.compact {
		item = 4
	}
	count := (size - 64) / item
	if count > maxJournalItems {
		f.out.damage(off, size, "entry with more fields than a journal takes")
		return
	}
	b := append(f.scratch[:0], f.pages.bytes(off, int(64+count*item))...)
	f.scratch = b
	if int64(len(b)) < 64+count*item {
		return
	}
	seq, micros := le.Uint64(b[16:]), le.Uint64(b[24:])
	f.entry.reset()
	f.entry.time = unixTime(int64(micros/1e6), int(micros%1e6)*1000)
	for i := range count {
		at := b[64+i*item:]
		data := int64(0)
		if f.compact {
			data = int64(le.Uint32(at))
		} else {
			data = int64(le.Uint64(at) &^ (1 << 63))
		}
		f.value(off, data)
	}
	f.sequence(seq)
	f.entry.send(seq, off)
}

// sequence follows the numbers of entries. The journals of a machine's users and its own share one count, so a gap is
// no hole by itself; across a damaged stretch it is.
func (f *journalFile) sequence(seq uint64) {
	if f.lastSeq > 0 && seq > f.lastSeq+1 {
		f.missing += seq - f.lastSeq - 1
		if f.broken && len(f.out.facts.Holes) < maxDamage {
			f.out.facts.Holes = append(f.out.facts.Holes, [2]uint64{f.lastSeq + 1, seq - 1})
		}
	}
	f.lastSeq, f.broken = seq, false
	if f.entries > 0 {
		f.entries--
	}
}

func (f *journalFile) close() {
	if f.missing > 0 {
		f.out.note("%d sequence numbers between the first and the last entry stand in other journals of the machine, or nowhere", f.missing)
	}
	if f.entries > 0 && f.end <= f.size {
		f.out.note("the header counts %d entries more than are there", f.entries)
	}
}

// payload is where the value of a DATA object begins.
func (f *journalFile) payload() int64 {
	if f.compact {
		return 72
	}
	return 64
}

// value gives the field that stands in the DATA object at off to the entry. Other objects at the place that an entry
// names are damage of the entry.
func (f *journalFile) value(entry, off int64) {
	if off < f.begin || off+f.payload() > f.size {
		f.out.damage(entry, 64, "entry that refers to no value")
		return
	}
	b := f.pages.bytes(off, 16)
	flags, size := b[1], int64(binary.LittleEndian.Uint64(b[8:]))
	if !plausibleObject(b, f.size-off) || b[0] != journalData || size < f.payload() {
		f.out.damage(entry, 64, "entry that refers to no value")
		return
	}
	n := size - f.payload()
	if flags == 0 {
		head := f.pages.bytes(off+f.payload(), int(min(n, 96)))
		eq := bytes.IndexByte(head, '=')
		if eq < 0 || !f.entry.lacks(head[:eq]) {
			return
		}
	}
	if f.budget < 0 {
		f.out.note("values are referred to so often that the rest was passed over")
		return
	}
	raw, ok := f.unpack(off, size, flags)
	f.budget -= int64(max(len(raw), int(min(n, maxHashed))))
	if !ok {
		f.out.damage(off, size, "value that cannot be unpacked")
		return
	}
	if eq := bytes.IndexByte(raw, '='); eq > 0 {
		f.entry.set(raw[:eq], raw[eq+1:])
	}
}

// unpack returns the bytes "NAME=value" of a DATA object, valid until the next call.
func (f *journalFile) unpack(off, size int64, flags byte) (unpacked []byte, ok bool) {
	n := size - f.payload()
	if n < 0 || n > maxHashed {
		n = min(max(n, 0), maxHashed)
		if flags != 0 {
			return nil, false
		}
	}
	raw := f.pages.bytes(off+f.payload(), int(n))
	if int64(len(raw)) < n {
		return nil, false
	}
	if flags == 0 {
		return raw, true
	}
	defer func() {
		if recover() != nil { // a library met bytes that it did not expect: the value is damaged, not this program
			unpacked, ok = nil, false
		}
	}()
	var err error
	switch flags {
	case flagZST:
		if f.zst == nil {
			f.zst, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxJournalEntry), zstd.WithDecoderLowmem(true))
			if err != nil {
				return nil, false
			}
		}
		f.unpacked, err = f.zst.DecodeAll(raw, f.unpacked[:0])
	case flagLZ4:
		f.unpacked, err = unpackLZ4(raw, f.unpacked)
	case flagXZ:
		f.unpacked, err = unpackXZ(raw, f.unpacked)
	default:
		return nil, false
	}
	return f.unpacked, err == nil
}

var errUnpack = errors.New("packed value is damaged or too long")

// unpackLZ4 undoes an LZ4 block (LZ4 Block Format Description) behind its length: sequences of a token, literals, and a
// match that repeats what was already written.
func unpackLZ4(raw, dst []byte) ([]byte, error) {
	if len(raw) < 9 {
		return dst[:0], errUnpack
	}
	n, b := binary.LittleEndian.Uint64(raw), raw[8:]
	if n > maxJournalEntry || n > 255*uint64(len(b)) {
		return dst[:0], errUnpack
	}
	dst = dst[:0]
	for len(b) > 0 {
		token := b[0]
		literals, rest := lz4Length(b[1:], int(token>>4))
		if literals > len(rest) || len(dst)+literals > int(n) {
			return dst[:0], errUnpack
		}
		dst, b = append(dst, rest[:literals]...), rest[literals:]
		if len(b) == 0 {
			break // the last sequence has no match
		}
		if len(b) < 2 {
			return dst[:0], errUnpack
		}
		back := int(binary.LittleEndian.Uint16(b))
		match, rest := lz4Length(b[2:], int(token&15))
		match += 4
		if back == 0 || back > len(dst) || len(dst)+match > int(n) {
			return dst[:0], errUnpack
		}
		for from := len(dst) - back; match > 0; match-- {
			dst = append(dst, dst[from])
			from++
		}
		b = rest
	}
	if uint64(len(dst)) != n {
		return dst[:0], errUnpack
	}
	return dst, nil
}

// lz4Length reads the bytes that continue a length of 15.
func lz4Length(b []byte, n int) (int, []byte) {
	if n < 15 {
		return n, b
	}
	for len(b) > 0 && n <= maxJournalEntry {
		c := b[0]
		b = b[1:]
		if n += int(c); c < 255 {
			break
		}
	}
	return n, b
}

func unpackXZ(raw, dst []byte) ([]byte, error) {
	if journalXZDictionary(raw) > maxJournalEntry {
		return dst[:0], errUnpack
	}
	r, err := xz.NewReader(bytes.NewReader(raw))
	if err != nil {
		return dst[:0], err
	}
	buf := bytes.NewBuffer(dst[:0])
	n, err := io.Copy(buf, io.LimitReader(r, maxJournalEntry+1))
	if err == nil && n > maxJournalEntry {
		err = errUnpack
	}
	return buf.Bytes(), err
}

// journalXZDictionary is the size of the dictionary that the first block of an xz stream asks for.
func journalXZDictionary(b []byte) uint64 {
	n := 14 // stream header, block header size and flags
	if len(b) < n+3 {
		return 0
	}
	for _, bit := range []byte{0x40, 0x80} { // sizes that the header may state
		if b[13]&bit != 0 {
			for n < len(b) && b[n]&0x80 != 0 {
				n++
			}
			n++
		}
	}
	if n+2 >= len(b) || b[n] != 0x21 || b[n+2] > 40 {
		return 1 << 62
	}
	bits := uint64(b[n+2])
	return (2 | bits&1) << (bits/2 + 11)
}

// check compares a value with the hash that was written with it.
func (f *journalFile) check(off, size int64, flags byte) {
	if size < f.payload() || size-f.payload() > maxHashed {
		return
	}
	hash := binary.LittleEndian.Uint64(f.pages.bytes(off, 24)[16:])
	raw, ok := f.unpack(off, size, flags)
	switch {
	case !ok:
		f.out.damage(off, size, "value that cannot be unpacked")
	case f.keyed && sipHash24(f.key, raw) != hash, !f.keyed && jenkinsHash(raw) != hash:
		f.out.damage(off, size, "value that does not match its hash: changed after it was written")
	}
}
