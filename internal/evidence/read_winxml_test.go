package evidence

import (
	"strings"
	"testing"
)

const winXMLSample = `<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Microsoft-Windows-Security-Auditing' Guid='{54849625-5478-4994-a5ba-3e3b0328c30d}'/><EventID Qualifiers='7'>4624</EventID><Version>2</Version><Level>0</Level><Task>12544</Task><Opcode>0</Opcode><Keywords>0x8020000000000000</Keywords><TimeCreated SystemTime='2022-11-23T01:37:49.1234567Z'/><EventRecordID>4711</EventRecordID><Correlation/><Execution ProcessID='612' ThreadID='7'/><Channel>Security</Channel><Computer>LIS-DB1</Computer><Security/></System><EventData><Data Name='TargetUserName'>a&amp;b</Data><Data Name='Empty'></Data><Data>bare</Data><Data>two</Data></EventData><RenderingInfo Culture='en-IN'><Message>An account was
logged on.</Message><Level>Information</Level><Keywords><Keyword>Audit Success</Keyword></Keywords></RenderingInfo></Event>`

func TestWinXML(t *testing.T) {
	second := strings.NewReplacer("4711", "4712", "EventData", "UserData", "<Data>bare</Data><Data>two</Data>", "<q:LogFileCleared xmlns:q='x'><q:SubjectUserName>adm</q:SubjectUserName><Inner Kind='k'/></q:LogFileCleared>").Replace(winXMLSample)
	in := "<?xml version='1.0'?>\n<Events>" + winXMLSample + "\n" + winXMLSample[:500] + "\n" + second + "</Events>"
	for _, text := range []string{in, "\xff\xfe" + utf16Text(in)} {
		if !isWinXML([]byte(text), "x.xml") {
			t.Error("not told")
		}
		got, facts := readAll(t, readWinXML, "x.xml", []byte(text), time0)
		if len(got) != 2 || len(facts.Damaged) != 1 || facts.Damaged[0].Why != "event does not end" {
			t.Fatalf("%d records, damage %v", len(got), facts.Damaged)
		}
		want := "Security/Microsoft-Windows-Security-Auditing/4624 LIS-DB1 2022-11-23T01:37:49.1234567Z #4711 TargetUserName=a&b Data=bare | two Qualifiers=7 Execution_ProcessID=612 Message=An account was\nlogged on. KeywordsDisplayNames=Audit Success Provider_Guid={54849625-5478-4994-a5ba-3e3b0328c30d}"
		if s := brief(got[0], "TargetUserName", "Data", "Qualifiers", "Execution_ProcessID", "Message", "KeywordsDisplayNames", "Provider_Guid"); s != want {
			t.Errorf("got  %s\nwant %s", s, want)
		}
		if s := brief(got[1], "SubjectUserName", "Inner_Kind"); !strings.HasSuffix(s, "#4712 SubjectUserName=adm Inner_Kind=k") {
			t.Errorf("got %s", s)
		}
	}
}

func TestWinXMLBroken(t *testing.T) {
	for in, why := range map[string]string{
		"<Event><System><EventID>1</EventID></System":          "event does not end",
		"<Event><System><EventID>1</System></EventID></Event>": "not an event in XML",
		"<Event>" + strings.Repeat("<a>", 200) + "</Event>":    "not an event in XML",
		"<Event><Other/></Event>":                              "not an event in XML",
	} {
		got, facts := readAll(t, readWinXML, "x.xml", []byte(in+"\n"+winXMLSample), time0)
		if len(got) != 1 || len(facts.Damaged) != 1 || facts.Damaged[0].Why != why || facts.Damaged[0].Offset != 0 {
			t.Errorf("%.50q: %d records, damage %v", in, len(got), facts.Damaged)
		}
	}
}

func FuzzWinXML(f *testing.F) {
	f.Add([]byte(winXMLSample))
	f.Add([]byte("<Events><Event a='b'><System><EventID>1</EventID></System><EventData><Data Name='x'/></EventData></Event><Event >"))
	f.Fuzz(func(t *testing.T, b []byte) {
		isWinXML(b, "")
		got, facts := readAll(t, readWinXML, "x.xml", b, time0)
		for _, d := range facts.Damaged {
			if d.Offset < 0 || d.Bytes < 0 || d.Offset+d.Bytes > int64(len(b)) || int(facts.Records) != len(got) {
				t.Fatalf("damage %+v of %d bytes", d, len(b))
			}
		}
	})
}
