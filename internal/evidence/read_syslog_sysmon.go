package evidence

import (
	"bytes"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"wardround/internal/event"
)

// sysmonEvents reads the events of Sysmon for Linux, which writes each as XML in a message to syslog. They get the names
// that Windows events have.
type sysmonEvents struct {
	out   *output
	rec   event.Record
	slots [64]event.Value
	arena []byte
}

// Fields of EventData by event, from the manifest that Sysmon prints.
var sysmonData = map[uint32]string{
	1: "RuleName UtcTime ProcessGuid ProcessId Image FileVersion Description Product Company OriginalFileName CommandLine CurrentDirectory User LogonGuid LogonId " +
		"TerminalSessionId IntegrityLevel Hashes ParentProcessGuid ParentProcessId ParentImage ParentCommandLine ParentUser",
	3: "RuleName UtcTime ProcessGuid ProcessId Image User Protocol Initiated SourceIsIpv6 SourceIp SourceHostname SourcePort SourcePortName " +
		"DestinationIsIpv6 DestinationIp DestinationHostname DestinationPort DestinationPortName",
	4:  "UtcTime State Version SchemaVersion",
	5:  "RuleName UtcTime ProcessGuid ProcessId Image User",
	9:  "RuleName UtcTime ProcessGuid ProcessId Image Device User",
	11: "RuleName UtcTime ProcessGuid ProcessId Image TargetFilename CreationUtcTime User",
	16: "UtcTime Configuration ConfigurationFileHash",
	23: "RuleName UtcTime ProcessGuid ProcessId User Image TargetFilename Hashes IsExecutable Archived",
}

const (
	sysmonSystem = "EventID Version Level Task Opcode Keywords EventRecordID Channel Computer"
	sysmonIDs    = 64 // ids beyond share the schema of id 0
)

type sysmonKind struct {
	schema *event.Schema
	slots  map[string]int
}

var sysmonKinds = sync.OnceValue(func() *[sysmonIDs]sysmonKind {
	all := new([sysmonIDs]sysmonKind)
	union := []string{}
	for id := range uint32(sysmonIDs) {
		for _, n := range strings.Fields(sysmonData[id]) {
			union = append(union, n)
		}
	}
	for id := range all {
		names := strings.Fields(sysmonData[uint32(id)])
		if len(names) == 0 {
			names = union
		}
		all[id] = newSysmonKind(uint32(id), names)
	}
	return all
})

func newSysmonKind(id uint32, data []string) sysmonKind {
	k := sysmonKind{slots: map[string]int{}}
	var fields []event.Field
	for _, n := range append(append(strings.Fields(sysmonSystem), "Provider_Name", "TimeCreated", "Execution_ProcessID", "Security_UserID"), data...) {
		if _, ok := k.slots[n]; !ok {
			k.slots[n] = len(fields)
			fields = append(fields, event.Field{Name: n, Slot: len(fields)})
		}
	}
	k.schema = event.NewSchema(event.Source{Product: "linux", Channel: "sysmon", Provider: "Linux-Sysmon", EventID: id}, fields, len(fields))
	return k
}

// take reads the XML; it answers no when the message is none of Sysmon's events.
func (s *sysmonEvents) take(text []byte, t event.Time, number uint64, offset int64, host string) bool {
	if !hasPrefix(text, "<Event>") && !hasPrefix(text, "<Event ") {
		return false
	}
	id, err := strconv.ParseUint(string(cut(text, "<EventID>", "<")), 10, 32)
	if err != nil {
		return false
	}
	kinds := sysmonKinds()
	kind := &kinds[0]
	if id < sysmonIDs {
		kind = &kinds[id]
	}
	var at logStamp
	if stated := cut(text, `SystemTime="`, `"`); stated != nil && readISO(stated, &at) > 0 {
		at.zoned = true
		t = newWallClock(nil).at(&at)
	}
	s.rec = event.Record{Schema: kind.schema, Time: t, Number: number, Offset: offset, Host: host}
	if s.out.want(kind.schema) {
		clear(s.slots[:kind.schema.Slots])
		s.fill(text, kind)
		s.rec.Slots = s.slots[:kind.schema.Slots]
	}
	s.out.take(&s.rec)
	return true
}

func (s *sysmonEvents) fill(text []byte, kind *sysmonKind) {
	if cap(s.arena) < len(text) {
		s.arena = make([]byte, 0, 2*len(text))
	}
	s.arena = s.arena[:0]
	system := cut(text, "<System>", "</System>")
	for i, n := range sysmonSystemTags {
		s.slots[i] = textValue(s.unescape(cut(system, n, "<")))
	}
	for i, pre := range []string{`<Provider Name="`, `SystemTime="`, `ProcessID="`, `UserId="`} {
		s.slots[9+i] = textValue(s.unescape(cut(system, pre, `"`)))
	}
	for rest := cut(text, "<EventData>", "</EventData>"); ; {
		i := bytes.Index(rest, []byte(`<Data Name="`))
		if i < 0 {
			return
		}
		rest = rest[i+12:]
		quote := bytes.IndexByte(rest, '"')
		if quote < 0 || quote+1 >= len(rest) {
			return
		}
		name, value := rest[:quote], rest[quote+1:]
		rest = value
		if value[0] == '/' { // <Data Name="…"/>
			continue
		}
		value = value[1:]
		if end := bytes.Index(value, []byte("</Data>")); end >= 0 {
			value, rest = value[:end], value[end+7:]
		} else {
			rest = nil
		}
		if slot, ok := kind.slots[string(name)]; ok && slot < len(s.slots) {
			s.slots[slot] = textValue(s.unescape(value))
		}
	}
}

var sysmonSystemTags = func() (tags []string) {
	for _, n := range strings.Fields(sysmonSystem) {
		tags = append(tags, "<"+n+">")
	}
	return tags
}()

// unescape undoes the references of XML; a text without any stays where it is.
func (s *sysmonEvents) unescape(b []byte) []byte {
	if bytes.IndexByte(b, '&') < 0 {
		return b
	}
	start := len(s.arena)
	for len(b) > 0 {
		if b[0] == '&' {
			if end := bytes.IndexByte(b[:min(len(b), 10)], ';'); end > 1 {
				if r, ok := xmlReference(b[1:end]); ok {
					s.arena = utf8.AppendRune(s.arena, r)
					b = b[end+1:]
					continue
				}
			}
		}
		s.arena = append(s.arena, b[0])
		b = b[1:]
	}
	return s.arena[start:]
}

func xmlReference(name []byte) (rune, bool) {
	switch string(name) {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	if name[0] != '#' {
		return 0, false
	}
	digits, base := string(name[1:]), 10
	if strings.HasPrefix(digits, "x") || strings.HasPrefix(digits, "X") {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 21)
	return rune(n), err == nil && n > 0
}
