package evidence

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/bits"
	"path"
	"strings"

	"wardround/internal/event"
)

// webAccessReader reads the access logs of web servers: the common and the combined format of Apache and nginx, with a
// virtual host before them or further fields behind them, Tomcat's, mod_ssl's request log and HAProxy's HTTP log.
var webAccessReader = reader{kind: "web-access", is: isWebAccess, read: readWebAccess}

// The slots of a request, by the names of Sigma's webserver taxonomy, which are those of W3C extended logs.
const (
	webClient = iota
	webUser
	webMethod
	webURI // path and query as the log has them
	webStem
	webQuery
	webExtension
	webVersion
	webStatus
	webBytes
	webReferer
	webAgent
	webHost
	webPort
	webForwarded
	webTaken // as the server's format gives it: seconds, milli- or microseconds
	webRequest
	webServer
	webSlots
)

var webNames = [webSlots]string{
	"c-ip", "cs-username", "cs-method", "c-uri", "cs-uri-stem", "cs-uri-query", "c-uri-extension", "cs-version", "sc-status", "sc-bytes",
	"cs-referer", "cs-user-agent", "cs-host", "s-port", "x-forwarded-for", "time-taken", "request", "server",
}

// webSchema makes the schema of requests. Some values bear two names, as rules for proxies and for servers differ.
func webSchema(channel, provider string) *event.Schema {
	fields := make([]event.Field, webSlots)
	for i, n := range webNames {
		fields[i] = event.Field{Name: n, Slot: i}
	}
	fields = append(fields,
		event.Field{Name: "c-useragent", Slot: webAgent},
		event.Field{Name: "cs-uri", Slot: webURI},
		event.Field{Name: "c-uri-query", Slot: webQuery},
	)
	s := event.NewSchema(event.Source{Product: "web", Channel: channel, Provider: provider}, fields, webSlots)
	s.Whole = webURI
	return s
}

// webProvider tells the server from the log's path.
func webProvider(name string) string {
	name = strings.ToLower(name)
	base := path.Base(name)
	switch {
	case strings.Contains(base, "localhost_access_log"), strings.Contains(name, "tomcat"), strings.Contains(name, "catalina"):
		return "tomcat"
	case strings.Contains(name, "nginx"):
		return "nginx"
	case strings.Contains(name, "apache"), strings.Contains(name, "httpd"), strings.Contains(base, "other_vhosts_access"),
		strings.HasPrefix(base, "ssl_access_log"), strings.HasPrefix(base, "ssl_request_log"):
		return "apache"
	case strings.Contains(name, "haproxy"):
		return "haproxy"
	}
	return "access-log"
}

// isWebAccess asks that most of the first lines are requests.
func isWebAccess(head []byte, _ string) bool {
	p := newWebAccess(event.Source{})
	return mostLines(head, func(line []byte) bool { return p.line(line) })
}

// mostLines reports whether at least half of the first lines, the last one left out where the head cuts it off, are as
// asked. Empty lines and comments do not count.
func mostLines(head []byte, is func([]byte) bool) bool {
	l := newLines(context.Background(), bytes.NewReader(head))
	yes, all := 0, 0
	for all < 50 && l.next() {
		line := l.text
		if cut := len(head) == headBytes && l.at == l.n; cut && all > 0 {
			break
		}
		if len(bytes.TrimSpace(line)) == 0 || line[0] == '#' {
			continue
		}
		all++
		if is(line) {
			yes++
		}
	}
	return yes > 0 && 2*yes >= all
}

func readWebAccess(ctx context.Context, in *input, out *output) error {
	p := newWebAccess(event.Source{Product: "web", Channel: "access", Provider: webProvider(in.Path)})
	p.zone = newLocalZone(in, out)
	l := newLines(ctx, in.Stream)
	for l.next() {
		if len(bytes.TrimSpace(l.text)) == 0 {
			continue
		}
		if !p.line(l.text) {
			out.damage(l.offset, l.size(), "not a request")
			continue
		}
		schema := p.schemas[p.format]
		if schema == nil {
			schema = webSchema("access", p.provider())
			p.schemas[p.format] = schema
			out.want(schema)
		}
		p.rec = event.Record{Schema: schema, Slots: p.slots[:], Time: p.time, Number: l.number, Offset: l.offset, Host: p.host.text(p.relay)}
		out.take(&p.rec)
	}
	return l.fail()
}

// webFormat is what a line tells of the server that wrote it.
type webFormat uint8

const (
	anyFormat webFormat = iota
	vhostFormat
	sslFormat
	haproxyFormat
	webFormats
)

// webAccess takes lines of access logs apart.
type webAccess struct {
	source  event.Source
	schemas [webFormats]*event.Schema
	format  webFormat
	escaped bool // the line holds a backslash
	slots   [webSlots]event.Value
	time    event.Time
	date    [11]byte // as the last line that told one wrote it, and its day: most lines are of one
	day     int
	stamped []byte // what was read as the time of the last line
	second  int    // its seconds, -1 where the zone was not stated
	zone    *localZone
	relay   []byte // the host that a syslog header names
	host    interned
	tokens  []webToken
	text    []byte // unescaped values of the line
	rec     event.Record
}

func newWebAccess(src event.Source) *webAccess { return &webAccess{source: src} }

// provider is the server that writes lines like the last one, where the log's path does not tell.
func (p *webAccess) provider() string {
	switch {
	case p.format == haproxyFormat:
		return "haproxy"
	case p.source.Provider == "access-log" && p.format != anyFormat:
		return "apache"
	}
	return p.source.Provider
}

// webToken is a word of a line: bare, or without the quotes, brackets or braces around it.
type webToken struct {
	open byte // '"', '[', '{' or 0
	cut  bool // a quoted word that does not end
	text []byte
}

// split cuts a line into words. A quoted word ends at a quote that no backslash precedes and that a blank follows, so
// that a stray quote in a header does no harm.
func (p *webAccess) split(line []byte, most int) {
	tokens := p.tokens[:0]
	for i := 0; i < len(line) && len(tokens) < most; {
		c := line[i]
		end, skip := -1, 1
		switch c {
		case ' ', '\t':
			i++
			continue
		case '"':
			if end = quoteEnd(line, i+1, p.escaped); end < 0 {
				end = len(line)
			}
		case '[':
			if end = bytes.IndexByte(line[i:], ']'); end >= 0 {
				end += i
			}
		case '{':
			if end = bytes.IndexByte(line[i:], '}'); end >= 0 {
				end += i
			}
		}
		if end < 0 {
			c, skip = 0, 0
			end = i + blank(line[i:])
		}
		tokens = append(tokens, webToken{c, c == '"' && end == len(line), line[i+skip : end]})
		i = end + skip
	}
	p.tokens = tokens
}

// blank is where the first blank or tab of b stands; its length if it has none. Words are short: eight bytes at a time.
func blank(b []byte) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	n := 0
	for ; n+8 <= len(b); n += 8 {
		x := binary.LittleEndian.Uint64(b[n:])
		space, tab := x^' '*ones, x^'\t'*ones
		// The lowest bit that is set is exact: only bytes above one that is zero can be mistaken for it.
		if z := ((space-ones)&^space | (tab-ones)&^tab) & highs; z != 0 {
			return n + bits.TrailingZeros64(z)/8
		}
	}
	for n < len(b) && b[n] != ' ' && b[n] != '\t' {
		n++
	}
	return n
}

// quoteEnd is where the quoted word ends that goes on at i, -1 if it does not. Without a backslash in the line none need be sought.
func quoteEnd(line []byte, i int, escaped bool) int {
	for ; i < len(line); i++ {
		switch {
		case !escaped:
			next := bytes.IndexByte(line[i:], '"')
			if next < 0 {
				return -1
			}
			i += next
		case line[i] == '\\':
			i++
			continue
		case line[i] != '"':
			continue
		}
		if i+1 == len(line) || line[i+1] == ' ' || line[i+1] == ',' || line[i+1] == '\t' {
			return i
		}
	}
	return -1
}

// line takes a line apart; no if it is no request.
func (p *webAccess) line(line []byte) bool {
	p.text, p.format, p.relay = p.text[:0], anyFormat, nil
	if len(line) > 1<<20 {
		return false
	}
	p.escaped = bytes.IndexByte(line, '\\') >= 0
	return !p.escaped && p.usualLine(line) || p.anyLine(line)
}

// anyLine takes a line of any form apart, word by word.
func (p *webAccess) anyLine(line []byte) bool {
	p.text, p.format = p.text[:0], anyFormat
	p.split(line, maxWebWords)
	at := -1
	for i, t := range p.tokens[:min(len(p.tokens), 12)] {
		if t.open == '[' && p.stamp(t.text) {
			at = i
			break
		}
	}
	if at < 0 {
		return false
	}
	clear(p.slots[:])
	if at == 0 {
		return p.sslLine()
	}
	if at+6 < len(p.tokens) && p.tokens[at+1].open == 0 && bytes.IndexByte(p.tokens[at+2].text, '/') > 0 {
		return p.haproxyLine(at)
	}
	if at < 3 || at > 6 || at+1 >= len(p.tokens) || p.tokens[at+1].open != '"' {
		return false
	}
	before := p.tokens[:at]
	if len(before) > 3 && clientLike(before[1].text) {
		p.format = vhostFormat
		host, port := splitPort(before[0].text)
		p.put(webHost, host)
		p.put(webPort, port)
		before = before[1:]
	}
	if !clientLike(before[0].text) || len(before) < 3 {
		return false
	}
	p.put(webClient, before[0].text)
	p.user(before[2:])
	p.request(p.tokens[at+1].text)
	return !p.tokens[at+1].cut && p.rest(p.tokens[at+2:])
}

// maxWebWords bounds the words of a line that are looked at.
const maxWebWords = 64

// usualLine takes apart what most servers write, from left to right: a client, with the virtual host before it or not, two words, the
// time, and the request in quotes. It knows no escapes, and leaves to anyLine whatever looks otherwise.
func (p *webAccess) usualLine(line []byte) bool {
	var words [4][]byte
	n, i := 0, 0
	for ; i < len(line) && line[i] != '['; n++ {
		end := i + blank(line[i:])
		if n == len(words) || end == i || end == len(line) || line[end] != ' ' || line[i] == '"' || line[i] == '{' {
			return false
		}
		words[n] = line[i:end]
		i = end + 1
	}
	end := bytes.IndexByte(line[i:min(len(line), i+40)], ']') + i
	if n < 3 || end < i || !p.stamp(line[i+1:end]) || !hasPrefix(line[end:], "] \"") {
		return false
	}
	before := words[n-3:]
	if !clientLike(before[0]) {
		return false
	}
	from := end + 3
	if end = quoteEnd(line, from, false); end < 0 {
		return false
	}
	clear(p.slots[:])
	if n == 4 {
		p.format = vhostFormat
		host, port := splitPort(words[0])
		p.put(webHost, host)
		p.put(webPort, port)
	}
	p.put(webClient, before[0])
	p.put(webUser, before[2])
	p.request(line[from:end])
	if rest := line[end+1:]; !p.usualRest(rest) {
		p.split(rest, maxWebWords-n-2)
		return p.rest(p.tokens)
	}
	return true
}

// usualRest reads ` 200 494 "referer" "user agent"`, the last two or all left out.
func (p *webAccess) usualRest(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	n := 5
	for n < len(b) && (isDigit(b[n]) || b[n] == '-') {
		n++
	}
	if n == 5 || n > len(b) || b[0] != ' ' || b[4] != ' ' || !isDigit(b[1]) || !isDigit(b[2]) || !isDigit(b[3]) {
		return false
	}
	var referer, agent []byte
	if n < len(b) {
		end, from := 0, n+2
		if !hasPrefix(b[n:], ` "`) {
			return false
		}
		if end = quoteEnd(b, from, false); end < 0 || !hasPrefix(b[end+1:], ` "`) {
			return false
		}
		referer, from = b[from:end], end+3
		if end = quoteEnd(b, from, false); end+1 != len(b) || end < 0 {
			return false
		}
		agent = b[from:end]
	}
	p.put(webStatus, b[1:4])
	p.put(webBytes, b[5:n])
	p.put(webReferer, referer)
	p.put(webAgent, agent)
	return true
}

// user puts the account, which may hold blanks.
func (p *webAccess) user(words []webToken) {
	if len(words) == 1 {
		p.put(webUser, p.unescape(words[0].text))
		return
	}
	start := len(p.text)
	for i, w := range words {
		if i > 0 {
			p.text = append(p.text, ' ')
		}
		p.text = append(p.text, w.text...)
	}
	p.put(webUser, p.text[start:])
}

// stamp reads "23/Nov/2022:07:07:49 +0530", or without the zone and with milliseconds as HAProxy has it.
func (p *webAccess) stamp(b []byte) bool {
	if len(b) >= 20 && string(b) == string(p.stamped) {
		return true // a busy server writes many lines in a second
	}
	if len(b) == 26 && p.second >= 0 && len(p.stamped) == 26 && string(b[:18]) == string(p.stamped[:18]) && string(b[20:]) == string(p.stamped[20:]) {
		if s := digits(b[18:20]); s >= 0 && s <= 60 { // of the same minute, and the same zone
			p.time = p.time.Add(seconds(s - p.second))
			p.second = s
			copy(p.stamped[18:20], b[18:20])
			return true
		}
	}
	p.stamped, p.second = p.stamped[:0], -1
	if len(b) < 20 || b[2] != '/' || b[6] != '/' || b[11] != ':' {
		return false
	}
	if string(b[:11]) != string(p.date[:]) {
		day, month, year := digits(b[0:2]), monthNumber(b[3:6]), digits(b[7:11])
		if year < 0 || !validDate(year, month, day) {
			return false
		}
		p.date, p.day = [11]byte(b), daysTo(year, month, day)
	}
	ns, rest, ok := readDayTime(b[12:])
	if !ok {
		return false
	}
	p.time = onDay(p.day, ns)
	if s, _, ok := readOffset(rest); ok {
		p.time = p.time.Add(-seconds(s))
		if -9e18 < p.time && p.time < 9e18 { // no second of its minute is beyond what a time can be
			p.second = digits(b[18:20])
		}
	} else if p.zone != nil {
		p.time = p.zone.unstated(p.time)
	}
	p.stamped = append(p.stamped, b...)
	return true
}

// rest reads what follows the request: status, bytes, referer, user agent, and whatever the administrator has added.
func (p *webAccess) rest(words []webToken) bool {
	if len(words) == 0 || words[0].open != 0 || len(words[0].text) != 3 || digits(words[0].text) < 0 && string(words[0].text) != "-" {
		return len(words) == 0 // Apache can be told to log no status
	}
	p.put(webStatus, words[0].text)
	words = words[1:]
	if len(words) > 0 && words[0].open == 0 {
		p.put(webBytes, words[0].text)
		words = words[1:]
	}
	quoted := 0
	for i, w := range words {
		switch {
		case w.open == '"' && quoted == 0:
			p.put(webReferer, p.unescape(w.text))
		case w.open == '"' && quoted == 1:
			p.put(webAgent, p.unescape(w.text))
		case w.open == '"' && addressLike(w.text) && p.slots[webForwarded].IsNull():
			p.put(webForwarded, w.text)
		case i >= 2 && numberLike(w.text) && p.slots[webTaken].IsNull():
			p.put(webTaken, w.text)
		case i < 2 && quoted == 0 && numberLike(w.text) && p.slots[webTaken].IsNull():
			p.put(webTaken, w.text)
		}
		if w.open == '"' {
			quoted++
		}
	}
	return true
}

// sslLine reads mod_ssl's "[time] client protocol cipher "request" bytes".
func (p *webAccess) sslLine() bool {
	t := p.tokens
	if len(t) < 5 || !clientLike(t[1].text) || t[4].open != '"' {
		return false
	}
	p.format = sslFormat
	p.put(webClient, t[1].text)
	p.request(t[4].text)
	if len(t) > 5 {
		p.put(webBytes, t[5].text)
	}
	return true
}

// haproxyLine reads "client:port [time] frontend backend/server timers status bytes … "request"", mostly behind a header
// of syslog.
func (p *webAccess) haproxyLine(at int) bool {
	t := p.tokens
	client, _ := splitPort(t[at-1].text)
	last := t[len(t)-1]
	if !clientLike(client) || last.open != '"' || bytes.Count(t[at+3].text, []byte("/")) != 4 {
		return false
	}
	p.format = haproxyFormat
	if at >= 3 && bytes.Contains(t[at-2].text, []byte("haproxy")) {
		p.relay = t[at-3].text
	}
	p.put(webClient, client)
	p.put(webServer, t[at+2].text)
	taken := t[at+3].text
	p.put(webTaken, taken[bytes.LastIndexByte(taken, '/')+1:])
	p.put(webStatus, t[at+4].text)
	p.put(webBytes, t[at+5].text)
	p.request(last.text)
	return true
}

// request takes "GET /path?query HTTP/1.1" apart. What is no such line is kept whole.
func (p *webAccess) request(b []byte) {
	b = p.unescape(b)
	method, rest, ok := bytes.Cut(b, []byte(" "))
	if !ok || !methodLike(method) {
		p.put(webRequest, b)
		return
	}
	p.put(webMethod, method)
	i := len(rest) - len(" HTTP/1.1")
	if i < 0 || !hasPrefix(rest[i:], " HTTP/") {
		i = bytes.LastIndex(rest, []byte(" HTTP/"))
	}
	if i >= 0 {
		p.put(webVersion, rest[i+1:])
		rest = rest[:i]
	}
	p.uri(rest)
}

// uri puts a request target and its parts.
func (p *webAccess) uri(b []byte) { putURI(p.slots[:], b) }

func putURI(slots []event.Value, b []byte) {
	stem, query, ok := bytes.Cut(b, []byte("?"))
	slots[webURI] = webText(b)
	slots[webStem] = webText(stem)
	if ok {
		slots[webQuery] = webText(query)
	}
	base := stem[bytes.LastIndexByte(stem, '/')+1:]
	if i := bytes.LastIndexByte(base, '.'); i >= 0 {
		slots[webExtension] = webText(base[i+1:])
	}
}

func (p *webAccess) put(slot int, b []byte) { p.slots[slot] = webText(b) }

// webText is a value of a log in which "-" means none.
func webText(b []byte) event.Value {
	if len(b) == 0 || len(b) == 1 && b[0] == '-' {
		return event.Value{}
	}
	return event.Value{Type: event.UTF8, Raw: b}
}

// unescape undoes \" \\ and \xhh of printable characters, as Apache and nginx write them. Bytes that cannot be printed
// stay as they are written.
func (p *webAccess) unescape(b []byte) []byte {
	if !p.escaped {
		return b
	}
	i := bytes.IndexByte(b, '\\')
	if i < 0 {
		return b
	}
	start := len(p.text)
	for ; i >= 0; i = bytes.IndexByte(b, '\\') {
		p.text = append(p.text, b[:i]...)
		b = b[i:]
		n := 1
		switch {
		case len(b) > 1 && (b[1] == '"' || b[1] == '\\'):
			p.text = append(p.text, b[1])
			n = 2
		case len(b) > 3 && b[1] == 'x' && printableHex(b[2:4]) != 0:
			p.text = append(p.text, printableHex(b[2:4]))
			n = 4
		default:
			p.text = append(p.text, '\\')
		}
		b = b[n:]
	}
	p.text = append(p.text, b...)
	return p.text[start:]
}

// printableHex reads two hexadecimal digits that spell a printable ASCII character; 0 if they do not.
func printableHex(b []byte) byte {
	r, ok := hex4([]byte{'0', '0', b[0], b[1]})
	if !ok || r < ' ' || r > '~' {
		return 0
	}
	return byte(r)
}

// clientLike reports whether a word can be an address or a host name.
func clientLike(b []byte) bool {
	if len(b) == 0 || len(b) > 255 || string(b) == "-" {
		return false
	}
	for _, c := range b {
		if !clientByte[c] {
			return false
		}
	}
	return true
}

// clientByte tells the characters of addresses and host names.
var clientByte = func() (t [256]bool) {
	for c := range 256 {
		t[c] = isDigit(byte(c)) || letter(byte(c)) || strings.IndexByte(".:-_%*", byte(c)) >= 0
	}
	return t
}()

// addressLike reports whether a header's value can be a list of addresses.
func addressLike(b []byte) bool {
	for _, c := range b {
		if !(isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' || c == '.' || c == ':' || c == ',' || c == ' ') {
			return false
		}
	}
	return len(b) >= 2 && bytes.ContainsAny(b, ".:")
}

func numberLike(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) && c != '.' {
			return false
		}
	}
	return len(b) > 0
}

func methodLike(b []byte) bool {
	for _, c := range b {
		if !('A' <= c && c <= 'Z' || c == '_' || c == '-') {
			return false
		}
	}
	return len(b) > 0 && len(b) <= 32
}

// splitPort cuts ":443" off a host or an address.
func splitPort(b []byte) (host, port []byte) {
	i := bytes.LastIndexByte(b, ':')
	if i < 0 || digits(b[i+1:]) < 0 || i+1 == len(b) {
		return b, nil
	}
	return b[:i], b[i+1:]
}
