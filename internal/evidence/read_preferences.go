package evidence

import (
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"regexp"
	"strings"

	"wardround/internal/event"
)

// preferencesReader reads what a group policy has its members do beyond settings: the preferences of [MS-GPPREF] 2.2, as
// domain controllers keep them below SYSVOL (Policies\{GUID}\Machine\Preferences) and members below ProgramData\Microsoft\Group
// Policy\History. Each item is an event; a task with several actions is one for each. Items bear a time of their last
// change, which whoever writes the file may choose: it is a field and not the event's time.
var preferencesReader = reader{kind: "policy-preferences", is: isPreferences, read: readPreferences}

var preferencesNames = []string{"PolicyID", "Scope", "Kind", "Item", "Name", "Action", "TaskName", "Command", "Arguments", "WorkingDirectory", "UserId", "FromPath", "TargetPath",
	"ServiceName", "Group", "Members", "Key", "Value", "Secret", "Changed"}

// Slots of preferencesNames.
const (
	prefPolicy = iota
	prefScope
	prefKind
	prefItem
	prefName
	prefAction
	prefTask
	prefCommand
	prefArguments
	prefFolder
	prefUser
	prefFrom
	prefTo
	prefService
	prefGroup
	prefMembers
	prefKey
	prefValue
	prefSecret
	prefChanged
	prefSlots
)

var preferencesSchema = event.TextSchema(event.Source{Product: "windows", Channel: "policy preferences"}, preferencesNames...)

// preferenceKinds are the root elements, and the names of the files.
var preferenceKinds = words("ScheduledTasks Groups Files NTServices RegistrySettings Drives Shortcuts Folders IniFiles EnvironmentVariables DataSources Printers")

var policyPath = regexp.MustCompile(`(?i)(\{[0-9a-f-]{8,36}\})/(machine|user)(?:/|$)`)

func isPreferences(head []byte, name string) bool {
	text := bytes.TrimLeft(taskText(head[:min(len(head), 8192)]), " \t\r\n")
	for {
		end := ""
		switch {
		case bytes.HasPrefix(text, []byte("<?xml")):
			end = "?>"
		case bytes.HasPrefix(text, []byte("<!--")):
			end = "-->"
		}
		if end == "" {
			break
		}
		i := bytes.Index(text, []byte(end))
		if i < 0 {
			return false
		}
		text = bytes.TrimLeft(text[i+len(end):], " \t\r\n")
	}
	end := bytes.IndexByte(text, '>')
	if end < 2 || text[0] != '<' {
		return false
	}
	root, _, _ := bytes.Cut(bytes.TrimRight(text[1:end], "/"), []byte(" "))
	return preferenceKinds[string(root)] && (bytes.Contains(text[:end], []byte(`clsid="{`)) || strings.Contains(strings.ToLower(name), "/preferences/"))
}

// preference is an item that is being read.
type preference struct {
	depth int // of its element
	set   [prefSlots]string
	execs []taskAction
	open  bool // it has properties: what has none is a folder of items
}

func readPreferences(_ context.Context, in *input, out *output) error {
	b, err := io.ReadAll(io.LimitReader(in.Stream, maxTask+1))
	if err != nil {
		return err
	}
	if len(b) > maxTask {
		out.damage(maxTask, -1, "preferences larger than 4 MiB: the rest was not read")
		b = b[:maxTask]
	}
	text := taskText(b)
	p := preferences{out: out}
	if m := policyPath.FindStringSubmatch(in.Path); m != nil {
		p.policy, p.scope = m[1], m[2]
	}
	if at, err := p.parse(text); err != nil {
		if len(text) < len(b)-3 {
			at *= 2 // the text was UTF-16
		}
		out.damage(min(at, int64(len(b))), -1, "preferences that are no XML: "+err.Error())
	}
	return nil
}

// preferences reads one file.
type preferences struct {
	out           *output
	policy, scope string
	rec           event.Record
	names         []string
	items         []preference // open ones, by depth
	value         strings.Builder
}

func (p *preferences) parse(text []byte) (int64, error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // it is UTF-8 by now
	for {
		token, err := d.Token()
		if err != nil {
			if err == io.EOF && len(p.names) == 0 {
				err = nil
			}
			return d.InputOffset(), err
		}
		switch x := token.(type) {
		case xml.StartElement:
			if p.names = append(p.names, x.Name.Local); len(p.names) > maxTaskDepth {
				return d.InputOffset(), errTaskDepth
			}
			p.value.Reset()
			p.begin(x.Attr)
		case xml.CharData:
			if p.value.Len() < maxTask {
				p.value.Write(x)
			}
		case xml.EndElement:
			p.end(strings.TrimSpace(p.value.String()))
			p.names = p.names[:len(p.names)-1]
			p.value.Reset()
		}
	}
}

// begin takes an element: an item, its properties, or what lies within them.
func (p *preferences) begin(attrs []xml.Attr) {
	depth, name := len(p.names), p.names[len(p.names)-1]
	at := func(i int) *preference { return &p.items[i] }
	last := len(p.items) - 1
	switch {
	case depth == 1:
	case last >= 0 && at(last).open:
		p.inside(at(last), name, attrs)
	case name == "Properties" && last >= 0 && at(last).depth == depth-1:
		at(last).open = true
		at(last).properties(attrs)
	default:
		x := preference{depth: depth}
		x.set[prefPolicy], x.set[prefScope], x.set[prefKind], x.set[prefItem] = p.policy, p.scope, p.names[0], name
		for _, a := range attrs {
			switch a.Name.Local {
			case "name":
				x.set[prefName] = a.Value
			case "changed":
				x.set[prefChanged] = a.Value
			}
		}
		p.items = append(p.items, x)
	}
}

// inside takes what lies within an item's properties: the actions of a task of version 2, the members of a group.
func (p *preferences) inside(x *preference, name string, attrs []xml.Attr) {
	switch {
	case name == "Exec" && len(x.execs) < maxTaskItems:
		x.execs = append(x.execs, taskAction{})
	case name == "Member" && len(x.set[prefMembers]) < 4096:
		var action, who string
		for _, a := range attrs {
			switch a.Name.Local {
			case "name":
				who = a.Value
			case "action":
				action = a.Value
			}
		}
		if x.set[prefMembers] != "" {
			x.set[prefMembers] += "; "
		}
		x.set[prefMembers] += strings.TrimSpace(action + " " + who)
	}
}

// preferenceSlots says where the attributes of properties go.
var preferenceSlots = map[string]int{
	"action": prefAction, "name": prefTask, "appName": prefCommand, "program": prefCommand, "args": prefArguments, "arguments": prefArguments, "startIn": prefFolder,
	"runAs": prefUser, "userName": prefUser, "accountName": prefUser, "fromPath": prefFrom, "path": prefTo, "targetPath": prefTo, "serviceName": prefService,
	"groupName": prefGroup, "key": prefKey, "value": prefValue,
}

func (x *preference) properties(attrs []xml.Attr) {
	for _, a := range attrs {
		if a.Name.Local == "cpassword" && a.Value != "" {
			x.set[prefSecret] = "a password is kept here" // the key to it is public, so it is not repeated
		}
		if slot, ok := preferenceSlots[a.Name.Local]; ok && a.Value != "" && len(a.Value) <= maxTask {
			x.set[slot] = a.Value
		}
	}
}

// end closes an element, and yields the item that it was.
func (p *preferences) end(value string) {
	last := len(p.items) - 1
	if last < 0 {
		return
	}
	x, depth := &p.items[last], len(p.names)
	if x.open && len(x.execs) > 0 && value != "" && depth >= 2 && p.names[depth-2] == "Exec" {
		a := &x.execs[len(x.execs)-1]
		switch p.names[depth-1] {
		case "Command":
			a.command = value
		case "Arguments":
			a.arguments = value
		case "WorkingDirectory":
			a.folder = value
		}
	}
	if x.depth != depth {
		return
	}
	if x.open {
		p.emit(x)
	}
	p.items = p.items[:last]
}

func (p *preferences) emit(x *preference) {
	actions := x.execs
	if len(actions) == 0 {
		actions = []taskAction{{command: x.set[prefCommand], arguments: x.set[prefArguments], folder: x.set[prefFolder]}}
	}
	p.rec.Schema, p.rec.Time = preferencesSchema, event.NoTime
	for _, a := range actions {
		p.rec.Number++
		if p.out.want(preferencesSchema) {
			x.set[prefCommand], x.set[prefArguments], x.set[prefFolder] = a.command, a.arguments, a.folder
			p.rec.Slots = p.rec.Slots[:0]
			for _, s := range x.set {
				p.rec.Slots = append(p.rec.Slots, textOrNull(s))
			}
		}
		p.out.take(&p.rec)
	}
}
