package evidence

import (
	"bytes"
	"context"
	"path"
	"strings"

	"wardround/internal/event"
)

// packagesReader reads the logs of package managers: dpkg, apt (history and terminal), yum, dnf, zypper and pacman.
var packagesReader = reader{"packages", isPackageLog, readPackages}

// Slots of a package event.
const (
	pkgAction = iota
	pkgName
	pkgArch
	pkgOld
	pkgVersion
	pkgStatus
	pkgUser
	pkgCommand
	pkgSlots
)

var packageFields = []string{"action", "package", "architecture", "old_version", "version", "status", "user", "command"}

// packageForm is one kind of log.
type packageForm struct {
	schema *event.Schema
	fits   func(line []byte) bool // for the first lines of the file
	line   func(*packageLog, []byte)
}

func packageSchema(provider string) *event.Schema {
	return event.TextSchema(event.Source{Product: "linux", Channel: "packages", Provider: provider}, packageFields...)
}

var packageForms = []packageForm{
	{packageSchema("dpkg"), fitsDpkg, (*packageLog).dpkg},
	{packageSchema("apt"), fitsAptHistory, (*packageLog).aptHistory},
	{packageSchema("apt"), fitsAptTerm, (*packageLog).aptTerm},
	{packageSchema("yum"), fitsYum, (*packageLog).yum},
	{packageSchema("dnf"), fitsDnf, (*packageLog).dnf},
	{packageSchema("zypper"), fitsZypper, (*packageLog).zypper},
	{packageSchema("pacman"), fitsPacman, (*packageLog).pacman},
}

// choosePackageForm looks for a form that one of the first lines with text fits.
func choosePackageForm(head []byte) *packageForm {
	lines := 0
	for rest := head; len(rest) > 0 && lines < 12; {
		line := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			line, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		line = bytes.TrimRight(bytes.TrimLeft(line, "\x00"), "\r")
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		lines++
		for i := range packageForms {
			if packageForms[i].fits(line) {
				return &packageForms[i]
			}
		}
	}
	return nil
}

func isPackageLog(head []byte, name string) bool {
	if len(head) == 0 {
		return strings.HasPrefix(path.Base(name), "dpkg.log")
	}
	return choosePackageForm(head) != nil
}

// packageLog is one log being read.
type packageLog struct {
	in      *input
	ctx     context.Context
	out     *output
	clock   *wallClock
	years   yearWalk
	settled bool
	schema  *event.Schema
	want    bool
	rec     event.Record
	slots   [pkgSlots]event.Value
	local   bool
	offset  int64
	number  uint64

	at            event.Time // of the transaction, where one time heads several lines
	user, command []byte
	said          bool // the transaction's command has been handed over
}

func readPackages(ctx context.Context, in *input, out *output) error {
	l := newLines(ctx, in.Stream)
	form := choosePackageForm(l.buf[l.at:l.n])
	if form == nil {
		form = &packageForms[0]
	}
	p := &packageLog{in: in, ctx: ctx, out: out, clock: newWallClock(in.Options.Zone), schema: form.schema, want: out.want(form.schema), at: event.NoTime}
	for l.next() {
		if l.cut > 0 {
			out.damage(l.offset+maxLine, l.cut, "line longer than 8 MiB")
		}
		if !isText(l.text) {
			out.damage(l.offset, int64(len(l.text)), "binary bytes in a text log")
			continue
		}
		p.number, p.offset = l.number, l.offset
		if text := bytes.TrimRight(l.text, " \r"); len(text) > 0 {
			form.line(p, text)
		}
	}
	if p.local && in.Options.Zone == nil {
		out.note("times without a zone read as UTC")
	}
	return l.fail()
}

// set fills a slot of the event that take will hand over.
func (p *packageLog) set(slot int, b []byte) { p.slots[slot] = textValue(b) }

// take hands over the event and empties the slots.
func (p *packageLog) take(at event.Time) {
	p.rec = event.Record{Schema: p.schema, Time: at, Number: p.number, Offset: p.offset}
	if p.want {
		p.rec.Slots = p.slots[:]
	}
	p.out.take(&p.rec)
	clear(p.slots[:])
}

func (p *packageLog) unreadable(line []byte) {
	p.out.damage(p.offset, int64(len(line)), "line that is no entry of a package log")
}

// time is the instant of s, with the note that a local time calls for.
func (p *packageLog) time(s *logStamp) event.Time {
	p.local = p.local || !s.zoned
	return p.clock.at(s)
}

// name parts "libc6:amd64" into package and architecture.
func (p *packageLog) name(b []byte) {
	if i := bytes.LastIndexByte(b, ':'); i > 0 {
		p.set(pkgArch, b[i+1:])
		b = b[:i]
	}
	p.set(pkgName, b)
}

// fitsDpkg: "2016-08-06 17:35:39 install base-passwd:amd64 <none> 3.5.33".
func fitsDpkg(line []byte) bool {
	var s logStamp
	if n := readISO(line, &s); n != 19 || len(line) < 24 {
		return false
	}
	switch string(word(line[20:])) {
	case "startup", "install", "upgrade", "remove", "purge", "trigproc", "configure", "status", "conffile", "disappear":
		return true
	}
	return false
}

func (p *packageLog) dpkg(line []byte) {
	var s logStamp
	if !fitsDpkg(line) || readISO(line, &s) == 0 {
		p.unreadable(line)
		return
	}
	w := bytes.Fields(line[20:])
	p.set(pkgAction, w[0])
	switch verb := string(w[0]); {
	case verb == "startup":
		p.set(pkgStatus, bytes.TrimSpace(line[20+len("startup"):]))
	case verb == "status" && len(w) >= 3:
		p.set(pkgStatus, w[1])
		p.name(w[2])
		if len(w) > 3 {
			p.set(pkgVersion, w[3])
		}
	case verb == "conffile" && len(w) >= 2:
		p.set(pkgName, w[1])
		p.set(pkgStatus, w[len(w)-1])
	case len(w) >= 4:
		p.name(w[1])
		p.dpkgVersion(pkgOld, w[2])
		p.dpkgVersion(pkgVersion, w[3])
	}
	p.take(p.time(&s))
}

func (p *packageLog) dpkgVersion(slot int, b []byte) {
	if string(b) != "<none>" {
		p.set(slot, b)
	}
}

func fitsAptHistory(line []byte) bool {
	var s logStamp
	return hasPrefix(line, "Start-Date: ") && aptTime(line[12:], &s)
}

// aptTime reads a time with two spaces between date and clock.
func aptTime(b []byte, s *logStamp) bool {
	if len(b) < 20 || b[10] != ' ' || b[11] != ' ' {
		return false
	}
	var one [19]byte
	copy(one[:], b[:10])
	copy(one[10:], b[11:20])
	return readISO(one[:], s) > 0
}

// aptHistory reads stanzas: Start-Date, Commandline, Requested-By, then lists of packages by what was done to them.
func (p *packageLog) aptHistory(line []byte) {
	key, value, ok := bytes.Cut(line, []byte(": "))
	if !ok {
		p.unreadable(line)
		return
	}
	var s logStamp
	switch string(key) {
	case "Start-Date":
		p.at, p.user, p.command, p.said = event.NoTime, p.user[:0], p.command[:0], false
		if aptTime(value, &s) {
			p.at = p.time(&s)
		}
	case "Commandline":
		p.command = append(p.command[:0], value...)
	case "Requested-By":
		p.user = append(p.user[:0], word(value)...)
	case "Install", "Upgrade", "Remove", "Purge", "Downgrade", "Reinstall":
		p.say()
		p.aptPackages(key, value)
	case "Error":
		p.say()
		p.set(pkgAction, []byte("error"))
		p.set(pkgStatus, value)
		p.take(p.at)
	case "End-Date":
		p.say()
	}
}

// say hands over the command that a transaction began with, once.
func (p *packageLog) say() {
	if p.said || len(p.command) == 0 {
		return
	}
	p.said = true
	p.set(pkgAction, []byte("command"))
	p.set(pkgCommand, p.command)
	p.set(pkgUser, p.user)
	p.take(p.at)
}

// aptPackages reads "curl:amd64 (7.88, automatic), jq:amd64 (1.5, 1.6)".
func (p *packageLog) aptPackages(verb, list []byte) {
	for len(list) > 0 {
		name := list
		inside := []byte(nil)
		if open := bytes.Index(list, []byte(" (")); open >= 0 {
			name = list[:open]
			inside = cut(list[open:], "(", ")")
			list = bytes.TrimPrefix(list[min(open+2+len(inside)+1, len(list)):], []byte(", "))
		} else {
			list = nil
		}
		p.set(pkgAction, bytes.ToLower(verb))
		p.name(name)
		p.set(pkgUser, p.user)
		p.set(pkgCommand, p.command)
		first, second, two := bytes.Cut(inside, []byte(", "))
		switch {
		case two && string(second) != "automatic":
			p.set(pkgOld, first)
			p.set(pkgVersion, second)
		default:
			p.set(pkgVersion, first)
		}
		p.take(p.at)
	}
}

func fitsAptTerm(line []byte) bool {
	var s logStamp
	return hasPrefix(line, "Log started: ") && aptTime(line[13:], &s)
}

// aptTerm reads what dpkg printed: "Unpacking curl (7.88) over (7.87) ...", "Removing curl (7.88) ...".
func (p *packageLog) aptTerm(line []byte) {
	var s logStamp
	if hasPrefix(line, "Log started: ") && aptTime(line[13:], &s) {
		p.at = p.time(&s)
		return
	}
	for _, v := range []struct{ prefix, action string }{{"Unpacking ", "unpack"}, {"Setting up ", "configure"}, {"Removing ", "remove"}, {"Purging configuration files for ", "purge"}} {
		if !hasPrefix(line, v.prefix) {
			continue
		}
		rest := line[len(v.prefix):]
		p.set(pkgAction, []byte(v.action))
		p.name(word(rest))
		p.set(pkgVersion, cut(rest, "(", ")"))
		p.set(pkgOld, cut(rest, " over (", ")"))
		p.take(p.at)
	}
}

var rpmVerbs = map[string]string{"Installed": "install", "Updated": "upgrade", "Erased": "remove", "Dep-Installed": "install", "Upgraded": "upgrade", "Upgrade": "upgrade",
	"Removed": "remove", "Erase": "remove", "Reinstalled": "reinstall", "Reinstall": "reinstall", "Downgraded": "downgrade", "Downgrade": "downgrade", "Install": "install", "Obsoleted": "obsolete", "Obsoleting": "obsolete"}

// rpmEntry reads "Installed: 1:vim-8.0-1.el7.x86_64".
func (p *packageLog) rpmEntry(b []byte) bool {
	verb, name, ok := bytes.Cut(b, []byte(": "))
	action, known := rpmVerbs[string(verb)]
	if !ok || !known {
		return false
	}
	p.set(pkgAction, []byte(action))
	if i := bytes.LastIndexByte(name, '.'); i > 0 {
		if a := name[i+1:]; string(a) == "noarch" || string(a) == "x86_64" || string(a) == "i686" || string(a) == "i386" || string(a) == "aarch64" || string(a) == "s390x" || string(a) == "ppc64le" {
			p.set(pkgArch, a)
			name = name[:i]
		}
	}
	if release := bytes.LastIndexByte(name, '-'); release > 0 {
		if version := bytes.LastIndexByte(name[:release], '-'); version > 0 && version+1 < len(name) && digit(name[version+1]) {
			p.set(pkgVersion, name[version+1:])
			name = name[:version]
		}
	}
	p.set(pkgName, name)
	return true
}

// fitsYum: "Nov 23 01:37:49 Installed: vim-8.0-1.el7.x86_64".
func fitsYum(line []byte) bool {
	var s logStamp
	n := readMonthDay(line, &s)
	if n == 0 || s.month == 0 || readClock(line[n:], &s) != 8 || len(line) < n+10 {
		return false
	}
	verb, _, ok := bytes.Cut(line[n+9:], []byte(": "))
	return ok && rpmVerbs[string(verb)] != ""
}

func (p *packageLog) yum(line []byte) {
	var s logStamp
	n := readMonthDay(line, &s)
	if n == 0 || s.month == 0 || readClock(line[n:], &s) != 8 || len(line) < n+10 || !p.rpmEntry(line[n+9:]) {
		p.unreadable(line)
		return
	}
	if !p.settled {
		p.settled = true
		p.years.lookAhead(p.ctx, p.in, p.out, p.clock)
	}
	p.years.walk(&s, nil, p.clock)
	s.year = p.years.year()
	p.take(p.time(&s))
}

// dnfEntry reads "2022-11-23T01:37:49+0530 SUBDEBUG " and returns what follows.
func dnfEntry(line []byte, s *logStamp) []byte {
	n := readISO(line, s)
	if n == 0 || line[10] != 'T' || !s.zoned || n+1 >= len(line) || line[n] != ' ' {
		return nil
	}
	level := word(line[n+1:])
	switch string(level) {
	case "INFO", "DEBUG", "DDEBUG", "SUBDEBUG", "WARNING", "ERROR", "CRITICAL":
		return bytes.TrimLeft(line[min(n+1+len(level)+1, len(line)):], " ")
	}
	return nil
}

func fitsDnf(line []byte) bool {
	var s logStamp
	rest := dnfEntry(line, &s)
	if rest == nil {
		return false
	}
	verb, _, ok := bytes.Cut(rest, []byte(": "))
	return string(rest) == "--- logging initialized ---" || ok && (rpmVerbs[string(verb)] != "" || string(verb) == "Command") || hasPrefix(rest, "DNF version")
}

// dnf reads dnf.rpm.log, and of dnf.log the commands; what else dnf tells is of its own workings.
func (p *packageLog) dnf(line []byte) {
	var s logStamp
	rest := dnfEntry(line, &s)
	switch {
	case rest == nil:
	case hasPrefix(rest, "Command: "):
		p.set(pkgAction, []byte("command"))
		p.set(pkgCommand, rest[9:])
		p.take(p.time(&s))
	case p.rpmEntry(rest):
		p.take(p.time(&s))
	}
}

// fitsZypper: "2022-11-23 01:37:49|install|vim|8.0|x86_64|root@host|repo|checksum|".
func fitsZypper(line []byte) bool {
	var s logStamp
	return readISO(line, &s) == 19 && len(line) > 20 && line[19] == '|' && bytes.Count(line, []byte("|")) >= 3
}

func (p *packageLog) zypper(line []byte) {
	if line[0] == '#' {
		return
	}
	var s logStamp
	if !fitsZypper(line) || readISO(line, &s) == 0 {
		p.unreadable(line)
		return
	}
	w := bytes.Split(line[20:], []byte("|"))
	p.set(pkgAction, bytes.TrimSpace(w[0]))
	switch verb := string(bytes.TrimSpace(w[0])); {
	case verb == "command" && len(w) >= 3:
		p.set(pkgUser, w[1])
		p.set(pkgCommand, w[2])
	case len(w) >= 4 && (verb == "install" || verb == "remove"):
		p.set(pkgName, w[1])
		p.set(pkgVersion, w[2])
		p.set(pkgArch, w[3])
		if len(w) > 4 {
			p.set(pkgUser, w[4])
		}
	default:
		p.set(pkgName, w[1])
	}
	p.take(p.time(&s))
}

// fitsPacman: "[2022-11-23T01:37:49+0530] [ALPM] installed vim (8.0-1)".
func fitsPacman(line []byte) bool {
	var s logStamp
	return line[0] == '[' && readISO(line[1:], &s) > 0 && (bytes.Contains(line, []byte("] [ALPM")) || bytes.Contains(line, []byte("] [PACMAN]")))
}

func (p *packageLog) pacman(line []byte) {
	var s logStamp
	n := 0
	if line[0] == '[' {
		n = readISO(line[1:], &s)
	}
	if n == 0 {
		p.unreadable(line)
		return
	}
	rest := cut(line, "] [", "")
	tag, rest, _ := bytes.Cut(rest, []byte("] "))
	switch verb := string(word(rest)); {
	case string(tag) == "PACMAN" && hasPrefix(rest, "Running '"):
		p.set(pkgAction, []byte("command"))
		p.set(pkgCommand, cut(rest, "'", "'"))
	case string(tag) == "ALPM" && (verb == "installed" || verb == "removed" || verb == "upgraded" || verb == "downgraded" || verb == "reinstalled"):
		p.set(pkgAction, word(rest))
		p.set(pkgName, word(rest[min(len(verb)+1, len(rest)):]))
		old, now, two := bytes.Cut(cut(rest, "(", ")"), []byte(" -> "))
		if two {
			p.set(pkgOld, old)
		} else {
			now = old
		}
		p.set(pkgVersion, now)
	default:
		return
	}
	p.take(p.time(&s))
}
