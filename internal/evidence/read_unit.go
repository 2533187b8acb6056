package evidence

import (
	"bytes"
	"context"
	"path"
	"strings"

	"wardround/internal/event"
)

// unitReader reads systemd's unit files and their drop-ins (systemd.syntax(7)): what starts by itself, and as whom. A
// file is one event without a time.
var unitReader = reader{"systemd unit", isUnit, readUnit}

var unitSchema = event.TextSchema(event.Source{Product: "linux", Channel: "systemd unit", Provider: "systemd"},
	"action", "unit", "command", "user", "wanted_by", "schedule", "description", "type", "environment", "file", "of", "listen", "restart")

var actUnit = event.Text("unit")

// unitKeys are the settings that say what a unit does, by the slot that takes them.
var unitKeys = map[string]int{
	"ExecStart": 2, "ExecStartPre": 2, "ExecStartPost": 2, "ExecStop": 2, "ExecStopPost": 2, "ExecReload": 2, "ExecCondition": 2, "User": 3, "WantedBy": 4, "RequiredBy": 4, "Also": 4,
	"OnCalendar": 5, "OnBootSec": 5, "OnUnitActiveSec": 5, "OnStartupSec": 5, "OnActiveSec": 5, "OnUnitInactiveSec": 5, "Description": 6, "Type": 7, "Environment": 8, "EnvironmentFile": 8,
	"Unit": 10, "ListenStream": 11, "ListenDatagram": 11, "PathExists": 11, "PathModified": 11, "PathChanged": 11, "Restart": 12,
}

func isUnit(head []byte, name string) bool {
	sections, settings, other, known := 0, 0, 0, false
	for n, rest := 0, head; len(rest) > 0 && n < 200; n++ {
		line := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			line, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		switch line = bytes.TrimSpace(line); {
		case len(line) == 0, line[0] == '#', line[0] == ';':
		case line[0] == '[' && line[len(line)-1] == ']':
			sections++
			switch string(line) {
			case "[Unit]", "[Service]", "[Install]", "[Timer]", "[Socket]", "[Path]", "[Mount]":
				known = true
			}
		case bytes.IndexByte(line, '=') > 0 && letter(line[0]):
			settings++
		default:
			other++ // a value that goes on, at best
		}
	}
	if !known || settings == 0 || other > settings+5 {
		return false
	}
	base := path.Base(name)
	for _, end := range []string{".service", ".timer", ".socket", ".path", ".mount", ".target", ".automount", ".slice", ".swap", ".scope"} {
		if strings.HasSuffix(base, end) {
			return true
		}
	}
	return strings.Contains(name, ".service.d/") || strings.Contains(name, ".timer.d/") || strings.Contains(name, ".socket.d/") ||
		bytes.Contains(head, []byte("\nExecStart=")) || bytes.Contains(head, []byte("\nOnCalendar="))
}

// unitName is the unit's name: the file's, or that of the folder of a drop-in.
func unitNameOf(p string) string {
	dir, base := path.Split(p)
	if d := path.Base(dir); strings.HasSuffix(d, ".d") && strings.HasSuffix(base, ".conf") {
		return strings.TrimSuffix(d, ".d")
	}
	return base
}

// maxUnitValue bounds what settings of one kind, of which there may be several, join to.
const maxUnitValue = 64 << 10

func readUnit(ctx context.Context, in *input, out *output) error {
	var values [13][]byte
	var joined []byte
	slot := -1 // the setting goes on in the next line
	set := func(at int, b []byte) {
		if b = bytes.TrimSpace(b); len(b) == 0 {
			if at == 2 {
				values[at] = values[at][:0] // an empty setting takes back those before it
			}
			return
		}
		if len(values[at])+len(b) > maxUnitValue {
			return
		}
		if len(values[at]) > 0 {
			values[at] = append(values[at], '\n')
		}
		values[at] = append(values[at], b...)
	}
	l := newLines(ctx, in.Stream)
	for l.next() {
		line := bytes.TrimSpace(l.text)
		if slot < 0 && (len(line) == 0 || line[0] == '#' || line[0] == ';' || line[0] == '[') {
			continue
		}
		if !isText(line) {
			out.damage(l.offset, l.size(), "binary bytes in a text file")
			continue
		}
		more := bytes.HasSuffix(line, []byte(`\`))
		if slot >= 0 {
			joined = append(append(joined, ' '), bytes.TrimSuffix(line, []byte(`\`))...)
		} else {
			eq := bytes.IndexByte(line, '=')
			if eq < 0 {
				out.damage(l.offset, l.size(), "line that is no setting")
				continue
			}
			at, known := unitKeys[string(bytes.TrimSpace(line[:eq]))]
			if !known {
				at = 0 // thrown away, with what follows it
			}
			slot, joined = at, append(joined[:0], bytes.TrimSuffix(line[eq+1:], []byte(`\`))...)
		}
		if len(joined) > maxUnitValue || !more {
			if slot > 0 {
				set(slot, joined)
			}
			slot = -1
		}
	}
	if slot > 0 {
		set(slot, joined)
	}
	rec := event.Record{Schema: unitSchema, Time: event.NoTime, Number: 1}
	if out.want(unitSchema) {
		slots := make([]event.Value, len(values))
		for i, v := range values {
			slots[i] = textValue(v)
		}
		slots[0], slots[1], slots[9] = actUnit, textValue([]byte(unitNameOf(in.Path))), textValue([]byte(in.Path))
		rec.Slots = slots
	}
	if l.fail() == nil {
		out.take(&rec)
	}
	return l.fail()
}
