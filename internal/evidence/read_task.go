package evidence

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"wardround/internal/event"
)

// taskReader reads scheduled tasks as Windows keeps them in System32\Tasks, in the XML of [MS-TSCH] 2.5, and jobReader
// those of Windows XP and 2003 in Windows\Tasks, of [MS-TSCH] 2.4. Each action is an event.
var (
	taskReader = reader{kind: "scheduled-task", is: isTask, read: readTask}
	jobReader  = reader{kind: "scheduled-job", is: isJob, read: readJob}
)

var taskSchema = event.TextSchema(event.Source{Product: "windows", Channel: "task files"},
	"TaskName", "Author", "Date", "Description", "UserId", "LogonType", "RunLevel", "Hidden", "Enabled", "Triggers", "Command", "Arguments", "WorkingDirectory", "ComHandler", "LastRun")

const (
	maxTask      = 4 << 20
	maxTaskDepth = 32
	maxTaskItems = 256 // actions, and triggers
)

const taskNamespace = "http://schemas.microsoft.com/windows/2004/02/mit/task"

func isTask(head []byte, _ string) bool {
	text := bytes.TrimLeft(taskText(head[:min(len(head), 8192)]), " \t\r\n")
	if bytes.HasPrefix(text, []byte("<?xml")) {
		i := bytes.Index(text, []byte("?>"))
		if i < 0 {
			return false
		}
		text = bytes.TrimLeft(text[i+2:], " \t\r\n")
	}
	for bytes.HasPrefix(text, []byte("<!--")) {
		i := bytes.Index(text, []byte("-->"))
		if i < 0 {
			return false
		}
		text = bytes.TrimLeft(text[i+3:], " \t\r\n")
	}
	end := bytes.IndexByte(text, '>')
	return end > 0 && bytes.HasPrefix(text, []byte("<Task")) && bytes.Contains(text[:end], []byte(taskNamespace))
}

// taskText is a task's text in UTF-8: of UTF-16 with its mark, or told by the zeros of its first characters.
func taskText(b []byte) []byte {
	order := binary.ByteOrder(nil)
	switch {
	case hasPrefix(b, "\xef\xbb\xbf"):
		return b[3:]
	case hasPrefix(b, "\xff\xfe"):
		b, order = b[2:], binary.LittleEndian
	case hasPrefix(b, "\xfe\xff"):
		b, order = b[2:], binary.BigEndian
	case hasPrefix(b, "<\x00"):
		order = binary.LittleEndian
	}
	if order == nil {
		return b
	}
	// A reader of bytes does not fail.
	text, _ := io.ReadAll(&utf16Reader{r: bytes.NewReader(b), order: order})
	return text
}

// task is what a task's file says.
type task struct {
	fields   map[string]string // of the names in taskFields alone
	triggers []string
	actions  []taskAction
}

// taskFields are the elements that are kept, by their path below Task.
var taskFields = words(`RegistrationInfo/Date RegistrationInfo/Author RegistrationInfo/Description RegistrationInfo/URI Principals/Principal/UserId Principals/Principal/GroupId
	Principals/Principal/LogonType Principals/Principal/RunLevel Settings/Hidden Settings/Enabled`)

func readTask(_ context.Context, in *input, out *output) error {
	b, err := io.ReadAll(io.LimitReader(in.Stream, maxTask+1))
	if err != nil {
		return err
	}
	if len(b) > maxTask {
		out.damage(maxTask, -1, "task larger than 4 MiB: the rest was not read")
	}
	text := taskText(b)
	t := task{fields: map[string]string{}}
	if at, err := t.parse(text); err != nil {
		if len(text) < len(b)-3 {
			at *= 2 // the text was UTF-16
		}
		out.damage(min(at, int64(len(b))), -1, "task that is no XML: "+err.Error())
	}
	t.emit(in, out)
	return nil
}

var errTaskDepth = errors.New("elements lie too deep in one another")

// parse collects what is kept of the text, as far as it goes, and where it ended.
func (t *task) parse(text []byte) (int64, error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // it is UTF-8 by now
	var names []string
	var value strings.Builder
	for {
		token, err := d.Token()
		if err != nil {
			if err == io.EOF && len(names) == 0 {
				err = nil
			}
			return d.InputOffset(), err
		}
		switch x := token.(type) {
		case xml.StartElement:
			if names = append(names, x.Name.Local); len(names) > maxTaskDepth {
				return d.InputOffset(), errTaskDepth
			}
			value.Reset()
			t.begin(names)
		case xml.CharData:
			value.Write(x)
		case xml.EndElement:
			t.end(names, strings.TrimSpace(value.String()))
			names = names[:len(names)-1]
			value.Reset()
		}
	}
}

func (t *task) begin(names []string) {
	if len(names) != 3 {
		return
	}
	switch names[1] {
	case "Actions":
		if len(t.actions) < maxTaskItems {
			t.actions = append(t.actions, taskAction{})
		}
	case "Triggers":
		if len(t.triggers) < maxTaskItems {
			t.triggers = append(t.triggers, names[2])
		}
	}
}

func (t *task) end(names []string, value string) {
	if len(names) < 3 || value == "" {
		return
	}
	if field := strings.Join(names[1:], "/"); taskFields[field] {
		t.fields[path.Base(field)] = value
	}
	last := names[len(names)-1]
	switch {
	case names[1] == "Triggers" && len(t.triggers) > 0 && len(names) < 6 && len(t.triggers[len(t.triggers)-1]) < 4096:
		t.triggers[len(t.triggers)-1] += " " + last + "=" + value
	case names[1] == "Actions" && len(t.actions) > 0 && len(names) == 4:
		a := &t.actions[len(t.actions)-1]
		switch last {
		case "Command":
			a.command = value
		case "Arguments", "Data":
			a.arguments = value
		case "WorkingDirectory":
			a.folder = value
		case "ClassId":
			a.handler = value
		case "Body", "To":
			a.arguments = strings.TrimSpace(a.arguments + " " + last + "=" + value)
		}
	}
}

// emit yields an event for each action, or one where there is none. Its time is when the task was registered, as the file
// states it: whoever wrote the file could choose it.
func (t *task) emit(in *input, out *output) {
	at := event.NoTime
	if date := t.fields["Date"]; date != "" {
		if x, err := time.Parse(time.RFC3339Nano, date); err == nil {
			at = event.At(x)
		} else if x, err := time.Parse("2006-01-02T15:04:05.999999999", date); err == nil {
			at = newLocalZone(in, out).unstated(event.At(x))
		}
	}
	user := t.fields["UserId"]
	if user == "" {
		user = t.fields["GroupId"]
	}
	name := t.fields["URI"]
	if name == "" {
		name = taskName(in.Path)
	}
	if len(t.actions) == 0 {
		t.actions = []taskAction{{}}
	}
	rec := event.Record{Schema: taskSchema, Time: at}
	for _, a := range t.actions {
		rec.Number++
		if out.want(taskSchema) {
			f := func(name string) event.Value { return textOrNull(t.fields[name]) }
			rec.Slots = []event.Value{textOrNull(name), f("Author"), f("Date"), f("Description"), textOrNull(user), f("LogonType"), f("RunLevel"), f("Hidden"), f("Enabled"),
				textOrNull(strings.Join(t.triggers, "; ")), textOrNull(a.command), textOrNull(a.arguments), textOrNull(a.folder), textOrNull(a.handler), {}}
		}
		out.take(&rec)
	}
}

// taskName is the task's name as its file's place gives it.
func taskName(name string) string {
	lower := strings.ToLower(name)
	if i := strings.LastIndex(lower, "system32/tasks/"); i >= 0 {
		return `\` + strings.ReplaceAll(name[i+len("system32/tasks/"):], "/", `\`)
	}
	return `\` + path.Base(name)
}

// isJob knows the head of a job by its version, and by the only place that its first text can have.
func isJob(head []byte, _ string) bool {
	if len(head) < 72 {
		return false
	}
	u := func(at int) int { return int(binary.LittleEndian.Uint16(head[at:])) }
	switch u(0) {
	case 0x0400, 0x0500, 0x0501, 0x0600, 0x0601, 0x0602, 0x0603, 0x0a00:
		return u(2) == 1 && u(20) == 70 && u(22) > 70
	}
	return false
}

func readJob(_ context.Context, in *input, out *output) error {
	b, err := io.ReadAll(io.LimitReader(in.Stream, maxTask))
	if err != nil {
		return err
	}
	if len(b) < 70 {
		out.damage(0, int64(len(b)), "job cut short")
		return nil
	}
	rest, whole := b[70:], true
	take := func(n int) (p []byte) {
		if n > len(rest) {
			whole, n = false, len(rest)
		}
		p, rest = rest[:n], rest[n:]
		return p
	}
	count := func() int {
		if p := take(2); len(p) == 2 {
			return int(binary.LittleEndian.Uint16(p))
		}
		return 0
	}
	text := func() event.Value { return textOrNull(untilNUL(take(2 * count()))) }
	command, arguments, folder, author, comment := text(), text(), text(), text(), text()
	take(count())
	take(count())
	var triggers []string
	for n := count(); n > 0 && whole && len(triggers) < maxTaskItems; n-- {
		if p := take(48); len(p) == 48 {
			triggers = append(triggers, jobTrigger(p))
		}
	}
	if !whole {
		out.damage(int64(len(b)), -1, "job cut short")
	}
	rec := event.Record{Schema: taskSchema, Number: 1, Time: event.NoTime}
	if last := (event.Value{Type: event.SysTime, Raw: b[52:68]}); !isZero(last.Raw) {
		if x, err := time.Parse("2006-01-02T15:04:05.000Z", last.String()); err == nil {
			rec.Time = newLocalZone(in, out).unstated(event.At(x))
		}
	}
	if out.want(taskSchema) {
		null := event.Value{}
		name := strings.TrimSuffix(path.Base(in.Path), path.Ext(in.Path))
		rec.Slots = []event.Value{event.Text(`\` + name), author, null, comment, null, null, null, null, null, textOrNull(strings.Join(triggers, "; ")),
			command, arguments, folder, null, instant(rec.Time)}
	}
	out.take(&rec)
	return nil
}

var jobTriggers = []string{"once", "daily", "weekly", "monthly by date", "monthly by weekday", "on idle", "at start", "at logon"}

// jobTrigger says when a trigger of 48 bytes starts the job, by the computer's own clock.
func jobTrigger(b []byte) string {
	u := func(at int) uint16 { return binary.LittleEndian.Uint16(b[at:]) }
	kind := "unknown"
	if n := binary.LittleEndian.Uint32(b[32:]); n < uint32(len(jobTriggers)) {
		kind = jobTriggers[n]
	}
	return fmt.Sprintf("%s from %04d-%02d-%02d %02d:%02d", kind, u(4), u(6), u(8), u(16), u(18))
}
