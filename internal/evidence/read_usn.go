package evidence

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"path"
	"strconv"
	"strings"

	"wardround/internal/event"
)

// usnReader reads $UsnJrnl:$J, the change journal of NTFS and ReFS: USN_RECORD_V2 and V3 of [MS-FSCC] and winioctl.h. A
// record of version 4 tells of ranges of bytes and bears no name; such are counted in a note.
//
// The journal is a sparse file: what Windows has dropped from its front reads as zeros, often gigabytes of them.
var usnReader = reader{"ntfs-usn", isUsnJournal, readUSN}

// Slots of a change.
const (
	usnName = iota
	usnSource
	usnReason
	usnSourceInfo
	usnAttributes
	usnFolder
	usnReference
	usnParent
	usnNumber
	usnSlots
)

// usnAct is what a record tells first of all. Reasons gather until a file is closed: the last of these that applies is
// the act.
type usnAct struct {
	reasons uint32
	schema  *event.Schema
}

// usnActs are in rising order; the first takes what no other does.
var usnActs = []usnAct{
	{0, usnSchema("changed", "file changed")},
	{0x00000077, usnSchema("written", "file written")},
	{0x00000100, usnSchema("created", "file created")},
	{0x00001000, usnSchema("old name", "old name of a file")},
	{0x00002000, usnSchema("renamed", "file renamed")},
	{0x00000200, usnSchema("deleted", "file deleted")},
}

func usnSchema(provider, action string) *event.Schema {
	return actionSchema(event.Source{Product: "windows", Channel: "usnjrnl", Provider: provider}, action, []string{
		"TargetFilename", "SourceFilename", "Reason", "SourceInfo", "Attributes", "IsDirectory", "FileReference", "ParentReference", "Usn",
	})
}

// usnReasons are USN_REASON_ of winioctl.h.
var usnReasons = []flagName{
	{0x1, "DATA_OVERWRITE"}, {0x2, "DATA_EXTEND"}, {0x4, "DATA_TRUNCATION"}, {0x10, "NAMED_DATA_OVERWRITE"}, {0x20, "NAMED_DATA_EXTEND"},
	{0x40, "NAMED_DATA_TRUNCATION"}, {0x100, "FILE_CREATE"}, {0x200, "FILE_DELETE"}, {0x400, "EA_CHANGE"}, {0x800, "SECURITY_CHANGE"},
	{0x1000, "RENAME_OLD_NAME"}, {0x2000, "RENAME_NEW_NAME"}, {0x4000, "INDEXABLE_CHANGE"}, {0x8000, "BASIC_INFO_CHANGE"},
	{0x10000, "HARD_LINK_CHANGE"}, {0x20000, "COMPRESSION_CHANGE"}, {0x40000, "ENCRYPTION_CHANGE"}, {0x80000, "OBJECT_ID_CHANGE"},
	{0x100000, "REPARSE_POINT_CHANGE"}, {0x200000, "STREAM_CHANGE"}, {0x400000, "TRANSACTED_CHANGE"}, {0x800000, "INTEGRITY_CHANGE"},
	{0x1000000, "DESIRED_STORAGE_CLASS_CHANGE"}, {0x80000000, "CLOSE"},
}

// usnSources are USN_SOURCE_ of winioctl.h.
var usnSources = []flagName{
	{0x1, "DATA_MANAGEMENT"}, {0x2, "AUXILIARY_DATA"}, {0x4, "REPLICATION_MANAGEMENT"}, {0x8, "CLIENT_REPLICATION_MANAGEMENT"},
}

const maxUSNRecord = 4096 // a record never crosses a page of the journal

// usnRecordSize returns the length of the record at the start of b, 0 if there is none. It looks at 16 bytes, and at the
// whole fixed part where b has it.
func usnRecordSize(b []byte) int {
	if len(b) < 60 {
		return 0
	}
	u16 := binary.LittleEndian.Uint16
	size, major, minor := binary.LittleEndian.Uint32(b), u16(b[4:]), u16(b[6:])
	if size < 60 || size > maxUSNRecord || size%8 != 0 || minor != 0 {
		return 0
	}
	switch {
	case major == 2 && usnNameFits(b[56:], 60, int(size)),
		major == 3 && len(b) >= 76 && usnNameFits(b[72:], 76, int(size)),
		major == 4:
		return int(size)
	}
	return 0
}

// usnNameFits checks the length and offset of a name.
func usnNameFits(b []byte, fixed, size int) bool {
	n, at := int(binary.LittleEndian.Uint16(b)), int(binary.LittleEndian.Uint16(b[2:]))
	return at == fixed && n%2 == 0 && n <= 510 && at+n <= size
}

// isUsnJournal knows a journal by its first record; one that begins with more zeros than are looked at, by its name.
func isUsnJournal(head []byte, name string) bool {
	if isZero(head) {
		base := strings.ToLower(path.Base(name))
		return base == "$j" || strings.Contains(base, "usnjrnl")
	}
	return isUSN(head)
}

func readUSN(ctx context.Context, in *input, out *output) error {
	j := &usnJournal{out: out}
	for i := range usnActs {
		j.want[i] = out.want(usnActs[i].schema)
	}
	r := bufio.NewReaderSize(in.Stream, 256<<10)
	if err := j.read(ctx, r); err != nil {
		return err
	}
	if j.ranges > 0 {
		out.note("%d records of version 4 tell of ranges of bytes: not read", j.ranges)
	}
	return nil
}

// usnJournal is one journal being read.
type usnJournal struct {
	out    *output
	want   [6]bool
	ranges uint64
	rec    event.Record
	slots  [usnSlots]event.Value
	text   scratch
	old    [256]usnOldName // what files were called before they were renamed, by their reference
}

// usnOldName is kept from RENAME_OLD_NAME to RENAME_NEW_NAME, which follow one another.
type usnOldName struct {
	reference [16]byte
	name      []byte
}

func (j *usnJournal) read(ctx context.Context, r *bufio.Reader) error {
	for offset, turn := int64(0), 0; ; turn++ {
		if turn&1023 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		b, err := r.Peek(maxUSNRecord)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(b) == 0 {
			return nil
		}
		n := zeros(b)
		if n == 0 {
			n = j.record(b, offset)
		}
		r.Discard(n)
		offset += int64(n)
	}
}

var zeroPage [maxUSNRecord]byte

// zeros counts the zero bytes that b begins with: all of b, or down to a multiple of eight.
func zeros(b []byte) int {
	if bytes.Equal(b, zeroPage[:len(b)]) {
		return len(b)
	}
	for i := 0; i+8 <= len(b); i += 8 {
		if binary.LittleEndian.Uint64(b[i:]) != 0 {
			return i
		}
	}
	return len(b) &^ 7
}

// record reads what stands at the start of b and returns how many bytes that was.
func (j *usnJournal) record(b []byte, offset int64) int {
	size := usnRecordSize(b)
	switch {
	case size > len(b):
		j.out.damage(offset, int64(len(b)), "truncated record")
		return len(b)
	case size == 0:
		n := min(8, len(b))
		for n+8 <= len(b) && usnRecordSize(b[n:]) == 0 && binary.LittleEndian.Uint64(b[n:]) != 0 {
			n += 8
		}
		j.out.damage(offset, int64(n), "no record of a change")
		return n
	case b[4] == 4:
		j.ranges++
		return size
	}
	j.take(b[:size], offset)
	return size
}

// usnChange is a record's fixed part: version 2 has references of 8 bytes, version 3 of 16.
type usnChange struct {
	reference, parent []byte
	usn, time         uint64
	reason, source    uint32
	attributes        uint32
	name              []byte
}

func decodeUSN(b []byte) (c usnChange) {
	wide := 8 * int(b[4]-1)
	c.reference, c.parent = b[8:8+wide], b[8+wide:8+2*wide]
	rest := b[8+2*wide:]
	c.usn, c.time = binary.LittleEndian.Uint64(rest), binary.LittleEndian.Uint64(rest[8:])
	c.reason, c.source = binary.LittleEndian.Uint32(rest[16:]), binary.LittleEndian.Uint32(rest[20:])
	c.attributes = binary.LittleEndian.Uint32(rest[28:])
	n := int(binary.LittleEndian.Uint16(rest[32:]))
	c.name = rest[36 : 36+n]
	return c
}

func (j *usnJournal) take(b []byte, offset int64) {
	c := decodeUSN(b)
	act := 0
	for i, a := range usnActs {
		if c.reason&a.reasons != 0 {
			act = i
		}
	}
	j.rec = event.Record{Schema: usnActs[act].schema, Time: event.FromFileTime(c.time), Number: c.usn, Offset: offset}
	if j.want[act] {
		j.fill(&c)
		j.rec.Slots = j.slots[:]
	}
	if c.reason&0x1000 != 0 {
		was := j.oldName(c.reference)
		*was = usnOldName{name: append(was.name[:0], c.name...)}
		copy(was.reference[:], c.reference)
	}
	j.out.take(&j.rec)
}

// oldName is the place where a file's old name is kept.
func (j *usnJournal) oldName(reference []byte) *usnOldName {
	return &j.old[reference[0]^reference[1]]
}

func (j *usnJournal) fill(c *usnChange) {
	clear(j.slots[:])
	j.text = j.text[:0]
	j.slots[usnName] = event.Value{Type: event.UTF16, Raw: c.name}
	if was := j.oldName(c.reference); c.reason&0x2000 != 0 && bytes.Equal(was.reference[:len(c.reference)], c.reference) && len(was.name) > 0 {
		j.slots[usnSource] = event.Value{Type: event.UTF16, Raw: was.name}
	}
	j.slots[usnReason] = j.text.made(event.Ansi|event.Array, appendFlags(j.text, c.reason, usnReasons))
	j.slots[usnSourceInfo] = j.text.made(event.Ansi|event.Array, appendFlags(j.text, c.source, usnSources))
	j.slots[usnAttributes] = j.text.made(event.Ansi|event.Array, appendFlags(j.text, c.attributes, fileAttributes))
	j.slots[usnFolder] = truth[c.attributes&0x10 != 0]
	j.slots[usnReference] = j.text.made(event.UTF8, appendWideReference(j.text, c.reference))
	j.slots[usnParent] = j.text.made(event.UTF8, appendWideReference(j.text, c.parent))
	j.slots[usnNumber] = j.text.made(event.Number, strconv.AppendUint(j.text, c.usn, 10))
}

// appendWideReference writes a file reference of NTFS as record and sequence number, and one of ReFS, which uses all 16
// bytes, as it lies.
func appendWideReference(b, ref []byte) []byte {
	if len(ref) == 16 && binary.LittleEndian.Uint64(ref[8:]) != 0 {
		return hex.AppendEncode(append(b, "0x"...), ref)
	}
	n := binary.LittleEndian.Uint64(ref)
	return appendReference(b, n&referenceMask, uint16(n>>48))
}
