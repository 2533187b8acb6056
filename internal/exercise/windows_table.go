package exercise

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"wardround/internal/event"
	"wardround/internal/evtx"
)

//go:embed events.txt
var eventsText string

// winKind is one version of one event of Windows, as events.txt states it.
type winKind struct {
	*evtx.Kind
	manifest evtx.Manifest
	defaults []any  // of the fields, nil where none is stated
	since    int    // first version of Windows (year of the server) that writes it
	process  string // that hands it over; "" where the log does not tell
	user     []byte // SID of the writer
}

// tableOf reads events.txt once; all exercises share it.
var tableOf = sync.OnceValues(func() (map[string][]*winKind, error) { return readTable(eventsText) })

// readTable reads a table in the form that events.txt describes at its beginning. Versions of a key are in the order of
// the text: the later the newer.
func readTable(text string) (map[string][]*winKind, error) {
	table := map[string][]*winKind{}
	var provider, current *winKind
	number := 0
	finish := func() error {
		if current == nil {
			return nil
		}
		var err error
		current.Kind, err = evtx.Compile(current.manifest)
		current = nil
		return err
	}
	for line := range strings.Lines(text) {
		number++
		words := strings.Fields(line)
		var err error
		switch {
		case len(words) == 0 || words[0] == "#":
		case strings.HasPrefix(line, " "):
			err = current.fields(words)
		case words[0] == "provider":
			if err = finish(); err == nil {
				provider, err = readProvider(words[1:])
			}
		default:
			if err = finish(); err == nil {
				current, err = provider.event(words)
				table[words[0]] = append(table[words[0]], current)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("read table of events: line %d: %w", number, err)
		}
	}
	return table, finish()
}

func readProvider(words []string) (*winKind, error) {
	if len(words) < 3 {
		return nil, fmt.Errorf("provider without name, GUID and channel")
	}
	k := &winKind{manifest: evtx.Manifest{Provider: plain(words[0]), GUID: strings.Trim(words[1], "-"), Channel: plain(words[2])}}
	if words[1] != "-" {
		k.manifest.GUID = words[1]
	}
	return k, k.attributes(words[3:])
}

// event makes a kind of the provider's. words are its key, its version and attributes.
func (k *winKind) event(words []string) (*winKind, error) {
	if k == nil || len(words) < 2 {
		return nil, fmt.Errorf("event without a provider or version")
	}
	c := *k
	id, err := strconv.ParseUint(words[0][strings.LastIndexByte(words[0], '-')+1:], 10, 16)
	if err != nil {
		return nil, err
	}
	version, err := strconv.ParseUint(strings.TrimPrefix(words[1], "v"), 10, 8)
	if err != nil {
		return nil, err
	}
	c.manifest.ID, c.manifest.Version = uint16(id), uint8(version)
	return &c, c.attributes(words[2:])
}

func (k *winKind) attributes(words []string) error {
	m := &k.manifest
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		value = plain(value)
		n, err := strconv.ParseUint(value, 0, 64)
		switch name {
		case "classic":
			m.Classic, err = true, nil
		case "binary":
			m.Binary, err = true, nil
		case "level":
			m.Level = uint8(n)
		case "task":
			m.Task = uint16(n)
		case "opcode":
			m.Opcode = uint8(n)
		case "keywords":
			m.Keywords = n
		case "qualifiers":
			m.Qualifiers = uint16(n)
		case "since":
			k.since = int(n)
		case "source":
			m.Source, err = value, nil
		case "name":
			m.DataName, err = value, nil
		case "userdata":
			m.UserData, err = value, nil
		case "ns":
			m.Namespace, err = value, nil
		case "process":
			k.process, err = value, nil
		case "user":
			k.user, err = evtx.ParseSID(value)
		default:
			err = fmt.Errorf("unknown attribute %q", name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

var fieldTypes = map[string]event.Type{
	"": event.UTF16, "sid": event.SID, "hex32": event.Hex32, "hex64": event.Hex64, "u16": event.Uint16, "u32": event.Uint32, "u64": event.Uint64,
	"i32": event.Int32, "bool": event.Bool, "guid": event.GUID, "time": event.FileTime,
}

func (k *winKind) fields(words []string) error {
	if k == nil {
		return fmt.Errorf("fields without an event")
	}
	for _, w := range words {
		name, value, has := strings.Cut(w, "=")
		name, typ, _ := strings.Cut(name, ":")
		t, ok := fieldTypes[typ]
		if !ok {
			return fmt.Errorf("unknown type %q", typ)
		}
		k.manifest.Fields = append(k.manifest.Fields, evtx.Field{Name: plain(name), Type: t})
		var standard any
		switch n, err := strconv.ParseUint(value, 0, 64); {
		case !has:
		case t == event.UTF16 || t == event.SID:
			standard = plain(value)
		case err != nil:
			return err
		default:
			standard = n
		}
		k.defaults = append(k.defaults, standard)
	}
	return nil
}

// plain undoes what keeps a word of the table in one piece.
func plain(s string) string {
	return strings.NewReplacer("+", " ", `\r`, "\r", `\n`, "\n", `\t`, "\t").Replace(s)
}
