package exercise

import (
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

// winLog is what a server writes to one channel.
type winLog struct {
	entries []winEntry
	begins  event.Time // what is earlier is no longer there
	lost    uint64     // events that are no longer there
}

// winEntry is an event that waits for its place in a log. Of the many that routines write it holds only what tells one
// from the other; their values are made when they are written.
type winEntry struct {
	at      event.Time
	kind    *winKind
	values  *winValues // of an event that an act logged by name
	routine *routine   // else
	who     *account
	from    *host
	id      uint64
	n       uint32
}

// winValues are the values of one event.
type winValues struct {
	evtx.Values
	binary   []byte
	user     []byte
	pid, tid uint32
	activity [16]byte
	scratch  []byte
}

// fields are the values of an event by name; those that are not given have the table's, else nothing. Names that begin
// with @ are not of EventData: @user (SID), @pid, @activity, and for classic events without names @data and @binary.
type fields map[string]any

// log writes an event of Windows. key is events.txt's.
func (s *server) log(at event.Time, key string, f fields) {
	if !s.open || s.system != windows || !s.lives(at) || s.sqlEnds != 0 && at > s.sqlEnds && strings.HasPrefix(key, "sql-") {
		return
	}
	k := s.kindOf(key)
	if k == nil || s.isDark(k, at) {
		return
	}
	s.tick++
	l := s.winLog(k.manifest.Channel)
	if at < l.begins {
		l.lost++
		return
	}
	w := &winValues{user: k.user, pid: s.pid(k.process), tid: 4 * (200 + uint32(at/100)%2000)}
	used := s.fill(&w.Values, k, f)
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
				w.Text(text)
			}
		}
	}
	if used != len(f) {
		panic(fmt.Sprintf("event %q has not all of the fields %v", key, f)) // bug: traces and table are both ours
	}
	l.entries = append(l.entries, winEntry{at: at, kind: k, values: w})
}

// fill adds the values of a kind's fields and returns how many were named.
func (s *server) fill(to *evtx.Values, k *winKind, f fields) (used int) {
	for i, field := range k.manifest.Fields {
		v, ok := f[field.Name]
		if ok {
			used++
		} else {
			v = k.defaults[i]
		}
		s.value(to, field.Type, v)
	}
	return used
}

// lives reports whether the server writes logs at that time.
func (s *server) lives(at event.Time) bool {
	return s.e.covers(at) && (s.cutOff == 0 || at <= s.cutOff)
}

// isDark reports whether the category of audit that an event belongs to was off.
func (s *server) isDark(k *winKind, at event.Time) bool {
	if s.dark == nil || k.manifest.Channel != "Security" {
		return false
	}
	since, off := s.dark[auditCategory(k.manifest.ID)]
	return off && at > since
}

// auditCategory of an event of the Security log, as auditpol calls it; "" cannot be switched off so.
func auditCategory(id uint16) string {
	switch {
	case id == 4624 || id == 4625 || id == 4634 || id == 4647 || id == 4648 || id == 4672:
		return "Logon/Logoff"
	case id >= 4768 && id <= 4776:
		return "Account Logon"
	case id == 4688 || id == 4689:
		return "Detailed Tracking"
	case id == 5140 || id == 5145 || id == 4663:
		return "Object Access"
	}
	return ""
}

// local is a time as the server's clock tells it.
func (s *server) local(at event.Time) event.Time {
	if s.setAt != 0 && at >= s.setAt {
		at = at.Add(s.setBy)
	}
	return at.Add(s.clock)
}

// winLog is the server's log of a channel.
func (s *server) winLog(channel string) *winLog {
	l := s.logs[channel]
	if l == nil {
		l = &winLog{}
		if d, ok := s.kept[channel]; ok {
			l.begins = s.e.to.Add(-d)
		}
		l.begins = max(l.begins, s.cleared[channel])
		if s.cleared[channel] == 0 && s.kept[channel] == 0 {
			l.begins = event.NoTime
		}
		s.logs[channel] = l
	}
	return l
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
func (s *server) winLogs() []file {
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
		l := s.logs[channel]
		if len(l.entries) == 0 {
			continue
		}
		first := l.sort(s, channel)
		f := file{path: path.Join("C/Windows/System32/winevt/Logs", strings.ReplaceAll(channel, "/", "%4")+ending), modified: s.local(l.entries[len(l.entries)-1].at)}
		f.write, f.about = func(out io.WriteSeeker) error { return write(out, l.entries, first) }, 1<<17+600*len(l.entries)
		out = append(out, f)
	}
	return out
}

// sort brings a log into the order of time and returns the number of its first record. Record numbers go on when a log is
// cleared.
func (l *winLog) sort(s *server, channel string) uint64 {
	slices.SortStableFunc(l.entries, func(a, b winEntry) int { return cmp.Compare(a.at, b.at) })
	base := uint64(2000 + number(700_000, s.key, channel, fmt.Sprint(s.e.options.Seed)))
	return base + l.lost
}

// make gives an entry its values, in w if they are not made already.
func (x *winEntry) make(w *winValues) *winValues {
	if x.values != nil {
		return x.values
	}
	r := x.routine
	w.Begin(r.values)
	w.binary, w.user, w.pid, w.tid, w.activity = nil, r.kind.user, r.pid, 4*(200+uint32(x.at/100)%2000), [16]byte{}
	r.fill(w, x)
	return w
}

// evtx writes the events as an event log.
func (s *server) evtx(out io.WriteSeeker, entries []winEntry, first uint64) error {
	options := evtx.WriterOptions{Computer: s.computer(), First: first, Mark: event.ExerciseMark, Minor: 1, Dirty: !s.layout.export, Remains: true}
	if s.year >= 2016 {
		options.Minor = 2
	}
	w, err := evtx.NewWriter(out, options)
	if err != nil {
		return err
	}
	var scratch winValues
	var e evtx.Event
	for i := range entries {
		x := &entries[i]
		v := x.make(&scratch)
		at := s.local(x.at)
		e = evtx.Event{Kind: x.kind.Kind, Time: at, Written: at.Add(120 * time.Microsecond), ProcessID: v.pid, ThreadID: v.tid, Activity: v.activity,
			User: v.user, Values: v.List, Binary: v.binary}
		if x.at < s.renamed {
			e.Computer = s.former
		}
		if err := w.Write(&e); err != nil {
			return err
		}
	}
	return w.Close()
}

// memory is a file in memory.
type memory struct {
	data []byte
	at   int64
}

func (m *memory) Write(p []byte) (int, error) {
	if old, need := int64(len(m.data)), m.at+int64(len(p)); need > old {
		if m.at > old {
			m.data = append(m.data, make([]byte, m.at-old)...)
		}
		m.data = append(m.data[:m.at], p...)
		m.at = need
		return len(p), nil
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
