package evtx

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"

	"wardround/internal/event"
)

// memory is a file in memory.
type memory struct {
	b  []byte
	at int64
}

func (m *memory) Write(p []byte) (int, error) {
	if end := m.at + int64(len(p)); end > int64(len(m.b)) {
		m.b = append(m.b, make([]byte, end-int64(len(m.b)))...)
	}
	copy(m.b[m.at:], p)
	m.at += int64(len(p))
	return len(p), nil
}

func (m *memory) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekStart {
		return 0, errors.New("only from the start")
	}
	m.at = offset
	return offset, nil
}

func mustCompile(t testing.TB, m Manifest) *Kind {
	t.Helper()
	k, err := Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// writeLog writes the events and returns the file.
func writeLog(t testing.TB, options WriterOptions, events ...*Event) []byte {
	t.Helper()
	var out memory
	w, err := NewWriter(&out, options)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.b
}

const (
	securityGUID = "{54849625-5478-4994-A5BA-3E3B0328C30D}"
	eventlogGUID = "{fc65ddd8-d6ef-4962-83d5-6e5cfe9ce148}"
	serviceGUID  = "{555908d1-a6d7-4695-8e1e-26931d2012f4}"
	someTime     = event.Time(1669167469123456700) // 2022-11-23T01:37:49.1234567Z
)

// The five forms in which providers write.
func logonKind(t testing.TB) *Kind {
	return mustCompile(t, Manifest{
		Provider: "Microsoft-Windows-Security-Auditing", GUID: securityGUID, Channel: "Security",
		ID: 4624, Version: 2, Task: 12544, Keywords: 0x8020000000000000,
		Fields: []Field{{"SubjectUserSid", event.SID}, {"TargetUserName", event.UTF16}, {"LogonType", event.Uint32}, {"ProcessId", event.Size}},
	})
}

func serviceKind(t testing.TB) *Kind {
	return mustCompile(t, Manifest{
		Provider: "Service Control Manager", GUID: serviceGUID, Source: "Service Control Manager", Channel: "System",
		ID: 7036, Qualifiers: 0x4000, Level: 4, Keywords: 0x8080000000000000, Classic: true,
		Fields: []Field{{"param1", event.UTF16}, {"param2", event.UTF16}}, Binary: true,
	})
}

func databaseKind(t testing.TB) *Kind {
	return mustCompile(t, Manifest{Provider: "MSSQLSERVER", Channel: "Application", ID: 18456, Qualifiers: 0xc000, Task: 4, Keywords: 0x90000000000000, Classic: true})
}

func clearedKind(t testing.TB) *Kind {
	return mustCompile(t, Manifest{
		Provider: "Microsoft-Windows-Eventlog", GUID: eventlogGUID, Channel: "Security", ID: 1102, Level: 4, Task: 104,
		Keywords: 0x4020000000000000, Classic: true,
		UserData: "LogFileCleared", Namespace: "http://manifests.microsoft.com/win/2004/08/windows/eventlog",
		Fields: []Field{{"SubjectUserSid", event.SID}, {"SubjectUserName", event.UTF16}, {"Error@Code", event.Uint32}, {"Error", event.UTF16}},
	})
}

func sessionKind(t testing.TB) *Kind {
	return mustCompile(t, Manifest{
		Provider: "Microsoft-Windows-TerminalServices-RemoteConnectionManager", GUID: "{c76baa63-ae81-421c-b425-340b4b24157f}",
		Channel: "Microsoft-Windows-TerminalServices-RemoteConnectionManager/Operational", ID: 1149, Level: 4, Keywords: 0x1000000000000000,
		UserData: "EventXML", Namespace: "Event_NS", Fields: []Field{{"Param1", event.UTF16}, {"Param2", event.UTF16}, {"Param3", event.UTF16}},
	})
}

var systemSID = []byte{1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0}

// oneOfEach is an event of each form.
func oneOfEach(t testing.TB) []*Event {
	var logon, service, database, cleared, session Values
	logon.Raw(event.SID, systemSID)
	logon.Text("Grüße 😀 & <Ürgell>")
	logon.Number(event.Uint32, 10)
	logon.Number(event.Hex64, 0x1f4)
	service.Text("Windows Event Log")
	service.Text("stopped")
	database.Text("sa")
	database.Text("")
	database.Text(" [CLIENT: 198.18.0.7]")
	cleared.Raw(event.SID, systemSID)
	cleared.Text("EX-ADMIN")
	cleared.Number(event.Uint32, 15005)
	cleared.Text("x")
	session.Text("admin")
	session.Null()
	session.Text("198.18.0.7")
	activity := [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	return []*Event{
		{Kind: logonKind(t), Time: someTime, Written: someTime.Add(1000), ProcessID: 640, ThreadID: 716, Activity: activity, Values: logon.List},
		{Kind: serviceKind(t), Time: someTime, ProcessID: 492, ThreadID: 1188, Values: service.List, Binary: []byte("e\x00v\x00")},
		{Kind: databaseKind(t), Time: someTime, Values: database.List, Binary: []byte{0x18, 0x48, 0, 0}},
		{Kind: clearedKind(t), Time: someTime, ProcessID: 812, ThreadID: 1, Values: cleared.List},
		{Kind: sessionKind(t), Time: someTime, ProcessID: 4, ThreadID: 5, User: systemSID, Activity: activity, Related: activity, Computer: "EX-RDS1", Values: session.List},
		{Kind: sessionKind(t), Time: someTime, Body: &Element{Name: "CertGetCertificateChain", Elements: []Element{
			{Name: "Certificate", Attributes: []Attribute{{"fileRef", "A.cer"}, {"subjectName", `EX "CA" & Co`}}},
			{Name: "Flags", Attributes: []Attribute{{"value", "1"}}, Text: "a < b"},
			{Name: "EventAuxInfo"},
		}}},
	}
}

// texts renders leaves as path=value.
func texts(r checkedRecord) []string {
	var list []string
	for _, l := range r.leaves {
		if !strings.Contains(l.path, "@xmlns") {
			list = append(list, l.path+"="+event.Value{Type: l.typ, Raw: l.raw}.String())
		}
	}
	return list
}

func TestWriterForms(t *testing.T) {
	events := oneOfEach(t)
	records := check(t, writeLog(t, WriterOptions{Computer: "EX-DC1"}, events...))
	want := []string{
		`Event/System/Provider@Name=Microsoft-Windows-Security-Auditing
Event/System/Provider@Guid={54849625-5478-4994-A5BA-3E3B0328C30D}
Event/System/EventID=4624
Event/System/Version=2
Event/System/Level=0
Event/System/Task=12544
Event/System/Opcode=0
Event/System/Keywords=0x8020000000000000
Event/System/TimeCreated@SystemTime=2022-11-23T01:37:49.1234567Z
Event/System/EventRecordID=1
Event/System/Correlation@ActivityID={04030201-0605-0807-090A-0B0C0D0E0F10}
Event/System/Execution@ProcessID=640
Event/System/Execution@ThreadID=716
Event/System/Channel=Security
Event/System/Computer=EX-DC1
Event/EventData/Data[SubjectUserSid]=S-1-5-18
Event/EventData/Data[TargetUserName]=Grüße 😀 & <Ürgell>
Event/EventData/Data[LogonType]=10
Event/EventData/Data[ProcessId]=0x1f4`,
		`Event/System/Provider@Name=Service Control Manager
Event/System/Provider@Guid={555908d1-a6d7-4695-8e1e-26931d2012f4}
Event/System/Provider@EventSourceName=Service Control Manager
Event/System/EventID@Qualifiers=16384
Event/System/EventID=7036
Event/System/Version=0
Event/System/Level=4
Event/System/Task=0
Event/System/Opcode=0
Event/System/Keywords=0x8080000000000000
Event/System/TimeCreated@SystemTime=2022-11-23T01:37:49.1234567Z
Event/System/EventRecordID=2
Event/System/Execution@ProcessID=492
Event/System/Execution@ThreadID=1188
Event/System/Channel=System
Event/System/Computer=EX-DC1
Event/EventData/Data[param1]=Windows Event Log
Event/EventData/Data[param2]=stopped
Event/EventData/Binary=65007600`,
		`Event/System/Provider@Name=MSSQLSERVER
Event/System/EventID@Qualifiers=49152
Event/System/EventID=18456
Event/System/Level=0
Event/System/Task=4
Event/System/Keywords=0x90000000000000
Event/System/TimeCreated@SystemTime=2022-11-23T01:37:49.1234567Z
Event/System/EventRecordID=3
Event/System/Channel=Application
Event/System/Computer=EX-DC1
Event/EventData/Data=sa,, [CLIENT: 198.18.0.7]
Event/EventData/Binary=18480000`,
		`Event/System/Provider@Name=Microsoft-Windows-Eventlog
Event/System/Provider@Guid={fc65ddd8-d6ef-4962-83d5-6e5cfe9ce148}
Event/System/EventID=1102
Event/System/Version=0
Event/System/Level=4
Event/System/Task=104
Event/System/Opcode=0
Event/System/Keywords=0x4020000000000000
Event/System/TimeCreated@SystemTime=2022-11-23T01:37:49.1234567Z
Event/System/EventRecordID=4
Event/System/Execution@ProcessID=812
Event/System/Execution@ThreadID=1
Event/System/Channel=Security
Event/System/Computer=EX-DC1
Event/UserData/LogFileCleared/SubjectUserSid=S-1-5-18
Event/UserData/LogFileCleared/SubjectUserName=EX-ADMIN
Event/UserData/LogFileCleared/Error@Code=15005
Event/UserData/LogFileCleared/Error=x`,
		`Event/System/Provider@Name=Microsoft-Windows-TerminalServices-RemoteConnectionManager
Event/System/Provider@Guid={C76BAA63-AE81-421C-B425-340B4B24157F}
Event/System/EventID=1149
Event/System/Version=0
Event/System/Level=4
Event/System/Task=0
Event/System/Opcode=0
Event/System/Keywords=0x1000000000000000
Event/System/TimeCreated@SystemTime=2022-11-23T01:37:49.1234567Z
Event/System/EventRecordID=5
Event/System/Correlation@ActivityID={04030201-0605-0807-090A-0B0C0D0E0F10}
Event/System/Correlation@RelatedActivityID={04030201-0605-0807-090A-0B0C0D0E0F10}
Event/System/Execution@ProcessID=4
Event/System/Execution@ThreadID=5
Event/System/Channel=Microsoft-Windows-TerminalServices-RemoteConnectionManager/Operational
Event/System/Computer=EX-RDS1
Event/System/Security@UserID=S-1-5-18
Event/UserData/EventXML/Param1=admin
Event/UserData/EventXML/Param2=
Event/UserData/EventXML/Param3=198.18.0.7`,
	}
	if len(records) != len(events) {
		t.Fatalf("%d records", len(records))
	}
	for i, w := range want {
		if got := strings.Join(texts(records[i]), "\n"); got != w {
			t.Errorf("record %d: got\n%s\nwant\n%s", i+1, got, w)
		}
	}
	raw := strings.Join(texts(records[5])[14:], "\n")
	if want := "Event/UserData/CertGetCertificateChain/Certificate@fileRef=A.cer\n" +
		"Event/UserData/CertGetCertificateChain/Certificate@subjectName=EX \"CA\" & Co\n" +
		"Event/UserData/CertGetCertificateChain/Flags@value=1\n" +
		"Event/UserData/CertGetCertificateChain/Flags=a < b"; raw != want {
		t.Errorf("ready XML: got\n%s\nwant\n%s", raw, want)
	}
	if records[0].written != fileTime(someTime.Add(1000)) || records[1].written != fileTime(someTime) {
		t.Error("time in the record header")
	}
}

// typeCase is a value of a type, and the text that event.Value gives it.
type typeCase struct {
	name string
	typ  event.Type
	raw  []byte
	text string
}

// typeTable holds every type that Windows writes.
func typeTable() []typeCase {
	var v Values
	var list []typeCase
	add := func(name, text string) {
		x := v.List[len(v.List)-1]
		list = append(list, typeCase{name, x.Type, x.Raw, text})
	}
	number := func(t event.Type, n uint64, name, text string) { v.Number(t, n); add(name, text) }
	raw := func(t event.Type, b []byte, name, text string) { v.Raw(t, b); add(name, text) }
	negative := func(n int64) uint64 { return uint64(n) }
	v.Text("plain")
	add("Text", "plain")
	v.Text("")
	add("EmptyText", "")
	v.Text("NtLmSsp ")
	add("TrailingBlank", "NtLmSsp ")
	v.Text("tab\tline\r\nline\nend 'x' \"y\" <z/> &amp; ]]>")
	add("Markup", "tab\tline\r\nline\nend 'x' \"y\" <z/> &amp; ]]>")
	v.Text("एम्स 😀 Ā਀")
	add("Script", "एम्स 😀 Ā਀")
	v.Null()
	add("Null", "")
	raw(event.Ansi, []byte("caf\xe9 \x80\x00"), "Ansi", "café €")
	number(event.Int8, negative(-128), "Int8", "-128")
	number(event.Uint8, 255, "Uint8", "255")
	number(event.Int16, negative(-32768), "Int16", "-32768")
	number(event.Uint16, 65535, "Uint16", "65535")
	number(event.Int32, negative(-2), "Int32", "-2")
	number(event.Uint32, 1<<32-1, "Uint32", "4294967295")
	number(event.Int64, 1<<63, "Int64", "-9223372036854775808")
	number(event.Uint64, 1<<64-1, "Uint64", "18446744073709551615")
	number(event.Float32, uint64(math.Float32bits(0.1)), "Float32", "0.1")
	number(event.Float64, math.Float64bits(-2.5), "Float64", "-2.5")
	number(event.Float64, math.Float64bits(3), "WholeFloat", "3")
	number(event.Bool, 1, "True", "true")
	number(event.Bool, 0, "False", "false")
	raw(event.Binary, []byte{0, 0xab, 0xff}, "Binary", "00ABFF")
	raw(event.Binary, nil, "EmptyBinary", "")
	raw(event.GUID, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, "GUID", "{04030201-0605-0807-090A-0B0C0D0E0F10}")
	raw(event.GUID, make([]byte, 16), "ZeroGUID", "{00000000-0000-0000-0000-000000000000}")
	number(event.Size, 0xffffffffff, "Size8", "0xffffffffff")
	raw(event.Size, []byte{0x10, 0, 0, 0}, "Size4", "0x10")
	v.Time(someTime)
	add("FileTime", "2022-11-23T01:37:49.1234567Z")
	v.Time(event.NoTime)
	add("ZeroTime", "1601-01-01T00:00:00.0000000Z")
	raw(event.SysTime, []byte{0xe6, 7, 11, 0, 3, 0, 23, 0, 1, 0, 37, 0, 49, 0, 0x7b, 0}, "SysTime", "2022-11-23T01:37:49.123Z")
	raw(event.SID, systemSID, "SID", "S-1-5-18")
	long, _ := ParseSID("S-1-5-21-1004336348-1177238915-682003330-512")
	raw(event.SID, long, "DomainSID", "S-1-5-21-1004336348-1177238915-682003330-512")
	number(event.Hex32, 0x10, "Hex32", "0x10")
	number(event.Hex64, 0x8020000000000000, "Hex64", "0x8020000000000000")
	number(event.Hex64, 0, "ZeroHex", "0x0")
	v.Texts("one", "two, three", "𠀀")
	add("Texts", "one,two, three,𠀀")
	v.Texts("single")
	add("OneText", "single")
	v.Numbers(event.Uint8, 1, 2, 255)
	add("Uint8s", "1,2,255")
	v.Numbers(event.Int16, 1, negative(-1))
	add("Int16s", "1,-1")
	v.Numbers(event.Uint16, 80, 443)
	add("Uint16s", "80,443")
	v.Numbers(event.Int32, 1, negative(-1))
	add("Int32s", "1,-1")
	v.Numbers(event.Uint32, 4624, 4625)
	add("Uint32s", "4624,4625")
	v.Numbers(event.Int64, 7, negative(-7))
	add("Int64s", "7,-7")
	v.Numbers(event.Uint64, 7, 1<<63)
	add("Uint64s", "7,9223372036854775808")
	v.Numbers(event.Hex32, 16, 17)
	add("Hex32s", "0x10,0x11")
	v.Numbers(event.Hex64, 16, 1<<63)
	add("Hex64s", "0x10,0x8000000000000000")
	v.Numbers(event.FileTime, fileTime(someTime), fileTime(someTime))
	add("Times", "2022-11-23T01:37:49.1234567Z,2022-11-23T01:37:49.1234567Z")
	raw(event.SID|event.Array, append(append([]byte{}, systemSID...), long...), "SIDs", "S-1-5-18,S-1-5-21-1004336348-1177238915-682003330-512")
	return list
}

// typeEvent is an event with all fields of the table, of the given provider.
func typeEvent(t testing.TB, table []typeCase) *Event {
	m := Manifest{Provider: "EX-Types", GUID: "{0d4fdc09-8c27-494a-bda0-505e4fd8adae}", Channel: "EX-Types/Operational", ID: 1}
	e := &Event{Time: someTime}
	for _, c := range table {
		m.Fields = append(m.Fields, Field{c.name, max(c.typ, event.UTF16)})
		e.Values = append(e.Values, event.Value{Type: c.typ, Raw: c.raw})
	}
	e.Kind = mustCompile(t, m)
	return e
}

func TestWriterTypes(t *testing.T) {
	table := typeTable()
	for _, exported := range []bool{false, true} {
		r := check(t, writeLog(t, WriterOptions{Exported: exported}, typeEvent(t, table)))[0]
		for _, c := range table {
			l, ok := r.value("Event/EventData/Data[" + c.name + "]")
			want := event.Value{Type: c.typ, Raw: c.raw}
			if c.typ == event.Null {
				want.Type = event.UTF16
			}
			if c.typ == event.UTF8 {
				want = event.Value{Type: event.UTF16, Raw: encodeUTF16(nil, c.raw)}
				if !exported {
					want.Raw = append(want.Raw, 0, 0)
				}
			}
			if !ok || l.typ != want.Type || !bytes.Equal(l.raw, want.Raw) {
				t.Errorf("%s: wrote %x % x, want %x % x", c.name, l.typ, l.raw, want.Type, want.Raw)
			}
			if got := (event.Value{Type: l.typ, Raw: l.raw}).String(); got != c.text {
				t.Errorf("%s: reads %q, want %q", c.name, got, c.text)
			}
		}
	}
}

// The order of the bytes and the sizes of a record whose every byte is known.
func TestWriterBytes(t *testing.T) {
	k := mustCompile(t, Manifest{Provider: "P", Channel: "C", ID: 3, Qualifiers: 4, Level: 2, Task: 7, Keywords: 0x80000000000000, Classic: true})
	var v Values
	v.Text("a")
	e := Event{Kind: k, Time: someTime, Values: v.List}
	log := writeLog(t, WriterOptions{Computer: "X"}, &e, &e)
	second := 4096 + int(binaryUint32(log[4096+44:]))
	size := binaryUint32(log[second+4:])
	got := log[second : second+int(size)]
	want := "2a2a0000" + "d0000000" + "0200000000000000" + "07ebeb31dcfed801" + // magic, size, id, time
		"0f010100" + "0c01" + "%x" + "26020000" + "14000000" + // fragment, instance, definition, 20 values
		"01000400" + "01000400" + "02000600" + "02000600" + "02000600" + "08001500" + "08001100" + "00000000" + "04000800" + "04000800" +
		"08000a00" + "01000400" + "00000000" + "00000000" + "00000000" + "00000000" + "00000000" + "00000000" + "00000000" + "27002100" +
		"02" + "00" + "0700" + "0300" + "0400" + "0000000000008000" + "07ebeb31dcfed801" + "00000000" + "00000000" + "0200000000000000" + "00" +
		"0f010100" + "0c01" + "%x" + "%x" + "03000000" + "04008100" + "04000800" + "00000000" + "61000000" + "00000000" + "00" + // body
		"00" + "00" + "d0000000"
	want = fmt.Sprintf(want, got[30:34], got[169:173], got[173:177])
	if fmt.Sprintf("%x", got) != want {
		t.Errorf("got  %x\nwant %s", got, want)
	}
}

func binaryUint32(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

func TestWriterManyChunks(t *testing.T) {
	events := oneOfEach(t)
	var list []*Event
	for range 500 {
		list = append(list, events...)
	}
	log := writeLog(t, WriterOptions{Computer: "EX-DC1"}, list...)
	records := check(t, log)
	if len(records) != len(list) {
		t.Fatalf("%d records of %d", len(records), len(list))
	}
	for i, r := range records[:200] {
		one := check(t, writeLog(t, WriterOptions{Computer: "EX-DC1", First: uint64(i + 1)}, list[i]))[0]
		if strings.Join(texts(r), "\n") != strings.Join(texts(one), "\n") {
			t.Fatalf("record %d differs from the same event alone", i+1)
		}
	}
	if chunks := (len(log) - 4096) / 65536; chunks < 20 || chunks > 60 {
		t.Errorf("%d chunks: definitions are written once per chunk?", chunks)
	}
}

func TestWriterIsDeterministic(t *testing.T) {
	events := oneOfEach(t)
	for range 6 {
		events = append(events, events...)
	}
	options := WriterOptions{Computer: "EX-DC1", Remains: true, Mark: "exercise"}
	want := writeLog(t, options, events...)
	again := oneOfEach(t) // other Kinds
	for range 6 {
		again = append(again, again...)
	}
	logs := make([][]byte, 4)
	var wg sync.WaitGroup
	for i := range logs {
		wg.Go(func() {
			if i%2 == 0 {
				logs[i] = writeLog(t, options, events...)
			} else {
				logs[i] = writeLog(t, options, again...)
			}
		})
	}
	wg.Wait()
	for i, log := range logs {
		if !bytes.Equal(log, want) {
			t.Errorf("log %d differs", i)
		}
	}
}

func TestWriterOptions(t *testing.T) {
	var list []*Event
	for range 100 {
		list = append(list, oneOfEach(t)...)
	}
	plain := writeLog(t, WriterOptions{}, list...)
	chunks := (len(plain) - 4096) / 65536
	t.Run("mark", func(t *testing.T) {
		log := writeLog(t, WriterOptions{Mark: "Wardround exercise"}, list...)
		check(t, log)
		if !bytes.Equal(log[MarkOffset:MarkOffset+18], []byte("Wardround exercise")) || !bytes.Equal(log[4096:], plain[4096:]) {
			t.Error("mark missing, or more than the header changed")
		}
		if _, err := NewWriter(&memory{}, WriterOptions{Mark: strings.Repeat("x", 3969)}); err == nil {
			t.Error("a mark that does not fit was taken")
		}
	})
	t.Run("first", func(t *testing.T) {
		records := check(t, writeLog(t, WriterOptions{First: 4711}, list...))
		if records[0].id != 4711 || records[len(records)-1].id != 4711+uint64(len(list))-1 {
			t.Errorf("records %d to %d", records[0].id, records[len(records)-1].id)
		}
	})
	t.Run("dirty", func(t *testing.T) {
		log := writeLog(t, WriterOptions{Dirty: true}, list...)
		records := check(t, log)
		last := 4096 + (chunks-1)*65536
		if log[120] != 1 || binaryUint32(log[24:]) != binaryUint32(log[last+8:]) || len(records) != len(list) {
			t.Errorf("flags %x, next record %d, last chunk begins with %d", log[120], binaryUint32(log[24:]), binaryUint32(log[last+8:]))
		}
	})
	t.Run("exported", func(t *testing.T) {
		e := *list[0]
		e.Number = 900
		records := check(t, writeLog(t, WriterOptions{Exported: true}, list[0], &e))
		n, _ := records[1].value("Event/System/EventRecordID")
		if records[1].id != 2 || binaryUint32(n.raw) != 900 {
			t.Errorf("record id %d, EventRecordID %d", records[1].id, binaryUint32(n.raw))
		}
	})
	t.Run("no checksum", func(t *testing.T) {
		log := writeLog(t, WriterOptions{NoChecksum: true, Minor: 2}, list...)
		check(t, log)
		if log[120] != 4 || binaryUint32(log[124:]) != 0 || log[4096+120] != 5 || binaryUint32(log[4096+52:]) != 0 || log[36] != 2 {
			t.Error("flags, checksums or version")
		}
	})
	t.Run("minor version 2", func(t *testing.T) {
		records := check(t, writeLog(t, WriterOptions{Minor: 2}, oneOfEach(t)[2]))
		if _, ok := records[0].value("Event/System/Execution@ProcessID"); !ok {
			t.Error("a provider without GUID has the short System part")
		}
	})
	t.Run("remains", func(t *testing.T) {
		log := writeLog(t, WriterOptions{Remains: true}, list...)
		check(t, log)
		last := log[len(log)-65536:]
		before := log[len(log)-2*65536 : len(log)-65536]
		free := binaryUint32(last[48:])
		if !bytes.Equal(last[free:], before[free:]) || len(bytes.Trim(last[free:], "\x00")) == 0 {
			t.Error("behind the last record are not the remains of the chunk before")
		}
		if at := 4096 + (chunks-1)*65536; len(bytes.Trim(plain[at+int(binaryUint32(plain[at+48:])):], "\x00")) != 0 {
			t.Error("behind the last record are no zeros")
		}
	})
	t.Run("circular", func(t *testing.T) {
		log := writeLog(t, WriterOptions{MaxChunks: 3}, list...)
		records := check(t, log)
		if len(log) != 4096+3*65536 || records[len(records)-1].id != uint64(len(list)) || records[0].id == 1 {
			t.Errorf("%d bytes, records %d to %d", len(log), records[0].id, records[len(records)-1].id)
		}
		if oldest := int(log[8]); oldest != chunks%3 {
			t.Errorf("oldest chunk %d of %d written", oldest, chunks)
		}
	})
	t.Run("allocate", func(t *testing.T) {
		log := writeLog(t, WriterOptions{Allocate: 20}, list...)
		if check(t, log); len(log) != 4096+20*65536 || !bytes.Equal(log[:len(plain)], plain) {
			t.Errorf("%d bytes", len(log))
		}
		if log := writeLog(t, WriterOptions{Allocate: 1}, list...); !bytes.Equal(log, plain) {
			t.Error("a log that is larger than allocated changed")
		}
	})
	t.Run("empty", func(t *testing.T) {
		if log := writeLog(t, WriterOptions{}); len(log) != 4096+65536 || len(check(t, log)) != 0 {
			t.Errorf("%d bytes", len(log))
		}
	})
}

func TestWriterNumbers(t *testing.T) {
	e := oneOfEach(t)[0]
	w, _ := NewWriter(&memory{}, WriterOptions{First: 10})
	for _, c := range []struct {
		number uint64
		ok     bool
	}{{0, true}, {10, false}, {9, false}, {12, true}, {0, true}, {13, false}, {1 << 40, true}} {
		e.Number = c.number
		if err := w.Write(e); (err == nil) != c.ok {
			t.Errorf("number %d: %v", c.number, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var ids []uint64
	for _, r := range check(t, w.out.(*memory).b) {
		ids = append(ids, r.id)
	}
	if fmt.Sprint(ids) != "[10 12 13 1099511627776]" {
		t.Errorf("record ids %v", ids)
	}
}

func TestWriterLimits(t *testing.T) {
	script := mustCompile(t, Manifest{
		Provider: "Microsoft-Windows-PowerShell", GUID: "{a0c1853b-5c40-4b15-8766-3cf1c58f985a}", Channel: "Microsoft-Windows-PowerShell/Operational", ID: 4104,
		Fields: []Field{{"ScriptBlockText", event.UTF16}, {"Path", event.UTF16}},
	})
	text := func(n int) *Event {
		var v Values
		v.Text(strings.Repeat("x", n))
		v.Text("C:\\x.ps1")
		return &Event{Kind: script, Time: someTime, Values: v.List}
	}
	many := databaseKind(t)
	var v Values
	for range 40000 {
		v.Text("x")
	}
	var out memory
	w, _ := NewWriter(&out, WriterOptions{Computer: "EX-APP1"})
	for _, c := range []struct {
		name string
		e    *Event
		want string
	}{
		{"fits", text(30000), ""},
		{"starts a chunk", text(31000), ""},
		{"value above 65,535 bytes", text(32768), `write event 3 of "Microsoft-Windows-PowerShell": field "ScriptBlockText" of 65538 bytes: event too large`},
		{"event above a chunk", text(32600), `write event 3 of "Microsoft-Windows-PowerShell": more than the 65024 bytes of a chunk: event too large`},
		{"strings above 65,535 bytes", &Event{Kind: many, Time: someTime, Values: v.List}, `write event 3 of "MSSQLSERVER": strings of more than 65,535 bytes: event too large`},
		{"binary above a chunk", &Event{Kind: many, Time: someTime, Binary: make([]byte, 1<<20)}, `write event 3 of "MSSQLSERVER": more than the 65024 bytes of a chunk: event too large`},
		{"too few values", &Event{Kind: script, Time: someTime}, `write event 3 of "Microsoft-Windows-PowerShell": 0 values for 2 fields`},
		{"null number", &Event{Kind: logonKind(t), Values: []event.Value{{Type: event.SID, Raw: systemSID}, {}, {}, {}}}, `write event 3 of "Microsoft-Windows-Security-Auditing": field "LogonType": null, of type 0x08, which has no empty value`},
		{"long computer", &Event{Kind: many, Computer: strings.Repeat("x", 40000)}, `write event 3 of "MSSQLSERVER": text of more than 32,767 characters in a definition`},
		{"long SID", &Event{Kind: many, User: make([]byte, 72)}, `write event 3 of "MSSQLSERVER": user SID of 72 bytes`},
		{"no kind", &Event{}, `write event 3 of "": no kind`},
		{"bad type", &Event{Kind: script, Values: []event.Value{{Type: 0x42}, {}}}, `write event 3 of "Microsoft-Windows-PowerShell": field "ScriptBlockText": type 0x42 is none of a Windows event log`},
		{"nested XML", &Event{Kind: script, Values: []event.Value{{Type: event.BinXML}, {}}}, `write event 3 of "Microsoft-Windows-PowerShell": field "ScriptBlockText": nested XML is no value: it belongs into Body`},
		{"number among strings", &Event{Kind: many, Values: []event.Value{{Type: event.Uint8, Raw: []byte{1}}}}, `write event 3 of "MSSQLSERVER": string 0 is of type 0x04, not text`},
		{"nameless element", &Event{Kind: script, Body: &Element{Name: "a", Elements: []Element{{}}}}, `write event 3 of "Microsoft-Windows-PowerShell": name "" has not 1 to 255 characters`},
		{"goes on", text(10), ""},
	} {
		err := w.Write(c.e)
		if got := fmt.Sprint(err); c.want == "" && err != nil || c.want != "" && got != c.want {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
		if strings.HasSuffix(c.want, "too large") != errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: errors.Is(%v, ErrTooLarge)", c.name, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w.Write(text(1)) == nil || w.Close() == nil {
		t.Error("a closed log takes more")
	}
	if records := check(t, out.b); len(records) != 3 || records[2].id != 3 {
		t.Errorf("%d records", len(records))
	}
}

// An event that is too large for any chunk ends the chunk, but leaves no empty one behind.
func TestWriterTooLargeAtTheEnd(t *testing.T) {
	k := databaseKind(t)
	for _, circular := range []int{0, 1, 2} {
		var out memory
		w, _ := NewWriter(&out, WriterOptions{MaxChunks: circular})
		for range 300 {
			if err := w.Write(&Event{Kind: k}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Write(&Event{Kind: k, Binary: make([]byte, 65000)}); !errors.Is(err, ErrTooLarge) {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if r := check(t, out.b); r[len(r)-1].id != 300 {
			t.Errorf("last record %d", r[len(r)-1].id)
		}
	}
}

// Every size of a record at the end of a chunk: none may be cut, none lost.
func TestWriterChunkEnds(t *testing.T) {
	k := databaseKind(t)
	for pad := range 200 {
		var big, small Values
		big.Text(strings.Repeat("x", 31000+pad))
		small.Text("y")
		log := writeLog(t, WriterOptions{Computer: "X"},
			&Event{Kind: k, Values: small.List}, &Event{Kind: k, Values: big.List},
			&Event{Kind: k, Values: small.List}, &Event{Kind: logonKind(t), Values: oneOfEach(t)[0].Values}, &Event{Kind: k, Values: small.List})
		if n := len(check(t, log)); n != 5 {
			t.Fatalf("pad %d: %d records", pad, n)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	for want, m := range map[string]Manifest{
		"no GUID, and not classic":                                {},
		"qualifiers, but not classic":                             {GUID: securityGUID, Qualifiers: 1},
		`read GUID "{5}": not 32 hexadecimal digits`:              {GUID: "{5}"},
		`name "" has not 1 to 255 characters`:                     {GUID: securityGUID, UserData: "x", Fields: []Field{{"", event.UTF16}}},
		"text of more than 32,767 characters in a definition":     {GUID: securityGUID, Fields: []Field{{strings.Repeat("x", 32768), event.UTF16}}},
		`field "f": type 0x21 is none of a Windows event log`:     {GUID: securityGUID, Fields: []Field{{"f", event.BinXML}}},
		"name of provider or channel of more than 512 characters": {GUID: securityGUID, Channel: strings.Repeat("x", 513)},
	} {
		_, err := Compile(m)
		if want = fmt.Sprintf("compile event 0 of %q: %s", m.Provider, want); fmt.Sprint(err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestEncodeUTF16(t *testing.T) {
	for _, s := range []string{"", "a", "é", "एम्स", "a😀b𠀀", "a\xffb", "\xed\xa0\x80", "\U0010ffff", strings.Repeat("x€", 1000)} {
		var want []byte
		for _, u := range utf16.Encode([]rune(s)) {
			want = append(want, byte(u), byte(u>>8))
		}
		if got := encodeUTF16([]byte("x"), []byte(s)); !bytes.Equal(got[1:], want) {
			t.Errorf("%q: got % x, want % x", s, got[1:], want)
		}
	}
}

func TestParse(t *testing.T) {
	for _, s := range []string{"S-1-5-18", "S-1-0-0", "S-1-5-21-1004336348-1177238915-682003330-512", "S-1-16-16384", "S-1-0x123456789abc-7"} {
		sid, err := ParseSID(s)
		if got := (event.Value{Type: event.SID, Raw: sid}).String(); err != nil || got != s {
			t.Errorf("%s: got %s, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "S-1", "S-2-5-18", "S-1-5-x", "S-1-5-4294967296", "S-1-5-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1"} {
		if _, err := ParseSID(s); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
	g, err := ParseGUID("54849625-5478-4994-a5ba-3e3b0328c30d")
	if got := (event.Value{Type: event.GUID, Raw: g[:]}).String(); err != nil || got != securityGUID {
		t.Errorf("got %s, %v", got, err)
	}
}

// failing is a file that fails after some bytes.
type failing struct {
	memory
	left int
}

var errDisk = errors.New("disk full")

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errDisk
	}
	return f.memory.Write(p)
}

func TestWriterDiskFull(t *testing.T) {
	e := oneOfEach(t)[0]
	for _, left := range []int{0, 4096, 4096 + 65536, 4096 + 3*65536} {
		w, err := NewWriter(&failing{left: left}, WriterOptions{})
		for n := 0; err == nil && n < 1000; n++ {
			err = w.Write(e)
		}
		if !errors.Is(err, errDisk) || !errors.Is(w.Close(), errDisk) {
			t.Errorf("%d bytes: %v", left, err)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	events := oneOfEach(b)[:5]
	w, err := NewWriter(&memory{b: make([]byte, 4096+100*65536)}, WriterOptions{Computer: "EX-DC1", MaxChunks: 100})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := w.Write(events[i%5]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
