package evtx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"wardround/internal/event"
)

// Where the two tables of a chunk lie, and how many buckets they have.
const (
	nameTable       = 128
	nameBuckets     = 64
	definitionTable = 384
	definitions     = 32
)

// errFull says that the chunk has no room for the record.
var errFull = errors.New("chunk full")

// draft is a chunk under construction. The tables of names and definitions are kept where they will lie on disk, and
// looked up there: what can be referred to is what a reader will find.
type draft struct {
	buf         []byte // header and records; its end is the offset of the free space
	records     int
	first, last uint64 // record ids
	lastAt      int    // offset of the last record
	terminate   bool   // strings of manifest events end with a NUL, as the kernel hands them over
}

func (d *draft) reset() {
	d.buf = d.buf[:chunkHeaderBytes]
	clear(d.buf)
	d.records, d.lastAt = 0, 0
}

// saved is what restore needs to take back a record.
type saved struct {
	free   int
	tables [chunkHeaderBytes - nameTable]byte
}

func (d *draft) save() (s saved) {
	s.free = len(d.buf)
	copy(s.tables[:], d.buf[nameTable:])
	return s
}

func (d *draft) restore(s saved) {
	d.buf = d.buf[:s.free]
	copy(d.buf[nameTable:], s.tables[:])
}

// finish completes the header and returns the chunk as it lies on disk, valid until the next call. Behind the free
// space offset stands what before holds there, or zeros if it is nil.
func (d *draft) finish(before []byte, noChecksum bool) []byte {
	le := binary.LittleEndian
	free := len(d.buf)
	b := d.buf[:chunkBytes]
	clear(b[free:])
	if before != nil {
		copy(b[free:], before[free:])
	}
	const none = ^uint64(0)
	number, first, last := uint64(1), none, none // an empty log
	if d.records > 0 {
		number, first, last = d.first, d.first, d.last
	}
	copy(b, chunkMagic)
	le.PutUint64(b[8:], number)
	le.PutUint64(b[16:], last)
	le.PutUint64(b[24:], first)
	le.PutUint64(b[32:], last)
	le.PutUint32(b[40:], nameTable)
	le.PutUint32(b[44:], uint32(d.lastAt))
	le.PutUint32(b[48:], uint32(free))
	flags := uint32(1)
	if noChecksum {
		le.PutUint32(b[120:], flags|4)
		return b
	}
	le.PutUint32(b[52:], crc32.ChecksumIEEE(b[chunkHeaderBytes:free]))
	le.PutUint32(b[120:], flags)
	sum := crc32.ChecksumIEEE(b[:120])
	le.PutUint32(b[124:], crc32.Update(sum, crc32.IEEETable, b[nameTable:chunkHeaderBytes]))
	return b
}

// record appends a record. On an error the caller takes back what was written of it.
func (d *draft) record(e *Event, outer *outline, id, number uint64) error {
	at := len(d.buf)
	written := e.Written
	if written == 0 {
		written = e.Time
	}
	d.buf = append(d.buf, recordMagic...)
	d.uint32(0)
	d.uint64(id)
	d.uint64(fileTime(written))
	d.buf = append(d.buf, tokFragment, 1, 1, 0)
	d.refer(outer)
	if err := d.system(e, number); err != nil {
		return err
	}
	d.buf = append(d.buf, tokEnd)
	for len(d.buf)%8 != 4 {
		d.buf = append(d.buf, 0)
	}
	size := len(d.buf) + 4 - at
	d.uint32(uint32(size))
	if len(d.buf) >= chunkBytes { // Windows fills no chunk to its last byte, and libevtx drops a record that does
		return errFull
	}
	binary.LittleEndian.PutUint32(d.buf[at+4:], uint32(size))
	if d.records == 0 {
		d.first = id
	}
	d.records++
	d.last, d.lastAt = id, at
	return nil
}

// system writes the values of the outer template. Their order is that of Windows' own template; a manifest event has
// 18, of which the last is the body, a classic one 20.
func (d *draft) system(e *Event, number uint64) error {
	k := e.Kind
	count := manifestValues
	if k.classic {
		count = classicValues
	}
	d.uint32(uint32(count))
	at := d.descriptors(count)
	n := 0
	end := len(d.buf)
	put := func(t event.Type) { // describes what was appended since the last call
		d.describe(at, n, t, len(d.buf)-end)
		n, end = n+1, len(d.buf)
	}
	d.buf = append(d.buf, k.level)
	put(event.Uint8)
	d.buf = append(d.buf, k.opcode)
	put(event.Uint8)
	d.uint16(k.task)
	put(event.Uint16)
	d.uint16(k.id)
	put(event.Uint16)
	put(d.qualifiers(k))
	d.uint64(k.keywords)
	put(event.Hex64)
	d.uint64(fileTime(e.Time))
	put(event.FileTime)
	put(d.activity(e))
	d.uint32(e.ProcessID)
	put(event.Uint32)
	d.uint32(e.ThreadID)
	put(event.Uint32)
	d.uint64(number)
	put(event.Uint64)
	d.buf = append(d.buf, k.version)
	put(event.Uint8)
	d.buf = append(d.buf, e.User...)
	put(orNull(event.SID, len(e.User)))
	if k.classic {
		for range 5 { // properties of a tracing session; a log has none
			put(event.Null)
		}
	}
	put(d.guid(e.Related))
	if !k.classic {
		d.buf = append(d.buf, k.provider...)
		put(event.UTF16)
		d.buf = append(d.buf, k.guid[:]...)
		put(event.GUID)
		d.buf = append(d.buf, k.channel...)
		put(event.UTF16)
	}
	if err := d.body(e); err != nil {
		return err
	}
	if len(d.buf)-end > 65535 {
		return errFull
	}
	put(event.BinXML)
	return nil
}

// qualifiers writes the high word of a classic event id. The kernel leaves two bytes there for the others, of type
// null.
func (d *draft) qualifiers(k *Kind) event.Type {
	switch {
	case k.qualified:
		d.uint16(k.qualifiers)
		return event.Uint16
	case !k.classic && d.terminate:
		d.uint16(1)
	}
	return event.Null
}

// activity writes the ActivityID. The kernel leaves its 16 bytes there, of type null, for an event outside of one.
func (d *draft) activity(e *Event) event.Type {
	t := d.guid(e.Activity)
	if t == event.Null && !e.Kind.classic && d.terminate {
		d.buf = append(d.buf, e.Activity[:]...)
	}
	return t
}

func (d *draft) guid(g [16]byte) event.Type {
	if g == ([16]byte{}) {
		return event.Null
	}
	d.buf = append(d.buf, g[:]...)
	return event.GUID
}

func orNull(t event.Type, n int) event.Type {
	if n == 0 {
		return event.Null
	}
	return t
}

// body writes the value that takes the place of EventData or stands inside UserData: a template instance, or XML.
func (d *draft) body(e *Event) error {
	if e.Body != nil {
		m, err := e.Body.markup()
		if err != nil {
			return err
		}
		d.markup(&m, false, false)
		d.buf = append(d.buf, tokEnd)
		return nil
	}
	k := e.Kind
	terminate := d.terminate && !k.classic
	if !terminate {
		d.buf = append(d.buf, tokFragment, 1, 1, 0)
	}
	if d.terminate {
		d.refer(k.inner)
	} else {
		d.refer(k.export)
	}
	if err := d.data(e, terminate); err != nil {
		return err
	}
	d.buf = append(d.buf, tokEnd)
	return nil
}

// data writes the values of the inner template.
func (d *draft) data(e *Event, terminate bool) error {
	k := e.Kind
	count, fields := len(k.fields), e.Values
	if k.unnamed {
		count, fields = 1, nil
	} else if len(e.Values) != count {
		return fmt.Errorf("%d values for %d fields", len(e.Values), count)
	}
	binaryAt := count
	if k.binary {
		count += 2 // the length of Binary goes before it
	}
	d.uint32(uint32(count))
	at := d.descriptors(count)
	for i, v := range fields {
		start := len(d.buf)
		t, err := d.field(v, k.fields[i].Type, terminate)
		if n := len(d.buf) - start; err != nil || n > 65535 {
			return k.valueError(i, n, err)
		}
		d.describe(at, i, t, len(d.buf)-start)
		if len(d.buf) > chunkBytes {
			return errFull
		}
	}
	if k.unnamed {
		start := len(d.buf)
		t, err := d.strings(e.Values)
		if err != nil {
			return err
		}
		d.describe(at, 0, t, len(d.buf)-start)
	}
	if k.binary {
		d.uint32(uint32(len(e.Binary)))
		d.describe(at, binaryAt, event.Uint32, 4)
		if len(e.Binary) > chunkBytes {
			return errFull
		}
		d.buf = append(d.buf, e.Binary...)
		d.describe(at, binaryAt+1, orNull(event.Binary, len(e.Binary)), len(e.Binary))
	}
	return nil
}

// field appends the value of a field of the given type. A field is never null: where there is nothing to say, Windows
// writes the field's type and no bytes.
func (d *draft) field(v event.Value, t event.Type, terminate bool) (event.Type, error) {
	if !v.IsNull() {
		return d.value(v, terminate)
	}
	switch {
	case t == event.UTF8 || t == event.Number:
		return event.UTF16, nil
	case t == event.UTF16 || t == event.Ansi || t == event.Binary || t&event.Array != 0:
		return t, nil
	}
	return 0, fmt.Errorf("null, of type 0x%02x, which has no empty value", uint8(t))
}

// value appends one value as it lies in a file and returns its type there.
func (d *draft) value(v event.Value, terminate bool) (event.Type, error) {
	switch {
	case v.Type == event.UTF8 || v.Type == event.Number:
		d.buf = encodeUTF16(d.buf, v.Raw)
		if terminate {
			d.uint16(0)
		}
		return event.UTF16, nil
	case v.Type&^event.Array == event.BinXML:
		return 0, errors.New("nested XML is no value: it belongs into Body")
	case v.Type&^event.Array >= event.UTF8:
		return 0, fmt.Errorf("type 0x%02x is none of a Windows event log", uint8(v.Type))
	}
	d.buf = append(d.buf, v.Raw...)
	return v.Type, nil
}

// strings appends the strings of a classic event: one array, each ended by a NUL.
func (d *draft) strings(values []event.Value) (event.Type, error) {
	start := len(d.buf)
	for i, v := range values {
		t, err := d.value(v, false)
		if err != nil {
			return 0, fmt.Errorf("string %d: %w", i, err)
		}
		if t != event.UTF16 {
			return 0, fmt.Errorf("string %d is of type 0x%02x, not text", i, uint8(t))
		}
		d.uint16(0)
		if n := len(d.buf) - start; n > 65535 {
			return 0, fmt.Errorf("strings of more than 65,535 bytes: %w", ErrTooLarge)
		}
	}
	return orNull(event.UTF16|event.Array, len(values)), nil
}

// descriptors leaves room for those of n values and returns where it is.
func (d *draft) descriptors(n int) int {
	at := len(d.buf)
	for range n {
		d.uint32(0)
	}
	return at
}

// describe fills in the i-th descriptor: size of the value and its type.
func (d *draft) describe(at, i int, t event.Type, size int) {
	binary.LittleEndian.PutUint16(d.buf[at+4*i:], uint16(size))
	d.buf[at+4*i+2] = byte(t)
}

// refer writes the beginning of a template instance: a reference to its definition, which is written out at its first
// use in the chunk. Definitions of one bucket are chained, the latest first.
func (d *draft) refer(o *outline) {
	bucket := definitionTable + 4*int(bucketHash(o.guid[:])%definitions)
	d.buf = append(d.buf, tokTemplate, 1)
	d.buf = append(d.buf, o.guid[:4]...)
	latest := binary.LittleEndian.Uint32(d.buf[bucket:])
	for at := latest; at != 0; at = binary.LittleEndian.Uint32(d.buf[at:]) {
		if bytes.Equal(d.buf[at+4:at+20], o.guid[:]) {
			d.uint32(at)
			return
		}
	}
	at := len(d.buf) + 4
	d.uint32(uint32(at))
	d.uint32(latest)
	d.buf = append(d.buf, o.guid[:]...)
	d.uint32(0)
	body := len(d.buf)
	d.outline(o)
	binary.LittleEndian.PutUint32(d.buf[body-4:], uint32(len(d.buf)-body))
	binary.LittleEndian.PutUint32(d.buf[bucket:], uint32(at))
}

// name refers to a name, which is written out at its first use in the chunk. n is as encodeName makes it. Names of one
// bucket are chained, the latest first.
func (d *draft) name(n []byte) {
	bucket := nameTable + 4*int(binary.LittleEndian.Uint16(n)%nameBuckets)
	latest := binary.LittleEndian.Uint32(d.buf[bucket:])
	for at := latest; at != 0; at = binary.LittleEndian.Uint32(d.buf[at:]) {
		if bytes.HasPrefix(d.buf[at+4:], n) {
			d.uint32(at)
			return
		}
	}
	at := len(d.buf) + 4
	d.uint32(uint32(at))
	d.uint32(latest)
	d.buf = append(d.buf, n...)
	binary.LittleEndian.PutUint32(d.buf[bucket:], uint32(at))
}

func (d *draft) uint16(n uint16) { d.buf = binary.LittleEndian.AppendUint16(d.buf, n) }
func (d *draft) uint32(n uint32) { d.buf = binary.LittleEndian.AppendUint32(d.buf, n) }
func (d *draft) uint64(n uint64) { d.buf = binary.LittleEndian.AppendUint64(d.buf, n) }
