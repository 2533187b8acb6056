package evidence

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf16"

	"wardround/internal/event"
	"wardround/internal/outside"
)

// brief renders a row on one line: source, host, time, number, and the fields named.
func brief(r row, fields ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s/%s/%d %s %s #%d", r.Source.Channel, r.Source.Provider, r.Source.EventID, r.Host, r.Time, r.Number)
	for _, f := range fields {
		fmt.Fprintf(&b, " %s=%s", f, r.Fields[f])
	}
	return b.String()
}

func TestWinJSONForms(t *testing.T) {
	for _, c := range []struct{ name, in, fields, want string }{
		{"winlogbeat 8", `{"@timestamp":"2022-11-23T01:37:49.123Z","winlog":{"channel":"Security","provider_name":"Microsoft-Windows-Security-Auditing","event_id":"4624","record_id":4711,"computer_name":"LIS-DB1.hosp.example","event_data":{"TargetUserName":"svc_lis","LogonType":"3"},"keywords":["Audit Success"],"process":{"pid":612,"thread":{"id":7}}},"event":{"code":"4624","created":"2022-11-23T01:39:00Z"},"host":{"name":"WEC1"},"message":"An account was successfully logged on."}`,
			"TargetUserName LogonType KeywordsDisplayNames Execution_ProcessID Message host.name",
			"Security/Microsoft-Windows-Security-Auditing/4624 LIS-DB1.hosp.example 2022-11-23T01:37:49.123Z #4711 TargetUserName=svc_lis LogonType=3 KeywordsDisplayNames=Audit Success Execution_ProcessID=612 Message=An account was successfully logged on. host.name="},
		{"winlogbeat, dotted keys in an export", `{"_index":"x","_source":{"@timestamp":"2022-11-23T01:37:49.000Z","winlog.channel":"System","winlog.provider_name":"Service Control Manager","winlog.event_id":7045,"winlog.computer_name":"A","winlog.event_data.ServiceName":"PSEXESVC"}}`,
			"ServiceName _index", "System/Service Control Manager/7045 A 2022-11-23T01:37:49Z #1 ServiceName=PSEXESVC _index="},
		{"winlogbeat 6", `{"@timestamp":"2022-11-23T01:37:49.5Z","beat":{"hostname":"WEC1"},"computer_name":"A","event_data":{"Image":"C:\\Windows\\cmd.exe","UtcTime":"2022-11-23 01:37:49.401"},"event_id":1,"log_name":"Microsoft-Windows-Sysmon/Operational","record_number":"88","source_name":"Microsoft-Windows-Sysmon"}`,
			"Image UtcTime", `Microsoft-Windows-Sysmon/Operational/Microsoft-Windows-Sysmon/1 A 2022-11-23T01:37:49.5Z #88 Image=C:\Windows\cmd.exe UtcTime=2022-11-23 01:37:49.401`},
		{"winlogbeat with the Sysmon module", `{"@timestamp":"2022-11-23T01:37:49.5Z","winlog":{"computer_name":"A","channel":"Microsoft-Windows-Sysmon/Operational","event_id":1,"provider_name":"Microsoft-Windows-Sysmon","event_data":{"LogonId":"0x3e7"}},"process":{"executable":"C:\\w.exe","command_line":"w -a","parent":{"executable":"C:\\p.exe"},"pe":{"original_file_name":"W.EXE"}},"user":{"domain":"NT AUTHORITY","name":"SYSTEM"}}`,
			"Image CommandLine ParentImage OriginalFileName User LogonId", `Microsoft-Windows-Sysmon/Operational/Microsoft-Windows-Sysmon/1 A 2022-11-23T01:37:49.5Z #1 Image=C:\w.exe CommandLine=w -a ParentImage=C:\p.exe OriginalFileName=W.EXE User=NT AUTHORITY\SYSTEM LogonId=0x3e7`},
		{"NXLog", `{"EventTime":"2022-11-23 07:07:49","Hostname":"A","Keywords":-9214364837600034816,"EventType":"AUDIT_SUCCESS","SeverityValue":2,"Severity":"INFO","EventID":4688,"SourceName":"Microsoft-Windows-Security-Auditing","ProviderGuid":"{54849625-5478-4994-A5BA-3E3B0328C30D}","Version":2,"Task":13312,"OpcodeValue":0,"RecordNumber":12,"ExecutionProcessID":4,"ThreadID":60,"Channel":"security","Opcode":"Info","NewProcessId":"0x4e4","EventReceivedTime":"2022-11-23 07:08:01","@timestamp":"2022-11-23T01:38:02.5Z","SourceModuleType":"im_msvistalog","host":"wec.hosp.example","port":64545}`,
			"Keywords Provider_Guid Opcode OpcodeDisplayName NewProcessId Execution_ThreadID Channel host", "Security/Microsoft-Windows-Security-Auditing/4688 A 2022-11-23T01:37:49Z #12 Keywords=0x8020000000000000 Provider_Guid={54849625-5478-4994-A5BA-3E3B0328C30D} Opcode=0 OpcodeDisplayName=Info NewProcessId=0x4e4 Execution_ThreadID=60 Channel=security host="},
		{"NXLog, a zone in the time", `{"EventTime":"2022-11-23T07:07:49.1234567+05:30","Hostname":"A","EventID":5156,"SourceName":"Microsoft-Windows-Security-Auditing","Channel":"Security","ProcessId":"4","SeverityValue":2}`,
			"ProcessId ProcessID", "Security/Microsoft-Windows-Security-Auditing/5156 A 2022-11-23T01:37:49.1234567Z #1 ProcessId=4 ProcessID=4"},
		{"evtx_dump", "Record 3\n" + `{"Event":{"#attributes":{"xmlns":"http://x"},"System":{"Provider":{"#attributes":{"Name":"MSSQLSERVER","Guid":"{1}"}},"EventID":{"#attributes":{"Qualifiers":49152},"#text":18456},"Level":0,"TimeCreated":{"#attributes":{"SystemTime":"2022-11-23T01:37:49.123456Z"}},"EventRecordID":3,"Correlation":null,"Channel":"Application","Computer":"A","Security":null},"EventData":{"Data":{"#text":["sa","why"]},"Binary":"00FF"}}}`,
			"EventID Qualifiers Data Binary", "Application/MSSQLSERVER/18456 A 2022-11-23T01:37:49.123456Z #3 EventID=18456 Qualifiers=49152 Data=sa | why Binary=00FF"},
		{"evtx_dump, user data, attributes apart", `{"Event_attributes":{"xmlns":"x"},"Event":{"System":{"Provider_attributes":{"Name":"Microsoft-Windows-Eventlog"},"EventID":1102,"TimeCreated_attributes":{"SystemTime":"2022-11-23T01:37:49Z"},"EventRecordID":9,"Channel":"Security","Computer":"A"},"UserData":{"LogFileCleared":{"SubjectUserName":"adm","ns0:SubjectLogonId":"0x1","Inner":{"#attributes":{"Kind":"k"}}}}}}`,
			"SubjectUserName SubjectLogonId Inner_Kind", "Security/Microsoft-Windows-Eventlog/1102 A 2022-11-23T01:37:49Z #9 SubjectUserName=adm SubjectLogonId=0x1 Inner_Kind=k"},
		{"XML turned into JSON", `{"Event":{"System":{"Provider":{"@Name":"Microsoft-Windows-Security-Auditing"},"EventID":"4624","TimeCreated":{"@SystemTime":"2022-11-23T01:37:49.1234567Z"},"Channel":"Security","Computer":"A"},"EventData":{"Data":[{"@Name":"TargetUserName","#text":"u"},{"#text":"3","@Name":"LogonType"}]}}}`,
			"TargetUserName LogonType", "Security/Microsoft-Windows-Security-Auditing/4624 A 2022-11-23T01:37:49.1234567Z #1 TargetUserName=u LogonType=3"},
		{"Velociraptor", `{"System":{"Provider":{"Name":"Microsoft-Windows-Security-Auditing","Guid":"{1}"},"EventID":{"Value":4624},"Version":2,"Keywords":9232379236109516800,"TimeCreated":{"SystemTime":1669167469.1234567},"EventRecordID":77,"Correlation":{},"Execution":{"ProcessID":1,"ThreadID":2},"Channel":"Security","Computer":"A","Security":{}},"EventData":{"SubjectLogonId":999,"LogonType":3},"Message":"m"}`,
			"Keywords SubjectLogonId LogonType Message", "Security/Microsoft-Windows-Security-Auditing/4624 A 2022-11-23T01:37:49.1234567Z #77 Keywords=0x8020000000000000 SubjectLogonId=0x3e7 LogonType=3 Message=m"},
		{"Velociraptor's hunter", `{"EventTime":"2022-11-23T01:37:49Z","Computer":"A","Channel":"Security","Provider":"Microsoft-Windows-Security-Auditing","EventID":4625,"EventRecordID":5,"EventData":{"TargetUserName":"x"},"Message":"m"}`,
			"TargetUserName", "Security/Microsoft-Windows-Security-Auditing/4625 A 2022-11-23T01:37:49Z #5 TargetUserName=x"},
		{"Get-WinEvent", `[{"Id":4625,"Version":0,"Level":0,"Task":12544,"Keywords":-9218868437227405312,"RecordId":4711,"ProviderName":"Microsoft-Windows-Security-Auditing","ProviderId":"54849625-5478-4994-a5ba-3e3b0328c30d","LogName":"Security","ProcessId":612,"ThreadId":7,"MachineName":"A","UserId":{"BinaryLength":12,"Value":"S-1-5-18"},"TimeCreated":"\/Date(1669167469123)\/","Bookmark":{},"KeywordsDisplayNames":["Audit Failure"],"Properties":[{"Value":"S-1-0-0"},{"Value":3}],"Message":"failed"}]`,
			"Data Execution_ProcessID Security_UserID Keywords", "Security/Microsoft-Windows-Security-Auditing/4625 A 2022-11-23T01:37:49.123Z #4711 Data=S-1-0-0 | 3 Execution_ProcessID=612 Security_UserID=S-1-5-18 Keywords=0x8010000000000000"},
		{"Get-EventLog", `{"MachineName":"A","Data":[1,2],"Index":9,"EventID":7036,"Message":"m","Source":"Service Control Manager","ReplacementStrings":["x","running"],"InstanceId":1073748860,"TimeGenerated":"\/Date(1669167469000)\/","TimeWritten":"\/Date(1669167469000)\/"}`,
			"Data", "System/Service Control Manager/7036 A 2022-11-23T01:37:49Z #9 Data=x | running"},
		{"Wazuh", `{"timestamp":"2022-11-23T01:39:00.000+0000","agent":{"name":"A"},"manager":{"name":"siem"},"data":{"win":{"system":{"providerName":"Microsoft-Windows-Sysmon","eventID":"1","systemTime":"2022-11-23T01:37:49.1234567Z","eventRecordID":"6","channel":"Microsoft-Windows-Sysmon/Operational","computer":"A.hosp.example","message":"\"Process Create\""},"eventdata":{"image":"C:\\\\Windows\\\\cmd.exe","commandLine":"cmd"}}},"location":"EventChannel"}`,
			"Image CommandLine", `Microsoft-Windows-Sysmon/Operational/Microsoft-Windows-Sysmon/1 A.hosp.example 2022-11-23T01:37:49.1234567Z #6 Image=C:\Windows\cmd.exe CommandLine=cmd`},
		{"Fluent Bit", `{"ProviderName":"Microsoft-Windows-Security-Auditing","ProviderGuid":"{1}","EventID":4672,"TimeCreated":"2022-11-23 07:07:49 +0530","EventRecordID":3,"ProcessID":4,"ThreadID":5,"Channel":"Security","Computer":"A","StringInserts":["S-1-5-18","SYSTEM"]}`,
			"Data Execution_ProcessID", "Security/Microsoft-Windows-Security-Auditing/4672 A 2022-11-23T01:37:49Z #3 Data=S-1-5-18 | SYSTEM Execution_ProcessID=4"},
		{"classic PowerShell keeps its strings in the message", `{"EventTime":"2022-11-23T01:37:49Z","Hostname":"A","EventID":400,"SourceName":"PowerShell","Channel":"Windows PowerShell","Message":"HostApplication=powershell -enc"}`,
			"Data", "Windows PowerShell/PowerShell/400 A 2022-11-23T01:37:49Z #1 Data=HostApplication=powershell -enc"},
	} {
		if !isWinJSON([]byte(c.in), "x.json") {
			t.Errorf("%s: not told", c.name)
		}
		for _, text := range []string{c.in, "\xff\xfe" + utf16Text(c.in)} {
			got, facts := readAll(t, readWinJSON, "x.json", []byte(text), time0)
			if len(got) != 1 || len(facts.Damaged) > 0 {
				t.Errorf("%s: %d records, damage %v", c.name, len(got), facts.Damaged)
				continue
			}
			if s := brief(got[0], strings.Fields(c.fields)...); s != c.want {
				t.Errorf("%s:\n got %s\nwant %s", c.name, s, c.want)
			}
		}
	}
}

// time0 is when the samples of these tests were last modified.
var time0 = time.Date(2022, 11, 24, 0, 0, 0, 0, time.UTC)

func utf16Text(s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return string(b)
}

// TestWinJSONDocuments: a document may wrap the list of its events, and other objects of that document are not events.
func TestWinJSONDocuments(t *testing.T) {
	line := `{"Channel":"C","SourceName":"P","EventID":1,"Hostname":"A","EventTime":"2022-11-23T01:37:49Z"}`
	for _, in := range []string{
		`{"took":3,"hits":{"total":{"value":2},"hits":[{"_index":"x","_source":` + line + `},{"_source":` + line + `}]}}`,
		"{\n  \"value\": [\n    " + line + ",\n    " + line + "\n  ],\n  \"Count\": 2\n}\n",
		`{"Events":[` + line + "," + line + `],"more":"` + strings.Repeat("x", 99) + `"}`,
	} {
		got, facts := readAll(t, readWinJSON, "x.json", []byte(in), time0)
		if !isWinJSON([]byte(in), "") || len(got) != 2 || len(facts.Damaged) != 0 || got[1].Host != "A" {
			t.Errorf("%s: %d records, damage %v", in, len(got), facts.Damaged)
		}
	}
	in := strings.TrimSuffix(line, "}") + `,"results":[{"a":1}]}` + "\n" + line
	if got, facts := readAll(t, readWinJSON, "x.json", []byte(in), time0); len(got) != 2 || len(facts.Damaged) != 0 {
		t.Errorf("%d records, damage %v", len(got), facts.Damaged)
	}
}

func TestWinJSONValues(t *testing.T) {
	const head = `{"Channel":"C","SourceName":"P","EventID":1,"Hostname":"A","EventTime":"2022-11-23T01:37:49Z",`
	for _, c := range []struct{ in, want string }{
		{`"x":"a\u0000b\u0000"`, "a\x00b"},
		{`"x":"\ud800\udc00\udc00"`, "\U00010000\ufffd"},
		{`"x":"\xff"`, "\xff"},
		{`"x":123456789012345678901234567890`, "123456789012345678901234567890"},
		{`"x":-1.5e300`, "-1.5e300"},
		{`"x":true`, "true"},
		{`"x":null`, ""},
		{`"x":""`, ""},
		{`"x":"1","x":"2"`, "1 | 2"},
		{`"x":["1",2,[3]]`, "1 | 2 | 3"},
		{`"\u0078":"1"`, "1"},
	} {
		in := strings.ReplaceAll(head+c.in+"}", `\xff`, "\xff")
		got, facts := readAll(t, readWinJSON, "x.json", []byte(in), time0)
		if len(got) != 1 || got[0].Fields["x"] != c.want || len(facts.Damaged) > 0 {
			t.Errorf("%s: %v, damage %v", c.in, got, facts.Damaged)
		}
	}
}

// TestWinJSONDamaged breaks one line in five ways: the lines around it must be read.
func TestWinJSONDamaged(t *testing.T) {
	line := func(n int) string {
		return fmt.Sprintf(`{"Channel":"Security","SourceName":"P","EventID":4624,"Hostname":"A","EventTime":"2022-11-23T01:37:49Z","RecordNumber":%d,"Message":"a\r\nb"}`, n)
	}
	for _, bad := range []string{line(2)[:40], line(2)[:len(line(2))-4], "Nov 23 07:07:49 relay: " + line(2), strings.ReplaceAll(line(2), `":`, `"`), strings.Repeat("\x00", 5000), `{"a":` + strings.Repeat("[", 100) + "}"} {
		in := line(1) + "\n" + bad + "\n" + line(3) + "\r\n" + line(4) + `{"other":1}`
		got, facts := readAll(t, readWinJSON, "x.json", []byte(in), time0)
		var n []string
		for _, r := range got {
			n = append(n, fmt.Sprint(r.Number, "@", r.Offset))
		}
		at := len(line(1)) + 1
		third := at + len(bad) + 1
		if want := fmt.Sprintf("1@0 3@%d 4@%d", third, third+len(line(3))+2); strings.Join(n, " ") != want {
			t.Errorf("after %.40q: %v, want %s", bad, n, want)
		}
		if want := fmt.Sprint(at, " ", len(bad)+1); len(facts.Damaged) != 1 || fmt.Sprint(facts.Damaged[0].Offset, " ", facts.Damaged[0].Bytes) != want {
			t.Errorf("after %.40q: damage %v, want %s", bad, facts.Damaged, want)
		}
		if len(facts.Notes) != 1 || facts.Notes[0] != "1 objects that are no Windows events were passed over" {
			t.Errorf("notes %q", facts.Notes)
		}
	}
}

// TestWinJSONClock: stated times are wall clocks in the flat form; Sysmon's UtcTime tells their distance from UTC, even
// for events that stand before it, and for hosts that have no Sysmon.
func TestWinJSONClock(t *testing.T) {
	var b strings.Builder
	write := func(host, provider string, id int, stated, utc string) {
		fmt.Fprintf(&b, `{"Channel":"C","SourceName":%q,"EventID":%d,"Hostname":%q,"TimeCreated":%q,"UtcTime":%q}`+"\n", provider, id, host, stated, utc)
	}
	write("A", "P", 1, "2022-11-23T07:07:49.5Z", "")
	write("B", "P", 1, "2022-11-23T07:07:49.5Z", "")
	for range 5 {
		write("A", "Microsoft-Windows-Sysmon", 1, "2022-11-23T07:07:49.5Z", "2022-11-23 01:37:49.480")
		write("A", "Microsoft-Windows-Sysmon", 3, "2022-11-23T07:07:49.5Z", "2022-11-20 11:11:11.111")
	}
	write("C", "P", 1, "2022-11-23T07:07:49.5Z", "")
	got, facts := readAll(t, readWinJSON, "x.json", []byte(b.String()), time0)
	for _, r := range got {
		if r.Time != "2022-11-23T01:37:49.5Z" {
			t.Errorf("%s: %s", r.Host, r.Time)
		}
	}
	if want := `stated times of "A" differ from Sysmon's UtcTime in 5 of 5 events: -5h30m0s was added to them`; len(facts.Notes) != 1 || facts.Notes[0] != want {
		t.Errorf("notes %q", facts.Notes)
	}
}

// TestWinJSONManyKinds: invented events end up in shared schemas, and nothing is lost of the records' number.
func TestWinJSONManyKinds(t *testing.T) {
	var b bytes.Buffer
	const n = maxWinSchemas + 3000
	for i := range n {
		fmt.Fprintf(&b, `{"Channel":"C","SourceName":"P","EventID":7,"Hostname":"A","EventTime":"2022-11-23T01:37:49Z","key%d":"v%d"}`+"\n", i, i)
	}
	schemas := map[*event.Schema]bool{}
	count, last := 0, ""
	c := taker(func(r *event.Record) {
		schemas[r.Schema] = true
		count++
		last = r.Text("Data")
	})
	var facts event.Artifact
	in := &input{Options: &Options{}, Stream: &b, Again: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("")), nil }}
	if err := readWinJSON(t.Context(), in, newOutput(c, &facts)); err != nil || count != n || len(schemas) != maxWinSchemas+1 || last != fmt.Sprint("v", n-1) {
		t.Errorf("%d records, %d schemas, last %q, %v", count, len(schemas), last, err)
	}
}

// taker is a consumer that wants everything.
type taker func(*event.Record)

func (taker) Want(*event.Schema) bool { return true }
func (f taker) Take(r *event.Record)  { f(r) }

func TestIsWinJSON(t *testing.T) {
	for in, want := range map[string]bool{
		"":                           false,
		`{"a":1}`:                    false,
		"\x00\x05\x16\x07\x00{":      false, // AppleDouble
		`{"EventID":1,"Channel":"C"`: false, // whose?
		`{"remote_addr":"::1","status":200,"request":"GET / HTTP/1.1"}`:                                       false,
		`{"MESSAGE":"x","_HOSTNAME":"a","__REALTIME_TIMESTAMP":"1"}`:                                          false,
		`{"a":1}` + "\n" + `{"EventID":1,"Channel":"C","Computer":"A"}`:                                       true,
		`{"EventID":1,"Channel":"C","Computer":"A","Message":"` + strings.Repeat("x", 99):                     true, // the head ends here
		"\xef\xbb\xbf\n " + `{"EventID":1,"Channel":"C","Computer":"A","Message":"` + strings.Repeat("x", 99): true,
		`text {"EventID":1,"Channel":"C","Computer":"A"}`:                                                     false,
	} {
		if isWinJSON([]byte(in), "x.json") != want {
			t.Errorf("%.60q: want %v", in, want)
		}
	}
}

// eachShared calls f with the first most bytes of every file of the shared data, and of every file in its zips.
func eachShared(t *testing.T, most int64, f func(path string, content []byte)) {
	root := outside.Data(t)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		r, err := os.Open(path)
		if err != nil {
			return err
		}
		defer r.Close()
		content, err := io.ReadAll(io.LimitReader(r, most))
		if err != nil {
			return err
		}
		f(path, content)
		if !strings.HasSuffix(path, ".zip") {
			return nil
		}
		z, err := zip.OpenReader(path)
		if err != nil {
			return nil // one only has the name
		}
		defer z.Close()
		for _, e := range z.File {
			if r, err := e.Open(); err == nil {
				content, _ := io.ReadAll(io.LimitReader(r, most))
				r.Close()
				f(path+"!/"+e.Name, content)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestWinJSONShared reads the recordings of attacks: every line is a record of the host that it names, none is damaged.
func TestWinJSONShared(t *testing.T) {
	files, records := 0, 0
	eachShared(t, 1<<30, func(path string, content []byte) {
		claimed := isWinJSON(content[:min(len(content), headBytes)], path)
		if want := strings.HasSuffix(path, ".json") && strings.Contains(path, "otrf") && !strings.Contains(path, "__MACOSX"); claimed != want {
			t.Errorf("%s: told %v", path, claimed)
		}
		if !claimed {
			return
		}
		files++
		var facts event.Artifact
		in := &input{Path: path, Options: &Options{}, Stream: bytes.NewReader(content), Again: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
		c := taker(func(r *event.Record) {
			if r.Host != r.Text("Computer") || r.Host == "" || strings.HasPrefix(r.Host, "wec") || r.Time == event.NoTime {
				t.Fatalf("%s: record %d of %q at %v", path, r.Number, r.Host, r.Time)
			}
		})
		if err := readWinJSON(t.Context(), in, newOutput(c, &facts)); err != nil {
			t.Fatal(err)
		}
		records += int(facts.Records)
		if lines := bytes.Count(bytes.TrimSpace(content), []byte("\n")) + 1; int(facts.Records) != lines || len(facts.Damaged) > 0 {
			t.Errorf("%s: %d records of %d lines, damage %v", path, facts.Records, lines, facts.Damaged)
		}
	})
	t.Logf("%d files, %d records", files, records)
}

func FuzzWinJSON(f *testing.F) {
	f.Add([]byte(`{"Channel":"Security","SourceName":"P","EventID":4624,"Hostname":"A","EventTime":"2022-11-23 07:07:49","@timestamp":"2022-11-23T01:38:02Z","EventReceivedTime":"2022-11-23 07:08:01","x":{"y":["\u0000",null,1]}}`))
	f.Add([]byte(`[{"Event":{"System":{"Provider":{"#attributes":{"Name":"P"}},"EventID":{"#text":1},"TimeCreated":{"#attributes":{"SystemTime":1.5}},"Channel":"C","Computer":"A"},"EventData":{"Data":[{"@Name":"n","#text":"v"}]}}}]`))
	f.Add([]byte(`{"winlog":{"channel":"Microsoft-Windows-Sysmon/Operational","provider_name":"Microsoft-Windows-Sysmon","event_id":1,"computer_name":"A"},"process":{"executable":"x"},"user":{"domain":"d","name":"n"},"@timestamp":"2022-11-23T01:38:02Z"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		isWinJSON(b, "")
		whole, facts := readAll(t, readWinJSON, "x.json", b, time0)
		if int(facts.Records) != len(whole) {
			t.Fatal("count")
		}
		for _, d := range facts.Damaged {
			if d.Offset < 0 || d.Bytes < 0 || d.Offset+d.Bytes > int64(len(b)) {
				t.Fatalf("damage %+v of %d bytes", d, len(b))
			}
		}
		var again rows
		in := &input{Options: &Options{}, Stream: iotest.HalfReader(bytes.NewReader(b)), Again: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }}
		if err := readWinJSON(t.Context(), in, newOutput(&again, new(event.Artifact))); err != nil || fmt.Sprint(again.got) != fmt.Sprint(whole) {
			t.Fatalf("other records when read slowly: %v", err)
		}
	})
}

func readShared(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
