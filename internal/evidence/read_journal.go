package evidence

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strconv"

	"wardround/internal/event"
)

// journalReader reads systemd's journal: its files, of every compression, compact or not, and what journalctl makes of
// them with -o export and -o json.
var journalReader = reader{"journal", isJournal, readJournal}

const journalSignature = "LPKSHHRH"

func isJournal(head []byte, name string) bool {
	return hasPrefix(head, journalSignature) || isJournalExport(head) || isJournalJSON(head)
}

func isJournalExport(head []byte) bool {
	first := head[:min(len(head), 2048)]
	return hasPrefix(first, "__CURSOR=") || hasPrefix(first, "__REALTIME_TIMESTAMP=") && bytes.Contains(first, []byte("\n_"))
}

func isJournalJSON(head []byte) bool {
	line := head
	if i := bytes.IndexByte(head, '\n'); i >= 0 {
		line = head[:i]
	}
	return len(line) > 0 && line[0] == '{' && bytes.Contains(line, []byte(`"__REALTIME_TIMESTAMP"`))
}

func readJournal(ctx context.Context, in *input, out *output) error {
	r := bufio.NewReaderSize(in.Stream, 64<<10)
	head, err := r.Peek(4096)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	e := newJournalEntry(out)
	switch {
	case hasPrefix(head, journalSignature):
		err = readJournalFile(ctx, in, e)
	case len(head) > 0 && head[0] == '{':
		err = readJournalJSON(ctx, r, e)
	default:
		err = readJournalExport(ctx, r, e)
	}
	e.messages.close()
	return err
}

// journalEntry collects the fields of one entry.
type journalEntry struct {
	messages *messages
	out      *output
	line     syslogLine
	extra    []event.Value
	known    [journalKnown][]byte
	arena    []byte // what the fields point into
	time     event.Time
	record   []byte // an audit record with its head
}

const (
	maxJournalField = 1 << 20  // of one value; what is longer is cut and noted
	maxJournalEntry = 16 << 20 // of all values of an entry
)

// The fields that become those of every message, or steer how it is read.
const (
	journalMessage = iota
	journalHost
	journalIdentifier
	journalComm
	journalSyslogPID
	journalPID
	journalPriority
	journalFacility
	journalRealtime
	journalSeqnum
	journalSourceTime
	journalAuditType
	journalAuditID
	journalTransport
	journalCursor
	journalKnown
)

var journalKnownNames = map[string]int{"MESSAGE": journalMessage, "_HOSTNAME": journalHost, "SYSLOG_IDENTIFIER": journalIdentifier, "_COMM": journalComm,
	"SYSLOG_PID": journalSyslogPID, "_PID": journalPID, "PRIORITY": journalPriority, "SYSLOG_FACILITY": journalFacility, "__REALTIME_TIMESTAMP": journalRealtime,
	"__SEQNUM": journalSeqnum, "_SOURCE_REALTIME_TIMESTAMP": journalSourceTime, "_AUDIT_TYPE_NAME": journalAuditType, "_AUDIT_ID": journalAuditID, "_TRANSPORT": journalTransport, "__CURSOR": journalCursor}

// journalSlots finds the place of a field in extra.
var journalSlots = func() map[string]int {
	m := map[string]int{}
	for i, n := range journalFields {
		m[n] = i
	}
	return m
}()

func newJournalEntry(out *output) *journalEntry {
	return &journalEntry{messages: newMessages(out), out: out, extra: make([]event.Value, len(journalFields))}
}

func (e *journalEntry) reset() {
	clear(e.extra)
	clear(e.known[:])
	e.arena = e.arena[:0]
	if cap(e.arena) > 4<<20 {
		e.arena = nil
	}
	e.time = event.NoTime
}

// lacks reports whether a field of that name is of use and the entry has none yet: the first of several values stays.
func (e *journalEntry) lacks(name []byte) bool {
	if i, ok := journalKnownNames[string(name)]; ok && e.known[i] == nil {
		return true
	}
	i, ok := journalSlots[string(name)]
	return ok && e.extra[i].IsNull()
}

// set takes one field. The value is copied.
func (e *journalEntry) set(name, value []byte) {
	if !e.lacks(name) || len(e.arena) > maxJournalEntry {
		return
	}
	if len(value) > maxJournalField {
		e.out.note("values longer than 1 MiB are cut")
		value = value[:maxJournalField]
	}
	from := len(e.arena)
	e.arena = append(e.arena, value...)
	value = e.arena[from:len(e.arena):len(e.arena)]
	if i, ok := journalSlots[string(name)]; ok {
		e.extra[i] = numberValue(value)
	}
	if i, ok := journalKnownNames[string(name)]; ok {
		e.known[i] = value
	}
}

// smallNumber reads a number up to most, -1 if b is none.
func smallNumber(b []byte, most int) int {
	n, err := strconv.Atoi(string(b))
	if err != nil || n < 0 || n > most {
		return -1
	}
	return n
}

func microTime(b []byte) event.Time {
	n, err := strconv.ParseUint(string(b), 10, 63)
	if err != nil {
		return event.NoTime
	}
	return unixTime(int64(n/1e6), int(n%1e6)*1000)
}

// send hands the entry over as the message that it is.
func (e *journalEntry) send(number uint64, offset int64) {
	k := &e.known
	h := &e.line
	*h = syslogLine{pri: -1, tagged: true, host: k[journalHost], program: k[journalIdentifier], pid: k[journalSyslogPID], message: k[journalMessage]}
	if h.program == nil {
		h.program = k[journalComm]
	}
	if h.pid == nil {
		h.pid = k[journalPID]
	}
	if e.time == event.NoTime {
		e.time = microTime(k[journalRealtime])
	}
	priority, facility := smallNumber(k[journalPriority], 7), smallNumber(k[journalFacility], 23)
	if facility < 0 && string(k[journalTransport]) == "kernel" {
		facility = 0
	}
	if priority >= 0 && facility >= 0 {
		h.pri = facility<<3 | priority
	} else if priority >= 0 {
		h.level = severities[priority].Raw
	}
	if string(k[journalTransport]) == "audit" && e.audit(number, offset) {
		return
	}
	e.messages.take(h, unknownChannel, e.time, number, offset, e.extra)
}

// audit hands an entry that the journal took from the kernel's audit socket to the reader of audit records. Its message
// is the record without its head: "SYSCALL arch=c000003e …".
func (e *journalEntry) audit(number uint64, offset int64) bool {
	kind, serial := e.known[journalAuditType], e.known[journalAuditID]
	at := microTime(e.known[journalSourceTime])
	if at == event.NoTime {
		at = e.time
	}
	body, ok := bytes.CutPrefix(e.line.message, kind)
	if !ok || at < 0 || len(kind) == 0 || len(serial) == 0 || len(trimDigits(serial)) > 0 {
		return false
	}
	r := append(append(append(e.record[:0], "type="...), kind...), " msg=audit("...)
	r = strconv.AppendInt(r, int64(at)/1e9, 10)
	millis := int64(at) / 1e6 % 1000
	r = append(r, '.', byte('0'+millis/100), byte('0'+millis/10%10), byte('0'+millis%10), ':')
	e.record = append(append(append(r, serial...), "):"...), body...)
	record := syslogLine{pri: -1, host: e.line.host, message: e.record}
	return e.messages.auditRecord(&record, number, offset)
}

// number is the entry's sequence number, which old exports state in the cursor alone, or what stands in for it.
func (e *journalEntry) number(otherwise uint64) uint64 {
	if n, err := strconv.ParseUint(string(e.known[journalSeqnum]), 10, 64); err == nil {
		return n
	}
	if n, err := strconv.ParseUint(string(cut(e.known[journalCursor], ";i=", ";")), 16, 64); err == nil {
		return n
	}
	return otherwise
}

// readJournalExport reads the journal export format: lines FIELD=value, or FIELD, a length of eight bytes and the value
// where it holds line ends; an empty line ends the entry.
func readJournalExport(ctx context.Context, r *bufio.Reader, e *journalEntry) error {
	offset, start, number, fields := int64(0), int64(0), uint64(0), 0
	e.reset()
	send := func() {
		if fields > 0 {
			number++
			e.send(e.number(number), start)
		}
		e.reset()
		fields = 0
	}
	for polled := 0; ; polled++ {
		if polled&1023 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		line, size, err := readExportLine(r)
		if size == 0 {
			send()
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		at := offset
		offset += size
		if len(line) == 0 {
			send()
			start = offset
			continue
		}
		if name, value, ok := bytes.Cut(line, []byte{'='}); ok {
			if isFieldName(name) {
				e.set(name, value)
				fields++
			} else {
				e.out.damage(at, size, "line that is no field of a journal")
			}
			continue
		}
		if !isFieldName(line) {
			e.out.damage(at, size, "line that is no field of a journal")
			continue
		}
		name := bytes.Clone(line)
		value, n, err := readExportValue(r)
		offset += n
		if err != nil {
			e.out.damage(at, size+n, "field without its whole value")
			send()
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errNoField) {
				return nil
			}
			return err
		}
		e.set(name, value)
		fields++
	}
}

// readExportLine returns a line without its end, cut at maxJournalField, and its size in the file; 0 at the end.
func readExportLine(r *bufio.Reader) (line []byte, size int64, err error) {
	for {
		part, err := r.ReadSlice('\n')
		size += int64(len(part))
		if errors.Is(err, bufio.ErrBufferFull) {
			if len(line) < maxJournalField {
				line = append(line, part...)
			}
			continue
		}
		if line == nil {
			line = part
		} else if len(line) < maxJournalField {
			line = append(line, part...)
		}
		return bytes.TrimSuffix(line, []byte{'\n'}), size, err
	}
}

var errNoField = errors.New("field length is no length")

// readExportValue reads a length, the value and the line end behind it. Of a long value only the beginning is kept.
func readExportValue(r *bufio.Reader) (value []byte, size int64, err error) {
	var head [8]byte
	n, err := io.ReadFull(r, head[:])
	if err != nil {
		return nil, int64(n), err
	}
	length := binary.LittleEndian.Uint64(head[:])
	if length > 1<<32 {
		return nil, 8, errNoField
	}
	value = make([]byte, 0, min(length, 64<<10))
	kept := min(int64(length), maxJournalField+1)
	buf := bytes.NewBuffer(value)
	got, err := io.CopyN(buf, r, kept)
	if err == nil {
		var rest int64
		rest, err = io.CopyN(io.Discard, r, int64(length)-kept+1)
		got += rest
	}
	return buf.Bytes(), 8 + got, err
}

// isFieldName checks a journal field's name: capitals, digits and underscores.
func isFieldName(b []byte) bool {
	for _, c := range b {
		if c != '_' && !digit(c) && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return len(b) > 0 && len(b) <= 64
}
