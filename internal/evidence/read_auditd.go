package evidence

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"sync"

	"wardround/internal/event"
)

// auditdReader reads the log of the Linux audit daemon, raw or enriched. Each line becomes an event of its own, with
// its type, because rules speak of single records; the records of one serial number are besides joined into what
// happened: a process started, a connection was made, a file was created. See read_auditd_join.go.
var auditdReader = reader{"auditd", isAuditd, readAuditd}

func readAuditd(ctx context.Context, in *input, out *output) error {
	a := newAuditRecords(out)
	l := newLines(ctx, in.Stream)
	for l.next() {
		if l.cut > 0 {
			out.damage(l.offset+maxLine, l.cut, "line longer than 8 MiB")
		}
		text, offset := l.text, l.offset
		if trimmed := bytes.TrimLeft(text, "\x00"); len(trimmed) < len(text) {
			out.damage(offset, int64(len(text)-len(trimmed)), "NUL bytes, as a crash leaves them")
			offset += int64(len(text) - len(trimmed))
			text = trimmed
		}
		if a.line(text, l.number, offset, nil) || len(bytes.TrimSpace(text)) == 0 ||
			string(text) == "----" || hasPrefix(text, "time->") { // what ausearch puts between events
			continue
		}
		why := "no audit record"
		if !isText(text) && bytes.IndexByte(text, enriched) < 0 {
			why = "binary bytes in a text log"
		}
		out.damage(offset, int64(len(text)), why)
	}
	a.flush()
	return l.fail()
}

// isAuditd looks for a record among the first lines.
func isAuditd(head []byte, name string) bool {
	rest := head
	for range 8 {
		line := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			line, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		if (hasPrefix(line, "type=") || hasPrefix(line, "node=")) && bytes.Contains(line[:min(len(line), 400)], []byte("msg=audit(")) {
			return true
		}
	}
	return false
}

// enriched is the byte that stands between a record and the names that an enriched log adds.
const enriched = 0x1d

// auditRecords reads audit records line by line.
type auditRecords struct {
	out    *output
	rec    event.Record
	slots  [maxAuditSlots]event.Value
	arena  []byte // decoded values of the record at hand
	names  names
	wants  map[*auditType]bool
	groups auditGroups

	// The record at hand.
	kind   *auditType
	host   string
	time   event.Time
	serial []byte
	keys   int
	guess  int // slot after the one of the last key: keys mostly come in one order
}

func newAuditRecords(out *output) *auditRecords {
	a := &auditRecords{out: out, wants: map[*auditType]bool{}}
	a.groups.out = out
	return a
}

// line reads one record and hands it over. Host is the sender's when syslog forwarded it. It answers no for a line that
// is no record.
func (a *auditRecords) line(text []byte, number uint64, offset int64, host []byte) bool {
	var node []byte
	if hasPrefix(text, "node=") {
		node = word(text[5:])
		text = text[min(len(text), 6+len(node)):]
	}
	if node == nil {
		node = host
	}
	kind, body, ok := a.header(text)
	if !ok {
		return false
	}
	a.host = a.names.of(node)
	a.kind = kind
	clear(a.slots[:kind.schema.Slots])
	a.keys, a.guess = 0, auditOwn
	if cap(a.arena) < len(text) {
		a.arena = make([]byte, 0, len(text)+4096)
	}
	a.arena = a.arena[:0]
	a.slots[auditSerial] = event.Value{Type: event.Number, Raw: a.serial}
	a.slots[auditNode] = textValue(node)
	if kind.typeSlot >= 0 {
		a.slots[kind.typeSlot] = textValue(cut(text, "type=", " "))
	}
	if kind.bodySlot >= 0 {
		a.slots[kind.bodySlot] = textValue(body)
	}
	if kind == executeType {
		a.groups.execve(a, body, number, offset)
		return true
	}
	a.pairs(body)
	a.derive()
	a.emit(kind, number, offset)
	a.groups.add(a, number, offset)
	return true
}

// emit hands over the record in slots.
func (a *auditRecords) emit(kind *auditType, number uint64, offset int64) {
	a.rec = event.Record{Schema: kind.schema, Time: a.time, Number: number, Offset: offset, Host: a.host}
	if a.want(kind) {
		a.rec.Slots = a.slots[:kind.schema.Slots]
	}
	a.out.take(&a.rec)
}

func (a *auditRecords) want(kind *auditType) bool {
	w, ok := a.wants[kind]
	if !ok {
		w = a.out.want(kind.schema)
		a.wants[kind] = w
	}
	return w
}

func (a *auditRecords) flush() { a.groups.flush() }

// header reads "type=SYSCALL msg=audit(1669167469.123:4711): "; the kernel, where no daemon runs, leaves out "msg=" and
// gives the type as a number.
func (a *auditRecords) header(text []byte) (kind *auditType, body []byte, ok bool) {
	if !hasPrefix(text, "type=") {
		return nil, nil, false
	}
	name := word(text[5:])
	rest := bytes.TrimPrefix(text[min(5+len(name)+1, len(text)):], []byte("msg="))
	if len(name) == 0 || !hasPrefix(rest, "audit(") {
		return nil, nil, false
	}
	rest = rest[6:]
	seconds, n := int64(0), 0
	for ; n < len(rest) && n < 12 && digit(rest[n]); n++ {
		seconds = seconds*10 + int64(rest[n]-'0')
	}
	if n == 0 || n+1 >= len(rest) || rest[n] != '.' {
		return nil, nil, false
	}
	n++
	nanos, scale := 0, 100_000_000
	for ; n < len(rest) && digit(rest[n]) && scale > 0; n++ {
		nanos += int(rest[n]-'0') * scale
		scale /= 10
	}
	if n >= len(rest) || rest[n] != ':' {
		return nil, nil, false
	}
	rest = rest[n+1:]
	n = len(rest) - len(trimDigits(rest))
	if n == 0 || n > 20 || n >= len(rest) || rest[n] != ')' {
		return nil, nil, false
	}
	a.serial, a.time = rest[:n], unixTime(seconds, nanos)
	body = bytes.TrimPrefix(rest[n+1:], []byte(":"))
	return findAuditType(name), bytes.TrimLeft(body, " "), true
}

// pairs reads "key=value key="value" msg='key=value …'" and what an enriched log adds.
func (a *auditRecords) pairs(b []byte) {
	var before []byte // the word before a key: "old auid=0"
	for len(b) > 0 {
		switch c := b[0]; {
		case c == ' ' || c == enriched || c == '\'' || c == ',' || c == '(' || c == ')':
			b = b[1:]
			continue
		case c == '{': // avc: denied { read write } for
			end := bytes.IndexByte(b, '}')
			if end < 0 {
				return
			}
			a.set([]byte("seperms"), bytes.TrimSpace(b[1:end]))
			b = b[end+1:]
			continue
		}
		n := 0
		for n < len(b) && keyByte[b[n]] {
			n++
		}
		if n == 0 || n >= len(b) || b[n] != '=' {
			w := b[:max(n, 1)]
			if string(w) == "denied" || string(w) == "granted" {
				a.set([]byte("seresult"), w)
			}
			before = w
			b = b[len(w):]
			continue
		}
		key, rest := b[:n], b[n+1:]
		if old := string(before); old == "old" || old == "new" {
			key = a.keep(old, "-", string(key))
		}
		before = nil
		b = a.value(key, rest)
	}
}

// keyByte tells the characters of keys.
var keyByte = func() (t [256]bool) {
	for c := range 256 {
		t[c] = letter(byte(c)) || digit(byte(c)) || strings.IndexByte("_-[]", byte(c)) >= 0
	}
	return t
}()

// value reads the value at the start of b, stores it, and returns what follows.
func (a *auditRecords) value(key, b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	switch b[0] {
	case '"':
		end := bytes.IndexByte(b[1:], '"')
		if end < 0 {
			a.set(key, b[1:])
			return nil
		}
		a.set(key, b[1:1+end])
		return b[end+2:]
	case '\'': // msg='…': its pairs are the record's
		if string(key) == "msg" {
			return b[1:]
		}
	case '{':
		if end := bytes.IndexByte(b, '}'); end >= 0 {
			a.set(key, bytes.TrimSpace(b[1:end]))
			return b[end+1:]
		}
	}
	n := 0
	for n < len(b) && b[n] != ' ' && b[n] != enriched && b[n] != '\'' {
		n++
	}
	v, rest := b[:n], b[n:]
	if v = bytes.TrimRight(v, ","); len(v) > 0 && v[0] != '(' {
		v = bytes.TrimRight(v, ")")
	}
	slot := a.slot(key)
	if slot < 0 {
		return rest
	}
	if len(v) > 0 && hexByte[v[0]] && a.kind.coded[slot] {
		v = a.decode(v)
		if a.kind == proctitleType {
			v = spaced(bytes.TrimRight(v, "\x00"))
		}
	}
	a.put(slot, v)
	return rest
}

// spaced turns the NULs between arguments into spaces, in place in the arena.
func spaced(b []byte) []byte {
	for i, c := range b {
		if c == 0 {
			b[i] = ' '
		}
	}
	return b
}

// hexByte tells the digits of values that the kernel and libaudit encode: capitals only.
var hexByte = func() (t [256]bool) {
	for _, c := range []byte("0123456789ABCDEF") {
		t[c] = true
	}
	return t
}()

// decode undoes the hexadecimal form of a text that holds spaces, quotes or other bytes; a value that is none stays.
func (a *auditRecords) decode(v []byte) []byte {
	if len(v)%2 != 0 {
		return v
	}
	for _, c := range v {
		if !hexByte[c] {
			return v
		}
	}
	start := len(a.arena)
	for i := 0; i < len(v); i += 2 {
		a.arena = append(a.arena, hexDigit(v[i])<<4|hexDigit(v[i+1]))
	}
	return a.arena[start:]
}

func hexDigit(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	if c >= 'A' {
		return c - 'A' + 10
	}
	return c - '0'
}

// keep copies text into the arena.
func (a *auditRecords) keep(parts ...string) []byte {
	start := len(a.arena)
	for _, p := range parts {
		a.arena = append(a.arena, p...)
	}
	return a.arena[start:]
}

// slot finds the place of a key, -1 if the schema has none.
func (a *auditRecords) slot(key []byte) int {
	t := a.kind
	if a.guess < len(t.names) && t.names[a.guess] == string(key) {
		a.guess++
		return a.guess - 1
	}
	slot, ok := t.slots[string(key)]
	if !ok {
		return -1
	}
	a.guess = slot + 1
	return slot
}

// set stores a value under its key if the schema knows it.
func (a *auditRecords) set(key, v []byte) {
	if slot := a.slot(key); slot >= 0 {
		a.put(slot, v)
	}
}

// put stores a value. The first of the places for keys of audit rules stands for all of them.
func (a *auditRecords) put(slot int, v []byte) {
	if slot == a.kind.keySlot {
		a.setKeys(v)
		return
	}
	if len(v) == 0 {
		v = emptyText
	}
	a.slots[slot] = event.Value{Type: event.UTF8, Raw: v}
}

var emptyText = []byte{}

// setKeys stores the audit rule's keys, which one value may hold apart by byte 1.
func (a *auditRecords) setKeys(v []byte) {
	for len(v) > 0 && a.keys < a.kind.keys {
		k := v
		if i := bytes.IndexByte(v, 1); i >= 0 {
			k, v = v[:i], v[i+1:]
		} else {
			v = nil
		}
		a.slots[a.kind.keySlot+a.keys] = textValue(k)
		a.keys++
	}
}

// text returns the value of a field of the record at hand.
func (a *auditRecords) text(key string) []byte {
	if slot, ok := a.kind.slots[key]; ok {
		return a.slots[slot].Raw
	}
	return nil
}

// derive fills the fields that an enriched log would state: the names of architecture and system call, and the parts
// of a socket's address.
func (a *auditRecords) derive() {
	switch a.kind {
	case syscallType:
		a.deriveSyscall()
	case sockaddrType:
		a.deriveAddress()
	}
}

func (a *auditRecords) deriveSyscall() {
	arch := a.text("ARCH")
	if arch == nil {
		if name, ok := auditArch[string(a.text("arch"))]; ok {
			arch = a.keep(name)
			a.set([]byte("ARCH"), arch)
		}
	}
	if a.text("SYSCALL") != nil {
		return
	}
	number := a.text("syscall")
	if len(number) > 0 && !digit(number[0]) {
		a.set([]byte("SYSCALL"), number)
		return
	}
	n, err := strconv.Atoi(string(number))
	if list := syscallNames()[string(arch)]; err == nil && n >= 0 && n < len(list) && list[n] != "" {
		a.set([]byte("SYSCALL"), a.keep(list[n]))
	}
}

// Slots that all audit records have. The type is a constant of the schema for the types that are known.
const (
	auditNode = iota
	auditSerial
	auditOwn // the first of the type's own
)

const (
	auditKeys     = 4  // keys of one record
	auditArgs     = 64 // arguments with a field of their own
	maxAuditSlots = 160
)

// auditType is a type of record.
type auditType struct {
	schema   *event.Schema
	slots    map[string]int
	names    []string // of the slots
	coded    []bool   // an unquoted value of the slot may be hexadecimal for text
	keys     int      // fields named key
	keySlot  int      // the first of them, -1
	typeSlot int      // -1: the type is a constant
	bodySlot int      // of the whole text, for types whose fields are not all known; else -1
}

// codedKeys may have a hexadecimal form of their text as value, then without quotes.
var codedKeys = wordSet("comm exe name cwd cmd proctitle acct data path key file dir watch ocomm vm new-disk old-disk new-fs old-fs device cgroup unit grp new-chardev old-chardev sw profile requested_mask")

func wordSet(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// The fields of the types. Those of the kernel's most frequent records are whole; all others share two lists and
// carry their text besides.
const (
	syscallFields = "arch syscall per success exit a0 a1 a2 a3 items ppid pid auid uid gid euid suid fsuid egid sgid fsgid tty ses comm exe subj " +
		"ARCH SYSCALL AUID UID GID EUID SUID FSUID EGID SGID FSGID"
	pathFields     = "item name inode dev mode ouid ogid rdev obj objtype nametype cap_fp cap_fi cap_fe cap_fver cap_frootid OUID OGID"
	sockaddrFields = "saddr family address port path SADDR"
	userFields     = "pid uid auid ses subj op acct id cwd cmd exe hostname addr terminal tty res grantors unit comm data grp kind fp direction cipher ksize mac pfs " +
		"spid suid rport laddr lport vm uuid virt reason resrc user role old new default-context selected-context old-auid old-ses new-auid new-ses ppid euid gid " +
		"sauid file path name device result sw sw_type key_enforce gpg_res root_dir operation apparmor profile requested_mask denied_mask class info error " +
		"UID AUID ID GID EUID SAUID OLD-AUID"
	otherFields = "pid ppid uid auid gid euid suid fsuid egid sgid fsgid ses subj tty comm exe op list res old audit_enabled audit_backlog_limit audit_failure audit_pid " +
		"audit_backlog_wait_time path dev ino inode name scontext tcontext tclass seresult seperms permissive capability dest src saddr daddr sport lport laddr fport faddr " +
		"netif sig arch syscall compat ip code prom old_prom prog-id table family entries major minor data dir perm msgtype fd flags mode mqdes " +
		"opid oauid ouid oses ocomm obj apparmor operation profile requested_mask denied_mask class info error ver format kernel state feature old_lock new_lock " +
		"enforcing old_enforcing bool val old_val sval ipid proto hash cause resp qbytes iuid igid fd0 fd1 new sec nsec bl ftype parent hook reason exit " +
		"old-auid old-ses new-auid new-ses UID AUID GID EUID SUID FSUID EGID SGID FSGID OAUID OUID ARCH SYSCALL OLD-AUID"
)

// userTypes are the types of messages that user space sends; theirs are userFields.
var userTypes = wordSet("USER USER_AUTH USER_ACCT USER_MGMT CRED_ACQ CRED_DISP USER_START USER_END USER_CHAUTHTOK USER_ERR CRED_REFR USYS_CONFIG USER_LOGIN USER_LOGOUT " +
	"ADD_USER DEL_USER ADD_GROUP DEL_GROUP DAC_CHECK CHGRP_ID TEST TRUSTED_APP USER_CMD USER_TTY CHUSER_ID GRP_AUTH SYSTEM_BOOT SYSTEM_SHUTDOWN SYSTEM_RUNLEVEL " +
	"SERVICE_START SERVICE_STOP GRP_MGMT GRP_CHAUTHTOK ACCT_LOCK ACCT_UNLOCK USER_DEVICE SOFTWARE_UPDATE LOGIN ROLE_ASSIGN ROLE_REMOVE USER_ROLE_CHANGE " +
	"CRYPTO_KEY_USER CRYPTO_SESSION CRYPTO_LOGIN CRYPTO_LOGOUT VIRT_CONTROL VIRT_RESOURCE VIRT_MACHINE_ID VIRT_CREATE VIRT_DESTROY VIRT_MIGRATE_IN VIRT_MIGRATE_OUT " +
	"ANOM_LOGIN_FAILURES ANOM_LOGIN_TIME ANOM_LOGIN_SESSIONS ANOM_LOGIN_ACCT ANOM_LOGIN_LOCATION ANOM_MAX_DAC ANOM_ROOT_TRANS RESP_ACCT_LOCK")

var (
	syscallType   = newAuditType("SYSCALL", syscallFields, auditKeys, false)
	executeType   = newAuditType("EXECVE", "argc", 0, false)
	pathType      = newAuditType("PATH", pathFields, 0, false)
	cwdType       = newAuditType("CWD", "cwd", 0, false)
	proctitleType = newAuditType("PROCTITLE", "proctitle", 0, false)
	sockaddrType  = newAuditType("SOCKADDR", sockaddrFields, 0, false)
	unknownType   = newAuditType("", otherFields, auditKeys, true)
)

// auditTypes holds all types that are known.
var auditTypes = sync.OnceValue(func() map[string]*auditType {
	all := map[string]*auditType{"SYSCALL": syscallType, "EXECVE": executeType, "PATH": pathType, "CWD": cwdType, "PROCTITLE": proctitleType, "SOCKADDR": sockaddrType}
	for name := range userTypes {
		all[name] = newAuditType(name, userFields, 1, true)
	}
	for _, name := range auditTypeNumbers {
		if all[name] == nil {
			all[name] = newAuditType(name, otherFields, auditKeys, true)
		}
	}
	return all
})

func findAuditType(name []byte) *auditType {
	if t, ok := auditTypes()[string(name)]; ok {
		return t
	}
	if n, err := strconv.Atoi(string(name)); err == nil {
		if t, ok := auditTypes()[auditTypeNumbers[n]]; ok {
			return t
		}
	}
	return unknownType
}

// newAuditType makes a type; keys is how many audit rule keys a record of it may have, body whether to keep its text.
func newAuditType(name, fieldNames string, keys int, body bool) *auditType {
	t := &auditType{slots: map[string]int{}, names: []string{"node", "serial"}, coded: make([]bool, maxAuditSlots), keys: keys, keySlot: -1, typeSlot: -1, bodySlot: -1}
	fields := []event.Field{{Name: "node", Slot: auditNode}, {Name: "serial", Slot: auditSerial}}
	n := auditOwn
	add := func(name string) {
		fields = append(fields, event.Field{Name: name, Slot: n})
		if _, ok := t.slots[name]; !ok {
			t.slots[name] = n
			t.coded[n] = codedKeys[name]
		}
		t.names = append(t.names, name)
		n++
	}
	if name != "" {
		fields = append(fields, event.Field{Name: "type", Slot: -1, Const: event.Text(name)})
	} else {
		t.typeSlot = n
		add("type")
	}
	for _, f := range strings.Fields(fieldNames) {
		add(f)
	}
	if name == "EXECVE" {
		for i := range auditArgs {
			add("a" + strconv.Itoa(i))
		}
		add("rest")
	}
	if keys > 0 {
		t.keySlot = n
		t.coded[n] = true
	}
	for range keys {
		add("key")
	}
	if body {
		t.bodySlot = n
		add("message")
	}
	t.schema = event.NewSchema(event.Source{Product: "linux", Channel: "auditd", Provider: name}, fields, n)
	return t
}
