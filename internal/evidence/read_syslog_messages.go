package evidence

import (
	"sync"

	"wardround/internal/event"
)

// logChannel is the log that a message belongs to, whichever file it was found in.
type logChannel uint8

const (
	authChannel logChannel = iota
	cronChannel
	kernChannel
	mailChannel
	syslogChannel
	journalChannel
	esxiChannel // the name depends on the program
	ciscoChannel
	firewallChannel // those of appliances
	vpnChannel
	deviceAuthChannel
	dhcpChannel
	dnsChannel
	proxyChannel
	idsChannel
	deviceChannel // what an appliance says of itself
	logChannels
	unknownChannel = logChannels
)

var channelNames = [logChannels]string{"auth", "cron", "kern", "mail", "syslog", "journal", "", "syslog",
	"firewall", "vpn", "auth", "dhcp", "dns", "proxy", "ids", "device"}

// Slots that every message has. The fields of the journal follow in its schemas, those of the program come last.
const (
	hostSlot = iota
	programSlot
	pidSlot
	facilitySlot
	severitySlot
	messageSlot
	msgidSlot
	dataSlot
	messageSlots
)

var messageFields = []string{"host", "program", "pid", "facility", "severity", "message", "msgid", "structured_data"}

// messages turns messages of programs, from syslog or from the journal, into records: one schema for each known
// program, so that rules for sshd meet no other, and one for all the rest.
type messages struct {
	out     *output
	rec     event.Record
	slots   [128]event.Value
	schemas [][logChannels]*event.Schema
	wanted  [][logChannels]wish
	names   names
	audit   *auditRecords // of messages that are audit records; made when the first comes
	clock   *wallClock
	sysmon  sysmonEvents
	recent  [64]knownProgram
}

// knownProgram is the answer to a name that was looked up.
type knownProgram struct {
	name string
	p    int
	pam  bool
}

// program is findProgram with a memory for the names of this log.
func (m *messages) program(name []byte) (p int, pam bool) {
	if len(name) == 0 {
		return 0, false
	}
	k := &m.recent[(int(name[0])+int(name[len(name)-1])*7+len(name)*31)%len(m.recent)]
	if k.name == "" {
		k.name = string(name)
		k.p, k.pam = findProgram(name)
	}
	if k.name == string(name) {
		return k.p, k.pam
	}
	return findProgram(name) // another name has its place
}

// wish is what the consumer answered for a schema.
type wish uint8

const (
	unasked wish = iota
	wished
	unwished
)

func newMessages(out *output) *messages {
	m := &messages{out: out, schemas: messageSchemas(), wanted: make([][logChannels]wish, len(programs))}
	m.sysmon.out = out
	return m
}

// close hands over what is still held back.
func (m *messages) close() {
	if m.audit != nil {
		m.audit.flush()
	}
}

// take hands over one message. Extra holds the values of the journal's own fields, nil for syslog.
func (m *messages) take(h *syslogLine, file logChannel, t event.Time, number uint64, offset int64, extra []event.Value) {
	if m.auditRecord(h, number, offset) {
		return
	}
	p, pam := m.program(h.program)
	if p == sysmonProgram && m.sysmon.take(h.message, t, number, offset, m.names.of(h.host)) {
		return
	}
	channel := file
	if device := m.device(&p, h); device != unknownChannel {
		m.hand(h, p, device, pam, t, number, offset, nil)
		return
	}
	switch {
	case extra != nil:
		channel = journalChannel
	case h.cisco:
		channel = ciscoChannel
	case h.esxi:
		channel = esxiChannel
	case file == unknownChannel:
		channel = channelOf(p, h.pri, pam || hasPrefix(h.message, "pam_"))
	}
	m.hand(h, p, channel, pam, t, number, offset, extra)
}

// hand hands over a message whose program and channel are known.
func (m *messages) hand(h *syslogLine, p int, channel logChannel, pam bool, t event.Time, number uint64, offset int64, extra []event.Value) {
	schema := m.schemas[p][channel]
	r := &m.rec
	r.Schema, r.Slots, r.Time, r.Number, r.Offset = schema, nil, t, number, offset
	if host := m.names.of(h.host); host != r.Host {
		r.Host = host
	}
	if m.wants(p, channel, schema) {
		m.fill(h, p, pam, extra)
		r.Slots = m.slots[:schema.Slots]
	}
	m.out.take(&m.rec)
}

// device tells the log of an appliance's message, unknownChannel for one that is none.
func (m *messages) device(p *int, h *syslogLine) logChannel {
	if h.device > 0 {
		*p = h.device
	}
	tell := programs[*p].device
	if tell == nil {
		return unknownChannel
	}
	c := tell(h.message)
	if c == unknownChannel {
		*p = 0
	}
	return c
}

func (m *messages) wants(p int, c logChannel, s *event.Schema) bool {
	w := &m.wanted[p][c]
	if *w == unasked {
		*w = unwished
		if m.out.want(s) {
			*w = wished
		}
	}
	return *w == wished
}

func (m *messages) fill(h *syslogLine, p int, pam bool, extra []event.Value) {
	clear(m.slots[:m.rec.Schema.Slots])
	m.slots[hostSlot] = textValue(h.host)
	m.slots[programSlot] = textValue(h.program)
	m.slots[pidSlot] = numberValue(h.pid)
	m.slots[messageSlot] = textValue(h.message)
	m.slots[msgidSlot] = textValue(h.msgid)
	m.slots[dataSlot] = textValue(h.data)
	if h.pri >= 0 {
		m.slots[facilitySlot] = facilities[h.pri>>3]
		m.slots[severitySlot] = severities[h.pri&7]
	}
	if h.level != nil {
		m.slots[severitySlot] = textValue(h.level)
	}
	n := messageSlots + copy(m.slots[messageSlots:], extra)
	parse := programs[p].parse
	if parse == nil {
		return
	}
	own := m.slots[n:m.rec.Schema.Slots]
	text := h.message
	if own0 := programs[p].layout; pam || hasPrefix(text, "pam_") {
		if own0 == layoutAccess || own0 == layoutAccount {
			parsePAM(text, own)
			return
		}
	}
	parse(text, own)
}

// auditRecord hands messages that are audit records to their reader: those of the audit dispatcher, and those that
// the kernel logs when no audit daemon runs.
func (m *messages) auditRecord(h *syslogLine, number uint64, offset int64) bool {
	if len(h.message) < 20 || h.message[0] != 't' && h.message[0] != 'n' && h.message[0] != 'a' && h.message[0] != '[' {
		return false
	}
	text := without(h.message, "audit: ")
	if text[0] == '[' {
		if i := indexOf(text[:min(len(text), 24)], "] "); i > 0 {
			text = without(text[i+2:], "audit: ") // the kernel's uptime
		}
	}
	if !hasPrefix(text, "type=") && !hasPrefix(text, "node=") {
		return false
	}
	if m.audit == nil {
		m.audit = newAuditRecords(m.out)
	}
	return m.audit.line(text, number, offset, h.host)
}

// channelOf tells the log of a message from its facility, and where that says little, from its program.
func channelOf(p int, pri int, pam bool) logChannel {
	if pri >= 0 {
		switch pri >> 3 {
		case 0:
			return kernChannel
		case 2:
			return mailChannel
		case 4, 10:
			return authChannel
		case 9, 15:
			return cronChannel
		}
	}
	if pam {
		return authChannel
	}
	return programs[p].usual
}

// messageSchemas holds one schema for each program and channel.
var messageSchemas = sync.OnceValue(func() [][logChannels]*event.Schema {
	all := make([][logChannels]*event.Schema, len(programs))
	for i := range programs {
		for c := range logChannels {
			if c < firewallChannel || programs[i].device != nil {
				all[i][c] = programSchema(&programs[i], c)
			}
		}
	}
	return all
})

func programSchema(p *program, c logChannel) *event.Schema {
	src := event.Source{Product: "linux", Channel: channelNames[c], Provider: p.name}
	switch c {
	case esxiChannel:
		src.Product, src.Channel = "esxi", p.esxi
		if src.Channel == "" {
			src.Channel = "syslog"
		}
	case ciscoChannel:
		src.Product, src.Provider = "cisco", ""
	}
	if c >= firewallChannel {
		src.Product = "network"
	}
	var fields []event.Field
	add := func(names []string, slot int) int {
		for _, n := range names {
			fields = append(fields, event.Field{Name: n, Slot: slot})
			slot++
		}
		return slot
	}
	n := add(messageFields, 0)
	if c == journalChannel {
		n = add(journalFields, n)
	}
	first := n
	n = add(layoutFields[p.layout], n)
	for _, a := range p.also {
		fields = append(fields, event.Field{Name: a.name, Slot: first + a.slot})
	}
	s := event.NewSchema(src, fields, n)
	s.Whole = messageSlot
	return s
}

// names keeps each name as one string. A log names few hosts; should it name many, the rest are made anew each time.
type names struct {
	last string
	all  map[string]string
}

const maxNames = 4096

func (n *names) of(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if string(b) == n.last {
		return n.last
	}
	s, ok := n.all[string(b)]
	if !ok {
		s = string(b)
		if n.all == nil {
			n.all = map[string]string{}
		}
		if len(n.all) < maxNames {
			n.all[s] = s
		}
	}
	n.last = s
	return s
}

// textValue is b as text; the empty text is no value.
func textValue(b []byte) event.Value {
	if len(b) == 0 {
		return event.Value{}
	}
	return event.Value{Type: event.UTF8, Raw: b}
}

// numberValue is b as a number if it is one, else as text.
func numberValue(b []byte) event.Value {
	v := textValue(b)
	if v.Type == event.UTF8 && len(b) < 20 && len(trimDigits(b)) == 0 {
		v.Type = event.Number
	}
	return v
}

// trimDigits is b behind its leading digits.
func trimDigits(b []byte) []byte {
	for len(b) > 0 && digit(b[0]) {
		b = b[1:]
	}
	return b
}

func texts(words ...string) []event.Value {
	v := make([]event.Value, len(words))
	for i, w := range words {
		v[i] = event.Text(w)
	}
	return v
}

// The facilities and severities of RFC 5424, tables 1 and 2, by the names of syslog.conf(5).
var (
	facilities = texts("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
		"ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7")
	severities = texts("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
)
