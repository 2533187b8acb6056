package exercise

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"wardround/internal/event"
)

// textLog is a log of lines, or of whatever its lines are made of: the login records of wtmp are its lines too.
type textLog struct {
	path    string
	entries []textEntry
	head    func(event.Time) string // the line, or record, with the open mark; given the time of the first entry
	weekly  bool                    // rotated in the night to Sunday
}

type textEntry struct {
	at   event.Time
	line string
}

// write adds a line, complete with its end, to a log.
func (s *server) write(path string, at event.Time, line string) {
	if s.open && s.lives(at) && at >= s.e.to.Add(-s.left()) {
		l := s.textLog(path)
		l.entries = append(l.entries, textEntry{at, line})
	}
}

// left is how far back the logs of a server that is not Windows reach.
func (s *server) left() time.Duration {
	if d, ok := s.kept["*"]; ok {
		return d
	}
	return s.e.to.Sub(s.e.from)
}

func (s *server) textLog(path string) *textLog {
	l := s.texts[path]
	if l == nil {
		l = &textLog{path: path, head: func(at event.Time) string { return s.syslogLine(at, "root", event.ExerciseMark) }}
		s.texts[path] = l
	}
	return l
}

// syslog adds a message to a log of the syslog daemon. tag is the program, with its process number.
func (s *server) syslog(file string, at event.Time, tag, format string, args ...any) {
	if !s.open || !s.lives(at) {
		return
	}
	name := s.logName(file)
	line := s.syslogLine(at, tag, fmt.Sprintf(format, args...))
	s.write(name, at, line)
	if l := s.texts[name]; l != nil {
		l.weekly = true
	}
	if s.forwards(file) {
		s.e.hub = append(s.e.hub, textEntry{at, line})
	}
}

// forwards reports whether the server sends the messages of a log to the syslog hub too.
func (s *server) forwards(file string) bool {
	return s.hub && (!s.unlisted || file != "auth")
}

// logName is where a distribution keeps a log: auth, syslog, cron.
func (s *server) logName(file string) string {
	if s.distro == "centos" {
		return "var/log/" + map[string]string{"auth": "secure", "syslog": "messages", "cron": "cron"}[file]
	}
	return "var/log/" + map[string]string{"auth": "auth.log", "syslog": "syslog", "cron": "syslog"}[file]
}

// syslogLine is a line with the server's kind of stamp, by its clock.
func (s *server) syslogLine(at event.Time, tag, message string) string {
	t := s.local(at).Std().In(s.zone)
	stamp := t.Format(time.Stamp)
	if s.iso {
		stamp = t.Format("2006-01-02T15:04:05.000000-07:00")
	}
	return fmt.Sprintf("%s %s %s: %s\n", stamp, strings.ToLower(s.name), tag, message)
}

// textLogs are the files of the server's logs of lines: the one in use and those that were rotated, as logrotate names
// and packs them.
func (s *server) textLogs() ([]file, error) {
	var out []file
	paths := make([]string, 0, len(s.texts))
	for p := range s.texts {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	for _, p := range paths {
		parts := s.texts[p].split()
		for age, part := range parts {
			f, err := s.textFile(s.texts[p], part, age)
			if err != nil {
				return nil, err
			}
			out = append(out, f)
		}
	}
	return out, nil
}

// split cuts the log where it was rotated; the newest part is the first.
func (l *textLog) split() [][]textEntry {
	slices.SortStableFunc(l.entries, func(a, b textEntry) int { return cmp.Compare(a.at, b.at) })
	var parts [][]textEntry
	from := 0
	for i := 1; i <= len(l.entries); i++ {
		if i == len(l.entries) || l.period(l.entries[i].at) != l.period(l.entries[i-1].at) {
			parts = append(parts, l.entries[from:i])
			from = i
		}
	}
	slices.Reverse(parts)
	return parts
}

// period numbers the weeks between rotations, at 06:25 on Sundays, IST.
func (l *textLog) period(at event.Time) int {
	if !l.weekly {
		return 0
	}
	return int((int64(at) - int64(rotation)) / int64(week))
}

const week = 7 * 24 * time.Hour

// rotation is one of the Sundays on which logs are rotated.
var rotation = event.At(time.Date(2021, 1, 3, 6, 25, 0, 0, ist))

func (s *server) textFile(l *textLog, entries []textEntry, age int) (file, error) {
	var b bytes.Buffer
	b.WriteString(l.head(entries[0].at))
	for _, e := range entries {
		b.WriteString(e.line)
	}
	f := file{path: l.path, data: b.Bytes(), modified: s.local(entries[len(entries)-1].at)}
	switch {
	case age == 0:
		return f, nil
	case s.distro == "centos":
		rotated := rotation.Add(time.Duration(l.period(entries[0].at)+1) * week)
		f.path += "-" + rotated.Std().In(ist).Format("20060102")
		return f, nil
	case age == 1:
		f.path += ".1"
		return f, nil
	}
	f.path += fmt.Sprintf(".%d.gz", age)
	var err error
	f.data, err = gzipped(path.Base(l.path), f.data)
	return f, err
}

func gzipped(name string, data []byte) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	z.Name = name
	if _, err := z.Write(data); err != nil {
		return nil, err
	}
	err = z.Close()
	return b.Bytes(), err
}
