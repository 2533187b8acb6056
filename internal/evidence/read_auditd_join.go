package evidence

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"strconv"
	"time"

	"wardround/internal/event"
)

// The events that several records of one serial number make together, with the field names that Sigma gives to
// process creation, network connections and file events. CommandLine is the arguments joined by single spaces and not
// quoted, which is the form that detection rules are written for; where one argument ends and the next begins stands
// in the EXECVE record.
var (
	auditProcess = joinedSchema("execve", "Image", "CommandLine", "ParentImage", "ParentCommandLine", "ParentProcessId")
	auditConnect = joinedSchema("connect", "Image", "DestinationIp", "DestinationPort", "Initiated")
	auditCreate  = joinedSchema("create", "Image", "TargetFilename")
	auditDelete  = joinedSchema("delete", "Image", "TargetFilename")
)

var rootUser = event.Text("root")

var joinedCommon = []string{"ProcessId", "User", "CurrentDirectory", "LogonId", "tty", "success", "exit", "comm", "auid", "uid", "euid", "AUID", "UID", "EUID",
	"key", "key", "key", "key", "serial", "node"}

func joinedSchema(provider string, own ...string) *event.Schema {
	return event.TextSchema(event.Source{Product: "linux", Channel: "auditd", Provider: provider}, append(own, joinedCommon...)...)
}

const (
	maxGroups     = 64 // serial numbers whose records may lie interleaved
	groupWindow   = 2 * time.Second
	maxGroupBytes = 4 << 20 // of the values of one group; an argument list is at most 2 MiB on Linux
	maxGroupArgs  = 1 << 16
	maxGroupPaths = 32
	parentMemory  = 24 * time.Hour // after which a process number tells nothing of the parent
)

// span is a stretch of a group's buffer.
type span struct{ from, to int }

// What a group keeps of its SYSCALL record, in this order.
const (
	gSuccess = iota
	gExit
	gPID
	gPPID
	gAUID
	gUID
	gEUID
	gTTY
	gSession
	gComm
	gExe
	gSyscall
	gUserName
	gAUIDName
	gEUIDName
	gKept
)

var keptFields = [gKept]string{"success", "exit", "pid", "ppid", "auid", "uid", "euid", "tty", "ses", "comm", "exe", "SYSCALL", "UID", "AUID", "EUID"}

// keptSlots are the places of keptFields in a SYSCALL record.
var keptSlots = func() (slots [gKept]int) {
	for n, name := range keptFields {
		slots[n] = syscallType.slots[name]
	}
	return slots
}()

// auditGroup collects the records of one serial number.
type auditGroup struct {
	open   bool
	host   string
	time   event.Time
	serial uint64
	number uint64 // of the first record
	offset int64

	buf     []byte
	node    span
	kept    [gKept]span
	keys    [auditKeys]span
	syscall bool
	cwd     span
	address span
	port    span
	paths   []auditPath

	// EXECVE, which may come in several records, each continuing the argument in which the one before ended.
	args                 []span
	argc                 int
	argBytes             int // characters announced for the argument at hand that are still to come
	execved, execvePends bool
	execveNumber         uint64
	execveOffset         int64
}

type auditPath struct{ name, nametype span }

// auditGroups joins records. Serial numbers of several processors lie interleaved, so a few stay open at a time; one
// closes at its last record, or when the log has moved on by two seconds.
type auditGroups struct {
	out     *output
	groups  [maxGroups]auditGroup
	order   []int // open groups, oldest first
	slots   [maxAuditSlots]event.Value
	scratch []byte
	rec     event.Record
	parents [4096]auditParent
}

// auditParent is the program that a process number last ran.
type auditParent struct {
	host  string
	pid   uint64
	time  event.Time
	image []byte
	line  []byte
}

// add takes what joining needs of the record at hand.
func (g *auditGroups) add(a *auditRecords, number uint64, offset int64) {
	switch a.kind {
	case syscallType, pathType, cwdType, proctitleType, sockaddrType:
	default:
		return
	}
	i := g.find(a, number, offset)
	grp := &g.groups[i]
	g.sendExecve(grp)
	switch a.kind {
	case syscallType:
		grp.syscall = true
		for n, slot := range keptSlots {
			grp.kept[n] = grp.keep(a.slots[slot].Raw)
		}
		for n := range a.keys {
			grp.keys[n] = grp.keep(a.slots[a.kind.keySlot+n].Raw)
		}
		g.remember(grp)
	case pathType:
		if len(grp.paths) < maxGroupPaths {
			grp.paths = append(grp.paths, auditPath{grp.keep(a.text("name")), grp.keep(a.text("nametype"))})
		}
	case cwdType:
		grp.cwd = grp.keep(a.text("cwd"))
	case sockaddrType:
		grp.address, grp.port = grp.keep(a.text("address")), grp.keep(a.text("port"))
	case proctitleType:
		if grp.syscall {
			g.close(i)
		}
	}
}

// find returns the group of the record at hand, opening one if there is none.
func (g *auditGroups) find(a *auditRecords, number uint64, offset int64) int {
	serial, _ := strconv.ParseUint(string(a.serial), 10, 64)
	for n := len(g.order) - 1; n >= 0; n-- {
		if grp := &g.groups[g.order[n]]; grp.serial == serial && grp.time == a.time && grp.host == a.host {
			return g.order[n]
		}
	}
	for len(g.order) > 0 {
		oldest := &g.groups[g.order[0]]
		if len(g.order) < maxGroups && !(oldest.host == a.host && a.time.Sub(oldest.time) > groupWindow) {
			break
		}
		g.close(g.order[0])
	}
	free := 0
	for g.groups[free].open {
		free++
	}
	grp := &g.groups[free]
	buf, args, paths := grp.buf[:0], grp.args[:0], grp.paths[:0]
	if cap(buf) > 64<<10 {
		buf = nil
	}
	*grp = auditGroup{open: true, host: a.host, time: a.time, serial: serial, number: number, offset: offset, buf: buf, args: args, paths: paths}
	grp.node = grp.keep(a.slots[auditNode].Raw)
	g.order = append(g.order, free)
	return free
}

func (grp *auditGroup) keep(b []byte) span {
	from := len(grp.buf)
	if from+len(b) > maxGroupBytes {
		b = nil
	}
	grp.buf = append(grp.buf, b...)
	return span{from, len(grp.buf)}
}

func (grp *auditGroup) at(s span) []byte { return grp.buf[s.from:s.to] }

// execve reads an EXECVE record: argc=3 a0="sh" a1="-c" a2_len=12000 a2[0]=… and, in records that follow, a2[1]=….
func (g *auditGroups) execve(a *auditRecords, body []byte, number uint64, offset int64) {
	grp := &g.groups[g.find(a, number, offset)]
	if !grp.execved {
		grp.execved, grp.execveNumber, grp.execveOffset = true, number, offset
	}
	grp.execvePends = true
	for len(body) > 0 {
		if body[0] == ' ' || body[0] == enriched {
			body = body[1:]
			continue
		}
		eq := bytes.IndexByte(body, '=')
		if eq < 0 {
			break
		}
		key, v := body[:eq], body[eq+1:]
		quoted := len(v) > 0 && v[0] == '"'
		if quoted {
			v = v[1:]
			end := bytes.IndexByte(v, '"')
			if end < 0 {
				end = len(v)
			}
			v, body = v[:end], v[min(end+1, len(v)):]
		} else {
			v = word(v)
			body = body[eq+1+len(v):]
		}
		grp.argument(a, key, v, quoted)
	}
	if grp.argc > 0 && len(grp.args) >= grp.argc && grp.argBytes <= 0 {
		g.sendExecve(grp)
	}
}

// argument takes one pair of an EXECVE record.
func (grp *auditGroup) argument(a *auditRecords, key, v []byte, quoted bool) {
	if string(key) == "argc" {
		grp.argc, _ = strconv.Atoi(string(v))
		return
	}
	if len(key) < 2 || key[0] != 'a' || !digit(key[1]) || len(grp.args) >= maxGroupArgs {
		return
	}
	tail := trimDigits(key[1:])
	if string(tail) == "_len" {
		grp.argBytes, _ = strconv.Atoi(string(v))
		return
	}
	size := len(v)
	if !quoted {
		a.arena = a.arena[:0]
		v = a.decode(v)
	}
	if len(tail) == 0 {
		grp.args = append(grp.args, grp.keep(v))
		grp.argBytes = 0
		return
	}
	n, last := len(grp.args)-1, len(grp.buf)
	if string(tail) != "[0]" && n >= 0 && grp.args[n].to == last {
		grp.args[n].to = grp.keep(v).to
	} else {
		grp.args = append(grp.args, grp.keep(v))
	}
	grp.argBytes -= size
}

// sendExecve hands over the EXECVE event once all its records are read.
func (g *auditGroups) sendExecve(grp *auditGroup) {
	if !grp.execvePends {
		return
	}
	grp.execvePends = false
	s := executeType.schema
	g.rec = event.Record{Schema: s, Time: grp.time, Number: grp.execveNumber, Offset: grp.execveOffset, Host: grp.host}
	if g.out.want(s) {
		clear(g.slots[:s.Slots])
		g.scratch = strconv.AppendUint(g.scratch[:0], grp.serial, 10)
		digits := len(g.scratch)
		g.scratch = strconv.AppendInt(g.scratch, int64(grp.argc), 10)
		g.slots[auditNode] = textValue(grp.at(grp.node))
		g.slots[auditOwn] = event.Value{Type: event.Number, Raw: g.scratch[digits:]}
		rest := span{}
		for i, arg := range grp.args {
			if i < auditArgs {
				g.slots[auditOwn+1+i] = event.Value{Type: event.UTF8, Raw: grp.at(arg)}
			} else if i == auditArgs {
				rest = g.join(grp.args[i:], grp)
			}
		}
		g.slots[auditOwn+1+auditArgs] = textValue(g.scratch[rest.from:rest.to])
		g.slots[auditSerial] = event.Value{Type: event.Number, Raw: g.scratch[:digits]}
		g.rec.Slots = g.slots[:s.Slots]
	}
	g.out.take(&g.rec)
}

// join appends the arguments, joined by spaces, to scratch.
func (g *auditGroups) join(args []span, grp *auditGroup) span {
	from := len(g.scratch)
	for i, arg := range args {
		if i > 0 {
			g.scratch = append(g.scratch, ' ')
		}
		g.scratch = append(g.scratch, grp.at(arg)...)
	}
	return span{from, len(g.scratch)}
}

// flush closes all groups, oldest first.
func (g *auditGroups) flush() {
	for len(g.order) > 0 {
		g.close(g.order[0])
	}
}

// close hands over what the group's records make together.
func (g *auditGroups) close(i int) {
	grp := &g.groups[i]
	for n, o := range g.order {
		if o == i {
			g.order = append(g.order[:n], g.order[n+1:]...)
			break
		}
	}
	g.sendExecve(grp)
	grp.open = false
	failed := string(grp.at(grp.kept[gSuccess])) == "no"
	switch name := string(grp.at(grp.kept[gSyscall])); {
	case grp.execved && !failed && (name == "execve" || name == "execveat" || !grp.syscall):
		g.process(grp)
	case name == "connect" && grp.address.to > grp.address.from && (!failed || string(grp.at(grp.kept[gExit])) == "-115"): // EINPROGRESS
		g.scratch = g.scratch[:0]
		g.joined(grp, auditConnect, 4, grp.image(), textValue(grp.at(grp.address)), numberValue(grp.at(grp.port)), yes)
	case grp.syscall && !failed:
		g.files(grp)
	}
}

func (grp *auditGroup) image() event.Value { return textValue(grp.at(grp.kept[gExe])) }

func (g *auditGroups) process(grp *auditGroup) {
	image := grp.image()
	if image.IsNull() && len(grp.paths) > 0 {
		image = textValue(grp.at(grp.paths[0].name))
	}
	g.scratch = g.scratch[:0]
	line := g.join(grp.args, grp)
	command := textValue(g.scratch[line.from:line.to])
	var parentImage, parentLine event.Value
	if p := g.parent(grp, gPPID); p != nil && p.host == grp.host && grp.time.Sub(p.time) < parentMemory {
		parentImage, parentLine = textValue(p.image), textValue(p.line)
	}
	g.joined(grp, auditProcess, 5, image, command, parentImage, parentLine, numberValue(grp.at(grp.kept[gPPID])))
	if p := g.parent(grp, gPID); p != nil && p.pid == grp.pid(gPID) && p.host == grp.host {
		p.line = append(p.line[:0], command.Raw[:min(len(command.Raw), 4096)]...)
	}
}

// files hands over one event for each file that the group created or deleted.
func (g *auditGroups) files(grp *auditGroup) {
	for _, p := range grp.paths {
		schema := auditCreate
		switch string(grp.at(p.nametype)) {
		case "CREATE":
		case "DELETE":
			schema = auditDelete
		default:
			continue
		}
		g.scratch = g.scratch[:0]
		name := grp.at(p.name)
		if cwd := grp.at(grp.cwd); len(name) > 0 && name[0] != '/' && len(cwd) > 0 && cwd[0] == '/' {
			g.scratch = append(append(append(g.scratch, bytes.TrimRight(cwd, "/")...), '/'), bytes.TrimPrefix(name, []byte("./"))...)
			name = g.scratch
		}
		g.joined(grp, schema, 2, grp.image(), textValue(name))
	}
}

// joined hands over an event with its own fields first and the common ones behind.
func (g *auditGroups) joined(grp *auditGroup, s *event.Schema, own int, values ...event.Value) {
	g.rec = event.Record{Schema: s, Time: grp.time, Number: grp.number, Offset: grp.offset, Host: grp.host}
	if !g.out.want(s) {
		g.out.take(&g.rec)
		return
	}
	clear(g.slots[:s.Slots])
	copy(g.slots[:own], values)
	c := g.slots[own:s.Slots]
	text := func(slot, kept int) { c[slot] = textValue(grp.at(grp.kept[kept])) }
	c[0] = numberValue(grp.at(grp.kept[gPID]))
	text(1, gUserName)
	if c[1].IsNull() {
		text(1, gUID)
		if string(c[1].Raw) == "0" {
			c[1] = rootUser
		}
	}
	c[2] = textValue(grp.at(grp.cwd))
	for slot, kept := range []int{gSession, gTTY, gSuccess, gExit, gComm, gAUID, gUID, gEUID, gAUIDName, gUserName, gEUIDName} {
		text(3+slot, kept)
	}
	for n, k := range grp.keys {
		c[14+n] = textValue(grp.at(k))
	}
	from := len(g.scratch)
	g.scratch = strconv.AppendUint(g.scratch, grp.serial, 10)
	c[18] = event.Value{Type: event.Number, Raw: g.scratch[from:]}
	c[19] = textValue(grp.at(grp.node))
	g.rec.Slots = g.slots[:s.Slots]
	g.out.take(&g.rec)
}

// remember keeps the program that the group's process runs, for its children.
func (g *auditGroups) remember(grp *auditGroup) {
	p := g.parent(grp, gPID)
	exe := grp.at(grp.kept[gExe])
	if p == nil || len(exe) == 0 || len(exe) > 4096 {
		return
	}
	if p.host != grp.host || string(p.image) != string(exe) || p.pid != grp.pid(gPID) {
		p.line = p.line[:0]
	}
	p.host, p.pid, p.time = grp.host, grp.pid(gPID), grp.time
	p.image = append(p.image[:0], exe...)
}

func (grp *auditGroup) pid(kept int) uint64 {
	n, _ := strconv.ParseUint(string(grp.at(grp.kept[kept])), 10, 32)
	return n
}

// parent returns the place for the process whose number the group keeps; looked up for a parent, nil if another's.
func (g *auditGroups) parent(grp *auditGroup, kept int) *auditParent {
	n := grp.pid(kept)
	if n == 0 {
		return nil
	}
	p := &g.parents[n%uint64(len(g.parents))]
	if kept == gPPID && (p.pid != n || p.host != grp.host) {
		return nil
	}
	return p
}

// deriveAddress decodes a socket address from its hexadecimal form.
func (a *auditRecords) deriveAddress() {
	var raw [128]byte
	n, _ := hex.Decode(raw[:], bytes.TrimSpace(a.text("saddr")[:min(len(a.text("saddr")), 2*len(raw))&^1]))
	b := raw[:n]
	if len(b) < 2 {
		return
	}
	family := int(b[0]) | int(b[1])<<8
	if b[0] == 0 { // big-endian machine
		family = int(b[1])
	}
	if name := socketFamilies[family]; name != "" {
		a.set([]byte("family"), a.keep(name))
	}
	var addr netip.Addr
	switch {
	case family == 1:
		path := b[2:]
		if len(path) > 0 && path[0] == 0 { // abstract
			path[0] = '@'
		}
		if i := bytes.IndexByte(path, 0); i >= 0 {
			path = path[:i]
		}
		a.set([]byte("path"), a.keep(string(path)))
		return
	case family == 2 && len(b) >= 8:
		addr = netip.AddrFrom4([4]byte(b[4:8]))
	case family == 10 && len(b) >= 24:
		addr = netip.AddrFrom16([16]byte(b[8:24])).Unmap()
	default:
		return
	}
	start := len(a.arena)
	a.arena = addr.AppendTo(a.arena)
	a.set([]byte("address"), a.arena[start:])
	start = len(a.arena)
	a.arena = strconv.AppendUint(a.arena, uint64(b[2])<<8|uint64(b[3]), 10)
	a.set([]byte("port"), a.arena[start:])
}

var socketFamilies = map[int]string{1: "unix", 2: "inet", 10: "inet6", 15: "key", 16: "netlink", 17: "packet", 31: "bluetooth", 38: "alg", 40: "vsock", 44: "xdp"}
