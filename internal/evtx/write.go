package evtx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"wardround/internal/event"
)

// MarkOffset is where WriterOptions.Mark stands in the file: behind the used part of the file header.
const MarkOffset = 128

// ErrTooLarge says that an event, with the template definitions it needs, does not fit into a chunk, or one of its
// values not into the 65,535 bytes that a value descriptor can state. Nothing of the event is written.
var ErrTooLarge = errors.New("event too large")

// WriterOptions choose which of the many logs that Windows leaves is written. The zero value is the closed log of a
// machine up to Windows Server 2012 R2.
type WriterOptions struct {
	Computer string // of every event that names none itself
	First    uint64 // record number of the first event; 0 means 1
	Mark     string // text behind the used part of the file header, at MarkOffset; Windows leaves zeros there

	// Minor is the minor version of the format: 1 up to Windows 8.1 and Server 2012 R2 (and 0 means 1), 2 since
	// Windows 10 and Server 2016.
	Minor uint16
	// Exported writes what saving a selection of a log to a file writes: record ids count from 1 whatever the
	// EventRecordID is, and strings of manifest events lose their NUL.
	Exported bool
	// Dirty leaves the log as it is found on a running machine: the flag is set, and the file header says what held
	// when the last chunk was begun.
	Dirty bool
	// NoChecksum writes no checksums and says so in the flags, as Windows 11 can.
	NoChecksum bool
	// Remains leaves the bytes of the chunk before behind the last record of a chunk, as Windows does, which builds
	// all chunks in one buffer. Without it there are zeros.
	Remains bool
	// MaxChunks makes the log circular: the chunk after that many overwrites the oldest. 0 means no limit.
	MaxChunks int
	// Allocate is the least number of chunks that the file has room for; those that are not used are zero.
	Allocate int
}

// Event is one event to be written. It and what it points to may be reused as soon as Write returns.
type Event struct {
	Kind      *Kind
	Number    uint64     // EventRecordID; 0 means one more than the last one's
	Time      event.Time // TimeCreated
	Written   event.Time // in the record's header; 0 means Time
	Computer  string     // "" means the Writer's
	ProcessID uint32
	ThreadID  uint32
	Activity  [16]byte // zero means none
	Related   [16]byte // zero means none
	User      []byte   // SID; empty means none
	// Values are those of the Manifest's fields, in order; null is the empty value of text, binary and arrays. Where the
	// manifest lists no fields because the provider is classic, they are the strings of the event, as many as there are.
	Values []event.Value
	Binary []byte // of a Manifest with Binary, or classic without fields; empty means none
	// Body, if set, is written element by element instead of a template instance, as the few providers do that hand
	// over ready XML. Values and Binary are then not used.
	Body *Element
}

// Writer writes one Windows event log. The same options and events give the same bytes. Writers may share Kinds, but
// one Writer is for one goroutine.
type Writer struct {
	out     io.WriteSeeker
	options WriterOptions
	at      int64 // where the next byte of out lands
	chunk   draft
	before  []byte // the chunk before, for Remains
	begun   int    // chunks begun, overwritten ones included
	next    uint64 // EventRecordID that follows
	id      uint64 // of the next record, as its header numbers it: next, but in an export a count from 1
	stated  uint64 // id when the chunk was begun
	outer   map[outerKey]*outline
	err     error
}

type outerKey struct {
	kind     *Kind
	computer string
}

// NewWriter begins a log at the beginning of out. The log is complete only after Close.
func NewWriter(out io.WriteSeeker, options WriterOptions) (*Writer, error) {
	if len(options.Mark) > fileHeaderBytes-MarkOffset {
		return nil, fmt.Errorf("write event log: mark of %d bytes exceeds the %d unused bytes of the header",
			len(options.Mark), fileHeaderBytes-MarkOffset)
	}
	if options.Minor == 0 {
		options.Minor = 1
	}
	w := &Writer{
		out: out, options: options, next: max(options.First, 1), id: 1, outer: map[outerKey]*outline{},
		chunk: draft{buf: make([]byte, 0, 2*chunkBytes), terminate: !options.Exported},
	}
	if !options.Exported {
		w.id = w.next
	}
	if options.Remains {
		w.before = make([]byte, chunkBytes)
	}
	w.begin()
	w.header(true)
	return w, w.err
}

// Write appends an event. An error that wraps ErrTooLarge, or that says what is wrong with the event, leaves the log
// as it was; any other error is that of out, and final.
func (w *Writer) Write(e *Event) error {
	if w.err != nil {
		return w.err
	}
	number := e.Number
	if number == 0 {
		number = w.next
	}
	if number < w.next {
		return fmt.Errorf("write event: record number %d follows %d", number, w.next-1)
	}
	err := w.add(e, number)
	if err == errFull && w.chunk.records > 0 {
		if w.flush(); w.err != nil {
			return w.err
		}
		w.begin()
		err = w.add(e, number)
	}
	if err == errFull {
		err = fmt.Errorf("more than the %d bytes of a chunk: %w", chunkBytes-chunkHeaderBytes, ErrTooLarge)
	}
	if err != nil {
		return fmt.Errorf("write event %d of %q: %w", number, e.provider(), err)
	}
	w.next = number + 1
	return nil
}

// Close completes the log: the last chunk, the room that was asked for, the header. It does not close the file.
func (w *Writer) Close() error {
	if w.chunk.records > 0 || w.begun == 1 {
		w.flush()
	} else {
		w.begun-- // begun for an event that did not fit
	}
	if size := fileHeaderBytes + int64(w.options.Allocate)*chunkBytes; w.err == nil && size > w.end() {
		w.put(w.end(), make([]byte, size-w.end()))
	}
	w.header(w.options.Dirty)
	if w.err == nil {
		w.err = errClosed
		return nil
	}
	return w.err
}

// maxSID is the size of a SID with 15 sub-authorities, the most there can be.
const maxSID = 8 + 4*15

var errClosed = errors.New("write event log: already closed")

// add appends the event to the chunk, or nothing if there is an error.
func (w *Writer) add(e *Event, number uint64) error {
	switch {
	case e.Kind == nil:
		return errors.New("no kind")
	case len(e.User) > maxSID:
		return fmt.Errorf("user SID of %d bytes", len(e.User))
	}
	outer, err := w.outline(e)
	if err != nil {
		return err
	}
	id := number
	if w.options.Exported {
		id = w.id
	}
	saved := w.chunk.save()
	if err := w.chunk.record(e, outer, id, number); err != nil {
		w.chunk.restore(saved)
		return err
	}
	w.id = id + 1
	return nil
}

// outline is the outer template of the event: that of its kind on its computer.
func (w *Writer) outline(e *Event) (*outline, error) {
	key := outerKey{e.Kind, e.Computer}
	if key.computer == "" {
		key.computer = w.options.Computer
	}
	if o := w.outer[key]; o != nil {
		return o, nil
	}
	o, err := e.Kind.outer(key.computer, w.options.Minor)
	if err == nil {
		w.outer[key] = o
	}
	return o, err
}

// begin starts a chunk.
func (w *Writer) begin() {
	w.chunk.reset()
	w.begun++
	w.stated = w.id
}

// flush writes the chunk to its place.
func (w *Writer) flush() {
	image := w.chunk.finish(w.before, w.options.NoChecksum)
	copy(w.before, image)
	w.put(fileHeaderBytes+int64(w.slot(w.begun-1))*chunkBytes, image)
}

// slot is where in the file the chunk of that number lies.
func (w *Writer) slot(number int) int {
	if w.options.MaxChunks > 0 {
		return number % w.options.MaxChunks
	}
	return number
}

// chunks is the number of chunks in use.
func (w *Writer) chunks() int {
	if w.options.MaxChunks > 0 {
		return min(w.begun, w.options.MaxChunks)
	}
	return w.begun
}

func (w *Writer) end() int64 { return fileHeaderBytes + int64(w.chunks())*chunkBytes }

// header writes the file header.
func (w *Writer) header(dirty bool) {
	h := make([]byte, fileHeaderBytes)
	copy(h, fileMagic)
	next, oldest, flags := w.id, 0, uint32(0)
	if w.begun > w.chunks() {
		oldest = w.slot(w.begun)
	}
	if dirty {
		next = w.stated
		flags |= 1
	}
	if w.options.NoChecksum {
		flags |= 4
	}
	binary.LittleEndian.PutUint64(h[8:], uint64(oldest))
	binary.LittleEndian.PutUint64(h[16:], uint64(w.slot(w.begun-1)))
	binary.LittleEndian.PutUint64(h[24:], next)
	binary.LittleEndian.PutUint32(h[32:], 128)
	binary.LittleEndian.PutUint16(h[36:], w.options.Minor)
	binary.LittleEndian.PutUint16(h[38:], 3)
	binary.LittleEndian.PutUint16(h[40:], fileHeaderBytes)
	binary.LittleEndian.PutUint16(h[42:], uint16(w.chunks()))
	binary.LittleEndian.PutUint32(h[120:], flags)
	if !w.options.NoChecksum {
		binary.LittleEndian.PutUint32(h[124:], crc32.ChecksumIEEE(h[:120]))
	}
	copy(h[MarkOffset:], w.options.Mark)
	w.put(0, h)
}

// put writes b at the offset.
func (w *Writer) put(offset int64, b []byte) {
	if w.err != nil {
		return
	}
	if w.chunks() > 65535 {
		w.err = errors.New("write event log: more than 65,535 chunks")
		return
	}
	if offset != w.at {
		if _, w.err = w.out.Seek(offset, io.SeekStart); w.err != nil {
			w.err = fmt.Errorf("write event log: %w", w.err)
			return
		}
	}
	n, err := w.out.Write(b)
	w.at = offset + int64(n)
	if err != nil {
		w.err = fmt.Errorf("write event log: %w", err)
	}
}
