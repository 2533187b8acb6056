package exercise

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"wardround/internal/event"
	"wardround/internal/evtx"
)

// winEntry is an event that waits for its place in a log.
type winEntry struct {
	at       event.Time
	kind     *winKind
	values   evtx.Values
	binary   []byte
	user     []byte
	pid, tid uint32
	activity [16]byte
}

// fields are the values of an event by name; those that are not given have the table's, else nothing. Names that begin
// with @ are not of EventData: @user (SID), @pid, @activity, and for classic events without names @data and @binary.
type fields map[string]any

// log writes an event of Windows. key is events.txt's.
func (s *server) log(at event.Time, key string, f fields) {
	if !s.open || s.system != windows || !s.e.covers(at) || s.sqlEnds != 0 && at > s.sqlEnds && strings.HasPrefix(key, "sql-") {
		return
	}
	k := s.kindOf(key)
	if k == nil {
		return
	}
	s.tick++
	w := winEntry{at: at.Add(s.clock), kind: k, user: k.user, pid: s.pid(k.process), tid: 4 * (200 + number(2000, s.name, fmt.Sprint(s.tick)))}
	used := 0
	for i, field := range k.manifest.Fields {
		v, ok := f[field.Name]
		if ok {
			used++
		} else {
			v = k.defaults[i]
		}
		s.value(&w.values, field.Type, v)
	}
	for name, v := range f {
		if name[0] != '@' {
			continue
		}
		used++
		switch name {
		case "@user":
			w.user = sid(v.(string))
		case "@pid":
			w.pid = v.(uint32)
		case "@activity":
			w.activity = v.([16]byte)
		case "@binary":
			w.binary = v.([]byte)
		case "@data":
			for _, text := range v.([]string) {
				w.values.Text(text)
			}
		}
	}
	if used != len(f) {
		panic(fmt.Sprintf("event %q has not all of the fields %v", key, f)) // bug: traces and table are both ours
	}
	s.logs[k.manifest.Channel] = append(s.logs[k.manifest.Channel], w)
}

// kindOf is the version of an event that this server writes, nil if its Windows is too old for any.
func (s *server) kindOf(key string) *winKind {
	table, _ := tableOf() // Write has asked for the error
	var best *winKind
	for _, k := range table[key] {
		if k.since <= s.year {
			best = k
		}
	}
	if table[key] == nil {
		panic("no event " + key) // bug: traces and table are both ours
	}
	return best
}

func (s *server) value(to *evtx.Values, t event.Type, v any) {
	switch t {
	case event.UTF16:
		text, _ := v.(string)
		if n, ok := v.(int); ok {
			text = fmt.Sprint(n)
		}
		to.Text(text)
	case event.SID:
		text, _ := v.(string)
		to.Raw(event.SID, sid(cmp.Or(text, "S-1-0-0")))
	case event.GUID:
		g, _ := v.([16]byte)
		to.Raw(event.GUID, g[:])
	case event.FileTime:
		at, _ := v.(event.Time)
		to.Time(at)
	default:
		to.Number(t, whole(v))
	}
}

func whole(v any) uint64 {
	switch n := v.(type) {
	case int:
		return uint64(n)
	case uint16:
		return uint64(n)
	case uint32:
		return uint64(n)
	case uint64:
		return n
	}
	return 0
}

func sid(s string) []byte {
	raw, err := evtx.ParseSID(s)
	if err != nil {
		panic(err) // bug: all SIDs are ours
	}
	return raw
}

// pid of a process that runs as long as the server does.
func (s *server) pid(process string) uint32 {
	switch process {
	case "":
		return 0
	case "System":
		return 4
	}
	return 4 * (100 + number(900, s.name, process))
}

// winLogs are the files of the server's event logs.
func (s *server) winLogs() ([]file, error) {
	var out []file
	channels := make([]string, 0, len(s.logs))
	for c := range s.logs {
		channels = append(channels, c)
	}
	slices.Sort(channels)
	for _, channel := range channels {
		write, ending := s.evtx, ".evtx"
		if s.layout.json {
			write, ending = s.jsonLines, ".jsonl"
		}
		entries, first := s.remaining(channel)
		if len(entries) == 0 {
			continue
		}
		data, err := write(entries, first)
		if err != nil {
			return nil, fmt.Errorf("write %s of %s: %w", channel, s.name, err)
		}
		name := strings.ReplaceAll(channel, "/", "%4") + ending
		out = append(out, file{path: path.Join("C/Windows/System32/winevt/Logs", name), data: data, modified: entries[len(entries)-1].at})
	}
	return out, nil
}

// remaining is what is left of a log in order of time, after it was cleared or has rolled over, and the number of its
// first record. Record numbers go on when a log is cleared.
func (s *server) remaining(channel string) ([]winEntry, uint64) {
	entries := s.logs[channel]
	slices.SortStableFunc(entries, func(a, b winEntry) int { return cmp.Compare(a.at, b.at) })
	lost := 0
	begins := event.Time(0)
	if d, ok := s.kept[channel]; ok {
		begins = s.e.to.Add(-d)
	}
	begins = max(begins, s.cleared[channel])
	for lost < len(entries) && entries[lost].at < begins {
		lost++
	}
	base := uint64(2000 + number(700_000, s.name, channel, fmt.Sprint(s.e.options.Seed)))
	return entries[lost:], base + uint64(lost)
}

func (s *server) evtx(entries []winEntry, first uint64) ([]byte, error) {
	out := &memory{}
	options := evtx.WriterOptions{Computer: s.computer(), First: first, Mark: event.ExerciseMark, Minor: 1, Dirty: !s.layout.export, Remains: true}
	if s.year >= 2016 {
		options.Minor = 2
	}
	w, err := evtx.NewWriter(out, options)
	if err != nil {
		return nil, err
	}
	for i := range entries {
		x := &entries[i]
		err := w.Write(&evtx.Event{
			Kind: x.kind.Kind, Time: x.at, Written: x.at.Add(120 * time.Microsecond), ProcessID: x.pid, ThreadID: x.tid, Activity: x.activity,
			User: x.user, Values: x.values.List, Binary: x.binary,
		})
		if err != nil {
			return nil, err
		}
	}
	return out.data, w.Close()
}

// memory is a file in memory.
type memory struct {
	data []byte
	at   int64
}

func (m *memory) Write(p []byte) (int, error) {
	if old, need := int64(len(m.data)), m.at+int64(len(p)); need > old {
		m.data = slices.Grow(m.data, int(need-old))[:need]
		clear(m.data[old:])
	}
	m.at += int64(copy(m.data[m.at:], p))
	return len(p), nil
}

func (m *memory) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
		m.at = offset
	case io.SeekCurrent:
		m.at += offset
	case io.SeekEnd:
		m.at = int64(len(m.data)) + offset
	}
	return m.at, nil
}

// jsonLines writes the events as the public tool evtx_dump does with -o jsonl. The mark stands in an object of its own,
// which is no event.
func (s *server) jsonLines(entries []winEntry, first uint64) ([]byte, error) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "{\"exercise\":%s}\n", quote(event.ExerciseMark))
	for i := range entries {
		s.jsonLine(&out, &entries[i], first+uint64(i))
	}
	return out.Bytes(), nil
}
