package evidence

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
	"path"
	"strconv"
	"strings"

	"wardround/internal/event"
)

// mftReader reads $MFT, the master file table of NTFS, as collectors copy it: a record for each file and folder that is
// there, and for deleted ones until the record is used again. The format has no public specification by its maker; this
// follows the records of the NTFS documentation project (linux-ntfs), and other programs judge the result in tests.
//
// A file gives an event at the time that it was created, and another when its record was last changed at another time
// (content, name or attributes: what renaming and encrypting do). Both have all times as fields.
var mftReader = reader{"ntfs-mft", isMFT, readMFT}

// Slots of a file's event.
const (
	mftPath = iota
	mftCreated
	mftModified
	mftChanged
	mftAccessed
	mftNameCreated
	mftNameModified
	mftNameChanged
	mftNameAccessed
	mftSize
	mftFolder
	mftDeleted
	mftAttributes
	mftStreams
	mftContents
	mftStomp
	mftReference
	mftParent
	mftUSN
	mftSlots
)

var mftNamesOfSlots = []string{
	"TargetFilename", "CreationUtcTime", "ModifiedUtcTime", "ChangedUtcTime", "AccessedUtcTime", "NameCreationUtcTime", "NameModifiedUtcTime",
	"NameChangedUtcTime", "NameAccessedUtcTime", "Size", "IsDirectory", "Deleted", "Attributes", "Streams", "Contents", "Timestomp",
	"FileReference", "ParentReference", "Usn",
}

var (
	mftCreatedSchema = actionSchema(event.Source{Product: "windows", Channel: "mft", Provider: "created"}, "file created", mftNamesOfSlots)
	mftChangedSchema = actionSchema(event.Source{Product: "windows", Channel: "mft", Provider: "changed"}, "file changed", mftNamesOfSlots)
)

// actionSchema makes the schema of events that all tell of one act.
func actionSchema(src event.Source, action string, names []string) *event.Schema {
	fields := make([]event.Field, 0, len(names)+1)
	for i, n := range names {
		fields = append(fields, event.Field{Name: n, Slot: i})
	}
	return event.NewSchema(src, append(fields, event.Field{Name: "Action", Slot: -1, Const: event.Text(action)}), len(names))
}

// mftRecordSize reads the size of a table's records from the first, 0 if it is none. Records have 1024 bytes, or 4096
// on disks with sectors of that size; Windows NT and 2000 put the update sequence at 42, later ones at 48.
func mftRecordSize(head []byte) int {
	if len(head) < 48 || string(head[:4]) != "FILE" {
		return 0
	}
	size := binary.LittleEndian.Uint32(head[28:])
	at, count := binary.LittleEndian.Uint16(head[4:]), binary.LittleEndian.Uint16(head[6:])
	first := binary.LittleEndian.Uint16(head[20:])
	if size < 512 || size > 64<<10 || bits.OnesCount32(size) != 1 || at != 42 && at != 48 || uint32(count) != size/512+1 || first < at+2*count {
		return 0
	}
	return int(size)
}

func isMFT(head []byte, _ string) bool { return mftRecordSize(head) > 0 }

// readMFT reads the table twice where paths are wanted: a file names its folder by number, and the folder may stand
// behind it.
func readMFT(ctx context.Context, in *input, out *output) error {
	t := &mftTable{out: out}
	// Asked without a short circuit: each schema must be asked for.
	created, changed := out.want(mftCreatedSchema), out.want(mftChangedSchema)
	t.want = created || changed
	if t.want {
		again, err := in.Again()
		if err != nil {
			return err
		}
		err = eachMFTRecord(ctx, again, func(number uint64, _ int64, rec []byte) { t.learn(number, rec) })
		again.Close()
		// Where the table breaks off, the second reading says so.
		if ctx.Err() != nil {
			return err
		}
		t.names.settle()
		t.volume = volumeOf(in.Path)
		if t.volume == "" {
			out.note("the collection does not tell the volume's letter: paths begin with a backslash")
		}
	}
	err := eachMFTRecord(ctx, in.Stream, t.record)
	if t.names.full {
		out.note("the table holds more folders than are kept: some paths begin with \\$OrphanFiles")
	}
	return err
}

// volumeOf finds the letter of the volume that a file of its top stood on in the path that a collector gave it: C/$MFT,
// C:/$Extend/$J, ntfs/\\.\C:/$MFT.
func volumeOf(name string) string {
	dir := path.Dir(name)
	if strings.EqualFold(path.Base(dir), "$Extend") {
		dir = path.Dir(dir)
	}
	v := strings.TrimSuffix(strings.TrimPrefix(path.Base(dir), `\\.\`), ":")
	if len(v) == 1 && isLetter(v[0]) {
		return strings.ToUpper(v) + ":"
	}
	return ""
}

// eachMFTRecord calls f for each stretch of the table that a record may fill; the last may be shorter. Records are
// numbered by their place; a part of a table that was carved out tells the number of its first.
func eachMFTRecord(ctx context.Context, from io.Reader, f func(number uint64, offset int64, rec []byte)) error {
	r := bufio.NewReaderSize(from, 256<<10)
	head, err := r.Peek(64)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	size := mftRecordSize(head)
	if size == 0 {
		size = 1024
	}
	first := uint64(0)
	if len(head) >= 48 && binary.LittleEndian.Uint16(head[4:]) >= 48 {
		first = uint64(binary.LittleEndian.Uint32(head[44:]))
	}
	rec := make([]byte, size)
	for number := uint64(0); ; number++ {
		if number&1023 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		n, err := io.ReadFull(r, rec)
		if n > 0 {
			f(first+number, int64(number)*int64(size), rec[:n])
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// mftTable is one table being read.
type mftTable struct {
	out    *output
	want   bool
	volume string
	names  mftFolders
	entry  mftEntry

	rec   event.Record
	slots [mftSlots]event.Value
	path  []byte // of the file at hand, UTF-16
	text  scratch
	above mftAbove
}

// mftAbove is the path of the folder that was last asked for: files of one folder often follow one another.
type mftAbove struct {
	parent uint64
	known  bool
	path   []byte
}

// learn keeps what paths need of a record in the first reading.
func (t *mftTable) learn(number uint64, rec []byte) {
	e := &t.entry
	if why := e.decode(number, rec); why != "" && !e.named() {
		return
	}
	if e.base != 0 {
		t.names.addPart(e)
		return
	}
	if e.flags&mftIsFolder != 0 && (e.named() || e.listed) {
		t.names.addFolder(e)
	}
}

// record yields the events of one record in the second reading.
func (t *mftTable) record(number uint64, offset int64, rec []byte) {
	if isZero(rec) {
		return // a record that was never used
	}
	e := &t.entry
	if why := e.decode(number, rec); why != "" {
		t.out.damage(offset, int64(len(rec)), why)
		if !e.named() {
			return
		}
	}
	if e.base != 0 {
		return // a further part of another record
	}
	if e.listed {
		t.names.complete(e)
	}
	if !e.named() {
		return // the first records are kept for the system, and bear no name
	}
	if t.want {
		t.fill(e)
	}
	created, changed := event.FromFileTime(e.times[0]), event.FromFileTime(e.times[2])
	if e.times[0] == 0 {
		created = event.FromFileTime(e.name.times[0])
	}
	t.take(mftCreatedSchema, created, e.number, offset)
	if changed != event.NoTime && changed.Sub(created).Abs() > mftMoment {
		t.take(mftChangedSchema, changed, e.number, offset)
	}
}

// mftMoment is how far a record's last change must lie from the file's creation to be an event of its own.
const mftMoment = 2e9

func (t *mftTable) take(s *event.Schema, at event.Time, number uint64, offset int64) {
	t.rec = event.Record{Schema: s, Time: at, Number: number, Offset: offset}
	if t.want {
		t.rec.Slots = t.slots[:]
	}
	t.out.take(&t.rec)
}

func (t *mftTable) fill(e *mftEntry) {
	clear(t.slots[:])
	t.text = t.text[:0]
	t.slots[mftPath] = event.Value{Type: event.UTF16, Raw: t.pathOf(e)}
	for i := range 4 {
		t.slots[mftCreated+i] = t.text.fileTime(e.times[i])
		t.slots[mftNameCreated+i] = t.text.fileTime(e.name.times[i])
	}
	if e.sized {
		t.slots[mftSize] = t.text.made(event.Number, strconv.AppendUint(t.text, e.size, 10))
	}
	t.slots[mftFolder] = truth[e.flags&mftIsFolder != 0]
	t.slots[mftDeleted] = truth[e.flags&mftInUse == 0]
	t.slots[mftAttributes] = t.text.made(event.Ansi|event.Array, appendFlags(t.text, e.attributes, fileAttributes))
	if len(e.streams) > 0 {
		t.slots[mftStreams] = event.Value{Type: event.UTF16 | event.Array, Raw: e.streams}
	}
	t.slots[mftContents] = textValue(e.zone)
	t.slots[mftStomp] = e.stomped()
	t.slots[mftReference] = t.text.made(event.UTF8, appendReference(t.text, e.number, e.sequence))
	t.slots[mftParent] = t.text.made(event.UTF8, appendReference(t.text, e.name.parent&referenceMask, uint16(e.name.parent>>48)))
	if e.usn != 0 {
		t.slots[mftUSN] = t.text.made(event.Number, strconv.AppendUint(t.text, e.usn, 10))
	}
}

// truth renders a fact as Sysmon does.
var truth = map[bool]event.Value{false: event.Text("false"), true: event.Text("true")}

// scratch holds the bytes of values that are made, not found, until the next record.
type scratch []byte

// made keeps what was appended to the scratch as a value.
func (s *scratch) made(kind event.Type, text []byte) event.Value {
	from := len(*s)
	*s = text
	if len(text) == from {
		return event.Value{}
	}
	return event.Value{Type: kind, Raw: text[from:len(text):len(text)]}
}

// fileTime makes a value of a FILETIME, null where it is not set.
func (s *scratch) fileTime(ft uint64) event.Value {
	if ft == 0 {
		return event.Value{}
	}
	return s.made(event.FileTime, binary.LittleEndian.AppendUint64(*s, ft))
}

// appendReference writes a file reference as forensic tools do: record, hyphen, sequence number.
func appendReference(b []byte, record uint64, sequence uint16) []byte {
	return strconv.AppendUint(append(strconv.AppendUint(b, record, 10), '-'), uint64(sequence), 10)
}

// appendFlags writes the names of the bits that are set, each closed by a NUL: the text of an array.
func appendFlags(b []byte, set uint32, names []flagName) []byte {
	for i := range names {
		if set&names[i].bit != 0 {
			b = append(append(b, names[i].name...), 0)
		}
	}
	return b
}

type flagName struct {
	bit  uint32
	name string
}

// fileAttributes are those of [MS-FSCC] 2.6.
var fileAttributes = []flagName{
	{0x1, "READONLY"}, {0x2, "HIDDEN"}, {0x4, "SYSTEM"}, {0x10, "DIRECTORY"}, {0x20, "ARCHIVE"}, {0x80, "NORMAL"}, {0x100, "TEMPORARY"},
	{0x200, "SPARSE_FILE"}, {0x400, "REPARSE_POINT"}, {0x800, "COMPRESSED"}, {0x1000, "OFFLINE"}, {0x2000, "NOT_CONTENT_INDEXED"},
	{0x4000, "ENCRYPTED"}, {0x8000, "INTEGRITY_STREAM"}, {0x20000, "NO_SCRUB_DATA"}, {0x40000, "RECALL_ON_OPEN"}, {0x80000, "PINNED"},
	{0x100000, "UNPINNED"}, {0x400000, "RECALL_ON_DATA_ACCESS"}, {0x10000000, "DIRECTORY"},
}

// pathOf makes the path of a file from the names of its folders.
func (t *mftTable) pathOf(e *mftEntry) []byte {
	if e.number == mftRoot {
		return appendUTF16Text(t.path[:0], t.volume+`\`)
	}
	if !t.above.known || t.above.parent != e.name.parent {
		p := appendUTF16Text(t.above.path[:0], t.volume)
		t.above = mftAbove{e.name.parent, true, t.names.appendPath(p, e.name.parent)}
	}
	t.path = append(t.path[:0], t.above.path...)
	t.path = append(t.path, '\\', 0)
	t.path = append(t.path, e.name.text...)
	return t.path
}

// appendUTF16Text appends text of ASCII as UTF-16.
func appendUTF16Text(b []byte, s string) []byte {
	for i := range len(s) {
		b = append(b, s[i], 0)
	}
	return b
}
