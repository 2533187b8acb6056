package evidence

import (
	"encoding/binary"
	"fmt"
	"strings"

	"wardround/internal/event"
)

var (
	registryProduct = event.TextSchema(event.Source{Product: "windows", Channel: "registry system"},
		"ProductName", "EditionID", "Version", "CurrentBuild", "InstallDate", "RegisteredOwner", "RegisteredOrganization")
	registryTasks = event.TextSchema(event.Source{Product: "windows", Channel: "taskcache"},
		"TaskName", "Author", "Date", "Description", "Registered", "LastRun", "LastResult", "Hidden", "Context", "Command", "Arguments", "WorkingDirectory", "ComHandler", "TargetObject")
)

// software reads the hive SOFTWARE.
func (r *registry) software() {
	r.product()
	for _, s := range []struct{ path, shown string }{{"", `HKLM\SOFTWARE`}, {"WOW6432Node", `HKLM\SOFTWARE\WOW6432Node`}} {
		top := r.root
		if s.path != "" {
			top = r.open(top, s.path)
		}
		r.watched(registryRun, top, s.shown, softwareRun)
		r.watched(registrySettings, top, s.shown, softwareSettings)
	}
	r.tasks()
}

// product names the edition of Windows and when it was installed, or last upgraded.
func (r *registry) product() {
	k := r.open(r.root, `Microsoft\Windows NT\CurrentVersion`)
	if !k.exists() {
		return
	}
	v := r.of(k)
	if _, ok := v.find("ProductName"); !ok {
		return
	}
	installed := event.NoTime
	if n, ok := v.number("InstallDate"); ok && n > 0 {
		installed = unixTime(int64(n), 0)
	}
	version := v.text("DisplayVersion")
	if version == "" {
		version = v.text("ReleaseId")
	}
	if version == "" {
		version = v.text("CSDVersion")
	}
	r.emit(registryProduct, installed, k.at, v.null("ProductName"), v.null("EditionID"), textOrNull(version), v.null("CurrentBuild"), instant(installed),
		v.null("RegisteredOwner"), v.null("RegisteredOrganization"))
}

// taskAction is what a task does.
type taskAction struct {
	context, command, arguments, folder, handler string
}

// tasks yields the scheduled tasks that the service keeps, an event for each action. A task that stands among the tasks
// but not in their tree, or there without a security descriptor, is not shown by Windows' own tools.
func (r *registry) tasks() {
	const path = `Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache`
	cache := r.open(r.root, path)
	tree := r.open(cache, "Tree")
	r.each(r.open(cache, "Tasks"), func(k hiveKey) bool {
		v := r.of(k)
		name := v.text("Path")
		if name == "" {
			name = v.text("URI")
		}
		registered, last, result := k.written, event.NoTime, event.Value{}
		if b := v.data("DynamicInfo"); len(b) >= 28 {
			if t := event.FromFileTime(binary.LittleEndian.Uint64(b[4:])); t != event.NoTime {
				registered = t
			}
			last = event.FromFileTime(binary.LittleEndian.Uint64(b[12:]))
			result = event.Value{Type: event.Hex32, Raw: b[24:28]}
		}
		actions, whole := readTaskActions(v.data("Actions"))
		if !whole {
			r.out.damage(k.at, 4, "actions of a task that cannot be read")
		}
		for _, a := range actions {
			r.emit(registryTasks, registered, k.at, textOrNull(name), v.null("Author"), v.null("Date"), v.null("Description"), instant(registered), instant(last), result,
				r.hidden(tree, name), textOrNull(a.context), textOrNull(a.command), textOrNull(a.arguments), textOrNull(a.folder), textOrNull(a.handler),
				event.Text(`HKLM\SOFTWARE\`+path+`\Tasks\`+k.name))
		}
		return true
	})
}

// hidden says in what way Windows' tools do not show a task, null if they do.
func (r *registry) hidden(tree hiveKey, name string) event.Value {
	if !tree.exists() || name == "" {
		return event.Value{}
	}
	k := r.open(tree, strings.Trim(name, `\`))
	if !k.exists() {
		return event.Text("not in the tree")
	}
	if _, ok := r.of(k).find("SD"); !ok {
		return event.Text("no security descriptor")
	}
	return event.Value{}
}

// readTaskActions reads the value Actions of a task: a version, from 2 on the account's place, and then the actions. There
// is always one, if only an empty one, so that each task is an event. It answers no if the value breaks off or an action is
// of an unknown kind.
func readTaskActions(b []byte) (all []taskAction, whole bool) {
	none := []taskAction{{}}
	if len(b) == 0 {
		return none, true
	}
	if len(b) < 2 {
		return none, false
	}
	version := binary.LittleEndian.Uint16(b)
	b = b[2:]
	ok := true
	text := func() (s string) {
		if len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
			ok = false
			return ""
		}
		n := int(binary.LittleEndian.Uint32(b))
		s, b = untilNUL(b[4:4+n]), b[4+n:]
		return s
	}
	var a taskAction
	if version >= 2 {
		a.context = text()
	}
	none[0].context = a.context
	for ok && len(b) >= 2 && len(all) < 64 {
		kind := binary.LittleEndian.Uint16(b)
		b = b[2:]
		one := taskAction{context: a.context}
		_ = text() // its id
		switch kind {
		case 0x6666:
			one.command, one.arguments, one.folder = text(), text(), text()
			if version >= 3 && len(b) >= 2 {
				b = b[2:]
			}
		case 0x7777:
			if ok = ok && len(b) >= 16; ok {
				one.handler = event.Value{Type: event.GUID, Raw: b[:16]}.String()
				b = b[16:]
				one.arguments = text()
			}
		case 0x9999:
			one.command = fmt.Sprintf("message %q: %q", text(), text())
		default:
			ok = false
			one.command = fmt.Sprintf("action 0x%x", kind)
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		all = none
	}
	return all, ok
}
