package evidence

import (
	"bytes"
	"context"
	"strings"

	"wardround/internal/event"
)

// webErrorReader reads the error logs of Apache (2.2 and 2.4) and nginx. Lines without a header are what programs that
// the server started wrote to standard error, a shell among them: each is an event of its own, at the time of the line
// before it.
var webErrorReader = reader{kind: "web-error", is: isWebError, read: readWebError}

const (
	errLevel = iota
	errModule
	errPid
	errTid
	errClient
	errClientPort
	errCode
	errMessage
	errReferer
	errMethod
	errURI
	errStem
	errQuery
	errVersion
	errHost
	errServer
	errSlots
)

var webErrorNames = []string{
	"level", "module", "pid", "tid", "c-ip", "c-port", "code", "message", "cs-referer", "cs-method", "c-uri", "cs-uri-stem", "cs-uri-query",
	"cs-version", "cs-host", "server",
}

func isWebError(head []byte, _ string) bool {
	var e webError
	return mostLines(head, func(line []byte) bool { return e.line(line) })
}

// webError takes lines of error logs apart.
type webError struct {
	slots [errSlots]event.Value
	local event.Time // as if UTC
	nginx bool
	rec   event.Record
}

func readWebError(ctx context.Context, in *input, out *output) error {
	var e webError
	zone := newLocalZone(in, out)
	var schemas [2]*event.Schema
	at := event.NoTime
	l := newLines(ctx, in.Stream)
	for l.next() {
		if len(bytes.TrimSpace(l.text)) == 0 {
			continue
		}
		if e.line(l.text) {
			at = zone.unstated(e.local)
		} else {
			clear(e.slots[:])
			e.slots[errMessage] = webText(l.text)
		}
		schema := schemas[btoi(e.nginx)]
		if schema == nil {
			provider := webProvider(in.Path)
			if provider == "access-log" {
				provider = [...]string{"apache", "nginx"}[btoi(e.nginx)]
			}
			schema = event.TextSchema(event.Source{Product: "web", Channel: "error", Provider: provider}, webErrorNames...)
			schemas[btoi(e.nginx)] = schema
		}
		out.want(schema)
		e.rec = event.Record{Schema: schema, Slots: e.slots[:], Time: at, Number: l.number, Offset: l.offset}
		out.take(&e.rec)
	}
	return l.fail()
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// line takes a line apart; no if it has no header.
func (e *webError) line(b []byte) bool {
	clear(e.slots[:])
	if len(b) > 20 && b[0] == '[' {
		return e.apache(b)
	}
	t, rest, ok := readStamp(b)
	level, rest := cutBracket(bytes.TrimLeft(rest, " "))
	if !ok || level == nil || b[4] != '/' {
		return false
	}
	e.nginx, e.local = true, t
	e.put(errLevel, level)
	return e.nginxRest(bytes.TrimLeft(rest, " "))
}

// nginxRest reads "1234#5678: *99 message, client: a, server: b, request: "GET / HTTP/1.1", host: "c", referrer: "d"".
func (e *webError) nginxRest(b []byte) bool {
	ids, message, ok := bytes.Cut(b, []byte(": "))
	pid, tid, both := bytes.Cut(ids, []byte("#"))
	if !ok || !both || digits(pid) < 0 {
		return false
	}
	e.put(errPid, pid)
	e.put(errTid, tid)
	for i, field := range []struct {
		mark string
		slot int
	}{{", referrer: ", errReferer}, {", host: ", errHost}, {", upstream: ", -1}, {", request: ", errURI}, {", server: ", errServer}, {", client: ", errClient}} {
		at := bytes.LastIndex(message, []byte(field.mark))
		if at < 0 {
			continue
		}
		value := bytes.Trim(message[at+len(field.mark):], `"`)
		message = message[:at]
		switch {
		case i == 3:
			e.request(value)
		case field.slot >= 0:
			e.put(field.slot, value)
		}
	}
	e.put(errMessage, message)
	return true
}

// request takes "GET /path HTTP/1.1" apart.
func (e *webError) request(b []byte) {
	method, rest, ok := bytes.Cut(b, []byte(" "))
	if !ok || !methodLike(method) {
		return
	}
	e.put(errMethod, method)
	if i := bytes.LastIndex(rest, []byte(" HTTP/")); i >= 0 {
		e.put(errVersion, rest[i+1:])
		rest = rest[:i]
	}
	stem, query, _ := bytes.Cut(rest, []byte("?"))
	e.put(errURI, rest)
	e.put(errStem, stem)
	e.put(errQuery, query)
}

// apache reads "[Wed Nov 23 07:07:49.123456 2022] [core:error] [pid 1:tid 2] [client a:5] AH00126: message, referer: x".
func (e *webError) apache(b []byte) bool {
	stamp, rest := cutBracket(b)
	t, ok := apacheStamp(stamp)
	if !ok {
		return false
	}
	e.nginx, e.local = false, t
	for {
		part, after := cutBracket(bytes.TrimLeft(rest, " "))
		if part == nil || !e.part(part) {
			break
		}
		rest = after
	}
	message := bytes.TrimLeft(rest, " ")
	if i := bytes.LastIndex(message, []byte(", referer: ")); i >= 0 {
		e.put(errReferer, message[i+len(", referer: "):])
		message = message[:i]
	}
	if i := bytes.Index(message, []byte("AH")); i >= 0 && len(message) > i+8 && message[i+7] == ':' && digits(message[i+2:i+7]) >= 0 {
		e.put(errCode, message[i:i+7])
	}
	e.put(errMessage, message)
	return true
}

// part reads one bracket of Apache's header; no if it belongs to the message.
func (e *webError) part(b []byte) bool {
	key, value, _ := bytes.Cut(b, []byte(" "))
	switch {
	case string(key) == "pid":
		pid, tid, _ := bytes.Cut(value, []byte(":tid "))
		e.put(errPid, pid)
		e.put(errTid, tid)
	case string(key) == "client" || string(key) == "remote":
		host, port := splitPort(value)
		if e.slots[errModule].IsNull() {
			host, port = value, nil // Apache 2.2 writes no port
		}
		e.put(errClient, bytes.Trim(host, "[]"))
		e.put(errClientPort, port)
	case e.slots[errLevel].IsNull() && len(value) == 0 && apacheLevel(key):
		module, level, both := bytes.Cut(key, []byte(":"))
		if !both {
			module, level = nil, key
		}
		e.put(errModule, module)
		e.put(errLevel, level)
	default:
		return false
	}
	return true
}

func apacheLevel(b []byte) bool {
	level := b[bytes.LastIndexByte(b, ':')+1:]
	switch strings.TrimRight(string(level), "0123456789") {
	case "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug", "trace", "":
		return true
	}
	return false
}

// apacheStamp reads "Wed Nov 23 07:07:49.123456 2022" as if it were UTC.
func apacheStamp(b []byte) (event.Time, bool) {
	if len(b) < 24 || b[3] != ' ' || b[7] != ' ' || b[10] != ' ' {
		return event.NoTime, false
	}
	month, day := monthNumber(b[4:7]), digits(bytes.TrimLeft(b[8:10], " "))
	ns, rest, ok := readDayTime(b[11:])
	year := digits(bytes.TrimLeft(rest, " "))
	if !ok || len(rest) < 5 || year < 0 || year > 9999 || !validDate(year, month, day) {
		return event.NoTime, false
	}
	return onDay(daysTo(year, month, day), ns), true
}

// cutBracket cuts "[…]" off the start of b; nil if there is none.
func cutBracket(b []byte) (inside, rest []byte) {
	if len(b) == 0 || b[0] != '[' {
		return nil, b
	}
	end := bytes.IndexByte(b, ']')
	if end < 0 {
		return nil, b
	}
	if end+1 < len(b) && b[end+1] == ':' { // [client [::1]:5]
		if more := bytes.IndexByte(b[end+1:], ']'); more >= 0 {
			end += 1 + more
		}
	}
	return b[1:end], b[end+1:]
}

func (e *webError) put(slot int, b []byte) { e.slots[slot] = webText(b) }
