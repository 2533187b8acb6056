package exercise

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"

	"wardround/internal/event"
	"wardround/internal/evtx"
)

func quote(s string) string {
	b, _ := json.Marshal(s) // a string always has a form
	return string(b)
}

// jsonLine writes one event in the form of evtx_dump: attributes as #attributes, text beside them as #text.
func (s *server) jsonLine(out *bufio.Writer, x *winEntry, v *winValues, record uint64) {
	m := &x.kind.manifest
	computer := s.computer()
	if x.at < s.renamed {
		computer = s.former
	}
	p := func(format string, args ...any) { fmt.Fprintf(out, format, args...) }
	p(`{"Event":{"#attributes":{"xmlns":"http://schemas.microsoft.com/win/2004/08/events/event"},"System":{"Provider":{"#attributes":{"Name":%s`, quote(m.Provider))
	if m.GUID != "" {
		p(`,"Guid":%s`, quote(strings.ToUpper(strings.Trim(m.GUID, "{}"))))
	}
	if m.Source != "" {
		p(`,"EventSourceName":%s`, quote(m.Source))
	}
	p(`}},"EventID":`)
	if m.Classic && m.UserData == "" {
		p(`{"#attributes":{"Qualifiers":%d},"#text":%d}`, m.Qualifiers, m.ID)
	} else {
		p(`%d`, m.ID)
	}
	p(`,"Version":%d,"Level":%d,"Task":%d,"Opcode":%d,"Keywords":"0x%x"`, m.Version, m.Level, m.Task, m.Opcode, m.Keywords)
	p(`,"TimeCreated":{"#attributes":{"SystemTime":"%s"}},"EventRecordID":%d`, s.local(x.at).Std().Format("2006-01-02T15:04:05.000000Z"), record)
	p(`,"Correlation":null,"Execution":{"#attributes":{"ProcessID":%d,"ThreadID":%d}},"Channel":%s,"Computer":%s,"Security":`, v.pid, v.tid, quote(m.Channel), quote(computer))
	if len(v.user) > 0 {
		p(`{"#attributes":{"UserID":%s}}`, quote(event.Value{Type: event.SID, Raw: v.user}.String()))
	} else {
		p(`null`)
	}
	v.jsonData(out, m)
	p("}}\n")
}

// jsonData writes EventData or UserData, beginning and ending inside of System's closing brace.
func (w *winValues) jsonData(out *bufio.Writer, m *evtx.Manifest) {
	switch {
	case m.UserData != "":
		fmt.Fprintf(out, `},"UserData":{%s:{"#attributes":{"xmlns":%s}`, quote(m.UserData), quote(m.Namespace))
		for i, f := range m.Fields {
			fmt.Fprintf(out, `,%s:%s`, quote(f.Name), jsonValue(w.List[i]))
		}
		out.WriteString("}}")
	case len(m.Fields) == 0 && len(w.List) > 0:
		out.WriteString(`},"EventData":{"Data":{"#text":[`)
		for i, v := range w.List {
			if i > 0 {
				out.WriteByte(',')
			}
			out.WriteString(quote(v.String()))
		}
		fmt.Fprintf(out, `]},"Binary":%s}`, quote(fmt.Sprintf("%X", w.binary)))
	case len(m.Fields) == 0:
		out.WriteString(`},"EventData":null`)
	default:
		out.WriteString(`},"EventData":`)
		for i, f := range m.Fields {
			fmt.Fprintf(out, `%c%s:%s`, "{,"[min(i, 1)], quote(f.Name), jsonValue(w.List[i]))
		}
		if m.Binary {
			fmt.Fprintf(out, `,"Binary":%s`, quote(fmt.Sprintf("%X", w.binary)))
		}
		out.WriteByte('}')
	}
}

// jsonValue writes whole numbers and truth as such, all else as text.
func jsonValue(v event.Value) string {
	switch v.Type {
	case event.Uint16, event.Uint32, event.Int32, event.Bool:
		return v.String()
	case event.GUID:
		return quote(strings.Trim(v.String(), "{}"))
	}
	return quote(v.String())
}
