package exercise

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"wardround/internal/event"
	"wardround/internal/evtx"
)

func quote(s string) string { return string(appendQuoted(nil, []byte(s))) }

// appendQuoted appends text as a string of JSON.
func appendQuoted(dst, s []byte) []byte {
	for _, c := range s {
		if c < ' ' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c > '~' {
			b, _ := json.Marshal(string(s)) // a string always has a form
			return append(dst, b...)
		}
	}
	dst = append(dst, '"')
	return append(append(dst, s...), '"')
}

// jsonWriter writes events in the form of evtx_dump: attributes as #attributes, text beside them as #text.
type jsonWriter struct {
	s    *server
	line []byte
	text []byte              // of one value
	head map[*winKind]string // what all events of a kind begin with
}

// jsonLines writes the events as the public tool evtx_dump does with -o jsonl. The mark stands in an object of its own,
// which is no event.
func (s *server) jsonLines(to io.WriteSeeker, entries []winEntry, first uint64) error {
	out := bufio.NewWriterSize(to, 1<<16)
	fmt.Fprintf(out, "{\"exercise\":%s}\n", quote(event.ExerciseMark))
	j := &jsonWriter{s: s, head: map[*winKind]string{}}
	var scratch winValues
	for i := range entries {
		j.event(&entries[i], entries[i].make(&scratch), first+uint64(i))
		if _, err := out.Write(j.line); err != nil {
			return err
		}
	}
	return out.Flush()
}

func (j *jsonWriter) event(x *winEntry, v *winValues, record uint64) {
	head, ok := j.head[x.kind]
	if !ok {
		head = jsonHead(&x.kind.manifest)
		j.head[x.kind] = head
	}
	computer := j.s.computer()
	if x.at < j.s.renamed {
		computer = j.s.former
	}
	b := append(j.line[:0], head...)
	b = append(b, `,"TimeCreated":{"#attributes":{"SystemTime":"`...)
	b = j.s.local(x.at).Std().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
	b = append(b, `"}},"EventRecordID":`...)
	b = strconv.AppendUint(b, record, 10)
	b = append(b, `,"Correlation":null,"Execution":{"#attributes":{"ProcessID":`...)
	b = strconv.AppendUint(b, uint64(v.pid), 10)
	b = append(b, `,"ThreadID":`...)
	b = strconv.AppendUint(b, uint64(v.tid), 10)
	b = append(append(b, `}},"Channel":`...), quote(x.kind.manifest.Channel)...)
	b = append(append(b, `,"Computer":"`...), computer...)
	b = append(b, `","Security":`...)
	if len(v.user) > 0 {
		b = append(b, `{"#attributes":{"UserID":"`...)
		b = append(event.Value{Type: event.SID, Raw: v.user}.AppendText(b), `"}}`...)
	} else {
		b = append(b, `null`...)
	}
	j.line = append(j.data(b, v, &x.kind.manifest), "}}\n"...)
}

// jsonHead is what all events of a kind begin with, up to their time.
func jsonHead(m *evtx.Manifest) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"Event":{"#attributes":{"xmlns":"http://schemas.microsoft.com/win/2004/08/events/event"},"System":{"Provider":{"#attributes":{"Name":%s`, quote(m.Provider))
	if m.GUID != "" {
		fmt.Fprintf(&b, `,"Guid":%s`, quote(strings.ToUpper(strings.Trim(m.GUID, "{}"))))
	}
	if m.Source != "" {
		fmt.Fprintf(&b, `,"EventSourceName":%s`, quote(m.Source))
	}
	b.WriteString(`}},"EventID":`)
	if m.Classic && m.UserData == "" {
		fmt.Fprintf(&b, `{"#attributes":{"Qualifiers":%d},"#text":%d}`, m.Qualifiers, m.ID)
	} else {
		fmt.Fprintf(&b, `%d`, m.ID)
	}
	fmt.Fprintf(&b, `,"Version":%d,"Level":%d,"Task":%d,"Opcode":%d,"Keywords":"0x%x"`, m.Version, m.Level, m.Task, m.Opcode, m.Keywords)
	return b.String()
}

// data appends EventData or UserData, beginning and ending inside of System's closing brace.
func (j *jsonWriter) data(b []byte, v *winValues, m *evtx.Manifest) []byte {
	switch {
	case m.UserData != "":
		b = fmt.Appendf(b, `},"UserData":{%s:{"#attributes":{"xmlns":%s}`, quote(m.UserData), quote(m.Namespace))
		for i, f := range m.Fields {
			b = append(append(append(b, ",\""...), f.Name...), "\":"...)
			b = j.value(b, v.List[i])
		}
		return append(b, "}}"...)
	case len(m.Fields) == 0 && len(v.List) > 0:
		b = append(b, `},"EventData":{"Data":{"#text":[`...)
		for i, x := range v.List {
			if i > 0 {
				b = append(b, ',')
			}
			j.text = x.AppendText(j.text[:0])
			b = appendQuoted(b, j.text)
		}
		return fmt.Appendf(b, `]},"Binary":"%X"}`, v.binary)
	case len(m.Fields) == 0:
		return append(b, `},"EventData":null`...)
	}
	b = append(b, `},"EventData":`...)
	for i, f := range m.Fields {
		b = append(append(append(b, "{,"[min(i, 1)], '"'), f.Name...), "\":"...)
		b = j.value(b, v.List[i])
	}
	if m.Binary {
		b = fmt.Appendf(b, `,"Binary":"%X"`, v.binary)
	}
	return append(b, '}')
}

// value appends whole numbers and truth as such, all else as text.
func (j *jsonWriter) value(b []byte, v event.Value) []byte {
	switch v.Type {
	case event.Uint16, event.Uint32, event.Int32, event.Uint64, event.Bool:
		return v.AppendText(b)
	}
	j.text = v.AppendText(j.text[:0])
	if v.Type == event.GUID {
		j.text = j.text[1 : len(j.text)-1]
	}
	return appendQuoted(b, j.text)
}
