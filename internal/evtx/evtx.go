// Package evtx decodes Windows event logs, and writes them for exercises: bytes in, records and damage out.
//
// A log is a header and chunks of 64 KiB, each complete in itself. A record in a chunk is BinXML: mostly the instance
// of a template, whose definition stands in the chunk once, and the values to put into it. Decoder compiles each
// definition once, over all files it is given, to a Schema with a slot for every field; a record then costs the reading of
// its value descriptors, and no document is ever built. Values stay where they lie in the chunk.
//
// Whatever is damaged costs only itself: a record whose template is lost, a chunk whose header is overwritten, a file
// cut short. It is reported, and the rest is read. The formats are described in [MS-EVEN6] 2.2.12 and in the
// documentation of libevtx; where real logs differ, the code says so.
package evtx

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"wardround/internal/event"
)

const (
	fileHeaderBytes  = 4096
	chunkBytes       = 65536
	chunkHeaderBytes = 512
	recordHeader     = 24
	minRecord        = recordHeader + 4
)

var (
	fileMagic   = []byte("ElfFile\x00")
	chunkMagic  = []byte("ElfChnk\x00")
	recordMagic = []byte{'*', '*', 0, 0}
)

// ErrNotEVTX says that neither the header nor the first chunk is that of an event log.
var ErrNotEVTX = errors.New("not a Windows event log")

// Is reports whether the beginning of a file is that of an event log. A log whose file header is destroyed is still
// told by its first chunk.
func Is(head []byte) bool {
	return bytes.HasPrefix(head, fileMagic) ||
		len(head) >= fileHeaderBytes+8 && bytes.HasPrefix(head[fileHeaderBytes:], chunkMagic)
}

// Visitor takes what a log holds, in the order in which it lies in the file.
type Visitor interface {
	// Want is asked once per schema and file. If it answers no, records of that schema are still handed over, with Slots nil.
	Want(*event.Schema) bool
	// Take is handed every record. The record is only valid until Take returns.
	Take(r *event.Record)
	// Damage is told of each stretch that cannot be decoded.
	Damage(offset, bytes int64, why string)
}

// Header is what the file header says. Dirty means that the log was open when it was copied, so that the counts in the
// header may be behind.
type Header struct {
	Valid      bool
	Chunks     int
	NextRecord uint64
	Dirty      bool
	Full       bool
	NoChecksum bool // the log was written without checksums
}

// Report is what Read says of a whole log.
type Report struct {
	Header   Header
	Chunks   int    // chunks that hold records
	Records  uint64 // live records decoded
	Slack    uint64 // records found in unused space
	Exported bool   // record ids differ from EventRecordID: an export, whose numbers may have holes
	BadSums  int    // closed chunks whose checksum is wrong
}

// Decoder reads event logs one after another, and keeps what it learned of templates from one to the next. It is used
// by one goroutine at a time. Its memory is bounded: past a limit it forgets and learns anew.
type Decoder struct {
	Slack bool // also look for records in unused space

	cache   cache
	chunk   [chunkBytes]byte
	at      map[uint32]*template // definitions of this chunk, by offset
	inst    []instance
	slots   []event.Value
	scratch []byte
	record  event.Record
	hosts   map[string]string
	shape   *shape // of the record at hand
	recent  [recentShapes]*shape
	host    string // the last, and how it stands in the log
	hostRaw []byte
}

// recentShapes are found without a look into the map.
const recentShapes = 64

// NewDecoder makes a decoder.
func NewDecoder() *Decoder {
	return &Decoder{cache: newCache(), at: map[uint32]*template{}, hosts: map[string]string{}}
}

// Read decodes a log from its first byte. The error is that of r or the context, or ErrNotEVTX; damage is told to v.
func (d *Decoder) Read(ctx context.Context, r io.Reader, v Visitor) (Report, error) {
	f := file{d: d, v: v, wants: map[*event.Schema]bool{}}
	n, err := io.ReadFull(r, d.chunk[:fileHeaderBytes])
	if err != nil && n < 128 {
		return f.report, readError(err, ErrNotEVTX)
	}
	f.report.Header = parseHeader(d.chunk[:n])
	switch {
	case !f.report.Header.Valid:
		v.Damage(0, int64(n), "bad file header")
	case !f.report.Header.NoChecksum && crc32.ChecksumIEEE(d.chunk[:120]) != binary.LittleEndian.Uint32(d.chunk[124:]):
		v.Damage(0, 128, "bad checksum of file header")
	}
	if err != nil {
		v.Damage(0, int64(n), "file is cut short in its header")
		return f.report, readError(err, nil)
	}
	for offset := int64(fileHeaderBytes); ; offset += chunkBytes {
		if ctx.Err() != nil {
			return f.report, ctx.Err()
		}
		n, err := io.ReadFull(r, d.chunk[:])
		if n > 0 {
			clear(d.chunk[n:])
			f.read(offset, n)
		}
		if err != nil {
			if missing := f.report.Header.Chunks - f.index; f.report.Header.Valid && missing > 0 {
				v.Damage(offset+int64(n), int64(missing)*chunkBytes, "file is cut short: chunks are missing")
			}
			return f.report, readError(err, nil)
		}
	}
}

// readError turns the ends of a file into the error given, and leaves other errors.
func readError(err, atEnd error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return atEnd
	}
	return fmt.Errorf("read event log: %w", err)
}

func parseHeader(b []byte) Header {
	le := binary.LittleEndian
	flags := le.Uint32(b[120:])
	return Header{
		Valid:      bytes.HasPrefix(b, fileMagic),
		Chunks:     int(le.Uint16(b[42:])),
		NextRecord: le.Uint64(b[24:]),
		Dirty:      flags&1 != 0,
		Full:       flags&2 != 0,
		NoChecksum: flags&4 != 0,
	}
}

// file is the reading of one log.
type file struct {
	d      *Decoder
	v      Visitor
	report Report
	wants  map[*event.Schema]bool
	asked  *event.Schema // last
	want   bool
	index  int   // of the chunk
	offset int64 // of the chunk in the file
	size   int   // of the chunk, less than chunkBytes at a cut end
}

// read decodes one chunk of which n bytes exist.
func (f *file) read(offset int64, n int) {
	f.offset, f.size = offset, n
	clear(f.d.at)
	c := f.d.chunk[:]
	f.index++
	valid := bytes.HasPrefix(c, chunkMagic)
	if !valid && allZero(c[:n]) {
		if f.report.Header.Valid && f.index <= f.report.Header.Chunks && !f.report.Header.Dirty {
			f.v.Damage(offset, int64(n), "chunk is zeroed")
		}
		return
	}
	free, trusted := chunkBytes, false
	switch {
	case !valid:
	case n < chunkBytes:
		f.v.Damage(offset+int64(n), chunkBytes-int64(n), "file is cut short in a chunk")
		free = f.free()
	default:
		free = f.free()
		trusted = f.checksums(free)
	}
	f.report.Chunks++
	before := f.report.Records
	f.records(free, valid, trusted)
	if !valid && f.report.Records == before {
		f.report.Chunks--
		f.v.Damage(offset, int64(n), "bad chunk magic and no record")
	} else if !valid {
		f.v.Damage(offset, chunkHeaderBytes, "bad chunk magic")
	}
}

// free is the offset of the chunk's unused space, as far as its header is plausible.
func (f *file) free() int {
	free := int(binary.LittleEndian.Uint32(f.d.chunk[48:]))
	if free < chunkHeaderBytes || free > chunkBytes {
		f.v.Damage(f.offset+48, 4, "bad free space offset")
		return chunkBytes
	}
	return free
}

// checksums holds a chunk against its checksums, and reports whether its header can be believed.
func (f *file) checksums(free int) (trusted bool) {
	c := f.d.chunk[:]
	le := binary.LittleEndian
	if f.report.Header.NoChecksum || le.Uint32(c[120:])&4 != 0 {
		return true
	}
	header := crc32.Update(crc32.ChecksumIEEE(c[:120]), crc32.IEEETable, c[128:chunkHeaderBytes])
	if trusted = header == le.Uint32(c[124:]); !trusted {
		f.v.Damage(f.offset, chunkHeaderBytes, "bad checksum of chunk header")
	}
	if crc32.ChecksumIEEE(c[chunkHeaderBytes:free]) != le.Uint32(c[52:]) {
		f.v.Damage(f.offset+chunkHeaderBytes, int64(free-chunkHeaderBytes), "bad checksum of chunk records")
		f.report.BadSums++
	}
	return trusted
}

// records walks the records of the chunk. Where one is damaged it looks for the next by its signature. Where the header
// that says where they end cannot be believed, they go on for as long as their ids rise: what unused space holds is older.
func (f *file) records(free int, valid, trusted bool) {
	pos, end := chunkHeaderBytes, min(free, f.size)
	if !trusted {
		end = f.size
	}
	last := uint64(0)
	for pos+minRecord <= end {
		size, whole := f.header(pos)
		if id := f.id(pos); whole && !trusted && pos >= free && id <= last {
			break
		} else if whole {
			last = id
		}
		if !whole {
			next := f.resync(pos+8, end)
			if size > 0 && pos+size <= next && f.take(pos, size, false) == nil {
				f.v.Damage(f.offset+int64(pos), int64(size), "record is torn: its end was not written")
				pos += size
				continue
			}
			if valid || next < end {
				f.v.Damage(f.offset+int64(pos), int64(next-pos), "bad record header")
			}
			pos = next
			continue
		}
		if err := f.take(pos, size, false); err != nil {
			f.v.Damage(f.offset+int64(pos), int64(size), err.Error())
		}
		pos += size
	}
	if f.d.Slack {
		f.slack(max(pos, free))
	}
}

func (f *file) id(pos int) uint64 { return binary.LittleEndian.Uint64(f.d.chunk[pos+8:]) }

// slack yields the records that lie whole in unused space.
func (f *file) slack(pos int) {
	for pos = f.resync(pos, f.size); pos < f.size; pos = f.resync(pos, f.size) {
		size, _ := f.header(pos)
		if f.take(pos, size, true) != nil {
			size = 8
		}
		pos += size
	}
}

// header returns the size of the record that begins at pos, 0 if none does: the signature and a plausible size. The
// record is whole if the same size stands again in its last four bytes.
func (f *file) header(pos int) (size int, whole bool) {
	if pos+minRecord > f.size || !bytes.Equal(f.d.chunk[pos:pos+4], recordMagic) {
		return 0, false
	}
	size = int(binary.LittleEndian.Uint32(f.d.chunk[pos+4:]))
	if size < minRecord || pos+size > f.size {
		return 0, false
	}
	return size, int(binary.LittleEndian.Uint32(f.d.chunk[pos+size-4:])) == size
}

// resync returns the position of the next record at or after pos, or end.
func (f *file) resync(pos, end int) int {
	for pos < end {
		i := bytes.Index(f.d.chunk[pos:end], recordMagic)
		if i < 0 {
			return end
		}
		pos += i
		if _, whole := f.header(pos); whole {
			return pos
		}
		pos++
	}
	return end
}

func (f *file) take(pos, size int, slack bool) error {
	d := f.d
	id := f.id(pos)
	schema, err := d.decode(pos+recordHeader, pos+size-4)
	if err != nil {
		return err
	}
	r := &d.record
	*r = event.Record{Schema: schema, Slots: d.slots, Offset: f.offset + int64(pos), Slack: slack}
	f.system(r, id, event.FromFileTime(binary.LittleEndian.Uint64(d.chunk[pos+16:])))
	if f.asked != schema {
		want, known := f.wants[schema]
		if !known {
			want = f.v.Want(schema)
			f.wants[schema] = want
		}
		f.asked, f.want = schema, want
	}
	if f.want {
		d.compute(r)
	} else {
		r.Slots = nil
	}
	if slack {
		f.report.Slack++
	} else {
		f.report.Records++
		f.report.Exported = f.report.Exported || r.Number != id
	}
	f.v.Take(r)
	return nil
}

// system fills in time, number and host from the System part; where it has none, from the record's header.
func (f *file) system(r *event.Record, id uint64, written event.Time) {
	s := f.d.shape
	r.Time, r.Number = written, id
	if s.time >= 0 {
		if t := timeOf(r.Field(s.time)); t != event.NoTime {
			r.Time = t
		}
	}
	if s.number >= 0 {
		if n, ok := r.Field(s.number).Uint(); ok {
			r.Number = n
		}
	}
	if s.computer >= 0 {
		if r.Schema.Fields[s.computer].Slot < 0 {
			r.Host = s.host
		} else {
			r.Host = f.d.intern(r.Field(s.computer))
		}
	}
}

// maxHosts bounds the names of computers that a decoder remembers.
const maxHosts = 65536

func (d *Decoder) intern(v event.Value) string {
	if string(d.hostRaw) == string(v.Raw) {
		return d.host
	}
	h, ok := d.hosts[string(v.Raw)]
	if !ok {
		if len(d.hosts) >= maxHosts {
			clear(d.hosts)
		}
		h = v.String()
		d.hosts[string(v.Raw)] = h
	}
	d.host, d.hostRaw = h, append(d.hostRaw[:0], v.Raw...)
	return h
}

var zeros [4096]byte

func allZero(b []byte) bool {
	for len(b) > len(zeros) {
		if !bytes.Equal(b[:len(zeros)], zeros[:]) {
			return false
		}
		b = b[len(zeros):]
	}
	return bytes.Equal(b, zeros[:len(b)])
}
