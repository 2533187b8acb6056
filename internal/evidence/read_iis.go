package evidence

import (
	"bytes"
	"context"
	"strings"

	"wardround/internal/event"
)

// iisReader reads W3C extended logs (W3C working draft WD-logfile-960323) and what follows their manner: IIS with its
// FTP and SMTP services, HTTPERR, Exchange, the Windows firewall, proxies. The line #Fields names the columns and may
// come again with others.
var iisReader = reader{kind: "w3c", is: isW3C, read: readW3C}

// isW3C looks for #Fields among the directives at the beginning.
func isW3C(head []byte, _ string) bool {
	l := newLines(context.Background(), bytes.NewReader(head))
	for n := 0; n < 20 && l.next(); n++ {
		line := bytes.TrimSpace(l.text)
		if fields, ok := bytes.CutPrefix(line, []byte("#Fields:")); ok {
			return len(bytes.TrimSpace(fields)) > 0
		}
		// Exchange repeats the columns before the directives.
		if len(line) > 0 && line[0] != '#' && !(n == 0 && bytes.HasPrefix(line, []byte("DateTime,"))) {
			return false
		}
	}
	return false
}

// w3cNames are the names under which rules ask for columns that bear another.
var w3cNames = map[string][]string{
	"cs-user-agent":     {"c-useragent"},
	"cs-uri":            {"c-uri"},
	"cs-uri-query":      {"c-uri-query"},
	"src-ip":            {"src_ip"},
	"dst-ip":            {"dst_ip"},
	"src-port":          {"src_port"},
	"dst-port":          {"dst_port"},
	"Method":            {"cs-method"},
	"UrlHost":           {"cs-host"},
	"UrlStem":           {"cs-uri-stem"},
	"UrlQuery":          {"cs-uri-query"},
	"UserAgent":         {"cs-user-agent", "c-useragent"},
	"HttpStatus":        {"sc-status"},
	"ClientIpAddress":   {"c-ip"},
	"AuthenticatedUser": {"cs-username"},
}

// maxW3CFormats bounds the lists of columns that one log may have.
const maxW3CFormats = 100

// w3cFormat is what one #Fields line says.
type w3cFormat struct {
	schema  *event.Schema
	columns int
	comma   bool // columns are separated by commas

	date, time, both, host, stem, query, agent, status int // columns; -1 if there is none
	uri, extension, plain                              int // slots made of others
}

// w3c reads one log.
type w3c struct {
	out          *output
	zone         *localZone
	formats      map[string]*w3cFormat
	format       *w3cFormat
	software     string
	logType      string
	local        bool // times are local
	day          int  // of #Date, for logs without a date column
	dated        bool
	undatedNoted bool
	last         int64 // time of day of the line before
	words        [][]byte
	starts       []int // of the words in their line, where blanks separate them
	slots        []event.Value
	text         []byte
	hosts        interned
	rec          event.Record
}

func readW3C(ctx context.Context, in *input, out *output) error {
	w := &w3c{out: out, zone: newLocalZone(in, out), formats: map[string]*w3cFormat{}}
	l := newLines(ctx, in.Stream)
	for l.next() {
		line := l.text
		switch {
		case len(bytes.TrimSpace(line)) == 0, l.number == 1 && bytes.HasPrefix(line, []byte("DateTime,")):
		case line[0] == '#':
			w.directive(line)
		case w.format == nil:
			out.damage(l.offset, l.size(), "no known columns")
		case !w.line(line):
			out.damage(l.offset, l.size(), "columns do not fit #Fields")
		default:
			w.rec.Number, w.rec.Offset = l.number, l.offset
			out.take(&w.rec)
		}
	}
	return l.fail()
}

// directive takes note of a line that begins with "#".
func (w *w3c) directive(line []byte) {
	name, value, _ := strings.Cut(string(line[:min(len(line), 64<<10)]), ":")
	value = strings.TrimSpace(value)
	switch strings.ToLower(name) {
	case "#software":
		w.software = value
	case "#log-type":
		w.logType = value
	case "#time format":
		w.local = strings.EqualFold(value, "Local")
	case "#date":
		if t, _, ok := readStamp([]byte(value)); ok {
			w.day, w.dated, w.last = int(t.Std().Unix()/86400), true, 0
		}
	case "#fields":
		key := w.software + "\n" + value
		f, ok := w.formats[key]
		if !ok && len(w.formats) < maxW3CFormats {
			f = newW3CFormat(w.source(value), value)
			w.formats[key] = f
			w.out.want(f.schema)
		}
		w.format = f
	}
}

// source tells the log from what it says of itself.
func (w *w3c) source(fields string) event.Source {
	software := strings.ToLower(w.software)
	switch {
	case strings.Contains(software, "firewall") && strings.Contains(software, "windows"):
		return event.Source{Product: "windows", Channel: "firewall", Provider: "windows-firewall"}
	case strings.Contains(software, "exchange"):
		channel := strings.ToLower(strings.ReplaceAll(w.logType, " ", "-"))
		return event.Source{Product: "web", Channel: "exchange-" + strings.TrimSuffix(channel, "-log"), Provider: "exchange"}
	case strings.Contains(software, "http api"), strings.Contains(fields, "s-reason"):
		return event.Source{Product: "web", Channel: "error", Provider: "httperr"}
	case strings.Contains(software, "internet information services"), strings.Contains(fields, "sc-win32-status"):
		return event.Source{Product: "web", Channel: "access", Provider: "iis"}
	}
	return event.Source{Product: "web", Channel: "access", Provider: "w3c"}
}

func newW3CFormat(src event.Source, list string) *w3cFormat {
	f := &w3cFormat{date: -1, time: -1, both: -1, host: -1, stem: -1, query: -1, agent: -1, status: -1}
	f.comma = strings.Contains(list, ",")
	names := strings.FieldsFunc(list, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' })
	names = names[:min(len(names), 500)]
	f.columns = len(names)
	var fields []event.Field
	for i, n := range names {
		n = w3cName(n)
		fields = append(fields, event.Field{Name: n, Slot: i})
		for _, also := range w3cNames[n] {
			fields = append(fields, event.Field{Name: also, Slot: i})
		}
		f.place(n, i)
	}
	f.uri, f.extension, f.plain = f.columns, f.columns+1, f.columns+2
	if f.stem >= 0 {
		fields = append(fields, event.Field{Name: "c-uri", Slot: f.uri}, event.Field{Name: "c-uri-extension", Slot: f.extension})
	}
	if f.agent >= 0 {
		fields = append(fields, event.Field{Name: "cs-user-agent", Slot: f.plain}, event.Field{Name: "c-useragent", Slot: f.plain})
	}
	f.schema = event.NewSchema(src, fields, f.columns+3)
	return f
}

// place remembers the columns that a record is made of.
func (f *w3cFormat) place(name string, i int) {
	switch name {
	case "date":
		f.date = i
	case "time":
		f.time = i
	case "date-time", "DateTime", "datetime", "TimeStamp":
		f.both = i
	case "s-computername", "ServerHostName", "server-hostname", "Server":
		if f.host < 0 {
			f.host = i
		}
	case "cs-uri-stem", "UrlStem":
		f.stem = i
	case "cs-uri-query", "UrlQuery":
		f.query = i
	case "cs-user-agent":
		f.agent = i
	case "sc-status":
		f.status = i
	}
}

// w3cName turns "cs(User-Agent)", a header by its name, into "cs-user-agent", as rules have it.
func w3cName(n string) string {
	prefix, header, ok := strings.Cut(n, "(")
	switch {
	case ok && strings.EqualFold(header, "X-Forwarded-For)"), strings.EqualFold(n, "X-Forwarded-For"):
		return "x-forwarded-for"
	case ok:
		return prefix + "-" + strings.ToLower(strings.TrimSuffix(header, ")"))
	}
	return n
}

// line makes a record of a line; no if its columns do not fit.
func (w *w3c) line(b []byte) bool {
	f := w.format
	w.text = w.text[:0]
	if !w.split(b) {
		return false
	}
	if cap(w.slots) < f.schema.Slots {
		w.slots = make([]event.Value, f.schema.Slots)
	}
	w.slots = w.slots[:f.schema.Slots]
	clear(w.slots[f.columns:])
	for i, word := range w.words {
		w.slots[i] = webText(word)
	}
	w.rec = event.Record{Schema: f.schema, Slots: w.slots, Time: w.when()}
	if f.host >= 0 && !w.slots[f.host].IsNull() {
		w.rec.Host = w.hosts.text(w.words[f.host])
	}
	w.compose()
	return true
}

// compose makes the values that rules ask for and the log has in pieces: the whole URI, its extension, and the user
// agent with blanks where IIS writes "+".
func (w *w3c) compose() {
	f := w.format
	if f.stem >= 0 && !w.slots[f.stem].IsNull() {
		stem := w.words[f.stem]
		uri := stem
		if f.query >= 0 && !w.slots[f.query].IsNull() {
			start := len(w.text)
			w.text = append(append(append(w.text, stem...), '?'), w.words[f.query]...)
			uri = w.text[start:]
		}
		w.slots[f.uri] = webText(uri)
		base := stem[bytes.LastIndexByte(stem, '/')+1:]
		if i := bytes.LastIndexByte(base, '.'); i >= 0 {
			w.slots[f.extension] = webText(base[i+1:])
		}
	}
	if f.agent >= 0 && bytes.IndexByte(w.words[f.agent], '+') >= 0 {
		start := len(w.text)
		w.text = append(w.text, w.words[f.agent]...)
		for i := start; i < len(w.text); i++ {
			if w.text[i] == '+' {
				w.text[i] = ' '
			}
		}
		w.slots[f.plain] = webText(w.text[start:])
	}
}

// when reads the time of the line.
func (w *w3c) when() event.Time {
	f := w.format
	t := event.NoTime
	switch {
	case f.both >= 0:
		stamp, rest, ok := readStamp(w.words[f.both])
		if !ok {
			return event.NoTime
		}
		if s, _, ok := readOffset(rest); ok {
			return stamp.Add(-seconds(s))
		}
		t = stamp
	case f.time >= 0:
		ns, _, ok := readDayTime(w.words[f.time])
		if !ok {
			return event.NoTime
		}
		if f.date >= 0 {
			d := w.words[f.date]
			if len(d) != 10 || !validDate(digits(d[0:4]), digits(d[5:7]), digits(d[8:10])) {
				return event.NoTime
			}
			t = onDay(daysTo(digits(d[0:4]), digits(d[5:7]), digits(d[8:10])), ns)
			break
		}
		t = w.undated(ns)
	}
	if w.local && t != event.NoTime {
		return w.zone.unstated(t)
	}
	return t
}

// undated puts a time of day on the day of #Date, and on the next one when it falls back by more than half a day.
func (w *w3c) undated(ns int64) event.Time {
	if !w.undatedNoted {
		w.undatedNoted = true
		w.out.note("lines have no date: it was taken from #Date")
	}
	if !w.dated {
		return event.NoTime
	}
	if w.last-ns > 12*3600*1e9 {
		w.day++
	}
	w.last = ns
	return onDay(w.day, ns)
}

// split cuts a line into as many words as there are columns.
func (w *w3c) split(b []byte) bool {
	f := w.format
	switch {
	case f.comma:
		w.words, w.text, _ = splitCSV(b, w.words[:0], w.text, f.columns+1)
	case bytes.IndexByte(b, '\t') >= 0:
		w.words, w.starts = w.words[:0], w.starts[:0]
		for len(w.words) <= f.columns {
			word, rest, more := bytes.Cut(b, []byte("\t"))
			w.words = append(w.words, word)
			if b = rest; !more {
				break
			}
		}
	default:
		w.splitBlanks(b, false)
		if len(w.words) != f.columns && bytes.IndexByte(b, '"') >= 0 {
			w.splitBlanks(b, true)
		}
	}
	return len(w.words) == f.columns || w.join(b)
}

func (w *w3c) splitBlanks(b []byte, quotes bool) {
	w.words, w.starts = w.words[:0], w.starts[:0]
	for i := 0; i < len(b) && len(w.words) < w.format.columns+5000; {
		if b[i] == ' ' {
			i++
			continue
		}
		end := bytes.IndexByte(b[i:], ' ')
		if quotes && b[i] == '"' {
			if q := bytes.IndexByte(b[i+1:], '"'); q >= 0 {
				w.words, w.starts = append(w.words, b[i+1:i+1+q]), append(w.starts, i)
				i += q + 2
				continue
			}
		}
		if end < 0 {
			end = len(b) - i
		}
		w.words, w.starts = append(w.words, b[i:i+end]), append(w.starts, i)
		i += end
	}
}

// join mends a line with too many words: a query that holds blanks. The columns before it count from the left, those
// behind it from the right.
func (w *w3c) join(b []byte) bool {
	f := w.format
	extra := len(w.words) - f.columns
	if extra <= 0 || f.query < 0 || f.status < f.query || f.comma || len(w.starts) != len(w.words) {
		return false
	}
	end := w.starts[f.query+extra] + len(w.words[f.query+extra])
	w.words[f.query] = b[w.starts[f.query]:end]
	w.words = append(w.words[:f.query+1], w.words[f.query+extra+1:]...)
	status := w.words[f.status]
	return len(status) == 3 && digits(status) >= 100
}
